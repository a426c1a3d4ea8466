/** Runs the command line as a person does: as a process of its own, through the file that `npx sallyport` starts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, realpathSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { freePort } from '../support/server.ts';
import { inherited } from '../support/environment.ts';

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
  /** The Node that starts the command; the one that runs the tests unless told. */
  readonly node?: string;
}

/** @param args as a shell would hand them over. */
export function sallyport(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(options.node ?? process.execPath, [program, ...args], {
      cwd: options.folder ?? root,
      env: { ...inherited, ...options.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output, lines: output.split('\n').filter((line) => line !== '') }));
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

/** Starts `sallyport serve` and waits until it is ready. */
export async function serving(environment: Readonly<Record<string, string>>, node?: string): Promise<Serving> {
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
