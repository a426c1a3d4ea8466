/** People choose another password: because they must, in the middle of a log-in, or because they want to. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { breachKeyOf } from '../../engine/identity/password.ts';
import { type Admin, asAdmin } from '../admin/support.ts';
import { authorizationRequest, logIn, postForm, redeem } from '../support/oauth.ts';
import { createPerson, type Page, type Person } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const users = '/tenants/demo/users';
const initial = 'given-by-somebody';
const chosen = 'a lantern for an otter';
const textOf = ({ body }: Page) => body.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');

describe('a new password', function () {
  this.timeout(120_000);
  let server: TestServer;
  let admin: Admin;
  let count = 0;
  before(async () => {
    server = await startTestServer({
      prepare: async (config) => {
        const path = join(config, 'demo/tenant.json');
        const document = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
        await writeFile(
          join(config, 'demo/breached.txt'),
          `stolen by many\r\n${breachKeyOf('stolen in secret')}:12\n${breachKeyOf('stolen in lower case').toLowerCase()}\r\n`,
        );
        document['passwords'] = { minimumLength: 10, maximumLength: 96, breachedList: 'breached.txt', history: 2 };
        await writeFile(path, JSON.stringify(document));
      },
    });
    admin = await asAdmin(server);
  });
  after(() => server.close());

  async function somebody(more: object = {}): Promise<{ readonly username: string; readonly id: string }> {
    count += 1;
    const username = `person-${count}`;
    const made = await admin('POST', users, {
      username,
      password: initial,
      authorities: [{ permission: 'ROLE_FHIR_CLIENT' }],
      defaultLaunchContexts: [{ contextType: 'Patient', resourceId: '123' }],
      ...more,
    });
    expect(made.status, JSON.stringify(made.body)).to.equal(201);
    return { username, id: String(made.body['id']) };
  }
  const enter = async (person: Person, username: string, password: string) => {
    const { url, verifier } = authorizationRequest(server);
    const page = await person.open(url);
    return { page: await person.submit(page, { username, password, do: 'login' }), verifier };
  };
  const isNewPasswordPage = (page: Page) => page.body.includes('name="again"');

  describe('that a person must choose', () => {
    it('leads on to the app, and is the one that counts from then on', async () => {
      const { username, id } = await somebody({ mustChangePassword: true });
      const person = createPerson(server.url);
      const { page, verifier } = await enter(person, username, initial);
      expect(isNewPasswordPage(page)).to.equal(true);
      expect(page.status).to.equal(200);
      const next = await person.submit(page, { password: chosen, again: chosen, do: 'save' });
      const back = await person.walk(next, { username });
      const tokens = await redeem(server, back.searchParams.get('code') ?? '', verifier);
      expect(tokens.status).to.equal(200);
      const shown = await admin('GET', `${users}/${id}`);
      expect(shown.body).not.to.have.property('mustChangePassword');
      expect(shown.body['passwordChangedAt']).to.match(/^\d{4}-/);
      expect(JSON.stringify(shown.body)).not.to.match(/argon2|passwordHistory/);
      const old = await enter(createPerson(server.url), username, initial);
      expect(old.page.body).to.include('User name or password is wrong');
      expect(isNewPasswordPage((await enter(createPerson(server.url), username, chosen)).page)).to.equal(false);
    });

    const refused: Readonly<Record<string, readonly [string, string, string]>> = {
      'the second is not the first': [chosen, `${chosen}!`, 'are not the same'],
      'there is no second': [chosen, '', 'are not the same'],
      'it is too short': ['nine-char', 'nine-char', 'needs at least 10 characters'],
      'it is on the list': ['stolen by many', 'stolen by many', 'stolen'],
      'its SHA-1 is on the list': ['stolen in secret', 'stolen in secret', 'stolen'],
      'its SHA-1 is on the list in small letters': ['stolen in lower case', 'stolen in lower case', 'stolen'],
      'it is longer than the tenant wants': ['long '.repeat(20), 'long '.repeat(20), '96 characters are the most'],
      'it is the present one': [initial, initial, 'had this password before'],
    };
    for (const [title, [password, again, sentence]] of Object.entries(refused))
      it(`is not set where ${title}`, async () => {
        const { username, id } = await somebody({ mustChangePassword: true });
        const person = createPerson(server.url);
        const { page } = await enter(person, username, initial);
        const next = await person.submit(page, { password, again, do: 'save' });
        expect(isNewPasswordPage(next)).to.equal(true);
        expect(textOf(next)).to.include(sentence);
        expect(next.body).not.to.include(password);
        expect((await admin('GET', `${users}/${id}`)).body).to.have.property('mustChangePassword', true);
        // What follows is not reached around it.
        const session = await fetch(`${server.issuer}/session/manage`, {
          headers: { cookie: [...person.cookies].map(([name, value]) => `${name.split(' ')[1]}=${value}`).join('; ') },
        });
        expect(session.status).to.equal(401);
      });

    it('is not set by the form of another browser, nor of another state', async () => {
      const { username, id } = await somebody({ mustChangePassword: true });
      const { page } = await enter(createPerson(server.url), username, initial);
      const stranger = await createPerson(server.url).submit(page, { password: chosen, again: chosen, do: 'save' });
      expect(stranger.status).to.equal(400);
      expect((await admin('GET', `${users}/${id}`)).body).to.have.property('mustChangePassword', true);
      const person = createPerson(server.url);
      const { url } = authorizationRequest(server);
      const login = await person.open(url);
      // Nobody has proven who they are: the fields of the later page mean nothing here.
      const skipped = await person.submit(login, { username, password: chosen, again: chosen, do: 'save' });
      expect(skipped.body).to.include('name="username"');
      expect(isNewPasswordPage(skipped)).to.equal(false);
    });

    it('is not set by who proved a password that an administrator replaced meanwhile', async () => {
      const { username, id } = await somebody({ mustChangePassword: true });
      const thief = createPerson(server.url);
      const { page } = await enter(thief, username, initial);
      expect(isNewPasswordPage(page)).to.equal(true);
      const replaced = 'set by an administrator';
      expect((await admin('PUT', `${users}/${id}/password`, { password: replaced })).status).to.equal(204);
      const back = new URL((await thief.submit(page, { password: chosen, again: chosen, do: 'save' })).url);
      expect(back.searchParams.get('error')).to.equal('access_denied');
      expect((await enter(createPerson(server.url), username, chosen)).page.body).to.include('password is wrong');
      expect((await enter(createPerson(server.url), username, replaced)).page.body).not.to.include('password is wrong');
    });

    it('may be declined: the app hears that the person did not log in', async () => {
      const { username } = await somebody({ mustChangePassword: true });
      const person = createPerson(server.url);
      const { page } = await enter(person, username, initial);
      const back = new URL((await person.submit(page, { do: 'cancel' })).url);
      expect(back.searchParams.get('error')).to.equal('access_denied');
    });
  });

  describe('that a person wants', () => {
    const account = async () => {
      const { username, id } = await somebody();
      const person = createPerson(server.url);
      const tokens = await logInAs(person, username, initial);
      return { username, id, person, tokens };
    };
    const logInAs = async (person: Person, username: string, password: string) => {
      const { url, verifier } = authorizationRequest(server);
      const back = await person.walk(await person.open(url), { username, password });
      return redeem(server, back.searchParams.get('code') ?? '', verifier);
    };
    const address = () => `${server.issuer}/session/password`;

    it('takes the present one, ends all other sessions, and keeps what apps were given', async () => {
      const { username, person, tokens } = await account();
      const elsewhere = createPerson(server.url);
      await logInAs(elsewhere, username, initial);
      const manage = await person.open(`${server.issuer}/session/manage`);
      expect(manage.body).to.include('session&#x2F;password"');
      const before = person.cookies.get('/demo sallyport_session');
      const done = await person.submit(await person.open(address()), {
        current: initial,
        password: chosen,
        again: chosen,
        do: 'save',
      });
      expect(done.url).to.match(/\/session\/manage\?password=changed$/);
      expect(textOf(done)).to.include('Your password was changed');
      expect(person.cookies.get('/demo sallyport_session')).not.to.equal(before);
      expect((await elsewhere.open(`${server.issuer}/session/manage`)).status).to.equal(401);
      const refreshed = await postForm(`${server.issuer}/oauth/token`, {
        grant_type: 'refresh_token',
        refresh_token: String(tokens.body['refresh_token']),
        client_id: 'sample-native',
      });
      expect(refreshed.status).to.equal(200);
      expect((await enter(createPerson(server.url), username, initial)).page.body).to.include('password is wrong');
    });

    it('is not set with a wrong one, which counts as a failed log-in and locks in the end', async () => {
      const { username, id, person } = await account();
      let page = await person.open(address());
      for (let attempt = 0; attempt < 5; attempt += 1) {
        page = await person.submit(page, { current: `wrong-${attempt}`, password: chosen, again: chosen, do: 'save' });
        expect(textOf(page)).to.include('The present password is wrong');
      }
      const shown = (await admin('GET', `${users}/${id}`)).body;
      expect(shown['failedLogins']).to.equal(5);
      expect(Date.parse(String(shown['lockedUntil']))).to.be.above(Date.now());
      page = await person.submit(page, { current: initial, password: chosen, again: chosen, do: 'save' });
      expect(textOf(page)).to.include('The present password is wrong');
      expect((await admin('POST', `${users}/${id}/unlock`)).status).to.equal(204);
      expect((await admin('GET', `${users}/${id}`)).body).not.to.have.property('lockedUntil');
      page = await person.submit(page, { current: initial, password: chosen, again: chosen, do: 'save' });
      expect(textOf(page)).to.include('Your password was changed');
      await logIn(server, createPerson(server.url), 'jane');
      expect((await enter(createPerson(server.url), username, chosen)).page.body).not.to.include('password is wrong');
    });

    it('is not set where a rule is not met, and says which', async () => {
      const { person } = await account();
      const page = await person.submit(await person.open(address()), {
        current: initial,
        password: 'short',
        again: 'short',
        do: 'save',
      });
      expect(page.status).to.equal(200);
      expect(textOf(page)).to.include('It needs at least 10 characters');
    });

    it('is not set by a form without its token, or by nobody', async () => {
      const { username, person } = await account();
      const form = new URLSearchParams({ current: initial, password: chosen, again: chosen, do: 'save' });
      expect((await person.open(address(), form)).status).to.equal(403);
      expect((await createPerson(server.url).open(address(), form)).status).to.equal(403);
      expect((await createPerson(server.url).open(address())).status).to.equal(401);
      expect((await enter(createPerson(server.url), username, initial)).page.body).not.to.include('password is wrong');
    });

    it('is left alone by who goes back', async () => {
      const { person } = await account();
      const page = await person.submit(await person.open(address()), { do: 'cancel' });
      expect(page.url).to.match(/\/session\/manage$/);
    });
  });

  describe('set by an administrator', () => {
    it('obeys the rules, and says which one is not met', async () => {
      const { id } = await somebody();
      for (const [password, sentence] of [
        ['nine-char', 'too few characters'],
        ['stolen by many', 'breached'],
        [initial, 'had it before'],
      ]) {
        const answer = await admin('PUT', `${users}/${id}/password`, { password });
        expect(answer.status).to.equal(400);
        expect(answer.body).to.include({ code: 'password-refused' });
        expect(String(answer.body['detail'])).to.include(sentence);
        expect(JSON.stringify(answer.body)).not.to.include(String(password));
      }
      const made = await admin('POST', users, { username: 'somebody-else', password: 'somebody-else-2026' });
      expect(made.body).to.include({ code: 'password-refused' });
      expect((await admin('GET', `${users}?search=somebody-else`)).body['items']).to.deep.equal([]);
    });

    it('and to be changed at the next log-in', async () => {
      const { username, id } = await somebody();
      expect(
        (await admin('PATCH', `${users}/${id}`, { password: 'for the time being', mustChangePassword: true })).status,
      ).to.equal(200);
      const { page } = await enter(createPerson(server.url), username, 'for the time being');
      expect(isNewPasswordPage(page)).to.equal(true);
    });
  });
});
