/** A sandbox process: holds isolates and nothing else. Started by `process.ts` with an empty environment under the permission model. */
import { readFileSync } from 'node:fs';
import { createLineReader, type FromSandbox, type ToSandbox } from '../protocol.ts';
import { createCell, type Cell, type CellHost, type CellResult } from './cell.ts';
import { createInspected } from './inspected.ts';
import { createShelf } from './shelf.ts';

const permission = (process as { permission?: { has(scope: string): boolean } }).permission;
const allowed = /^--allow-(addons$|fs-read=)/;
if (
  !process.execArgv.includes('--no-node-snapshot') ||
  !permission ||
  ['fs.read', 'fs.write', 'child', 'worker', 'net', 'wasi', 'inspector'].some((scope) => permission.has(scope)) ||
  // What is allowed in part only is not told by the above.
  process.execArgv.some((flag) => flag.startsWith('--allow-') && !allowed.test(flag))
) {
  process.stderr.write('a sandbox process needs --no-node-snapshot and the permission model\n');
  process.exit(78);
}

/** One function's text: each file uses what those before it declare. */
const realmText = (last: string) =>
  ['start', 'missing', 'model', 'helper', 'web', 'fhir', last, 'invoke']
    .map((file) => readFileSync(new URL(`../realm/${file}.js`, import.meta.url), 'utf8'))
    .join('\n');
const realm = { shared: realmText('freeze'), own: realmText('loose') };

/** The process's memory, mebibytes: a last resort, should there be a way to take more than isolates count. */
const mostMemory = 4096;
const idleSweep = 30_000;
const memoryCheck = 100;

const [, , quickAfter, inspection] = process.argv;
const inspected =
  inspection === 'inspected'
    ? createInspected({ heard: (message) => send({ type: 'inspector', message }), onCatastrophe: end })
    : undefined;
const shelf = createShelf(
  (program, memoryMebibytes) =>
    createCell({ realm, program, memoryMebibytes, onCatastrophe: end, inspected: inspected?.isolate }),
  inspected ? Infinity : Number(quickAfter),
);
const answers = new Map<number, (body: string) => void>();
/** Invocations under way. */
const running = new Set<number>();
let calls = 0;
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

function end(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** On the process's own thread where the hook is quick; else, or where that does not do, on a thread of the isolate. */
async function invoke(
  message: Extract<ToSandbox, { type: 'run' | 'inspect' }>,
  since: number,
): Promise<CellResult | undefined> {
  const { id, key } = message;
  const loaded = shelf.find(key);
  if (!loaded) return undefined;
  const [memory, wall] = message.type === 'run' ? [message.memoryMebibytes, message.wallMilliseconds] : [32, 2000];
  const take = async (): Promise<Cell | Extract<CellResult, { ok: false }>> => {
    const spent = { cpu: 0, wall: 0 };
    try {
      const cell = await shelf.take(key, loaded, memory, since + wall);
      return cell ?? { ok: false, kind: 'overloaded', message: 'no isolate of the script became free', ...spent };
    } catch (error) {
      return { ok: false, ...(error as { kind: 'syntax'; message: string }), ...spent };
    }
  };
  if (message.type === 'run' && loaded.quickHooks.may(message.hook)) {
    const cell = await take();
    if ('ok' in cell) return cell;
    const here = cell.invokeHere(message, since);
    shelf.release(loaded, cell);
    if (typeof here === 'object') {
      loaded.quickHooks.ran(message.hook, { asked: false, cpu: here.result.cpu }, true);
      for (const [level, text] of here.logs) send({ type: 'log', id, level, message: text });
      return here.result;
    }
    if (here === 'unfit') loaded.quickHooks.failed(message.hook);
  }
  const cell = await take();
  if ('ok' in cell) return cell;
  if (message.type === 'inspect') {
    const result = await cell.inspect();
    shelf.release(loaded, cell);
    return result;
  }
  const host: CellHost = {
    log: (level, text) => send({ type: 'log', id, level, message: text }),
    call: (request) =>
      new Promise((resolve) => {
        calls += 1;
        answers.set(calls, resolve);
        send({ type: 'call', id, call: calls, request });
        shelf.parked(loaded);
      }),
  };
  const result = await cell.invoke(message, host, since);
  loaded.quickHooks.ran(message.hook, { asked: cell.asked, cpu: result.cpu }, false);
  shelf.release(loaded, cell);
  return result;
}

async function work(message: Extract<ToSandbox, { type: 'run' | 'inspect' }>): Promise<void> {
  const { id } = message;
  running.add(id);
  const result = await invoke(message, performance.now());
  running.delete(id);
  if (!result)
    return send({ type: 'failed', id, kind: 'crashed', message: 'the script is not loaded', cpu: 0, wall: 0 });
  const { ok, ...rest } = result;
  send(ok ? { type: 'done', id, ...(rest as Done) } : { type: 'failed', id, ...(rest as Failed) });
  // The engine ends this process as soon as it reads that; should it not, nothing else would.
  if (!result.ok && result.fatal) setTimeout(end, 1000);
}
type Done = Omit<Extract<CellResult, { ok: true }>, 'ok'>;
type Failed = Omit<Extract<CellResult, { ok: false }>, 'ok'>;

/** When it is too much, whoever runs alone is told, else all end, and who took it is found among those that run again. */
let tooMuchFor = 0;
function watchMemory(): void {
  tooMuchFor = process.memoryUsage.rss() > mostMemory * 1024 * 1024 ? tooMuchFor + 1 : 0;
  if (tooMuchFor < 3) return;
  const [id] = running;
  if (running.size > 1 || id === undefined) return end();
  const message = `the process has more than ${mostMemory} MiB of memory`;
  send({ type: 'failed', id, kind: 'memory', message, fatal: true, cpu: 0, wall: 0 });
  setTimeout(end, 1000);
}

const read = createLineReader((line) => {
  const message = JSON.parse(line) as ToSandbox;
  if (message.type === 'load') shelf.load(message.key, message.program);
  else if (message.type === 'unload') shelf.unload(message.key);
  else if (message.type === 'ping') send({ type: 'alive' });
  else if (message.type === 'inspector') inspected?.say(message.message);
  else if (message.type === 'answer') {
    answers.get(message.call)?.(message.body);
    answers.delete(message.call);
  } else void work(message);
});
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => void read(chunk));
process.stdin.on('end', end);
setInterval(() => shelf.dropIdle(), idleSweep);
setInterval(watchMemory, memoryCheck);
send({ type: 'ready' });
