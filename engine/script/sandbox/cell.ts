/** One isolate for one tenant's script: frozen once, its source evaluated afresh for each invocation, one at a time. */
import ivm from 'isolated-vm';
import type { Program } from '../compile/program.ts';
import type { SourceLocation } from '../runner.ts';
import { answerLocally } from './local.ts';

export interface CellLimits {
  readonly hook: string;
  readonly input: string;
  readonly given: string;
  readonly cpuMilliseconds: number;
  readonly wallMilliseconds: number;
  readonly outputBytes: number;
  readonly logLines: number;
}

export type CellResult =
  | { readonly ok: true; readonly body: string; readonly cpu: number; readonly wall: number; readonly heap?: number }
  | {
      readonly ok: false;
      readonly kind: 'denied' | 'timeout' | 'memory' | 'syntax' | 'shape' | 'runtime';
      readonly message: string;
      readonly location?: SourceLocation;
      readonly cpu: number;
      readonly wall: number;
    };

export interface CellHost {
  log(level: string, message: string): void;
  call(request: string): Promise<string>;
}

export interface Cell {
  busy: boolean;
  /** When it was used last, milliseconds of the process's own clock. */
  usedAt: number;
  readonly dead: boolean;
  invoke(limits: CellLimits, host: CellHost): Promise<CellResult>;
  inspect(): CellResult;
  dispose(): void;
}

const pollMilliseconds = 20;
/**
 * @throws {kind, message, location} when the source does not parse.
 */
export function createCell(options: {
  readonly realm: string;
  readonly program: Program;
  readonly memoryMebibytes: number;
  readonly onCatastrophe: () => void;
}): Cell {
  const { program } = options;
  const isolate = new ivm.Isolate({ memoryLimit: options.memoryMebibytes, onCatastrophicError: options.onCatastrophe });
  const context = isolate.createContextSync();
  let host: CellHost | undefined;
  /** Calls whose answers have not come yet. What waits for one would go on in the middle of the next invocation. */
  let outstanding = 0;
  async function waiting(answer: Promise<string>): Promise<string> {
    outstanding += 1;
    try {
      return await answer;
    } finally {
      outstanding -= 1;
    }
  }
  // An answer that comes after its invocation ended must not reach the next one, hence the capture.
  const ask = (request: string) => waiting(host?.call(request) ?? Promise.resolve('{"ok":false,"message":"too late"}'));
  const tell = (level: string, message: string) => host?.log(level, message);
  const local = (name: string, request: string) => waiting(answerLocally(name, request));
  const realm = context.evalClosureSync(
    options.realm,
    [new ivm.Reference(ask), new ivm.Reference(tell), new ivm.Reference(local)],
    { result: { reference: true }, filename: 'sallyport:realm' },
  ) as ivm.Reference<Record<string, unknown>>;
  const part = (name: string) =>
    realm.getSync(name, { reference: true }) as ivm.Reference<(...args: unknown[]) => unknown>;
  try {
    const factories = program.parts.map(
      ({ file, code }) =>
        isolate.compileScriptSync(code, { filename: file }).runSync(context, { reference: true }) as ivm.Reference<
          () => unknown
        >,
    );
    const { style, assignedNames } = program;
    const numbers = new Map(program.parts.map(({ file }, index) => [file, index]));
    const imports = program.parts.map(({ imports: names }) => names.map((name) => numbers.get(name) ?? -1));
    part('install').applySync(undefined, [
      JSON.stringify({ style, assignedNames, imports }),
      ...factories.map((factory) => factory.derefInto()),
    ]);
    for (const factory of factories) factory.release();
    part('seal').applySync(undefined, []);
  } catch (error) {
    isolate.dispose();
    throw { kind: 'syntax', ...describe(error, program) };
  }
  const run = part('invoke');
  const cpuNow = () => (isolate.isDisposed ? 0n : isolate.cpuTime);
  let dead = false;

  return {
    busy: false,
    usedAt: performance.now(),
    get dead() {
      return dead || isolate.isDisposed;
    },
    dispose() {
      if (!isolate.isDisposed) isolate.dispose();
    },
    inspect() {
      try {
        return {
          ok: true,
          body: String(part('functions').applySync(undefined, [], { timeout: 250 })),
          cpu: 0,
          wall: 0,
        };
      } catch (error) {
        return { ok: false, kind: 'runtime', ...describe(error, program), cpu: 0, wall: 0 };
      }
    },
    async invoke(limits, invocationHost) {
      host = invocationHost;
      const began = performance.now();
      const cpuBefore = cpuNow();
      let stopped: 'cpu' | 'wall' | undefined;
      let cpuLast = cpuBefore;
      // A timeout bounds one entry only; what runs on after an await is stopped from here.
      const watch = setInterval(() => {
        cpuLast = cpuNow();
        if (Number(cpuLast - cpuBefore) / 1e6 > limits.cpuMilliseconds * 1.2) stopped = 'cpu';
        else if (performance.now() - began > limits.wallMilliseconds) stopped = 'wall';
        if (stopped && !isolate.isDisposed) {
          dead = true;
          isolate.dispose();
        }
      }, pollMilliseconds);
      const spent = () => {
        const now = isolate.isDisposed ? cpuLast : cpuNow();
        return { cpu: Number((now - cpuBefore) / 1000n), wall: Math.round((performance.now() - began) * 1000) };
      };
      try {
        const body = (await run.apply(undefined, [limits.hook, limits.input, limits.given, limits.logLines], {
          timeout: limits.cpuMilliseconds,
          result: { promise: true, copy: true },
        })) as string;
        if (body.length > limits.outputBytes)
          return {
            ok: false,
            kind: 'shape',
            message: `the result is larger than ${limits.outputBytes} bytes`,
            ...spent(),
          };
        const parsed = JSON.parse(body) as {
          ok: boolean;
          kind?: 'denied' | 'shape' | 'runtime';
          error?: { name: string; message: string; stack: string };
        };
        if (parsed.ok || !parsed.error)
          return { ok: true, body, ...spent(), heap: isolate.getHeapStatisticsSync().used_heap_size };
        const kind = parsed.error.message === 'Array buffer allocation failed' ? 'memory' : (parsed.kind ?? 'runtime');
        return { ok: false, kind, ...describe(parsed.error, program), ...spent() };
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (stopped)
          return {
            ok: false,
            kind: 'timeout',
            message:
              stopped === 'cpu'
                ? `more than ${limits.cpuMilliseconds} ms of CPU`
                : `more than ${limits.wallMilliseconds} ms`,
            ...spent(),
          };
        if (/timed out/i.test(message)) {
          dead = true;
          if (!isolate.isDisposed) isolate.dispose();
          const { location } = describe(error, program);
          return {
            ok: false,
            kind: 'timeout',
            message: `more than ${limits.cpuMilliseconds} ms of CPU`,
            ...(location ? { location } : {}),
            ...spent(),
          };
        }
        if (isolate.isDisposed || /memory limit|disposed/i.test(message)) {
          dead = true;
          return {
            ok: false,
            kind: 'memory',
            message: `more than ${options.memoryMebibytes} MiB of memory`,
            ...spent(),
          };
        }
        return { ok: false, kind: 'runtime', ...describe(error, program), ...spent() };
      } finally {
        clearInterval(watch);
        host = undefined;
        if (outstanding > 0 && !isolate.isDisposed) {
          dead = true;
          isolate.dispose();
        }
      }
    },
  };
}

/** The first place of a stack that lies in one of the tenant's own files. */
function describe(error: unknown, program: Program): { message: string; location?: SourceLocation } {
  const {
    name = '',
    message = 'unknown error',
    stack = '',
  } = (typeof error === 'object' && error !== null ? error : { message: String(error) }) as {
    name?: string;
    message?: string;
    stack?: string;
  };
  const own = program.parts.filter(({ file }) => !file.startsWith('sallyport:'));
  const names = own.map(({ file }) => file.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const found = new RegExp(`(?<![\\w./-])(${names}):(\\d+)(?::(\\d+))?`).exec(`${message}\n${stack}`);
  const text = message.replace(/ \[[^\]]*:\d+:\d+\]$/, '');
  const sentence = name && name !== 'Error' && !text.startsWith(name) ? `${name}: ${text}` : text;
  if (!found) return { message: sentence };
  const [, file = '', lineText, columnText = '1'] = found;
  const line = Number(lineText);
  const shift = line === 1 ? (own.find((part) => part.file === file)?.shift ?? 0) : 0;
  return { message: sentence, location: { file, line, column: Math.max(1, Number(columnText) - shift) } };
}
