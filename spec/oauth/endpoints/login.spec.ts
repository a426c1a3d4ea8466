/** The pages of a flow that waits for a person: what is not the form of that page, in that browser, changes nothing. */
import { expect } from 'chai';
import { authorizationRequest, redeem } from '../../support/oauth.ts';
import { createPerson, type Page, type Person } from '../../support/person.ts';
import { seen } from './authorize-support.ts';
import { leavesNothing, useStage } from './stage.ts';
import { type Answer, expectOAuthError, expectPage, send, type Sent } from './wire.ts';

const hidden = (page: Page) => /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
const cookiesOf = (person: Person) =>
  [...person.cookies].map(([name, value]) => `${name.split(' ')[1]}=${value}`).join('; ');

describe('the pages of a flow', () => {
  const stage = useStage();
  const right = { username: 'jane', password: 'demo-password', do: 'login' };
  async function atLogin(tenant = 'demo'): Promise<{ person: Person; page: Page; path: string }> {
    const { server } = stage();
    const person = createPerson(server.url);
    const change = tenant === 'demo' ? {} : { scope: 'openid', aud: undefined };
    const { url } = authorizationRequest({ ...server, issuer: `${server.url}/${tenant}` }, change);
    const page = await person.open(url);
    expect(seen(page)).to.equal('login');
    return { person, page, path: new URL(page.url).pathname };
  }
  const post = (path: string, person: Person, sent: Sent): Promise<Answer> =>
    send(stage().server, 'POST', path, { ...sent, headers: { cookie: cookiesOf(person), ...sent.headers } });

  describe('refuse', () => {
    let mine: Awaited<ReturnType<typeof atLogin>>;
    let other: Awaited<ReturnType<typeof atLogin>>;
    let foreign: Awaited<ReturnType<typeof atLogin>>;
    before(async () => {
      [mine, other, foreign] = await Promise.all([atLogin(), atLogin(), atLogin('partner')]);
    });
    leavesNothing(stage);
    after(async () => {
      // Nothing of it all has moved the three flows, either.
      for (const { person, page } of [mine, other, foreign])
        expect(seen(await person.submit(page, { do: 'cancel' }))).to.equal('access_denied');
    });

    const unknown: readonly (readonly [string, (at: string) => string])[] = [
      ['an unknown flow', () => `/demo/login/${'A'.repeat(43)}`],
      ['a shorter id', (at) => at.slice(0, -1)],
      ['a longer id', (at) => `${at}A`],
      ['NUL in the id', (at) => `${at.slice(0, -1)}%00`],
      ['quotes in the id', (at) => `${at.slice(0, -3)}'--`],
      ["another tenant's flow", () => foreign.path.replace('/partner/', '/demo/')],
      ["the flow at another tenant's pages", (at) => at.replace('/demo/', '/partner/')],
    ];
    for (const [name, pathOf] of unknown) {
      it(name, async () => {
        const form = { ...right, csrf: hidden(mine.page) };
        const cookie = [mine, foreign].map(({ person }) => cookiesOf(person));
        for (const headers of cookie.map((value) => ({ cookie: value }))) {
          expectPage(await send(stage().server, 'GET', pathOf(mine.path), { headers }), 400);
          expectPage(await send(stage().server, 'POST', `${pathOf(mine.path)}?at=login`, { form, headers }), 400);
        }
      });
    }

    it('another browser, with no cookie or its own', async () => {
      const form = { ...right, csrf: hidden(mine.page) };
      for (const headers of [{}, { cookie: cookiesOf(other.person) }, { cookie: 'sallyport_browser=' }] as Record<
        string,
        string
      >[]) {
        expectPage(await send(stage().server, 'GET', mine.path, { headers }), 400);
        expectPage(await send(stage().server, 'POST', `${mine.path}?at=login`, { form, headers }), 400);
      }
    });

    it('a form without its token, with a foreign one, or in no form at all', async () => {
      const at = `${mine.path}?at=login`;
      for (const csrf of ['', 'x', hidden(other.page), hidden(foreign.page), `${hidden(mine.page)}A`, 'ü'.repeat(43)])
        expectPage(await post(at, mine.person, { form: { ...right, csrf } }), 403, csrf);
      const body = JSON.stringify({ ...right, csrf: hidden(mine.page) });
      for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x'])
        expectPage(await post(at, mine.person, { body, headers: { 'content-type': type } }), 403, type);
      expectPage(await post(at, mine.person, { form: '' }), 403);
    });

    it('what is too large', async () => {
      const form = { ...right, csrf: hidden(mine.page), x: 'x'.repeat(140_000) };
      expectPage(await post(`${mine.path}?at=login`, mine.person, { form }), 413);
    });

    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      it(`the method ${method}`, async () => {
        const answer = await send(stage().server, method, mine.path);
        expectOAuthError(answer, 405, 'invalid_request');
        expect(answer.headers['allow']).to.equal('GET, HEAD, POST');
      });
    }

    const wrong: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
      ['no password', { username: 'nobody-1', do: 'login' }],
      ['no user name', { password: 'demo-password', do: 'login' }],
      ['NUL in the user name', { username: 'jane\0', password: 'demo-password', do: 'login' }],
      ['NUL in the password', { username: 'nobody-2', password: 'demo-password\0', do: 'login' }],
      ['a user name without end', { username: 'n'.repeat(30_000), password: 'x', do: 'login' }],
      ['a password without end', { username: 'nobody-3', password: 'x'.repeat(30_000), do: 'login' }],
      ['a broken surrogate', { username: 'nobody-\ud800', password: 'x', do: 'login' }],
      ['a provider it does not have', { provider: 'nobody', do: 'login' }],
      ['a provider named NUL', { provider: '\0' }],
      ['no button at all', {}],
    ];
    for (const [name, values] of wrong) {
      it(`${name}: the form again`, async () => {
        const page = await mine.person.submit(mine.page, values);
        expect(seen(page), page.body.slice(0, 300)).to.equal('login');
        expect(page.status).to.equal(200);
        expect(page.body).to.include('role="alert"');
      });
    }

    it('a form of another step: shows where the flow stands', async () => {
      const form = { csrf: hidden(mine.page), do: 'approve', scope: 'patient/*.rs' };
      for (const at of ['consent', 'code', 'nowhere', '', 'request%20validated', '%00']) {
        const answer = await post(`${mine.path}?at=${at}`, mine.person, { form });
        expect(answer.status, at).to.equal(303);
        expect(answer.headers['location']).to.equal(mine.page.url);
      }
    });
  });

  it('take of a form what belongs to the page: no scope and no choice beyond those it showed', async () => {
    const { server } = stage();
    const person = createPerson(server.url);
    const { url, verifier } = authorizationRequest(server, { prompt: 'consent' });
    let page = await person.submit(await person.open(url), { ...right, username: 'drsmith' });
    for (const choice of ['99', '-1', '1e0', '0x1', 'abc', '', '0\0']) {
      expect(seen(page)).to.equal('context');
      page = await person.submit(page, { choice, do: 'choose' });
      expect(page.body).to.include('role="alert"');
    }
    page = await person.submit(page, { choice: '1', do: 'choose' });
    if (seen(page) === 'terms') {
      expect(seen(await person.submit(page, { do: 'whatever' }))).to.equal('terms');
      page = await person.submit(page, { do: 'accept' });
    }
    expect(seen(await person.submit(page, { do: 'whatever' }))).to.equal('consent');
    const back = await person.submit(page, { scope: ['patient/*.rs', 'user/*.cruds', 'system/*.rs'], do: 'approve' });
    const { body } = await redeem(server, new URL(back.url).searchParams.get('code') ?? '', verifier);
    expect(String(body['scope']).split(' ')).to.have.members(['openid', 'launch/patient', 'patient/*.rs']);
    expect(body).to.include({ patient: 'patient-02' });
  });

  it('hand out their cookies for this path and this site only, unreadable by scripts', async () => {
    const { server } = stage();
    const answer = await send(server, 'GET', new URL(authorizationRequest(server).url).href.slice(server.url.length));
    expect(String(answer.headers['set-cookie'])).to.match(
      /^sallyport_browser=[\w-]{43}; Path=\/demo; HttpOnly; SameSite=Lax$/,
    );
  });

  it('let a form go only by the schemes of the app and the providers, which may lead on elsewhere', async () => {
    const { server } = stage();
    const { person, path } = await atLogin();
    const answer = await send(server, 'GET', path, { headers: { cookie: cookiesOf(person) } });
    expectPage(answer, 200);
    const targets = /form-action ([^;]*)/.exec(String(answer.headers['content-security-policy']))?.[1];
    expect(targets?.split(' ')).to.have.members(["'self'", 'https:', 'http:']);
  });

  it('keep a session of before the log-in apart from the one after it', async () => {
    const { person, page } = await atLogin();
    person.cookies.set('/demo sallyport_session', 'planted-by-somebody-else-xxxxxxxxxxxxxxxxxxx');
    await person.submit(page, right);
    expect(person.cookies.get('/demo sallyport_session'))
      .to.match(/^[\w-]{43}$/)
      .and.not.to.include('planted');
  });
});
