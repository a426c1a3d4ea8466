/** What the script runner tells of each invocation, for metrics. Nothing of it is a value that a script saw. */
import type { HookName, ScriptFailureKind } from './runner.ts';

export interface InvocationSample {
  readonly tenantId: string;
  readonly hook: HookName;
  /** `absent`: the script does not define the hook's function. */
  readonly outcome: 'ok' | 'absent' | ScriptFailureKind;
  readonly cpuMicroseconds: number;
  readonly wallMicroseconds: number;
  /** How long it waited for the tenant's share. */
  readonly queueMicroseconds: number;
  /** The isolate's heap afterwards; undefined where there was none. */
  readonly heapBytes?: number;
}

export interface ScriptObserver {
  invoked(sample: InvocationSample): void;
  /** A call to a service of the engine, such as `http`. */
  called(tenantId: string, service: string, outcome: string, milliseconds: number): void;
  /** A sandbox process ended and was replaced. */
  replaced(): void;
  /** A tenant's script ended a sandbox process; it is held back for a while. */
  quarantined(tenantId: string): void;
}
