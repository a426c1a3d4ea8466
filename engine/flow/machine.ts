/**
 * The one driver of all flows: it walks a flow's table, is the only place that runs hooks, persists at each wait by
 * compare-and-set, and has one exit for failure.
 */
import { codeFrame } from '../script/compile/frame.ts';
import type { Invocation, Json } from '../script/runner.ts';
import type { ScriptSnapshot } from '../script/version/registry.ts';
import { callbacksFor, type ScriptSlot } from '../tenant/scripts.ts';
import type { Script } from '../tenant/tenant.ts';
import type { StoredFlow } from '../store/store.ts';
import { validateEffect } from './effect.ts';
import type { Ports } from './ports.ts';
import {
  type Again,
  type AnyState,
  type Flow,
  type HookBinding,
  type HookCall,
  type HookState,
  type Moved,
  type Rejection,
  reject,
} from './table.ts';
import { declarationOf, hookTrace, keepsLogs, type HookFailure, type Trace, type TraceEntry } from './trace.ts';

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

interface Run {
  readonly flow: Flow;
  readonly ports: Ports;
  readonly flowId: string;
  readonly startedAt: number;
  readonly entries: TraceEntry[];
  facts: Record<string, unknown>;
  reveal: Record<string, unknown>;
  handles: { kind: string; hash: string }[];
  /** Revision stored last; undefined while nothing is stored. */
  revision: number | undefined;
}

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

async function runHook(run: Run, name: string, state: HookState): Promise<Moved<PropertyKey, unknown> | Rejection> {
  const binding = state.binding as HookBinding<Facts, unknown>;
  const { ports } = run;
  const began = ports.now();
  let call: Awaited<ReturnType<typeof binding.read>>;
  try {
    call = await binding.read(run.facts, ports);
  } catch (error) {
    return abandonHook(run, name, binding, began, error);
  }
  const settle = (result: unknown): Moved<PropertyKey, unknown> | Rejection =>
    isRejection(result) ? result : { kind: 'continue', outcome: 'continue', gives: result };
  let chosen: Awaited<ReturnType<typeof ports.scriptFor>>;
  try {
    chosen = call && (await ports.scriptFor(slotOf(run, call), snapshotOf(run), stickinessOf(run)));
  } catch (error) {
    return abandonHook(run, name, binding, began, error);
  }
  if (!call || !chosen) {
    record(run, name, 'hook', 'no callback', began);
    try {
      return settle(binding.without(run.facts, ports));
    } catch (error) {
      run.entries.pop();
      return abandonHook(run, name, binding, began, error);
    }
  }
  const { script, shadow, slot } = chosen;
  const invocation: Invocation = {
    tenantId: ports.tenant.id,
    script,
    hook: binding.hook,
    input: call.input as Json,
    limits: ports.tenant.scriptLimits,
    environment: ports.tenant.environment,
    outboundHttp: ports.tenant.outboundHttp,
    fhirServers: ports.tenant.fhirServers,
    secrets: ports.tenant.secrets,
  };
  const result = await ports.scripts.run(invocation);
  if (shadow)
    ports.tryShadow({
      slot,
      flowId: run.flowId,
      invocation,
      result,
      shadow,
      problemOf: (effect) => validateEffect(binding.hook, effect),
    });
  if (keepsLogs(ports.tenant)) ports.scriptLog(result.logs, { hook: binding.hook, flowId: run.flowId });
  // Where nothing says more exactly what was wrong, it is the hook's function.
  const declared = declarationOf(script, binding.hook);
  let failed: HookFailure | undefined;
  let outcome: Moved<PropertyKey, unknown> | Rejection;
  if (!result.ok) {
    failed = { ...result, location: result.location ?? declared };
    outcome = hookFailure(run, binding.hook, script, failed);
  } else if (!result.defined) outcome = settle(binding.without(run.facts, ports));
  else {
    const problem = validateEffect(binding.hook, result.value);
    if (problem) {
      failed = { kind: 'shape', message: problem, location: declared };
      outcome = hookFailure(run, binding.hook, script, failed);
    } else {
      try {
        outcome = settle(await binding.apply(run.facts, result.value, ports));
      } catch (error) {
        return abandonHook(run, name, binding, began, error);
      }
      if (outcome.kind === 'reject')
        failed = {
          kind: outcome.error === 'access_denied' ? 'denied' : 'policy',
          message: outcome.reason,
          location: declared,
        };
    }
  }
  const trace = hookTrace(ports.tenant, binding.hook, script, call.input, result, failed);
  // A denial is the script's decision; only faults may be let pass.
  const open = binding.hook === 'onPostAuthorize' && ports.tenant.policy.onPostAuthorizeOpen;
  if (outcome.kind === 'reject' && open && failed?.kind !== 'denied') {
    outcome = settle(binding.without(run.facts, ports));
  }
  if (outcome.kind === 'reject') await binding.undo?.(run.facts, ports);
  run.entries.push({
    at: began,
    state: name,
    kind: 'hook',
    outcome: outcome.kind === 'continue' ? 'continue' : outcome.reason,
    milliseconds: ports.now() - began,
    hook: trace,
  });
  return outcome;
}

/** The rollouts as they stood when the flow began: it ends on the versions it began with. */
function snapshotOf(run: Run): ScriptSnapshot {
  return (run.facts['scripts'] ?? {}) as ScriptSnapshot;
}

/** The tenant's callbacks may be bound to some apps and flows only. */
function slotOf({ facts, flow, ports }: Run, { slot }: HookCall): ScriptSlot {
  const { grant, clientId } = facts as { readonly grant?: { readonly clientId: string }; readonly clientId?: string };
  return slot === 'callbacks' ? callbacksFor(ports.tenant, flow.name, grant?.clientId ?? clientId) : slot;
}

/** Whom a canary sticks to: the person where one is known, else the app. */
function stickinessOf({ facts }: Run): string {
  const { session, grant, clientId } = facts as {
    readonly session?: { readonly username: string };
    readonly grant?: { readonly clientId: string; readonly session: { readonly username: string } | null };
    readonly clientId?: string;
  };
  return session?.username ?? grant?.session?.username ?? grant?.clientId ?? clientId ?? '';
}

/** The engine's own fault at a hook ends the flow as any step's would, and undoes what was done before. */
async function abandonHook(
  run: Run,
  name: string,
  binding: HookBinding<Facts, unknown>,
  began: number,
  error: unknown,
): Promise<Rejection> {
  const rejection = defect(run, name, error);
  record(run, name, 'hook', rejection.reason, began);
  await attempt(run, name, () => binding.undo?.(run.facts, run.ports));
  return rejection;
}

/** The engine's own fault: the operator's log says where, the app learns no more than that it happened. */
function defect(run: Run, state: string, error: unknown): Rejection {
  run.ports.log('error', 'a step failed', { flow: run.flow.name, state, flowId: run.flowId, error: describe(error) });
  return reject('server_error', 'The server could not complete the request', 'step-failed', { status: 500 });
}

/** Does what can still be done after a failure; should it fail as well, the first failure is the one reported. */
async function attempt(run: Run, state: string, action: () => Promise<unknown> | undefined): Promise<void> {
  try {
    await action();
  } catch (error) {
    defect(run, state, error);
  }
}

/** A script's decision is `access_denied`; any other failure is a fault of the server. The app learns no more. */
function hookFailure(run: Run, hook: string, script: Script, failure: HookFailure): Rejection {
  if (failure.kind === 'denied') {
    return reject('access_denied', 'The request was denied', `${hook}-denied`, { status: 400 });
  }
  run.ports.log('error', 'a callback failed', {
    hook,
    script: script.name,
    version: script.hash.slice(0, 12),
    kind: failure.kind,
    // A message may quote what the script saw.
    ...(keepsLogs(run.ports.tenant) ? { detail: failure.message } : {}),
    location: failure.location,
    frame: failure.location && codeFrame(script, failure.location),
    flowId: run.flowId,
  });
  return reject('server_error', 'The server could not complete the request', `${hook}-${failure.kind}`, {
    status: 500,
  });
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

function record(run: Run, state: string, kind: TraceEntry['kind'], outcome: string, began: number): void {
  run.entries.push({ at: began, state, kind, outcome, milliseconds: run.ports.now() - began });
}

function leadOf(state: AnyState, outcome: string): string {
  const lead = 'leads' in state ? (state.leads as Readonly<Record<string, string>>)[outcome] : undefined;
  if (!lead) throw new Error(`a state answered the outcome ${outcome}, which its row does not name`);
  return lead;
}

function progress(run: Run): FlowProgress {
  return { flowId: run.flowId, facts: run.facts, reveal: run.reveal };
}

function isRejection(value: unknown): value is Rejection {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'reject';
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.stack?.split('\n').slice(0, 4).join(' | ')}` : 'unknown';
}
