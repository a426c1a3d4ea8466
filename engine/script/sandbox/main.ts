/** A sandbox process: holds isolates and nothing else. Started by `pool.ts` with an empty environment under the permission model. */
import { readFileSync } from 'node:fs';
import { createLineReader, type FromSandbox, type ToSandbox } from '../protocol.ts';
import type { Program } from '../compile/program.ts';
import { createCell, type Cell } from './cell.ts';

const permission = (process as { permission?: { has(scope: string): boolean } }).permission;
if (
  !process.execArgv.includes('--no-node-snapshot') ||
  !permission ||
  permission.has('fs.write') ||
  permission.has('child')
) {
  process.stderr.write('a sandbox process needs --no-node-snapshot and the permission model\n');
  process.exit(78);
}

/** One function's text: each file uses what those before it declare. */
const realm = ['start', 'model', 'helper', 'web', 'fhir', 'freeze', 'invoke']
  .map((file) => readFileSync(new URL(`../realm/${file}.js`, import.meta.url), 'utf8'))
  .join('\n');
/** Isolates of one script at one time in this process, and of all scripts together. */
const mostOfOneScript = 4;
const mostCells = 200;
const idleMilliseconds = 300_000;

interface Loaded {
  readonly program: Program;
  /** Unloaded while its isolates were at work: they end when they are done. */
  gone: boolean;
  readonly cells: Cell[];
  readonly waiting: (() => void)[];
}

const scripts = new Map<string, Loaded>();
const answers = new Map<number, (body: string) => void>();
let calls = 0;
let cellCount = 0;

let lines = '';

/** Says all of one turn at once: each write wakes the engine. What a dying process has not said yet, it has not done. */
function send(message: FromSandbox): void {
  if (lines === '')
    setImmediate(() => {
      process.stdout.write(lines);
      lines = '';
    });
  lines += `${JSON.stringify(message)}\n`;
}

/** An idle isolate of the script, a new one, or the next that becomes idle. */
async function takeCell(key: string, loaded: Loaded, memoryMebibytes: number): Promise<Cell> {
  for (;;) {
    const idle = loaded.cells.find((cell) => !cell.busy);
    if (idle) {
      idle.busy = true;
      scripts.delete(key);
      scripts.set(key, loaded);
      return idle;
    }
    if (loaded.cells.length < mostOfOneScript) {
      makeRoom();
      const cell = createCell({
        realm,
        program: loaded.program,
        memoryMebibytes,
        onCatastrophe: () => process.abort(),
      });
      cell.busy = true;
      loaded.cells.push(cell);
      cellCount += 1;
      return cell;
    }
    await new Promise<void>((resolve) => loaded.waiting.push(resolve));
  }
}

/** The script used longest ago gives up an isolate. */
function makeRoom(): void {
  if (cellCount < mostCells) return;
  for (const loaded of scripts.values()) {
    const index = loaded.cells.findIndex((cell) => !cell.busy);
    if (index < 0) continue;
    drop(loaded, loaded.cells[index] as Cell);
    return;
  }
}

/** Isolates nobody used for a while leave memory; the next invocation makes one anew. */
function dropIdle(): void {
  const since = performance.now() - idleMilliseconds;
  for (const loaded of scripts.values()) {
    for (const cell of loaded.cells.filter(({ busy, usedAt }) => !busy && usedAt < since)) drop(loaded, cell);
  }
}

function drop(loaded: Loaded, cell: Cell): void {
  loaded.cells.splice(loaded.cells.indexOf(cell), 1);
  cellCount -= 1;
  cell.dispose();
}

function unload(key: string): void {
  const loaded = scripts.get(key);
  if (!loaded) return;
  scripts.delete(key);
  loaded.gone = true;
  for (const cell of loaded.cells.filter(({ busy }) => !busy)) drop(loaded, cell);
}

function release(loaded: Loaded, cell: Cell): void {
  cell.usedAt = performance.now();
  cell.busy = false;
  if (cell.dead || loaded.gone) drop(loaded, cell);
  loaded.waiting.shift()?.();
}

async function work(message: Extract<ToSandbox, { type: 'run' | 'inspect' }>): Promise<void> {
  const { id, key } = message;
  const loaded = scripts.get(key);
  if (!loaded)
    return send({ type: 'failed', id, kind: 'crashed', message: 'the script is not loaded', cpu: 0, wall: 0 });
  let cell: Cell;
  try {
    cell = await takeCell(key, loaded, message.type === 'run' ? message.memoryMebibytes : 32);
  } catch (error) {
    const { kind, message: text, location } = error as { kind?: string; message: string; location?: never };
    return send({
      type: 'failed',
      id,
      kind: kind ?? 'runtime',
      message: text,
      ...(location ? { location } : {}),
      cpu: 0,
      wall: 0,
    });
  }
  const result =
    message.type === 'inspect'
      ? cell.inspect()
      : await cell.invoke(message, {
          log: (level, text) => send({ type: 'log', id, level, message: text }),
          call: (request) =>
            new Promise((resolve) => {
              calls += 1;
              answers.set(calls, resolve);
              send({ type: 'call', id, call: calls, request });
            }),
        });
  release(loaded, cell);
  send(
    result.ok
      ? { type: 'done', id, body: result.body, cpu: result.cpu, wall: result.wall, heap: result.heap ?? 0 }
      : {
          type: 'failed',
          id,
          kind: result.kind,
          message: result.message,
          ...(result.location ? { location: result.location } : {}),
          cpu: result.cpu,
          wall: result.wall,
        },
  );
}

const read = createLineReader((line) => {
  const message = JSON.parse(line) as ToSandbox;
  if (message.type === 'load')
    scripts.set(message.key, { program: message.program, gone: false, cells: [], waiting: [] });
  else if (message.type === 'unload') unload(message.key);
  else if (message.type === 'answer') {
    answers.get(message.call)?.(message.body);
    answers.delete(message.call);
  } else void work(message);
});
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => void read(chunk));
process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL'));
setInterval(dropIdle, 30_000);
send({ type: 'ready' });
