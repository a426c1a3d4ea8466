import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose';
import { sharedPostgres } from '../support/databases.ts';
import { authorizationRequest, basic, logIn, postForm, redeem } from '../support/oauth.ts';
import { createPerson } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Admin, adminWith, asAdmin, itemsOf } from './support.ts';
import { someDatabase } from '../support/thorough.ts';

const service = (clientId: string) => ({
  clientId,
  clientName: 'A service',
  tokenEndpointAuthMethods: ['client_secret_basic'],
  grantTypes: ['client_credentials'],
  scopes: ['system/*.rs'],
  permissions: [{ permission: 'ROLE_FHIR_CLIENT' }, { permission: 'FHIR_ALL_READ' }],
});

for (const database of someDatabase) {
  describe(`the admin API on ${database}`, () => {
    let server: TestServer;
    let admin: Admin;
    let token: string;
    const at = '/tenants/demo';
    before(async () => {
      const databaseUrl =
        database === 'PostgreSQL'
          ? await (await sharedPostgres()).url(`admin_${randomUUID().replaceAll('-', '')}`)
          : undefined;
      server = await startTestServer(databaseUrl ? { databaseUrl } : {});
      admin = await asAdmin(server);
      token = `${server.issuer}/oauth/token`;
    });
    after(() => server.close());

    const credentials = (clientId: string, secret: string) =>
      postForm(token, { grant_type: 'client_credentials' }, basic(clientId, secret));
    const introspect = async (presented: unknown) =>
      (await postForm(`${token}/introspect`, { token: String(presented) }, basic('resource-server', 'demo-secret')))
        .body;

    describe('clients', () => {
      it('a new client gets tokens with the secret shown once, and none when disabled or deleted', async () => {
        const made = await admin('POST', `${at}/clients`, service('made'));
        expect(made.status).to.equal(201);
        const secret = String(made.body['secret']);
        expect(secret).to.match(/^[\w-]{43}$/);
        const shown = await admin('GET', `${at}/clients/made`);
        expect(JSON.stringify(shown.body)).not.to.include(secret).and.not.to.include('sha256:');
        const first = await credentials('made', secret);
        expect(first.status, JSON.stringify(first.body)).to.equal(200);
        expect(await introspect(first.body['access_token'])).to.include({ active: true });

        expect((await admin('PATCH', `${at}/clients/made`, { enabled: false })).body).to.include({ enabled: false });
        expect((await credentials('made', secret)).body['error']).to.equal('invalid_client');
        expect(await introspect(first.body['access_token'])).to.deep.equal({ active: false });

        await admin('PATCH', `${at}/clients/made`, { enabled: true });
        expect((await credentials('made', secret)).status).to.equal(200);
        expect((await admin('DELETE', `${at}/clients/made`)).status).to.equal(204);
        expect((await credentials('made', secret)).body['error']).to.equal('invalid_client');
        expect((await admin('GET', `${at}/clients/made`)).status).to.equal(404);
        expect((await admin('DELETE', `${at}/clients/made`)).status).to.equal(404);
      });

      it('secrets rotate: a second one is accepted beside the first, then alone, and only within its period', async () => {
        const first = String((await admin('POST', `${at}/clients`, service('rotating'))).body['secret']);
        const added = await admin('POST', `${at}/clients/rotating/secrets`, { description: 'next' });
        expect(added.status).to.equal(201);
        const second = String(added.body['secret']);
        expect((await credentials('rotating', first)).status).to.equal(200);
        expect((await credentials('rotating', second)).status).to.equal(200);
        const [old] = itemsOf(await admin('GET', `${at}/clients/rotating/secrets`));
        expect((await admin('DELETE', `${at}/clients/rotating/secrets/${String(old?.['id'])}`)).status).to.equal(204);
        expect((await credentials('rotating', first)).body['error']).to.equal('invalid_client');
        expect((await credentials('rotating', second)).status).to.equal(200);

        const later = new Date(Date.now() + 3_600_000).toISOString();
        const earlier = new Date(Date.now() - 3_600_000).toISOString();
        const early = await admin('POST', `${at}/clients/rotating/secrets`, { activation: later });
        const late = await admin('POST', `${at}/clients/rotating/secrets`, { expiration: earlier });
        expect((await credentials('rotating', String(early.body['secret']))).status).to.equal(401);
        expect((await credentials('rotating', String(late.body['secret']))).status).to.equal(401);
        const reversed = await admin('POST', `${at}/clients/rotating/secrets`, {
          activation: later,
          expiration: earlier,
        });
        expect(reversed.body).to.include({ status: 400, code: 'secret-period' });
      });

      it('refuses to take the last secret, or to give one to a client without use for it', async () => {
        await admin('POST', `${at}/clients`, service('single'));
        const [only] = itemsOf(await admin('GET', `${at}/clients/single/secrets`));
        const refused = await admin('DELETE', `${at}/clients/single/secrets/${String(only?.['id'])}`);
        expect(refused.body).to.include({ status: 409, code: 'secret-last' });
        expect((await admin('DELETE', `${at}/clients/single/secrets/none`)).status).to.equal(404);
        await admin('POST', `${at}/clients`, {
          clientId: 'public',
          clientName: 'Public',
          tokenEndpointAuthMethods: ['none'],
          grantTypes: ['authorization_code'],
          redirectUris: ['https://app.example/cb'],
        });
        expect((await admin('POST', `${at}/clients/public/secrets`, {})).body).to.include({ code: 'secret-unused' });
      });

      it('replaces and patches all but the id and the secrets', async () => {
        const secret = String((await admin('POST', `${at}/clients`, service('edited'))).body['secret']);
        const replaced = await admin('PUT', `${at}/clients/edited`, {
          ...service('edited'),
          accessTokenSeconds: 120,
          attestation: { text: 'We keep your data safe.', date: '2026-01-01' },
        });
        expect(replaced.body).to.include({ accessTokenSeconds: 120 });
        expect((await credentials('edited', secret)).body).to.include({ expires_in: 120 });
        const patched = await admin('PATCH', `${at}/clients/edited`, { attestation: null, clientName: 'Renamed' });
        expect(patched.body).to.include({ clientName: 'Renamed', accessTokenSeconds: 120 });
        expect(patched.body).not.to.have.property('attestation');
        expect((await admin('PATCH', `${at}/clients/edited`, { clientId: 'other' })).body).to.include({
          code: 'client-id-fixed',
        });
        expect((await credentials('edited', secret)).status).to.equal(200);
      });

      it('takes a JWKS without its private members', async () => {
        const { privateKey } = await generateKeyPair('ES384', { extractable: true });
        const jwk = { ...(await exportJWK(privateKey)), kid: 'k1', alg: 'ES384' };
        const made = await admin('POST', `${at}/clients`, {
          ...service('keyed'),
          tokenEndpointAuthMethods: ['private_key_jwt'],
          jwks: { keys: [jwk] },
        });
        expect(made.status).to.equal(201);
        expect(made.body).not.to.have.property('secret');
        expect(JSON.stringify(made.body)).not.to.include(jwk.d);
      });

      it('pages, filters and finds', async () => {
        for (const name of ['page-a', 'page-b', 'page-c']) await admin('POST', `${at}/clients`, service(name));
        await admin('PATCH', `${at}/clients/page-b`, { enabled: false });
        const first = await admin('GET', `${at}/clients?search=PAGE-&limit=2`);
        expect(itemsOf(first).map(({ clientId }) => clientId)).to.deep.equal(['page-a', 'page-b']);
        const second = await admin('GET', `${at}/clients?search=page-&limit=2&after=${String(first.body['next'])}`);
        expect(itemsOf(second).map(({ clientId }) => clientId)).to.deep.equal(['page-c']);
        expect(second.body).not.to.have.property('next');
        const disabled = await admin('GET', `${at}/clients?search=page-&status=disabled`);
        expect(itemsOf(disabled).map(({ clientId }) => clientId)).to.deep.equal(['page-b']);
      });

      it('shows the clients of the tenant document and leaves them to the document', async () => {
        expect((await admin('GET', `${at}/clients/sample-app`)).body).to.include({ source: 'configuration' });
        for (const [method, path, body] of [
          ['PATCH', `${at}/clients/sample-app`, { enabled: false }],
          ['DELETE', `${at}/clients/sample-app`, undefined],
          ['POST', `${at}/clients/sample-web/secrets`, {}],
          ['POST', `${at}/clients`, service('sample-service')],
        ] as const)
          expect((await admin(method, path, body)).body, path).to.include({ status: 409, code: 'client-configured' });
      });

      it('tells every violation with its pointer, and stores nothing', async () => {
        const refused = await admin('POST', `${at}/clients`, {
          ...service('broken'),
          clientNam: 'x',
          grantTypes: ['password'],
          scopes: ['patient/*.rs', 'a"b'],
        });
        expect(refused).to.include({ status: 400, type: 'application/problem+json; charset=utf-8' });
        const pointers = (refused.body['problems'] as { pointer: string }[]).map(({ pointer }) => pointer);
        expect(pointers).to.include.members(['/clientNam', '/grantTypes/0', '/scopes/1']);
        const cross = await admin('POST', `${at}/clients`, {
          ...service('broken'),
          grantTypes: ['authorization_code'],
          redirectUris: ['javascript:alert(1)', 'http://app.example/', 'https://app.example/*'],
        });
        expect((cross.body['problems'] as object[]).length).to.equal(3);
        expect((await admin('GET', `${at}/clients/broken`)).status).to.equal(404);
        await admin('POST', `${at}/clients`, service('twice'));
        expect((await admin('POST', `${at}/clients`, service('twice'))).status).to.equal(409);
      });

      it('loses no edit when two arrive at one time', async () => {
        await admin('POST', `${at}/clients`, service('busy'));
        await Promise.all([
          ...Array.from({ length: 4 }, () => admin('POST', `${at}/clients/busy/secrets`, {})),
          admin('PATCH', `${at}/clients/busy`, { accessTokenSeconds: 60 }),
          admin('PATCH', `${at}/clients/busy`, { clientName: 'Busy' }),
        ]);
        const { body } = await admin('GET', `${at}/clients/busy`);
        expect(body).to.include({ accessTokenSeconds: 60, clientName: 'Busy' });
        expect(body['secrets']).to.have.length(5);
      });
    });

    describe('people', () => {
      it('a new person logs in; a new password ends what was; a disabled one is out at once', async () => {
        const made = await admin('POST', `${at}/users`, {
          username: 'newcomer',
          password: 'a-long-password',
          givenName: 'Nora',
          authorities: [
            { permission: 'ROLE_FHIR_CLIENT' },
            { permission: 'FHIR_READ_ALL_IN_COMPARTMENT', argument: 'Patient/jane' },
          ],
          defaultLaunchContexts: [{ contextType: 'patient', resourceId: 'jane' }],
        });
        expect(made.status).to.equal(201);
        expect(made.body).to.include({ hasPassword: true });
        expect(JSON.stringify(made.body)).not.to.include('argon2').and.not.to.include('a-long-password');
        const id = String(made.body['id']);
        const enter = async (password: string) => {
          const person = createPerson(server.url);
          const { url, verifier } = authorizationRequest(server, { scope: 'openid launch/patient offline_access' });
          const back = await person.walk(await person.open(url), { username: 'newcomer', password });
          return redeem(server, back.searchParams.get('code') ?? '', verifier);
        };
        const first = await enter('a-long-password');
        expect(first.status, JSON.stringify(first.body)).to.equal(200);
        const grants = itemsOf(await admin('GET', `${at}/users/${id}/grants`));
        expect(grants).to.have.length(1);
        expect(grants[0]).to.include({ clientId: 'sample-native', offline: true });
        expect(itemsOf(await admin('GET', `${at}/users/${id}/sessions`))).to.have.length(1);

        expect((await admin('PUT', `${at}/users/${id}/password`, { password: 'another-password' })).status).to.equal(
          204,
        );
        expect(await introspect(first.body['access_token'])).to.deep.equal({ active: false });
        expect(itemsOf(await admin('GET', `${at}/users/${id}/sessions`))).to.have.length(0);
        const second = await enter('another-password');
        expect(second.status).to.equal(200);

        await admin('PATCH', `${at}/users/${id}`, { enabled: false });
        expect(await introspect(second.body['access_token'])).to.deep.equal({ active: false });
        const refresh = await postForm(token, {
          grant_type: 'refresh_token',
          refresh_token: String(second.body['refresh_token']),
          client_id: 'sample-native',
        });
        expect(refresh.body['error']).to.equal('invalid_grant');
        expect((await admin('DELETE', `${at}/users/${id}`)).status).to.equal(204);
        expect((await admin('GET', `${at}/users/${id}`)).status).to.equal(404);
      });

      it('a person disabled in the middle of a flow gets no code that works', async () => {
        const made = await admin('POST', `${at}/users`, {
          id: 'midway',
          username: 'midway',
          password: 'halfway-there-then',
        });
        expect(made.status).to.equal(201);
        const person = createPerson(server.url);
        const { url, verifier } = authorizationRequest(server, { scope: 'openid' });
        const back = await person.walk(await person.open(url), { username: 'midway', password: 'halfway-there-then' });
        await admin('PATCH', `${at}/users/midway`, { enabled: false });
        const answer = await redeem(server, back.searchParams.get('code') ?? '', verifier);
        expect(answer.body['error']).to.equal('invalid_grant');
      });

      it('revoking an app ends its tokens and asks for approval again; ending a session ends online tokens', async () => {
        const person = createPerson(server.url);
        const { body } = await logIn(server, person, 'jane');
        expect((await admin('DELETE', `${at}/users/jane/grants/sample-native`)).status).to.equal(204);
        expect(await introspect(body['access_token'])).to.deep.equal({ active: false });
        expect(itemsOf(await admin('GET', `${at}/users/jane/grants`))).to.deep.equal([]);
        const again = await person.open(authorizationRequest(server, { prompt: 'none' }).url);
        expect(new URL(again.url).searchParams.get('error')).to.be.oneOf(['consent_required', 'interaction_required']);

        const online = await logIn(server, createPerson(server.url), 'jane', {
          scope: 'openid launch/patient online_access',
        });
        expect(online.status, JSON.stringify(online.body)).to.equal(200);
        for (const { id } of itemsOf(await admin('GET', `${at}/users/jane/sessions`)))
          expect((await admin('DELETE', `${at}/users/jane/sessions/${String(id)}`)).status).to.equal(204);
        expect(await introspect(online.body['refresh_token'])).to.deep.equal({ active: false });
        expect((await admin('DELETE', `${at}/users/jane/sessions/none`)).status).to.equal(404);
      });

      it('refuses a taken username, a short password, another id, and to delete whom the document names', async () => {
        expect((await admin('POST', `${at}/users`, { username: 'jane' })).status).to.equal(409);
        expect((await admin('POST', `${at}/users`, { username: 'short', password: 'short' })).status).to.equal(400);
        expect((await admin('PATCH', `${at}/users/jane`, { username: 'drsmith' })).status).to.equal(409);
        expect((await admin('PATCH', `${at}/users/jane`, { id: 'other' })).body).to.include({ code: 'user-id-fixed' });
        expect((await admin('DELETE', `${at}/users/jane`)).body).to.include({ code: 'user-configured' });
        expect((await admin('GET', `${at}/users/jane`)).body).to.include({ username: 'jane', failedLogins: 0 });
      });

      it('unlocks a person after failed log-ins', async () => {
        await admin('POST', `${at}/users`, { id: 'locked', username: 'locked', password: 'a-door-and-a-key' });
        const person = createPerson(server.url);
        let page = await person.open(authorizationRequest(server, { scope: 'openid' }).url);
        for (let attempt = 0; attempt < 3; attempt += 1)
          page = await person.submit(page, { username: 'locked', password: 'wrong', do: 'login' });
        expect((await admin('GET', `${at}/users/locked`)).body).to.include({ failedLogins: 3 });
        expect((await admin('POST', `${at}/users/locked/unlock`)).status).to.equal(204);
        expect((await admin('GET', `${at}/users/locked`)).body).to.include({ failedLogins: 0 });
      });

      it('pages through people in the order of their usernames', async () => {
        for (const name of ['u-a', 'u-b', 'u-c']) await admin('POST', `${at}/users`, { username: name });
        const first = await admin('GET', `${at}/users?search=u-&limit=2`);
        expect(itemsOf(first).map(({ username }) => username)).to.deep.equal(['u-a', 'u-b']);
        const second = await admin('GET', `${at}/users?search=u-&limit=2&after=${String(first.body['next'])}`);
        expect(itemsOf(second).map(({ username }) => username)).to.deep.equal(['u-c']);
      });
    });

    describe('providers', () => {
      const wanted = {
        id: 'city',
        name: 'City Hospital',
        issuer: 'https://login.city.example',
        clientId: 'sallyport',
        clientSecret: 'a provider secret',
        federationAuth: "function getUserName(info) { return 'CITY:' + info['sub']; }",
      };

      it('is added, shown without its secret, offered to people, edited and taken away', async () => {
        const made = await admin('POST', `${at}/providers`, wanted);
        expect(made.status, JSON.stringify(made.body)).to.equal(201);
        expect(made.body).to.include({ hasClientSecret: true, source: 'store' });
        expect(JSON.stringify(made.body)).not.to.include('a provider secret');
        const page = await createPerson(server.url).open(authorizationRequest(server).url);
        expect(page.body).to.include('City Hospital');
        const patched = await admin('PATCH', `${at}/providers/city`, { name: 'City' });
        expect(patched.body).to.include({ name: 'City', hasClientSecret: true });
        expect((await admin('DELETE', `${at}/providers/city`)).status).to.equal(204);
        expect((await createPerson(server.url).open(authorizationRequest(server).url)).body).not.to.include('City');
      });

      it('refuses a script that does not load, and to send a stored secret to another issuer', async () => {
        const broken = await admin('POST', `${at}/providers`, { ...wanted, id: 'b', federationAuth: 'function (' });
        expect(broken.body).to.include({ status: 400, code: 'body-invalid' });
        expect(JSON.stringify(broken.body['problems'])).to.match(/federationAuth.*1:\d+/);
        await admin('POST', `${at}/providers`, { ...wanted, id: 'moving' });
        const moved = await admin('PATCH', `${at}/providers/moving`, { issuer: 'https://evil.example' });
        expect(moved.body).to.include({ code: 'provider-secret-moves' });
        expect((await admin('PATCH', `${at}/providers/partner`, { name: 'x' })).body).to.include({
          code: 'provider-configured',
        });
      });

      const pem = (name: string) => readFileSync(join(import.meta.dirname, `../peers/saml/${name}.pem`), 'utf8');
      const saml = {
        entryPoint: 'https://idp.city.example/sso',
        certificates: [pem('idp.crt')],
        requestKey: pem('sp.key'),
        requestCertificate: pem('sp.crt'),
      };
      const directory = { id: 'idp', name: 'City Directory', issuer: 'urn:city', clientId: 'urn:us', saml };
      const settings = async () => (await admin('GET', `${at}/providers/idp`)).body['saml'] as Record<string, unknown>;

      it('may speak SAML: its keys are never shown, stay with their certificates, and go with them', async () => {
        const made = await admin('POST', `${at}/providers`, directory);
        expect(made.status, JSON.stringify(made.body)).to.equal(201);
        expect(made.body).to.include({ protocol: 'saml', source: 'store', hasClientSecret: false });
        expect(made.body['saml']).to.include({ hasRequestKey: true, hasDecryptionKey: false, clockSkewSeconds: 60 });
        expect(JSON.stringify(made.body)).to.not.include('PRIVATE');
        const metadata = await (await fetch(`${server.issuer}/federation/saml/idp/metadata`)).text();
        expect(metadata).to.include('AuthnRequestsSigned="true"').and.not.include('PRIVATE');

        const members = {
          logoutUrl: 'https://idp.city.example/slo',
          clockSkewSeconds: 30,
          attributes: { a: 'b', c: 'd' },
        };
        const patched = await admin('PATCH', `${at}/providers/idp`, { endSession: true, saml: members });
        expect(patched.status, JSON.stringify(patched.body)).to.equal(200);
        expect((await admin('PATCH', `${at}/providers/idp`, { saml: { attributes: { a: null } } })).status).to.equal(
          200,
        );
        expect(await settings()).to.deep.include({ ...members, attributes: { c: 'd' }, hasRequestKey: true });
        // The keys stay while their certificates do, whichever way it is written.
        const { requestKey: _key, ...without } = saml;
        const put = await admin('PUT', `${at}/providers/idp`, { ...directory, saml: without });
        expect(put.body['saml']).to.include({ hasRequestKey: true }).and.not.have.property('logoutUrl');
        await admin('PATCH', `${at}/providers/idp`, { saml: { requestCertificate: null } });
        expect(await settings()).to.include({ hasRequestKey: false });
        const events = itemsOf(await admin('GET', `${at}/audit?type=admin.provider.changed`));
        expect(JSON.stringify(events)).to.include('saml.requestKey').and.not.include('PRIVATE');
        expect((await admin('DELETE', `${at}/providers/idp`)).status).to.equal(204);
        expect((await fetch(`${server.issuer}/federation/saml/idp/metadata`)).status).to.equal(404);
      });

      it('tells what of SAML does not fit together, and quotes no key', async () => {
        await admin('POST', `${at}/providers`, directory);
        for (const [what, change, pointer] of [
          ['no certificate', { saml: { certificates: ['TUlJ'] } }, '/saml/certificates/0'],
          ['plain http', { saml: { entryPoint: 'http://idp.city.example/sso' } }, '/saml/entryPoint'],
          ['a secret of OpenID Connect', { clientSecret: 'secret' }, '/clientSecret'],
          ['log-out without an address', { endSession: true }, '/endSession'],
          ['log-out without a key', { saml: { logoutUrl: 'https://x.example', requestCertificate: null } }, '/saml'],
          ['another certificate for the key', { saml: { requestCertificate: pem('other.crt') } }, '/saml/requestKey'],
          ['another key', { saml: { requestKey: pem('other.key') } }, '/saml/requestKey'],
          ['no key', { saml: { requestKey: 'PRIVATE' } }, '/saml/requestKey'],
          ['a key without its certificate', { saml: { decryptionKey: pem('sp.key') } }, '/saml'],
          ['no settings', { saml: { entryPoint: null } }, '/saml'],
        ] as const) {
          const { status, body } = await admin('PATCH', `${at}/providers/idp`, change);
          expect(status, what).to.equal(400);
          const problems = body['problems'] as readonly { readonly pointer: string }[];
          expect(
            problems.map((one) => one.pointer),
            what,
          ).to.deep.equal([pointer]);
          expect(JSON.stringify(body), what).to.not.match(/PRIVATE|MII/);
        }
        expect(
          (await admin('POST', `${at}/providers`, { ...directory, id: 'x', saml: { requestKey: 1 } })).status,
        ).to.equal(400);
        expect(await settings()).to.include({ hasRequestKey: true });
        await admin('DELETE', `${at}/providers/idp`);
      });
    });

    describe('keys', () => {
      const kidOf = async () => {
        const { body } = await credentials('sample-service', 'demo-secret');
        return decodeProtectedHeader(String(body['access_token'])).kid;
      };
      const published = async () =>
        ((await (await fetch(`${server.issuer}/jwk`)).json()) as { keys: { kid: string }[] }).keys.map(
          ({ kid }) => kid,
        );

      it('the next key is published, then signs; the one before stays until it is retired', async () => {
        const before = await kidOf();
        const made = await admin('POST', `${at}/keys`, { algorithm: 'RS256' });
        const [next = ''] = made.body['kids'] as string[];
        expect(await published()).to.include.members([before, next]);
        expect(await kidOf()).to.equal(before);
        expect((await admin('DELETE', `${at}/keys/${before}`)).status).to.equal(404);
        expect((await admin('POST', `${at}/keys/${next}/activate`)).status).to.equal(204);
        expect(await kidOf()).to.equal(next);
        expect(await published()).to.include(before);
        expect((await admin('DELETE', `${at}/keys/${before}`)).status).to.equal(204);
        expect(await published()).not.to.include(before);
        expect(JSON.stringify((await admin('GET', `${at}/keys`)).body)).not.to.match(/"d":|sealed/i);
      });

      it('imports a JWKS and PEM text, and refuses public, small and foreign ones', async () => {
        const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
        const jwk = { ...pair.privateKey.export({ format: 'jwk' }), kid: `jwks-${database}`, alg: 'RS256' };
        expect((await admin('POST', `${at}/keys/import`, { jwks: { keys: [jwk] } })).status).to.equal(201);
        expect((await admin('POST', `${at}/keys/import`, { jwks: { keys: [jwk] } })).body).to.include({
          code: 'key-reused-id',
        });
        const pem = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({
          type: 'pkcs8',
          format: 'pem',
        });
        const imported = await admin('POST', `${at}/keys/import`, { pem, kid: `pem-${database}` });
        expect(imported.body).to.deep.equal({ kids: [`pem-${database}`] });
        expect(await published()).to.include.members([`jwks-${database}`, `pem-${database}`]);
        const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' });
        for (const [body, code] of [
          [
            { jwks: { keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'p', alg: 'RS256' }] } },
            'key-not-private',
          ],
          [{ jwks: { keys: [{ ...small, kid: 's', alg: 'RS256' }] } }, 'key-too-small'],
          [{ pem: 'nonsense' }, 'key-malformed'],
          [{}, 'body-invalid'],
        ] as const)
          expect((await admin('POST', `${at}/keys/import`, body)).body, code).to.include({ status: 400, code });
        expect((await admin('POST', `${at}/keys/none/activate`)).status).to.equal(404);
      });
    });

    describe('launches', () => {
      const launch = (more: object = {}) =>
        admin('POST', `${at}/launches`, {
          clientId: 'sample-native',
          username: 'drsmith',
          context: { patient: 'jane', intent: 'review' },
          ...more,
        });

      it('a handle launches the app once, for its person', async () => {
        const made = await launch();
        expect(made.status, JSON.stringify(made.body)).to.equal(201);
        const handle = String(made.body['launch']);
        const scope = 'openid launch patient/*.rs';
        const { status, body } = await logIn(server, createPerson(server.url), 'drsmith', { scope, launch: handle });
        expect(status, JSON.stringify(body)).to.equal(200);
        expect(body).to.include({ patient: 'jane', intent: 'review' });
        const again = await createPerson(server.url).open(authorizationRequest(server, { scope, launch: handle }).url);
        expect(new URL(again.url).searchParams.get('error')).to.equal('invalid_request');
      });

      it('refuses an unknown app or person, and context of a wrong shape', async () => {
        expect((await launch({ clientId: 'none' })).body).to.include({ code: 'client-unknown' });
        expect((await launch({ clientId: 'sample-service' })).body).to.include({ code: 'client-not-launched' });
        expect((await launch({ username: 'none' })).body).to.include({ code: 'user-unknown' });
        expect((await launch({ context: { patient: '../x' } })).status).to.equal(400);
        expect((await launch({ context: { access_token: 'x' } })).status).to.equal(400);
      });
    });

    describe('the trail', () => {
      it('holds every change with who did it, and no secret', async () => {
        const made = await admin('POST', `${at}/clients`, service('audited'));
        await admin('PATCH', `${at}/clients/audited`, { clientName: 'Changed' });
        await admin('DELETE', `${at}/clients/audited`);
        const events = itemsOf(await admin('GET', `${at}/audit?clientId=audited`));
        expect(events.map(({ type }) => type)).to.deep.equal([
          'admin.client.deleted',
          'admin.client.changed',
          'admin.client.created',
        ]);
        expect(events[1]?.['details']).to.deep.include({ members: ['clientName'] });
        expect((events[1]?.['details'] as { by: object }).by).to.include({ name: 'bootstrap', role: 'admin' });
        expect(JSON.stringify(events)).not.to.include(made.body['secret']);
      });

      it('finds events by type, outcome and time, and flows by id', async () => {
        await credentials('sample-service', 'wrong');
        await credentials('sample-service', 'demo-secret');
        const failures = itemsOf(await admin('GET', `${at}/audit?outcome=failure&limit=5`));
        expect(failures.length).to.be.greaterThan(0);
        expect(failures.every(({ outcome }) => outcome === 'failure')).to.equal(true);
        const old = await admin('GET', `${at}/audit?before=2020-01-01T00:00:00Z`);
        expect(itemsOf(old)).to.deep.equal([]);
        const [latest] = itemsOf(await admin('GET', `${at}/traces?limit=1`));
        const trace = await admin('GET', `${at}/traces/${String(latest?.['id'])}`);
        expect(trace.body).to.include({ flowId: latest?.['id'] });
        expect((await admin('GET', `${at}/traces/none`)).status).to.equal(404);
        expect((await admin('GET', `${at}/audit?limit=0`)).status).to.equal(400);
        expect((await admin('GET', `${at}/audit?typ=x`)).status).to.equal(400);
      });
    });

    describe('access to the API itself', () => {
      it('needs a valid token, and audits each refusal', async () => {
        for (const bad of [undefined, 'x'.repeat(43), 'short']) {
          const answer = await adminWith(server, bad)('GET', `${at}/clients`);
          expect(answer).to.include({ status: 401, type: 'application/problem+json; charset=utf-8' });
          expect(answer.headers.get('www-authenticate')).to.match(/^Bearer/);
        }
        const refused = itemsOf(await admin('GET', `${at}/audit?type=admin.refused`));
        expect(refused[0]).to.include({ outcome: 'failure', reason: 'token-unknown' });
      });

      it('each role may do its part and no more', async () => {
        const make = async (role: string, tenants?: string[]) => {
          const { status, body } = await admin('POST', '/tokens', {
            name: role,
            role,
            ...(tenants ? { tenants } : {}),
          });
          expect(status, JSON.stringify(body)).to.equal(201);
          return { id: String(body['id']), call: adminWith(server, String(body['token'])) };
        };
        const auditor = await make('auditor');
        const manager = await make('manager');
        const launcher = await make('launcher');
        const limited = await make('manager', ['partner']);
        const statuses = async (call: Admin) => [
          (await call('GET', '/whoami')).status,
          (await call('GET', `${at}/clients`)).status,
          (await call('POST', `${at}/users/jane/unlock`)).status,
          (await call('POST', `${at}/launches`, { clientId: 'sample-native', username: 'jane' })).status,
          (await call('POST', `${at}/keys`, { algorithm: 'ES256' })).status,
          (await call('GET', '/tokens')).status,
          (await call('POST', '/reload')).status,
        ];
        expect(await statuses(auditor.call)).to.deep.equal([200, 200, 403, 403, 403, 403, 403]);
        expect(await statuses(manager.call)).to.deep.equal([200, 200, 204, 201, 403, 403, 403]);
        expect(await statuses(launcher.call)).to.deep.equal([200, 403, 403, 201, 403, 403, 403]);
        expect(await statuses(limited.call)).to.deep.equal([200, 403, 403, 403, 403, 403, 403]);
        expect(itemsOf(await limited.call('GET', '/tenants')).map(({ id }) => id)).to.deep.equal(['partner']);
        const known = await limited.call('GET', '/tenants/demo/clients');
        const unknown = await limited.call('GET', '/tenants/none/clients');
        expect({ ...unknown.body, detail: '' }).to.deep.equal({ ...known.body, detail: '' });
        expect((await admin('DELETE', `/tokens/${auditor.id}`)).status).to.equal(204);
        expect((await auditor.call('GET', '/whoami')).status).to.equal(401);
      });

      it('a token never ends itself, nor is an admin limited to a tenant', async () => {
        const { body } = await admin('GET', '/whoami');
        expect((await admin('DELETE', `/tokens/${String(body['id'])}`)).status).to.equal(409);
        const limited = await admin('POST', '/tokens', { name: 'x', role: 'admin', tenants: ['demo'] });
        expect(limited.body).to.include({ code: 'admin-limited' });
        expect((await admin('POST', '/tokens', { name: 'x', role: 'king' })).status).to.equal(400);
        expect((await admin('POST', '/tokens', { name: 'x', role: 'manager', tenants: ['none'] })).status).to.equal(
          404,
        );
      });

      it('answers malformed, oversized and mistyped bodies, unknown calls and methods precisely', async () => {
        const secret = (await import('./support.ts')).bootstrapSecret;
        const raw = async (init: RequestInit, path = `${at}/clients`) => {
          const answer = await fetch(`${server.url}/admin/api${path}`, {
            method: 'POST',
            ...init,
            headers: { authorization: `Bearer ${await secret(server)}`, ...init.headers },
          });
          return { status: answer.status, body: (await answer.json()) as { code: string } };
        };
        const json = { 'content-type': 'application/json' };
        expect(await raw({ headers: json, body: '{"a":' })).to.deep.include({ status: 400 });
        expect(await raw({ headers: json, body: '{"__proto__":{"a":1}}' })).to.deep.include({ status: 400 });
        expect(await raw({ headers: { 'content-type': 'text/xml' }, body: '<a/>' })).to.deep.include({ status: 415 });
        expect(await raw({ headers: json, body: `"${'x'.repeat(1_100_000)}"` })).to.deep.include({ status: 413 });
        expect(await raw({ headers: json, body: '[]' })).to.deep.include({ status: 400 });
        expect(await raw({ method: 'GET' }, '/nothing')).to.deep.include({ status: 404 });
        expect(await raw({ method: 'GET' }, '/tenants/none/clients')).to.deep.include({ status: 404 });
      });
    });
  });
}
