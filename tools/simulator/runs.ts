/** Runs flows for the page, at once or from callback to callback. Every callback runs in the sandbox of production. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { caseOf } from '../../engine/simulator/case.ts';
import { readPlan } from '../../engine/simulator/plan.ts';
import type { SimulatedRun, SimulatedState } from '../../engine/simulator/run.ts';
import { createSimulator } from '../../engine/simulator/simulator.ts';
import { createPageRenderer } from '../../engine/page/render.ts';
import { readCase } from '../../engine/script/case/document.ts';
import { caseOf as caseOfHook, keptHooks } from '../../engine/script/case/from-trace.ts';
import { replay } from '../../engine/script/case/replay.ts';
import { createMask, maskJson } from '../../engine/script/mask.ts';
import { createScriptRunner } from '../../engine/script/pool.ts';
import type { Invocation, InvocationResult, Json, ScriptRunner } from '../../engine/script/runner.ts';
import { scriptsOf } from '../../engine/tenant/scripts.ts';
import type { Tenant } from '../../engine/tenant/tenant.ts';
import { join } from 'node:path';
import type { Answer, Paused, ReplayAnswer, ReplayedHook, ShownRun, ShownState } from './shown.ts';
import { traceIn } from './traces.ts';
import { createInliner } from './inline-page.ts';
import { faultsOf } from './workspace.ts';

export interface Runs {
  run(tenant: Tenant, plan: unknown): Promise<Answer>;
  /** Runs up to the first callback. @param owner who may go on with it. */
  step(tenant: Tenant, plan: unknown, owner: string): Promise<Answer>;
  /** Lets the callback run that a run waits at; undefined where no run of the owner waits under this name. @param input another one. */
  goOn(step: string, owner: string, input?: Json): Promise<Answer | undefined>;
  /** Ends a run of the owner that waits. */
  stop(step: string, owner: string): void;
  /** Runs that wait for somebody. */
  readonly waiting: number;
  /** Runs the hooks of a flow that happened again, with the tenant's scripts. @param trace as somebody brought it. */
  replay(tenant: Tenant, trace: unknown): Promise<ReplayAnswer>;
  /** The case that a run of this plan makes. */
  makeCase(
    tenant: Tenant,
    name: string,
    plan: unknown,
  ): Promise<Answer | { readonly kind: 'case'; readonly made: Made }>;
  close(): Promise<void>;
}

type Made = ReturnType<typeof caseOf>;

/** What waits longer is given up. */
const patience = 15 * 60_000;
/** Runs that wait at one time: of one owner, and of all. The oldest is given up. */
const mostWaiting = { ofOne: 4, ofAll: 24 };
/** What all callbacks of one run may take together, milliseconds. */
const longestRun = 60_000;

/** A callback that waits, before the page is told where. */
type Waits = Omit<Paused, 'state' | 'path'>;

/** What is known of a run while its callbacks run. */
interface Under {
  spent: number;
  readonly session?: Stepping;
}

/** One run that goes from callback to callback. */
interface Stepping {
  readonly id: string;
  readonly owner: string;
  readonly tenant: Tenant;
  /** The inputs that the callbacks got, in this order; undefined where nothing was edited. */
  readonly edited: (Json | undefined)[];
  waiting?: { readonly go: (input: Json | undefined) => void; readonly stop: () => void };
  last?: { readonly asked: Invocation; readonly given: Invocation };
  /** The states gone through until now, the one that is under way last. */
  soFar: () => readonly SimulatedState[];
  /** Told of the next pause. */
  told: (paused: Waits) => void;
  ended: Promise<SimulatedRun>;
  timer?: NodeJS.Timeout;
  /** Given up: it waits for nobody any more. */
  over?: boolean;
}

export function createRuns(skinsFolder = join(import.meta.dirname, '../../skins')): Runs {
  const nowhere = {
    request: async () => ({ ok: false, code: 'unreachable', message: 'a simulation reaches nothing outside' }) as const,
    close: async () => undefined,
  };
  const runner = createScriptRunner({ outbound: nowhere, trialsOnly: true });
  const current = new AsyncLocalStorage<Under>();
  const watched = waitingRunner(runner, current);
  const simulator = createSimulator(watched);
  const run: typeof simulator.run = (...asked) => current.run({ spent: 0 }, () => simulator.run(...asked));
  const inline = createInliner(createPageRenderer({ skinsFolder }));
  const stepping = new Map<string, Stepping>();

  async function next(session: Stepping): Promise<Answer> {
    const paused = new Promise<Waits>((resolve) => (session.told = resolve));
    const came = await Promise.race([
      paused.then((each) => ({ kind: 'paused', paused: { ...each, ...standing(session) } }) as const),
      session.ended.then((run) => ({ kind: 'run', run }) as const),
    ]);
    clearTimeout(session.timer);
    if (came.kind === 'paused') {
      session.timer = setTimeout(() => end(session.id), patience).unref();
      return came;
    }
    stepping.delete(session.id);
    return { kind: 'run', run: show(session.tenant, came.run, session.edited) };
  }

  function standing({ tenant, edited, soFar }: Stepping): Pick<Paused, 'state' | 'path'> {
    const path = soFar();
    return { state: path.at(-1)?.state ?? '', path: showPath(tenant, path.slice(0, -1), edited) };
  }

  function end(id: string): void {
    const session = stepping.get(id);
    if (session) session.over = true;
    session?.waiting?.stop();
    stepping.delete(id);
  }

  function show(tenant: Tenant, run: SimulatedRun, edited: readonly (Json | undefined)[] = []): ShownRun {
    const { path, errorPage, ...rest } = run;
    const last = errorPage ? { errorPage: { name: errorPage.name, html: inline(tenant, errorPage.render()) } } : {};
    return { ...rest, path: showPath(tenant, path, edited), ...last };
  }

  function showPath(
    tenant: Tenant,
    path: readonly SimulatedState[],
    edited: readonly (Json | undefined)[],
  ): readonly ShownState[] {
    const inputs = [...edited];
    return path.map(({ page, hook, ...state }): ShownState => {
      const input = hook?.script === undefined ? undefined : inputs.shift();
      return {
        ...state,
        ...(hook ? { hook: input === undefined ? hook : { ...hook, input, inputEdited: true } } : {}),
        ...(page ? { page: { name: page.name, html: inline(tenant, page.render()) } } : {}),
      };
    });
  }

  return {
    async run(tenant, given) {
      const read = readPlan(tenant, given);
      if (!read.ok) return { kind: 'faults', faults: faultsOf(read.problems) };
      return { kind: 'run', run: show(tenant, await run(tenant, read.plan)) };
    },
    get waiting() {
      return stepping.size;
    },
    async step(tenant, given, owner) {
      const read = readPlan(tenant, given);
      if (!read.ok) return { kind: 'faults', faults: faultsOf(read.problems) };
      const own = [...stepping.values()].filter((each) => each.owner === owner);
      for (const { id } of own.slice(0, Math.max(0, own.length - mostWaiting.ofOne + 1))) end(id);
      for (const [oldest] of stepping) if (stepping.size >= mostWaiting.ofAll) end(oldest);
      const id = randomBytes(16).toString('base64url');
      const session: Stepping = {
        id,
        owner,
        tenant,
        edited: [],
        soFar: () => [],
        told: () => undefined,
        ended: undefined as never,
      };
      stepping.set(id, session);
      session.ended = current.run({ spent: 0, session }, () =>
        simulator.run(tenant, read.plan, undefined, (soFar) => (session.soFar = soFar)),
      );
      // Nobody hears of the end of a run that was stopped.
      session.ended.catch(() => stepping.delete(id));
      return next(session);
    },
    async goOn(id, owner, input) {
      const session = stepping.get(id);
      const { waiting } = session ?? {};
      if (!session || !waiting || session.owner !== owner) return undefined;
      delete session.waiting;
      const answer = next(session);
      waiting.go(input);
      return answer;
    },
    stop: (id, owner) => void (stepping.get(id)?.owner === owner && end(id)),
    async replay(tenant, given) {
      const trace = traceIn(given);
      if (!('entries' in trace)) return { kind: 'faults', faults: [trace] };
      const hooks: ReplayedHook[] = [];
      const together: Under = { spent: 0 };
      const mask = createMask(Object.values(tenant.secrets).map(({ value }) => value));
      const scripts = new Map(scriptsOf(tenant).map(({ slot, script }) => [slot, script]));
      for (const [entry, each] of trace.entries.entries())
        for (const kept of keptHooks([each])) {
          const read = readCase(caseOfHook(trace.flow, kept), `entry ${entry + 1}`);
          if (!read.ok) return { kind: 'faults', faults: faultsOf(read.problems) };
          const again = await current.run(together, () =>
            replay(trace.flow, kept, tenant, watched, scripts.get(kept.hook.slot)),
          );
          hooks.push({ entry, ...maskJson(again, mask) });
        }
      if (hooks.length > 0) return { kind: 'replay', hooks };
      const why = trace.entries.some(({ hook }) => hook)
        ? {
            message: 'The values of this flow were not kept.',
            hint: 'set traces.values of the tenant to "redacted", for flows from then on',
          }
        : { message: 'No callback ran in this flow.', hint: '' };
      return { kind: 'faults', faults: [why] };
    },
    async makeCase(tenant, name, given) {
      const read = readPlan(tenant, given);
      if (!read.ok) return { kind: 'faults', faults: faultsOf(read.problems) };
      return { kind: 'case', made: caseOf(name, await run(tenant, read.plan)) };
    },
    async close() {
      for (const id of stepping.keys()) end(id);
      await simulator.close();
      await runner.close();
    },
  };
}

/** Waits before each callback of a run that somebody steps through, and lets no run take too long. */
function waitingRunner(runner: ScriptRunner, current: AsyncLocalStorage<Under>): ScriptRunner {
  return {
    ...runner,
    async run(invocation) {
      const under = current.getStore();
      if (!under) return runner.run(invocation);
      const { session } = under;
      if (under.spent > longestRun) return notRun('timeout', 'the callbacks of this run took too long together');
      const take = async (given: Invocation) => {
        const result = await runner.run(given);
        under.spent += result.wallMicroseconds / 1000;
        return result;
      };
      if (!session) return take(invocation);
      if (session.over) return notRun('denied', 'the run was stopped here');
      // What ended its process is run once more, of which nobody need be asked.
      if (session.last?.asked === invocation) return take(session.last.given);
      const decided = await new Promise<{ readonly input: Json | undefined } | 'stop'>((resolve) => {
        session.waiting = {
          go: (input) => resolve({ input }),
          stop: () => resolve('stop'),
        };
        session.told(pausedAt(invocation, session));
      });
      if (decided === 'stop') return notRun('denied', 'the run was stopped here');
      const { input } = decided;
      session.edited.push(input);
      const given = input === undefined ? invocation : { ...invocation, input };
      session.last = { asked: invocation, given };
      return take(given);
    },
  };
}

function pausedAt({ hook, script, input }: Invocation, { id, tenant, edited }: Stepping): Waits {
  const mask = createMask(Object.values(tenant.secrets).map(({ value }) => value));
  return { step: id, hook, file: script.name, input: maskJson(input, mask), before: edited.length };
}

function notRun(kind: 'denied' | 'timeout', message: string): InvocationResult {
  return { ok: false, kind, message, logs: [], calls: [], cpuMicroseconds: 0, wallMicroseconds: 0 };
}
