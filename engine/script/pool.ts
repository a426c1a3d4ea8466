/** The supervisor of the sandbox processes: admission, deadlines, replacement, quarantine. */
import { createBreaker } from '../outbound/breaker.ts';
import type { OutboundClient } from '../outbound/client.ts';
import { createGate, type Gate } from './gate.ts';
import { compileScript } from './compile/compile.ts';
import type { ScriptProblem } from './compile/program.ts';
import { type CallCount, callHost } from './host.ts';
import { createMask } from './mask.ts';
import { startSandbox, type Sandbox } from './process.ts';
import type { Program } from './compile/program.ts';
import type { HostServices } from './service/context.ts';
import type { FromSandbox } from './protocol.ts';
import type {
  HostCall,
  HookName,
  Invocation,
  InvocationFailure,
  InvocationResult,
  Json,
  LogLine,
  ScriptFailureKind,
  ScriptRunner,
  SourceLocation,
} from './runner.ts';

export interface PoolOptions {
  readonly outbound: OutboundClient;
  /** Sandbox processes; two unless told. */
  readonly processes?: number;
  /** What scripts may use beside HTTP; nothing unless given. */
  readonly services?: HostServices;
}

interface Pending {
  readonly invocation: Invocation;
  readonly logs: LogLine[];
  readonly calls: HostCall[];
  readonly began: number;
  readonly attempt: number;
  readonly settle: (result: InvocationResult | 'again') => void;
  deadline?: NodeJS.Timeout;
  readonly count: CallCount;
  readonly mask: (text: string) => string;
}

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
            punish(tenantId);
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
    const times = (quarantine.get(tenantId)?.times ?? 0) + 1;
    quarantine.set(tenantId, { until: Date.now() + Math.min(250 * 2 ** times, longestQuarantine), times });
  }

  function shardOf(tenantId: string) {
    let sum = 0;
    for (const character of tenantId) sum = (sum * 31 + character.charCodeAt(0)) >>> 0;
    return shards[sum % shards.length] as (typeof shards)[number];
  }

  return {
    async run(invocation) {
      const { tenantId, limits } = invocation;
      const nothing: Omit<Pending, 'settle'> = {
        invocation,
        logs: [],
        calls: [],
        began: performance.now(),
        attempt: 1,
        count: { all: 0, http: 0 },
        mask: (text) => text,
      };
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
      try {
        const result = await shardOf(tenantId).run(invocation, program, 1);
        const last = result === 'again' ? await runAside(invocation, program) : result;
        if (last === 'again') return failure(nothing, 'crashed', 'the sandbox process ended');
        if (last.ok) quarantine.delete(tenantId);
        return last;
      } finally {
        gate.leave();
      }
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
      for (const { shard } of asides.values()) void shard.then((started) => started && started.close());
    },
  };
}

function success(entry: Pending, message: Extract<FromSandbox, { type: 'done' }>): InvocationResult {
  const { limits } = entry.invocation;
  if (typeof message.body !== 'string' || message.body.length > limits.outputBytes)
    return failure(entry, 'shape', 'the result is too large');
  if (depthOf(message.body) > 64) return failure(entry, 'shape', 'the result is nested too deeply');
  let body: { defined?: unknown; value?: unknown };
  try {
    body = JSON.parse(message.body) as typeof body;
  } catch {
    return failure(entry, 'shape', 'the result is not JSON');
  }
  return {
    ok: true,
    defined: body.defined === true,
    value: (body.value ?? null) as Json,
    logs: entry.logs,
    calls: entry.calls,
    cpuMicroseconds: Number(message.cpu) || 0,
    wallMicroseconds: Math.round((performance.now() - entry.began) * 1000),
  };
}

function failure(entry: Omit<Pending, 'settle'>, kind: ScriptFailureKind, message: string): InvocationFailure {
  return {
    ok: false,
    kind,
    message,
    logs: entry.logs,
    calls: entry.calls,
    cpuMicroseconds: 0,
    wallMicroseconds: Math.round((performance.now() - entry.began) * 1000),
  };
}

/** What goes in beside the input: the environment, and of the secrets those that are meant for this hook. */
function givenTo({ environment, secrets = {}, hook }: Invocation): string {
  const all = Object.entries(secrets);
  const mine = all.filter(([, { hooks }]) => hooks.includes(hook));
  return JSON.stringify({
    environment,
    secrets: Object.fromEntries(mine.map(([name, { value }]) => [name, value])),
    deniedSecrets: all.filter((entry) => !mine.includes(entry)).map(([name]) => name),
  });
}

function maskOf({ secrets = {} }: Invocation): (text: string) => string {
  return createMask(Object.values(secrets).map(({ value }) => value));
}

function sentenceOf([first]: readonly ScriptProblem[]): string {
  return first ? `${first.message}${first.hint ? `; ${first.hint}` : ''}` : 'the script does not compile';
}

function placeOf([first]: readonly ScriptProblem[]): { location?: SourceLocation } {
  return first ? { location: first.location } : {};
}

/** Nesting of a JSON text, counted before it is parsed. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (quoted) {
      if (character === '\\') index += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '{' || character === '[') deepest = Math.max(deepest, ++depth);
    else if (character === '}' || character === ']') depth -= 1;
  }
  return deepest;
}

function levelOf(level: unknown): LogLine['level'] {
  return level === 'debug' || level === 'warn' || level === 'error' ? level : 'info';
}

function kindOf(kind: unknown): ScriptFailureKind {
  const known: readonly ScriptFailureKind[] = ['denied', 'timeout', 'memory', 'syntax', 'shape', 'runtime', 'crashed'];
  return known.find((candidate) => candidate === kind) ?? 'runtime';
}

function locationOf(location: SourceLocation | undefined): { location?: SourceLocation } {
  if (!location || typeof location.file !== 'string') return {};
  return {
    location: {
      file: location.file.slice(0, 200),
      line: Number(location.line) || 1,
      column: Number(location.column) || 1,
    },
  };
}

export type { HookName };
