/**
 * A flow is data: a table of states. `defineFlow` checks the table at compile time: a transition may lead only to a
 * state whose entry facts are all known by then, so steps in a wrong order do not compile.
 */
import type { HookName } from '../script/runner.ts';
import type { ScriptSlot } from '../tenant/scripts.ts';
import type { Ports } from './ports.ts';

/** Why a flow ended without success. Only `error` and `description` reach the app; `reason` goes to audit and trace. */
export interface Rejection {
  readonly kind: 'reject';
  readonly error: string;
  readonly description: string;
  /** A stable code for operators, e.g. `redirect-uri-mismatch`. */
  readonly reason: string;
  /** `person`: shown on a page because the app must not be told (RFC 6749 section 4.1.2.1). */
  readonly tell: 'app' | 'person';
  /** Status and headers of a token endpoint's answer. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Moves on by `outcome`; `reveal` is handed to the caller once and never persisted; `handles` are stored hashed names. */
export interface Moved<Name, Gives> {
  readonly kind: 'continue';
  readonly outcome: Name;
  readonly gives: Gives;
  readonly reveal?: Readonly<Record<string, unknown>>;
  readonly handles?: readonly { readonly kind: string; readonly hash: string }[];
}

/** The input did not suffice: the same wait again, with a word on what is missing. */
export interface Again {
  readonly kind: 'again';
  readonly error?: string;
  readonly view?: Readonly<Record<string, string>>;
}

export type StepResult<Outcomes> =
  { [Name in keyof Outcomes]: Moved<Name, Outcomes[Name]> }[keyof Outcomes] | Rejection;

type Leads = Readonly<Record<string, string>>;
type MaybePromise<Value> = Promise<Value> | Value;

export interface StepState {
  readonly kind: 'step';
  readonly does: string;
  run(facts: never, ports: Ports): MaybePromise<Moved<string, unknown> | Rejection>;
  readonly leads: Leads;
}

export interface WaitState {
  readonly kind: 'wait';
  readonly does: string;
  readonly waitsFor: 'person' | 'provider' | 'app';
  accept(
    facts: never,
    input: Readonly<Record<string, unknown>>,
    ports: Ports,
  ): MaybePromise<Moved<string, unknown> | Rejection | Again>;
  /** How long the wait lasts, seconds. */
  expiresIn(ports: Ports): number;
  readonly leads: Leads;
}

/** How a hook reads and changes the facts. `read` answers undefined when nothing is to be asked. */
export interface HookBinding<Entry, Gives> {
  readonly hook: HookName;
  read(facts: Entry, ports: Ports): Promise<HookCall | undefined> | HookCall | undefined;
  /** What holds when no callback is configured. */
  without(facts: Entry, ports: Ports): Gives | Rejection;
  /** Checks and takes over the callback's effect, already valid by its JSON Schema. */
  apply(facts: Entry, effect: unknown, ports: Ports): Promise<Gives | Rejection> | Gives | Rejection;
  /** Undoes what happened before the hook when it fails. */
  undo?(facts: Entry, ports: Ports): Promise<void>;
}

export interface HookCall {
  /** Whose script runs; which version of it is the flow's matter. */
  readonly slot: ScriptSlot;
  readonly input: unknown;
}

export interface HookState {
  readonly kind: 'hook';
  readonly does: string;
  readonly binding: HookBinding<never, unknown>;
  readonly leads: { readonly continue: string };
}

export interface EndState {
  readonly kind: 'end';
  readonly does: string;
  /** Who the success is recorded for in the audit trail. */
  audit(facts: never): { readonly clientId?: string; readonly userId?: string };
}

export type AnyState = StepState | WaitState | HookState | EndState;

/** The facts a state needs on entry, read off the function it runs. */
type Entry<State> = State extends { run(facts: infer Facts, ports: Ports): unknown }
  ? Facts
  : State extends { accept(facts: infer Facts, input: Readonly<Record<string, unknown>>, ports: Ports): unknown }
    ? Facts
    : State extends { binding: { without(facts: infer Facts, ports: Ports): unknown } }
      ? Facts
      : State extends { audit(facts: infer Facts): unknown }
        ? Facts
        : never;

type MovesOf<Result> = {
  [Move in Extract<Awaited<Result>, Moved<string, unknown>> as Move['outcome']]: Move['gives'];
};

/** The outcomes of a state and the facts each of them gives, read off what its function answers. */
type Outcomes<State> = State extends { run(facts: never, ports: Ports): infer Result }
  ? MovesOf<Result>
  : State extends { accept(facts: never, input: never, ports: Ports): infer Result }
    ? MovesOf<Result>
    : State extends { binding: HookBinding<never, infer Gives> }
      ? { continue: Gives }
      : never;

/** Names of the states that may be entered with these facts. */
type Enterable<Table, Facts> = { [Name in keyof Table]: Facts extends Entry<Table[Name]> ? Name : never }[keyof Table];

export type CheckedTable<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends { readonly leads: unknown }
    ? {
        readonly leads: {
          readonly [Outcome in keyof Outcomes<Table[Name]>]: Enterable<
            Table,
            Omit<Entry<Table[Name]>, keyof Outcomes<Table[Name]>[Outcome]> & Outcomes<Table[Name]>[Outcome]
          >;
        };
      }
    : unknown;
};

export interface Flow {
  readonly name: string;
  readonly title: string;
  readonly first: string;
  readonly states: Readonly<Record<string, AnyState>>;
}

type WaitNames<Table> = {
  [Name in keyof Table & string]: Table[Name] extends { readonly kind: 'wait' } ? Name : never;
}[keyof Table & string];

/** Makes a flow of a table; compiling it is the check of its order. `waits` names the states that wait, also in its type. */
export function defineFlow<const Table extends Readonly<Record<string, AnyState>>>(
  name: string,
  title: string,
  first: keyof Table & string,
  states: Table & CheckedTable<Table>,
): Flow & { readonly waits: readonly WaitNames<Table>[] } {
  const waits = Object.keys(states).filter((state) => states[state]?.kind === 'wait') as WaitNames<Table>[];
  return { name, title, first, states, waits };
}

/** Shorthands for the values that steps answer. */
export function move<Name extends string, Gives>(
  outcome: Name,
  gives: Gives,
  extra: Pick<Moved<Name, Gives>, 'reveal' | 'handles'> = {},
): Moved<Name, Gives> {
  return { kind: 'continue', outcome, gives, ...extra };
}

export function reject(
  error: string,
  description: string,
  reason: string,
  extra: Partial<Pick<Rejection, 'tell' | 'status' | 'headers'>> = {},
): Rejection {
  return { kind: 'reject', error, description, reason, tell: 'app', ...extra };
}
