/** The record of one flow: each state entered and each hook with what it saw, changed and logged. */
import { compileScript } from '../script/compile/compile.ts';
import { codeFrame } from '../script/compile/frame.ts';
import { createMask, maskJson } from '../script/mask.ts';
import type { HookName, InvocationResult, Json, ScriptFailureKind, SourceLocation } from '../script/runner.ts';
import type { ScriptSlot } from '../tenant/scripts.ts';
import type { Script, Tenant } from '../tenant/tenant.ts';
import { redact, redactTarget } from './redact.ts';

export interface HookTrace {
  readonly name: HookName;
  readonly slot: ScriptSlot;
  readonly script: string;
  readonly ok: boolean;
  /** What kind of failure it was, or `absent` where the script has no such function. */
  readonly kind?: string;
  readonly message?: string;
  readonly location?: SourceLocation;
  /** The lines of the script around the location. */
  readonly frame?: string;
  /** The version of the script that ran. */
  readonly version?: string;
  /** Input and effect, as far as the tenant's `traces.values` lets them be kept. */
  readonly before?: unknown;
  readonly after?: unknown;
  readonly logs: InvocationResult['logs'];
  readonly calls: InvocationResult['calls'];
  readonly cpuMicroseconds: number;
  readonly wallMicroseconds: number;
}

export interface TraceEntry {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly state: string;
  readonly kind: 'step' | 'wait' | 'hook' | 'end' | 'resume';
  readonly outcome: string;
  readonly milliseconds: number;
  readonly hook?: HookTrace;
}

export interface Trace {
  readonly flowId: string;
  readonly tenantId: string;
  readonly flow: string;
  readonly startedAt: number;
  readonly outcome: string;
  readonly clientId?: string;
  readonly userId?: string;
  readonly entries: readonly TraceEntry[];
}

/** Why a hook failed: the runner's kinds, and `policy` for a well-formed effect that is not allowed. */
export interface HookFailure {
  readonly kind: ScriptFailureKind | 'policy';
  readonly message: string;
  readonly location: SourceLocation | undefined;
}

/** Where a script declares a hook's function; line and column count from 1. Undefined where it does not. */
export function declarationOf(script: Script, hook: HookName): SourceLocation | undefined {
  const compiled = compileScript(script);
  return compiled.ok ? compiled.program.functions.find(({ name }) => name === hook)?.location : undefined;
}

/** Whether what the tenant's scripts say may be kept: it may hold what they saw. */
export function keepsLogs({ demo, policy }: Tenant): boolean {
  return demo || policy.keepScriptLogs;
}

/** Names and values of people appear in traces of demo tenants only; secrets in none. */
export function hookTrace(
  tenant: Tenant,
  flowId: string,
  { name, slot, script, input }: { name: HookName; slot: ScriptSlot; script: Script; input: unknown },
  result: InvocationResult,
  failure?: HookFailure,
): HookTrace {
  const { values } = tenant.traces;
  const keep = (value: unknown) => (values === 'redacted' ? redact(value as Json, flowId) : maskJson(value, mask));
  const mask = createMask(Object.values(tenant.secrets).map(({ value }) => value));
  const frame = failure?.location && codeFrame(script, failure.location);
  return {
    name,
    slot,
    script: script.name,
    version: script.hash,
    ok: failure === undefined,
    ...(result.ok && !result.defined ? { kind: 'absent' } : {}),
    ...(failure ? { kind: failure.kind, message: keepsLogs(tenant) ? mask(failure.message) : failure.kind } : {}),
    ...(failure?.location ? { location: failure.location } : {}),
    ...(frame ? { frame } : {}),
    ...(values === 'none' ? {} : { before: keep(input), ...(result.ok ? { after: keep(result.value) } : {}) }),
    logs: keepsLogs(tenant) ? result.logs : [],
    calls:
      values === 'all'
        ? result.calls
        : result.calls.map((call) => ({ ...call, target: redactTarget(call.target, flowId) })),
    cpuMicroseconds: result.cpuMicroseconds,
    wallMicroseconds: result.wallMicroseconds,
  };
}
