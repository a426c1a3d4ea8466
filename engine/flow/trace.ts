/** The record of one flow: each state entered and each hook with what it saw, changed and logged. */
import type { HookName, InvocationResult } from '../script/runner.ts';
import type { Tenant } from '../tenant/tenant.ts';

export interface HookTrace {
  readonly name: HookName;
  readonly script: string;
  readonly ok: boolean;
  readonly kind?: string;
  readonly message?: string;
  readonly location?: { readonly file: string; readonly line: number; readonly column: number };
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

/** Names and values of people appear in traces of demo tenants only. */
export function hookTrace(
  tenant: Tenant,
  name: HookName,
  script: string,
  input: unknown,
  result: InvocationResult,
): HookTrace {
  const values = tenant.demo;
  return {
    name,
    script,
    ok: result.ok,
    ...(result.ok ? {} : { kind: result.kind, message: values ? result.message : result.kind }),
    ...(result.ok || !result.location ? {} : { location: result.location }),
    ...(values ? { before: input, ...(result.ok ? { after: result.value } : {}) } : {}),
    logs: values ? result.logs : [],
    calls: result.calls,
    cpuMicroseconds: result.cpuMicroseconds,
    wallMicroseconds: result.wallMicroseconds,
  };
}
