/** What apps learn of a log-out: by a logout token from server to server, or by a frame in the person's browser. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { type Admin, asAdmin, itemsOf } from '../../admin/support.ts';
import { authorizationRequest, basic, postForm } from '../../support/oauth.ts';
import { createPerson, type Person } from '../../support/person.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';

const event = 'http://schemas.openid.net/event/backchannel-logout';
const csrfOf = (body: string) => /name="csrf" value="([^"]+)"/.exec(body)?.[1] ?? '';

/** An app's server: what it was told, and what it answers. */
interface Receiver {
  readonly port: number;
  readonly told: { readonly path: string; readonly type: string; readonly token: string }[];
  /** Statuses of the next answers; 200 after that. */
  readonly statuses: number[];
}

describe('apps at log-out', function () {
  this.timeout(60_000);
  let server: TestServer;
  let admin: Admin;
  let listening: Server;
  const receiver: Receiver & { port: number } = { port: 0, told: [], statuses: [] };

  before(async () => {
    listening = createServer((request, reply) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const token = new URLSearchParams(body).get('logout_token') ?? '';
        receiver.told.push({ path: request.url ?? '', type: request.headers['content-type'] ?? '', token });
        reply.statusCode = receiver.statuses.shift() ?? 200;
        reply.end();
      });
    });
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    receiver.port = (listening.address() as AddressInfo).port;
    server = await startTestServer({ prepare });
    admin = await asAdmin(server);
  });
  after(async () => {
    await server?.close();
    listening.closeAllConnections();
    listening.close();
  });
  beforeEach(() => {
    receiver.told.length = 0;
    receiver.statuses.length = 0;
  });

  async function prepare(config: string): Promise<void> {
    const path = join(config, 'demo', 'tenant.json');
    const document = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown> & { clients: object[] };
    const at = `http://127.0.0.1:${receiver.port}`;
    const app = (clientId: string, more: object) => ({
      clientId,
      clientName: `App ${clientId}`,
      tokenEndpointAuthMethods: ['none'],
      grantTypes: ['authorization_code', 'refresh_token'],
      redirectUris: ['http://127.0.0.1/callback'],
      postLogoutRedirectUris: [`${at}/bye`],
      scopes: ['openid', 'profile', 'offline_access', 'online_access', 'launch/patient', 'patient/*.rs'],
      ...more,
    });
    document.clients.push(
      app('hears', { backchannelLogoutUri: `${at}/hears`, backchannelLogoutSessionRequired: true }),
      app('elliptic', { backchannelLogoutUri: `${at}/elliptic?x=1`, idTokenSigningAlgorithm: 'ES384' }),
      app('deaf', { backchannelLogoutUri: 'http://127.0.0.1:1/deaf' }),
      app('inside', { backchannelLogoutUri: 'https://169.254.169.254/latest' }),
      app('framed', { frontchannelLogoutUri: `${at}/framed?y=%3C2%3E` }),
    );
    document['outboundHttp'] = {
      allow: [`127.0.0.1:${receiver.port}`, '127.0.0.1:1', '169.254.169.254'],
      allowPrivate: true,
    };
    await writeFile(path, JSON.stringify(document));
    const origin = new URL(String(document['issuer'])).origin;
    await mkdir(join(config, 'terms'));
    await writeFile(
      join(config, 'terms', 'tenant.json'),
      JSON.stringify({
        id: 'terms',
        name: 'Terms',
        issuer: `${origin}/terms`,
        demo: true,
        keystore: { algorithms: ['RS256'] },
        inbound: [{ type: 'local', id: 'local' }],
        users: [{ id: 'jane', username: 'jane', password: 'demo-password' }],
        termsOfService: { version: '2026-01', text: 'Be kind.' },
        clients: [app('plain', { scopes: ['openid'] })],
      }),
    );
  }

  /** Logs in at an app, or comes back with the session. */
  async function enter(
    person: Person,
    clientId: string,
    more: Readonly<Record<string, string>> = {},
    username = 'jane',
  ) {
    const { url, verifier } = authorizationRequest(server, { client_id: clientId, scope: 'openid', ...more });
    const back = await person.walk(await person.open(url), { username });
    const { body } = await postForm(`${server.issuer}/oauth/token`, {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      redirect_uri: 'http://127.0.0.1:45678/callback',
      code_verifier: verifier,
      client_id: clientId,
    });
    expect(body['id_token'], JSON.stringify(body)).to.be.a('string');
    return { ...body, hint: String(body['id_token']), sid: decodeJwt(String(body['id_token']))['sid'] } as Record<
      string,
      unknown
    > & { hint: string; sid: string };
  }
  const end = (query: Readonly<Record<string, string>>) => `${server.issuer}/session/end?${new URLSearchParams(query)}`;
  const manage = (person: Person) => person.open(`${server.issuer}/session/manage`);
  async function until<T>(find: () => Promise<T | undefined> | T | undefined, what: string): Promise<T> {
    for (let attempt = 0; attempt < 600; attempt += 1) {
      const found = await find();
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${what} did not come`);
  }
  const toldTo = (path: string, count = 1) =>
    until(() => {
      const found = receiver.told.filter((one) => one.path === path);
      return found.length >= count ? found : undefined;
    }, `a logout token for ${path}`);
  /** Long enough for anything that would be sent by mistake. */
  const quiet = () => new Promise((resolve) => setTimeout(resolve, 700));
  const notified = (clientId: string) =>
    until(
      async () => itemsOf(await admin('GET', `/tenants/demo/audit?type=logout.notified&clientId=${clientId}`))[0],
      `the audit event of ${clientId}`,
    );
  const active = async (token: unknown) =>
    (
      await postForm(
        `${server.issuer}/oauth/token/introspect`,
        { token: String(token) },
        basic('resource-server', 'demo-secret'),
      )
    ).body['active'];
  const refreshed = (clientId: string, token: unknown) =>
    postForm(`${server.issuer}/oauth/token`, {
      grant_type: 'refresh_token',
      refresh_token: String(token),
      client_id: clientId,
    });

  it('says so in its metadata', async () => {
    const metadata = (await (await fetch(`${server.issuer}/.well-known/openid-configuration`)).json()) as object;
    expect(metadata).to.include({
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      frontchannel_logout_supported: true,
      frontchannel_logout_session_supported: true,
    });
  });

  describe('by the back channel', () => {
    it('sends a logout token as the specification wants it, to the apps of that session and no others', async () => {
      const [person, other] = [createPerson(server.url), createPerson(server.url)];
      const first = await enter(person, 'hears');
      const second = await enter(person, 'elliptic');
      const foreign = await enter(other, 'hears', {}, 'drsmith');
      expect(second.sid)
        .to.equal(first.sid)
        .and.match(/^[A-Za-z0-9_-]{43}$/);
      expect(foreign.sid).not.to.equal(first.sid);
      expect((await person.open(end({ id_token_hint: first.hint }))).body).to.include('logged out');

      const keys = createRemoteJWKSet(new URL(`${server.issuer}/jwk`));
      for (const [path, audience, alg] of [
        ['/hears', 'hears', 'RS256'],
        ['/elliptic?x=1', 'elliptic', 'ES384'],
      ] as const) {
        const [told] = await toldTo(path);
        expect(told?.type).to.equal('application/x-www-form-urlencoded');
        const { payload, protectedHeader } = await jwtVerify(told?.token ?? '', keys, {
          issuer: server.issuer,
          audience,
          typ: 'logout+jwt',
          algorithms: [alg],
          requiredClaims: ['iat', 'exp', 'jti', 'events'],
        });
        expect(protectedHeader.alg).to.equal(alg);
        expect(payload).to.include({ sub: 'jane', sid: first.sid });
        expect(payload['events']).to.deep.equal({ [event]: {} });
        expect(payload).not.to.have.property('nonce');
        expect((payload.exp ?? 0) - (payload.iat ?? 0)).to.be.within(1, 120);
      }
      await quiet();
      expect(receiver.told).to.have.length(2);
      expect(await notified('hears')).to.deep.include({ outcome: 'success', userId: 'jane', details: { attempts: 1 } });
      expect((await manage(other)).status).to.equal(200);
    });

    it('tells nobody twice of one session, however often its end is asked for', async () => {
      const person = createPerson(server.url);
      await enter(person, 'hears');
      const page = await person.open(end({}));
      await Promise.all([1, 2, 3].map(() => person.submit(page, { do: 'logout' })));
      await toldTo('/hears');
      await quiet();
      expect(receiver.told).to.have.length(1);
    });

    it('does not take a logout token for a hint', async () => {
      const person = createPerson(server.url);
      const { hint } = await enter(person, 'hears');
      await person.open(end({ id_token_hint: hint }));
      const [told] = await toldTo('/hears');
      await enter(person, 'hears');
      const page = await person.open(end({ id_token_hint: told?.token ?? '' }));
      expect(page.body).to.include('value="logout"');
    });

    it('asks the person where the hint is of another session of theirs', async () => {
      const [person, elsewhere] = [createPerson(server.url), createPerson(server.url)];
      const { hint } = await enter(elsewhere, 'hears');
      await enter(person, 'hears');
      expect((await person.open(end({ id_token_hint: hint }))).body).to.include('value="logout"');
      expect((await manage(person)).status).to.equal(200);
    });

    it('tries again after a failure, and holds up neither the person nor other apps', async () => {
      const person = createPerson(server.url);
      receiver.statuses.push(503);
      const { hint } = await enter(person, 'hears');
      await enter(person, 'deaf');
      const began = Date.now();
      await person.open(end({ id_token_hint: hint }));
      expect(Date.now() - began).to.be.below(3_000);
      const told = await toldTo('/hears', 2);
      expect(new Set(told.map(({ token }) => decodeJwt(token).jti)).size).to.equal(2);
      await until(async () => {
        const { details } = await notified('hears');
        return (details as { attempts: number }).attempts === 2 ? true : undefined;
      }, 'two attempts');
    });

    it('gives up where the app refuses, and never calls the metadata address of a cloud', async () => {
      const person = createPerson(server.url);
      receiver.statuses.push(400);
      const { hint } = await enter(person, 'elliptic');
      await enter(person, 'inside');
      await person.open(end({ id_token_hint: hint }));
      expect(await notified('inside')).to.deep.include({ outcome: 'failure', reason: 'blocked' });
      await until(async () => {
        const { reason } = await notified('elliptic');
        return reason === 'status-400' ? true : undefined;
      }, 'the refusal');
      expect(receiver.told).to.have.length(1);
    });

    it('hears when an administrator, another browser of the person, or a new log-in ends the session', async () => {
      const [person, other] = [createPerson(server.url), createPerson(server.url)];
      // Sessions that earlier tests left.
      await admin('DELETE', '/tenants/demo/users/jane/sessions');
      await quiet();
      receiver.told.length = 0;
      const sids: string[] = [];
      const heard = async () => {
        const told = await toldTo('/hears', sids.length);
        expect(told.map(({ token }) => decodeJwt(token)['sid'])).to.have.members(sids);
      };
      sids.push((await enter(person, 'hears')).sid);
      expect((await admin('DELETE', `/tenants/demo/users/jane/sessions/${sids[0]}`)).status).to.equal(204);
      await heard();
      sids.push((await enter(person, 'hears')).sid);
      await enter(other, 'elliptic');
      await other.submit(await manage(other), { end: sids[1] ?? '' });
      await heard();
      sids.push((await enter(person, 'hears')).sid);
      await enter(person, 'elliptic', { prompt: 'login' });
      await heard();
      sids.push((await enter(person, 'hears')).sid);
      await other.submit(await manage(other), { others: 'end' });
      await heard();
      expect((await manage(other)).status).to.equal(200);
      sids.push((await enter(person, 'hears')).sid);
      expect((await admin('DELETE', '/tenants/demo/users/jane/sessions')).status).to.equal(204);
      await heard();
      expect((await manage(other)).status).to.equal(401);
    });
  });

  it('what was granted for the session ends with it at once, what was granted beyond it stays', async () => {
    const person = createPerson(server.url);
    const plain = await enter(person, 'hears');
    const online = await enter(person, 'hears', { scope: 'openid online_access' });
    const offline = await enter(person, 'hears', { scope: 'openid offline_access' });
    // The last code is on its way while the session ends.
    const { url, verifier } = authorizationRequest(server, { client_id: 'hears', scope: 'openid offline_access' });
    const late = await person.walk(await person.open(url), { username: 'jane' });
    await person.open(end({ id_token_hint: plain.hint }));
    expect(await active(plain['access_token'])).to.equal(false);
    expect(await active(online['access_token'])).to.equal(false);
    expect((await refreshed('hears', online['refresh_token'])).body['error']).to.equal('invalid_grant');
    expect(await active(offline['access_token'])).to.equal(true);
    expect((await refreshed('hears', offline['refresh_token'])).status).to.equal(200);
    const redeemed = await postForm(`${server.issuer}/oauth/token`, {
      grant_type: 'authorization_code',
      code: late.searchParams.get('code') ?? '',
      redirect_uri: 'http://127.0.0.1:45678/callback',
      code_verifier: verifier,
      client_id: 'hears',
    });
    expect([redeemed.status, redeemed.body['error']]).to.deep.equal([400, 'invalid_grant']);
  });

  describe('by the front channel', () => {
    it('shows a frame of exactly the apps of the session, and then goes where the app registered', async () => {
      const person = createPerson(server.url);
      const { hint, sid } = await enter(person, 'framed');
      const bye = `http://127.0.0.1:${receiver.port}/bye`;
      const cookie = [...person.cookies].map(([name, value]) => `${name.split(' ')[1]}=${value}`).join('; ');
      const answer = await fetch(end({ id_token_hint: hint, post_logout_redirect_uri: bye, state: 's' }), {
        redirect: 'manual',
        headers: { cookie },
      });
      expect(answer.status).to.equal(200);
      expect(answer.headers.get('refresh')).to.equal(`3;url=${bye}?state=s`);
      expect(answer.headers.get('content-security-policy')).to.include(
        `; frame-src http://127.0.0.1:${receiver.port};`,
      );
      const frames = [...(await answer.text()).matchAll(/<iframe[^>]* src="([^"]+)"/g)].map(([, src = '']) =>
        src
          .replaceAll('&amp;', '&')
          .replaceAll('&#x2F;', '/')
          .replaceAll('&#x3D;', '=')
          .replaceAll('&lt;', '<')
          .replaceAll('&gt;', '>'),
      );
      expect(frames).to.have.length(1);
      const query = new URL(frames[0] ?? '').searchParams;
      expect(Object.fromEntries(query)).to.deep.equal({ y: '<2>', iss: server.issuer, sid });
      expect(receiver.told).to.deep.equal([]);
    });

    it('shows none, and allows none, where no app of the session wants one', async () => {
      const person = createPerson(server.url);
      await enter(createPerson(server.url), 'framed');
      await enter(person, 'hears');
      const page = await person.open(end({}));
      const cookie = [...person.cookies].map(([name, value]) => `${name.split(' ')[1]}=${value}`).join('; ');
      const answer = await fetch(`${server.issuer}/session/end`, {
        method: 'POST',
        headers: { cookie },
        body: new URLSearchParams({ csrf: csrfOf(page.body), do: 'logout' }),
      });
      expect(answer.headers.get('content-security-policy')).not.to.include('frame-src');
      expect(await answer.text())
        .to.include('logged out')
        .and.not.to.include('<iframe');
    });
  });

  describe('the page of sessions', () => {
    it('tells which browser on which system, this one first, and no address', async () => {
      const mozilla = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
      const person = createPerson(server.url, { 'user-agent': mozilla });
      await enter(createPerson(server.url, { 'user-agent': 'curl/8' }), 'hears', {}, 'drsmith');
      await enter(person, 'hears', {}, 'drsmith');
      const { body } = await manage(person);
      const names = [...body.matchAll(/<h3>([^<]+)<\/h3>/g)].map(([, name]) => name);
      expect(names).to.include.members(['Firefox on Linux (this one)', 'Unknown device']);
      expect(names.indexOf('Firefox on Linux (this one)')).to.be.below(names.indexOf('Unknown device'));
      expect(body).not.to.include('127.0.0.1:').and.not.to.include('Gecko');
      const sessions = itemsOf(await admin('GET', '/tenants/demo/users/drsmith/sessions'));
      expect(sessions[0]).to.include({ browser: 'Firefox', system: 'Linux' });
      expect(sessions[0]).to.have.property('lastSeenAt');
    });

    it('ends no session of somebody else, none by a form from elsewhere, and none that is no more', async () => {
      const [person, other] = [createPerson(server.url), createPerson(server.url)];
      await enter(person, 'hears');
      const foreign = await enter(other, 'hears', {}, 'drsmith');
      const page = await manage(person);
      for (const values of [{ end: foreign.sid }, { end: 'x' }, { others: 'yes' }, {}] as Record<string, string>[]) {
        const answer = await person.submit(page, values);
        expect(answer.status).to.equal(200);
        expect(answer.body).not.to.include('role="status"');
      }
      const action = `${server.issuer}/session/manage`;
      for (const csrf of ['', 'x'.repeat(43), csrfOf((await manage(other)).body)]) {
        const refused = await person.open(action, new URLSearchParams({ csrf, others: 'end', end: foreign.sid }));
        expect(refused.status).to.equal(403);
      }
      expect((await manage(other)).status).to.equal(200);
      await quiet();
      expect(receiver.told).to.deep.equal([]);
      // Its own, which is a log-out.
      const out = await person.submit(page, { end: /name="end" value="([^"]+)"/.exec(page.body)?.[1] ?? '' });
      expect(out.body).to.include('You are logged out');
      expect((await manage(person)).status).to.equal(401);
      expect((await person.submit(page, { others: 'end' })).status).to.equal(403);
    });

    it('tells an administrator of one tenant nothing of the other, and ends nothing there', async () => {
      const person = createPerson(server.url);
      const { sid } = await enter(person, 'hears');
      expect((await admin('DELETE', `/tenants/partner/users/jane/sessions/${sid}`)).status).to.equal(404);
      expect((await admin('DELETE', `/tenants/demo/users/drsmith/sessions/${sid}`)).status).to.equal(404);
      expect((await manage(person)).status).to.equal(200);
    });

    it('knows since when an app has access, when it was used last, and which terms were accepted', async () => {
      const person = createPerson(server.url);
      const scope = 'openid launch/patient patient/*.rs offline_access';
      const first = await enter(person, 'hears', { scope });
      const before = itemsOf(await admin('GET', '/tenants/demo/users/jane/grants')).find(
        ({ clientId }) => clientId === 'hears',
      );
      const again = await refreshed('hears', first['refresh_token']);
      expect(await active(again.body['access_token'])).to.equal(true);
      // The audit trail waits for what is being written, and the last use with it.
      await admin('GET', '/tenants/demo/audit');
      const after = itemsOf(await admin('GET', '/tenants/demo/users/jane/grants')).find(
        ({ clientId }) => clientId === 'hears',
      );
      expect(after?.['since']).to.equal(before?.['since']);
      expect(Date.parse(String(after?.['lastUsedAt']))).to.be.at.least(Date.parse(String(after?.['since'])));
    });
  });

  it('an administrator sees and withdraws what terms a person accepted, once, and the person is asked again', async () => {
    const at = '/tenants/terms/users/jane/terms';
    const asked = async (person: Person) => {
      const { url } = authorizationRequest(
        { ...server, issuer: `${server.url}/terms` },
        { client_id: 'plain', scope: 'openid', aud: undefined },
      );
      const page = await person.open(url);
      const next = page.body.includes('name="password"')
        ? await person.submit(page, { username: 'jane', password: 'demo-password', do: 'login' })
        : page;
      return next;
    };
    const person = createPerson(server.url);
    const first = await asked(person);
    expect(first.body).to.include('value="accept"');
    await person.submit(first, { do: 'accept' });
    const [agreed] = itemsOf(await admin('GET', at));
    expect(agreed).to.include({ clientId: 'plain', version: '2026-01' });
    const page = await person.open(`${server.url}/terms/session/manage`);
    expect(page.body).to.include('You accepted version 2026-01 of the terms of service for this app on ');
    expect((await asked(person)).body).not.to.include('value="accept"');
    expect((await admin('DELETE', '/tenants/demo/users/jane/terms/plain')).status).to.equal(404);
    expect((await admin('DELETE', `${at}/plain`)).status).to.equal(204);
    expect((await admin('DELETE', `${at}/plain`)).status).to.equal(404);
    expect(itemsOf(await admin('GET', at))).to.deep.equal([]);
    expect((await asked(person)).body).to.include('value="accept"');
  });

  describe('are registered with addresses that', () => {
    const client = {
      clientId: 'made',
      clientName: 'Made',
      tokenEndpointAuthMethods: ['none'],
      grantTypes: ['authorization_code'],
      redirectUris: ['https://app.example/callback'],
      scopes: ['openid'],
    };
    for (const [what, change] of [
      ['have a fragment', { backchannelLogoutUri: 'https://app.example/x#y' }],
      ['are not encrypted', { backchannelLogoutUri: 'http://app.example/x' }],
      ['are scripts', { frontchannelLogoutUri: 'javascript:alert(1)' }],
      ['hold a password', { backchannelLogoutUri: 'https://a:b@app.example/x' }],
      ['are framed from where the app is not', { frontchannelLogoutUri: 'https://other.example/x' }],
      ['are framed from another port', { frontchannelLogoutUri: 'https://app.example:8443/x' }],
    ] as const) {
      it(`${what}: refused`, async () => {
        const { status, body } = await admin('POST', '/tenants/demo/clients', { ...client, ...change });
        expect(status, JSON.stringify(body)).to.equal(400);
        expect(JSON.stringify(body)).to.include('LogoutUri');
      });
    }
    it('are sound: kept', async () => {
      const change = {
        backchannelLogoutUri: 'https://hub.example/x',
        backchannelLogoutSessionRequired: true,
        frontchannelLogoutUri: 'https://app.example/out',
      };
      expect((await admin('POST', '/tenants/demo/clients', { ...client, ...change })).status).to.equal(201);
      expect((await admin('GET', '/tenants/demo/clients/made')).body).to.include(change);
    });
  });
});
