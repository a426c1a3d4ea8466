/** Processes of the bench: each is started here, known by its id, and ended with the bench. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Child {
  readonly process: ChildProcess;
  /** What it wrote, for the report of a failure. */
  output(): string;
  stop(): Promise<void>;
}

/** Starts Node on a file. @param environment replaces this process's own, but for PATH. */
export function startChild(
  file: string,
  options: {
    readonly arguments?: readonly string[];
    readonly environment?: Readonly<Record<string, string>>;
    readonly nodeArguments?: readonly string[];
  } = {},
): Child {
  const child = spawn(process.execPath, [...(options.nodeArguments ?? []), file, ...(options.arguments ?? [])], {
    env: { PATH: process.env['PATH'], ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-100_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return {
    process: child,
    output: () => output,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await gone;
      clearTimeout(late);
    },
  };
}

/** Runs a file to its end and answers the JSON that it wrote. @throws when it failed. */
export async function runChild<Answer>(
  file: string,
  input: unknown,
  nodeArguments: readonly string[] = [],
): Promise<Answer> {
  const child = startChild(file, { arguments: [JSON.stringify(input)], nodeArguments });
  const code = await new Promise<number | null>((resolve) => child.process.once('close', resolve));
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${child.output()}`);
  return JSON.parse(child.output()) as Answer;
}

/** Waits until the address answers with success; asks every five milliseconds. */
export async function untilReady(url: string, child: Child): Promise<void> {
  const until = Date.now() + 60_000;
  while (Date.now() < until) {
    if (child.process.exitCode !== null) throw new Error(`a server ended: ${child.output()}`);
    const answer = await fetch(url).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`a server did not become ready: ${child.output()}`);
}

/** A port nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Resident memory of a process and all it started, MiB. Pages that processes share count once for each in `resident`;
 * `proportional` divides them, where the system tells (Linux).
 */
export async function memoryOf(
  root: number,
): Promise<{ readonly processes: number; readonly resident: number; readonly proportional: number | undefined }> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=,rss=']);
  const all = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number, number]);
  const family = new Set([root]);
  for (let size = 0; size !== family.size;) {
    size = family.size;
    for (const [id, parent] of all) if (family.has(parent)) family.add(id);
  }
  const members = all.filter(([id]) => family.has(id));
  const shares = await Promise.all(
    members.map(async ([id]) => {
      const text = await readFile(`/proc/${id}/smaps_rollup`, 'utf8').catch(() => '');
      return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? Number.NaN);
    }),
  );
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0) / 1024;
  const proportional = sum(shares);
  return {
    processes: members.length,
    resident: sum(members.map(([, , kibibytes]) => kibibytes)),
    proportional: Number.isFinite(proportional) ? proportional : undefined,
  };
}
