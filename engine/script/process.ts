/** Starts one sandbox process with nothing: an empty environment, no files but its own modules, no network, no children. */
import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { Program } from './compile/program.ts';
import { readMessage } from './message.ts';
import { createLineReader, type FromSandbox, type ToSandbox } from './protocol.ts';

export interface Sandbox {
  send(message: ToSandbox): void;
  /** Hands a program over, once per process. */
  load(key: string, program: Program): void;
  kill(): void;
}

const mostPrograms = 5_000;
const here = import.meta.dirname;
const root = join(here, '../..');
const readable = [
  join(here, '/'),
  join(root, 'node_modules/isolated-vm/'),
  join(root, 'node_modules/node-gyp-build/'),
  join(root, 'package.json'),
  '/etc/alpine-release',
];

/** The module that a sandbox process runs. */
export const sandboxMain = join(here, 'sandbox/main.ts');

/**
 * How a sandbox process is started: what it may not do is said here, before any of its code runs.
 * @param inspected a debugger may look into its scripts, whose limits are then off.
 */
export function sandboxArguments(main: string, quickAfter: number, inspected = false): readonly string[] {
  return [
    '--no-node-snapshot',
    '--permission',
    '--allow-addons',
    ...[...readable, main].map((path) => `--allow-fs-read=${path}`),
    '--disable-warning=ExperimentalWarning',
    '--disable-warning=SecurityWarning',
    main,
    String(quickAfter),
    ...(inspected ? ['inspected'] : []),
  ];
}

/**
 * @param options.onExit Told whether the process had become ready before it ended.
 * @param options.main Another module in place of the sandbox's own, as tests of what a compromised one could say need it.
 */
export function startSandbox(options: {
  readonly onMessage: (message: FromSandbox) => void;
  readonly onExit: (ready: boolean) => void;
  readonly main?: string | undefined;
  /** Quick invocations in a row before a hook may run on the process's own thread. */
  readonly quickAfter: number;
  readonly inspected?: boolean;
}): Sandbox {
  const { main = sandboxMain, quickAfter, inspected } = options;
  const child = spawn(process.execPath, sandboxArguments(main, quickAfter, inspected), {
    env: {},
    stdio: ['pipe', 'pipe', process.env['SALLYPORT_SANDBOX_STDERR'] ? 'inherit' : 'ignore'],
  });
  // The programs used last; an old version, or one of a tenant that is gone, leaves the process in time.
  const loaded = new LRUCache<string, true>({
    max: mostPrograms,
    dispose: (_value, key, reason) => reason === 'evict' && write({ type: 'unload', key }),
  });
  let ready = false;
  try {
    // A spinning script must not take the processor from the engine.
    if (child.pid) setPriority(child.pid, 10);
  } catch {
    // Only a privilege is missing; the deadlines hold without it.
  }
  // What it said before it dies may come in later; nothing of it is heard.
  let condemned = false;
  const kill = (): void => {
    condemned = true;
    child.kill('SIGKILL');
  };
  const read = createLineReader((line) => {
    if (condemned) return;
    const message = readMessage(line);
    if (!message) return kill();
    if (message.type === 'ready') ready = true;
    options.onMessage(message);
  });
  child.stdout?.setEncoding('utf8');
  child.stdout?.on('data', (chunk: string) => {
    if (!condemned && !read(chunk)) kill();
  });
  child.stdin?.on('error', () => undefined);
  child.once('error', () => options.onExit(false));
  child.once('exit', () => options.onExit(ready));
  // One system call, and one waking of the other process, for all that is said in one turn.
  let lines = '';
  const write = (message: ToSandbox): void => {
    if (lines === '')
      setImmediate(() => {
        child.stdin?.write(lines);
        lines = '';
      });
    lines += `${JSON.stringify(message)}\n`;
  };
  return {
    send: write,
    load(key, program) {
      if (loaded.get(key)) return;
      loaded.set(key, true);
      write({ type: 'load', key, program });
    },
    kill,
  };
}
