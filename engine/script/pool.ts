/** The supervisor of the sandbox processes: admission, deadlines, replacement, quarantine. */
import { createBreaker } from '../outbound/breaker.ts';
import type { OutboundClient } from '../outbound/client.ts';
import { createGate, type Gate } from './gate.ts';
import { compileScript } from './compile/compile.ts';
import type { ScriptObserver } from './observer.ts';
import { inspectedProgram, type InspectorPort, withoutLimits } from './inspector.ts';
import { failure, locationOf, placeOf, type Running, sentenceOf } from './outcome.ts';
import { createQuarantine } from './quarantine.ts';
import { createShard, type Shard, type ShardPorts } from './shard.ts';
import type { Program } from './compile/program.ts';
import type { HostServices } from './service/context.ts';
import type { FromSandbox } from './protocol.ts';
import type { Invocation, InvocationResult, ScriptRunner } from './runner.ts';

export interface PoolOptions {
  readonly outbound: OutboundClient;
  /** Sandbox processes; two unless told. */
  readonly processes?: number;
  /** Everything is a trial and nothing is real, as for cases and simulations: one process, which starts at once. */
  readonly trialsOnly?: boolean;
  /** A debugger that looks into the process of trials. There is none for real invocations. */
  readonly inspector?: InspectorPort;
  /** What scripts may use beside HTTP; nothing unless given. */
  readonly services?: HostServices;
  readonly observer?: ScriptObserver;
  /** What sandbox processes run, in place of the sandbox itself. */
  readonly main?: string;
  /** Quick invocations in a row before a hook may run on a sandbox process's own thread; eight unless told. */
  readonly quickAfter?: number;
}

/** Owns the process of trials, so that what they end is no tenant's fault. */
const trialOwner = '*trials*';
/** Processes at one time for what is run again, and tenants that may wait for one. */
const mostAsides = 4;
const longestAsideQueue = 1000;

export function createScriptRunner(options: PoolOptions): ScriptRunner {
  const { processes = 2, trialsOnly = false } = options;
  const gates = new Map<string, Gate>();
  const quarantine = createQuarantine();
  const asides = new Map<string, { running: number; readonly shard: Promise<Shard | false> }>();
  const asideGate = createGate();
  let trials: Shard | undefined;
  const inspector = trialsOnly ? options.inspector : undefined;
  let ids = 0;
  const ports: ShardPorts = {
    host: { outbound: options.outbound, breaker: createBreaker(), services: options.services ?? {} },
    observer: options.observer,
    main: options.main,
    quickAfter: options.quickAfter ?? 8,
    inspector: undefined,
    nextId: () => (ids += 1),
    punish,
  };
  const shards = trialsOnly ? [trialShard()] : Array.from({ length: Math.max(1, processes) }, () => createShard(ports));

  function trialShard(): Shard {
    trials ??= createShard({ ...ports, inspector }, trialOwner);
    return trials;
  }

  /**
   * Runs what a process took with it once more. Whoever ended that process may be among them, so each tenant gets a
   * process of its own for it: should that one end, too, it is known by whom, and nobody else is hit again.
   */
  async function runAside(invocation: Invocation, program: Program): Promise<InvocationResult | 'again'> {
    const { tenantId } = invocation;
    const aside = asides.get(tenantId) ?? {
      running: 0,
      shard: asideGate.enter(mostAsides, longestAsideQueue).then((entered) => entered && createShard(ports, tenantId)),
    };
    asides.set(tenantId, aside);
    aside.running += 1;
    const shard = await aside.shard;
    try {
      return shard ? await shard.run(invocation, program, 2) : 'again';
    } finally {
      aside.running -= 1;
      if (aside.running === 0) {
        asides.delete(tenantId);
        if (shard) {
          shard.close();
          asideGate.leave();
        }
      }
    }
  }

  function punish(tenantId: string): void {
    if (tenantId === trialOwner) return;
    options.observer?.quarantined(tenantId);
    quarantine.punish(tenantId);
  }

  function shardOf(tenantId: string) {
    let sum = 0;
    for (const character of tenantId) sum = (sum * 31 + character.charCodeAt(0)) >>> 0;
    return shards[sum % shards.length] as (typeof shards)[number];
  }

  /** Tries a version apart from everything real: its own process, nobody's share, nobody's quarantine. */
  async function runOnTrial(invocation: Invocation): Promise<InvocationResult> {
    const nothing: Running = { invocation, logs: [], calls: [], began: performance.now() };
    const compiled = compileScript(invocation.script);
    if (!compiled.ok)
      return { ...failure(nothing, 'syntax', sentenceOf(compiled.problems)), ...placeOf(compiled.problems) };
    await inspector?.before(invocation.script);
    const result = await (inspector
      ? trialShard().run(withoutLimits(invocation), inspectedProgram(compiled.program, inspector), 2)
      : trialShard().run(invocation, compiled.program, 2));
    return result === 'again' ? failure(nothing, 'crashed', 'the sandbox process ended') : result;
  }

  async function runQueued(invocation: Invocation, waited: (milliseconds: number) => void): Promise<InvocationResult> {
    const { tenantId, limits } = invocation;
    const nothing: Running = { invocation, logs: [], calls: [], began: performance.now() };
    const compiled = compileScript(invocation.script);
    if (!compiled.ok)
      return { ...failure(nothing, 'syntax', sentenceOf(compiled.problems)), ...placeOf(compiled.problems) };
    const { program } = compiled;
    const inQuarantine = () =>
      failure(nothing, 'overloaded', 'the tenant is in quarantine after its script ended a sandbox process');
    if (quarantine.holds(tenantId)) return inQuarantine();
    let gate = gates.get(tenantId);
    if (!gate) gates.set(tenantId, (gate = createGate()));
    if (!(await gate.enter(limits.concurrency, limits.queue)))
      return failure(nothing, 'overloaded', 'too many invocations are waiting');
    waited(performance.now() - nothing.began);
    try {
      // Those that waited behind the culprit would end the next process.
      if (quarantine.holds(tenantId)) return inQuarantine();
      const began = Date.now();
      const result = await shardOf(tenantId).run(invocation, program, 1);
      const last = result === 'again' ? await runAside(invocation, program) : result;
      if (last === 'again') return failure(nothing, 'crashed', 'the sandbox process ended');
      if (last.ok) quarantine.absolve(tenantId, began);
      return last;
    } finally {
      gate.leave();
    }
  }

  return {
    async run(invocation) {
      if (trialsOnly || invocation.onTrial) return runOnTrial(invocation);
      let queueMicroseconds = 0;
      const result = await runQueued(invocation, (milliseconds) => (queueMicroseconds = milliseconds * 1000));
      const { cpuMicroseconds, wallMicroseconds } = result;
      options.observer?.invoked({
        tenantId: invocation.tenantId,
        hook: invocation.hook,
        outcome: result.ok ? (result.defined ? 'ok' : 'absent') : result.kind,
        cpuMicroseconds,
        wallMicroseconds,
        queueMicroseconds,
        ...(result.ok && result.heapBytes !== undefined ? { heapBytes: result.heapBytes } : {}),
      });
      return result;
    },
    async inspect(script) {
      const compiled = compileScript(script);
      if (!compiled.ok) return { ok: false, message: sentenceOf(compiled.problems), ...placeOf(compiled.problems) };
      const message = await (shards[0] as (typeof shards)[number]).inspect(`inspect ${script.hash}`, compiled.program);
      if (message.type === 'done')
        return { ok: true, ...(JSON.parse(message.body) as { functions: { name: string; parameters: number }[] }) };
      const failed = message as Extract<FromSandbox, { type: 'failed' }>;
      return { ok: false, message: failed.message, ...locationOf(script, failed.location) };
    },
    async close() {
      for (const shard of shards) shard.close();
      trials?.close();
      for (const { shard } of asides.values()) void shard.then((started) => started && started.close());
    },
  };
}
