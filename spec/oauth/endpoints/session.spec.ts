/** Log-out and the page of given access: nobody is logged out by a link, and nobody is sent where no app is registered. */
import { expect } from 'chai';
import { basic, logIn } from '../../support/oauth.ts';
import { createPerson, type Person } from '../../support/person.ts';
import { useStage } from './stage.ts';
import { tokensOf } from './token-support.ts';
import { type Answer, expectOAuthError, expectPage, jsonOf, send, type Sent } from './wire.ts';

const bye = 'http://127.0.0.1/bye';
const cookiesOf = (person: Person) =>
  [...person.cookies].map(([name, value]) => `${name.split(' ')[1]}=${value}`).join('; ');
const csrfOf = (body: string) => /name="csrf" value="([^"]+)"/.exec(body)?.[1] ?? '';

describe('the end-session endpoint', () => {
  const stage = useStage();
  const { active, post } = tokensOf(stage);
  const end = '/demo/session/end';
  const call = (method: string, path: string, person: Person | undefined, sent: Sent = {}): Promise<Answer> =>
    send(stage().server, method, path, {
      ...sent,
      headers: { ...(person ? { cookie: cookiesOf(person) } : {}), ...sent.headers },
    });
  async function someone(username = 'jane', change: Record<string, string> = {}) {
    const person = createPerson(stage().server.url);
    const { body } = await logIn(stage().server, person, username, change);
    expect(body['id_token'], JSON.stringify(body)).to.be.a('string');
    return { person, body, hint: String(body['id_token']) };
  }
  const isLoggedIn = async (person: Person) => (await call('GET', '/demo/session/manage', person)).status === 200;
  const expectAsked = (answer: Answer) => {
    expectPage(answer, 200);
    expect(answer.body).to.include('value="logout"');
  };
  const expectDone = (answer: Answer) => {
    expectPage(answer, 200);
    expect(answer.body).not.to.include('value="logout"');
    expect(String(answer.headers['set-cookie'])).to.match(
      /^sallyport_session=; .*Path=\/demo; Expires=Thu, 01 Jan 1970/,
    );
  };

  let jane: Awaited<ReturnType<typeof someone>>;
  let hints: Readonly<Record<string, string>>;
  before(async () => {
    jane = await someone();
    const smith = await someone('drsmith');
    const at = { ...stage().server, issuer: `${stage().server.url}/partner` };
    const pat = await logIn(at, createPerson(at.url), 'pat', { scope: 'openid' });
    hints = {
      SMITH: smith.hint,
      ACCESS: String(jane.body['access_token']),
      PARTNER: String(pat.body['id_token']),
      FORGED: `${jane.hint.slice(0, -6)}AAAAAA`,
      NONSENSE: 'x',
    };
  });

  describe('asks the person first when', () => {
    const rows: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
      ['nothing is said', {}],
      ['an app is named, but nothing proves it', { client_id: 'sample-native', post_logout_redirect_uri: bye }],
      ['only a hint at the person comes', { logout_hint: 'jane' }],
      ["the hint is another person's", { id_token_hint: 'SMITH', post_logout_redirect_uri: bye }],
      ['the hint is an access token', { id_token_hint: 'ACCESS', post_logout_redirect_uri: bye }],
      ["the hint is another tenant's", { id_token_hint: 'PARTNER', post_logout_redirect_uri: bye }],
      ['the hint is forged', { id_token_hint: 'FORGED', client_id: 'sample-native', post_logout_redirect_uri: bye }],
      ['the hint is nonsense', { id_token_hint: 'NONSENSE' }],
      ['the hint is of another app than is named', { id_token_hint: 'OWN', client_id: 'places' }],
      ['it is the link of Smile CDR', { cb: bye }],
      ['that link names an app', { cb: bye, client_id: 'sample-native' }],
      ['that link wants no redirect', { cb: 'none', revoke: 'token' }],
      ['a token of the form is missing', { do: 'logout', csrf: '' }],
      ['a token of the form is invented', { do: 'logout', csrf: 'x'.repeat(43) }],
    ];
    for (const [name, given] of rows) {
      it(name, async () => {
        const hint = given['id_token_hint'];
        const parameters = hint === undefined ? given : { ...given, id_token_hint: hints[hint] ?? jane.hint };
        const query = new URLSearchParams(parameters).toString();
        expectAsked(await call('GET', `${end}?${query}`, jane.person));
        expectAsked(await call('GET', `/demo/logout?${query}`, jane.person));
        expectAsked(await call('POST', end, jane.person, { form: query }));
        expect(await isLoggedIn(jane.person)).to.equal(true);
      });
    }

    it('and a form from elsewhere changes nothing', async () => {
      const other = await someone('drsmith');
      const token = csrfOf((await call('GET', end, other.person)).body);
      const own = csrfOf((await call('GET', end, jane.person)).body);
      expect(token).not.to.equal(own);
      expectAsked(await call('POST', end, jane.person, { form: { csrf: token, do: 'logout' } }));
      const json = { body: JSON.stringify({ csrf: own }), headers: { 'content-type': 'application/json' } };
      expectAsked(await call('POST', end, jane.person, json));
      // The token of the form is good in the form alone, not in a link.
      expectAsked(await call('GET', `${end}?csrf=${own}&do=logout`, jane.person));
      expect(await isLoggedIn(jane.person)).to.equal(true);
    });
  });

  it('ends the session, and what hangs on it, once the person says so, and goes back only then', async () => {
    const { person, body } = await someone('jane', { scope: 'openid patient/*.rs online_access' });
    const query = new URLSearchParams({ client_id: 'sample-native', post_logout_redirect_uri: bye, state: 'a b&c' });
    const page = await call('GET', `${end}?${query}`, person);
    expectAsked(page);
    // The browser holds the redirect that follows the form against the policy of the page.
    expect(page.headers['content-security-policy']).to.match(/form-action 'self' [^;]*http:/);
    const answer = await call('POST', `${end}?${query}`, person, { form: { csrf: csrfOf(page.body), do: 'logout' } });
    expect(answer.status).to.equal(303);
    const back = new URL(String(answer.headers['location']));
    expect(`${back.origin}${back.pathname}`).to.equal(bye);
    expect([...back.searchParams]).to.deep.equal([['state', 'a b&c']]);
    expect(await isLoggedIn(person)).to.equal(false);
    expect(await active(body['access_token'])).to.equal(false);
    expect(await active(body['refresh_token'])).to.equal(false);
  });

  it('goes on without a question where an ID token proves that the app speaks for the person, expired or not', async () => {
    for (const method of ['GET', 'POST']) {
      const { person, hint } = await someone();
      await new Promise((resolve) => setTimeout(resolve, 1100));
      const query = new URLSearchParams({ id_token_hint: hint, post_logout_redirect_uri: bye });
      const answer =
        method === 'GET'
          ? await call('GET', `${end}?${query}`, person)
          : await call('POST', end, person, { form: query.toString() });
      expect(answer.status, answer.body).to.equal(303);
      expect(answer.headers['location']).to.equal(bye);
      expect(await isLoggedIn(person)).to.equal(false);
    }
  });

  it('a POST from another site, which brings no cookies, comes back as a GET that does', async () => {
    const { person, hint } = await someone();
    const form = { id_token_hint: hint, post_logout_redirect_uri: bye, state: 'ü' };
    const first = await call('POST', end, undefined, { form });
    expect(first.status).to.equal(303);
    const location = String(first.headers['location']);
    expect(location).to.equal(`${stage().server.issuer}/session/end?${new URLSearchParams(form)}`);
    const second = await call('GET', location.slice(stage().server.url.length), person);
    expect(second.headers['location']).to.equal(`${bye}?${new URLSearchParams({ state: 'ü' })}`);
    expect(await isLoggedIn(person)).to.equal(false);
  });

  describe('never goes to', () => {
    for (const uri of [
      'https://evil.example/',
      `${bye}/`,
      `${bye}?x=1`,
      `${bye}#x`,
      'http://127.0.0.1:45678/bye',
      'http://127.0.0.1@evil.example/bye',
      'HTTP://127.0.0.1/bye',
      'http://127.0.0.1/callback',
      'https://app.example.org/bye',
      '//127.0.0.1/bye',
      '/bye',
      'javascript:alert(1)',
      'none',
      '\0',
    ]) {
      it(JSON.stringify(uri), async () => {
        for (const name of ['post_logout_redirect_uri', 'cb']) {
          for (const proof of [{ client_id: 'sample-native' }, { id_token_hint: jane.hint }] as Record<
            string,
            string
          >[]) {
            const query = new URLSearchParams({ [name]: uri, ...proof });
            const answer = await call('GET', `${end}?${query}`, undefined);
            if (uri === '\0') expectPage(answer, 400);
            else expectDone(answer);
            expect(answer.body).not.to.include('evil.example').and.not.to.include('javascript:');
          }
        }
      });
    }

    it('a registered address of an app that is unknown, disabled, unnamed, or badly hinted at', async () => {
      for (const change of [
        {},
        { client_id: 'nobody' },
        { client_id: 'places' },
        { client_id: 'sample-native', id_token_hint: hints['FORGED'] },
        { client_id: 'places', id_token_hint: jane.hint },
        { id_token_hint: hints['PARTNER'] },
      ] as Record<string, string>[]) {
        const query = new URLSearchParams({ post_logout_redirect_uri: bye, ...change });
        expectDone(await call('GET', `${end}?${query}`, undefined));
      }
    });
  });

  it('goes to each registered address, with its own query and the state as it was', async () => {
    for (const [uri, state, expected] of [
      ['https://app.example.org/bye', '', 'https://app.example.org/bye'],
      ['https://app.example.org/bye?from=here', '', 'https://app.example.org/bye?from=here'],
      ['https://app.example.org/bye?from=here', 'a&b=c#d', 'https://app.example.org/bye?from=here&state=a%26b%3Dc%23d'],
    ] as const) {
      for (const name of ['post_logout_redirect_uri', 'cb']) {
        const query = new URLSearchParams({ client_id: 'places', [name]: uri, state });
        for (const path of [end, '/demo/logout']) {
          const answer = await call('GET', `${path}?${query}`, undefined);
          expect([answer.status, answer.headers['location']]).to.deep.equal([303, expected]);
        }
      }
    }
  });

  it('refuses what is repeated, malformed, too large, or sent otherwise', async () => {
    for (const query of [
      'client_id=a&client_id=b',
      'state=%zz',
      'x=%00',
      'post_logout_redirect_uri=a&post_logout_redirect_uri=',
    ]) {
      expectPage(await call('GET', `${end}?${query}`, undefined), 400, query);
      expectPage(await call('POST', end, undefined, { form: query }), 400, query);
    }
    expectPage(await call('POST', end, undefined, { form: { x: 'x'.repeat(140_000) } }), 413);
    for (const [path, allow] of [
      [end, 'GET, POST'],
      ['/demo/logout', 'GET'],
    ] as const) {
      for (const method of ['PUT', 'DELETE']) {
        const answer = await call(method, path, jane.person);
        expectOAuthError(answer, 405, 'invalid_request');
        expect(answer.headers['allow']).to.equal(allow);
      }
      const query = new URLSearchParams({ id_token_hint: jane.hint });
      expect((await call('HEAD', `${path}?${query}`, jane.person)).status).to.equal(405);
    }
    expect(await isLoggedIn(jane.person)).to.equal(true);
  });

  describe('and the page of given access', () => {
    const manage = '/demo/session/manage';

    it('is for who is logged in: anybody else gets a page that says so', async () => {
      expectPage(await call('GET', manage, undefined), 401);
      for (const cookie of ['sallyport_session=', `sallyport_session=${'A'.repeat(43)}`, 'sallyport_session=%00', 'x'])
        expectPage(await call('GET', manage, undefined, { headers: { cookie } }), 401, cookie);
      expectPage(await call('GET', manage, jane.person), 200);
    });

    it('ends an app’s access by its own form only', async () => {
      const { person, body } = await someone('drsmith');
      const smith = await someone('drsmith');
      const form = { revoke: 'sample-native', csrf: csrfOf((await call('GET', manage, person)).body) };
      for (const [who, sent] of [
        [undefined, { form }],
        [person, { form: { revoke: 'sample-native' } }],
        [person, { form: { ...form, csrf: 'x'.repeat(43) } }],
        [person, { form: { ...form, revoke: 'sample-native\0' } }],
        [person, { form: `${new URLSearchParams(form)}&revoke=sample-web` }],
        [smith.person, { form }],
        [jane.person, { form }],
        [person, { body: JSON.stringify(form), headers: { 'content-type': 'application/json' } }],
      ] as [Person | undefined, Sent][])
        expectPage(await call('POST', manage, who, sent), 403);
      expectPage(await call('POST', manage, person, { form: { ...form, x: 'x'.repeat(140_000) } }), 413);
      expect(await active(body['access_token'])).to.equal(true);

      for (const revoke of ['nobody', 'Sample-Native', '', 'x'.repeat(5000)])
        expect(
          (await call('POST', manage, person, { form: { ...form, revoke } })).status,
          revoke.slice(0, 20),
        ).to.equal(303);
      expect(await active(body['access_token'])).to.equal(true);

      const done = await call('POST', manage, person, { form });
      expect(done.status).to.equal(303);
      expect(await active(body['access_token'])).to.equal(false);
      expect(await active(body['refresh_token'])).to.equal(false);
      expect(await active(jane.body['access_token'])).to.equal(true);
    });

    it('has no other methods', async () => {
      for (const method of ['PUT', 'DELETE', 'PATCH']) {
        const answer = await call(method, manage, jane.person);
        expectOAuthError(answer, 405, 'invalid_request');
        expect(answer.headers['allow']).to.equal('GET, HEAD, POST');
      }
    });
  });

  it('a client’s token is no hint for a person of the same name', async () => {
    const { admin } = stage();
    const made = await admin('POST', '/tenants/demo/clients', {
      clientId: 'jane',
      clientName: 'A service named like a person',
      tokenEndpointAuthMethods: ['client_secret_basic'],
      grantTypes: ['client_credentials'],
      scopes: ['system/*.rs'],
    });
    const got = jsonOf(await post({ grant_type: 'client_credentials' }, basic('jane', String(made.body['secret']))));
    const query = new URLSearchParams({ id_token_hint: String(got['access_token']) });
    expectAsked(await call('GET', `${end}?${query}`, jane.person));
    expect(await isLoggedIn(jane.person)).to.equal(true);
  });
});
