/** A sandbox process holds nothing and may do nothing: tried from within it, under the command line it is started with. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createScriptRunner } from '../../engine/script/pool.ts';
import { sandboxArguments, sandboxMain } from '../../engine/script/process.ts';
import type { ScriptRunner } from '../../engine/script/runner.ts';
import { answerOf, inputs, invocationOf, stubOutbound } from './support.ts';

const folder = join(import.meta.dirname, 'forged');

describe('what a sandbox process may do', () => {
  let runner: ScriptRunner;
  let temporary: string;
  let secret: string;
  let server: Server;
  let connections = 0;
  before(async () => {
    process.env['SALLYPORT_TEST_SECRET'] = 'in the environment';
    temporary = await mkdtemp(join(tmpdir(), 'sallyport-sandbox-'));
    secret = join(temporary, 'secret.js');
    await writeFile(secret, 'export const secret = "in a file"');
    server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    runner = createScriptRunner({ outbound: stubOutbound(), processes: 1, main: join(folder, 'probe.ts') });
  });
  after(async () => {
    delete process.env['SALLYPORT_TEST_SECRET'];
    await runner.close();
    server.close();
    await rm(temporary, { recursive: true, force: true });
  });

  const port = () => String((server.address() as { port: number }).port);
  const attempt = async (name: string, argument = '') => {
    const base = inputs.onTokenGenerating as { request: object };
    const clientId = JSON.stringify({ name, argument });
    const input = { ...base, request: { ...base.request, clientId } };
    const result = await runner.run(
      invocationOf('function onTokenGenerating() {}', { tenantId: name, input, limits: { wallMilliseconds: 15_000 } }),
    );
    return String(answerOf(result));
  };

  it('answers at all', async () => {
    expect(await attempt('nothing')).to.match(/^done: ran beside \d+ processors$/);
    expect(await attempt('something')).to.equal('done: there is no such attempt'.slice(6));
  });

  it('has an empty environment, and no arguments but when a hook is quick', async () => {
    expect(await attempt('environment')).to.equal('done: {}');
    expect(await attempt('arguments')).to.equal('done: ["8"]');
  });

  const root = join(import.meta.dirname, '../..');
  const files: Readonly<Record<string, () => string>> = {
    'a secret': () => secret,
    'the passwords of the machine': () => '/etc/passwd',
    'the environment of its parent': () => `/proc/${process.pid}/environ`,
    'its own environment': () => '/proc/self/environ',
    'its memory': () => '/proc/self/maps',
    'a tenant’s keys': () => join(root, 'scripts-examples/demo/keys/sample-backend.jwks.json'),
    'a tenant': () => join(root, 'scripts-examples/demo/tenant.json'),
    'the engine': () => join(root, 'engine/server.ts'),
    'the engine’s keys': () => join(root, 'engine/key/keyring.ts'),
    'a library of the engine': () => join(root, 'node_modules/jose/package.json'),
  };
  for (const [what, path] of Object.entries(files))
    for (const way of ['read', 'read later', 'read by a way around', 'look at'])
      it(`may not ${way}: ${what}`, async () => {
        expect(await attempt(way, path())).to.equal('refused: ERR_ACCESS_DENIED');
      });

  it('may read what it is made of', async () => {
    expect(await attempt('read', sandboxMain)).to.match(/^done: \/\*\* A sandbox process/);
  });

  const refused: readonly (readonly [what: string, name: string, argument: () => string])[] = [
    ['list a folder', 'list', () => '/'],
    ['list the project', 'list', () => root],
    ['open a folder', 'open a folder', () => temporary],
    ['read through a link', 'read through a link', () => secret],
    ['write a file', 'write', () => join(temporary, 'written')],
    ['write beside itself', 'write beside itself', () => ''],
    ['make a folder', 'make a folder', () => join(temporary, 'made')],
    ['remove a file', 'remove', () => secret],
    ['import a file', 'import', () => secret],
    ['import a module of the engine', 'import', () => join(root, 'engine/key/seal.ts')],
    ['open a connection', 'connect', port],
    ['open a connection to a path', 'connect to a path', () => join(temporary, 'socket')],
    ['make a request', 'request', port],
    ['listen', 'listen', () => ''],
    ['send a datagram', 'datagram', port],
    ['resolve a name', 'look up', () => ''],
    ['start a process', 'spawn', () => join(temporary, 'spawned')],
    ['start a process and wait for it', 'spawn and wait', () => join(temporary, 'spawned')],
    ['run a program', 'execute', () => join(temporary, 'spawned')],
    ['start itself', 'fork', () => ''],
    ['start a thread', 'a thread', () => ''],
    ['open a debugger', 'inspector', () => ''],
    ['reach the system by WASI', 'wasi', () => ''],
    ['read where it says it may', 'permissions taken', () => ''],
  ];
  for (const [what, name, argument] of refused)
    it(`may not ${what}`, async () => {
      expect(await attempt(name, argument())).to.equal('refused: ERR_ACCESS_DENIED');
    });

  it('may not fetch, whatever the library makes of the refusal', async () => {
    expect(await attempt('fetch', port())).to.match(/^refused: /);
  });

  it('says itself that it may not, and nothing of all that has happened', async () => {
    expect(await attempt('permissions given back')).to.equal('done: ');
    expect(connections).to.equal(0);
    expect((await readdir(temporary)).sort()).to.deep.equal(['secret.js']);
    expect(existsSync(join(folder, 'written'))).to.equal(false);
    expect(existsSync(join(folder, 'link'))).to.equal(false);
  });
});

describe('the start of a sandbox process', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  /** What it says first, or its exit code. */
  function start(given: readonly string[]) {
    const child = spawn(process.execPath, given, { env: {}, stdio: ['pipe', 'pipe', 'pipe'] });
    children.push(child);
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const gone = new Promise<number | string | null>((resolve) =>
      child.once('close', (code, signal) => resolve(code ?? signal)),
    );
    const ready = new Promise<string>((resolve) =>
      child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim())),
    );
    return { child, ready, gone, said: () => said };
  }

  const complete = sandboxArguments(sandboxMain, 8);
  const without = (flag: string) => complete.filter((each) => each !== flag);
  const withFlag = (flag: string) => [flag, ...complete];
  const root = join(import.meta.dirname, '../..');

  it('succeeds as the engine starts it', async () => {
    const { ready } = start(complete);
    expect(await ready).to.equal('{"type":"ready"}');
  });

  const lacking: Readonly<Record<string, readonly string[]>> = {
    'with a snapshot': without('--no-node-snapshot'),
    'without the permission model': [
      '--no-node-snapshot',
      '--disable-warning=ExperimentalWarning',
      join(root, 'engine/script/sandbox/main.ts'),
    ],
    'with writing allowed': withFlag('--allow-fs-write=*'),
    'with writing allowed somewhere': withFlag(`--allow-fs-write=${tmpdir()}/`),
    'with children allowed': withFlag('--allow-child-process'),
    'with threads allowed': withFlag('--allow-worker'),
    'with the network allowed': withFlag('--allow-net'),
    'with WASI allowed': withFlag('--allow-wasi'),
    'with a debugger allowed': withFlag('--allow-inspector'),
    'with all files readable': withFlag('--allow-fs-read=*'),
  };
  for (const [what, given] of Object.entries(lacking))
    it(`is refused ${what}`, async () => {
      const { ready, gone, said } = start(given);
      expect(await Promise.race([gone, ready]), said()).to.equal(78);
      expect(said()).to.match(/^a sandbox process needs --no-node-snapshot and the permission model/);
    });

  it('ends when the engine is gone', async () => {
    const { child, ready, gone } = start(complete);
    await ready;
    child.stdin.end();
    expect(await gone).to.equal('SIGKILL');
  });

  it('ends when the engine is gone while a script runs', async () => {
    const { child, ready, gone } = start(complete);
    await ready;
    const code = '(function(){return {onPostAuthorize:function(){for(;;){}}}})';
    const program = {
      style: 'classic',
      parts: [{ file: 'x.js', code, shift: 0, imports: [] }],
      functions: [],
      assignedNames: [],
      ownContext: false,
    };
    const run = {
      type: 'run',
      id: 1,
      key: 'k',
      hook: 'onPostAuthorize',
      input: '{"grantedScopes":[],"claims":{},"launchParameters":{}}',
      given: '{"environment":{},"secrets":{},"deniedSecrets":[]}',
      memoryMebibytes: 32,
      cpuMilliseconds: 60_000,
      wallMilliseconds: 60_000,
      outputBytes: 1000,
      logLines: 1,
      hostCalls: 1,
    };
    child.stdin.write(`${JSON.stringify({ type: 'load', key: 'k', program })}\n${JSON.stringify(run)}\n`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    child.stdin.end();
    expect(await gone).to.equal('SIGKILL');
  });
});
