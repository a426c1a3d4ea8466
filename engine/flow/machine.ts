/**
 * The one driver of all flows: it walks a flow's table, is the only place that runs hooks, persists at each wait by
 * compare-and-set, and has one exit for failure.
 */
import type { StoredFlow } from '../store/store.ts';
import type { Ports } from './ports.ts';
import { attempt, defect, record, type Run } from './run.ts';
import { runHook } from './run-hook.ts';
import { type Again, type AnyState, type Flow, type Moved, type Rejection, reject } from './table.ts';
import type { Trace, TraceEntry } from './trace.ts';

export type Facts = Readonly<Record<string, unknown>>;

export interface FlowProgress {
  readonly flowId: string;
  readonly facts: Facts;
  /** Values for the caller only, such as the code or the tokens. */
  readonly reveal: Readonly<Record<string, unknown>>;
}

export type FlowResult =
  | ({
      readonly kind: 'waiting';
      readonly state: string;
      readonly waitsFor: 'person' | 'provider' | 'app';
    } & FlowProgress)
  | ({ readonly kind: 'done' } & FlowProgress)
  | ({ readonly kind: 'rejected'; readonly rejection: Rejection } & FlowProgress);

/** Starts a flow with what its first state needs and runs it to its first wait or its end. */
export async function startFlow(flow: Flow, facts: Facts, ports: Ports): Promise<FlowResult> {
  const run: Run = {
    flow,
    ports,
    flowId: ports.newHandle(),
    startedAt: ports.now(),
    entries: [],
    facts: { ...facts },
    reveal: {},
    handles: [],
    revision: undefined,
  };
  try {
    run.facts['scripts'] = await ports.scriptSnapshot();
  } catch (error) {
    return fail(run, defect(run, flow.first, error));
  }
  return walk(run, flow.first);
}

/**
 * Gives a waiting flow the input it waits for. `expectedState` is what the caller believes it answers: a form sent twice
 * or from an old page changes nothing and is told where the flow stands. A record of another tenant or flow is `gone`.
 */
export async function resumeFlow(
  flow: Flow,
  stored: StoredFlow,
  expectedState: string,
  input: Readonly<Record<string, unknown>>,
  ports: Ports,
): Promise<
  | FlowResult
  | {
      readonly kind: 'again';
      readonly state: string;
      readonly error?: string;
      readonly view?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'stale'; readonly state: string }
  | { readonly kind: 'expired' }
> {
  // The caller looked the record up; that it is this tenant's is not left to the caller alone.
  if (stored.tenantId !== ports.tenant.id || stored.flow !== flow.name) return { kind: 'stale', state: 'gone' };
  const state = flow.states[stored.state];
  if (stored.expiresAt <= ports.now()) return { kind: 'expired' };
  if (stored.state !== expectedState || state?.kind !== 'wait') return { kind: 'stale', state: stored.state };
  const past = stored.trace as { startedAt: number; entries: TraceEntry[] };
  const run: Run = {
    flow,
    ports,
    flowId: stored.id,
    startedAt: past.startedAt,
    entries: [...past.entries],
    facts: { ...(stored.facts as Facts) },
    reveal: {},
    handles: [],
    revision: stored.revision,
  };
  const began = ports.now();
  let result: Moved<string, unknown> | Rejection | Again;
  try {
    result = await state.accept(run.facts as never, input, ports);
  } catch (error) {
    result = defect(run, stored.state, error);
  }
  if (result.kind === 'again') return { ...result, state: stored.state };
  record(run, stored.state, 'resume', result.kind === 'continue' ? String(result.outcome) : result.reason, began);
  const next = result.kind === 'continue' ? leadOf(state, String(result.outcome)) : 'rejected';
  if (result.kind === 'continue') take(run, result);
  else keepRejection(run, result);
  // The step is claimed before any of its effects: of two callers only one goes on.
  const claimed = await persist(run, next, stored.expiresAt);
  if (!claimed) {
    const current = await ports.store.flows.find(ports.tenant.id, stored.id);
    return { kind: 'stale', state: current?.state ?? 'gone' };
  }
  return result.kind === 'continue' ? walk(run, next) : fail(run, result, true);
}

/** Whatever goes wrong on the way, the store's own failure included, leaves by the one exit. */
async function walk(run: Run, first: string): Promise<FlowResult> {
  const at = { state: first };
  try {
    return await walkStates(run, at);
  } catch (error) {
    const rejection = defect(run, at.state, error);
    // What was stored but is not returned must not stay usable.
    const grant = run.facts['grant'] as { id: string } | undefined;
    if (run.reveal['response'] !== undefined && grant) {
      await attempt(run, at.state, () =>
        run.ports.store.tokens.revokeGrant(run.ports.tenant.id, grant.id, run.ports.now()),
      );
    }
    return fail(run, rejection);
  }
}

async function walkStates(run: Run, at: { state: string }): Promise<FlowResult> {
  let name = at.state;
  for (;;) {
    at.state = name;
    const state = run.flow.states[name];
    if (!state) throw new Error(`flow ${run.flow.name} has no state ${name}`);
    const began = run.ports.now();
    if (state.kind === 'wait') {
      record(run, name, 'wait', `waits for ${state.waitsFor}`, began);
      const stored = await persist(run, name, began + state.expiresIn(run.ports) * 1000);
      if (!stored)
        return fail(
          run,
          reject('invalid_request', 'This step was taken already', 'flow-advanced-elsewhere', { tell: 'person' }),
        );
      return { kind: 'waiting', state: name, waitsFor: state.waitsFor, ...progress(run) };
    }
    if (state.kind === 'end') {
      record(run, name, 'end', 'success', began);
      if (run.revision !== undefined && !(await persist(run, name, began + 86_400_000))) {
        const grant = run.facts['grant'] as { id: string } | undefined;
        if (grant) await run.ports.store.tokens.revokeGrant(run.ports.tenant.id, grant.id, began);
        return fail(run, reject('invalid_grant', 'The authorization code was used more than once', 'code-replayed'));
      }
      finish(run, 'success', state.audit(run.facts as never));
      return { kind: 'done', ...progress(run) };
    }
    const result = state.kind === 'hook' ? await runHook(run, name, state) : await runStep(run, name, state);
    if (result.kind === 'reject') return fail(run, result);
    take(run, result);
    name = leadOf(state, String(result.outcome));
  }
}

async function runStep(
  run: Run,
  name: string,
  state: Extract<AnyState, { kind: 'step' }>,
): Promise<Moved<PropertyKey, unknown> | Rejection> {
  const began = run.ports.now();
  let result: Moved<PropertyKey, unknown> | Rejection;
  try {
    result = (await state.run(run.facts as never, run.ports)) as Moved<PropertyKey, unknown> | Rejection;
  } catch (error) {
    result = defect(run, name, error);
  }
  record(run, name, 'step', result.kind === 'continue' ? String(result.outcome) : result.reason, began);
  return result;
}

async function fail(run: Run, rejection: Rejection, alreadyStored = false): Promise<FlowResult> {
  run.entries.push({ at: run.ports.now(), state: 'rejected', kind: 'end', outcome: rejection.reason, milliseconds: 0 });
  keepRejection(run, rejection);
  if (run.revision !== undefined && !alreadyStored)
    await attempt(run, 'rejected', () => persist(run, 'rejected', run.ports.now() + 86_400_000));
  finish(
    run,
    'failure',
    { clientId: run.facts['clientId'] as string | undefined, userId: run.facts['userId'] as string | undefined },
    rejection.reason,
  );
  return { kind: 'rejected', rejection, ...progress(run) };
}

/** Until there is a code, the person's browser carries the answer: a form sent twice must get the same one. */
function keepRejection(run: Run, rejection: Rejection): void {
  if (run.facts['grantId'] === undefined) run.facts['rejection'] = rejection;
}

function finish(
  run: Run,
  outcome: 'success' | 'failure',
  who: { clientId?: string | undefined; userId?: string | undefined },
  reason?: string,
): void {
  const { ports } = run;
  ports.audit({
    tenantId: ports.tenant.id,
    at: ports.now(),
    type: `flow.${run.flow.name}`,
    outcome,
    flowId: run.flowId,
    ...(who.clientId ? { clientId: who.clientId } : {}),
    ...(who.userId ? { userId: who.userId } : {}),
    ...(reason ? { reason } : {}),
  });
  const trace: Trace = {
    flowId: run.flowId,
    tenantId: ports.tenant.id,
    flow: run.flow.name,
    startedAt: run.startedAt,
    outcome: reason ?? 'success',
    ...(who.clientId ? { clientId: who.clientId } : {}),
    ...(who.userId ? { userId: who.userId } : {}),
    entries: run.entries,
  };
  ports.keepTrace(trace);
}

async function persist(run: Run, state: string, expiresAt: number): Promise<boolean> {
  const { store, tenant } = run.ports;
  const revision = (run.revision ?? 0) + 1;
  // What a client presented (secrets, assertions) and the token itself are needed within one request only.
  const { tokenRequest: _presented, accessToken: _issued, tokenContents: _contents, ...facts } = run.facts;
  const record: StoredFlow = {
    id: run.flowId,
    tenantId: tenant.id,
    flow: run.flow.name,
    state,
    revision,
    facts,
    trace: { startedAt: run.startedAt, entries: run.entries },
    expiresAt,
  };
  const handles = run.handles;
  run.handles = [];
  if (run.revision === undefined) await store.flows.create(record, handles);
  else if (!(await store.flows.advance(record, run.revision, handles))) return false;
  run.revision = revision;
  return true;
}

function take(run: Run, moved: Moved<PropertyKey, unknown>): void {
  Object.assign(run.facts, moved.gives);
  Object.assign(run.reveal, moved.reveal ?? {});
  if (moved.handles) run.handles.push(...moved.handles);
}

function leadOf(state: AnyState, outcome: string): string {
  const lead = 'leads' in state ? (state.leads as Readonly<Record<string, string>>)[outcome] : undefined;
  if (!lead) throw new Error(`a state answered the outcome ${outcome}, which its row does not name`);
  return lead;
}

function progress(run: Run): FlowProgress {
  return { flowId: run.flowId, facts: run.facts, reveal: run.reveal };
}
