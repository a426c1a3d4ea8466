/** The choices of a context: which of them are open now, and which of those match a search. */
import { datesOf } from '../../fhir/typed-date.ts';
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

/** The launch's own word and the person's come before what the script offered. */
export function withOffered({
  launchParameters,
  session,
}: Pick<ContextPrepared, 'launchParameters' | 'session'>): Readonly<Record<string, Json>> {
  const all = { ...launchParameters };
  for (const { resourceType, resourceId } of session.launchResourceIds) all[resourceType.toLowerCase()] ??= resourceId;
  return all;
}

/** Whether the granted scopes cannot do without a patient (SMART App Launch 2.2, section 3.0.3). */
export function needsPatient(scopes: readonly string[]): boolean {
  return scopes.some((scope) => scope.startsWith('patient/') || /^launch\/patient($|\?)/.test(scope));
}

/** The kinds of context that the app asks for, and that nothing has named so far. */
export function missingKinds(facts: ContextPrepared): ReadonlySet<string> {
  const known = withOffered(facts);
  const asked = facts.grantableScopes.flatMap((scope) => /^launch\/([a-z]+)/.exec(scope)?.[1] ?? []);
  if (needsPatient(facts.grantableScopes)) asked.push('patient');
  return new Set(asked.filter((kind) => known[kind] === undefined));
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
