/** A hook of a flow that happened, as a case: the same input, and what came of it as what is expected. */
import { isStandIn } from '../../flow/redact.ts';
import type { HookTrace, TraceEntry } from '../../flow/trace.ts';
import type { Json } from '../runner.ts';
import type { CaseDocument } from './document.ts';

/** A hook that ran within a trace whose values were kept. */
export interface KeptHook {
  readonly at: number;
  readonly hook: HookTrace & { readonly before: Json };
}

export function keptHooks(entries: readonly TraceEntry[]): readonly KeptHook[] {
  return entries.flatMap(({ at, hook }) =>
    hook !== undefined && hook.before !== undefined ? [{ at, hook: hook as KeptHook['hook'] }] : [],
  );
}

/**
 * A trace does not hold what other hosts answered, nor the queries of what was asked: the case answers each call with
 * its status and nothing more. Where the values are stand-ins, the case is about these; what the script made that was
 * replaced then, and did not come from its input, may now be anything.
 */
export function caseOf(flow: string, { at, hook }: KeptHook): CaseDocument {
  const calls = hook.calls.flatMap(({ target, outcome }) => {
    const [method, url] = target.split(' ', 2);
    if (method === undefined || url === undefined) return [];
    const status = /^[1-5]\d\d$/.test(outcome) ? Number(outcome) : undefined;
    return [{ method, url: `${url}*`, headers: {}, status: status ?? 200, unreachable: status === undefined }];
  });
  return {
    name: `${hook.name} in the flow ${flow} of ${new Date(at).toISOString()}`,
    slot: hook.slot,
    hook: hook.name,
    input: hook.before as Readonly<Record<string, Json>>,
    now: new Date(at).toISOString(),
    calls: [...new Map(calls.map((call) => [`${call.method} ${call.url}`, call])).values()],
    expect: {
      outcome: (hook.kind ?? 'ok') as CaseDocument['expect']['outcome'],
      ...(hook.after === undefined ? {} : { effect: comparable(hook.after as Json, hook.before) }),
      ...(hook.calls.length > 0 ? { calls: hook.calls.map(({ target }) => target) } : {}),
    },
  };
}

/** Whether a recorded value says nothing of what stood there: it was replaced, and is none of what the script was given. */
function isOpen(value: Json | undefined, known: ReadonlySet<string>): boolean {
  return value === 0 || (typeof value === 'string' && isStandIn(value) && !known.has(value));
}

/** What came now, with the record's own stand-ins where these may be anything, so that only what differs is other. */
export function likeRecorded(recorded: Json | undefined, found: Json, input: Json): Json {
  const known = textsOf(input);
  const align = (then: Json | undefined, now: Json): Json => {
    if (then !== undefined && isOpen(then, known)) return then;
    if (Array.isArray(then) && Array.isArray(now))
      return now.map((each: Json, index) => align(then[index] as Json | undefined, each));
    if (!isTree(then) || !isTree(now)) return now;
    return Object.fromEntries(Object.entries(now).map(([name, each]) => [name, align(then[name], each)]));
  };
  return [...known].some(isStandIn) ? align(recorded, found) : found;
}

function isTree(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function comparable(effect: Json, input: Json): Json {
  const known = textsOf(input);
  const exchange = (value: Json): Json => {
    if (isOpen(value, known)) return { $any: true };
    if (Array.isArray(value)) return value.map((each: Json) => exchange(each));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, exchange(each as Json)]));
  };
  return [...known].some(isStandIn) ? exchange(effect) : effect;
}

function textsOf(value: Json): ReadonlySet<string> {
  if (typeof value === 'string') return new Set([value]);
  if (typeof value !== 'object' || value === null) return new Set();
  return new Set(Object.values(value).flatMap((each) => [...textsOf(each as Json)]));
}
