/** The supervisor of the sandbox processes: admission, deadlines, replacement, quarantine. */
import { createBreaker } from '../outbound/breaker.ts';
import type { OutboundClient } from '../outbound/client.ts';
import { createGate, type Gate } from './gate.ts';
import { compileScript } from './compile/compile.ts';
import { type CallCount, callHost } from './host.ts';
import type { ScriptObserver } from './observer.ts';
import {
  failure,
  givenTo,
  kindOf,
  levelOf,
  locationOf,
  maskOf,
  placeOf,
  type Running,
  sentenceOf,
  success,
} from './outcome.ts';
import { startSandbox, type Sandbox } from './process.ts';
import type { Program } from './compile/program.ts';
import type { HostServices } from './service/context.ts';
import type { FromSandbox } from './protocol.ts';
import type { Invocation, InvocationResult, ScriptRunner } from './runner.ts';

export interface PoolOptions {
  readonly outbound: OutboundClient;
  /** Sandbox processes; two unless told. */
  readonly processes?: number;
  /** What scripts may use beside HTTP; nothing unless given. */
  readonly services?: HostServices;
  readonly observer?: ScriptObserver;
}

interface Pending extends Running {
  readonly attempt: number;
  readonly settle: (result: InvocationResult | 'again') => void;
  deadline?: NodeJS.Timeout;
  readonly count: CallCount;
  readonly mask: (text: string) => string;
}

/** Owns the process of trials, so that what they end is no tenant's fault. */
const trialOwner = '*trials*';
/** After the process's own limit, before it is killed, milliseconds. */
const grace = 500;
const longestQuarantine = 60_000;
/** Processes at one time for what is run again, and tenants that may wait for one. */
const mostAsides = 4;
const longestAsideQueue = 1000;

export function createScriptRunner(options: PoolOptions): ScriptRunner {
  const shards = Array.from({ length: Math.max(1, options.processes ?? 2) }, () => createShard());
  const gates = new Map<string, Gate>();
  const quarantine = new Map<string, { until: number; times: number }>();
  const asides = new Map<string, { running: number; readonly shard: Promise<Shard | false> }>();
  const asideGate = createGate();
  const hostContext = { outbound: options.outbound, breaker: createBreaker(), services: options.services ?? {} };
  let trials: Shard | undefined;
  let ids = 0;
  let closed = false;

  type Shard = ReturnType<typeof createShard>;

  /** @param owner the one tenant whose scripts run here; without it many share the process. */
  function createShard(owner?: string) {
    const pending = new Map<number, Pending>();
    const inspections = new Map<number, (message: FromSandbox) => void>();
    let sandbox = start();
    let restarts = 0;
    let ended = false;

    function start(): Sandbox {
      const started: Sandbox = startSandbox({
        onMessage: (message) => void receive(message),
        onExit: (ready) => {
          if (started !== sandbox || closed || ended) return;
          restarts = ready ? 0 : restarts + 1;
          replace(pending.size === 1 ? [...pending.values()][0] : undefined);
        },
      });
      return started;
    }

    /** Everything in the old process is lost; what cannot be the culprit and has left no mark outside runs once more. */
    function replace(culprit: Pending | undefined): void {
      const lost = [...pending.values()];
      pending.clear();
      for (const resolve of inspections.values())
        resolve({ type: 'failed', id: 0, kind: 'crashed', message: 'the sandbox process ended', cpu: 0, wall: 0 });
      inspections.clear();
      sandbox.kill();
      sandbox = start();
      options.observer?.replaced();
      const guilty = owner ?? culprit?.invocation.tenantId;
      if (guilty !== undefined) punish(guilty);
      for (const entry of lost) {
        clearTimeout(entry.deadline);
        const mayRetry = entry !== culprit && entry.attempt === 1 && entry.calls.length === 0;
        // A process that cannot even start is not asked again and again.
        entry.settle(mayRetry && restarts < 3 ? 'again' : failure(entry, 'crashed', 'the sandbox process ended'));
      }
    }

    async function receive(message: FromSandbox): Promise<void> {
      if (message.type === 'ready') return;
      const inspection = inspections.get(message.id);
      if (inspection && (message.type === 'done' || message.type === 'failed')) {
        inspections.delete(message.id);
        return inspection(message);
      }
      // What names no running invocation is late or forged.
      const entry = pending.get(message.id);
      if (!entry) return;
      const { invocation } = entry;
      if (message.type === 'log') {
        if (entry.logs.length < invocation.limits.logLines)
          entry.logs.push({
            level: levelOf(message.level),
            message: entry.mask(String(message.message)).slice(0, 2000),
          });
        return;
      }
      if (message.type === 'call') {
        const { body, call } = await callHost(String(message.request), entry.count, { ...hostContext, invocation });
        entry.calls.push({ ...call, target: entry.mask(call.target) });
        options.observer?.called(invocation.tenantId, call.service, call.outcome, call.milliseconds);
        if (pending.get(message.id) === entry) sandbox.send({ type: 'answer', call: message.call, body });
        return;
      }
      pending.delete(message.id);
      clearTimeout(entry.deadline);
      if (message.type === 'failed') {
        entry.settle({
          ...failure(entry, kindOf(message.kind), entry.mask(String(message.message)).slice(0, 1000)),
          cpuMicroseconds: Number(message.cpu) || 0,
          ...locationOf(message.location),
        });
        return;
      }
      entry.settle(success(entry, message));
    }

    return {
      inspect: (key: string, program: Program) =>
        new Promise<FromSandbox>((resolve) => {
          ids += 1;
          inspections.set(ids, resolve);
          sandbox.load(key, program);
          sandbox.send({ type: 'inspect', id: ids, key });
        }),
      run(invocation: Invocation, program: Program, attempt: number): Promise<InvocationResult | 'again'> {
        return new Promise((settle) => {
          ids += 1;
          const id = ids;
          const { limits, script, tenantId } = invocation;
          const entry: Pending = {
            invocation,
            logs: [],
            calls: [],
            began: performance.now(),
            attempt,
            settle,
            count: { all: 0, http: 0 },
            mask: maskOf(invocation),
          };
          pending.set(id, entry);
          // The last resort: whatever holds the process up, it ends here.
          entry.deadline = setTimeout(() => {
            pending.delete(id);
            punish(owner ?? tenantId);
            entry.settle(failure(entry, 'timeout', `more than ${limits.wallMilliseconds} ms`));
            replace(undefined);
          }, limits.wallMilliseconds + grace);
          const key = `${tenantId} ${script.hash}`;
          sandbox.load(key, program);
          sandbox.send({
            type: 'run',
            id,
            key,
            hook: invocation.hook,
            input: JSON.stringify(invocation.input),
            given: givenTo(invocation),
            memoryMebibytes: limits.memoryMebibytes,
            cpuMilliseconds: limits.cpuMilliseconds,
            wallMilliseconds: limits.wallMilliseconds,
            outputBytes: limits.outputBytes,
            logLines: limits.logLines,
          });
        });
      },
      close() {
        ended = true;
        sandbox.kill();
      },
    };
  }

  /**
   * Runs what a process took with it once more. Whoever ended that process may be among them, so each tenant gets a
   * process of its own for it: should that one end, too, it is known by whom, and nobody else is hit again.
   */
  async function runAside(invocation: Invocation, program: Program): Promise<InvocationResult | 'again'> {
    const { tenantId } = invocation;
    const aside = asides.get(tenantId) ?? {
      running: 0,
      shard: asideGate.enter(mostAsides, longestAsideQueue).then((entered) => entered && createShard(tenantId)),
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
    const times = (quarantine.get(tenantId)?.times ?? 0) + 1;
    quarantine.set(tenantId, { until: Date.now() + Math.min(250 * 2 ** times, longestQuarantine), times });
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
    trials ??= createShard(trialOwner);
    const result = await trials.run(invocation, compiled.program, 2);
    return result === 'again' ? failure(nothing, 'crashed', 'the sandbox process ended') : result;
  }

  async function runQueued(invocation: Invocation, waited: (milliseconds: number) => void): Promise<InvocationResult> {
    const { tenantId, limits } = invocation;
    const nothing: Running = { invocation, logs: [], calls: [], began: performance.now() };
    const compiled = compileScript(invocation.script);
    if (!compiled.ok)
      return { ...failure(nothing, 'syntax', sentenceOf(compiled.problems)), ...placeOf(compiled.problems) };
    const { program } = compiled;
    const held = quarantine.get(tenantId);
    if (held && held.until > Date.now())
      return failure(nothing, 'overloaded', 'the tenant is in quarantine after its script ended a sandbox process');
    let gate = gates.get(tenantId);
    if (!gate) gates.set(tenantId, (gate = createGate()));
    if (!(await gate.enter(limits.concurrency, limits.queue)))
      return failure(nothing, 'overloaded', 'too many invocations are waiting');
    waited(performance.now() - nothing.began);
    try {
      const result = await shardOf(tenantId).run(invocation, program, 1);
      const last = result === 'again' ? await runAside(invocation, program) : result;
      if (last === 'again') return failure(nothing, 'crashed', 'the sandbox process ended');
      if (last.ok) quarantine.delete(tenantId);
      return last;
    } finally {
      gate.leave();
    }
  }

  return {
    async run(invocation) {
      if (invocation.onTrial) return runOnTrial(invocation);
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
        return { ok: true, functions: JSON.parse(message.body) as { name: string; parameters: number }[] };
      const failed = message as Extract<FromSandbox, { type: 'failed' }>;
      return { ok: false, message: failed.message, ...locationOf(failed.location) };
    },
    async close() {
      closed = true;
      for (const shard of shards) shard.close();
      trials?.close();
      for (const { shard } of asides.values()) void shard.then((started) => started && started.close());
    },
  };
}
