/** One isolate for one tenant's script: frozen once, its source evaluated afresh for each invocation, one at a time. */
import ivm from 'isolated-vm';
import type { SourceLocation } from '../runner.ts';

export interface CellLimits {
  readonly hook: string;
  readonly input: string;
  readonly environment: string;
  readonly cpuMilliseconds: number;
  readonly wallMilliseconds: number;
  readonly outputBytes: number;
  readonly logLines: number;
}

export type CellResult =
  | { readonly ok: true; readonly body: string; readonly cpu: number; readonly wall: number }
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
  readonly dead: boolean;
  invoke(limits: CellLimits, host: CellHost): Promise<CellResult>;
  inspect(): CellResult;
  dispose(): void;
}

const hooks = [
  'onAuthenticateSuccess',
  'getUserName',
  'authenticate',
  'onSmartLoginPreContextSelection',
  'onTokenGenerating',
  'onPostAuthorize',
];
const pollMilliseconds = 20;
/** Stands before the source on its first line, so that all other lines keep their numbers. */
const prefix = '(function(__scope){with(__scope){return (function(){';

/**
 * @throws {kind, message, location} when the source does not parse.
 */
export function createCell(options: {
  readonly realm: string;
  readonly file: string;
  readonly source: string;
  readonly memoryMebibytes: number;
  readonly onCatastrophe: () => void;
}): Cell {
  const isolate = new ivm.Isolate({ memoryLimit: options.memoryMebibytes, onCatastrophicError: options.onCatastrophe });
  const context = isolate.createContextSync();
  let host: CellHost | undefined;
  // An answer that comes after its invocation ended must not reach the next one, hence the capture.
  const ask = (request: string) => host?.call(request) ?? Promise.resolve('{"ok":false,"message":"too late"}');
  const tell = (level: string, message: string) => host?.log(level, message);
  const realm = context.evalClosureSync(
    options.realm,
    [new ivm.Reference(ask), new ivm.Reference(ask), new ivm.Reference(tell)],
    {
      result: { reference: true },
      filename: 'sallyport:realm',
    },
  ) as ivm.Reference<Record<string, unknown>>;
  const part = (name: string) =>
    realm.getSync(name, { reference: true }) as ivm.Reference<(...args: unknown[]) => unknown>;
  const source = options.source.replace(
    /^([ \t]*)export(?=[ \t]+(async[ \t]+)?function\b)/gm,
    (_found, indent: string) => `${indent}      `,
  );
  try {
    // Alone first: what closes a brace too many would break out of the wrapper below.
    isolate.compileScriptSync(source, { filename: options.file });
    const suffix = `\n;return {${hooks.map((hook) => `${hook}: typeof ${hook} === 'function' ? ${hook} : undefined`).join(',')}}}).call(undefined)}})`;
    const factory = isolate
      .compileScriptSync(prefix + source + suffix, { filename: options.file })
      .runSync(context, { reference: true }) as ivm.Reference<() => unknown>;
    part('install').applySync(undefined, [factory.derefInto(), JSON.stringify(assignedNames(source))]);
    factory.release();
    part('seal').applySync(undefined, []);
  } catch (error) {
    isolate.dispose();
    throw { kind: 'syntax', ...describe(error, options.file) };
  }
  const run = part('invoke');
  const cpuNow = () => (isolate.isDisposed ? 0n : isolate.cpuTime);
  let dead = false;

  return {
    busy: false,
    get dead() {
      return dead || isolate.isDisposed;
    },
    dispose: () => isolate.dispose(),
    inspect() {
      try {
        return {
          ok: true,
          body: String(part('functions').applySync(undefined, [], { timeout: 250 })),
          cpu: 0,
          wall: 0,
        };
      } catch (error) {
        return { ok: false, kind: 'runtime', ...describe(error, options.file), cpu: 0, wall: 0 };
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
        const body = (await run.apply(undefined, [limits.hook, limits.input, limits.environment, limits.logLines], {
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
        if (parsed.ok || !parsed.error) return { ok: true, body, ...spent() };
        const kind = parsed.error.message === 'Array buffer allocation failed' ? 'memory' : (parsed.kind ?? 'runtime');
        return { ok: false, kind, ...describe(parsed.error, options.file), ...spent() };
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
          const { location } = describe(error, options.file);
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
        return { ok: false, kind: 'runtime', ...describe(error, options.file), ...spent() };
      } finally {
        clearInterval(watch);
        host = undefined;
      }
    },
  };
}

/** Names that stand left of an assignment; those that are not declared become the invocation's own. */
function assignedNames(source: string): string[] {
  const names = new Set<string>();
  for (const found of source.matchAll(
    /(?<![.\w$])([A-Za-z_$][\w$]*)\s*(?:[-+*/%&|^]|\*\*|<<|>>>?|&&|\|\||\?\?)?=(?![=>])/g,
  ))
    names.add(found[1] as string);
  for (const found of source.matchAll(/for\s*\(\s*([A-Za-z_$][\w$]*)\s+(?:in|of)\b/g)) names.add(found[1] as string);
  return [...names];
}

/** The first place of a stack that lies in the tenant's own file. */
function describe(error: unknown, file: string): { message: string; location?: SourceLocation } {
  const {
    name = '',
    message = 'unknown error',
    stack = '',
  } = (typeof error === 'object' && error !== null ? error : { message: String(error) }) as {
    name?: string;
    message?: string;
    stack?: string;
  };
  const escaped = file.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const found = new RegExp(`${escaped}:(\\d+)(?::(\\d+))?`).exec(`${message}\n${stack}`);
  const text = message.replace(/ \[[^\]]*:\d+:\d+\]$/, '');
  const sentence = name && name !== 'Error' && !text.startsWith(name) ? `${name}: ${text}` : text;
  if (!found) return { message: sentence };
  const line = Number(found[1]);
  const shift = line === 1 ? prefix.length : 0;
  return { message: sentence, location: { file, line, column: Math.max(1, Number(found[2] ?? 1) - shift) } };
}
