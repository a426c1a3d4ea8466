/** A hook that a flow ran once, run again with a script as it stands now, apart from everything real. */
import { changesBetween } from '../../simulator/diff.ts';
import type { Script, Tenant } from '../../tenant/tenant.ts';
import type { HostCall, Json, LogLine, ScriptRunner, SourceLocation } from '../runner.ts';
import { caseOf, type KeptHook, likeRecorded } from './from-trace.ts';
import { runCase } from './run.ts';

export interface Replayed {
  readonly hook: string;
  readonly slot: string;
  /** The version that ran then. */
  readonly ranVersion?: string;
  /** The version that ran now; absent where the slot has no script by now. */
  readonly version?: string;
  readonly script?: string;
  /** Whether the same came of it. */
  readonly same: boolean;
  /** Sentences. */
  readonly differences: readonly string[];
  readonly outcome: string;
  /** Why it is no plain success. */
  readonly why?: string;
  readonly location?: SourceLocation;
  /** What it did, held against the record: what was replaced there, and may be anything, is as it stands there. */
  readonly effect?: Json;
  readonly logs: readonly LogLine[];
  readonly calls: readonly HostCall[];
  readonly cpuMicroseconds: number;
  readonly wallMicroseconds: number;
}

/** @param flow whose hook it is. @param script what runs; it fails by saying so where there is none. */
export async function replay(
  flow: string,
  kept: KeptHook,
  tenant: Tenant,
  runner: ScriptRunner,
  script: Script | undefined,
): Promise<Replayed> {
  const { slot, name, version: ranVersion, before, after } = kept.hook;
  const { failures, result, found = {} } = await runCase(caseOf(flow, kept), tenant, runner, script);
  const { outcome = result.ok ? 'ok' : result.kind, effect, message } = found;
  const { location } = result as { readonly location?: SourceLocation };
  const aligned =
    effect === undefined || effect === null ? undefined : likeRecorded(after as Json | undefined, effect, before);
  // A case says what must be there; here it counts as well what was not.
  const added =
    after === undefined || aligned === undefined
      ? []
      : changesBetween(after, aligned)
          .filter(({ path, before: then }) => then === undefined && !path.endsWith('/-'))
          .map((change) => `effect ${change.path}: expected nothing, found ${JSON.stringify(change.after)}`);
  const differences = [...failures, ...added];
  return {
    hook: name,
    slot,
    ...(ranVersion === undefined ? {} : { ranVersion }),
    ...(script ? { version: script.hash, script: script.name } : {}),
    same: differences.length === 0,
    differences,
    outcome: String(outcome),
    ...(typeof message === 'string' && message !== '' ? { why: message } : {}),
    ...(location ? { location } : {}),
    ...(aligned === undefined ? {} : { effect: aligned }),
    logs: result.logs,
    calls: result.calls,
    cpuMicroseconds: result.cpuMicroseconds,
    wallMicroseconds: result.wallMicroseconds,
  };
}
