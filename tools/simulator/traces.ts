/** Traces of flows as somebody brings them: read with care, for a file may hold anything. */
import type { Trace, TraceEntry } from '../../engine/flow/trace.ts';
import { hookParameters } from '../../engine/tenant/scripts.ts';
import type { Fault } from './shown.ts';

type Tree = Readonly<Record<string, unknown>>;

/** More states than any flow goes through. */
const mostEntries = 1_000;
/** Hooks that are run again at one time. */
export const mostHooks = 40;

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);
const areTexts = (value: Tree, ...names: readonly string[]) => names.every((name) => typeof value[name] === 'string');

function isHook(value: unknown): boolean {
  if (!isTree(value) || !areTexts(value, 'name', 'slot') || !Object.hasOwn(hookParameters, String(value['name'])))
    return false;
  const { calls, logs } = value;
  return (
    Array.isArray(logs) &&
    Array.isArray(calls) &&
    calls.every((call) => isTree(call) && areTexts(call, 'target', 'outcome'))
  );
}

function isEntry(value: unknown): value is TraceEntry {
  return (
    isTree(value) &&
    areTexts(value, 'state', 'kind', 'outcome') &&
    Number.isFinite(value['at']) &&
    Math.abs(Number(value['at'])) < 8.64e15 &&
    (value['hook'] === undefined || isHook(value['hook']))
  );
}

/** @returns the trace as far as it is one, or why it is none. */
export function traceIn(value: unknown): Pick<Trace, 'flow' | 'entries'> | Fault {
  const entries: unknown = isTree(value) ? value['entries'] : undefined;
  if (
    isTree(value) &&
    areTexts(value, 'flow') &&
    Array.isArray(entries) &&
    entries.length <= mostEntries &&
    entries.every(isEntry) &&
    entries.filter(({ hook }) => hook !== undefined).length <= mostHooks
  )
    return { flow: String(value['flow']), entries };
  return { message: 'This is no trace of a flow.', hint: 'npx sallyport trace show <id> prints one' };
}
