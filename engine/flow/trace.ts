/** The record of one flow: each state entered and each hook with what it saw, changed and logged. */
import { compileScript } from '../script/compile/compile.ts';
import { codeFrame } from '../script/compile/frame.ts';
import { createMask, maskJson } from '../script/mask.ts';
import type { HookName, InvocationResult, ScriptFailureKind, SourceLocation } from '../script/runner.ts';
import type { Script, Tenant } from '../tenant/tenant.ts';

export interface HookTrace {
  readonly name: HookName;
  readonly script: string;
  readonly ok: boolean;
  readonly kind?: string;
  readonly message?: string;
  readonly location?: SourceLocation;
  /** The lines of the script around the location. */
  readonly frame?: string;
  /** The version of the script that ran. */
  readonly version?: string;
  /** Input and effect; only kept where the tenant's policy allows values in traces (demo). */
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
  name: HookName,
  script: Script,
  input: unknown,
  result: InvocationResult,
  failure?: HookFailure,
): HookTrace {
  const values = tenant.demo;
  const mask = createMask(Object.values(tenant.secrets).map(({ value }) => value));
  const frame = failure?.location && codeFrame(script, failure.location);
  return {
    name,
    script: script.name,
    version: script.hash,
    ok: failure === undefined,
    ...(failure ? { kind: failure.kind, message: keepsLogs(tenant) ? mask(failure.message) : failure.kind } : {}),
    ...(failure?.location ? { location: failure.location } : {}),
    ...(frame ? { frame } : {}),
    ...(values ? { before: maskJson(input, mask), ...(result.ok ? { after: maskJson(result.value, mask) } : {}) } : {}),
    logs: keepsLogs(tenant) ? result.logs : [],
    calls: result.calls,
    cpuMicroseconds: result.cpuMicroseconds,
    wallMicroseconds: result.wallMicroseconds,
  };
}
