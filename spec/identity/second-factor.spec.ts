/** A second factor at log-in: codes of an app, recovery codes, who must have one, and no way around it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { totpCode, totpStep } from '../../engine/identity/totp.ts';
import { type Admin, asAdmin, itemsOf } from '../admin/support.ts';
import { authorizationRequest, redeem } from '../support/oauth.ts';
import { type Authenticator, createAuthenticator, type Lies } from '../support/authenticator.ts';
import { createPerson, type Page, type Person } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const users = '/tenants/demo/users';
const password = 'a first of many words';
const mfa = 'https://refeds.org/profile/mfa';
const session = '/demo sallyport_session';
const textOf = ({ body }: Page) => body.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');

/** Somebody with an authenticator app, which gives each code once, and the recovery codes they noted. */
interface App {
  readonly secret: string;
  readonly recovery: string[];
  next(): string;
}

function appOf(page: Page): App {
  const secret = /<code>([A-Z2-7 ]+)<\/code>/.exec(page.body)?.[1]?.replaceAll(' ', '') ?? '';
  expect(secret).to.match(/^[A-Z2-7]{32}$/);
  let last = 0;
  return {
    secret,
    recovery: [],
    next() {
      // A code of the step after this one counts already; more than two within thirty seconds there are not.
      last = Math.max(last + 1, totpStep(Date.now()));
      return totpCode(secret, last);
    },
  };
}

function codesOn({ body }: Page): string[] {
  return [...body.matchAll(/<code>([0-9a-z-]{19})<\/code>/g)].map(([, code]) => code ?? '');
}

const asksForCode = ({ body }: Page) => body.includes('name="recovery"') && body.includes('value="verify"');
const isSetup = ({ body }: Page) => body.includes('value="confirm"');

describe('a second factor', function () {
  this.timeout(120_000);
  let server: TestServer;
  let admin: Admin;
  let count = 0;
  before(async () => {
    server = await startTestServer({
      environment: { SALLYPORT_TRUST_PROXY: '127.0.0.1' },
      prepare: async (config) => {
        const path = join(config, 'demo/tenant.json');
        const document = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
        document['secondFactor'] = { requiredFor: ['MUST_PROVE_MORE'], rememberDays: 30, issuerName: 'Demo: Hospital' };
        document['passwords'] = { hashing: { memoryKibibytes: 7168, passes: 1 } };
        await writeFile(path, JSON.stringify(document));
        const partner = join(config, 'partner/tenant.json');
        const other = JSON.parse(await readFile(partner, 'utf8')) as Record<string, unknown>;
        other['secondFactor'] = { level: 'off' };
        await writeFile(partner, JSON.stringify(other));
      },
    });
    admin = await asAdmin(server);
  });
  after(() => server.close());

  let visitors = 0;
  /** Each at an address of their own, or all of them together would be taken for somebody who guesses. */
  const visitor = () => {
    visitors += 1;
    return createPerson(server.url, { 'x-forwarded-for': `10.1.${visitors >> 8}.${visitors & 255}` });
  };
  const at = (page: string) => `${server.issuer}/session/${page}`;

  async function somebody(more: object = {}) {
    count += 1;
    const username = `prover-${count}`;
    const email = `${username}@home.example`;
    const made = await admin('POST', users, {
      username,
      password,
      email,
      authorities: [{ permission: 'ROLE_FHIR_CLIENT' }],
      defaultLaunchContexts: [{ contextType: 'Patient', resourceId: '123' }],
      ...more,
    });
    expect(made.status, JSON.stringify(made.body)).to.equal(201);
    return { username, email, id: String(made.body['id']) };
  }
  const mustProve = { authorities: [{ permission: 'ROLE_FHIR_CLIENT' }, { permission: 'MUST_PROVE_MORE' }] };

  /** From the app to the page after the password. */
  async function enter(person: Person, username: string, more: Record<string, string> = {}, word = password) {
    const { url, verifier } = authorizationRequest(server, more);
    const page = await person.submit(await person.open(url), { username, password: word, do: 'login' });
    return { page, verifier };
  }
  /** Through the pages that are left to the app, with what its tokens say. */
  async function arrive(person: Person, page: Page, verifier: string) {
    const back = await person.walk(page, { username: '' });
    const tokens = await redeem(server, back.searchParams.get('code') ?? back.href, verifier);
    expect(tokens.status, `${back.href} ${JSON.stringify(tokens.body)}`).to.equal(200);
    return { tokens, claims: decodeJwt(String(tokens.body['id_token'])) };
  }
  /** Logged in with the password alone. */
  async function loggedIn(more: object = {}) {
    const known = await somebody(more);
    const person = visitor();
    const { page, verifier } = await enter(person, known.username);
    return { ...known, person, ...(await arrive(person, page, verifier)) };
  }
  async function enrolled(more: object = {}) {
    const known = await loggedIn(more);
    const { person } = known;
    const setup = await person.submit(await person.open(at('security')), { password, do: 'begin' });
    expect(isSetup(setup), setup.body).to.equal(true);
    const app = appOf(setup);
    const shown = await person.submit(setup, { code: app.next(), do: 'confirm' });
    app.recovery.push(...codesOn(shown));
    expect(app.recovery).to.have.length(10);
    return { ...known, app, shown };
  }

  /** What the person was mailed, the youngest first; waits until it is so much. */
  async function mailed(email: string, count: number): Promise<readonly string[]> {
    for (let round = 0; ; round += 1) {
      const page = await (await fetch(`${server.url}/mail`)).text();
      const mails = [...page.matchAll(/<article[^]*?<\/article>/g)].map(([mail]) => mail);
      const theirs = mails.filter((mail) => mail.includes(`to ${email},`));
      if (theirs.length >= count || round === 100) return theirs;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  describe('of an app', () => {
    it('is set up by password and code; all sessions end, and this one goes on under another id', async () => {
      const { username, person } = await loggedIn();
      const elsewhere = visitor();
      const other = await enter(elsewhere, username);
      await arrive(elsewhere, other.page, other.verifier);
      const manage = await person.open(at('manage'));
      expect(manage.body).to.include('session&#x2F;security');
      const wrong = await person.submit(await person.open(at('security')), { password: 'wrong', do: 'begin' });
      expect(isSetup(wrong)).to.equal(false);
      expect(textOf(wrong)).to.include('The password is wrong');
      const setup = await person.submit(wrong, { password, do: 'begin' });
      expect(setup.body.replaceAll('&#x2F;', '/')).to.include('src="data:image/svg+xml;base64,');
      expect(textOf(setup)).to.include(`Demo: Hospital: ${username}`);
      const app = appOf(setup);
      const again = await person.submit(setup, { code: '000000', do: 'confirm' });
      expect(textOf(again)).to.include('not the one of this picture');
      expect(appOf(again).secret).to.equal(app.secret);
      const before = person.cookies.get(session);
      const codes = await person.submit(again, { code: app.next(), do: 'confirm' });
      expect(new Set(codesOn(codes)).size).to.equal(10);
      expect(person.cookies.get(session)).not.to.equal(before);
      expect((await elsewhere.open(at('manage'))).status).to.equal(401);
      const done = await person.submit(codes, { do: 'saved' });
      expect(textOf(done)).to.include('From now on you need a code').and.include('Recovery codes left 10');
      expect(codesOn(done)).to.deep.equal([]);
      // The form once more: there is nothing left to set up.
      expect((await person.submit(again, { code: app.next(), do: 'confirm' })).status).to.be.oneOf([403, 410]);
    });

    it('is asked for after the password, counts once, and is told to the app', async () => {
      const { username, app } = await enrolled();
      const person = visitor();
      const { page, verifier } = await enter(person, username, { acr_values: `other ${mfa}` });
      expect(asksForCode(page)).to.equal(true);
      // Nothing behind it is reached.
      expect((await person.open(at('manage'))).status).to.equal(401);
      const wrong = await person.submit(page, { code: '000000', do: 'verify' });
      expect(asksForCode(wrong)).to.equal(true);
      expect(textOf(wrong)).to.include('This code is wrong');
      const code = app.next();
      const next = await person.submit(wrong, { code: `${code.slice(0, 3)} ${code.slice(3)}`, do: 'verify' });
      expect(asksForCode(next)).to.equal(false);
      const { tokens, claims } = await arrive(person, next, verifier);
      expect(claims).to.deep.include({ amr: ['pwd', 'otp', 'mfa'], acr: mfa });
      expect(decodeJwt(String(tokens.body['access_token']))).to.deep.include({ amr: ['pwd', 'otp', 'mfa'], acr: mfa });
      const other = visitor();
      const replay = await other.submit((await enter(other, username)).page, { code, do: 'verify' });
      expect(textOf(replay)).to.include('was used before');
    });

    it('may be replaced by a recovery code, once, however it is typed', async () => {
      const { id, username, app } = await enrolled();
      const [first = '', second = ''] = app.recovery;
      const person = visitor();
      const { page, verifier } = await enter(person, username);
      const typed = ` ${first.replaceAll('-', ' ').toUpperCase().replaceAll('0', 'O').replaceAll('1', 'I')} `;
      const { claims } = await arrive(person, await person.submit(page, { recovery: typed, do: 'verify' }), verifier);
      expect(claims['amr']).to.deep.equal(['pwd', 'otp', 'mfa']);
      expect((await admin('GET', `${users}/${id}/second-factor`)).body).to.include({
        recoveryCodes: 9,
        enrolled: true,
      });
      const trail = itemsOf(await admin('GET', `/tenants/demo/audit?userId=${id}&limit=100`));
      expect(trail.map(({ type }) => type)).to.include('second-factor.recovery-code-used');
      const other = visitor();
      const again = await other.submit((await enter(other, username)).page, { recovery: first, do: 'verify' });
      expect(textOf(again)).to.include('This code is wrong');
      // Somebody else's are nobody's.
      const stranger = await enrolled();
      const strange = visitor();
      const theirs = await strange.submit((await enter(strange, stranger.username)).page, {
        recovery: second,
        do: 'verify',
      });
      expect(textOf(theirs)).to.include('This code is wrong');
    });

    it('locks after wrong ones, and the right password does not open it', async () => {
      const { id, username, app } = await enrolled();
      const person = visitor();
      let { page } = await enter(person, username);
      for (const code of ['000000', '11111', 'abcdef', '<b>', '999999999999'])
        page = await person.submit(page, { code, do: 'verify' });
      expect(textOf(page)).to.include('This code is wrong');
      const right = app.next();
      page = await person.submit(page, { code: right, do: 'verify' });
      expect(textOf(page)).to.include('Too many wrong codes');
      // Who knows the password only may give it as often as they like.
      const other = visitor();
      page = (await enter(other, username)).page;
      page = await other.submit(page, { recovery: app.recovery[0] ?? '', do: 'verify' });
      expect(textOf(page)).to.include('Too many wrong codes');
      const shown = (await admin('GET', `${users}/${id}/second-factor`)).body;
      expect(shown).to.include({ wrongCodes: 5 });
      expect(Date.parse(String(shown['lockedUntil']))).to.be.above(Date.now());
      expect((await admin('GET', `${users}/${id}`)).body).to.include({ failedLogins: 0 });
      expect((await admin('POST', `${users}/${id}/unlock`)).status).to.equal(204);
      page = await other.submit(page, { code: right, do: 'verify' });
      expect(asksForCode(page)).to.equal(false);
      const audit = itemsOf(await admin('GET', `/tenants/demo/audit?userId=${id}&outcome=failure&limit=100`));
      expect(audit.map(({ reason }) => reason)).to.include.members(['wrong-code', 'try-later']);
    });

    it('may be declined, and its form is this browser’s only', async () => {
      const { username, app } = await enrolled();
      const person = visitor();
      const { page } = await enter(person, username);
      const stranger = await visitor().submit(page, { code: app.next(), do: 'verify' });
      expect(stranger.status).to.equal(400);
      const back = new URL((await person.submit(page, { do: 'cancel' })).url);
      expect(back.searchParams.get('error')).to.equal('access_denied');
    });

    it('is proved once by a form that is sent twice, and an old page leads to where the person is', async () => {
      const { username, app } = await enrolled();
      const person = visitor();
      const { url, verifier } = authorizationRequest(server);
      const login = await person.open(url);
      const page = await person.submit(login, { username, password, do: 'login' });
      // The page before, from the history: the person is asked for the code.
      expect(asksForCode(await person.submit(login, { username, password, do: 'login' }))).to.equal(true);
      const code = app.next();
      const [one, two] = await Promise.all([
        person.submit(page, { code, do: 'verify' }),
        person.submit(page, { code, do: 'verify' }),
      ]);
      const onward = [one, two].filter((answer) => !asksForCode(answer));
      expect(onward).not.to.have.length(0);
      // Another tab with the form of before, and its code: nothing is lost.
      const late = await person.submit(page, { code: '000000', do: 'verify' });
      expect(asksForCode(late)).to.equal(false);
      const { claims } = await arrive(person, late, verifier);
      expect(claims['amr']).to.include('mfa');
    });
  });

  describe('of a passkey', () => {
    const optionsOf = ({ body }: Page, kind: 'create' | 'get') => {
      const text = new RegExp(`data-passkey="${kind}" data-options="([^"]+)"`).exec(body)?.[1] ?? '';
      expect(text, body).not.to.equal('');
      const plain = text.replaceAll('&quot;', '"').replaceAll('&#x2F;', '/').replaceAll('&#x3D;', '=');
      return JSON.parse(plain) as Parameters<Authenticator['use']>[0] & { readonly allowCredentials: unknown[] };
    };
    /** Somebody whose one second factor is a passkey. */
    async function withPasskey(more: object = {}) {
      const known = await loggedIn(more);
      const key = createAuthenticator(new URL(server.url).origin);
      const page = await known.person.open(at('security'));
      const newPasskey = key.create(optionsOf(page, 'create'));
      const shown = await known.person.submit(page, { password, newPasskey, do: 'passkey' });
      const recovery = codesOn(shown);
      expect(recovery, textOf(shown)).to.have.length(10);
      return { ...known, key, recovery, page, newPasskey };
    }
    const logInPage = async (person: Person, more: Record<string, string> = {}) => {
      const { url, verifier } = authorizationRequest(server, { prompt: 'login', ...more });
      return { page: await person.open(url), verifier };
    };
    const isLogin = ({ body }: Page) => body.includes('name="password"');

    it('is added by the password, ends sessions, and is told by its kind alone', async () => {
      const { id, username, person, key } = await withPasskey();
      const shown = (await admin('GET', `${users}/${id}/second-factor`)).body;
      expect(shown).to.include({ enrolled: true, passkeys: 1, recoveryCodes: 10 });
      expect(shown).not.to.have.property('authenticatorSince');
      expect((await person.open(at('security'))).url).to.equal(at('security'));
      const other = visitor();
      const { page, verifier } = await enter(other, username);
      expect(page.body).not.to.include('name="code"');
      expect(optionsOf(page, 'get').allowCredentials).to.have.length(1);
      const passkey = key.use(optionsOf(page, 'get'), { verified: false });
      const { claims } = await arrive(other, await other.submit(page, { passkey, do: 'verify' }), verifier);
      expect(claims).to.deep.include({ amr: ['pwd', 'hwk', 'mfa'], acr: mfa });
    });

    it('is the whole log-in, once for each page', async () => {
      const { username, key } = await withPasskey();
      const person = visitor();
      const { page, verifier } = await logInPage(person, { acr_values: mfa });
      expect(optionsOf(page, 'get')).to.deep.include({ allowCredentials: [], userVerification: 'required' });
      const passkey = key.use(optionsOf(page, 'get'));
      const { claims } = await arrive(person, await person.submit(page, { passkey, do: 'passkey' }), verifier);
      expect(claims).to.deep.include({ sub: username, amr: ['hwk', 'user', 'mfa'], acr: mfa });
      // The same answer again, on the page it was for and on another.
      const again = await person.submit(page, { passkey, do: 'passkey' });
      expect(isLogin(again)).to.equal(false);
      const other = visitor();
      const elsewhere = await other.submit((await logInPage(other)).page, { passkey, do: 'passkey' });
      expect(isLogin(elsewhere)).to.equal(true);
      expect(textOf(elsewhere)).to.include('does not log you in here');
    });

    it('is asked for another password where the person must choose one, and not for the age of an unused one', async () => {
      const { id, username, key } = await withPasskey();
      const byPasskey = async (person: Person) => {
        const { page, verifier } = await logInPage(person);
        const next = await person.submit(page, { passkey: key.use(optionsOf(page, 'get')), do: 'passkey' });
        return { next, verifier };
      };
      const isNewPassword = ({ body }: Page) => body.includes('name="again"');
      await admin('PATCH', `${users}/${id}`, { mustChangePassword: true });
      const person = visitor();
      const { next, verifier } = await byPasskey(person);
      expect(isNewPassword(next)).to.equal(true);
      const same = await person.submit(next, { password, again: password, do: 'save' });
      expect(isNewPassword(same), 'the one there is').to.equal(true);
      const chosen = 'a lantern for an otter';
      const goesOn = await person.submit(same, { password: chosen, again: chosen, do: 'save' });
      const { claims } = await arrive(person, goesOn, verifier);
      expect(claims).to.deep.include({ sub: username, amr: ['hwk', 'user', 'mfa'] });
      expect(isNewPassword((await byPasskey(visitor())).next)).to.equal(false);
      // Another one that an administrator sets meanwhile is not replaced by whoever waits at the page.
      await admin('PATCH', `${users}/${id}`, { mustChangePassword: true });
      const late = visitor();
      const waits = await byPasskey(late);
      await admin('PATCH', `${users}/${id}`, { password: 'set by somebody else now' });
      const refused = await late.submit(waits.next, { password, again: password, do: 'save' });
      expect(new URL(refused.url).searchParams.get('error')).to.equal('access_denied');
      // Declined, nothing is changed and nobody logged in.
      await admin('PATCH', `${users}/${id}`, { mustChangePassword: true });
      const other = visitor();
      const declined = await other.submit((await byPasskey(other)).next, { do: 'cancel' });
      expect(new URL(declined.url).searchParams.get('error')).to.equal('access_denied');
    });

    const lies: Readonly<Record<string, Lies>> = {
      'of another site': { origin: 'https://evil.example' },
      'of another port': { origin: 'http://localhost:1' },
      'in a frame of another site': { crossOrigin: true },
      'for another relying party': { rpId: 'evil.example' },
      'to another challenge': { challenge: 'A'.repeat(43) },
      'made for something else': { type: 'webauthn.create' },
      'without the person': { present: false },
      'that verified nobody': { verified: false },
      'with a signature of something else': { forged: true },
      'with a counter that went back': { counter: 1 },
      'that names somebody else': { userHandle: 'A'.repeat(43) },
      'that names nobody': { userHandle: '' },
    };
    it('logs nobody in by a lie, and a lie costs nothing', async () => {
      const { key } = await withPasskey();
      const person = visitor();
      const first = await logInPage(person);
      const passkey = key.use(optionsOf(first.page, 'get'), { counter: 5 });
      expect(isLogin(await person.submit(first.page, { passkey, do: 'passkey' }))).to.equal(false);
      const { page, verifier } = await logInPage(person);
      const options = optionsOf(page, 'get');
      for (const [title, lie] of Object.entries(lies)) {
        const told = key.use(options, { counter: 7, ...lie });
        const answer = await person.submit(page, { passkey: told, do: 'passkey' });
        expect(isLogin(answer), title).to.equal(true);
        expect(textOf(answer), title).to.include('does not log you in here');
      }
      for (const passkeyText of ['{', '[]', 'null', '{"id":7}', '{"id":"AAAA"}', JSON.stringify({ id: key.id })])
        expect(isLogin(await person.submit(page, { passkey: passkeyText, do: 'passkey' })), passkeyText).to.equal(true);
      const right = await person.submit(page, { passkey: key.use(options, { counter: 8 }), do: 'passkey' });
      await arrive(person, right, verifier);
    });

    it('is no second factor by a lie, nor of somebody else, nor by what the log-in page asked', async () => {
      const { username, key } = await withPasskey();
      const stranger = await withPasskey();
      const person = visitor();
      const login = await logInPage(person);
      const early = key.use(optionsOf(login.page, 'get'));
      const page = await person.submit(login.page, { username, password, do: 'login' });
      const options = optionsOf(page, 'get');
      const answers = [
        early,
        stranger.key.use(options),
        key.use(options, { origin: 'https://evil.example' }),
        key.use(options, { challenge: 'A'.repeat(43) }),
        key.use(options, { forged: true }),
      ];
      for (const [index, passkey] of answers.entries())
        expect(asksForCode(await person.submit(page, { passkey, do: 'verify' })), String(index)).to.equal(true);
      const right = await person.submit(page, { passkey: key.use(options), do: 'verify' });
      expect(asksForCode(right)).to.equal(false);
    });

    it('logs nobody in who is disabled', async () => {
      const { id, key } = await withPasskey();
      expect((await admin('PATCH', `${users}/${id}`, { enabled: false })).status).to.equal(200);
      const person = visitor();
      const { page } = await logInPage(person);
      const passkey = key.use(optionsOf(page, 'get'));
      const answer = await person.submit(page, { passkey, do: 'passkey' });
      expect(textOf(answer)).to.include('does not log you in here');
    });

    it('is not added by a lie, by a wrong password, by another session, or twice', async () => {
      const { person, id } = await loggedIn();
      const home = new URL(server.url).origin;
      let page = await person.open(at('security'));
      for (const lie of [
        { origin: 'https://evil.example' },
        { rpId: 'evil.example' },
        { challenge: 'A'.repeat(43) },
        { type: 'webauthn.get' },
        { present: false },
      ] satisfies readonly Lies[]) {
        const newPasskey = createAuthenticator(home).create(optionsOf(page, 'create'), lie);
        page = await person.submit(page, { password, newPasskey, do: 'passkey' });
        expect(textOf(page), JSON.stringify(lie)).to.include('was not accepted');
      }
      const key = createAuthenticator(home);
      const newPasskey = key.create(optionsOf(page, 'create'));
      const wrong = await person.submit(page, { password: 'wrong', newPasskey, do: 'passkey' });
      expect(textOf(wrong)).to.include('The password is wrong');
      expect((await admin('GET', `${users}/${id}/second-factor`)).body).to.include({ enrolled: false, passkeys: 0 });
      expect(codesOn(await person.submit(page, { password, newPasskey, do: 'passkey' }))).to.have.length(10);
      // The same passkey is nobody else's, and its challenge was used.
      const other = await loggedIn();
      const theirs = await other.person.open(at('security'));
      const taken = key.create(optionsOf(theirs, 'create'));
      const refused = await other.person.submit(theirs, { password, newPasskey: taken, do: 'passkey' });
      expect(textOf(refused)).to.include('was not accepted');
      const challenge = /name="challenge" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
      const stolen = new URLSearchParams({
        csrf: /name="csrf" value="([^"]+)"/.exec(theirs.body)?.[1] ?? '',
        challenge,
        password,
        newPasskey: createAuthenticator(home).create(optionsOf(page, 'create')),
        do: 'passkey',
      });
      expect(textOf(await other.person.open(at('security'), stolen))).to.include('was not accepted');
    });

    it('is set up within the log-in where the tenant wants a second factor, by no lie', async () => {
      const { id, username, email } = await somebody(mustProve);
      const person = visitor();
      const { page, verifier } = await enter(person, username);
      expect(isSetup(page), page.body).to.equal(true);
      const key = createAuthenticator(new URL(server.url).origin);
      const other = visitor();
      const elsewhere = (await enter(other, username)).page;
      for (const newPasskey of [
        key.create(optionsOf(page, 'create'), { origin: 'https://evil.example' }),
        key.create(optionsOf(page, 'create'), { challenge: 'A'.repeat(43) }),
        key.create(optionsOf(elsewhere, 'create')),
        '{}',
        'nothing',
      ]) {
        const again = await person.submit(page, { newPasskey, do: 'passkey' });
        expect(isSetup(again), newPasskey).to.equal(true);
        expect(textOf(again)).to.include('This passkey was not accepted');
      }
      expect(isSetup(await person.submit(page, { newPasskey: '', do: 'passkey' }))).to.equal(true);
      expect((await admin('GET', `${users}/${id}/second-factor`)).body).to.include({ enrolled: false });
      const newPasskey = key.create(optionsOf(page, 'create'));
      const shown = await person.submit(page, { newPasskey, do: 'passkey' });
      const codes = codesOn(shown);
      expect(codes).to.have.length(10);
      // The form once more leads to where the person is by now.
      expect(codesOn(await person.submit(page, { newPasskey, do: 'passkey' }))).to.deep.equal(codes);
      const { claims } = await arrive(person, await person.submit(shown, { do: 'saved' }), verifier);
      expect(claims).to.deep.include({ amr: ['pwd', 'hwk', 'mfa'] });
      expect((await admin('GET', `${users}/${id}/second-factor`)).body).to.include({ passkeys: 1, recoveryCodes: 10 });
      expect((await mailed(email, 1))[0]).to.include('A passkey was added.');
      // Who waited at the same page with the password alone sets nothing up any more.
      for (const values of [
        { code: appOf(elsewhere).next(), do: 'confirm' },
        {
          newPasskey: createAuthenticator(new URL(server.url).origin).create(optionsOf(elsewhere, 'create')),
          do: 'passkey',
        },
      ] as readonly Record<string, string>[]) {
        const attacker = visitor();
        for (const [name, value] of other.cookies) attacker.cookies.set(name, value);
        const back = await attacker.submit(elsewhere, values);
        expect(isSetup(back), JSON.stringify(values)).to.equal(false);
        expect(codesOn(back)).to.deep.equal([]);
      }
      expect((await admin('GET', `${users}/${id}/second-factor`)).body)
        .to.include({ passkeys: 1 })
        .and.not.have.property('authenticatorSince');
      // It is what the next log-in asks for.
      const next = visitor();
      const asked = await enter(next, username);
      const passkey = key.use(optionsOf(asked.page, 'get'));
      await arrive(next, await next.submit(asked.page, { passkey, do: 'verify' }), asked.verifier);
    });

    it('and all that goes with it is changed by proof only, and told by mail', async () => {
      const { id, email, person, key } = await withPasskey();
      let page = await person.open(at('security'));
      const home = new URL(server.url).origin;
      const more = () => createAuthenticator(home).create(optionsOf(page, 'create'));
      for (const values of [
        { remove: key.id },
        { do: 'disable' },
        { do: 'codes', password },
        { do: 'begin', password },
        { do: 'passkey', password, newPasskey: more() },
        { remove: key.id, passkey: key.use(optionsOf(page, 'get'), { origin: 'https://evil.example' }) },
      ] as readonly Record<string, string>[]) {
        const answer = await person.submit(page, values);
        expect(answer.body, JSON.stringify(values)).to.include('id="problem"');
      }
      expect((await admin('GET', `${users}/${id}/second-factor`)).body).to.include({ passkeys: 1, recoveryCodes: 10 });
      await admin('POST', `${users}/${id}/unlock`);
      page = await person.open(at('security'));
      const proof = key.use(optionsOf(page, 'get'));
      const added = await person.submit(page, { do: 'passkey', passkey: proof, newPasskey: more() });
      expect(textOf(added)).to.include('The passkey was added');
      // One proof is one change.
      const again = await person.submit(page, { remove: key.id, passkey: proof });
      expect(textOf(again)).to.include('was not accepted');
      const removed = await person.submit(added, { remove: key.id, passkey: key.use(optionsOf(added, 'get')) });
      expect(textOf(removed)).to.include('The passkey was removed');
      expect((await admin('GET', `${users}/${id}/second-factor`)).body).to.include({ enrolled: true, passkeys: 1 });
      const mails = await mailed(email, 3);
      expect(mails.map((mail) => /A passkey was (added|removed)\./.exec(mail)?.[1])).to.deep.equal([
        'removed',
        'added',
        'added',
      ]);
    });
  });

  describe('that the tenant wants', () => {
    it('is set up within the log-in, and the codes are seen before the person goes on', async () => {
      const { username, id } = await somebody(mustProve);
      const person = visitor();
      const { page, verifier } = await enter(person, username);
      expect(isSetup(page), page.body).to.equal(true);
      expect(textOf(page)).to.include('Here everybody proves');
      expect((await person.open(at('manage'))).status).to.equal(401);
      // The fields of the page before and of the one behind mean nothing here.
      for (const values of [
        { do: 'saved' } as Record<string, string>,
        { do: 'verify', code: '123456' },
        { do: 'confirm', code: '000000' },
      ])
        expect(isSetup(await person.submit(page, values)), JSON.stringify(values)).to.equal(true);
      expect((await admin('GET', `${users}/${id}/second-factor`)).body).to.deep.include({
        enrolled: false,
        required: true,
        wrongCodes: 0,
      });
      const app = appOf(page);
      const code = app.next();
      const shown = await person.submit(page, { code, do: 'confirm' });
      const codes = codesOn(shown);
      expect(codes).to.have.length(10);
      // Reloaded before they were noted, they are still there; the first form once more changes nothing.
      expect(codesOn(await person.open(shown.url))).to.deep.equal(codes);
      expect(codesOn(await person.submit(page, { code: app.next(), do: 'confirm' }))).to.deep.equal(codes);
      const next = await person.submit(shown, { do: 'saved' });
      expect(codesOn(next)).to.deep.equal([]);
      const { claims } = await arrive(person, next, verifier);
      expect(claims).to.deep.include({ amr: ['pwd', 'otp', 'mfa'], acr: mfa });
      const other = visitor();
      const second = await enter(other, username);
      expect(asksForCode(second.page)).to.equal(true);
      // The code of the setup was used.
      expect(textOf(await other.submit(second.page, { code, do: 'verify' }))).to.include('was used before');
    });

    it('is set up once: of two tabs the second finds it done', async () => {
      const { username } = await somebody(mustProve);
      const [one, two] = [visitor(), visitor()];
      const [first, second] = [await enter(one, username), await enter(two, username)];
      const app = appOf(first.page);
      const late = appOf(second.page);
      expect(late.secret).not.to.equal(app.secret);
      const shown = await one.submit(first.page, { code: app.next(), do: 'confirm' });
      expect(codesOn(shown)).to.have.length(10);
      const back = new URL((await two.submit(second.page, { code: late.next(), do: 'confirm' })).url);
      expect(back.searchParams.get('error')).to.equal('access_denied');
      expect((await two.open(at('manage'))).status).to.equal(401);
    });

    it('may be declined, and nothing was set up', async () => {
      const { username, id } = await somebody(mustProve);
      const person = visitor();
      const { page } = await enter(person, username);
      const back = new URL((await person.submit(page, { do: 'cancel' })).url);
      expect(back.searchParams.get('error')).to.equal('access_denied');
      expect((await admin('GET', `${users}/${id}/second-factor`)).body).to.include({ enrolled: false });
    });

    it('is nobody’s where the level is off: no page, no claim, no metadata', async () => {
      const partner = `${server.url}/partner`;
      for (const method of ['GET', 'POST'])
        expect((await fetch(`${partner}/session/security`, { method })).status).to.equal(404);
      const metadata = async (issuer: string) =>
        (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as Record<string, unknown>;
      expect(await metadata(partner)).not.to.have.property('acr_values_supported');
      expect((await metadata(server.issuer))['acr_values_supported']).to.deep.equal([mfa]);
    });
  });

  describe('that an app asks for by acr_values', () => {
    it('is asked for in a session that did not prove it, which goes on and keeps the proof', async () => {
      const { username, app } = await enrolled();
      const person = visitor();
      const { page } = await enter(person, username);
      const first = authorizationRequest(server);
      // Remembered here, so that the next log-in proves the password alone.
      await person.submit(page, { code: app.next(), remember: 'yes', do: 'verify' });
      await person.submit(await person.open(`${server.issuer}/session/end`), { do: 'logout' });
      const weak = await enter(person, username);
      expect(asksForCode(weak.page)).to.equal(false);
      const { claims } = await arrive(person, weak.page, weak.verifier);
      expect(claims['amr']).to.deep.equal(['pwd']);
      expect(claims).not.to.have.property('acr');
      // Other apps get in by the session; this one does not, not even silently.
      expect(asksForCode(await person.open(first.url))).to.equal(false);
      const strong = authorizationRequest(server, { acr_values: mfa });
      const silent = authorizationRequest(server, { acr_values: mfa, prompt: 'none' });
      const refused = new URL((await person.open(silent.url)).url);
      expect(refused.searchParams.get('error')).to.equal('login_required');
      const asked = await person.open(strong.url);
      expect(asksForCode(asked)).to.equal(true);
      const wrong = await person.submit(asked, { code: '000000', do: 'verify' });
      const next = await person.submit(wrong, { recovery: app.recovery[0] ?? '', do: 'verify' });
      const { claims: more } = await arrive(person, next, strong.verifier);
      expect(more).to.deep.include({ amr: ['pwd', 'otp', 'mfa'], acr: mfa, auth_time: claims['auth_time'] });
      expect(more['sid']).to.equal(claims['sid']);
      // The session has proved it once and for all.
      const later = authorizationRequest(server, { acr_values: mfa });
      const { claims: kept } = await arrive(person, await person.open(later.url), later.verifier);
      expect(kept).to.deep.include({ acr: mfa, sid: claims['sid'] });
    });

    it('is set up after the password by who has none, whatever session there is', async () => {
      const { username, person } = await loggedIn();
      const asked = authorizationRequest(server, { acr_values: mfa });
      const login = await person.open(asked.url);
      expect(login.body).to.include('name="password"');
      const setup = await person.submit(login, { username, password, do: 'login' });
      expect(isSetup(setup)).to.equal(true);
      const shown = await person.submit(setup, { code: appOf(setup).next(), do: 'confirm' });
      const { claims } = await arrive(person, await person.submit(shown, { do: 'saved' }), asked.verifier);
      expect(claims).to.deep.include({ acr: mfa });
    });

    it('is not by a value that means nothing here', async () => {
      const { person } = await loggedIn();
      const asked = authorizationRequest(server, { acr_values: `${mfa}/more urn:other` });
      const { claims } = await arrive(person, await person.open(asked.url), asked.verifier);
      expect(claims).not.to.have.property('acr');
      expect(claims['amr']).to.deep.equal(['pwd']);
    });
  });

  describe('on a device that is remembered', () => {
    /** Enrolled, remembered here, and logged in here by the password alone. */
    async function remembered() {
      const known = await enrolled();
      const person = visitor();
      const { page, verifier } = await enter(person, known.username);
      expect(textOf(page)).to.include('Remember this device for 30 days');
      const next = await person.submit(page, { code: known.app.next(), remember: 'yes', do: 'verify' });
      await arrive(person, next, verifier);
      await person.submit(await person.open(`${server.issuer}/session/end`), { do: 'logout' });
      const again = await enter(person, known.username);
      expect(asksForCode(again.page)).to.equal(false);
      await arrive(person, again.page, again.verifier);
      return { ...known, home: known.person, person };
    }
    const isForgotten = async (person: Person, username: string, word = password) => {
      await person.submit(await person.open(`${server.issuer}/session/end`), { do: 'logout' }).catch(() => undefined);
      return asksForCode((await enter(person, username, { prompt: 'login' }, word)).page);
    };

    it('is not asked for, but neither for another person nor on another device', async () => {
      const { username, person } = await remembered();
      expect(asksForCode((await enter(visitor(), username)).page)).to.equal(true);
      const { username: other } = await enrolled();
      expect(asksForCode((await enter(person, other, { prompt: 'login' })).page)).to.equal(true);
      const device = '/demo sallyport_device';
      const value = person.cookies.get(device) ?? '';
      expect(value).to.match(/^[A-Za-z0-9_-]{43}$/);
      person.cookies.set(device, `${value.slice(0, -1)}${value.endsWith('A') ? 'B' : 'A'}`);
      expect(asksForCode((await enter(person, username, { prompt: 'login' })).page)).to.equal(true);
    });

    it('is no proof for the pages of the person’s own: nothing is seen or done there before the code', async () => {
      const { id, username, person, app } = await remembered();
      const pages = ['manage', 'links', 'password', 'security'];
      let asked = await person.open(at('manage'));
      for (const page of pages) {
        asked = await person.open(at(page));
        expect(asked.url, page).to.equal(`${server.issuer}/session/second-factor?next=${page}`);
        expect(asksForCode(asked), page).to.equal(true);
      }
      // The token of this form is good for all of them.
      const csrf = /name="csrf" value="([^"]+)"/.exec(asked.body)?.[1] ?? '';
      const tries: Readonly<Record<string, Record<string, string>>> = {
        manage: { others: 'end' },
        links: { password, link: 'partner' },
        password: { current: password, password: 'something else 77', again: 'something else 77', do: 'save' },
        security: { do: 'disable', password },
      };
      for (const [page, values] of Object.entries(tries)) {
        const answer = await person.open(at(page), new URLSearchParams({ csrf, ...values }));
        expect(asksForCode(answer), page).to.equal(true);
      }
      for (const values of [{ do: 'codes' }, { do: 'forget' }, { do: 'begin', password }]) {
        const form = new URLSearchParams({ csrf, ...(values as Record<string, string>) });
        const answer = await person.open(at('security'), form);
        expect(asksForCode(answer), `${JSON.stringify(values)} ${answer.status} ${textOf(answer)}`).to.equal(true);
      }
      expect((await admin('GET', `${users}/${id}/second-factor`)).body).to.include({
        enrolled: true,
        recoveryCodes: 10,
        rememberedDevices: 1,
      });
      const other = visitor();
      expect(asksForCode((await enter(other, username)).page), 'the password is the same').to.equal(true);
      const wrong = await person.submit(asked, { code: '000000', do: 'verify' });
      expect(textOf(wrong)).to.include('This code is wrong');
      expect((await person.submit(wrong, { do: 'cancel' })).body).to.include('value="logout"');
      const security = await person.submit(wrong, { recovery: app.recovery[0] ?? '', do: 'verify' });
      expect(security.url).to.equal(at('security'));
      expect(textOf(security)).to.include('One device is not asked').and.include('Recovery codes left 9');
      // Who has proved it is not asked twice, and is led nowhere else.
      expect((await person.open(`${at('second-factor')}?next=https://evil.example/`)).url).to.equal(at('manage'));
    });

    it('is forgotten where the person wants it', async () => {
      const { username, person, home } = await remembered();
      const done = await home.submit(await home.open(at('security')), { do: 'forget' });
      expect(textOf(done)).to.include('asked for a code again').and.not.include('One device');
      expect(await isForgotten(person, username)).to.equal(true);
    });

    it('is forgotten when the password changes', async () => {
      const { username, person, home } = await remembered();
      const chosen = 'a lantern for an otter';
      const changed = await home.submit(await home.open(at('password')), {
        current: password,
        password: chosen,
        again: chosen,
        do: 'save',
      });
      expect(textOf(changed)).to.include('Your password was changed');
      expect(await isForgotten(person, username, chosen)).to.equal(true);
      // The session goes on with what it had proved.
      expect((await home.open(at('security'))).url).to.equal(at('security'));
    });

    it('is forgotten when an administrator sets the password, and when the second factor is reset', async () => {
      const { id, username, person } = await remembered();
      const chosen = 'a lantern for an otter';
      expect((await admin('PUT', `${users}/${id}/password`, { password: chosen })).status).to.equal(204);
      expect(await isForgotten(person, username, chosen)).to.equal(true);
    });
  });

  describe('and a forgotten password', () => {
    it('are two things: who chose another one by mail is asked for the code, however many were wrong', async () => {
      const { id, username, email, app } = await enrolled();
      const thief = visitor();
      let { page } = await enter(thief, username);
      for (let wrong = 0; wrong < 5; wrong += 1) page = await thief.submit(page, { code: '000000', do: 'verify' });
      await thief.submit(await thief.open(`${server.issuer}/password/forgotten`), { username });
      const mailed = new RegExp(`to ${email}[\\s\\S]*?href="([^"]+link=[A-Za-z0-9_-]{43})"`);
      let address: string | undefined;
      for (let round = 0; round < 100 && address === undefined; round += 1) {
        const mails = await (await fetch(`${server.url}/mail`)).text();
        address = mailed.exec(mails)?.[1]?.replaceAll('&#x2F;', '/').replaceAll('&#x3D;', '=');
        if (address === undefined) await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const chosen = 'a lantern for an otter';
      const done = await thief.submit(await thief.open(address ?? ''), { password: chosen, again: chosen, do: 'save' });
      expect(textOf(done)).to.include('Your password was changed');
      expect((await thief.open(at('security'))).status).to.equal(401);
      page = (await enter(thief, username, {}, chosen)).page;
      expect(asksForCode(page)).to.equal(true);
      page = await thief.submit(page, { code: app.next(), do: 'verify' });
      expect(textOf(page)).to.include('Too many wrong codes');
      await admin('POST', `${users}/${id}/unlock`);
    });
  });

  describe('is changed', () => {
    it('by a code only: new recovery codes, and none at all', async () => {
      const { person, app } = await enrolled();
      let page = await person.open(at('security'));
      // A button pressed with nothing in the field is no attempt.
      for (let press = 0; press < 6; press += 1) page = await person.submit(page, { do: 'codes' });
      expect(textOf(page)).to.include('This code is wrong');
      for (const what of ['codes', 'disable']) {
        page = await person.submit(page, { do: what });
        expect(textOf(page)).to.include('This code is wrong');
        page = await person.submit(page, { do: what, password, code: '000000' });
        expect(textOf(page)).to.include('This code is wrong');
      }
      const renewed = await person.submit(page, { do: 'codes', code: app.next() });
      const codes = codesOn(renewed);
      expect(codes).to.have.length(10).and.not.include(app.recovery[0]);
      const security = await person.submit(renewed, { do: 'saved' });
      const old = await person.submit(security, { do: 'disable', recovery: app.recovery[0] ?? '' });
      expect(textOf(old)).to.include('This code is wrong');
    });

    it('by its person, who then needs the password alone', async () => {
      const { id, username, person, app } = await enrolled();
      const page = await person.submit(await person.open(at('security')), {
        do: 'disable',
        recovery: app.recovery[0] ?? '',
      });
      expect(textOf(page)).to.include('You need no code any more');
      expect((await admin('GET', `${users}/${id}/second-factor`)).body).to.include({
        enrolled: false,
        recoveryCodes: 0,
      });
      const other = visitor();
      const { page: next, verifier } = await enter(other, username);
      expect((await arrive(other, next, verifier)).claims['amr']).to.deep.equal(['pwd']);
      // And may set it up anew, with the secret of another.
      const setup = await person.submit(page, { password, do: 'begin' });
      expect(appOf(setup).secret).not.to.equal(app.secret);
    });

    it('by an administrator: sessions end, and the trail says who did it', async () => {
      const { id, username, person } = await enrolled();
      expect((await admin('DELETE', `${users}/${id}/second-factor`)).status).to.equal(204);
      expect((await person.open(at('manage'))).status).to.equal(401);
      expect(asksForCode((await enter(visitor(), username)).page)).to.equal(false);
      const trail = itemsOf(await admin('GET', `/tenants/demo/audit?userId=${id}&limit=100`));
      const types = trail.map(({ type }) => type);
      expect(types).to.include.members(['second-factor.enrolled', 'admin.user.second-factor-reset']);
      expect((await admin('DELETE', `${users}/nobody/second-factor`)).status).to.equal(404);
      expect((await admin('GET', `${users}/nobody/second-factor`)).status).to.equal(404);
    });

    it('and the person is told by mail, in their language, with the time and no secret', async () => {
      const { id, username, email, person, app } = await enrolled();
      const page = await person.open(at('security'));
      const renewed = await person.submit(page, { do: 'codes', recovery: app.recovery[0] ?? '' });
      const codes = codesOn(renewed);
      const security = await person.submit(renewed, { do: 'saved' });
      await person.submit(
        { ...security, body: security.body.replace(/action="([^"]+)"/, 'action="$1?ui_locales=de"') },
        {
          do: 'disable',
          recovery: codes[0] ?? '',
        },
      );
      expect((await admin('PUT', `${users}/${id}/password`, { password: 'one more of many words' })).status).to.equal(
        204,
      );
      await admin('DELETE', `${users}/${id}/second-factor`);
      const mails = await mailed(email, 7);
      const changes = [
        'An administrator took the second factor away',
        'An administrator set another password.',
        'Der zweite Faktor wurde abgeschaltet.',
        'Ein Wiederherstellungscode wurde anstelle',
        'New recovery codes were made.',
        'A recovery code was used in place',
        'An authenticator app was set up as a second factor.',
      ];
      // What happens at one moment may come in any order.
      expect(mails).to.have.length(changes.length);
      for (const change of changes)
        expect(
          mails.filter((mail) => mail.includes(change)),
          change,
        ).to.have.length(1);
      for (const mail of mails) {
        expect(mail)
          .to.include(username)
          .and.match(/20\d\d.* UTC/);
        for (const secret of [app.secret, ...app.recovery, ...codes]) expect(mail).to.not.include(secret);
      }
      // Nobody is told of what did not happen, and nobody without an address of anything.
      const { person: other, email: theirs } = await loggedIn();
      await other.submit(await other.open(at('security')), { password: 'wrong', do: 'begin' });
      const { id: nameless } = await somebody({ email: undefined });
      await admin('DELETE', `${users}/${nameless}/second-factor`);
      expect(await mailed(theirs, 0)).to.deep.equal([]);
    });

    it('by nobody without the token of its form', async () => {
      const { person, app } = await enrolled();
      for (const page of ['security', 'second-factor'])
        for (const visit of [person, visitor()]) {
          const form = new URLSearchParams({ do: 'disable', code: app.next() });
          expect((await visit.open(at(page), form)).status).to.equal(403);
        }
      expect((await visitor().open(at('security'))).status).to.equal(401);
      expect((await visitor().open(at('second-factor'))).status).to.equal(401);
    });
  });

  it('leaves no secret and no code in the audit trail, the admin API or the traces', async () => {
    const { id, app } = await enrolled();
    const told = await Promise.all(
      ['', '/second-factor'].map(async (path) => JSON.stringify((await admin('GET', `${users}/${id}${path}`)).body)),
    );
    told.push(JSON.stringify((await admin('GET', '/tenants/demo/audit?limit=200')).body));
    for (const text of told)
      for (const secret of [app.secret, ...app.recovery]) expect(text.includes(secret)).to.equal(false);
  });
});
