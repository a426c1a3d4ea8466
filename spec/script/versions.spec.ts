/** Versions of a script as an operator handles them: upload, activate, roll back, canary, trial; and flows that began before. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { type Admin, asAdmin, bootstrapSecret, itemsOf } from '../admin/support.ts';
import { bucketOf, chooseVersion } from '../../engine/script/version/choose.ts';
import { differences } from '../../engine/script/version/shadow.ts';
import { sharedPostgres } from '../support/databases.ts';
import { authorizationRequest, basic, postForm, redeem } from '../support/oauth.ts';
import { createPerson } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { someDatabase } from '../support/thorough.ts';

const run = promisify(execFile);
const claim = (value: string, more = '') =>
  `export function onTokenGenerating(theUserSession, theDetails) { theDetails.addAccessTokenClaim('version', '${value}'); ${more} }
export function onSmartLoginPreContextSelection(theUserSession) { theUserSession.addLaunchResourceId('patient', 'jane'); }`;

describe('the choice of a version', () => {
  it('is the same for one key each time, and takes its share of many', () => {
    const rollout = { active: 'a'.repeat(64), canary: { hash: 'b'.repeat(64), share: 0.25 } };
    const keys = Array.from({ length: 4000 }, (_, index) => `person-${index}`);
    const chosen = keys.map((key) => chooseVersion('callbacks', rollout, key));
    expect(keys.map((key) => chooseVersion('callbacks', rollout, key))).to.deep.equal(chosen);
    const part = chosen.filter((hash) => hash === rollout.canary.hash).length / keys.length;
    expect(part).to.be.within(0.22, 0.28);
    expect(bucketOf('callbacks', 'x')).to.be.within(0, 1);
    expect(chooseVersion('callbacks', { active: 'a', canary: { hash: 'b', share: 1 } }, 'x')).to.equal('b');
    expect(chooseVersion('callbacks', {}, 'x')).to.equal(undefined);
  });

  it('keeps those in a small share when it grows', () => {
    const of = (share: number) => (key: string) =>
      chooseVersion('callbacks', { active: 'a', canary: { hash: 'b', share } }, key) === 'b';
    const keys = Array.from({ length: 1000 }, (_, index) => `person-${index}`);
    expect(keys.filter(of(0.1)).every(of(0.5))).to.equal(true);
  });

  it('tells differences by their places, never by their values', () => {
    expect(differences({ a: 1, b: [1, 2], c: null }, { a: 1, b: [1, 3], d: {} })).to.deep.equal(['/b/1', '/c', '/d']);
    expect(differences({ 'x/y': 'secret' }, { 'x/y': 'other' })).to.deep.equal(['/x~1y']);
    expect(differences([], {})).to.deep.equal(['/']);
  });
});

for (const database of someDatabase) {
  describe(`versions of scripts on ${database}`, function () {
    this.timeout(120_000);
    let server: TestServer;
    let admin: Admin;
    let store: { readonly databaseUrl?: string };
    const at = '/tenants/demo/scripts';
    before(async () => {
      const databaseUrl =
        database === 'PostgreSQL'
          ? await (await sharedPostgres()).url(`versions_${randomUUID().replaceAll('-', '')}`)
          : undefined;
      store = databaseUrl ? { databaseUrl } : {};
      server = await startTestServer(store);
      admin = await asAdmin(server);
    });
    after(() => server.close());
    afterEach(async () => {
      await admin('PATCH', `${at}/callbacks/rollout`, { active: null, canary: null, shadow: null });
    });

    const upload = async (source: string, more: object = {}) => {
      const answer = await admin('POST', `${at}/callbacks/versions`, {
        entry: 'callbacks.js',
        files: [{ name: 'callbacks.js', source }],
        ...more,
      });
      expect(answer.status, JSON.stringify(answer.body)).to.equal(201);
      return String(answer.body['hash']);
    };
    const versionNow = async (clientId = 'sample-service') => {
      const { body } = await postForm(
        `${server.issuer}/oauth/token`,
        { grant_type: 'client_credentials' },
        basic(clientId, 'demo-secret'),
      );
      return body['access_token'] ? decodeJwt(String(body['access_token']))['version'] : body['error'];
    };
    const slot = async (name = 'callbacks') =>
      itemsOf(await admin('GET', at)).find((each) => each['slot'] === name) as Record<string, unknown>;

    it('are made of what the files hold, and of uploads; one runs when it is activated', async () => {
      const files = await slot();
      expect(files).to.include({ followsFiles: true });
      const [first] = itemsOf(await admin('GET', `${at}/callbacks/versions`));
      expect(first).to.include({ hash: files['active'], origin: 'file', author: 'files' });

      const hash = await upload(claim('one'), { note: 'the first' });
      expect(await versionNow()).to.equal(undefined);
      const activated = await admin('POST', `${at}/callbacks/versions/${hash.slice(0, 12)}/activate`);
      expect(activated.body).to.include({ active: hash, followsFiles: false });
      expect(await versionNow()).to.equal('one');
      const shown = await admin('GET', `${at}/callbacks/versions/${hash}`);
      expect(shown.body).to.include({
        origin: 'upload',
        author: 'bootstrap',
        note: 'the first',
        entry: 'callbacks.js',
      });
      const again = await admin('POST', `${at}/callbacks/versions`, {
        entry: 'callbacks.js',
        files: [{ name: 'callbacks.js', source: claim('one') }],
      });
      expect(again.body).to.include({ hash, new: false });

      await admin('PATCH', `${at}/callbacks/rollout`, { active: null });
      expect(await versionNow()).to.equal(undefined);
      const trail = itemsOf(await admin('GET', '/tenants/demo/audit'));
      expect(trail.map(({ type }) => type)).to.include.members(['admin.script.uploaded', 'admin.script.activated']);
    });

    it('go back to the one before', async () => {
      await upload(claim('two'), { activate: true });
      await upload(claim('three'), { activate: true });
      expect(await versionNow()).to.equal('three');
      expect((await admin('POST', `${at}/callbacks/rollback`)).status).to.equal(200);
      expect(await versionNow()).to.equal('two');
    });

    it('serve flows in progress to their end', async () => {
      await upload(claim('before'), { activate: true });
      const person = createPerson(server.url);
      const { url, verifier } = authorizationRequest(server, { scope: 'openid launch/patient patient/*.rs' });
      const back = await person.walk(await person.open(url), { username: 'jane' });
      await upload(claim('after'), { activate: true });
      const { body } = await redeem(server, back.searchParams.get('code') ?? '', verifier);
      expect(decodeJwt(String(body['access_token']))['version']).to.equal('before');
      expect(await versionNow()).to.equal('after');
    });

    it('serve them even after a restart', async () => {
      await upload(claim('kept'), { activate: true });
      const person = createPerson(server.url);
      const { url, verifier } = authorizationRequest(server, { scope: 'openid launch/patient patient/*.rs' });
      const back = await person.walk(await person.open(url), { username: 'jane' });
      await upload(claim('newer'), { activate: true });
      await server.kill();
      const file = join(server.config, 'demo/callbacks.js');
      await writeFile(file, `${await readFile(file, 'utf8')}\n// changed\n`);
      const { close } = server;
      server = await startTestServer({ ...store, again: server });
      const second = server.close;
      server = {
        ...server,
        async close() {
          await second();
          await close();
        },
      };
      admin = await asAdmin(server);
      const { body } = await redeem(server, back.searchParams.get('code') ?? '', verifier);
      expect(decodeJwt(String(body['access_token']))['version']).to.equal('kept');
      expect(await versionNow()).to.equal('newer');
    });

    it('reach a share of apps as a canary, each always the same, and all of them at once', async () => {
      await upload(claim('stable'), { activate: true });
      const canary = await upload(claim('canary'));
      await admin('PATCH', `${at}/callbacks/rollout`, { canary: { hash: canary, share: 1 } });
      expect(await versionNow()).to.equal('canary');
      await admin('PATCH', `${at}/callbacks/rollout`, { canary: { hash: canary, share: 0.5 } });
      const first = await versionNow();
      for (let round = 0; round < 5; round += 1) expect(await versionNow()).to.equal(first);
      await admin('PATCH', `${at}/callbacks/rollout`, { canary: null });
      expect(await versionNow()).to.equal('stable');
    });

    it('run on trial beside the active one, without effect, and tell how they differ', async () => {
      await upload(claim('real'), { activate: true });
      const shadow = await upload(
        claim('tried', "theDetails.removeScope('system/*.rs'); Http.post('http://127.0.0.1:1/').execute();"),
      );
      await admin('PATCH', `${at}/callbacks/rollout`, { shadow: { hash: shadow } });
      // What the canary before was compared with is waited for: of too many trials at one time some are left out.
      await admin('GET', `${at}/callbacks/comparisons`);
      for (let round = 0; round < 3; round += 1) expect(await versionNow()).to.equal('real');
      let compared: Record<string, unknown> | undefined;
      for (let attempt = 0; attempt < 100 && !compared; attempt += 1) {
        const items = itemsOf(await admin('GET', `${at}/callbacks/comparisons`));
        compared = items.find(
          ({ hook, shadowHash, counts }) =>
            hook === 'onTokenGenerating' && shadowHash === shadow && (counts as { runs: number }).runs === 3,
        );
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(compared?.['counts'], JSON.stringify(compared)).to.include({
        runs: 3,
        same: 0,
        outcome: 0,
        claims: 3,
        scopes: 3,
        faults: 0,
      });
      const [sample] = compared?.['samples'] as { differs: string[] }[];
      expect(sample?.differs)
        .to.include('/accessTokenClaims/version')
        .and.to.satisfy((all: string[]) => all.some((pointer) => pointer.startsWith('/approvedScopes')));
      expect(JSON.stringify(compared)).not.to.include('tried').and.not.to.include('real');
      const [both] = itemsOf(await admin('GET', `${at}/callbacks/comparisons?sides=true`)).filter(
        ({ hook, shadowHash }) => hook === 'onTokenGenerating' && shadowHash === shadow,
      );
      const { sides } =
        (both?.['samples'] as { sides: Record<string, { after: { accessTokenClaims: object } }> }[])[0] ?? {};
      expect(sides?.['active']).to.deep.include({ name: 'onTokenGenerating', ok: true });
      expect(sides?.['active']?.after.accessTokenClaims).to.include({ version: 'real' });
      expect(sides?.['shadow']?.after.accessTokenClaims).to.include({ version: 'tried' });
      expect(sides?.['shadow']).to.not.have.property('before');
    });

    it('run beside the canary for who got that, so that both sides of a difference are known', async () => {
      const active = await upload(claim('steady'), { activate: true });
      const canary = await upload(claim('yellow', "throw new Error('no air');"));
      await admin('PATCH', `${at}/callbacks/rollout`, { canary: { hash: canary, share: 1 } });
      expect(await versionNow()).to.equal('server_error');
      const found = itemsOf(await admin('GET', `${at}/callbacks/comparisons?sides=true`)).find(
        ({ activeHash, shadowHash, hook }) =>
          hook === 'onTokenGenerating' && activeHash === canary && shadowHash === active,
      );
      expect(found?.['counts'], JSON.stringify(found)).to.include({ runs: 1, outcome: 1, activeFaults: 1, faults: 0 });
      const [sample] = found?.['samples'] as { flow: string; sides: { active: { kind: string; location: object } } }[];
      expect(sample?.flow).to.equal('client-credentials');
      expect(sample?.sides.active).to.include({ kind: 'runtime' });
      expect(sample?.sides.active.location).to.have.property('line');
    });

    it('on trial may loop, throw or end their process without anybody noticing', async () => {
      await upload(claim('sound'), { activate: true });
      for (const harm of [
        'for (;;);',
        "throw new Error('x');",
        'const all = []; for (;;) all.push(new Array(1e6).fill(1));',
      ]) {
        const shadow = await upload(claim('harmful', harm));
        await admin('PATCH', `${at}/callbacks/rollout`, { shadow: { hash: shadow } });
        for (let round = 0; round < 3; round += 1) expect(await versionNow()).to.equal('sound');
      }
      await new Promise((resolve) => setTimeout(resolve, 1500));
      expect(await versionNow()).to.equal('sound');
    });

    it('are refused with their place when they cannot run, and warned of when they look wrong', async () => {
      const broken = await admin('POST', `${at}/callbacks/versions`, {
        entry: 'callbacks.ts',
        files: [{ name: 'callbacks.ts', source: 'export function onTokenGenerating(a: string {}' }],
      });
      expect(broken.status).to.equal(400);
      const [first] = broken.body['problems'] as { file?: string; hint: string; pointer: string }[];
      expect(JSON.stringify(first))
        .to.match(/callbacks\.ts:1:\d+/)
        .and.to.include('onTokenGenerating(a: string');
      const missing = await admin('POST', `${at}/callbacks/versions`, {
        entry: 'callbacks.ts',
        files: [{ name: 'callbacks.ts', source: "import { a } from './gone.ts'; export const b = a;" }],
      });
      expect(JSON.stringify(missing.body)).to.include('there is no file gone.ts');
      const slip = await admin('POST', `${at}/callbacks/versions`, {
        entry: 'callbacks.js',
        files: [{ name: 'callbacks.js', source: 'function onTokenGenerated() {}' }],
      });
      expect(slip.status).to.equal(201);
      expect(JSON.stringify(slip.body['warnings'])).to.include('onTokenGenerating');
      const throwing = await admin('POST', `${at}/callbacks/versions`, {
        entry: 'callbacks.js',
        files: [{ name: 'callbacks.js', source: 'const a = null;\n a.b;' }],
      });
      expect(JSON.stringify(throwing.body)).to.include('callbacks.js:2:');
    });

    it('must hold the cases they come with, or nothing is kept', async () => {
      const body = (expected: string) => ({
        entry: 'callbacks.js',
        files: [{ name: 'callbacks.js', source: claim('with cases') }],
        cases: [
          {
            name: 'it marks the token',
            hook: 'onTokenGenerating',
            expect: { effect: { accessTokenClaims: { version: expected } } },
          },
        ],
      });
      const refused = await admin('POST', `${at}/callbacks/versions`, body('another'));
      expect(refused.status).to.equal(400);
      expect(JSON.stringify(refused.body)).to.include('expected \\"another\\", found \\"with cases\\"');
      const before = itemsOf(await admin('GET', `${at}/callbacks/versions`)).length;
      const kept = await admin('POST', `${at}/callbacks/versions`, body('with cases'));
      expect(kept.body, JSON.stringify(kept.body)).to.include({ cases: 1, new: true });
      expect(itemsOf(await admin('GET', `${at}/callbacks/versions`)).length).to.equal(before + 1);
      const malformed = await admin('POST', `${at}/callbacks/versions`, {
        ...body('x'),
        cases: [{ name: 'x', hok: 'y' }],
      });
      expect(JSON.stringify(malformed.body)).to.include('/cases/0').and.to.include('did you mean');
    });

    it('answer what is not there plainly', async () => {
      expect((await admin('GET', `${at}/nowhere/versions`)).status).to.equal(404);
      expect((await admin('POST', `${at}/callbacks/versions/${'0'.repeat(64)}/activate`)).status).to.equal(404);
      expect(
        (await admin('PATCH', `${at}/callbacks/rollout`, { canary: { hash: 'abcdef', share: 1 } })).status,
      ).to.equal(404);
      expect(
        (await admin('PATCH', `${at}/callbacks/rollout`, { canary: { hash: 'abcdef', share: 2 } })).status,
      ).to.equal(400);
      expect((await admin('PATCH', `${at}/callbacks/rollout`, { shadow: { hash: '../../x' } })).status).to.equal(400);
      expect((await admin('GET', `${at}/${encodeURIComponent('inbound/local')}/versions`)).status).to.equal(200);
      const unentered = await admin('POST', `${at}/callbacks/versions`, {
        entry: 'a.js',
        files: [{ name: 'b.js', source: '' }],
      });
      expect(unentered.body).to.include({ code: 'script-files' });
    });

    it('are handled from the command line, with what a script imports', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'sallyport-script-'));
      await writeFile(
        join(folder, 'main.ts'),
        "import { value } from './value.ts';\n" +
          claim('x')
            .replace("'x'", 'value')
            .replaceAll('theDetails', 'theDetails: any')
            .replace('theDetails: any.add', 'theDetails.add')
            .replace('(theUserSession, ', '(theUserSession: any, ')
            .replace('(theUserSession)', '(theUserSession: any)'),
      );
      await writeFile(join(folder, 'value.ts'), "export const value: string = 'from the command line';");
      const cli = async (...args: string[]) => {
        const { stdout } = await run(
          process.execPath,
          [
            join(import.meta.dirname, '../../tools/cli/main.ts'),
            'script',
            ...args,
            '--tenant',
            'demo',
            '--server',
            server.url,
          ],
          { env: { PATH: process.env['PATH'], SALLYPORT_ADMIN_SECRET: await bootstrapSecret(server) } },
        );
        return stdout;
      };
      const { hash } = JSON.parse(
        await cli('upload', 'callbacks', '--script', join(folder, 'main.ts'), '--set', 'note=by hand'),
      ) as { hash: string };
      expect(await cli('versions', 'callbacks'))
        .to.include(hash.slice(0, 20))
        .and.to.include('by hand');
      await cli('activate', 'callbacks', hash.slice(0, 10));
      expect(await versionNow()).to.equal('from the command line');
      await cli('rollout', 'callbacks', '--set', `canary.hash=${hash.slice(0, 10)}`, '--set', 'canary.share=0.1');
      expect((await slot())['canary']).to.deep.equal({ hash, share: 0.1 });
      await cli('end-trials', 'callbacks');
      await cli('follow-files', 'callbacks');
      expect(await slot())
        .to.include({ followsFiles: true })
        .and.not.to.have.property('canary');
      await rm(folder, { recursive: true });
    });
  });
}
