/** The record of one flow: each state entered and each hook with what it saw, changed and logged. */
import type { HookName, InvocationResult, ScriptFailureKind, SourceLocation } from '../script/runner.ts';
import type { Script, Tenant } from '../tenant/tenant.ts';

export interface HookTrace {
  readonly name: HookName;
  readonly script: string;
  readonly ok: boolean;
  readonly kind?: string;
  readonly message?: string;
  readonly location?: SourceLocation;
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
  const found = new RegExp(
    `\\bfunction\\s+${hook}\\b|\\b(?:const|let|var)\\s+${hook}\\s*=|^\\s*${hook}\\s*=`,
    'm',
  ).exec(script.source);
  if (!found) return undefined;
  const lines = script.source.slice(0, found.index).split('\n');
  return { file: script.name, line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}

/** Names and values of people appear in traces of demo tenants only. */
export function hookTrace(
  tenant: Tenant,
  name: HookName,
  script: string,
  input: unknown,
  result: InvocationResult,
  failure?: HookFailure,
): HookTrace {
  const values = tenant.demo;
  return {
    name,
    script,
    ok: failure === undefined,
    ...(failure ? { kind: failure.kind, message: values ? failure.message : failure.kind } : {}),
    ...(failure?.location ? { location: failure.location } : {}),
    ...(values ? { before: input, ...(result.ok ? { after: result.value } : {}) } : {}),
    logs: values ? result.logs : [],
    calls: result.calls,
    cpuMicroseconds: result.cpuMicroseconds,
    wallMicroseconds: result.wallMicroseconds,
  };
}
