/** A session that began at oidc-provider: how it ends there, how it is checked there, and accounts there linked with accounts here. */
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { asAdmin, itemsOf } from '../admin/support.ts';
import { authorizationRequest, logIn, redeem } from '../support/oauth.ts';
import { createPerson, type Page, type Person } from '../support/person.ts';
import { freePort, type TestServer } from '../support/server.ts';
import { addProvider, arrive, chooseProvider, editTenant, foreignUsers, logInThere } from './federated-stage.ts';
import { clientId, clientSecret, type ForeignProvider, startForeignProvider } from './foreign-provider.ts';
import { onPostgres } from './stage.ts';

const afterwards = 'http://127.0.0.1:45678/after';
let port = 0;

async function prepare(config: string): Promise<void> {
  port = await freePort();
  await editTenant(config, 'demo', (tenant) => {
    addProvider(tenant, port, {
      id: 'foreign',
      name: 'Foreign Organization',
      clientId,
      clientSecret,
      scopes: ['profile', 'email'],
      endSession: true,
      recheckSeconds: 2,
      defaultAuthorities: [{ permission: 'FHIR_ALL_READ' }],
    });
    for (const client of tenant['clients'] as Record<string, unknown>[])
      if (client['clientId'] === 'sample-native') client['postLogoutRedirectUris'] = [afterwards];
  });
}

onPostgres(
  'a session that began at oidc-provider',
  (server) => {
    let provider: ForeignProvider;
    const startProvider = () => startForeignProvider(port, [`${server().issuer}/federation/callback/foreign`]);
    before(async () => {
      provider = await startProvider();
    });
    after(() => provider?.close());

    async function enter(name: string, there = createPerson(provider.issuer), person?: Person) {
      const journey = await chooseProvider(server(), 'foreign', {}, person);
      const answer = await arrive(
        server(),
        journey,
        await logInThere(journey.away, { login: name, do: 'log-in' }, there),
      );
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      return { ...journey, there, idToken: String(answer.body['id_token']) };
    }
    async function silent(person: Person): Promise<string> {
      const { searchParams } = new URL((await person.open(authorizationRequest(server(), { prompt: 'none' }).url)).url);
      const error = searchParams.get('error') ?? 'none';
      // Whoever is logged in may have to choose a patient, which cannot be done without a page.
      return ['none', 'interaction_required'].includes(error) ? 'logged in' : error;
    }

    it('ends there when it ends here, and the person comes back to where the app wanted them', async () => {
      const { person, there, idToken } = await enter('ada');
      const query = new URLSearchParams({
        id_token_hint: idToken,
        post_logout_redirect_uri: afterwards,
        state: 'from the app',
      });
      provider.refreshTokens.length = 0;
      const away = new URL((await person.open(`${server().issuer}/session/end?${query}`)).url);
      expect(away.origin).to.equal(provider.issuer);
      expect(Object.fromEntries(away.searchParams)).to.include({
        client_id: clientId,
        post_logout_redirect_uri: `${server().issuer}/session/ended`,
      });
      expect(decodeJwt(away.searchParams.get('id_token_hint') ?? '')).to.include({ iss: provider.issuer, sub: 'ada' });
      expect(away.href).to.not.include('after').and.not.include('from');
      expect(provider.refreshTokens).to.include('destroyed');
      expect(await silent(person)).to.equal('login_required');

      const asked = await there.open(away.href);
      const back = new URL((await there.submit(asked, { logout: 'yes' })).url);
      expect(`${back.origin}${back.pathname}`).to.equal(`${server().issuer}/session/ended`);
      const end = new URL((await person.open(back.href)).url);
      expect(end.origin + end.pathname).to.equal(afterwards);
      expect(end.searchParams.get('state')).to.equal('from the app');
      // They are logged out there: the next log-in asks for the name.
      const next = await chooseProvider(server(), 'foreign');
      expect((await there.open(next.away.href)).body).to.include('Foreign organization');
    });

    it('ends on our own page where no app asked, after the person agreed', async () => {
      const { person, there } = await enter('ada');
      const question = await person.open(`${server().issuer}/session/end`);
      expect(question.body).to.include('Log out?');
      const away = await person.submit(question, { do: 'logout' });
      expect(new URL(away.url).origin).to.equal(provider.issuer);
      expect(new URL(away.url).searchParams.has('state')).to.equal(false);
      const back = await there.submit(await there.open(away.url), { logout: 'yes' });
      expect((await person.open(back.url)).body).to.include('You are logged out.');
    });

    const isRevoked = async (): Promise<boolean> => {
      for (let attempt = 0; attempt < 100 && !provider.refreshTokens.includes('destroyed'); attempt += 1)
        await setTimeout(50);
      return provider.refreshTokens.includes('destroyed');
    };
    const waysToEnd: Readonly<Record<string, (person: Person, name: string) => Promise<void>>> = {
      'the person elsewhere': async (_person, name) => {
        const elsewhere = (await enter(name)).person;
        const page = await elsewhere.open(`${server().issuer}/session/manage`);
        const ids = [...page.body.matchAll(/name="end" value="([^"]+)"/g)].map(([, id = '']) => id);
        await elsewhere.submit(page, { end: ids[1] ?? '' });
      },
      'the person elsewhere, with all others': async (_person, name) => {
        const elsewhere = (await enter(name)).person;
        await elsewhere.submit(await elsewhere.open(`${server().issuer}/session/manage`), { others: 'end' });
      },
      'an administrator': async (_person, name) => {
        const admin = await asAdmin(server());
        const user = (await foreignUsers(server())).find(
          ({ external }) => (external as { subject: string }).subject === name,
        );
        const [session] = itemsOf(await admin('GET', `/tenants/demo/users/${user?.id}/sessions`));
        expect((await admin('DELETE', `/tenants/demo/users/${user?.id}/sessions/${session?.['id']}`)).status).to.equal(
          204,
        );
      },
      'an administrator, who disables the person': async (_person, name) => {
        const admin = await asAdmin(server());
        const user = (await foreignUsers(server())).find(
          ({ external }) => (external as { subject: string }).subject === name,
        );
        expect((await admin('PATCH', `/tenants/demo/users/${user?.id}`, { enabled: false })).status).to.equal(200);
      },
    };
    for (const [index, [who, end]] of Object.entries(waysToEnd).entries())
      it(`its refresh token is revoked there when it is ended here by ${who}`, async () => {
        const name = `ended-${index}`;
        provider.people[name] = { given_name: 'Ended', family_name: name, email: `${name}@foreign.example` };
        const { person } = await enter(name);
        provider.refreshTokens.length = 0;
        await end(person, name);
        expect(await isRevoked()).to.equal(true);
        expect(await silent(person)).to.equal('login_required');
      });

    it('a state that is made up, changed or of another tenant leads nowhere but to our own page', async () => {
      const { person, idToken } = await enter('grace');
      const query = new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: afterwards });
      const away = new URL((await person.open(`${server().issuer}/session/end?${query}`)).url);
      const state = away.searchParams.get('state') ?? '';
      const stranger = createPerson(server().url);
      const open = (tenant: string, text: string) =>
        stranger.open(`${server().url}/${tenant}/session/ended?state=${encodeURIComponent(text)}`);
      const changed = `${state.slice(0, -4)}${state.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`;
      for (const [tenant, text] of [
        ['demo', 'https://evil.example/'],
        ['demo', JSON.stringify({ onward: 'https://evil.example/', until: Date.now() * 2 })],
        ['demo', changed],
        ['partner', state],
      ] as const)
        expect((await open(tenant, text)).body, text).to.include('You are logged out.');
      expect((await open('demo', state)).url).to.equal(afterwards);
    });

    it('a log-in by password has nothing to do with the provider', async () => {
      const person = createPerson(server().url);
      const { body } = await logIn(server(), person, 'jane');
      const query = new URLSearchParams({
        id_token_hint: String(body['id_token']),
        post_logout_redirect_uri: afterwards,
      });
      expect((await person.open(`${server().issuer}/session/end?${query}`)).url).to.equal(afterwards);
    });

    it('is over where there is no log-out there, or nobody answers', async () => {
      const { person, idToken } = await enter('ada');
      await provider.close();
      try {
        const query = new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: afterwards });
        await person.open(`${server().issuer}/session/end?${query}`);
        expect(await silent(person)).to.equal('login_required');
      } finally {
        provider = await startProvider();
      }
    });

    it('goes on while the provider vouches for it, with name and e-mail as they are there by now', async () => {
      provider.people['renewed'] = { given_name: 'Old', family_name: 'Name', email: 'old@foreign.example' };
      const { person } = await enter('renewed');
      expect(await silent(person)).to.equal('logged in');
      provider.people['renewed'] = { given_name: 'New', family_name: 'Name', email: 'new@foreign.example' };
      provider.refreshTokens.length = 0;
      await setTimeout(2100);
      expect(await silent(person)).to.equal('logged in');
      const user = (await foreignUsers(server())).find(
        ({ external }) => (external as { subject: string }).subject === 'renewed',
      );
      expect(user).to.include({ givenName: 'New', email: 'new@foreign.example' });
      await setTimeout(2100);
      // The refresh token it got the time before serves it again.
      expect(await silent(person)).to.equal('logged in');
    });

    it('ends with its tokens as soon as the provider does not know the person any more', async () => {
      provider.people['gone'] = { given_name: 'Soon', family_name: 'Gone', email: 'gone@foreign.example' };
      const { person } = await enter('gone');
      delete provider.people['gone'];
      expect(await silent(person), 'before it is time to ask').to.equal('logged in');
      await setTimeout(2100);
      expect(await silent(person)).to.equal('login_required');
      provider.people['gone'] = { given_name: 'Back', family_name: 'Again', email: 'gone@foreign.example' };
      expect(await silent(person), 'it does not come back').to.equal('login_required');
      const admin = await asAdmin(server());
      const ended = itemsOf(await admin('GET', '/tenants/demo/audit?type=session.ended'));
      expect(ended[0]).to.include({ reason: 'provider-refused' });
    });

    it('is not reused while the provider is down, and is again when it is back', async () => {
      const { person } = await enter('ada');
      await setTimeout(2100);
      await provider.close();
      expect(await silent(person)).to.equal('login_required');
      expect(await silent(person), 'nor a moment later').to.equal('login_required');
      provider = await startProvider();
      // Its memory went with it, so this refresh token is unknown by now.
      expect(await silent(person)).to.equal('login_required');
    });
  },
  { prepare },
);

onPostgres(
  'accounts that are linked',
  (server) => {
    let provider: ForeignProvider;
    before(async () => {
      provider = await startForeignProvider(port, [`${server().issuer}/federation/callback/foreign`]);
    });
    after(() => provider?.close());

    const linksOf = (from: TestServer) => `${from.issuer}/session/links`;
    async function local(username: string): Promise<Person> {
      const person = createPerson(server().url);
      expect((await logIn(server(), person, username)).status).to.equal(200);
      return person;
    }
    async function ask(person: Person, password = 'demo-password'): Promise<Page> {
      return person.submit(await person.open(linksOf(server())), { link: 'foreign', password });
    }
    async function enter(name: string): Promise<{ readonly sub: string; readonly person: Person }> {
      const journey = await chooseProvider(server(), 'foreign');
      const back = await logInThere(journey.away, { login: name, do: 'log-in' });
      const app = await journey.person.walk(await journey.person.open(back.href), { username: '' });
      const { body } = await redeem(server(), app.searchParams.get('code') ?? '', journey.verifier);
      return { sub: String(decodeJwt(String(body['id_token'])).sub), person: journey.person };
    }
    const accountOf = async (username: string) => {
      const admin = await asAdmin(server());
      return itemsOf(await admin('GET', `/tenants/demo/users?search=${username}&limit=200`)).find(
        (user) => user['username'] === username,
      );
    };

    it('a person links an account by their password here and a log-in there, and may log in with it since', async () => {
      provider.people['jane-there'] = { given_name: 'Not', family_name: 'Jane', email: 'not@foreign.example' };
      const before = await accountOf('jane');
      const person = await local('jane');
      expect((await person.open(`${server().issuer}/session/manage`)).body).to.include('Linked accounts');
      const away = await ask(person);
      expect(new URL(away.url).searchParams.get('prompt')).to.equal('login');
      const back = await logInThere(new URL(away.url), { login: 'jane-there', do: 'log-in' });
      const done = await person.open(back.href);
      expect(done.body).to.include('The account is linked.').and.include('Take the link away');

      expect((await enter('jane-there')).sub).to.equal('jane');
      // What they are here is not the provider's to change.
      const { failedLogins: _failed, ...same } = before ?? {};
      expect(await accountOf('jane')).to.deep.include(same);
      expect((await foreignUsers(server())).map(({ external }) => external)).to.not.deep.include({
        provider: 'foreign',
        subject: 'jane-there',
      });
      const admin = await asAdmin(server());
      expect(itemsOf(await admin('GET', '/tenants/demo/audit?type=account.linked'))).to.have.length(1);
    });

    it("the same account is nobody else's, and neither is one that somebody logs in with already", async () => {
      const other = await local('drsmith');
      const away = await ask(other);
      const taken = await other.open((await logInThere(new URL(away.url), { login: 'jane-there', do: 'log-in' })).href);
      expect(taken.body).to.include('That account is linked with somebody else here.');
      const { sub } = await enter('grace');
      const again = await ask(other);
      const used = await other.open((await logInThere(new URL(again.url), { login: 'grace', do: 'log-in' })).href);
      expect(used.body).to.include('That account is linked with somebody else here.');
      expect((await enter('grace')).sub).to.equal(sub);
      expect((await enter('jane-there')).sub).to.equal('jane');
    });

    it('nothing is linked without the password, by a forged form, or by nobody', async () => {
      const person = await local('drsmith');
      const wrong = await ask(person, 'wrong');
      expect(wrong.status).to.equal(200);
      expect(wrong.body).to.include('The password is wrong.');
      const forged = await person.open(
        linksOf(server()),
        new URLSearchParams({ link: 'foreign', password: 'demo-password', csrf: 'x'.repeat(43) }),
      );
      expect(forged.status).to.equal(403);
      const stranger = createPerson(server().url);
      expect((await stranger.open(linksOf(server()))).status).to.equal(401);
      const unknown = await person.submit(await person.open(linksOf(server())), {
        link: 'nobody',
        password: 'demo-password',
      });
      expect(unknown.body).to.not.include('The account is linked.');
      // Who came from a provider has no password here; the page says so and takes none.
      const foreign = await enter('ada');
      const page = await foreign.person.open(linksOf(server()));
      expect(page.body).to.include('account of another organization').and.not.include('name="password"');
    });

    it("nothing is linked by an answer in another browser, another session, a second time, or a person's no", async () => {
      provider.people['spare'] = { given_name: 'Spa', family_name: 'Re', email: 'spare@foreign.example' };
      const victim = await local('drsmith');
      const away = await ask(victim);
      const back = await logInThere(new URL(away.url), { login: 'spare', do: 'log-in' });
      const attacker = await local('jane');
      expect((await attacker.open(back.href)).status).to.equal(400);
      // The same browser, but somebody else is logged in by now.
      await logIn(server(), victim, 'jane', { prompt: 'login' });
      expect((await victim.open(back.href)).body).to.include('The log-in there did not work');
      expect((await victim.open(back.href)).body).to.not.include('The account is linked.');

      const person = await local('drsmith');
      const no = await logInThere(new URL((await ask(person)).url), { login: 'spare', do: 'deny' });
      expect((await person.open(no.href)).body).to.include('You did not log in there, so nothing was linked.');
      expect((await enter('spare')).sub).to.match(/^(EXT_USER:)?foreign:/);
    });

    it('a link is taken away by the password only, and what began with it ends', async () => {
      const there = await enter('jane-there');
      expect(there.sub).to.equal('jane');
      const person = await local('jane');
      const page = await person.open(linksOf(server()));
      expect((await person.submit(page, { unlink: 'foreign', password: 'wrong' })).body).to.include(
        'The password is wrong.',
      );
      expect((await enter('jane-there')).sub).to.equal('jane');
      const done = await person.submit(page, { unlink: 'foreign', password: 'demo-password' });
      expect(done.body).to.include('The link was taken away.');
      const silent = authorizationRequest(server(), { prompt: 'none' });
      const { searchParams } = new URL((await there.person.open(silent.url)).url);
      expect(searchParams.get('error')).to.equal('login_required');
      expect((await enter('jane-there')).sub).to.not.equal('jane');
    });
  },
  { prepare },
);
