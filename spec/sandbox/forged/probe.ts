/**
 * What runs in place of a sandbox, under the same command line, to try what that forbids: the client's id names the attempt,
 * the answer is what came of it.
 */
import { execFileSync, fork, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import type { EventEmitter } from 'node:events';
import { lookup } from 'node:dns/promises';
import {
  mkdirSync,
  opendirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer, connect } from 'node:net';
import { cpus } from 'node:os';
import { Worker } from 'node:worker_threads';

type Attempt = (argument: string) => unknown;

const settled = (emitter: EventEmitter, good: string): Promise<string> =>
  new Promise((resolve, reject) => {
    emitter.once(good, () => resolve('done'));
    emitter.once('error', reject);
  });

const attempts: Readonly<Record<string, Attempt>> = {
  environment: () => JSON.stringify(process.env),
  arguments: () => JSON.stringify(process.argv.slice(2)),
  read: (path) => readFileSync(path, 'utf8'),
  'read later': (path) => readFile(path, 'utf8'),
  'read through a link': (path) => {
    symlinkSync(path, `${import.meta.dirname}/link`);
    return readFileSync(`${import.meta.dirname}/link`, 'utf8');
  },
  'read by a way around': (path) => readFileSync(`${import.meta.dirname}/../../../engine/script/../..${path}`, 'utf8'),
  list: (path) => readdirSync(path).join(),
  'open a folder': (path) => opendirSync(path).path,
  'look at': (path) => String(statSync(path).size),
  write: (path) => writeFileSync(path, 'x'),
  'write beside itself': () => writeFileSync(`${import.meta.dirname}/written`, 'x'),
  'make a folder': (path) => mkdirSync(`${path}-folder`),
  remove: (path) => rmSync(path),
  import: (path) => import(path),
  connect: (port) => settled(connect(Number(port), '127.0.0.1'), 'connect'),
  'connect to a path': (path) => settled(connect(path), 'connect'),
  request: (port) => settled(request(`http://127.0.0.1:${port}/`).end(), 'response'),
  fetch: (port) => fetch(`http://127.0.0.1:${port}/`).then(() => 'done'),
  listen: () => settled(createServer().listen(0, '127.0.0.1'), 'listening'),
  datagram: (port) =>
    new Promise((resolve, reject) => {
      const socket = createSocket('udp4');
      socket.once('error', reject);
      socket.send('x', Number(port), '127.0.0.1', (error) => (error ? reject(error) : resolve('done')));
    }),
  'look up': () => lookup('localhost').then(() => 'done'),
  spawn: (path) => settled(spawn('/bin/sh', ['-c', `echo x > ${path}`]), 'exit'),
  'spawn and wait': (path) => spawnSync('/bin/sh', ['-c', `echo x > ${path}`]).status,
  execute: (path) => execFileSync('/bin/sh', ['-c', `echo x > ${path}`]).toString(),
  fork: () => settled(fork(import.meta.filename), 'spawn'),
  'a thread': () => settled(new Worker('1', { eval: true }), 'online'),
  inspector: async () => (await import('node:inspector')).open(0),
  wasi: async () => new (await import('node:wasi')).WASI({ version: 'preview1' }),
  'permissions given back': () => {
    const { permission } = process as unknown as { permission: { has(scope: string): boolean } };
    return ['fs', 'fs.read', 'fs.write', 'child', 'worker', 'net', 'wasi', 'inspector']
      .filter((scope) => permission.has(scope))
      .join();
  },
  'permissions taken': () => {
    const { permission } = process as unknown as { permission: { has: unknown } };
    const { has } = permission;
    permission.has = () => true;
    try {
      return readFileSync('/etc/passwd', 'utf8');
    } finally {
      permission.has = has;
    }
  },
  nothing: () => `ran beside ${cpus().length} processors`,
};

async function answer(name: string, argument: string): Promise<string> {
  const attempt = attempts[name];
  if (!attempt) return 'there is no such attempt';
  try {
    // Some refusals are thrown where nobody can catch them.
    const uncaught = new Promise<never>((_resolve, reject) => process.once('uncaughtException', reject));
    return `done: ${String(await Promise.race([attempt(argument), uncaught]))}`;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return `refused: ${code ?? message}`;
  }
}

let rest = '';
const say = (message: unknown) => process.stdout.write(`${JSON.stringify(message)}\n`);
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    const message = JSON.parse(line) as { type: string; id: number; input: string };
    if (message.type !== 'run') continue;
    const { request: asked } = JSON.parse(message.input) as { request: { clientId: string } };
    const { name, argument } = JSON.parse(asked.clientId) as { name: string; argument: string };
    void answer(name, argument).then((text) => {
      const value = {
        session: null,
        accessTokenClaims: { answer: text.slice(0, 1000) },
        idTokenClaims: {},
        launchParameters: {},
        approvedScopes: [],
      };
      say({ type: 'done', id: message.id, body: JSON.stringify({ ok: true, defined: true, value }), cpu: 0, wall: 0 });
    });
  }
});
process.on('uncaughtException', () => undefined);
process.on('unhandledRejection', () => undefined);
say({ type: 'ready' });
