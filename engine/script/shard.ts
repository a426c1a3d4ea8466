/** One sandbox process as the engine sees it: what runs in it, the deadline of each, its replacement when it ends. */
import { explainMissing } from './api/missing.ts';
import { createBreaker } from '../outbound/breaker.ts';
import type { Program } from './compile/program.ts';
import { type CallCount, callHost, unansweredCall } from './host.ts';
import type { ScriptObserver } from './observer.ts';
import type { InspectorPort } from './inspector.ts';
import { failure, givenTo, kindOf, levelOf, locationOf, maskOf, type Running, success } from './outcome.ts';
import { startSandbox, type Sandbox } from './process.ts';
import type { FromSandbox } from './protocol.ts';
import type { HostCall, Invocation, InvocationResult } from './runner.ts';
import type { HostContext } from './service/context.ts';

export interface ShardPorts {
  readonly host: Omit<HostContext, 'invocation'>;
  readonly observer: ScriptObserver | undefined;
  /** Another module in place of the sandbox's own. */
  readonly main: string | undefined;
  readonly quickAfter: number;
  /** A debugger that looks into the process. */
  readonly inspector: InspectorPort | undefined;
  nextId(): number;
  /** A tenant's script ended a process. */
  punish(tenantId: string): void;
}

export interface Shard {
  run(invocation: Invocation, program: Program, attempt: number): Promise<InvocationResult | 'again'>;
  inspect(key: string, program: Program): Promise<FromSandbox>;
  close(): void;
}

interface Pending extends Running {
  readonly attempt: number;
  readonly settle: (result: InvocationResult | 'again') => void;
  deadline?: NodeJS.Timeout;
  readonly count: CallCount;
  readonly mask: (text: string) => string;
  /** Calls under way, by number. */
  readonly asked: Map<number, { readonly request: string; readonly at: number }>;
  made: number;
}

/** After the process's own limit, before it is killed, milliseconds. */
const grace = 500;
/** Messages about nothing that runs, or beyond what an invocation may say, until a process counts as compromised. */
const mostStrays = 2000;
/** A process that never became ready is started anew at once this often, then after a pause that doubles. */
const quickRestarts = 3;
const longestPause = 30_000;
const longestInspection = 10_000;
/** A process is asked so often whether its own thread still turns, and ended when it leaves two such questions open. */
const betweenPings = 1000;
/** Until a process must be ready, milliseconds: long, for a busy machine. */
const longestStart = 20_000;

/** @param owner the one tenant whose scripts run here; without it many share the process. */
export function createShard(ports: ShardPorts, owner?: string): Shard {
  const { observer, punish } = ports;
  const pending = new Map<number, Pending>();
  const inspections = new Map<number, (message: FromSandbox) => void>();
  let restarts = 0;
  let ended = false;
  let revival: NodeJS.Timeout | undefined;
  /** A process that has not started yet costs its first invocations no time of theirs. */
  let ready = false;
  /** Questions to the process that it has not answered. */
  let unanswered = 0;
  const pings = setInterval(ping, betweenPings);
  pings.unref();
  let sandbox = start();

  /** What holds up the process's own thread holds up all that it serves, long before the deadline of any of them. */
  function ping(): void {
    if (!ready || pending.size === 0) {
      unanswered = 0;
      return;
    }
    if (unanswered >= 2) return replace();
    unanswered += 1;
    sandbox.send({ type: 'ping' });
  }

  function start(): Sandbox {
    let strays = 0;
    ready = false;
    unanswered = 0;
    const startup = setTimeout(() => started.kill(), longestStart);
    const started: Sandbox = startSandbox({
      main: ports.main,
      quickAfter: ports.quickAfter,
      inspected: ports.inspector !== undefined,
      onMessage(message) {
        // What a process said before it was killed may still arrive; it is believed no longer.
        if (started !== sandbox) return;
        if (message.type === 'ready' && !ready) {
          ready = true;
          clearTimeout(startup);
          for (const [id, entry] of pending) watch(id, entry);
          return;
        }
        if (message.type === 'alive' && unanswered > 0) {
          unanswered = 0;
          return;
        }
        if (message.type === 'inspector' && ports.inspector) return ports.inspector.heard(message.message);
        if (receive(message)) return;
        strays += 1;
        if (strays > mostStrays) started.kill();
      },
      onExit(wasReady) {
        clearTimeout(startup);
        if (started !== sandbox || ended) return;
        restarts = wasReady ? 0 : restarts + 1;
        replace();
      },
    });
    ports.inspector?.started((message) => started.send({ type: 'inspector', message }));
    return started;
  }

  /** Where no process comes up, the next is not tried at once: it would keep a processor busy with failing. */
  function restart(): void {
    sandbox.kill();
    if (restarts < quickRestarts) return void (sandbox = start());
    revival ??= setTimeout(
      () => {
        revival = undefined;
        if (!ended) sandbox = start();
      },
      Math.min(250 * 2 ** (restarts - quickRestarts), longestPause),
    );
  }

  /** The last resort: whatever holds the process up, it ends here. */
  function watch(id: number, entry: Pending): void {
    const { limits, tenantId } = entry.invocation;
    entry.deadline = setTimeout(() => {
      pending.delete(id);
      punish(owner ?? tenantId);
      settle(entry, failure(entry, 'timeout', `more than ${limits.wallMilliseconds} ms`));
      replace();
    }, limits.wallMilliseconds + grace);
  }

  /**
   * Everything in the old process is lost. What has left no mark outside runs once more, apart from others: even where it
   * was alone in the process, what ended that may have been left behind by another.
   */
  function replace(): void {
    const lost = [...pending.values()];
    pending.clear();
    for (const resolve of inspections.values())
      resolve({ type: 'failed', id: 0, kind: 'crashed', message: 'the sandbox process ended', cpu: 0, wall: 0 });
    inspections.clear();
    restart();
    observer?.replaced();
    const [only, another] = lost;
    if (owner !== undefined) punish(owner);
    // It is not run again, so that nothing more will be known.
    else if (only && !another && only.count.all > 0) punish(only.invocation.tenantId);
    for (const entry of lost) {
      clearTimeout(entry.deadline);
      const mayRetry = entry.attempt === 1 && entry.count.all === 0;
      // A process that cannot even start is not asked again and again.
      if (mayRetry && restarts < quickRestarts) entry.settle('again');
      else settle(entry, failure(entry, 'crashed', 'the sandbox process ended'));
    }
  }

  /** Calls that nobody awaited are in the record, too. */
  function settle(entry: Pending, result: InvocationResult): void {
    const now = performance.now();
    for (const { request, at } of entry.asked.values()) record(entry, unansweredCall(request, now - at));
    entry.settle(result);
  }

  function record(entry: Pending, call: HostCall): void {
    const { tenantId, limits } = entry.invocation;
    // One beyond the limit shows that it was met.
    if (entry.calls.length <= limits.hostCalls) entry.calls.push({ ...call, target: entry.mask(call.target) });
    observer?.called(tenantId, call.service, call.outcome, call.milliseconds);
  }

  /** @returns whether the message was about something that runs. */
  function receive(message: FromSandbox): boolean {
    if (message.type === 'ready' || message.type === 'alive' || message.type === 'inspector') return false;
    const inspection = inspections.get(message.id);
    if (inspection && (message.type === 'done' || message.type === 'failed')) {
      inspections.delete(message.id);
      inspection(message);
      return true;
    }
    // What names no running invocation is late or forged.
    const entry = pending.get(message.id);
    if (!entry) return false;
    const { invocation } = entry;
    if (message.type === 'log') {
      if (entry.logs.length >= invocation.limits.logLines) return false;
      entry.logs.push({
        level: levelOf(message.level),
        message: entry.mask(message.message.slice(0, 4000)).slice(0, 2000),
      });
      return true;
    }
    if (message.type === 'call') {
      entry.made += 1;
      // The sandbox itself refuses what goes further beyond the limit than by one.
      if (entry.made > invocation.limits.hostCalls + 1 || entry.asked.has(message.call)) return false;
      void answer(entry, message);
      return true;
    }
    pending.delete(message.id);
    clearTimeout(entry.deadline);
    if (message.type === 'done') settle(entry, success(entry, message));
    else {
      const { kind, message: text, cpu, location, fatal } = message;
      const failed = failure(entry, kindOf(kind), explainMissing(entry.mask(text.slice(0, 2000))).slice(0, 1000));
      settle(entry, {
        ...failed,
        cpuMicroseconds: Math.min(cpu, failed.wallMicroseconds),
        ...locationOf(invocation.script, location),
      });
      if (fatal === true) {
        punish(owner ?? invocation.tenantId);
        replace();
      }
    }
    return true;
  }

  async function answer(entry: Pending, { id, call, request }: Extract<FromSandbox, { type: 'call' }>): Promise<void> {
    entry.asked.set(call, { request, at: performance.now() });
    const { world } = entry.invocation;
    const host = world ? { ...world, breaker: createBreaker() } : ports.host;
    const context = { ...host, invocation: entry.invocation };
    // A service that fails is the engine's own fault, and must not be more than a failed call.
    const answered = await callHost(request, entry.count, context).catch(() => undefined);
    if (pending.get(id) !== entry) return;
    entry.asked.delete(call);
    record(entry, answered?.call ?? { ...unansweredCall(request, 0), outcome: 'failed' });
    const body = answered?.body ?? '{"ok":false,"code":"failed","message":"the call failed"}';
    sandbox.send({ type: 'answer', call, body });
  }

  return {
    inspect: (key: string, program: Program) =>
      new Promise<FromSandbox>((resolve) => {
        const id = ports.nextId();
        const deadline = setTimeout(() => inspections.has(id) && replace(), longestInspection);
        inspections.set(id, (message) => {
          clearTimeout(deadline);
          resolve(message);
        });
        sandbox.load(key, program);
        sandbox.send({ type: 'inspect', id, key });
      }),
    run(invocation: Invocation, program: Program, attempt: number): Promise<InvocationResult | 'again'> {
      return new Promise((resolve) => {
        const id = ports.nextId();
        const { limits, script, tenantId } = invocation;
        const entry: Pending = {
          invocation,
          logs: [],
          calls: [],
          began: performance.now(),
          attempt,
          settle: resolve,
          count: { all: 0, http: 0 },
          mask: maskOf(invocation),
          asked: new Map(),
          made: 0,
        };
        if (revival) return settle(entry, failure(entry, 'crashed', 'no sandbox process could be started'));
        pending.set(id, entry);
        if (ready) watch(id, entry);
        // An isolate has its memory limit for life, and its files their names.
        const key = `${tenantId} ${script.hash} ${limits.memoryMebibytes} ${script.name}`;
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
          hostCalls: limits.hostCalls,
        });
      });
    },
    close() {
      ended = true;
      clearInterval(pings);
      clearTimeout(revival);
      sandbox.kill();
    },
  };
}
