/** What was imported is served: secrets and passwords hashed by another server work, are replaced, and go on to work. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { openStore } from '../../engine/store/open.ts';
import { verifySlowHash } from '../../engine/store/secret.ts';
import type { Store } from '../../engine/store/store.ts';
import { asAdmin, itemsOf } from '../admin/support.ts';
import { sharedPostgres } from '../support/databases.ts';
import { basic, pkce, postForm } from '../support/oauth.ts';
import { createPerson, type Person } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { documentIn, meadow, reportOf, variablesOfMeadow } from './support.ts';
import { someDatabase } from '../support/thorough.ts';

const backendSecret = 'meadow-backend-secret-of-the-fixture';
const olderSecret = 'older-secret-of-the-fixture';

async function edit(file: string, change: (document: Record<string, unknown>) => void): Promise<void> {
  const document = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  change(document);
  await writeFile(file, JSON.stringify(document));
}

/** Imports the fixture beside the demo tenants, and does what its report asks for: the demo's partner is the provider. */
async function importBeside(config: string, url: string): Promise<void> {
  const node = await meadow();
  const report = reportOf(await node.run({ environment: { BASE_URL: url } }));
  for (const id of ['smart_auth', 'orchard_auth']) await cp(join(node.into, id), join(config, id), { recursive: true });
  await node.remove();
  const callback = `${url}/orchard/federation/callback/partner-hospital`;
  expect(report).to.include(`Register ${callback} as a redirect URI`).and.to.include('`outboundHttp.allowPrivate`');
  await edit(join(config, 'partner/tenant.json'), (document) => {
    const [client] = document['clients'] as { redirectUris: string[] }[];
    client?.redirectUris.push(callback);
  });
  await edit(join(config, 'orchard_auth/tenant.json'), (document) => {
    document['outboundHttp'] = { allow: [new URL(url).host], allowPrivate: true };
  });
}

for (const kind of someDatabase) {
  describe(`an imported tenant on ${kind}`, function () {
    this.timeout(180_000);
    let server: TestServer;
    let databaseUrl: string | undefined;
    const options = () => ({ environment: variablesOfMeadow, ...(databaseUrl ? { databaseUrl } : {}) });

    before(async () => {
      if (kind === 'PostgreSQL') databaseUrl = await (await sharedPostgres()).url(`import_${process.pid}`);
      server = await startTestServer({ prepare: importBeside, ...options() });
    });
    after(() => server?.close());

    const clientToken = (secret: string, clientId = 'meadow-backend') =>
      postForm(`${server.url}/meadow/oauth/token`, { grant_type: 'client_credentials' }, basic(clientId, secret));

    async function logIn(
      issuer: string,
      clientId: string,
      person: Person,
      more: Readonly<Record<string, string>>,
      who: { readonly username: string; readonly password: string },
    ) {
      const { verifier, challenge } = pkce();
      const request = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: 'http://127.0.0.1:45678/callback',
        state: 'here',
        code_challenge: challenge,
        code_challenge_method: 'S256',
        ...more,
      });
      const back = await person.walk(await person.open(`${issuer}/oauth/authorize?${request}`), who);
      return postForm(`${issuer}/oauth/token`, {
        grant_type: 'authorization_code',
        code: back.searchParams.get('code') ?? '',
        redirect_uri: 'http://127.0.0.1:45678/callback',
        code_verifier: verifier,
        client_id: clientId,
      });
    }
    const logInAtMeadow = (
      username: string,
      password: string,
      scope = 'openid fhirUser launch/patient patient/*.read',
    ) =>
      logIn(
        `${server.url}/meadow`,
        'meadow-native',
        createPerson(server.url),
        { scope, aud: `${server.url}/fhir/r4` },
        { username, password },
      );

    /** Looks into the database while no server runs. */
    async function inStore<Result>(look: (store: Store) => Promise<Result>): Promise<Result> {
      await server.kill();
      const store = await openStore(databaseUrl ? { databaseUrl } : { dataFolder: server.data });
      try {
        return await look(store);
      } finally {
        await store.close();
        server = await startTestServer({ again: server, ...options() });
      }
    }

    it('refuses wrong, expired and unknown secrets', async () => {
      for (const [secret, clientId] of [
        ['wrong', 'meadow-backend'],
        ['expired-secret-of-the-fixture', 'meadow-backend'],
        [`${backendSecret}\0`, 'meadow-backend'],
        [backendSecret, 'meadow-masked'],
        [backendSecret, 'meadow-archived'],
      ] as const) {
        const answer = await clientToken(secret, clientId);
        expect([answer.status, answer.body['error']], clientId).to.deep.equal([401, 'invalid_client']);
      }
    });

    it('a service gets a token with its bcrypt secret, and with its PBKDF2 secret', async () => {
      for (const secret of [backendSecret, olderSecret]) {
        const answer = await clientToken(secret);
        expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
        const claims = decodeJwt(answer.body['access_token'] as string);
        expect(claims).to.include({ iss: `${server.url}/meadow`, client_id: 'meadow-backend', region: 'north' });
        expect(answer.body['expires_in']).to.equal(300);
      }
    });

    it('a secret from a file, one from a variable, and a new one in the place of a masked one are known', async () => {
      for (const [secret, clientId, error] of [
        ['plain-secret-of-the-fixture', 'meadow-web', 'unauthorized_client'],
        ['web-1', 'meadow-web', 'unauthorized_client'],
        ['masked-1', 'meadow-masked', undefined],
      ] as const)
        expect((await clientToken(secret, clientId)).body['error'], clientId).to.equal(error);
    });

    it('a person logs in with a bcrypt password, and the callbacks run as they were written', async () => {
      const answer = await logInAtMeadow('LINDEN', 'Linden-Street-7');
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      const claims = decodeJwt(answer.body['access_token'] as string);
      expect(claims).to.include({ via: 'local_security Grüße' });
      expect(answer.body['patient']).to.equal('p-7');
      const idToken = decodeJwt(answer.body['id_token'] as string);
      expect(idToken).to.include({ fhirUser: `${server.url}/fhir/r4/Patient/p-7` });
      expect(idToken['iss']).to.equal(`${server.url}/meadow`);
    });

    it('a person logs in with a PBKDF2 password', async () => {
      const answer = await logInAtMeadow('orchard', 'orchard-password', 'openid');
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
    });

    it('people of the federating module log in at their provider, by both of its scripts', async () => {
      const person = createPerson(server.url);
      const who = { username: 'drjones', password: 'demo-password' };
      const answer = await logIn(`${server.url}/orchard`, 'orchard-native', person, { scope: 'openid profile' }, who);
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      const admin = await asAdmin(server);
      const [user] = itemsOf(await admin('GET', '/tenants/orchard_auth/users'));
      expect(user?.['username']).to.match(/^EXT_USER:/);
      expect(user?.['authorities']).to.deep.equal([{ permission: 'ROLE_FHIR_CLIENT' }]);
      expect(user?.['userData']).to.deep.equal({ from: 'FEDERATED' });
      expect(decodeJwt(answer.body['id_token'] as string)['iss']).to.equal(`${server.url}/orchard`);
    });

    it('wrong passwords, other cases of a name and disabled people stay outside', async () => {
      const request = new URLSearchParams({
        response_type: 'code',
        client_id: 'meadow-native',
        redirect_uri: 'http://127.0.0.1:45678/callback',
        scope: 'openid',
        code_challenge: pkce().challenge,
        code_challenge_method: 'S256',
      });
      for (const [username, password] of [
        ['LINDEN', 'linden-street-7'],
        ['linden', 'Linden-Street-7'],
        ['plain', 'plain-password-of-the-fixture'],
        ['nobody', ''],
      ] as const) {
        const person = createPerson(server.url);
        const form = await person.open(`${server.url}/meadow/oauth/authorize?${request}`);
        const again = await person.submit(form, { username, password, do: 'login' });
        expect(again.body, username).to.include('name="password"');
      }
    });

    it('what was used has a hash of ours from then on, over a restart, and goes on to work', async () => {
      const { clients = [], users = [] } = await documentIn(join(server.config, 'smart_auth'));
      const foreign = clients
        .flatMap(({ secrets = [] }) => secrets)
        .flatMap(({ value }) => (typeof value === 'object' && 'hash' in value ? [value.hash] : []));
      expect(foreign).to.have.length(2);
      expect(users.map(({ passwordHash }) => passwordHash?.slice(0, 11))).to.include.members([
        '$2b$10$2k7d',
        '$pbkdf2-any',
      ]);
      const { secrets, passwords } = await inStore(async (store) => {
        const find = await store.replacedSecrets.find('smart_auth', 'meadow-backend');
        const people = ['LINDEN', 'orchard'].map((username) => store.users.findByUsername('smart_auth', username));
        return { secrets: foreign.map(find), passwords: (await Promise.all(people)).map((user) => user?.passwordHash) };
      });
      for (const [hash, secret] of [
        [secrets[0], backendSecret],
        [secrets[1], olderSecret],
        [passwords[0], 'Linden-Street-7'],
        [passwords[1], 'orchard-password'],
      ]) {
        expect(hash).to.match(/^\$argon2id\$/);
        expect(await verifySlowHash(hash ?? '', secret ?? '')).to.equal(true);
      }
      for (const secret of [backendSecret, olderSecret]) expect((await clientToken(secret)).status).to.equal(200);
      expect((await clientToken('wrong')).status).to.equal(401);
      expect((await logInAtMeadow('LINDEN', 'Linden-Street-7')).status).to.equal(200);
    });

    it('nobody sees a hash through the admin API', async () => {
      const admin = await asAdmin(server);
      const answers = [
        await admin('GET', '/tenants/smart_auth/clients'),
        await admin('GET', '/tenants/smart_auth/clients/meadow-backend'),
        await admin('GET', '/tenants/smart_auth/users'),
      ];
      for (const { status, body } of answers) {
        expect(status).to.equal(200);
        expect(JSON.stringify(body)).not.to.match(/\$(2b|pbkdf2|argon2)/);
      }
      expect(itemsOf(answers[2] as (typeof answers)[0]).map(({ username }) => username)).to.have.members([
        'LINDEN',
        'orchard',
        'plain',
        'nobody',
      ]);
    });

    it('signs with the keys it brought along', async () => {
      const jwks = (await (await fetch(`${server.url}/meadow/jwk`)).json()) as { keys: { kid: string; alg: string }[] };
      expect(jwks.keys.map(({ kid, alg }) => `${kid} ${alg}`)).to.have.members(['rsa-1 RS256', 'ec-1 ES384']);
      expect(JSON.stringify(jwks)).not.to.include('"d"');
    });
  });
}

describe('a tenant document with hashes', function () {
  this.timeout(60_000);
  it('is written by hand as well; what is no hash is refused without being told', async () => {
    const { loadTenant } = await import('../../engine/tenant/load.ts');
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-hashes-'));
    const load = async (hash: string, more: object = {}) => {
      const client = {
        clientId: 'a',
        clientName: 'a',
        tokenEndpointAuthMethods: ['client_secret_basic'],
        grantTypes: [],
        secrets: [{ value: { hash } }],
      };
      const user = { username: 'u', passwordHash: hash, ...more };
      const document = { id: 't', name: 't', issuer: 'https://auth.example', clients: [client], users: [user] };
      await writeFile(join(folder, 'tenant.json'), JSON.stringify(document));
      return loadTenant(folder);
    };
    const good = '$2b$12$XIGaK0SCNaxCAoA75pGtg.5QYWSSNTQmuFxKa4S/z/niPPQwJcDRi';
    const loaded = await load(good);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    expect(loaded.tenant.clients[0]?.secrets).to.deep.equal([{ id: '1', hash: good }]);
    expect(loaded.tenant.users[0]?.passwordHash).to.equal(good);
    for (const bad of ['hunter2hunter2', good.slice(0, -1), good.replace('$12$', '$17$'), `{bcrypt}${good}`]) {
      const refused = await load(bad);
      if (refused.ok) throw new Error(`${bad} was taken`);
      expect(refused.problems.map(({ pointer }) => pointer)).to.have.members([
        '/clients/0/secrets/0/value',
        '/users/0/passwordHash',
      ]);
      expect(JSON.stringify(refused.problems)).not.to.include(bad);
    }
    const both = await load(good, { password: { env: 'PASSWORD' } });
    expect(both.ok ? [] : both.problems.map(({ code }) => code)).to.include('password-exclusive');
    await rm(folder, { recursive: true, force: true });
  });
});
