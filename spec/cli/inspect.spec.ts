/** `npx sallyport simulate --inspect`: a debugger steps through callbacks, by the protocol that Chrome and VS Code speak. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { Command } from 'commander';
import { createScriptRunner } from '../../engine/script/pool.ts';
import { scriptsOf } from '../../engine/tenant/scripts.ts';
import type { Script } from '../../engine/tenant/tenant.ts';
import { addSimulateCommand } from '../../tools/cli/simulate.ts';
import { stubOutbound } from '../sandbox/support.ts';
import { hospital, loaded } from '../simulator/support.ts';
import { inherited } from '../support/environment.ts';
import { folderOf, program } from './support.ts';

const callbacks = `import type { OnTokenGenerating } from 'sallyport';
import { wardOf, type Ward } from './lib/wards.ts';

interface Greeting { readonly text: string }

export const onTokenGenerating: OnTokenGenerating = (theUserSession, theDetails): void => {
  const client: string = theDetails.clientId;
  const ward: Ward = wardOf(client);
  const greeting: Greeting = { text: \`hello \${ward.name}\` };
  theDetails.addAccessTokenClaim('greeting', greeting.text);
};
`;
const wards = `export interface Ward { readonly name: string }

export function wardOf(client: string): Ward {
  let name: string = 'north';
  if (client === 'service') name = 'south';
  return { name };
}
`;

interface Paused {
  readonly reason: string;
  readonly hitBreakpoints: readonly string[];
  readonly callFrames: readonly {
    readonly callFrameId: string;
    readonly functionName: string;
    readonly location: { readonly scriptId: string; readonly lineNumber: number };
  }[];
}
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: object;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** The command, which runs until its end is asked for. */
function started(args: readonly string[]) {
  const lines: string[] = [];
  let came: () => void = () => undefined;
  let code: number | undefined;
  const command = new Command().exitOverride();
  addSimulateCommand(
    command,
    (text) => {
      lines.push(...text.split('\n'));
      came();
    },
    (ended) => void (code = ended),
  );
  const ended = command.parseAsync(['simulate', ...args], { from: 'user' });
  return {
    lines,
    /** What the first line that has it says. */
    async said(text: RegExp): Promise<string> {
      for (;;) {
        const found = text.exec(lines.join('\n'));
        if (found) return found[1] ?? found[0];
        await new Promise<void>((done) => (came = done));
      }
    },
    async end() {
      await ended;
      return { code, output: lines.join('\n') };
    },
  };
}

/** A client as small as one can be. */
async function attached(address: string) {
  const socket = new WebSocket(address);
  const answers = new Map<number, (message: Message) => void>();
  const pauses: Paused[] = [];
  const sources: Record<string, string> = {};
  let came: () => void = () => undefined;
  const closed = new Promise<number>((done) => socket.addEventListener('close', ({ code }) => done(code)));
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id !== undefined) answers.get(message.id)?.(message);
    if (message.method === 'Debugger.scriptParsed') {
      const { url, scriptId } = message.params as { readonly url: string; readonly scriptId: string };
      sources[scriptId] = url;
    }
    if (message.method !== 'Debugger.paused') return;
    pauses.push(message.params as Paused);
    came();
  });
  let last = 0;
  const ask = (method: string, params: object = {}) =>
    new Promise<Message>((done) => {
      last += 1;
      answers.set(last, done);
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  const open = await Promise.race([once(socket, 'open').then(() => true), closed.then(() => false)]);
  return {
    open,
    ask,
    closed,
    sources,
    close: () => socket.close(),
    async paused(): Promise<Paused> {
      while (pauses.length === 0) await new Promise<void>((done) => (came = done));
      return pauses.shift() as Paused;
    },
    /** Begins as every client does. */
    async begin(...breakpoints: readonly (readonly [url: string, line: number])[]): Promise<void> {
      await ask('Runtime.enable');
      await ask('Debugger.enable');
      for (const [url, line] of breakpoints) await ask('Debugger.setBreakpointByUrl', { url, lineNumber: line - 1 });
      await ask('Runtime.runIfWaitingForDebugger');
    },
  };
}
type Client = Awaited<ReturnType<typeof attached>>;

/** File, line and function where it stopped. */
function placeOf({ callFrames }: Paused, { sources }: Client): string {
  const [top] = callFrames;
  const url = sources[top?.location.scriptId ?? ''] ?? '';
  return `${url.split('/').at(-1)}:${(top?.location.lineNumber ?? 0) + 1} ${top?.functionName}`;
}

async function valueOf(expression: string, { callFrames }: Paused, client: Client): Promise<unknown> {
  const callFrameId = callFrames[0]?.callFrameId;
  const { result } = await client.ask('Debugger.evaluateOnCallFrame', { callFrameId, expression, returnByValue: true });
  return (result?.['result'] as { readonly value?: unknown }).value;
}

/** The status of a request with these headers. */
async function statusOf(address: string, path: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const { hostname, port } = new URL(address);
  const asked = request({ hostname, port, path, headers });
  asked.end();
  return new Promise((done) => {
    asked.on('response', (response) => {
      response.resume();
      done(response.statusCode ?? 0);
    });
    asked.on('upgrade', (_response, socket) => {
      socket.destroy();
      done(101);
    });
  });
}

describe('sallyport simulate --inspect', function () {
  this.timeout(60_000);
  let folder: Awaited<ReturnType<typeof folderOf>>;
  before(async () => {
    const more = {
      scripts: { callbacks: 'callbacks.ts' },
      // Less than any pause at a breakpoint.
      scriptLimits: { cpuMilliseconds: 50, wallMilliseconds: 250 },
    };
    const { 'callbacks.js': _classic, ...files } = hospital('', more);
    folder = await folderOf({ ...files, 'callbacks.ts': callbacks, 'lib/wards.ts': wards });
  });
  after(() => folder.remove());
  const simulate = (...args: readonly string[]) =>
    started([folder.path, '--flow', 'client-credentials', '--inspect', '--inspect-port', '0', ...args]);
  const urlOf = (file: string) => pathToFileURL(join(folder.path, file)).href;

  it('a debugger breaks in a callback of TypeScript, reads and changes variables, steps into an import, and goes on', async () => {
    const run = simulate();
    const address = await run.said(/ws:\/\/\S+/);
    const client = await attached(address);
    await client.begin([urlOf('callbacks.ts'), 8]);

    const first = await client.paused();
    expect(first.reason).to.equal('Break on start');
    expect(first.hitBreakpoints).to.deep.equal([]);
    expect(placeOf(first, client)).to.match(/^callbacks\.ts:6 /);
    const own = Object.keys(client.sources).filter((id) => client.sources[id] === urlOf('callbacks.ts'));
    const { result: text } = await client.ask('Debugger.getScriptSource', { scriptId: own[0] });
    expect(text?.['scriptSource']).to.equal(callbacks);
    await client.ask('Debugger.resume');

    const inCallback = await client.paused();
    expect(placeOf(inCallback, client)).to.equal('callbacks.ts:8 onTokenGenerating');
    expect(await valueOf('client', inCallback, client)).to.equal('service');
    // Longer than the tenant's limits, and than a process may leave the engine without an answer.
    await new Promise((done) => setTimeout(done, 2500));
    await client.ask('Debugger.stepInto');
    const inImport = await client.paused();
    expect(placeOf(inImport, client)).to.equal('wards.ts:4 wardOf');
    await client.ask('Debugger.stepOver');
    expect(placeOf(await client.paused(), client)).to.equal('wards.ts:5 wardOf');
    await client.ask('Debugger.stepOut');
    const after = await client.paused();
    expect(placeOf(after, client)).to.equal('callbacks.ts:9 onTokenGenerating');
    expect(await valueOf('ward', after, client)).to.deep.equal({ name: 'south' });
    await valueOf("ward.name = 'east'", after, client);
    await client.ask('Debugger.resume');

    expect(await client.closed).to.equal(1001);
    const { code, output } = await run.end();
    expect(code, output).to.equal(0);
    expect(output).to.include('+ /grant/accessTokenClaims/greeting "hello east"');
  });

  it('shows nothing of the sandbox to step into, and takes no text in place of a script', async () => {
    const run = simulate('--hook', 'onTokenGenerating');
    const client = await attached(await run.said(/ws:\/\/\S+/));
    await client.begin([urlOf('callbacks.ts'), 10]);
    await client.ask('Debugger.setBlackboxPatterns', { patterns: ['/node_modules/'] });
    await client.paused();
    await client.ask('Debugger.resume');
    const last = await client.paused();
    const { error } = await client.ask('Debugger.setScriptSource', {
      scriptId: last.callFrames[0]?.location.scriptId,
      scriptSource: '',
    });
    expect(error?.message).to.include('--watch');
    expect((await client.ask('Network.enable')).error?.message).to.include("'Network.enable' wasn't found");
    // Into `addAccessTokenClaim`, were it the author's.
    await client.ask('Debugger.stepInto');
    expect(placeOf(await client.paused(), client)).to.equal('callbacks.ts:11 onTokenGenerating');
    await client.ask('Debugger.stepInto');
    expect((await run.end()).code).to.equal(0);
  });

  it('knows the columns of a script of a single line', async () => {
    const line = `function onTokenGenerating(session, details) { var ward = 'north'; details.addAccessTokenClaim('ward', ward); }`;
    const other = await folderOf(hospital(line));
    const run = started([other.path, '--hook', 'onTokenGenerating', '--inspect-port', '0']);
    const client = await attached(await run.said(/ws:\/\/\S+/));
    const url = pathToFileURL(join(other.path, 'callbacks.js')).href;
    const columnNumber = line.indexOf('details.add');
    await client.ask('Debugger.enable');
    await client.ask('Debugger.setBreakpointByUrl', { url, lineNumber: 0, columnNumber });
    await client.ask('Runtime.runIfWaitingForDebugger');
    await client.paused();
    await client.ask('Debugger.resume');
    const [top] = (await client.paused()).callFrames;
    expect(top?.functionName).to.equal('onTokenGenerating');
    expect(top?.location).to.include({ lineNumber: 0, columnNumber: line.indexOf('addAccessTokenClaim') });
    await client.ask('Debugger.resume');
    const { code, output } = await run.end();
    await other.remove();
    expect(code, output).to.equal(0);
  });

  it('a fault is told by file, line and column as without a debugger', async () => {
    const { 'callbacks.js': _classic, ...files } = hospital('', { scripts: { callbacks: 'lib/a script.js' } });
    const other = await folderOf({
      ...files,
      'lib/a script.js': 'function onTokenGenerating(a, details) { details.nothing.here(); }\n',
    });
    const run = started([other.path, '--hook', 'onTokenGenerating', '--inspect', '--inspect-port', '0']);
    const client = await attached(await run.said(/ws:\/\/\S+/));
    await client.begin();
    await client.paused();
    await client.ask('Debugger.resume');
    const { code, output } = await run.end();
    await other.remove();
    expect(code).to.equal(1);
    expect(output).to.include('at lib/a script.js:1:58');
  });

  it('goes on when the debugger leaves in the middle, and forgets its breakpoints', async () => {
    const run = simulate();
    const address = await run.said(/ws:\/\/\S+/);
    const leaving = await attached(address);
    // It left before it let anything begin.
    leaving.close();
    await leaving.closed;
    const client = await attached(address);
    await client.begin([urlOf('callbacks.ts'), 7], [urlOf('callbacks.ts'), 8]);
    await client.paused();
    await client.ask('Debugger.resume');
    expect(placeOf(await client.paused(), client)).to.equal('callbacks.ts:7 onTokenGenerating');
    client.close();
    const { code, output } = await run.end();
    expect(code, output).to.equal(0);
    expect(output).to.include('"hello south"');
  });

  it('keeps pages of the web, other names, wrong paths and a second client out', async () => {
    const run = simulate();
    const address = await run.said(/ws:\/\/\S+/);
    const { host, pathname } = new URL(address);
    const upgrade = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    for (const [path, headers, status] of [
      [pathname, { host, origin: 'https://evil.example' }, 403],
      [pathname, { host, origin: `http://${host}` }, 403],
      [pathname, { host, origin: 'null' }, 403],
      [pathname, { host: 'evil.example' }, 403],
      [pathname, { host: `127.0.0.1.evil.example:${new URL(address).port}` }, 403],
      ['/', { host }, 404],
      [`${pathname.slice(0, -1)}x`, { host }, 404],
      [`${pathname}?x`, { host }, 404],
    ] as const)
      expect(await statusOf(address, path, { ...headers, ...upgrade }), JSON.stringify(headers)).to.equal(status);
    expect(await statusOf(address, '/json/list', { host: 'evil.example' })).to.equal(403);
    expect(await statusOf(address, '/json/list', { host, origin: 'https://evil.example' })).to.equal(403);
    expect(await statusOf(address, '/json/protocol', { host })).to.equal(404);
    // Without a key there is no WebSocket, and nobody's place is taken.
    expect(await statusOf(address, pathname, { host, connection: 'Upgrade', upgrade: 'websocket' })).to.equal(400);
    expect(await statusOf(address, pathname, { host, origin: 'devtools://devtools', ...upgrade })).to.equal(101);

    const listed = (await (await fetch(`http://localhost:${new URL(address).port}/json/list`)).json()) as Message[];
    expect(listed).to.have.length(1);
    expect(listed[0]).to.include({ type: 'node', webSocketDebuggerUrl: address });
    const version = (await (await fetch(`http://${host}/json/version`)).json()) as object;
    expect(version).to.include({ 'Protocol-Version': '1.1' });

    const client = await attached(address);
    const second = await attached(address);
    expect(await second.closed).to.equal(1013);
    await client.begin();
    await client.paused();
    await client.ask('Debugger.disable');
    expect((await run.end()).code).to.equal(0);
  });

  it('takes a port; one that is taken ends the command, unless none was asked for', async () => {
    const run = simulate();
    const address = await run.said(/ws:\/\/\S+/);
    const { port } = new URL(address);
    for (const [given, sentence] of [
      [port, `Port ${port} cannot be used`],
      ['70000', '--inspect-port takes a port, not 70000.'],
      ['all', '--inspect-port takes a port, not all.'],
    ] as const) {
      const { code, output } = await started([folder.path, '--inspect-port', given]).end();
      expect(code).to.equal(2);
      expect(output).to.include(sentence);
    }
    const client = await attached(address);
    // Who never enables the debugger stops nothing.
    await client.ask('Runtime.runIfWaitingForDebugger');
    expect((await run.end()).code).to.equal(0);
  });

  it('never looks into a runner of real invocations, such as a server has', async () => {
    let started = 0;
    const runner = createScriptRunner({
      outbound: stubOutbound(),
      processes: 1,
      inspector: {
        started: () => void (started += 1),
        heard: () => undefined,
        before: () => Promise.reject(new Error('there is no debugger')),
        urlOf: (file) => file,
      },
    });
    const tenant = await loaded({ ...hospital(''), 'callbacks.js': 'function onTokenGenerating() {}' });
    const { script } = scriptsOf(tenant)[0] as { readonly script: Script };
    const inspected = await runner.inspect(script);
    await runner.close();
    expect(inspected.ok).to.equal(true);
    expect(started).to.equal(0);
  });

  it('as a command of its own: --json stays JSON, and the address is on the error output', async () => {
    const args = [
      'simulate',
      folder.path,
      '--flow',
      'client-credentials',
      '--inspect',
      '--inspect-port',
      '0',
      '--json',
    ];
    const child = spawn(process.execPath, [program, ...args], { env: { ...inherited } });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const address = await new Promise<string>((done) => {
      child.stderr.on('data', (chunk: Buffer) => {
        errors += chunk.toString();
        const found = /ws:\/\/\S+/.exec(errors);
        if (found) done(found[0]);
      });
    });
    const ended = once(child, 'close');
    const client = await attached(address);
    await client.begin();
    await client.paused();
    await client.ask('Debugger.resume');
    expect(await ended).to.deep.equal([0, null]);
    expect((JSON.parse(output) as { readonly outcome: string }).outcome).to.equal('success');
    expect(errors).to.include('devtools://devtools/bundled/js_app.html').and.to.include('attach to port');
  });
});
