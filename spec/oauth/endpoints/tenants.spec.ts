/** What one tenant gave out is worthless at another, at every endpoint that takes it, both ways round. */
import { expect } from 'chai';
import { authorizationRequest, basic, logIn } from '../../support/oauth.ts';
import { createPerson, type Person } from '../../support/person.ts';
import type { TestServer } from '../../support/server.ts';
import { type Stage, useStage } from './stage.ts';
import { type Form, tokensOf } from './token-support.ts';
import { expectOAuthError, expectPage, jsonOf, send } from './wire.ts';

const callback = 'http://127.0.0.1:45678/callback';

/** A tenant as a caller sees it. The twin has the demo's path under another host. */
interface Place {
  readonly server: TestServer;
  readonly path: string;
  readonly host: string;
  readonly username: string;
  readonly scope: string;
}

function placesOf({ server, twin }: Stage): Readonly<Record<string, Place>> {
  const place = (issuer: string, username: string, scope: string): Place => {
    const { origin, host, pathname } = new URL(issuer);
    return { server: { ...server, url: origin, issuer }, path: pathname, host, username, scope };
  };
  return {
    demo: place(server.issuer, 'jane', 'openid profile offline_access'),
    partner: place(`${server.url}/partner`, 'pat', 'openid profile offline_access'),
    twin: place(twin, 'jane', 'openid profile offline_access'),
  };
}

for (const [here, there] of [
  ['demo', 'partner'],
  ['partner', 'demo'],
  ['demo', 'twin'],
  ['twin', 'demo'],
] as const) {
  describe(`what ${here} gave out, at ${there}`, () => {
    const stage = useStage();
    const { post } = tokensOf(stage);
    let from: Place;
    let to: Place;
    let person: Person;
    let got: Record<string, unknown>;
    const ask = (place: Place) => ({ scope: place.scope, aud: undefined });
    const at = (place: Place, path: string, form: Form, headers: Form = {}) =>
      post(form, { ...headers, host: place.host }, place.path + path);
    const inspect = async (place: Place, token: unknown) =>
      jsonOf(
        await at(place, '/oauth/token/introspect', { token: String(token) }, basic('resource-server', 'demo-secret')),
      )['active'];
    const cookiesOf = (one: Person) =>
      [...one.cookies].map(([name, value]) => `${name.split(' ')[1]}=${value}`).join('; ');
    const get = (place: Place, path: string, cookie: string) =>
      send(stage().server, 'GET', place.path + path, { host: place.host, headers: { cookie } });

    before(async () => {
      const places = placesOf(stage()) as Record<string, Place>;
      [from, to] = [places[here] as Place, places[there] as Place];
      person = createPerson(from.server.url);
      const { status, body } = await logIn(from.server, person, from.username, ask(from));
      expect(status, JSON.stringify(body)).to.equal(200);
      got = body;
    });

    afterEach('and still works where it came from', async () => {
      expect(await inspect(from, got['access_token'])).to.equal(true);
      expect(await inspect(from, got['refresh_token'])).to.equal(true);
    });

    it('tokens: no userinfo, inactive, not to be revoked or refreshed', async () => {
      for (const name of ['access_token', 'refresh_token', 'id_token']) {
        const token = String(got[name]);
        const info = await send(stage().server, 'GET', `${to.path}/userinfo`, {
          host: to.host,
          headers: { authorization: `Bearer ${token}` },
        });
        expectOAuthError(info, 401, 'invalid_token');
        expect(await inspect(to, token)).to.equal(false);
        const revoked = await at(to, '/oauth/token/revoke', { token, client_id: 'sample-native' });
        expect(revoked.status, revoked.body).to.equal(200);
        const form = { grant_type: 'refresh_token', refresh_token: token, client_id: 'sample-native' };
        expectOAuthError(await at(to, '/oauth/token', form), 400, 'invalid_grant');
        // Without a client that the token would have named.
        expectOAuthError(
          await at(to, '/oauth/token', { grant_type: 'refresh_token', refresh_token: token }),
          401,
          'invalid_client',
        );
        expectOAuthError(await at(to, '/session/token/revoke', { token }), 401, 'invalid_client');
      }
    });

    it('a code: not redeemed, and not used up', async () => {
      const { url, verifier } = authorizationRequest(from.server, ask(from));
      const back = await person.walk(await person.open(url), { username: from.username });
      const form = {
        grant_type: 'authorization_code',
        code: String(back.searchParams.get('code')),
        redirect_uri: callback,
        code_verifier: verifier,
        client_id: 'sample-native',
      };
      expectOAuthError(await at(to, '/oauth/token', form), 400, 'invalid_grant');
      const right = await at(from, '/oauth/token', form);
      expect(right.status, right.body).to.equal(200);
    });

    it('cookies: nobody is logged in by them', async () => {
      const cookie = cookiesOf(person);
      expect((await get(from, '/session/manage', cookie)).status).to.equal(200);
      expectPage(await get(to, '/session/manage', cookie), 401);
      const url = new URL(authorizationRequest(to.server, { ...ask(to), prompt: 'none' }).url);
      const silent = await get(to, url.pathname.slice(to.path.length) + url.search, cookie);
      expect(String(silent.headers['location'])).to.include('error=login_required');
      // Log-out there neither asks the person nor touches the session here.
      const left = await get(to, '/session/end', cookie);
      expectPage(left, 200);
      expect(left.body).not.to.include('value="logout"');
      expect((await get(from, '/session/manage', cookie)).status).to.equal(200);
    });

    it('an ID token: no hint there', async () => {
      const hint = String(got['id_token']);
      const request = authorizationRequest(to.server, { ...ask(to), id_token_hint: hint });
      const url = new URL(request.url);
      const answer = await get(to, url.pathname.slice(to.path.length) + url.search, '');
      expect(String(answer.headers['location'])).to.match(
        /^http:\/\/127\.0\.0\.1:45678\/callback\?error=invalid_request/,
      );
      const query = new URLSearchParams({
        id_token_hint: hint,
        post_logout_redirect_uri: 'http://127.0.0.1/bye',
        client_id: 'sample-native',
      });
      expectPage(await get(to, `/session/end?${query}`, ''), 200);
    });

    it('a form’s token and a flow: neither moves anything', async () => {
      const cookie = cookiesOf(person);
      const stranger = createPerson(to.server.url);
      await logIn(to.server, stranger, to.username, ask(to));
      const csrf = /name="csrf" value="([^"]+)"/.exec((await get(from, '/session/end', cookie)).body)?.[1] ?? '';
      expect(csrf).to.match(/^[\w-]{43}$/);
      const theirs = { cookie: cookiesOf(stranger) };
      const asked = await at(to, '/session/end', { csrf, do: 'logout' }, theirs);
      expect(asked.body).to.include('value="logout"');
      expectPage(await at(to, '/session/manage', { csrf, revoke: 'sample-native' }, theirs), 403);

      const page = await person.open(authorizationRequest(from.server, { ...ask(from), prompt: 'login' }).url);
      const { pathname } = new URL(page.url);
      const flow = pathname.slice(from.path.length);
      const token = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
      const form = { csrf: token, username: to.username, password: 'demo-password', do: 'login' };
      for (const headers of [{ cookie: cookiesOf(person) }, theirs]) {
        expectPage(await get(to, flow, headers.cookie), 400);
        expectPage(await at(to, `${flow}?at=login`, form, headers), 400);
      }
      const back = await person.walk(page, { username: from.username });
      expect(back.searchParams.has('code')).to.equal(true);
    });
  });
}
