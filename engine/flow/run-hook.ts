/** A hook of a flow: which version of which script runs, with what, and what becomes of what it did. */
import { codeFrame } from '../script/compile/frame.ts';
import type { HookName, Invocation, InvocationResult, Json } from '../script/runner.ts';
import type { ScriptSnapshot } from '../script/version/registry.ts';
import { callbacksFor, type ScriptSlot } from '../tenant/scripts.ts';
import type { Script, Tenant } from '../tenant/tenant.ts';
import { validateEffect } from './effect.ts';
import { attempt, defect, isRejection, record, type Run } from './run.ts';
import { type HookBinding, type HookCall, type HookState, type Moved, type Rejection, reject } from './table.ts';
import { declarationOf, hookTrace, type HookFailure, keepsLogs } from './trace.ts';

type Facts = Readonly<Record<string, unknown>>;

export async function runHook(
  run: Run,
  name: string,
  state: HookState,
): Promise<Moved<PropertyKey, unknown> | Rejection> {
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
  const invocation = invocationOf(ports.tenant, script, binding.hook, call.input as Json);
  const result = await ports.scripts.run(invocation);
  const ran = (which: Script) => ({ name: binding.hook, slot, script: which, input: call.input });
  if (shadow)
    ports.tryShadow({
      slot,
      flowId: run.flowId,
      flow: run.flow.name,
      invocation,
      result,
      shadow,
      problemOf: (effect) => validateEffect(binding.hook, effect),
      traceOf: (which, came) =>
        hookTrace(ports.tenant, run.flowId, ran(which), came, failureIn(binding.hook, which, came)),
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
  const trace = hookTrace(ports.tenant, run.flowId, ran(script), result, failed);
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

/** Why a run failed, as far as it says so itself; the flow's policy has not looked at it. */
function failureIn(hook: HookName, script: Script, result: InvocationResult): HookFailure | undefined {
  const location = declarationOf(script, hook);
  if (!result.ok) return { ...result, location: result.location ?? location };
  if (!result.defined) return undefined;
  const problem = validateEffect(hook, result.value);
  if (problem !== undefined) return { kind: 'shape', message: problem, location };
  const { failure } = (result.value ?? {}) as { readonly failure?: { readonly message?: string } };
  return failure && { kind: 'denied', message: failure.message ?? '', location };
}

/** A callback of a tenant with all that the tenant's document gives it. */
export function invocationOf(tenant: Tenant, script: Script, hook: HookName, input: Json): Invocation {
  return {
    tenantId: tenant.id,
    script,
    hook,
    input,
    limits: tenant.scriptLimits,
    environment: tenant.environment,
    outboundHttp: tenant.outboundHttp,
    fhirServers: tenant.fhirServers,
    secrets: tenant.secrets,
  };
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
