/** A running server takes over what changes in its folder, without a restart, whole or not at all. */
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { adminWith, bootstrapSecret } from '../admin/support.ts';
import { type Serving, serving } from '../cli/support.ts';
import { authorizationRequest, basic, logIn, postForm, redeem } from '../support/oauth.ts';
import { createPerson } from '../support/person.ts';
import { copyTenants, freePort, type TestServer } from '../support/server.ts';

type Document = Record<string, unknown> & { clients: Record<string, unknown>[] };

/** Callbacks that leave their edition in everything they touch. */
function callbacks(edition: string): string {
  return `
function onSmartLoginPreContextSelection(theUserSession) {
  theUserSession.addLaunchResourceId('patient', 'jane');
  theUserSession.setUserData('chosenBy', '${edition}');
}
function onTokenGenerating(theUserSession, theDetails) {
  theDetails.addAccessTokenClaim('edition', '${edition}');
  theDetails.addAccessTokenClaim('department', Environment.getEnv('DEPARTMENT'));
  if (theUserSession) theDetails.addAccessTokenClaim('chosenBy', theUserSession.getUserData('chosenBy'));
}`;
}

describe('reloading', function () {
  this.timeout(120_000);
  let running: Serving;
  let server: TestServer;
  let environment: Record<string, string>;

  async function start(): Promise<void> {
    running = await serving(environment);
    const { url } = running;
    const { SALLYPORT_CONFIG: config = '', SALLYPORT_DATA: data = '', PORT: port = '' } = environment;
    const nothing = async () => undefined;
    server = { url, issuer: `${url}/demo`, config, data, port: Number(port), kill: nothing, close: nothing };
  }

  before(async () => {
    const port = String(await freePort());
    environment = {
      PORT: port,
      SALLYPORT_CONFIG: await copyTenants(`http://localhost:${port}`),
      SALLYPORT_DATA: await mkdtemp(join(tmpdir(), 'sallyport-reload-')),
    };
    await writeFile(join(environment['SALLYPORT_CONFIG'] ?? '', 'demo/callbacks.js'), callbacks('one'));
    await start();
  });
  after(async () => {
    await running.end();
    for (const name of ['SALLYPORT_CONFIG', 'SALLYPORT_DATA'])
      await rm(environment[name] ?? '', { recursive: true, force: true });
  });

  const at = (name: string) => join(server.config, name);

  /** As careful tools write: whole, and then by one step. */
  async function write(name: string, content: string | object): Promise<void> {
    const draft = `${at(name)}.draft`;
    await mkdir(dirname(draft), { recursive: true });
    await writeFile(draft, typeof content === 'string' ? content : JSON.stringify(content));
    await rename(draft, at(name));
  }

  async function edit(name: string, change: (document: Document) => void): Promise<void> {
    const document = JSON.parse(await readFile(at(name), 'utf8')) as Document;
    change(document);
    await write(name, document);
  }

  async function eventually<T>(what: string, look: () => Promise<T>, isRight: (seen: T) => boolean): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      const seen = await look();
      if (isRight(seen)) return seen;
      if (attempt > 300) throw new Error(`${what}: still ${JSON.stringify(seen)}\n…${running.output().slice(-1500)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  const request = (tenant = 'demo') =>
    postForm(
      `${server.url}/${tenant}/oauth/token`,
      { grant_type: 'client_credentials' },
      basic('sample-service', 'demo-secret'),
    );
  async function claims(tenant?: string): Promise<Record<string, unknown>> {
    const { status, body } = await request(tenant);
    expect(status, JSON.stringify(body)).to.equal(200);
    return decodeJwt(String(body['access_token']));
  }
  /** The log, whose quotes are escaped as it is JSON. */
  const log = (from = 0) =>
    running
      .output()
      .slice(from)
      .replaceAll(String.raw`\"`, '"');
  const logged = (text: string) => eventually(`a line with ${text}`, async () => log().includes(text), Boolean);

  it('takes over a changed script', async () => {
    expect(await claims()).to.include({ edition: 'one' });
    await write('demo/callbacks.js', callbacks('two'));
    await eventually('the edition', claims, ({ edition }) => edition === 'two');
    await logged('tenant demo was loaded anew');
  });

  it('takes over a changed document', async () => {
    await edit('demo/tenant.json', (document) => {
      document['environment'] = { DEPARTMENT: 'Neurology' };
      document['lifetimes'] = { accessTokenSeconds: 77 };
    });
    await eventually('the department', claims, ({ department }) => department === 'Neurology');
    expect((await request()).body).to.include({ expires_in: 77 });
  });

  it('takes over a changed module that a script imports, and a changed file that holds a secret', async () => {
    await write('demo/lib/edition.js', "export const edition = 'imported one';\n");
    await write(
      'demo/module.js',
      "import { edition } from './lib/edition.js';\nexport function onTokenGenerating(session, details) {\n  details.addAccessTokenClaim('edition', edition + ' ' + Environment.getEnv('DEPARTMENT'));\n}\n",
    );
    await write('demo/secrets/department', 'from a file\n');
    await edit('demo/tenant.json', (document) => {
      document['scripts'] = { callbacks: 'module.js', codapAuthorization: 'codap.js' };
      document['environment'] = { DEPARTMENT: { file: 'secrets/department' } };
    });
    await eventually('the edition', claims, ({ edition }) => edition === 'imported one from a file');
    await write('demo/lib/edition.js', "export const edition = 'imported two';\n");
    await eventually('the edition', claims, ({ edition }) => edition === 'imported two from a file');
    await write('demo/secrets/department', 'from a changed file\n');
    await eventually('the edition', claims, ({ edition }) => edition === 'imported two from a changed file');
  });

  it('changes all of a tenant at one moment', async () => {
    const use = (edition: string) =>
      edit('demo/tenant.json', (document) => {
        document['scripts'] = { callbacks: `${edition}.js`, codapAuthorization: 'codap.js' };
        document['environment'] = { DEPARTMENT: edition };
      });
    for (const edition of ['red', 'green', 'blue']) await write(`demo/${edition}.js`, callbacks(edition));
    await use('red');
    await eventually('the edition', claims, ({ edition }) => edition === 'red');
    const seen = new Set<string>();
    const mixed: unknown[] = [];
    let asking = true;
    const asked = Promise.all(
      [1, 2, 3].map(async () => {
        while (asking) {
          const { edition, department } = await claims();
          seen.add(String(edition));
          if (edition !== department) mixed.push({ edition, department });
        }
      }),
    );
    for (const edition of ['green', 'blue']) {
      await use(edition);
      await eventually(`the edition ${edition}`, claims, (now) => now['edition'] === edition);
    }
    asking = false;
    await asked;
    expect(mixed).to.deep.equal([]);
    expect([...seen]).to.include.members(['red', 'blue']);
  });

  describe('what is invalid', () => {
    before(async () => {
      await edit('demo/tenant.json', (document) => {
        document['scripts'] = { callbacks: 'callbacks.js', codapAuthorization: 'codap.js' };
        document['environment'] = { DEPARTMENT: 'Cardiology' };
      });
      await write('demo/callbacks.js', callbacks('valid'));
      await eventually('the edition', claims, ({ edition }) => edition === 'valid');
    });

    const faults: readonly [what: string, told: string, breaks: () => Promise<void>][] = [
      [
        'a script that does not parse',
        'callbacks.js:3:6: Unexpected token',
        () => write('demo/callbacks.js', "\nfunction broken( {\n  Log.info('hunter2');\n}"),
      ],
      [
        'half a document',
        'malformed JSON',
        () => write('demo/tenant.json', '{ "id": "demo", "clients": [{ "secrets": "hunter2'),
      ],
      [
        'an unknown name and an inline secret',
        'did you mean "clients"?',
        () =>
          edit('demo/tenant.json', (document) => {
            document['client'] = [];
            document['demo'] = false;
            (document.clients[0] as Record<string, unknown>)['secret'] = 'hunter2';
          }),
      ],
      ['a script that is gone', 'callbacks.js', () => rm(at('demo/callbacks.js'))],
    ];
    for (const [what, told, breaks] of faults) {
      it(`leaves the last valid tenant in service: ${what}`, async () => {
        const [document, script] = await Promise.all(
          ['demo/tenant.json', 'demo/callbacks.js'].map((name) => readFile(at(name), 'utf8')),
        );
        const before = running.output().length;
        const said = () => log(before);
        try {
          await breaks();
          await eventually('the log', async () => said().includes('the last valid one stays'), Boolean);
          expect(said()).to.include(told);
          expect(running.output()).not.to.include('hunter2');
          expect(await claims()).to.include({ edition: 'valid', department: 'Cardiology' });
        } finally {
          await write('demo/callbacks.js', (script ?? '').replaceAll("'valid'", "'mended'"));
          await write('demo/tenant.json', document ?? '');
        }
        // The next valid change is taken.
        await eventually('the edition', claims, ({ edition }) => edition === 'mended');
        await write('demo/callbacks.js', script ?? '');
        await eventually('the edition', claims, ({ edition }) => edition === 'valid');
      });
    }

    it('is told to the administrator who asks for it, while other tenants are taken over', async () => {
      const admin = adminWith(server, await bootstrapSecret(server));
      const document = await readFile(at('demo/tenant.json'), 'utf8');
      await write('demo/tenant.json', document.replace('"Demo Hospital"', '7'));
      await edit('partner/tenant.json', (partner) => (partner['name'] = 'Renamed Partner'));
      const answer = await admin('POST', '/reload');
      expect(answer.status).to.equal(200);
      expect(answer.body['problems']).to.have.length(1);
      expect((answer.body['problems'] as { pointer: string }[])[0]).to.include({ pointer: '/name', found: '7' });
      const tenants = (await admin('GET', '/tenants')).body['items'];
      expect((tenants as { name: string }[]).map(({ name }) => name)).to.have.members([
        'Demo Hospital',
        'Renamed Partner',
      ]);
      await write('demo/tenant.json', document);
      expect((await admin('POST', '/reload')).body).to.deep.equal({ problems: [] });
    });

    it('takes no other tenant out of service: a copy that keeps its id, a folder without sense, no folder at all', async () => {
      await write('demo/callbacks.js', callbacks('valid'));
      await eventually('the edition', claims, ({ edition }) => edition === 'valid');
      await cp(at('demo'), at('a-copy'), { recursive: true });
      await logged('a-copy has, too');
      expect(await claims()).to.include({ edition: 'valid' });
      await rm(at('a-copy'), { recursive: true });
      await write('a-new/tenant.json', '{}');
      await logged('a-new/tenant.json: found nothing, expected "issuer"');
      expect(await claims()).to.include({ edition: 'valid' });
      await rm(at('a-new'), { recursive: true });
      const before = running.output().length;
      await rename(server.config, `${server.config}.away`);
      await rename(`${server.config}.away`, server.config);
      expect(await claims()).to.include({ edition: 'valid' });
      expect(running.output().slice(before)).not.to.include('no longer served');
    });
  });

  describe('a flow in progress', () => {
    const complete = async (change: () => Promise<void>) => {
      const person = createPerson(server.url);
      const { url, verifier } = authorizationRequest(server);
      const page = await person.open(url);
      expect(page.body).to.include('name="password"');
      await change();
      const back = await person.walk(page, { username: 'jane' });
      return { code: back.searchParams.get('code') ?? '', verifier };
    };
    const use = async (edition: string) => {
      await write('demo/callbacks.js', callbacks(edition));
      await eventually('the edition', claims, (now) => now['edition'] === edition);
    };
    const decoded = (body: Record<string, unknown>) =>
      decodeJwt(String(body['access_token'])) as Record<string, unknown>;

    it('ends on the scripts it began with; the next one has the new ones', async () => {
      await use('begun with');
      const { code, verifier } = await complete(() => use('changed to'));
      await use('changed again');
      const { body, status } = await redeem(server, code, verifier);
      expect(status, JSON.stringify(body)).to.equal(200);
      expect(decoded(body)).to.include({ edition: 'begun with', chosenBy: 'begun with' });
      const next = await logIn(server, createPerson(server.url), 'jane');
      expect(decoded(next.body)).to.include({ edition: 'changed again', chosenBy: 'changed again' });
      // A refresh is a flow of its own.
      await use('at the refresh');
      const refreshed = await postForm(`${server.issuer}/oauth/token`, {
        grant_type: 'refresh_token',
        refresh_token: String(body['refresh_token']),
        client_id: 'sample-native',
      });
      expect(decoded(refreshed.body)).to.include({ edition: 'at the refresh' });
    });

    it('ends on them after a restart, too', async () => {
      await use('before the restart');
      const { code, verifier } = await complete(async () => {
        await running.end('SIGTERM');
        await write('demo/callbacks.js', callbacks('after the restart'));
        await start();
      });
      const { body } = await redeem(server, code, verifier);
      expect(decoded(body)).to.include({ edition: 'before the restart', chosenBy: 'before the restart' });
      expect(await claims()).to.include({ edition: 'after the restart' });
    });

    it('keeps its scripts when the document names none any more', async () => {
      await use('named');
      const document = await readFile(at('demo/tenant.json'), 'utf8');
      const { code, verifier } = await complete(async () => {
        await edit('demo/tenant.json', (changed) => (changed['scripts'] = { codapAuthorization: 'codap.js' }));
        await eventually('no edition', claims, ({ edition }) => edition === undefined);
      });
      expect(decoded((await redeem(server, code, verifier)).body)).to.include({ edition: 'named', chosenBy: 'named' });
      await write('demo/tenant.json', document);
      await eventually('the edition', claims, ({ edition }) => edition === 'named');
    });

    it('is not kept from what else changes: a client that is disabled gets no token', async () => {
      const document = await readFile(at('demo/tenant.json'), 'utf8');
      const { code, verifier } = await complete(async () => undefined);
      await edit('demo/tenant.json', ({ clients }) => {
        for (const client of clients) if (client['clientId'] === 'sample-native') client['enabled'] = false;
      });
      await logged('tenant demo was loaded anew');
      await eventually(
        'the disabled client',
        async () => (await fetch(authorizationRequest(server).url, { redirect: 'manual' })).status,
        (status) => status >= 400,
      );
      expect((await redeem(server, code, verifier)).body).to.include({ error: 'invalid_client' });
      await write('demo/tenant.json', document);
    });
  });

  describe('tenants that come and go', () => {
    const metadata = (tenant: string) =>
      fetch(`${server.url}/${tenant}/.well-known/openid-configuration`).then(({ status }) => status);

    it('a new folder is served, with keys of its own; a removed one is gone', async () => {
      expect(await metadata('clinic')).to.equal(404);
      await cp(at('partner'), join(environment['SALLYPORT_DATA'] ?? '', 'clinic'), { recursive: true });
      const file = join(environment['SALLYPORT_DATA'] ?? '', 'clinic/tenant.json');
      const text = await readFile(file, 'utf8');
      await writeFile(
        file,
        text.replaceAll(`${server.url}/partner`, `${server.url}/clinic`).replace('"partner"', '"clinic"'),
      );
      await cp(join(environment['SALLYPORT_DATA'] ?? '', 'clinic'), at('clinic'), { recursive: true });
      await eventually(
        'the new tenant',
        () => metadata('clinic'),
        (status) => status === 200,
      );
      const keysOf = async (tenant: string) =>
        (await (await fetch(`${server.url}/${tenant}/jwk`)).json()) as { keys: { kid: string }[] };
      const [clinic, partner] = [await keysOf('clinic'), await keysOf('partner')];
      expect(clinic.keys).to.have.length(1);
      expect(clinic.keys[0]?.kid).not.to.equal(partner.keys[0]?.kid);
      await rm(at('clinic'), { recursive: true });
      await eventually(
        'the removed tenant',
        () => metadata('clinic'),
        (status) => status === 404,
      );
      await logged('tenant clinic is no longer served');
      expect((await fetch(`${server.url}/clinic/oauth/token`, { method: 'POST' })).status).to.equal(404);
      expect(await metadata('partner')).to.equal(200);
    });

    it('a folder whose keys cannot be used is not served, and keeps nobody from being reloaded', async () => {
      // The store has another key under this id already, which only the running server can know.
      const { generateKeyPair, exportJWK } = await import('jose');
      const jwks = async () => {
        const { privateKey } = await generateKeyPair('ES256', { extractable: true });
        return { keys: [{ ...(await exportJWK(privateKey)), kid: 'same', alg: 'ES256' }] };
      };
      await write('other/keys.json', await jwks());
      await write('other/tenant.json', {
        id: 'other',
        name: 'Other',
        issuer: `${server.url}/other`,
        keystore: { algorithms: ['ES256'], jwksFile: 'keys.json' },
      });
      await eventually(
        'the new tenant',
        () => metadata('other'),
        (status) => status === 200,
      );
      await write('other/keys.json', await jwks());
      await write('demo/callbacks.js', callbacks('beside'));
      await logged('Tenant other has another key with the id same already');
      await eventually('the edition', claims, ({ edition }) => edition === 'beside');
      expect(await metadata('other')).to.equal(200);
    });
  });
});
