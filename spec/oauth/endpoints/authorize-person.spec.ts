/** When a person is asked again, and when the app is told that they would have to be (OpenID Connect Core 3.1.2). */
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { authorizationRequest, logIn, redeem } from '../../support/oauth.ts';
import { createPerson, type Person } from '../../support/person.ts';
import { callback, type Change, seen } from './authorize-support.ts';
import { expectNoMore, useStage } from './stage.ts';
import { backOf, send } from './wire.ts';

/** Any but the one for passkeys, which the server itself serves. */
const foreignScript = /<script(?! type="module" src="http)/;

describe('the authorization endpoint, with somebody logged in', () => {
  const stage = useStage();
  let jane: Person;
  let hints: Readonly<Record<string, string>>;
  const open = (person: Person, change: Change) => person.open(authorizationRequest(stage().server, change).url);

  before(async () => {
    const { server } = stage();
    jane = createPerson(server.url);
    const [own, smith, web] = await Promise.all([
      logIn(server, jane, 'jane'),
      logIn(server, createPerson(server.url), 'drsmith'),
      logIn({ ...server, issuer: `${server.url}/partner` }, createPerson(server.url), 'pat', {
        scope: 'openid profile',
        aud: undefined,
      }),
    ]);
    hints = {
      JANE: String(own.body['id_token']),
      SMITH: String(smith.body['id_token']),
      ACCESS: String(own.body['access_token']),
      PARTNER: String(web.body['id_token']),
      FORGED: String(own.body['id_token']).replace(
        /\.[^.]*\./,
        `.${Buffer.from('{"sub":"jane"}').toString('base64url')}.`,
      ),
    };
    expect(Object.values(hints).every((token) => token.split('.').length === 3)).to.equal(true);
    // The hints outlive the second that this tenant's ID tokens are good for.
    await new Promise((resolve) => setTimeout(resolve, 1100));
  });

  const rows: readonly (readonly [Change, string])[] = [
    [{}, 'code'],
    [{ prompt: 'none' }, 'code'],
    [{ prompt: ' none ' }, 'code'],
    [{ prompt: 'login' }, 'login'],
    [{ prompt: 'consent' }, 'consent'],
    [{ prompt: 'select_account' }, 'login'],
    [{ prompt: 'login consent' }, 'login'],
    [{ prompt: 'consent select_account' }, 'login'],
    [{ prompt: 'create' }, 'code'],
    [{ prompt: 'LOGIN' }, 'code'],
    [{ max_age: '3600' }, 'code'],
    [{ max_age: '0' }, 'login'],
    [{ max_age: '00' }, 'login'],
    [{ max_age: '0', prompt: 'none' }, 'login_required'],
    [{ login_hint: 'drsmith' }, 'code'],
    [{ id_token_hint: 'JANE' }, 'code'],
    [{ id_token_hint: 'JANE', prompt: 'none' }, 'code'],
    [{ id_token_hint: 'JANE', prompt: 'login' }, 'login'],
    [{ id_token_hint: 'SMITH' }, 'login'],
    [{ id_token_hint: 'SMITH', prompt: 'none' }, 'login_required'],
    [{ id_token_hint: 'ACCESS', prompt: 'none' }, 'invalid_request'],
    [{ id_token_hint: 'PARTNER', prompt: 'none' }, 'invalid_request'],
    [{ id_token_hint: 'FORGED', prompt: 'none' }, 'invalid_request'],
    [{ scope: 'openid user/*.rs' }, 'consent'],
    [{ scope: 'openid user/*.rs', prompt: 'none' }, 'consent_required'],
    [{ client_id: 'sample-web' }, 'terms'],
    [{ client_id: 'sample-web', prompt: 'none' }, 'interaction_required'],
  ];
  for (const [change, expected] of rows) {
    it(`${JSON.stringify(change)}: ${expected}`, async () => {
      const hint = change['id_token_hint'];
      const page = await open(jane, hint === undefined ? change : { ...change, id_token_hint: hints[hint] });
      expect(seen(page), page.url).to.equal(expected);
    });
  }

  it('the answer that carries the code is stored nowhere, and names its issuer', async () => {
    const { server } = stage();
    const url = authorizationRequest(server, { state: 'a b&c' }).url.slice(server.url.length);
    const cookie = [...jane.cookies].map(([name, value]) => `${name.split(' ')[1]}=${value}`).join('; ');
    const back = backOf(await send(server, 'GET', url, { headers: { cookie } }), callback);
    expect([...back.keys()].sort()).to.deep.equal(['code', 'iss', 'state']);
    expect(back.get('code')).to.match(/^[\w-]{43}$/);
    expect([back.get('iss'), back.get('state')]).to.deep.equal([server.issuer, 'a b&c']);
  });

  it('a practitioner must choose a patient: interaction_required where nobody may be asked', async () => {
    const smith = createPerson(stage().server.url);
    await logIn(stage().server, smith, 'drsmith');
    expect(seen(await open(smith, { prompt: 'none' }))).to.equal('interaction_required');
  });

  it('a session that has become too old for max_age is not reused, and a younger one is', async () => {
    const person = createPerson(stage().server.url);
    await logIn(stage().server, person, 'jane');
    await stage().age(100);
    expect(seen(await open(person, { max_age: '99' }))).to.equal('login');
    expect(seen(await open(person, { max_age: '99', prompt: 'none' }))).to.equal('login_required');
    expect(seen(await open(person, { max_age: '3600' }))).to.equal('code');
  });

  for (const change of [{ max_age: '0' }, { prompt: 'login' }, { prompt: 'select_account' }] as Change[]) {
    it(`${JSON.stringify(change)}: the ID token tells of the new log-in`, async () => {
      const { server } = stage();
      const person = createPerson(server.url);
      await logIn(server, person, 'jane');
      await stage().age(1000);
      const started = Math.floor(Date.now() / 1000);
      const { body } = await logIn(server, person, 'jane', change);
      expect(decodeJwt(String(body['id_token']))['auth_time']).to.be.at.least(started);
    });
  }

  it('who logs in as another than id_token_hint names is not let in', async () => {
    const { server } = stage();
    const person = createPerson(server.url);
    const change = { id_token_hint: hints['JANE'] };
    const page = await open(person, change);
    const before = await stage().usable();
    const wrong = await person.walk(page, { username: 'drsmith' });
    expect(wrong.searchParams.get('error')).to.equal('login_required');
    expect(wrong.searchParams.get('state')).to.equal('state-1');
    expectNoMore(await stage().usable(), { ...before, flows: before.flows - 1 });
    expect(seen(await open(person, { prompt: 'none' }))).to.equal('login_required');
    const { url, verifier } = authorizationRequest(server, change);
    const right = await person.walk(await person.open(url), { username: 'jane' });
    expect((await redeem(server, right.searchParams.get('code') ?? '', verifier)).status).to.equal(200);
  });

  it('login_hint stands in the form, whatever it holds', async () => {
    const fresh = () => createPerson(stage().server.url);
    expect((await open(fresh(), { login_hint: 'drsmith' })).body).to.include('value="drsmith"');
    const { body } = await open(fresh(), { login_hint: '"><script>alert(1)</script>' });
    expect(body).to.include('value="&quot;&gt;&lt;script&gt;').and.not.to.match(foreignScript);
  });

  for (const [uiLocales, language] of [
    ['de', 'de'],
    ['de-AT en', 'de'],
    ['xx-YY de', 'de'],
    ['pt', 'en'],
    ['../../../etc/passwd', 'en'],
    ['"><script>', 'en'],
    ['d'.repeat(3000), 'en'],
  ]) {
    it(`ui_locales=${uiLocales?.slice(0, 20)}: the page is in ${language}`, async () => {
      const { status, body } = await open(createPerson(stage().server.url), { ui_locales: uiLocales });
      expect(status).to.equal(200);
      expect(body).to.include(`<html lang="${language}">`).and.not.to.match(foreignScript);
    });
  }
});
