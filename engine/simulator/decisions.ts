/**
 * What the person does at each state that waits. A new wait of the interactive flow does not compile without a row here.
 */
import type { interactive } from '../flow/interactive.ts';
import type { ContextPrepared } from '../flow/facts.ts';
import { openChoices } from '../flow/step/choices.ts';
import type { PageViews } from '../page/view.ts';
import type { Json } from '../script/runner.ts';
import { didYouMean, escapePointer, problem, type Problem } from '../tenant/problem.ts';
import type { CompletePlan } from './plan.ts';

/** A word of the state's row, or the fields of its form, laid over those of what people do unless told. */
export type Decision = string | Readonly<Record<string, Json>>;

type Wait = (typeof interactive)['waits'][number];
export type Fields = Readonly<Record<string, unknown>>;
type Facts = Readonly<Record<string, unknown>>;
/** The choices that the page shows, with what its form sends for each. */
type ShownChoices = PageViews['context']['choices'];

interface Row {
  /** The first one is what people do unless told. */
  readonly words: Readonly<Record<string, (plan: CompletePlan, facts: Facts, shown: ShownChoices) => Fields>>;
  /** Takes a text that is none of the words; undefined where it means nothing. */
  readonly other?: (text: string, facts: Facts, shown: ShownChoices) => Fields | undefined;
}

/** The right password of everybody in a simulation. */
export const rightPassword = 'the right password';
/** The right code of everybody's second factor. */
export const rightCode = '000000';
const wrongPassword = 'a wrong password';
const wrongCode = '999999';
const newPassword = 'a quiet lamp near the harbour 27';

/** People close the window at any page. */
const leave = 'leave';

/** The choices of the page as it stands, with the numbers that its form sends. */
function choicesOf(facts: Facts): ReturnType<typeof openChoices> {
  return openChoices(facts as unknown as ContextPrepared);
}

/** The hidden field of the page: how many choices were made before. */
function stepOf({ past = [] }: Facts): string {
  return String((past as readonly unknown[]).length);
}

const cancel = () => ({ do: 'cancel' });
const code = (typed: string) => () => ({ code: typed });

const rows: Readonly<Record<Wait, Row>> = {
  login: {
    words: {
      'log-in': ({ flow, user = '', provider }) =>
        flow === 'federated' && provider
          ? { provider: provider.id }
          : { username: user, password: rightPassword, do: 'login' },
      'wrong-password': ({ user = '' }) => ({ username: user, password: wrongPassword, do: 'login' }),
      cancel,
    },
  },
  'existing account': {
    words: {
      prove: () => ({ password: rightPassword, do: 'link' }),
      'wrong-password': () => ({ password: wrongPassword, do: 'link' }),
      alone: () => ({ do: 'alone' }),
      cancel,
    },
  },
  'second factor': { words: { prove: code(rightCode), 'wrong-code': code(wrongCode), cancel } },
  'second factor setup': { words: { confirm: code(rightCode), 'wrong-code': code(wrongCode), cancel } },
  'recovery codes': { words: { note: () => ({ do: 'saved' }) } },
  'new password': { words: { choose: () => ({ password: newPassword, again: newPassword, do: 'save' }), cancel } },
  'at the provider': { words: { answer: () => ({}), return: () => ({ returned: true }) } },
  context: {
    words: {
      first: (_plan, facts, [first]) => ({ choice: String(choicesOf(facts)[0]?.index ?? first?.index), do: 'choose' }),
      back: (_plan, facts) => ({ step: stepOf(facts), do: 'back' }),
      skip: (_plan, facts) => ({ step: stepOf(facts), do: 'skip' }),
      cancel,
    },
    other(text, facts, shown) {
      const offered = choicesOf(facts).find(({ choice }) => [choice.resourceId, choice.display].includes(text));
      // What a search found stands on the page alone: `Patient/jane`.
      const found =
        offered ??
        shown.find(({ index, display }) => [display, String(index).replace(/^[A-Za-z]+\//, '')].includes(text));
      return found && { choice: String(found.index), do: 'choose' };
    },
  },
  terms: { words: { accept: () => ({ do: 'accept' }), decline: () => ({ do: 'reject' }) } },
  consent: {
    words: {
      approve: (_plan, { grantableScopes }) => ({ do: 'approve', scope: grantableScopes }),
      decline: () => ({ do: 'deny' }),
    },
  },
  code: { words: { redeem: () => ({}) } },
};

const names = Object.keys(rows);

/** The words of each state at which somebody decides, the usual one first. */
export function decisionWords(): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(Object.entries(rows).map(([name, { words }]) => [name, [...Object.keys(words), leave]]));
}

/** What cannot be decided so: a state that waits for nobody, a word that its page does not have. */
export function decisionProblems(decisions: CompletePlan['decisions'], file: string): readonly Problem[] {
  return Object.entries(decisions).flatMap(([state, decided]) => {
    const pointer = `/given/decisions/${escapePointer(state)}`;
    const row: Row | undefined = Object.hasOwn(rows, state) ? rows[state as Wait] : undefined;
    if (!row)
      return [problem('unknown', file, pointer, `"${state}"`, `one of ${names.join(', ')}`, didYouMean(state, names))];
    const words = [...Object.keys(row.words), leave];
    return [decided]
      .flat()
      .filter((each) => typeof each === 'string' && !words.includes(each) && !row.other)
      .map((each) =>
        problem(
          'unknown',
          file,
          pointer,
          JSON.stringify(each),
          `one of ${words.join(', ')}`,
          didYouMean(each as string, words),
        ),
      );
  });
}

export type Decided =
  { readonly kind: 'answer'; readonly fields: Fields } | { readonly kind: 'leave'; readonly why?: string };

/**
 * @param visit how often the state was come to before: a list of decisions is gone through.
 * @param again whether the page came again, as what was sent did not suffice: nobody tries the same twice.
 * @param shown the choices on the page, where it has some.
 */
export function decide(
  { state, visit, again }: { readonly state: string; readonly visit: number; readonly again: boolean },
  plan: CompletePlan,
  facts: Facts,
  shown: ShownChoices = [],
): Decided {
  const row: Row | undefined = Object.hasOwn(rows, state) ? rows[state as Wait] : undefined;
  if (!row) return { kind: 'leave', why: `nobody knows what to do at ${state}` };
  const [usual] = Object.values(row.words);
  const given = plan.decisions[state];
  const list: readonly (Decision | undefined)[] = given === undefined ? [undefined] : ([given].flat() as Decision[]);
  if (again && visit >= list.length) return { kind: 'leave' };
  const decision = list[Math.min(visit, list.length - 1)];
  const usually = () => usual?.(plan, facts, shown) ?? {};
  if (decision === undefined) return { kind: 'answer', fields: usually() };
  if (decision === leave) return { kind: 'leave' };
  if (typeof decision !== 'string') return { kind: 'answer', fields: { ...usually(), ...decision } };
  const word = Object.hasOwn(row.words, decision) ? row.words[decision] : undefined;
  const fields = word ? word(plan, facts, shown) : row.other?.(decision, facts, shown);
  return fields ? { kind: 'answer', fields } : { kind: 'leave', why: `there is no "${decision}" at ${state}` };
}
