/** A flow that happened, as the page shows a run: the path, and what each hook was given, did and logged. */
import type { HookTrace, Trace, TraceEntry } from '../../../engine/flow/trace.ts';
import { type Change, changesBetween } from '../../../engine/simulator/diff.ts';
import type { ComparedSample, DrawnFlow, ReplayedHook, ShownHook, ShownRun, ShownState } from '../shown.ts';

type Tree = Readonly<Record<string, unknown>>;

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws Error with a sentence where it is no trace. */
export function traceIn(value: unknown): Trace {
  const { flow, entries } = (isTree(value) ? value : {}) as { readonly flow?: unknown; readonly entries?: unknown };
  const sound =
    typeof flow === 'string' &&
    Array.isArray(entries) &&
    entries.every(
      (entry) => isTree(entry) && ['state', 'kind', 'outcome'].every((name) => typeof entry[name] === 'string'),
    );
  if (!sound) throw new Error('This is no trace of a flow. npx sallyport trace show <id> prints one.');
  // A file may leave out what can do without.
  const given = value as Partial<Trace> & Pick<Trace, 'flow' | 'entries'>;
  const whole = { flowId: '', tenantId: '', startedAt: 0, outcome: '' };
  const dated = given.entries.map((entry): TraceEntry => Object.assign({ at: 0, milliseconds: 0 }, entry));
  return { ...whole, ...given, entries: dated };
}

export function runOf(trace: Trace): ShownRun {
  return shown(trace, statesOf(trace), undefined);
}

/** The same flow with what came of its hooks now. @param again what was done, in a few words. */
export function replayedRun(trace: Trace, hooks: readonly ReplayedHook[], again: string): ShownRun {
  const now = new Map(hooks.map((hook) => [hook.entry, hook]));
  const other = hooks.find(({ outcome }) => !['ok', 'absent'].includes(outcome));
  const path = statesOf(trace, now);
  return {
    ...shown(trace, path, again),
    ...(other ? { ended: 'refused', outcome: `${other.hook}-${other.outcome}`, why: other.why ?? other.outcome } : {}),
  };
}

/**
 * A difference between two versions as two runs of one flow: with what counted, and with what ran beside it.
 * @param trace of that flow, where it is still kept.
 */
export function sidesOf(
  { at, flowId, flow = '', sides }: ComparedSample,
  trace: Trace | undefined,
  drawn: DrawnFlow | undefined,
): { readonly trace: Trace; readonly ran: ShownRun; readonly beside: ShownRun } | undefined {
  if (!sides) return undefined;
  const { active, shadow } = sides;
  const state = drawn?.states.find(({ hook }) => hook === active.name)?.name ?? active.name;
  const alone: TraceEntry = {
    at,
    state,
    kind: 'hook',
    outcome: outcomeIn(active),
    milliseconds: active.wallMicroseconds / 1000,
  };
  const known = trace ?? { flowId, tenantId: '', flow, startedAt: at, outcome: outcomeIn(active), entries: [alone] };
  const place = trace ? placeIn(trace, active) : 0;
  const entries = place < 0 ? [...known.entries, alone] : known.entries;
  const put = (hook: HookTrace): Trace => ({
    ...known,
    ...(hook.ok ? {} : { outcome: outcomeIn(hook) }),
    entries: entries.map((entry, index) =>
      index === (place < 0 ? entries.length - 1 : place)
        ? { ...entry, outcome: outcomeIn(hook), milliseconds: hook.wallMicroseconds / 1000, hook }
        : entry,
    ),
  });
  const ran = put(active);
  const beside = put({ ...shadow, before: active.before });
  const words = (version = '') => `With version ${version.slice(0, 8)}`;
  return {
    trace: ran,
    ran: shown(ran, statesOf(ran), trace ? undefined : words(active.version)),
    beside: shown(beside, statesOf(beside), `${words(shadow.version)}, which ran beside it without effect`),
  };
}

function outcomeIn({ ok, name, kind = 'runtime' }: HookTrace): string {
  return ok ? 'continue' : `${name}-${kind}`;
}

/** The entry of a hook; of several of one name the one that did the same. */
function placeIn({ entries }: Trace, { name, slot, version, after }: HookTrace): number {
  const is = ({ hook }: TraceEntry) => hook?.name === name && hook.slot === slot && hook.version === version;
  const exact = entries.findIndex((entry) => is(entry) && JSON.stringify(entry.hook?.after) === JSON.stringify(after));
  return exact >= 0 ? exact : entries.findIndex(is);
}

function shown(trace: Trace, path: readonly ShownState[], again: string | undefined): ShownRun {
  const { flow, flowId, tenantId, startedAt, outcome, clientId, userId } = trace;
  return {
    tenant: tenantId,
    plan: { flow, ...(clientId === undefined ? {} : { client: clientId }) },
    happened: {
      id: flowId,
      at: startedAt,
      ...(userId === undefined ? {} : { user: userId }),
      ...(again === undefined ? {} : { again }),
    },
    ended: outcome === 'success' ? 'success' : 'refused',
    outcome,
    path,
    tokens: {},
    unforeseen: [],
    unanswered: [],
    recorded: [],
    sent: [],
    values: {},
    audit: [],
    log: [],
    milliseconds: path.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
  };
}

/** A wait and what ended it are one visit; where the flow ended is its outcome, and no state. */
function statesOf(trace: Trace, now: ReadonlyMap<number, ReplayedHook> = new Map()): readonly ShownState[] {
  const states: ShownState[] = [];
  for (const [index, entry] of trace.entries.entries()) {
    const { state, kind, outcome, milliseconds, hook } = entry;
    if (kind === 'end' && state === 'rejected') continue;
    const before = states.at(-1);
    if (kind === 'resume' && before?.state === state && before.kind === 'wait') {
      states[states.length - 1] = { ...before, outcome, milliseconds };
      continue;
    }
    const again = now.get(index);
    const seen = hook && (again ? hookAgain(hook, again) : hookOf(hook));
    states.push({
      state,
      does: '',
      kind: kind === 'resume' ? 'wait' : kind,
      outcome: kind === 'wait' ? 'left' : (again && outcomeOf(again, entry)) || outcome,
      milliseconds: again ? again.wallMicroseconds / 1000 : milliseconds,
      changes: seen ? effectChanges(seen.input, seen.effect) : [],
      ...(seen ? { hook: seen } : {}),
    });
  }
  return states;
}

function outcomeOf({ hook, outcome }: ReplayedHook, entry: TraceEntry): string {
  if (outcome === 'ok' || outcome === 'absent') return 'continue';
  return entry.hook?.kind === outcome ? entry.outcome : `${hook}-${outcome}`;
}

/** A trace may come from a file, and hold less than it should. */
export function hookOf(hook: HookTrace): ShownHook {
  const { name, slot, script, version, ok, kind, message = '', location, frame, before, after } = hook;
  return {
    name,
    slot,
    script,
    ...(version === undefined ? {} : { version }),
    ran: kind !== 'absent',
    ...(before === undefined ? {} : { input: before }),
    ...(after === undefined ? {} : { effect: after }),
    ...(ok ? {} : { failure: failureOf(kind ?? 'runtime', message, location, frame) }),
    logs: hook.logs ?? [],
    calls: hook.calls ?? [],
    cpuMicroseconds: hook.cpuMicroseconds ?? 0,
    wallMicroseconds: hook.wallMicroseconds ?? 0,
  };
}

function hookAgain(then: HookTrace, now: ReplayedHook): ShownHook {
  const { outcome, why = '', location, effect, script, version } = now;
  const ok = outcome === 'ok' || outcome === 'absent';
  return {
    name: then.name,
    slot: then.slot,
    ...(script === undefined ? {} : { script }),
    ...(version === undefined ? {} : { version }),
    ran: outcome !== 'absent',
    input: then.before,
    ...(effect === undefined ? {} : { effect }),
    ...(ok ? {} : { failure: failureOf(outcome, why, location, undefined) }),
    logs: now.logs,
    calls: now.calls,
    cpuMicroseconds: now.cpuMicroseconds,
    wallMicroseconds: now.wallMicroseconds,
  };
}

function failureOf(
  kind: string,
  message: string,
  location: HookTrace['location'],
  frame: string | undefined,
): NonNullable<ShownHook['failure']> {
  return {
    kind: kind as NonNullable<ShownHook['failure']>['kind'],
    message,
    ...(location ? { location } : {}),
    ...(frame === undefined ? {} : { frame }),
  };
}

/** Where an effect differs from what the callback was given; what it leaves out did not change. */
function effectChanges(before: unknown, after: unknown): readonly Change[] {
  if (!isTree(after)) return [];
  return Object.entries(after).flatMap(([name, value]) => {
    const then = seenAs(before, name);
    const nothing = (each: unknown) =>
      each === null || each === undefined || (typeof each === 'object' && Object.keys(each).length === 0);
    return nothing(then) && nothing(value) ? [] : changesBetween(then, value, `/${name}`);
  });
}

/** An effect names some things at the top that stand within the request where the callback sees them. */
function seenAs(before: unknown, name: string): unknown {
  if (!isTree(before)) return undefined;
  const { request } = before;
  return Object.hasOwn(before, name)
    ? before[name]
    : isTree(request) && Object.hasOwn(request, name)
      ? request[name]
      : undefined;
}
