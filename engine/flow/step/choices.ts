/** The choices of a context: which of them are open now, and which of those match a search. */
import type { ContextChoice } from '../../script/model.ts';
import type { Json } from '../../script/runner.ts';
import type { ContextPrepared } from '../facts.ts';

/** A choice with its number, which no other choice of the flow has. */
export interface NumberedChoice {
  readonly index: number;
  readonly choice: ContextChoice;
}

/** What kind of record a choice is: the name that the token response gives it. */
export function kindOf({ contextType }: Pick<ContextChoice, 'contextType'>): string {
  return contextType.toLowerCase();
}

/** The kinds that are settled: what the launch named, and what was chosen. */
export function settledKinds({ launchParameters, chosen = [] }: Pick<ContextPrepared, 'launchParameters' | 'chosen'>) {
  const kinds = new Set(['patient', 'encounter', ...chosen.map(kindOf)]);
  return Object.fromEntries(Object.entries(launchParameters).filter(([name]) => kinds.has(name)));
}

/**
 * Whether a choice goes with what is settled: a visit of another patient does not. `launchParameters` of a choice say to
 * whom it belongs.
 */
export function fits(choice: ContextChoice, facts: Pick<ContextPrepared, 'launchParameters' | 'chosen'>): boolean {
  if (facts.launchParameters[kindOf(choice)] !== undefined) return false;
  return Object.entries(settledKinds(facts)).every(([kind, settled]) => {
    const own = choice.launchParameters?.[kind];
    return own === undefined || bare(own) === bare(settled);
  });
}

/** `Patient/jane` and `jane` name the same record. */
function bare(value: Json): Json {
  return typeof value === 'string' ? value.replace(/^[A-Za-z]+\//, '') : value;
}

/** The choices that a person is asked for now: those of the first kind that is not settled. */
export function openChoices(facts: ContextPrepared): readonly NumberedChoice[] {
  const first = facts.firstChoice ?? 0;
  const fitting = facts.choices
    .map((choice, place) => ({ index: first + place, choice }))
    .filter(({ choice }) => fits(choice, facts));
  const [next] = fitting;
  return next ? fitting.filter(({ choice }) => kindOf(choice) === kindOf(next.choice)) : [];
}

/**
 * The choices that match a search. Accents and case do not matter, and a birth date may be written as people do:
 * `2.6.1984`, or with slashes in either order.
 */
export function searchChoices(choices: readonly NumberedChoice[], search: string): readonly NumberedChoice[] {
  const words = plain(search)
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => [word, ...datesOf(word)]);
  return choices.filter(({ choice }) => {
    const text = plain([choice.display, choice.birthDate, choice.identifier, choice.sex].join(' '));
    return words.every((readings) => readings.some((reading) => text.includes(reading)));
  });
}

function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

/** The ISO dates a word may mean. */
function datesOf(word: string): readonly string[] {
  const [, one = '', dot = '', other = '', year = ''] = /^(\d{1,2})([./])(\d{1,2})[./](\d{4})$/.exec(word) ?? [];
  if (year === '') return [];
  const date = (day: string, month: string) => `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  return dot === '.' ? [date(one, other)] : [date(one, other), date(other, one)];
}
