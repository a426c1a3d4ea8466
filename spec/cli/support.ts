/** Runs the command line as a person does. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { placeStore } from '../support/embedded-store.ts';
import { freePort } from '../support/server.ts';
import { inherited } from '../support/environment.ts';
import type { HostedCommand, HostedOutcome } from './host.ts';

const root = join(import.meta.dirname, '../..');
export const program = join(root, 'tools/cli/sallyport.js');

export interface Outcome {
  readonly code: number | null;
  /** What stood on the standard output and the error output together. */
  readonly output: string;
  readonly lines: readonly string[];
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Piped into the standard input, which is empty otherwise. */
  readonly input?: string;
  readonly folder?: string;
  /** A Node that starts the file which `npx sallyport` starts. */
  readonly node?: string;
}

let host: ChildProcess | undefined;
let before: Promise<unknown> = Promise.resolve();

/** It ends with the tests, which it does not hold up while it has nothing to do. */
function startHost(): ChildProcess {
  const child = fork(join(import.meta.dirname, 'host.ts'), { env: { ...inherited }, stdio: 'inherit' });
  child.once('exit', () => (host = undefined)).unref();
  return child;
}

/** The host's commands run one after the other, for there is one environment in a process. */
function hosted(command: HostedCommand): Promise<HostedOutcome> {
  const outcome = before.then(
    () =>
      new Promise<HostedOutcome>((resolve, reject) => {
        const child = (host ??= startHost());
        const gone = () => reject(new Error('the host of commands ended'));
        child.channel?.ref();
        child.once('exit', gone);
        child.once('message', (message) => {
          child.off('exit', gone);
          child.channel?.unref();
          resolve(message as HostedOutcome);
        });
        child.send(command);
      }),
  );
  before = outcome.catch(() => undefined);
  return outcome;
}

/**
 * As a process of its own where a Node is named; else in a process that runs many commands.
 * @param args as a shell would hand them over.
 */
export async function sallyport(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const command = {
    arguments: args,
    environment: { ...inherited, ...options.environment },
    input: options.input ?? '',
    folder: options.folder ?? root,
  };
  const { code, output } = await (options.node === undefined ? hosted(command) : started(options.node, command));
  return { code, output, lines: output.split('\n').filter((line) => line !== '') };
}

function started(node: string, command: HostedCommand): Promise<Pick<Outcome, 'code' | 'output'>> {
  return new Promise((resolve, reject) => {
    const child = spawn(node, [program, ...command.arguments], {
      cwd: command.folder,
      env: command.environment,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stdin.on('error', () => undefined);
    child.stdin.end(command.input);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** The Node a person has on their PATH, which may be older than the one npm brings along. */
export function nodeOfTheSystem(): string {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, process.platform === 'win32' ? 'node.exe' : 'node');
    try {
      accessSync(file, constants.X_OK);
      if (!realpathSync(file).startsWith(realpathSync(root))) return file;
    } catch {
      // Not here.
    }
  }
  return process.execPath;
}

/** Writes files into a new folder; a value that is no text is written as JSON. */
export async function folderOf(
  files: Readonly<Record<string, unknown>>,
): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'sallyport-cli-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
  }
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** The smallest tenant document, with more. */
export function tenantDocument(id: string, more: object = {}): object {
  return { id, name: `Tenant ${id}`, issuer: `https://auth.example/${id}`, ...more };
}

export interface Serving {
  readonly url: string;
  readonly child: ChildProcess;
  output(): string;
  /** Sends the signal and answers the exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/**
 * Starts `sallyport serve` and waits until it is ready.
 * @param node starts the command; where none is told, the server finds an empty store rather than make one.
 */
export async function serving(environment: Readonly<Record<string, string>>, node?: string): Promise<Serving> {
  const data = environment['SALLYPORT_DATA'];
  if (data && !node && !environment['DATABASE_URL'] && !existsSync(join(data, 'postgres'))) await placeStore(data);
  const port = environment['PORT'] ?? String(await freePort());
  const url = `http://localhost:${port}`;
  const child = spawn(node ?? process.execPath, [program, 'serve'], {
    env: { ...inherited, PORT: port, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const gone = new Promise<number | null>((resolve) => child.once('close', resolve));
  for (let attempt = 0; ; attempt += 1) {
    if (child.exitCode !== null || attempt > 600) throw new Error(`the server did not become ready: ${output}`);
    const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (answer?.ok && output.includes('Sallyport serves')) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    url,
    child,
    output: () => output,
    end(signal = 'SIGTERM') {
      child.kill(signal);
      return gone;
    },
  };
}
