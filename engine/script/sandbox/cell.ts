/** One isolate for one tenant's script. It serves one invocation at a time, and its program is evaluated afresh for each. */
import ivm from 'isolated-vm';
import type { Program } from '../compile/program.ts';
import { createDoors, type CellHost } from './doors.ts';
import { describe, type Described } from './describe.ts';
import { compileProgram, openRealm, type OpenRealm } from './realm.ts';

export type { CellHost } from './doors.ts';

export interface CellLimits {
  readonly hook: string;
  readonly input: string;
  readonly given: string;
  readonly cpuMilliseconds: number;
  readonly wallMilliseconds: number;
  readonly outputBytes: number;
  readonly logLines: number;
  readonly hostCalls: number;
}

interface Spent {
  readonly cpu: number;
  readonly wall: number;
}

export type CellResult =
  | ({ readonly ok: true; readonly body: string; readonly heap?: number } & Spent)
  | ({
      readonly ok: false;
      readonly kind: 'denied' | 'timeout' | 'memory' | 'syntax' | 'shape' | 'runtime' | 'overloaded';
      /** The isolate's thread does not stop, or its memory does not come back, while the process lives. */
      readonly fatal?: boolean;
    } & Described &
      Spent);

export interface Here {
  readonly result: CellResult;
  /** Level and message. */
  readonly logs: readonly (readonly [string, string])[];
}

export interface Cell {
  busy: boolean;
  /** When it was used last, milliseconds of the process's own clock. */
  usedAt: number;
  /** It waits for an answer and uses no processor. */
  readonly parked: boolean;
  readonly dead: boolean;
  /** @param since when the invocation came in: time it waited for an isolate is its own. */
  invoke(limits: CellLimits, host: CellHost, since: number): Promise<CellResult>;
  /**
   * Invokes on the process's own thread, which holds up all others for as long. Where that does not do, nothing of it has
   * happened, and it is to be invoked in the other way, in another cell should this one be dead: `unfit` where it took too
   * long or too much memory or wanted an answer from outside, `late` where only the machine was busy.
   */
  invokeHere(limits: CellLimits, since: number): Here | 'unfit' | 'late';
  /** Whether the last invocation asked for anything from outside. */
  readonly asked: boolean;
  inspect(): Promise<CellResult>;
  dispose(): void;
}

/** The realm's text where contexts are shared by invocations, and where each has its own. */
export interface RealmTexts {
  readonly shared: string;
  readonly own: string;
}

const pollMilliseconds = 20;
/** How long a stopped isolate may take to give up its thread. Some built-in loops never look up. */
const patience = 400;
/** The heap is measured once in so many invocations; between them the last measure is told. */
const heapEvery = 8;
/** How long the process's own thread may be held up, milliseconds: long for a script, short for those who wait. */
const longestHere = 25;
const inspection: CellLimits = {
  hook: '',
  input: '',
  given: '',
  cpuMilliseconds: 250,
  wallMilliseconds: 2000,
  outputBytes: 1_048_576,
  logLines: 0,
  hostCalls: 0,
};

const nobody: CellHost = {
  log: () => undefined,
  call: async () => '{"ok":false,"code":"blocked","message":"not while the script is only looked at"}',
};

class Stuck extends Error {}

/** @throws {kind, message, location} when the program cannot be made ready. */
export async function createCell(options: {
  readonly realm: RealmTexts;
  readonly program: Program;
  readonly memoryMebibytes: number;
  readonly onCatastrophe: () => void;
  /** An isolate that a debugger looks into: its cells share it and leave it when they end. */
  readonly inspected?: ivm.Isolate | undefined;
}): Promise<Cell> {
  const { program, inspected } = options;
  const isolate =
    inspected ?? new ivm.Isolate({ memoryLimit: options.memoryMebibytes, onCatastrophicError: options.onCatastrophe });
  const doors = createDoors();
  const own = program.ownContext;
  let open: () => Promise<OpenRealm>;
  let shared: OpenRealm | undefined;
  try {
    const compiled = await compileProgram(isolate, program);
    const text = own ? options.realm.own : options.realm.shared;
    open = () => openRealm(isolate, text, doors.references, compiled, inspected !== undefined);
    if (!own) shared = await open();
  } catch (error) {
    const outOfMemory = isolate.isDisposed;
    if (!outOfMemory && !inspected) isolate.dispose();
    if (outOfMemory) throw { kind: 'memory', message: `more than ${options.memoryMebibytes} MiB of memory` };
    throw { kind: 'syntax', ...describe(error, program) };
  }
  const cpuNow = () => (isolate.isDisposed ? 0n : isolate.cpuTime);
  let dead = false;
  const end = () => {
    if (inspected && !dead) shared?.release();
    dead = true;
    if (!inspected && !isolate.isDisposed) isolate.dispose();
  };

  let heap = 0;
  let served = 0;
  const isHeapDue = () => served++ % heapEvery === 0;

  function work(
    limits: CellLimits,
    host: CellHost,
    since: number,
    action: (realm: OpenRealm) => Promise<unknown>,
  ): Promise<CellResult> {
    const cpuBefore = cpuNow();
    let cpuLast = cpuBefore;
    let stopped: 'cpu' | 'wall' | undefined;
    let goneAt: number | undefined;
    let giveUp: (error: Stuck) => void;
    // A timeout bounds one entry only; what runs on after an await is stopped from here.
    const watch = setInterval(() => {
      const now = performance.now();
      if (isolate.isDisposed) {
        goneAt ??= now;
        if (now - goneAt > patience) giveUp(new Stuck());
        return;
      }
      cpuLast = cpuNow();
      if (Number(cpuLast - cpuBefore) / 1e6 > limits.cpuMilliseconds * 1.2) stopped = 'cpu';
      else if (now - since > limits.wallMilliseconds) stopped = 'wall';
      if (stopped) end();
    }, pollMilliseconds);
    const spent = (): Spent => ({
      cpu: Number(((isolate.isDisposed ? cpuLast : cpuNow()) - cpuBefore) / 1000n),
      wall: Math.round((performance.now() - since) * 1000),
    });
    const overTime = () =>
      stopped === 'wall'
        ? `more than ${limits.wallMilliseconds} ms (it had run for ${Math.round(spent().wall / 1000)} ms)`
        : `more than ${limits.cpuMilliseconds} ms of CPU (it had used ${Math.round(spent().cpu / 1000)} ms)`;
    const failed = (error: unknown): CellResult => {
      const message = error instanceof Error ? error.message : String(error);
      // Without its isolate, a process that is inspected serves no more.
      const fatal = error instanceof Stuck || (inspected && isolate.isDisposed) ? { fatal: true } : {};
      if (stopped) return { ok: false, kind: 'timeout', message: overTime(), ...fatal, ...spent() };
      if (/timed out/i.test(message)) {
        end();
        return { ok: false, kind: 'timeout', ...describe(error, program), message: overTime(), ...spent() };
      }
      if (isolate.isDisposed || /memory limit|disposed/i.test(message)) {
        end();
        const limit = `more than ${options.memoryMebibytes} MiB of memory`;
        return { ok: false, kind: 'memory', message: limit, ...fatal, ...spent() };
      }
      // Its context was not released.
      if (own) end();
      return { ok: false, kind: 'runtime', ...describe(error, program), ...spent() };
    };
    const run = async (): Promise<CellResult> => {
      const realm = shared ?? (await open());
      const body = await action(realm);
      // What goes on after an answer from outside is bounded like all else of this invocation, and over when it ends.
      // A debugger may hold an isolate up at any time, and must never hold up the process's own thread with it.
      const idle = !doors.used && !inspected;
      const over = idle ? realm.spent(idle) : await realm.spent(idle);
      if (isHeapDue())
        heap = (idle ? isolate.getHeapStatisticsSync() : await isolate.getHeapStatistics()).used_heap_size;
      const result = readBody(body, limits, program, { ...spent(), heap });
      if (over === true) end();
      else if (realm !== shared) realm.release();
      return result;
    };
    doors.open(host, limits.hostCalls);
    return new Promise((resolve) => {
      const close = (result: CellResult): void => {
        clearInterval(watch);
        if (doors.close() > 0) end();
        resolve(result);
      };
      giveUp = (error) => close(failed(error));
      run().then(close, giveUp);
    });
  }

  return {
    busy: false,
    usedAt: performance.now(),
    get parked() {
      return doors.waiting > 0;
    },
    get dead() {
      return dead || isolate.isDisposed;
    },
    dispose: end,
    invoke: (limits, host, since) =>
      work(limits, host, since, ({ invoke }) =>
        invoke.apply(undefined, [limits.hook, limits.input, limits.given, limits.logLines], {
          timeout: limits.cpuMilliseconds,
          result: { promise: true, copy: true },
        }),
      ),
    get asked() {
      return doors.used;
    },
    invokeHere(limits, since) {
      if (!shared) return 'unfit';
      const before = cpuNow();
      let head: string | Head | undefined;
      try {
        const timeout = Math.min(longestHere, limits.cpuMilliseconds);
        shared.begin.applySync(undefined, [limits.hook, limits.input, limits.given, limits.logLines], { timeout });
        head = readHead(shared.finish.applySync(undefined, [], { timeout }));
      } catch {
        const late = !isolate.isDisposed && Number(cpuNow() - before) < longestHere * 1e5;
        end();
        return late ? 'late' : 'unfit';
      }
      if (typeof head !== 'object') {
        // What is not done may go on in the next invocation.
        if (head !== 'asked') end();
        return 'unfit';
      }
      const spent = { cpu: Number((cpuNow() - before) / 1000n), wall: Math.round((performance.now() - since) * 1000) };
      if (isHeapDue()) heap = isolate.getHeapStatisticsSync().used_heap_size;
      const result = readBody(head.body, limits, program, { ...spent, heap });
      if (head.spent) end();
      return { result, logs: head.logs };
    },
    inspect: () =>
      work(inspection, nobody, performance.now(), ({ functions }) =>
        functions.apply(undefined, [], { timeout: inspection.cpuMilliseconds, result: { copy: true } }),
      ),
  };
}

interface Head {
  readonly logs: Here['logs'];
  readonly spent: boolean;
  readonly body: string;
}

/** What `finish` of a realm answered: what is said beside the body, and the body. */
function readHead(text: unknown): Head | 'asked' | undefined {
  if (text === 'asked') return text;
  const end = typeof text === 'string' ? text.indexOf('\n') : -1;
  if (typeof text !== 'string' || end < 0) return undefined;
  return { ...(JSON.parse(text.slice(0, end)) as Omit<Head, 'body'>), body: text.slice(end + 1) };
}

/** What a realm answered, which a script that changes intrinsics may have got at. */
function readBody(
  body: unknown,
  limits: CellLimits,
  program: Program,
  spent: Spent & { readonly heap: number },
): CellResult {
  const { cpu, wall } = spent;
  const shape = (message: string): CellResult => ({ ok: false, kind: 'shape', message, cpu, wall });
  if (typeof body !== 'string') return shape('the result is malformed');
  if (body.length > limits.outputBytes)
    return shape(`the result is larger than ${limits.outputBytes} bytes (it has ${body.length})`);
  // The realm writes the beginning itself, whatever a script made of the rest, which the engine will read.
  if (body.startsWith('{"ok":true,')) return { ok: true, body, ...spent };
  const parsed = JSON.parse(body) as {
    readonly ok?: boolean;
    readonly kind?: 'denied' | 'shape' | 'runtime';
    readonly error?: { readonly name: string; readonly message: string; readonly stack: string };
  } | null;
  if (parsed?.ok !== false || !parsed.error) return shape('the result is malformed');
  const kind = parsed.error.message === 'Array buffer allocation failed' ? 'memory' : (parsed.kind ?? 'runtime');
  return { ok: false, kind, ...describe(parsed.error, program), cpu, wall };
}
