/** What the server of the simulator's page gives, and to whom it gives nothing. */
import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { expectationOf, readFlowCase, runFlowCase } from '../../engine/simulator/case.ts';
import { simulatedFlows } from '../../engine/simulator/plan.ts';
import type { SimulatedRun } from '../../engine/simulator/run.ts';
import { createSimulator } from '../../engine/simulator/simulator.ts';
import { loadTenant } from '../../engine/tenant/load.ts';
import { formatScript } from '../../tools/simulator/format.ts';
import { simulate } from '../../tools/cli/simulate.ts';
import { testCases } from '../../tools/cli/test.ts';
import type { Answer, Fault, LineFault, ShownTenant } from '../../tools/simulator/shown.ts';
import { startWebStage, type WebStage } from './web-stage.ts';

interface Got<Body> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Body;
}

describe('the server of the simulator’s page', () => {
  let stage: WebStage;

  before(async () => {
    stage = await startWebStage();
  });
  after(() => stage.close());

  /** As the page asks, but for what is said otherwise; undefined leaves a header out. */
  function ask<Body>(
    method: string,
    path: string,
    body?: unknown,
    other: Readonly<Record<string, string | undefined>> = {},
  ): Promise<Got<Body>> {
    const { host, port } = new URL(stage.origin);
    const all: Record<string, string | undefined> = {
      host,
      authorization: `Bearer ${stage.server.token}`,
      ...(method === 'GET' ? {} : { origin: stage.origin }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...other,
    };
    const headers = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >;
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => {
          const json = response.headers['content-type']?.includes('json') && text !== '';
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: (json ? JSON.parse(text) : text) as Body,
          });
        });
      });
      sent
        .on('error', reject)
        .end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
    });
  }

  const runWith = (texts: Readonly<Record<string, string>>, plan: object = {}) =>
    ask<Answer>('POST', '/api/tenants/demo/run', { plan, texts });
  const scriptText = () => readFile(join(stage.folder, 'callbacks.js'), 'utf8');

  describe('to others', () => {
    it('does nothing without the token, or with another', async () => {
      for (const authorization of [
        undefined,
        'Bearer wrong',
        `Bearer ${stage.server.token}x`,
        `Basic ${stage.server.token}`,
      ])
        for (const [method, path] of [
          ['GET', '/api/setting'],
          ['GET', '/api/tenants/demo'],
          ['POST', '/api/tenants/demo/run'],
        ] as const) {
          const { status, body } = await ask<Fault>(method, path, method === 'POST' ? {} : undefined, {
            authorization,
          });
          expect(status, `${method} ${path} ${authorization}`).to.equal(401);
          expect(body.message).to.match(/token/);
        }
    });

    it('does nothing without the token, however the address is spelt', async () => {
      for (const path of [
        '/%61pi/setting',
        '/api/%73etting',
        '/api%2fsetting',
        '//api/setting',
        '/./api/setting',
        '/API/setting',
      ]) {
        const { status, body } = await ask<object>('GET', path, undefined, { authorization: undefined });
        expect(status, path).to.be.oneOf([401, 404]);
        expect(body, path).to.not.have.property('tenants');
      }
      const absolute = await ask('GET', `${stage.origin}/api/setting`, undefined, { authorization: undefined });
      expect(absolute.status).to.be.oneOf([401, 404]);
    });

    it('answers to no other host name, so that none of the outside leads here', async () => {
      const { port } = new URL(stage.origin);
      for (const host of [
        'rebound.example',
        `rebound.example:${port}`,
        'localhost',
        'localhost:1',
        `localhost.example:${port}`,
      ])
        expect((await ask('GET', '/', undefined, { host })).status, host).to.equal(421);
      expect((await ask('GET', '/', undefined, { host: `127.0.0.1:${port}` })).status).to.equal(200);
    });

    it('lets no other site ask, even with the token', async () => {
      const { port } = new URL(stage.origin);
      for (const origin of [
        'http://evil.example',
        'http://localhost:8000',
        `https://localhost:${port}`,
        'null',
        `http://127.0.0.1:${port}`,
      ]) {
        expect((await ask('POST', '/api/tenants/demo/run', {}, { origin })).status, origin).to.equal(403);
        expect((await ask('GET', '/api/setting', undefined, { origin })).status, origin).to.equal(403);
      }
      expect((await ask('POST', '/api/tenants/demo/run', {}, { origin: undefined })).status).to.equal(403);
      expect((await ask('OPTIONS', '/api/setting', undefined, { origin: 'http://evil.example' })).status).to.equal(403);
    });

    it('listens for this machine alone', async () => {
      const outside = Object.values(networkInterfaces())
        .flatMap((list) => list ?? [])
        .find(({ family, internal }) => family === 'IPv4' && !internal);
      if (!outside) return;
      const { port } = new URL(stage.origin);
      const refused = await new Promise<string>((resolve) => {
        request({ host: outside.address, port, path: '/' }, () => resolve('answered'))
          .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
          .end();
      });
      expect(refused).to.equal('ECONNREFUSED');
    });

    it('gives no file but the page’s own', async () => {
      for (const path of [
        '/tools/simulator/server.ts',
        '/tools/simulator/page/../server.ts',
        '/tools/simulator/page/%2e%2e/server.ts',
        '/package.json',
        '/modules/../package.json',
        '/modules/@codemirror/view.js/../../../package.json',
        '/modules/acorn.js',
        '/modules/constructor',
        '/engine/server.ts',
        '/constructor',
        '//etc/passwd',
      ])
        expect((await ask('GET', path)).status, path).to.equal(404);
    });

    it('lets the page load nothing from elsewhere, and be in nobody’s frame', async () => {
      const { headers, body } = await ask<string>('GET', '/');
      const policy = String(headers['content-security-policy']);
      for (const part of [
        "default-src 'none'",
        "connect-src 'self'",
        "frame-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
      ])
        expect(policy).to.include(part);
      expect(policy)
        .to.match(/script-src 'self' 'sha256-[A-Za-z0-9+/=]+';/)
        .and.not.match(/unsafe|\*|https?:/);
      expect(headers['cache-control']).to.equal('no-store');
      expect(headers['x-content-type-options']).to.equal('nosniff');
      expect(body).to.not.match(/(?:src|href)="(?!\/|data:)/);
    });
  });

  it('takes no plan that means nothing, and says what is wrong with it', async () => {
    const { body } = await runWith({}, { decisions: { consent: 'aprove' } });
    expect(body.kind).to.equal('faults');
    expect(JSON.stringify(body)).to.include('approve');
    expect((await runWith({}, { flow: 'implicit' })).body.kind).to.equal('faults');
    expect((await ask<Answer>('POST', '/api/tenants/other/run', {})).body).to.have.property('kind', 'faults');
    expect((await ask('POST', '/api/tenants/demo/run', '{', {})).status).to.equal(400);
    expect((await ask('POST', '/api/tenants/demo/run', 'a=b', { 'content-type': 'text/plain' })).status).to.equal(415);
  });

  it('runs no trace again that is none, or of which nothing is known', async () => {
    const replay = async (trace: unknown) => {
      const { status, body } = await ask<Answer>('POST', '/api/tenants/demo/replay', { trace });
      expect(status).to.equal(200);
      return JSON.stringify(body);
    };
    const hook = { name: 'onTokenGenerating', slot: 'callbacks', before: {}, logs: [], calls: [] };
    const entry = { at: 0, state: 's', kind: 'hook', outcome: 'continue' };
    const strange: readonly unknown[] = [
      undefined,
      7,
      { flow: 'x' },
      { flow: 'x', entries: [null] },
      { flow: 'x', entries: [{ ...entry, at: 1e300 }] },
      { flow: 'x', entries: [{ ...entry, hook: { ...hook, name: 'constructor' } }] },
      { flow: 'x', entries: [{ ...entry, hook: { ...hook, calls: [{}] } }] },
      { flow: 'x', entries: Array.from({ length: 50 }, () => ({ ...entry, hook })) },
    ];
    for (const trace of strange) expect(await replay(trace)).to.include('no trace of a flow');
    const { before: _before, ...without } = hook;
    expect(await replay({ flow: 'x', entries: [{ ...entry, hook: without }] })).to.include('were not kept');
    expect(await replay({ flow: 'x', entries: [entry] })).to.include('No callback ran');
    const elsewhere = { ...hook, slot: 'federationAuth/nobody', name: 'getUserName' };
    expect(await replay({ flow: 'x', entries: [{ ...entry, hook: elsewhere }] })).to.include('no script at');
  });

  it('runs the scripts as they are sent, and leaves the files alone', async () => {
    const before = await scriptText();
    const changed = before.replace("'demo_department', Environment", "'ward', Environment");
    const { body } = await runWith({ 'callbacks.js': changed, '../other.js': 'x', '/etc/passwd': 'x' });
    if (body.kind !== 'run') throw new Error(JSON.stringify(body));
    expect(body.run.outcome).to.equal('success');
    expect(body.run.claims).to.include({ ward: 'Cardiology' }).and.not.have.property('demo_department');
    expect(await scriptText()).to.equal(before);
  });

  it('comes to the same as `simulate` and `test` with the same case, in every flow', async () => {
    const cases = join(stage.folder, 'cases');
    const names = ['practitioner', 'service', 'backend', 'codap', 'partner', 'partner-blocked'];
    const flows = new Set<string>();
    const shared: string[] = [];
    const told = (run: SimulatedRun) => ({
      ...expectationOf(run),
      path: run.path.map(({ state, outcome, hook }) => [state, outcome, hook?.ran, hook?.failure?.message]),
    });
    for (const name of names) {
      const file = join(cases, `flow-${name}.case.json`);
      const document = JSON.parse(await readFile(file, 'utf8')) as { readonly given: object };
      const lines: string[] = [];
      await simulate(stage.folder, { given: file, json: true }, (line) => lines.push(line));
      const inShell = JSON.parse(lines.join('\n')) as SimulatedRun;
      const { body } = await runWith({}, document.given);
      if (body.kind !== 'run') throw new Error(JSON.stringify(body));
      expect(told(body.run as unknown as SimulatedRun), name).to.deep.equal(told(inShell));
      flows.add(inShell.plan.flow);
      shared.push(join(cases, `same-${name}.case.json`));
      await writeFile(shared.at(-1) ?? '', JSON.stringify({ ...document, expect: expectationOf(inShell) }));
    }
    const lines: string[] = [];
    expect(await testCases(shared, {}, (line) => lines.push(line)), lines.join('\n')).to.equal(0);
    expect([...flows].sort()).to.deep.equal([...simulatedFlows].sort());
    for (const file of shared) await rm(file);
  });

  it('tells what is wrong with a script that cannot run, by its line', async () => {
    const broken = { 'callbacks.js': 'function onTokenGenerating( {\n' };
    const { body } = await runWith(broken);
    expect(body.kind).to.equal('faults');
    const check = (text: string) =>
      ask<{ readonly faults: readonly LineFault[] }>('POST', '/api/tenants/demo/check', {
        texts: { 'callbacks.js': text },
      });
    const syntax = (await check('function onTokenGenerating( {\n')).body.faults;
    expect(syntax.some(({ severity, file }) => severity === 'error' && file === 'callbacks.js')).to.equal(true);
    const misspelt = (await check('\nfunction onTokenGeneratin(a, b, c) {}\nfunction onPostAuthorize(theDetails) {}\n'))
      .body.faults;
    expect(misspelt.find(({ file }) => file === 'callbacks.js')).to.include({ line: 2, severity: 'warning' });
    expect(misspelt[0]?.message).to.include('onTokenGenerating');
    const types = (await check('function onPostAuthorize(theDetails) {\n  Log.inf(theDetails.clientId);\n}\n')).body
      .faults;
    expect(types.find(({ file }) => file === 'callbacks.js')).to.include({ line: 2 });
  });

  it('steps from callback to callback, each with the input that it is given', async () => {
    const begun = (await ask<Answer>('POST', '/api/tenants/demo/step', { plan: { user: 'jane' }, texts: {} })).body;
    const hooks: string[] = [];
    let answer = begun;
    while (answer.kind === 'paused') {
      const { hook, step, input } = answer.paused;
      hooks.push(hook);
      const other = structuredClone(input) as { session?: { givenName?: string } };
      if (hook === 'onTokenGenerating' && other.session) other.session.givenName = 'Janet';
      const body = hook === 'onTokenGenerating' ? { input: other } : {};
      answer = (await ask<Answer>('POST', `/api/steps/${step}`, body)).body;
    }
    if (answer.kind !== 'run') throw new Error(JSON.stringify(answer));
    expect(hooks).to.deep.equal([
      'onAuthenticateSuccess',
      'onSmartLoginPreContextSelection',
      'onTokenGenerating',
      'onPostAuthorize',
    ]);
    expect(answer.run.outcome).to.equal('success');
    expect(answer.run.tokens.id?.claims).to.include({ demo_greeting: 'Hello Janet' });
    const edited = answer.run.path.filter(({ hook }) => hook?.inputEdited);
    expect(edited.map(({ state }) => state)).to.deep.equal(['token generating']);
  });

  it('goes on with no run that was stopped, is over, or never began', async () => {
    const { body } = await ask<Answer>('POST', '/api/tenants/demo/step', { plan: {}, texts: {} });
    if (body.kind !== 'paused') throw new Error(JSON.stringify(body));
    expect((await ask('DELETE', `/api/steps/${body.paused.step}`)).status).to.equal(204);
    for (const step of [body.paused.step, 'never', '__proto__'])
      expect((await ask('POST', `/api/steps/${step}`, {})).status, step).to.equal(404);
  });

  describe('puts into form', () => {
    const format = (name: string, text: string) =>
      ask<Fault & { text?: string }>('POST', '/api/tenants/demo/format', { name, text });

    it('a script, by the plain options of its folder, and writes nothing', async () => {
      const before = await scriptText();
      const configuration = join(stage.folder, '.prettierrc.json');
      // Were the plugin or the parser taken, nothing would be formatted.
      await writeFile(
        configuration,
        '{ "singleQuote": true, "semi": false, "plugins": ["./evil.js"], "parser": "css" }',
      );
      const { status, body } = await format('callbacks.js', 'function  onTokenGenerating( ) {return "x" ;}');
      expect(status).to.equal(200);
      expect(body.text).to.equal("function onTokenGenerating() {\n  return 'x'\n}\n");
      await writeFile(configuration, '"a-shared-configuration"');
      const plain = await format('callbacks.js', "const a = 'x'");
      await rm(configuration);
      expect(plain.body.text).to.equal('const a = "x";\n');
      expect(await scriptText()).to.equal(before);
    });

    it('nothing that cannot be read, and says where', async () => {
      const { status, body } = await format('callbacks.js', 'function (');
      expect(status).to.equal(422);
      expect(body.message).to.match(/^Nothing was changed: .*\(1:\d+\)$/);
    });

    it('no file that is no script of the tenant', async () => {
      for (const name of ['tenant.json', '../demo/callbacks.js', '/tmp/x.js', ''])
        expect((await format(name, 'x')).status, name).to.equal(404);
      expect((await ask('POST', '/api/tenants/demo/format', { name: 'callbacks.js' })).status).to.equal(400);
      expect((await ask('POST', '/api/tenants/other/format', { name: 'callbacks.js', text: '' })).status).to.equal(404);
    });

    it('nothing where prettier is not installed, with a sentence that says so', async () => {
      const formatted = await formatScript('a.ts', 'const a  = 1', () => Promise.reject(new Error('not found')));
      expect(formatted).to.deep.include({ ok: false });
      expect(JSON.stringify(formatted)).to.include('the package prettier is not installed').and.to.include('npm ci');
    });
  });

  describe('saves', () => {
    const save = (name: string, text: string, before: string) =>
      ask<Fault>('PUT', '/api/tenants/demo/file', { name, text, before });

    it('a script, but not over what somebody else wrote', async () => {
      const before = await scriptText();
      expect((await save('callbacks.js', `${before}\n// mine\n`, before)).status).to.equal(200);
      expect(await scriptText()).to.equal(`${before}\n// mine\n`);
      const late = await save('callbacks.js', 'mine alone', before);
      expect(late.status).to.equal(409);
      expect(late.body.message).to.include('changed by somebody else');
      expect((await save('callbacks.js', before, `${before}\n// mine\n`)).status).to.equal(200);
    });

    it('no other file, wherever it is', async () => {
      const before = await readdir(stage.folder, { recursive: true });
      const document = await readFile(join(stage.folder, 'tenant.json'), 'utf8');
      for (const name of [
        'tenant.json',
        'new.js',
        '../beside.js',
        '../demo/callbacks.js',
        './callbacks.js',
        '/tmp/beside.js',
        'keys/x.js',
        '',
      ]) {
        const content = name === 'tenant.json' ? document : '';
        expect((await save(name, 'x', content)).status, name).to.equal(409);
      }
      expect(await readdir(stage.folder, { recursive: true })).to.deep.equal(before);
      expect(await readFile(join(stage.folder, 'tenant.json'), 'utf8')).to.equal(document);
    });

    it('a case that holds when it is replayed, and never over another', async () => {
      const saved = await ask<{ readonly file: string }>('POST', '/api/tenants/demo/cases', {
        name: 'Jane gets in, ../../ or not',
        plan: { user: 'jane' },
        texts: {},
      });
      expect(saved.status, JSON.stringify(saved.body)).to.equal(200);
      expect(saved.body.file).to.match(/demo\/cases\/jane-gets-in-or-not\.case\.json$/);
      const text = await readFile(join(stage.folder, 'cases/jane-gets-in-or-not.case.json'), 'utf8');
      const read = readFlowCase(JSON.parse(text), 'the case');
      const loaded = await loadTenant(stage.folder);
      if (!read.ok || !loaded.ok) throw new Error('the case or the tenant cannot be read');
      const simulator = createSimulator();
      try {
        expect((await runFlowCase(read.document, loaded.tenant, simulator)).failures).to.deep.equal([]);
      } finally {
        await simulator.close();
      }
      const again = await ask<Fault>('POST', '/api/tenants/demo/cases', {
        name: 'jane gets in or not',
        plan: {},
        texts: {},
      });
      expect(again.status).to.equal(409);
      const { body } = await ask<ShownTenant>('GET', '/api/tenants/demo');
      expect(body.cases.map(({ name }) => name)).to.include('Jane gets in, ../../ or not');
      expect((await ask('POST', '/api/tenants/demo/cases', { name: '../..', plan: {}, texts: {} })).status).to.equal(
        409,
      );
      expect((await ask('POST', '/api/tenants/demo/cases', { name: '', plan: {}, texts: {} })).status).to.equal(400);
    });

    it('nothing by a link that leads out of the folder', async () => {
      const outside = join(stage.folder, '../outside.js');
      await writeFile(outside, '// outside\n');
      const inside = join(stage.folder, 'codap.js');
      const text = await readFile(inside, 'utf8');
      await rm(inside);
      await symlink(outside, inside);
      expect((await save('codap.js', 'x', '// outside\n')).status).to.equal(409);
      expect(await readFile(outside, 'utf8')).to.equal('// outside\n');
      await rm(inside);
      await writeFile(inside, text);
    });
  });

  it('tells no secret of the tenant', async () => {
    const { body } = await ask<ShownTenant>('GET', '/api/tenants/demo');
    const run = await runWith({}, { flow: 'client-credentials' });
    for (const text of [JSON.stringify(body), JSON.stringify(run.body)])
      for (const secret of ['demo-secret', 'partner-demo-secret', 'demo-password', 'argon2'])
        expect(text).to.not.include(secret);
  });
});
