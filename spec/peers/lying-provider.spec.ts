/** What a provider may get wrong, by mistake or on purpose: none of it makes anybody a user here. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { asAdmin } from '../admin/support.ts';
import { authorizationRequest } from '../support/oauth.ts';
import { freePort, startTestServer, type TestServer } from '../support/server.ts';
import {
  addProvider,
  arrive,
  chooseProvider,
  editTenant,
  foreignUsers,
  newestTrace,
  refusedAtApp,
} from './federated-stage.ts';
import { clientId, clientSecret, type Lie, type LyingProvider, startLyingProvider } from './lying-provider.ts';

const paths = ['first', 'second', 'misnamed', 'broken', 'script', 'elsewhere'];

describe('a foreign provider that lies', () => {
  let server: TestServer;
  let provider: LyingProvider;

  before(async () => {
    const port = await freePort();
    const nobodysPort = await freePort();
    server = await startTestServer({
      prepare: (config) =>
        editTenant(config, 'demo', (tenant) => {
          for (const id of paths)
            addProvider(tenant, port, {
              id,
              name: id,
              clientId,
              clientSecret,
              issuer: `http://localhost:${port}/${id}`,
              defaultAuthorities: [{ permission: 'FHIR_ALL_READ' }],
            });
          addProvider(tenant, nobodysPort, { id: 'gone', name: 'gone', clientId });
        }),
    });
    provider = await startLyingProvider(port);
  });
  after(async () => {
    await provider?.close();
    await server?.close();
  });
  beforeEach(() => {
    provider.lie = {};
  });

  it('is believed while it tells the truth', async () => {
    const journey = await chooseProvider(server, 'first');
    const { status, body } = await arrive(server, journey, provider.authorize(journey.away));
    expect(status, JSON.stringify(body)).to.equal(200);
    const [user] = await foreignUsers(server);
    // No script names this provider's people, so their name says where they are from and can be nobody else's.
    expect(user).to.deep.include({ givenName: 'Ada', external: { provider: 'first', subject: 'ada' } });
    expect(user?.['username']).to.match(/^first:[A-Za-z0-9_-]{22}$/);
    const verifier = provider.redeemed.at(-1)?.form.get('code_verifier') ?? '';
    expect(createHash('sha256').update(verifier).digest('base64url')).to.equal(
      journey.away.searchParams.get('code_challenge'),
    );
  });

  const json = { 'content-type': 'application/json' };
  const now = () => Math.floor(Date.now() / 1000);
  const lies: readonly (readonly [string, Lie])[] = [
    ['the nonce of another log-in', { claims: (claims) => ({ ...claims, nonce: 'N'.repeat(43) }) }],
    ['no nonce', { claims: ({ nonce: _nonce, ...claims }) => claims }],
    ['another issuer', { claims: (claims) => ({ ...claims, iss: 'https://issuer.example' }) }],
    ['a token for another app', { claims: (claims) => ({ ...claims, aud: 'another-app' }) }],
    ['a token for two apps', { claims: (claims) => ({ ...claims, aud: [clientId, 'another-app'] }) }],
    [
      'a token that another app asked for',
      { claims: (claims) => ({ ...claims, azp: 'another-app', aud: [clientId, 'x'] }) },
    ],
    ['an expired token', { claims: (claims) => ({ ...claims, exp: now() - 3600, iat: now() - 7200 }) }],
    ['nobody', { claims: ({ sub: _sub, ...claims }) => claims }],
    ['the signature of an unknown key', { signature: 'another key' }],
    ['the signature of a false key', { signature: 'another key of the same name' }],
    ['a signature made of the client secret', { signature: 'the client secret' }],
    ['no signature', { signature: 'nobody' }],
    ['a changed text under a true signature', { signature: 'a changed text' }],
    ['no ID token', { answer: ({ id_token: _token, ...body }) => body }],
    ['an ID token that is none', { answer: (body) => ({ ...body, id_token: 'a.b.c' }) }],
    ['no access token', { answer: ({ access_token: _token, ...body }) => body }],
    ['somebody else at the userinfo endpoint', { userinfo: { sub: 'grace', email: 'grace@foreign.example' } }],
    ['a refusal of the code', { token: (response) => response.writeHead(400, json).end('{"error":"invalid_grant"}') }],
    ['an answer that is no JSON', { token: (response) => response.writeHead(200, json).end('<html>') }],
    [
      'an endless answer',
      { token: (response) => response.writeHead(200, json).end(`{"x":"${'x'.repeat(2_000_000)}"}`) },
    ],
    ['a redirect', { token: (response) => response.writeHead(307, { location: '/second/token' }).end() }],
    ['the answer of another issuer', { response: (parameters) => parameters.set('iss', 'https://issuer.example') }],
    ['an error of its own', { response: (parameters) => parameters.set('error', 'server_error') }],
    ['neither code nor error', { response: (parameters) => parameters.delete('code') }],
  ];
  for (const [what, lie] of lies) {
    it(`is not believed: ${what}`, async () => {
      const before = await foreignUsers(server);
      const journey = await chooseProvider(server, 'first');
      provider.lie = lie;
      expect(await refusedAtApp(journey, provider.authorize(journey.away, 'liar'))).to.equal('server_error');
      expect((await newestTrace(server)).outcome).to.be.oneOf(['provider-invalid-response', 'provider-provider-error']);
      expect(await foreignUsers(server)).to.deep.equal(before);
      // A session was not made either.
      const silent = await journey.person.open(authorizationRequest(server, { prompt: 'none' }).url);
      expect(new URL(silent.url).searchParams.get('error')).to.equal('login_required');
    });
  }

  it('gets no code that another provider gave (mix-up)', async () => {
    const journey = await chooseProvider(server, 'first');
    // The first sends the person on to the second, which answers honestly at its own address.
    const back = provider.authorize(journey.away);
    back.pathname = back.pathname.replace(/first$/, 'second');
    const before = provider.redeemed.length;
    expect(await refusedAtApp(journey, back)).to.equal('server_error');
    expect(provider.redeemed).to.have.length(before);
  });

  it('is not asked when its discovery document is of another issuer, fails, is not there or leads where it must not', async () => {
    provider.discovery['misnamed'] = (document) => ({ ...document, issuer: `${provider.origin}/first` });
    provider.discovery['broken'] = () => {
      throw new Error('on purpose');
    };
    provider.discovery['script'] = (document) => ({ ...document, authorization_endpoint: 'javascript:alert(1)' });
    for (const id of ['misnamed', 'broken', 'gone', 'script']) {
      const { away, person } = await chooseProvider(server, id);
      expect(away.origin, id).to.equal(server.url);
      expect((await person.open(away.href)).body, id).to.include('This way to log in is not available at the moment.');
    }
  });

  it('is out of order, and told as such, where its answer has a status of 500 or more', async () => {
    const before = await foreignUsers(server);
    for (const [status, body] of [
      [500, '<html>'],
      [502, '{"error":"invalid_grant"}'],
      [503, ''],
    ] as const) {
      const journey = await chooseProvider(server, 'first');
      provider.lie = { token: (response) => response.writeHead(status, json).end(body) };
      const page = await journey.person.open(provider.authorize(journey.away).href);
      expect(page.body, String(status)).to.include('This way to log in is not available at the moment.');
    }
    // An error that it sends the person back with says the same.
    provider.lie = { response: (parameters) => parameters.set('error', 'temporarily_unavailable') };
    const journey = await chooseProvider(server, 'first');
    const page = await journey.person.open(provider.authorize(journey.away).href);
    expect(page.body).to.include('This way to log in is not available at the moment.');
    expect(await foreignUsers(server)).to.deep.equal(before);
    const silent = await journey.person.open(authorizationRequest(server, { prompt: 'none' }).url);
    expect(new URL(silent.url).searchParams.get('error')).to.equal('login_required');
  });

  it('cannot make the server send the code to an address that the tenant does not allow', async () => {
    const inward = `${provider.origin.replace('localhost', '127.0.0.1')}/elsewhere/token`;
    provider.discovery['elsewhere'] = (document) => ({ ...document, token_endpoint: inward });
    const journey = await chooseProvider(server, 'elsewhere');
    const before = provider.redeemed.length;
    expect(await refusedAtApp(journey, provider.authorize(journey.away))).to.equal('server_error');
    expect(provider.redeemed).to.have.length(before);
  });

  it('cannot pass an old log-in there off as the recent one that the app asked for', async () => {
    const old = now() - 3600;
    for (const [what, lie] of [
      ['an old log-in', { claims: (claims) => ({ ...claims, auth_time: old }) }],
      ['a log-in at no time', {}],
    ] as [string, Lie][]) {
      provider.lie = lie;
      const journey = await chooseProvider(server, 'first', { max_age: '60' });
      expect(await refusedAtApp(journey, provider.authorize(journey.away)), what).to.equal('server_error');
    }
    // Where the app asked for nothing the old log-in will do, and is told as what it is: old.
    provider.lie = { claims: (claims) => ({ ...claims, auth_time: old }) };
    const journey = await chooseProvider(server, 'first');
    const { body } = await arrive(server, journey, provider.authorize(journey.away));
    expect(decodeJwt(String(body['id_token']))).to.include({ auth_time: old });
    const silent = await journey.person.open(authorizationRequest(server, { prompt: 'none', max_age: '60' }).url);
    expect(new URL(silent.url).searchParams.get('error')).to.equal('login_required');
  });

  it('whose people have the same identifiers as another does not get the people of the other', async () => {
    for (const id of ['first', 'second']) {
      const journey = await chooseProvider(server, id);
      const { status } = await arrive(server, journey, provider.authorize(journey.away, 'twin'));
      expect(status).to.equal(200);
    }
    const twins = (await foreignUsers(server)).filter(
      (user) => (user['external'] as { subject: string }).subject === 'twin',
    );
    expect(twins.map((user) => (user['external'] as { provider: string }).provider)).to.have.members([
      'first',
      'second',
    ]);
    expect(new Set(twins.map(({ id }) => id)).size).to.equal(2);
  });

  it('is used with its new secret as soon as an administrator gave it', async () => {
    const admin = await asAdmin(server);
    const made = await admin('POST', '/tenants/demo/providers', {
      id: 'stored',
      name: 'Stored',
      issuer: `${provider.origin}/stored`,
      clientId,
      clientSecret: 'wrong',
      scopes: ['profile'],
      defaultAuthorities: [{ permission: 'FHIR_ALL_READ' }],
    });
    expect(made.status, JSON.stringify(made.body)).to.equal(201);
    const first = await chooseProvider(server, 'stored');
    expect(await refusedAtApp(first, provider.authorize(first.away))).to.equal('server_error');
    const changed = await admin('PATCH', '/tenants/demo/providers/stored', { clientSecret });
    expect(changed.status, JSON.stringify(changed.body)).to.equal(200);
    const second = await chooseProvider(server, 'stored');
    expect((await arrive(server, second, provider.authorize(second.away))).status).to.equal(200);
  });
});
