/** One line of the tables in docs/script-api.md, exercised: what a script does with it, and what comes of that. */
import type { HookName, Json } from '../../../engine/script/runner.ts';

export interface Row {
  readonly hook: HookName;
  /** An expression, or a function's body where it begins with a brace. It may await. */
  readonly run: string;
  /** What it comes to, as JSON. */
  readonly expected: unknown;
  /** Given to the hook in place of what it is given otherwise. */
  readonly input?: Json;
  /** Stands at the top of the script: imports. */
  readonly top?: string;
  /** Where the property is, so that its Java accessors are tried as well. */
  readonly on?: string;
}

export type Rows = Readonly<Record<string, Row>>;

/** Something a script does in a hook. */
export function does(hook: HookName, run: string, expected: unknown): Row {
  return { hook, run, expected };
}

/** Properties of one object, by their names. */
export function holds(hook: HookName, model: string, on: string, values: Readonly<Record<string, unknown>>): Rows {
  return Object.fromEntries(
    Object.entries(values).map(([name, expected]) => [
      `${model}.${name}`,
      { hook, run: `${on}.${name}`, expected, on } satisfies Row,
    ]),
  );
}

/** The same rows, run in a module that imports these. */
export function importing(top: string, rows: Rows): Rows {
  return Object.fromEntries(Object.entries(rows).map(([key, row]) => [key, { ...row, top }]));
}
