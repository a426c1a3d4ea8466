/** What comes out of a sandbox made into a result, with nothing of it believed. */
import type { ScriptProblem } from './compile/program.ts';
import { createMask } from './mask.ts';
import type { FromSandbox } from './protocol.ts';
import type {
  HostCall,
  Invocation,
  InvocationFailure,
  InvocationResult,
  Json,
  LogLine,
  ScriptFailureKind,
  SourceLocation,
} from './runner.ts';

/** What is known of an invocation while it runs. */
export interface Running {
  readonly invocation: Invocation;
  readonly logs: LogLine[];
  readonly calls: HostCall[];
  /** Milliseconds of the process's own clock. */
  readonly began: number;
}

export function success(entry: Running, message: Extract<FromSandbox, { type: 'done' }>): InvocationResult {
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
    ...(Number.isSafeInteger(message.heap) ? { heapBytes: Number(message.heap) } : {}),
  };
}

export function failure(entry: Running, kind: ScriptFailureKind, message: string): InvocationFailure {
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
export function givenTo({ environment, secrets = {}, hook }: Invocation): string {
  const all = Object.entries(secrets);
  const mine = all.filter(([, { hooks }]) => hooks.includes(hook));
  return JSON.stringify({
    environment,
    secrets: Object.fromEntries(mine.map(([name, { value }]) => [name, value])),
    deniedSecrets: all.filter((entry) => !mine.includes(entry)).map(([name]) => name),
  });
}

export function maskOf({ secrets = {} }: Invocation): (text: string) => string {
  return createMask(Object.values(secrets).map(({ value }) => value));
}

export function sentenceOf([first]: readonly ScriptProblem[]): string {
  return first ? `${first.message}${first.hint ? `; ${first.hint}` : ''}` : 'the script does not compile';
}

export function placeOf([first]: readonly ScriptProblem[]): { location?: SourceLocation } {
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

export function levelOf(level: unknown): LogLine['level'] {
  return level === 'debug' || level === 'warn' || level === 'error' ? level : 'info';
}

export function kindOf(kind: unknown): ScriptFailureKind {
  const known: readonly ScriptFailureKind[] = ['denied', 'timeout', 'memory', 'syntax', 'shape', 'runtime', 'crashed'];
  return known.find((candidate) => candidate === kind) ?? 'runtime';
}

export function locationOf(location: SourceLocation | undefined): { location?: SourceLocation } {
  if (!location || typeof location.file !== 'string') return {};
  return {
    location: {
      file: location.file.slice(0, 200),
      line: Number(location.line) || 1,
      column: Number(location.column) || 1,
    },
  };
}
