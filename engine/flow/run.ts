/** A flow while it runs, and what every part of the driver does with it: write its record, tell the engine's own faults. */
import type { Ports } from './ports.ts';
import { type Flow, type Rejection, reject } from './table.ts';
import type { TraceEntry } from './trace.ts';

export interface Run {
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

export function record(run: Run, state: string, kind: TraceEntry['kind'], outcome: string, began: number): void {
  run.entries.push({ at: began, state, kind, outcome, milliseconds: run.ports.now() - began });
}

export function isRejection(value: unknown): value is Rejection {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'reject';
}

/** The engine's own fault: the operator's log says where, the app learns no more than that it happened. */
export function defect(run: Run, state: string, error: unknown): Rejection {
  run.ports.log('error', 'a step failed', { flow: run.flow.name, state, flowId: run.flowId, error: describe(error) });
  return reject('server_error', 'The server could not complete the request', 'step-failed', { status: 500 });
}

/** Does what can still be done after a failure; should it fail as well, the first failure is the one reported. */
export async function attempt(run: Run, state: string, action: () => Promise<unknown> | undefined): Promise<void> {
  try {
    await action();
  } catch (error) {
    defect(run, state, error);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.stack?.split('\n').slice(0, 4).join(' | ')}` : 'unknown';
}
