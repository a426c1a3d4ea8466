/** The simulator's page of a running server, in a browser and for who may not: parts of `preview.spec.ts`, which has both. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { adminWith, bootstrapSecret, itemsOf } from '../admin/support.ts';
import type { TestServer } from '../support/server.ts';
import { inspect, visit, type Visitor } from './browser.ts';

const at = '/admin/simulator';
const slot = '/tenants/demo/scripts/callbacks';
const callback = (body: string) => `function onTokenGenerating(a, b, c) {\n  ${body}\n}\n`;

/** @param stage asked once its server and browser are there. */
export function describeSimulatorPage(stage: () => { readonly server: TestServer; readonly browser: Browser }): void {
  describe('the simulator for administrators', () => {
    let visitor: Visitor;
    let server: TestServer;
    let secret: string;

    before(async () => {
      server = stage().server;
      secret = await bootstrapSecret(server);
    });
    beforeEach(async () => {
      visitor = await visit(stage().browser, 'en-US', { httpCredentials: { username: 'somebody', password: secret } });
      await visitor.page.goto(`${server.url}${at}`);
      await on('button.state').first().waitFor();
    });
    afterEach(async () => {
      expect(visitor.complaints).to.deep.equal([]);
      await visitor.context.close();
    });

    const on = (selector: string) => visitor.page.locator(selector);
    const button = (name: string) => visitor.page.getByRole('button', { name, exact: true });
    const choose = (name: string, value: string) => visitor.page.getByRole('combobox', { name }).selectOption(value);
    async function run(number: number, outcome: string): Promise<void> {
      await button('Run').click();
      await on('#summary')
        .filter({ hasText: `run ${number}: ${outcome}` })
        .waitFor();
    }
    async function write(text: string): Promise<void> {
      await on('.cm-content').click();
      await visitor.page.keyboard.press('Control+a');
      await on('.cm-content').evaluate((editor, pasted) => {
        const clipboardData = new DataTransfer();
        clipboardData.setData('text/plain', pasted);
        editor.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
      }, text);
    }

    it('runs a changed script, and saves it as a version that is not active', async () => {
      const admin = adminWith(server, secret);
      const active = async () => itemsOf(await admin('GET', '/tenants/demo/scripts'))[0]?.['active'];
      const before = await active();
      const file = await readFile(join(server.config, 'demo/callbacks.js'), 'utf8');
      await choose('Flow', 'client-credentials');
      await run(1, 'success');
      await write(callback("Log.info('here'); b.addAccessTokenClaim('ward', 'North');"));
      await run(2, 'success');
      expect(await on('#since').innerText()).to.match(/ward[\s\S]*North/);
      await inspect(visitor, 'simulator-server', 'briefly');
      await button('Save as a version').click();
      await on('#version-note').fill('the ward in the token');
      await button('Save version').click();
      await on('#notice').filter({ hasText: 'Saved as version' }).waitFor();
      expect(await on('#version option:checked').innerText()).to.match(/^[0-9a-f]{8} – the ward in the token/);
      expect(await button('Save as a version').isDisabled()).to.equal(true);
      // Its server puts nothing into form: that takes time that others wait for.
      expect(await button('Format').count()).to.equal(0);
      const [version] = itemsOf(await admin('GET', `${slot}/versions`));
      expect(version).to.include({ author: 'bootstrap', note: 'the ward in the token', origin: 'upload' });
      expect(await active()).to.equal(before);
      expect(await readFile(join(server.config, 'demo/callbacks.js'), 'utf8')).to.equal(file);
      const [event] = itemsOf(await admin('GET', '/tenants/demo/audit?type=admin.script.uploaded'));
      expect(event?.['details']).to.deep.include({ slot: 'callbacks', hash: version?.['hash'], activate: false });
      expect(JSON.stringify(event)).to.include('bootstrap').and.not.include('North');
      // The version before is still what everybody gets; here it is chosen again.
      await visitor.page.getByRole('combobox', { name: 'Version' }).selectOption(String(before));
      await on('.cm-line').filter({ hasText: 'The demo tenant' }).waitFor();
      await run(3, 'success');
      await visitor.page.getByRole('tab', { name: 'Compare' }).click();
      expect(await on('.pair .differs').first().innerText()).to.match(/ward[\s\S]*North[\s\S]*—/);
    });

    it('refuses to save what does not compile, with the line', async () => {
      await write('function onTokenGenerating(a) {\n  let = ;\n}\n');
      await on('.line-fault.error').first().waitFor();
      await button('Save as a version').click();
      await button('Save version').click();
      await on('#notice[data-kind=error]').waitFor();
      expect(await on('#notice').innerText()).to.include('callbacks.js:2');
      visitor.complaints.splice(0, Infinity, ...visitor.complaints.filter((text) => !text.includes('400')));
    });

    it('goes on whatever a script does, and the server with it', async () => {
      await choose('Flow', 'client-credentials');
      await write(callback('for (;;) {}'));
      await run(1, 'onTokenGenerating-timeout');
      await write(callback("for (let i = 0; i < 1e6; i += 1) Log.info('x'.repeat(900));"));
      await button('Run').click();
      await on('#summary').filter({ hasText: 'run 2:' }).waitFor();
      expect((await fetch(`${server.url}/demo/.well-known/smart-configuration`)).status).to.equal(200);
      await write(callback("b.addAccessTokenClaim('fine', true);"));
      await run(3, 'success');
    });

    it('opens a flow that happened, and runs it again beside the record with another script', async () => {
      const { page } = visitor;
      const token = await fetch(`${server.url}/demo/oauth/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from('sample-service:demo-secret').toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'system/*.rs' }),
      });
      expect(token.status).to.equal(200);
      await page.getByRole('tab', { name: 'Traces' }).click();
      const search = page.getByRole('search');
      await search.getByRole('combobox', { name: 'Flow' }).selectOption('interactive');
      await search.getByRole('button', { name: 'Search' }).click();
      await on('#traces-found').filter({ hasText: 'None was found' }).waitFor();
      await search.getByRole('combobox', { name: 'Flow' }).selectOption('client-credentials');
      await search.getByRole('textbox', { name: 'App' }).fill('sample-service');
      await search.getByRole('combobox', { name: 'Callback' }).selectOption('onTokenGenerating');
      await search.getByRole('button', { name: 'Search' }).click();
      await on('#traces-found tbody tr').first().waitFor();
      await inspect(visitor, 'simulator-traces', 'briefly');
      await on('#traces-found button').first().click();
      await on('#summary')
        .filter({ hasText: /^trace .*: success$/ })
        .waitFor();
      for (const name of ['client authentication', 'token generating', 'answered'])
        expect(await on(`button.state[data-state="${name}"]`).getAttribute('class'), name).to.include('passed');
      expect(await on('#panel').innerText()).to.match(
        /A flow that happened[\s\S]*onTokenGenerating[\s\S]*demo_department/,
      );
      await on('button.state[data-state="token generating"]').click();
      const state = await on('#panel').innerText();
      expect(state).to.match(
        /onTokenGenerating in callbacks\.js[\s\S]*token for the client sample-service[\s\S]*Cardiology[\s\S]*Input/,
      );
      await page.getByRole('tab', { name: 'Result' }).click();
      await on('#replay').click();
      await on('#summary').filter({ hasText: 'replay 2' }).waitFor();
      expect(await on('#since').innerText()).to.include('Nothing is other');
      await write(callback("Log.info('again'); b.addAccessTokenClaim('ward', 'North');"));
      await on('#replay').click();
      await on('#summary').filter({ hasText: 'replay 3' }).waitFor();
      expect(await on('#since').innerText()).to.match(/ward[\s\S]*North/);
      await page.getByRole('tab', { name: 'Compare' }).click();
      expect(await on('.pair thead').first().innerText()).to.match(/Trace [\s\S]*Replay 3/);
      expect((await on('.pair .differs').allInnerTexts()).join('\n')).to.match(
        /ward[\s\S]*North[\s\S]*log[\s\S]*again/,
      );
      await inspect(visitor, 'simulator-replay', 'briefly');
      await write(callback("throw new Error('not like this');"));
      await page.getByRole('tab', { name: 'Result' }).click();
      await on('#replay').click();
      await on('#summary').filter({ hasText: 'onTokenGenerating-runtime' }).waitFor();
      expect(await on('#panel').innerText()).to.match(/not like this[\s\S]*callbacks\.js:2/);
    });

    it('reports what versions did beside each other, with both sides of each difference', async () => {
      const { page } = visitor;
      const admin = adminWith(server, secret);
      const upload = async (body: string) => {
        const files = [{ name: 'callbacks.js', source: callback(body) }];
        return String((await admin('POST', `${slot}/versions`, { entry: 'callbacks.js', files })).body['hash']);
      };
      const hash = await upload("b.addAccessTokenClaim('ward', 'South'); b.removeScope('system/*.rs');");
      const canary = await upload("throw new Error('no air');");
      const rollOut = (rollout: object) => admin('PATCH', `/tenants/demo/scripts/callbacks/rollout`, rollout);
      const token = async () => {
        const answer = await fetch(`${server.url}/demo/oauth/token`, {
          method: 'POST',
          headers: { authorization: `Basic ${Buffer.from('sample-service:demo-secret').toString('base64')}` },
          body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'system/*.rs' }),
        });
        return answer.status;
      };
      await page.getByRole('tab', { name: 'Reports' }).click();
      await on('#reports').filter({ hasText: 'Nothing was compared yet' }).waitFor();
      await rollOut({ shadow: { hash } });
      expect(await token()).to.equal(200);
      await rollOut({ canary: { hash: canary, share: 1 }, shadow: null });
      expect(await token()).to.equal(500);
      await page.reload();
      await on('button.state').first().waitFor();
      await page.getByRole('tab', { name: 'Reports' }).click();
      await on('.report').first().waitFor();
      const reports = await on('#reports').innerText();
      expect(reports)
        .to.match(/Now: canary [0-9a-f]{8} for 100 %/)
        .and.match(/claims: 1, 100 %[\s\S]*scopes: 1,/)
        .and.match(
          /[0-9a-f]{8} \(canary\) with [0-9a-f]{8} \(active\) beside it[\s\S]*outcome: 1,[\s\S]*errors\s+1\s+0/,
        );
      await inspect(visitor, 'simulator-reports', 'briefly');
      const ofTrial = on('.report')
        .filter({ hasText: `with ${hash.slice(0, 8)}` })
        .filter({ hasText: 'onTokenGenerating' });
      await ofTrial.getByRole('button').first().click();
      await on('.pair caption').filter({ hasText: 'onTokenGenerating' }).waitFor();
      expect(await on('.pair thead').first().innerText()).to.include(`Version ${hash.slice(0, 8)}`);
      const differing = (await on('.pair .differs').allInnerTexts()).join('\n');
      expect(differing)
        .to.match(/demo_department[\s\S]*Cardiology/)
        .and.match(/ward[\s\S]*South/);
      // The rest of the path is that of the flow's own trace.
      expect(await on('button.state[data-state="client scopes"]').getAttribute('class')).to.include('passed');
      await page.getByRole('tab', { name: 'Reports' }).click();
      const ofCanary = on('.report').filter({ hasText: `${canary.slice(0, 8)} (canary)` });
      await ofCanary.getByRole('button').first().click();
      await on('.pair .differs').filter({ hasText: 'no air' }).waitFor();
      await rollOut({ canary: null, shadow: null });
    });

    it('gives a case to the browser to save', async () => {
      await choose('Flow', 'client-credentials');
      await button('Save as case').click();
      await on('#case-name').fill('A service gets in');
      const [download] = await Promise.all([
        visitor.page.waitForEvent('download'),
        visitor.page.locator('#case-dialog').getByRole('button', { name: 'Save' }).click(),
      ]);
      expect(download.suggestedFilename()).to.equal('a-service-gets-in.case.json');
      const made = JSON.parse(await readFile(await download.path(), 'utf8')) as { readonly expect: object };
      expect(made.expect).to.include({ outcome: 'success' });
    });
  });
}

/** @param stage asked once its server is there; it has the tenants `demo` and `partner`, and is none for demonstration. */
export function describeSimulatorRules(stage: () => { readonly server: TestServer; readonly secret: string }): void {
  describe('the simulator', () => {
    let server: TestServer;
    let secret: string;
    const tokens: Record<string, string> = {};

    before(async () => {
      ({ server, secret } = stage());
      const admin = adminWith(server, secret);
      for (const [name, body] of Object.entries({
        launcher: { role: 'launcher' },
        auditor: { role: 'auditor' },
        elsewhere: { role: 'manager', tenants: ['partner'] },
        manager: { role: 'manager', tenants: ['demo'] },
        other: { role: 'manager', tenants: ['demo'] },
      }))
        tokens[name] = String((await admin('POST', '/tokens', { name, ...body })).body['token']);
    });

    interface Got {
      readonly status: number;
      readonly headers: Headers;
      readonly body: Record<string, unknown>;
      readonly text: string;
    }
    async function ask(token: string | undefined, method: string, path: string, more: Sent = {}): Promise<Got> {
      const answer = await fetch(`${server.url}${at}${path}`, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Basic ${Buffer.from(`x:${token}`).toString('base64')}` }),
          ...(more.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...more.headers,
        },
        ...(more.body === undefined ? {} : { body: JSON.stringify(more.body) }),
      });
      const text = await answer.text();
      const isJson = answer.headers.get('content-type')?.includes('json') === true && text !== '';
      const body = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>;
      return { status: answer.status, headers: answer.headers, body, text };
    }
    interface Sent {
      readonly body?: object;
      readonly headers?: Readonly<Record<string, string>>;
    }
    /** As the page does: from its own origin, with the token that it was given. */
    async function asPage(token: string, method: string, path: string, body: object = {}): Promise<Got> {
      const { body: setting } = await ask(token, 'GET', '/api/setting');
      return ask(token, method, path, {
        body,
        headers: { origin: server.url, 'x-csrf-token': String(setting['csrf'] ?? '') },
      });
    }
    const runIt = (token: string, tenant = 'demo', more: object = {}) =>
      asPage(token, 'POST', `/api/tenants/${tenant}/run`, { plan: { flow: 'client-credentials' }, ...more });

    it('asks for a token before anything else', async () => {
      for (const [method, path] of [
        ['GET', ''],
        ['GET', '/'],
        ['GET', '/tools/simulator/page/main.ts'],
        ['GET', '/api/setting'],
        ['GET', '/%61pi/setting'],
        ['GET', '/none'],
        ['POST', '/api/tenants/demo/run'],
        ['POST', '/api/tenants/demo/versions'],
      ] as const)
        for (const token of [undefined, 'not-the-secret-of-an-administrator', `${secret}x`]) {
          const { status, headers, text } = await ask(token, method, path);
          expect(status, `${method} ${path}`).to.equal(401);
          expect(headers.get('www-authenticate')).to.match(/^Basic realm=/);
          expect(text).to.not.match(/csrf|demo|<script/);
        }
    });

    it('is for who may read; who may not change scripts neither runs nor saves', async () => {
      const { launcher = '', auditor = '' } = tokens;
      for (const path of ['/', '/api/setting', '/api/tenants/demo'])
        expect((await ask(launcher, 'GET', path)).status, path).to.equal(403);
      const setting = await ask(auditor, 'GET', '/api/setting');
      expect(setting.body).to.include({ mayWrite: false });
      expect((await ask(auditor, 'GET', '/api/tenants/demo')).text).to.include('onTokenGenerating');
      for (const path of ['run', 'step', 'check', 'versions', 'cases', 'replay'])
        expect((await asPage(auditor, 'POST', `/api/tenants/demo/${path}`, { name: 'a' })).status, path).to.equal(403);
      const audit = await adminWith(server, secret)('GET', '/tenants/demo/audit?type=admin.refused');
      const reasons = itemsOf(audit).map(({ reason }) => reason);
      expect(reasons).to.include.members(['role', 'token-unknown']);
      expect(JSON.stringify(itemsOf(audit))).to.not.include(auditor);
    });

    it('shows an administrator of another tenant nothing of this one', async () => {
      const { elsewhere = '' } = tokens;
      const { body } = await ask(elsewhere, 'GET', '/api/setting');
      expect((body['tenants'] as { id: string }[]).map(({ id }) => id)).to.deep.equal(['partner']);
      expect((await ask(elsewhere, 'GET', '/api/tenants/demo')).status).to.equal(404);
      expect((await ask(elsewhere, 'GET', '/api/tenants/demo/traces')).status).to.equal(404);
      expect((await ask(elsewhere, 'GET', '/api/tenants/demo/traces/x')).status).to.equal(404);
      expect((await ask(elsewhere, 'GET', '/api/tenants/demo/comparisons')).status).to.equal(404);
      expect((await runIt(elsewhere)).body).to.have.property('kind', 'faults');
      const saved = await asPage(elsewhere, 'POST', '/api/tenants/demo/versions', { texts: { 'callbacks.js': '//' } });
      expect(saved.status).to.equal(404);
    });

    it('does nothing for another site, though the browser sends the password along', async () => {
      const csrf = String((await ask(secret, 'GET', '/api/setting')).body['csrf']);
      const foreign = String((await ask(tokens['manager'], 'GET', '/api/setting')).body['csrf']);
      const tries: readonly Readonly<Record<string, string>>[] = [
        { 'x-csrf-token': csrf },
        { origin: 'https://evil.example', 'x-csrf-token': csrf },
        { origin: 'null', 'x-csrf-token': csrf },
        { origin: `${server.url}.evil.example`, 'x-csrf-token': csrf },
        { origin: server.url },
        { origin: server.url, 'x-csrf-token': foreign },
        { origin: server.url, 'x-csrf-token': `${csrf}x` },
      ];
      for (const headers of tries)
        for (const path of ['run', 'versions']) {
          const body = { texts: { 'callbacks.js': '// of another site' } };
          const { status } = await ask(secret, 'POST', `/api/tenants/demo/${path}`, { body, headers });
          expect(status, JSON.stringify(headers)).to.equal(403);
        }
      const { status } = await ask(secret, 'GET', '/api/setting', { headers: { origin: 'https://evil.example' } });
      expect(status).to.equal(403);
      expect(itemsOf(await adminWith(server, secret)('GET', `${slot}/versions`))).to.have.length(1);
    });

    it('gives no file but the page’s own, which nobody may frame', async () => {
      for (const path of [
        '/tools/simulator/server.ts',
        '/tools/simulator/mount.ts',
        '/tools/simulator/page/%2e%2e/server.ts',
        '/package.json',
        '/modules/acorn.js',
        '/constructor',
      ])
        expect((await ask(secret, 'GET', path)).status, path).to.equal(404);
      const { headers, text } = await ask(secret, 'GET', '/');
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy)
        .to.match(/^default-src 'none'; script-src 'self' 'sha256-[A-Za-z0-9+/=]+';/)
        .and.include("frame-ancestors 'none'")
        .and.not.match(/unsafe|\*|https?:/);
      expect((await ask(secret, 'GET', '/')).text, 'another nonce each time').to.not.equal(text);
      expect(headers.get('cache-control')).to.equal('no-store');
    });

    it('lends no secret and no key to what is tried: tokens of a run are good for nothing', async () => {
      const { manager = '' } = tokens;
      const source = `function onTokenGenerating(a, b) {
        b.addAccessTokenClaim('seen', Secrets.get('lab') + ' ' + Array.from(Secrets.get('lab')).reverse().join(''));
      }`;
      const { body } = await runIt(manager, 'demo', { slot: 'callbacks', texts: { 'callbacks.js': source } });
      expect(body, JSON.stringify(body)).to.have.nested.property('run.outcome', 'success');
      const { claims, response } = body['run'] as { claims: object; response: { access_token: string } };
      expect(JSON.stringify(body)).to.not.include('the-real-secret-of-the-lab').and.not.include('bal-eht');
      expect(JSON.stringify(claims)).to.include('pu-edam');
      const introspected = await fetch(`${server.url}/demo/oauth/token/introspect`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from('resource-server:demo-secret').toString('base64')}` },
        body: new URLSearchParams({ token: response.access_token }),
      });
      expect(await introspected.json()).to.deep.equal({ active: false });
      const keys = (await (await fetch(`${server.url}/demo/jwk`)).json()) as { keys: { kid: string }[] };
      const [head = ''] = response.access_token.split('.');
      const { kid } = JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string };
      expect(keys.keys.map((key) => key.kid)).to.not.include(kid);
    });

    it('lets nobody go on with the run of another', async () => {
      const { manager = '', other = '' } = tokens;
      const { body } = await asPage(manager, 'POST', '/api/tenants/demo/step', {
        plan: { flow: 'client-credentials' },
      });
      const { step } = body['paused'] as { step: string };
      expect((await asPage(other, 'POST', `/api/steps/${step}`)).status).to.equal(404);
      expect((await asPage(other, 'DELETE', `/api/steps/${step}`)).status).to.equal(204);
      expect((await asPage(manager, 'POST', `/api/steps/${step}`)).body).to.have.property('kind');
    });

    it('runs so much for one, and goes on for others', async () => {
      const { manager = '', other = '' } = tokens;
      const texts = { 'callbacks.js': callback('for (;;) {}') };
      const all = await Promise.all(Array.from({ length: 9 }, () => runIt(manager, 'demo', { texts })));
      const refused = all.filter(({ status }) => status === 429);
      // Two run and four wait; on a slow machine the first are over before the last ask.
      expect(refused.length).to.be.within(1, 3);
      expect(refused[0]?.headers.get('retry-after')).to.match(/^\d+$/);
      const token = await fetch(`${server.url}/demo/oauth/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from('sample-service:demo-secret').toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'system/*.rs' }),
      });
      expect(token.status).to.equal(200);
      expect((await runIt(other)).body).to.have.nested.property('run.outcome', 'success');
    });

    it('has people where the tenant’s document has none', async () => {
      const { body } = await ask(secret, 'GET', '/api/tenants/partner');
      expect((body['users'] as { name: string }[]).map(({ name }) => name)).to.deep.equal([
        'a-practitioner',
        'a-patient',
      ]);
    });
  });
}

/** Gives the demo tenant a secret that a spec may look for. */
export async function addSecret(config: string): Promise<void> {
  const file = join(config, 'demo/tenant.json');
  const document = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  const secrets = { lab: { value: 'the-real-secret-of-the-lab', hooks: ['onTokenGenerating'] } };
  await writeFile(file, JSON.stringify({ ...document, secrets }));
}
