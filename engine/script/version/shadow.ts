/**
 * Trials: a new version of a script runs on what the real one was given, beside it and without effect, and only the ways in
 * which it would have decided otherwise are kept.
 */
import type { ScriptComparison, ScriptRepository } from '../../store/store.ts';
import type { Invocation, InvocationResult, Json, ScriptRunner } from '../runner.ts';
import type { Script } from '../../tenant/tenant.ts';

export interface ShadowTrial {
  readonly slot: string;
  readonly flowId: string;
  /** Which flow it is. */
  readonly flow: string;
  /** What the real version was run with, and what came of it. */
  readonly invocation: Invocation;
  readonly result: InvocationResult;
  readonly shadow: Script;
  /** Why an effect of the hook is malformed; undefined where it is not. */
  readonly problemOf: (effect: Json) => string | undefined;
  /** What may be kept of a run, as the flow's trace keeps it. */
  readonly traceOf: (script: Script, result: InvocationResult) => Tried;
}

/** A hook's part of a trace: what it was given, what came of it, and more. */
interface Tried {
  readonly before?: unknown;
  readonly after?: unknown;
}

type Verdict = 'ok' | 'absent' | 'denied' | 'fault';

/** Members of the hooks' effects, by what a person asks of a new version: who may, what does the token say, what may it do. */
const areas: Readonly<Record<string, string>> = {
  accessTokenClaims: 'claims',
  idTokenClaims: 'claims',
  approvedScopes: 'scopes',
  launchParameters: 'context',
  choices: 'context',
  required: 'context',
  session: 'session',
  username: 'session',
};
/** Trials at one time; more are left out, for the real flows come first. */
const mostAtOnce = 8;
const longestDifference = 20;
/** What is kept of the two sides of a difference; what is longer is left out. */
const longestSides = 24 * 1024;

function verdictOf(result: InvocationResult, problemOf: ShadowTrial['problemOf']): Verdict {
  if (!result.ok) return result.kind === 'denied' ? 'denied' : 'fault';
  if (!result.defined) return 'absent';
  if (problemOf(result.value) !== undefined) return 'fault';
  const { failure } = (result.value ?? {}) as { readonly failure?: unknown };
  return failure === undefined ? 'ok' : 'denied';
}

/** JSON pointers at which two values differ; values themselves are not told. */
export function differences(left: unknown, right: unknown, at = ''): readonly string[] {
  if (Object.is(left, right)) return [];
  const isTree = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
  if (!isTree(left) || !isTree(right) || Array.isArray(left) !== Array.isArray(right)) return [at || '/'];
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].flatMap((name) =>
    differences(left[name], right[name], `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  );
}

/** Both sides, with what they were given once. Where they are too long, what each was given and did is left out. */
function sidesOf({ traceOf, invocation, result, shadow }: Omit<ShadowTrial, 'slot'>, tried: InvocationResult): object {
  const [active, beside] = [traceOf(invocation.script, result), traceOf(shadow, tried)];
  const { before: _same, ...rest } = beside;
  const whole = { sides: { active, shadow: rest } };
  if (Buffer.byteLength(JSON.stringify(whole)) <= longestSides) return whole;
  const brief = ({ before: _before, after: _after, ...each }: Tried) => ({ ...each, logs: [], calls: [] });
  return { sides: { active: brief(active), shadow: brief(beside) } };
}

/** What a trial showed, as counts to be added up and, where something differs, one sample. */
export function compareRuns(trial: Omit<ShadowTrial, 'slot'>, tried: InvocationResult, now: number): ScriptComparison {
  const { result, problemOf, invocation, shadow, flowId, flow } = trial;
  const [before, after] = [verdictOf(result, problemOf), verdictOf(tried, problemOf)];
  const values = result.ok && tried.ok && before === after ? differences(result.value, tried.value) : [];
  const changed = new Set(values.map((pointer) => areas[pointer.split('/')[1] ?? ''] ?? 'other'));
  const differs = before !== after || values.length > 0;
  const counts: Record<string, number> = {
    runs: 1,
    same: differs ? 0 : 1,
    outcome: before === after ? 0 : 1,
    ...Object.fromEntries([...changed].map((area) => [area, 1])),
    faults: after === 'fault' ? 1 : 0,
    activeFaults: before === 'fault' ? 1 : 0,
    activeMicroseconds: result.wallMicroseconds,
    shadowMicroseconds: tried.wallMicroseconds,
  };
  const sample = {
    at: now,
    flowId,
    flow,
    ...(before === after ? {} : { outcome: { active: before, shadow: after } }),
    ...(values.length > 0 ? { differs: values.slice(0, longestDifference) } : {}),
    ...(!tried.ok ? { kind: tried.kind, ...(tried.location ? { location: tried.location } : {}) } : {}),
    ...(differs ? sidesOf(trial, tried) : {}),
  };
  return {
    activeHash: invocation.script.hash,
    shadowHash: shadow.hash,
    hook: invocation.hook,
    counts,
    samples: differs ? [sample] : [],
    lastAt: now,
  };
}

/** @returns what runs a trial in the background; it never rejects and never waits. */
export function createShadowRunner(parts: {
  readonly scripts: ScriptRunner;
  readonly repository: Pick<ScriptRepository, 'compare'>;
  readonly failed: (error: unknown) => void;
  readonly now?: () => number;
}): { try(trial: ShadowTrial): void; drain(): Promise<void> } {
  const { scripts, repository, failed, now = Date.now } = parts;
  const running = new Set<Promise<void>>();

  async function run(trial: ShadowTrial): Promise<void> {
    try {
      const tried = await scripts.run({
        ...trial.invocation,
        script: trial.shadow,
        suppressWrites: true,
        onTrial: true,
      });
      await repository.compare(trial.invocation.tenantId, trial.slot, compareRuns(trial, tried, now()));
    } catch (error) {
      failed(error);
    }
  }

  return {
    try(trial) {
      if (running.size >= mostAtOnce) return;
      const own = run(trial);
      running.add(own);
      void own.finally(() => running.delete(own));
    },
    async drain() {
      await Promise.all(running);
    },
  };
}
