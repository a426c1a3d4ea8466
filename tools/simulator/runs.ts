/** Runs flows for the page, at once or from callback to callback. Every callback runs in the sandbox of production. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { caseOf } from '../../engine/simulator/case.ts';
import { readPlan } from '../../engine/simulator/plan.ts';
import type { SimulatedRun } from '../../engine/simulator/run.ts';
import { createSimulator } from '../../engine/simulator/simulator.ts';
import { createPageRenderer } from '../../engine/page/render.ts';
import { createMask, maskJson } from '../../engine/script/mask.ts';
import { createScriptRunner } from '../../engine/script/pool.ts';
import type { Invocation, InvocationResult, Json, ScriptRunner } from '../../engine/script/runner.ts';
import type { Tenant } from '../../engine/tenant/tenant.ts';
import { join } from 'node:path';
import type { Answer, Paused, ShownRun, ShownState } from './shown.ts';
import { createInliner } from './inline-page.ts';
import { faultsOf } from './workspace.ts';

export interface Runs {
  run(tenant: Tenant, plan: unknown): Promise<Answer>;
  /** Runs up to the first callback. */
  step(tenant: Tenant, plan: unknown): Promise<Answer>;
  /** Lets the callback run that a run waits at; undefined where no run waits under this name. @param input another one. */
  goOn(step: string, input?: Json): Promise<Answer | undefined>;
  /** Ends a run that waits. */
  stop(step: string): void;
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
const mostWaiting = 4;

/** One run that goes from callback to callback. */
interface Stepping {
  readonly id: string;
  readonly tenant: Tenant;
  /** The inputs that the callbacks got, in this order; undefined where nothing was edited. */
  readonly edited: (Json | undefined)[];
  waiting?: { readonly paused: Paused; readonly go: (input: Json | undefined) => void; readonly stop: () => void };
  last?: { readonly asked: Invocation; readonly given: Invocation };
  /** Told of the next pause. */
  told: (paused: Paused) => void;
  ended: Promise<SimulatedRun>;
  timer?: NodeJS.Timeout;
}

export function createRuns(skinsFolder = join(import.meta.dirname, '../../skins')): Runs {
  const nowhere = {
    request: async () => ({ ok: false, code: 'unreachable', message: 'a simulation reaches nothing outside' }) as const,
    close: async () => undefined,
  };
  const runner = createScriptRunner({ outbound: nowhere, trialsOnly: true });
  const current = new AsyncLocalStorage<Stepping>();
  const simulator = createSimulator(waitingRunner(runner, current));
  const inline = createInliner(createPageRenderer({ skinsFolder }));
  const stepping = new Map<string, Stepping>();

  async function next(session: Stepping): Promise<Answer> {
    const paused = new Promise<Paused>((resolve) => (session.told = resolve));
    const came = await Promise.race([
      paused.then((each) => ({ kind: 'paused', paused: each }) as const),
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

  function end(id: string): void {
    stepping.get(id)?.waiting?.stop();
    stepping.delete(id);
  }

  function show(tenant: Tenant, run: SimulatedRun, edited: readonly (Json | undefined)[] = []): ShownRun {
    const { path, errorPage, ...rest } = run;
    const inputs = [...edited];
    const states = path.map(({ page, hook, ...state }): ShownState => {
      const input = hook?.script === undefined ? undefined : inputs.shift();
      return {
        ...state,
        ...(hook ? { hook: input === undefined ? hook : { ...hook, input, inputEdited: true } } : {}),
        ...(page ? { page: { name: page.name, html: inline(tenant, page.render()) } } : {}),
      };
    });
    const last = errorPage ? { errorPage: { name: errorPage.name, html: inline(tenant, errorPage.render()) } } : {};
    return { ...rest, path: states, ...last };
  }

  return {
    async run(tenant, given) {
      const read = readPlan(tenant, given);
      if (!read.ok) return { kind: 'faults', faults: faultsOf(read.problems) };
      return { kind: 'run', run: show(tenant, await simulator.run(tenant, read.plan)) };
    },
    async step(tenant, given) {
      const read = readPlan(tenant, given);
      if (!read.ok) return { kind: 'faults', faults: faultsOf(read.problems) };
      for (const [oldest] of stepping) if (stepping.size >= mostWaiting) end(oldest);
      const id = randomBytes(16).toString('base64url');
      const session: Stepping = { id, tenant, edited: [], told: () => undefined, ended: undefined as never };
      stepping.set(id, session);
      session.ended = current.run(session, () => simulator.run(tenant, read.plan));
      // Nobody hears of the end of a run that was stopped.
      session.ended.catch(() => stepping.delete(id));
      return next(session);
    },
    async goOn(id, input) {
      const session = stepping.get(id);
      const { waiting } = session ?? {};
      if (!session || !waiting) return undefined;
      delete session.waiting;
      const answer = next(session);
      waiting.go(input);
      return answer;
    },
    stop: end,
    async makeCase(tenant, name, given) {
      const read = readPlan(tenant, given);
      if (!read.ok) return { kind: 'faults', faults: faultsOf(read.problems) };
      return { kind: 'case', made: caseOf(name, await simulator.run(tenant, read.plan)) };
    },
    async close() {
      for (const id of stepping.keys()) end(id);
      await simulator.close();
      await runner.close();
    },
  };
}

/** Waits before each callback of a run that somebody steps through; all others go straight on. */
function waitingRunner(runner: ScriptRunner, current: AsyncLocalStorage<Stepping>): ScriptRunner {
  return {
    ...runner,
    async run(invocation) {
      const session = current.getStore();
      if (!session) return runner.run(invocation);
      // What ended its process is run once more, of which nobody need be asked.
      if (session.last?.asked === invocation) return runner.run(session.last.given);
      const decided = await new Promise<{ readonly input: Json | undefined } | 'stop'>((resolve) => {
        const paused = pausedAt(invocation, session);
        session.waiting = {
          paused,
          go: (input) => resolve({ input }),
          stop: () => resolve('stop'),
        };
        session.told(paused);
      });
      if (decided === 'stop') return stopped;
      const { input } = decided;
      session.edited.push(input);
      const given = input === undefined ? invocation : { ...invocation, input };
      session.last = { asked: invocation, given };
      return runner.run(given);
    },
  };
}

function pausedAt({ hook, script, input }: Invocation, { id, tenant, edited }: Stepping): Paused {
  const mask = createMask(Object.values(tenant.secrets).map(({ value }) => value));
  return { step: id, hook, file: script.name, input: maskJson(input, mask), before: edited.length };
}

const stopped: InvocationResult = {
  ok: false,
  kind: 'denied',
  message: 'the run was stopped here',
  logs: [],
  calls: [],
  cpuMicroseconds: 0,
  wallMicroseconds: 0,
};
