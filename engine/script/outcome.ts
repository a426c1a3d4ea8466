/** What comes out of a sandbox made into a result, with nothing of it believed. */
import type { Script } from '../tenant/tenant.ts';
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
  if (message.body.length > limits.outputBytes) return failure(entry, 'shape', 'the result is too large');
  if (depthOf(message.body) > 64) return failure(entry, 'shape', 'the result is nested too deeply');
  let body: unknown;
  try {
    body = JSON.parse(message.body);
  } catch {
    return failure(entry, 'shape', 'the result is not JSON');
  }
  // Only what says so in so many words is a result; else a callback that was to deny could count as absent.
  const { ok, defined, value } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  if (ok !== true || typeof defined !== 'boolean' || value === undefined)
    return failure(entry, 'shape', 'the result is malformed');
  if (hasPrototypeName(message.body, value)) return failure(entry, 'shape', 'the result has a member named __proto__');
  const wallMicroseconds = wallOf(entry);
  return {
    ok: true,
    defined,
    value: value as Json,
    logs: entry.logs,
    calls: entry.calls,
    cpuMicroseconds: Math.min(message.cpu, wallMicroseconds),
    wallMicroseconds,
    ...(message.heap === undefined ? {} : { heapBytes: message.heap }),
  };
}

function wallOf(entry: Running): number {
  return Math.round((performance.now() - entry.began) * 1000);
}

/** A member of this name would change what an object is wherever it is copied by assignment. */
function hasPrototypeName(text: string, value: unknown): boolean {
  // Written plainly or with an escape; only then is the walk worth its time.
  if (!text.includes('__proto__') && !text.includes('\\u')) return false;
  if (typeof value !== 'object' || value === null) return false;
  return (
    Object.hasOwn(value, '__proto__') || Object.values(value).some((member: unknown) => hasPrototypeName(text, member))
  );
}

export function failure(entry: Running, kind: ScriptFailureKind, message: string): InvocationFailure {
  return {
    ok: false,
    kind,
    message,
    logs: entry.logs,
    calls: entry.calls,
    cpuMicroseconds: 0,
    wallMicroseconds: wallOf(entry),
  };
}

/** What goes in beside the input: the environment, and of the secrets those that are meant for this hook. */
export function givenTo({ environment, secrets = {}, hook, world }: Invocation): string {
  const all = Object.entries(secrets);
  const mine = all.filter(([, { hooks }]) => hooks.includes(hook));
  return JSON.stringify({
    environment,
    secrets: Object.fromEntries(mine.map(([name, { value }]) => [name, value])),
    deniedSecrets: all.filter((entry) => !mine.includes(entry)).map(([name]) => name),
    ...(world?.now === undefined ? {} : { now: world.now }),
  });
}

export function maskOf({ secrets = {}, masked = [] }: Invocation): (text: string) => string {
  return createMask([...Object.values(secrets).map(({ value }) => value), ...masked]);
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
  const known: readonly ScriptFailureKind[] = [
    'denied',
    'timeout',
    'memory',
    'syntax',
    'shape',
    'runtime',
    'crashed',
    'overloaded',
  ];
  return known.find((candidate) => candidate === kind) ?? 'runtime';
}

/** A place in one of the script's own files; elsewhere is nowhere. */
export function locationOf(script: Script, location: SourceLocation | undefined): { location?: SourceLocation } {
  if (!location) return {};
  const { file, line, column } = location;
  const source = file === script.name ? script.source : script.modules.find(({ name }) => name === file)?.source;
  const text = source?.split(/\r?\n|[\r\u2028\u2029]/)[line - 1];
  return text === undefined ? {} : { location: { file, line, column: Math.min(Math.max(column, 1), text.length + 1) } };
}
