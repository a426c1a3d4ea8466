/** oidc-provider as the foreign organization: its people log in there and become users here. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { asAdmin } from '../admin/support.ts';
import { visit } from '../page/browser.ts';
import { launchBrowser } from '../support/chromium.ts';
import { authorizationRequest, basic, logIn, postForm, redeem } from '../support/oauth.ts';
import { createPerson } from '../support/person.ts';
import { freePort } from '../support/server.ts';
import {
  addProvider,
  arrive,
  chooseProvider,
  editTenant,
  foreignUsers,
  logInThere,
  newestTrace,
  refusedAtApp,
} from './federated-stage.ts';
import {
  clientId,
  clientSecret,
  type ForeignProvider,
  newSigningKey,
  startForeignProvider,
} from './foreign-provider.ts';
import { onPostgres } from './stage.ts';

const loginScript = (issuer: string) => `
function getUserName(theOidcUserInfoMap, theServerInfo) {
  Log.info('naming ' + theOidcUserInfoMap['email'] + ' of ' + theServerInfo.name);
  // What a careless script would do: people choose their mail address themselves.
  if (theOidcUserInfoMap['email'] === 'jane@foreign.example') return 'jane';
  return 'foreign-' + theOidcUserInfoMap['sub'];
}
function onAuthenticateSuccess(theUserSession, theOutcomeFactory, theContext) {
  if (theContext.getStringClaim('sub') === 'blocked') {
    const failure = theOutcomeFactory.newFailure();
    failure.message = 'Not from here';
    return failure;
  }
  theUserSession.fhirUserUrl = '${issuer}/fhir/r4/Patient/patient-02';
  theUserSession.addAuthority('FHIR_READ_ALL_IN_COMPARTMENT', 'Patient/patient-02');
  theUserSession.setUserData('organization', theContext.getStringClaim('email').split('@')[1]);
  return theUserSession;
}
`;
const foreign = { id: 'foreign', name: 'Foreign Organization', clientId, clientSecret, scopes: ['profile', 'email'] };
let port = 0;

async function prepare(config: string): Promise<void> {
  port = await freePort();
  await editTenant(config, 'demo', (tenant) =>
    addProvider(tenant, port, {
      ...foreign,
      federationAuth: 'foreign-login.js',
      defaultAuthorities: [{ permission: 'ROLE_FHIR_CLIENT' }],
    }),
  );
  const { issuer } = JSON.parse(await readFile(join(config, 'demo', 'tenant.json'), 'utf8')) as { issuer: string };
  await writeFile(join(config, 'demo', 'foreign-login.js'), loginScript(issuer));
  // The partner trusts one provider and no password of its own, so that its people do not even see a page.
  await editTenant(config, 'partner', (tenant) => {
    tenant['federation'] = { autoRedirect: true, passwordForm: false };
    addProvider(tenant, port, foreign);
  });
}

onPostgres(
  'oidc-provider as the foreign provider',
  (server) => {
    let provider: ForeignProvider;
    const startProvider = (...signing: [] | [ReturnType<typeof newSigningKey>]) =>
      startForeignProvider(
        port,
        [`${server().issuer}/federation/callback/foreign`, `${server().url}/partner/federation/callback/foreign`],
        ...signing,
      );

    before(async () => {
      provider = await startProvider();
    });
    after(() => provider?.close());

    it('a person logs in there, both callbacks act, and the flow goes on to tokens', async () => {
      const journey = await chooseProvider(server(), 'foreign', { nonce: 'n-1' });
      expect(journey.away.origin).to.equal(provider.issuer);
      const back = await logInThere(journey.away, { login: 'ada', do: 'log-in' });
      expect(`${back.origin}${back.pathname}`).to.equal(`${server().issuer}/federation/callback/foreign`);
      const { status, body } = await arrive(server(), journey, back);
      expect(status, JSON.stringify(body)).to.equal(200);
      // Nobody was asked for a patient: the provider's script said who the person is, and the tenant's went on from there.
      expect(body).to.include({ patient: 'patient-02' });
      expect(decodeJwt(String(body['id_token']))).to.include({
        iss: server().issuer,
        sub: 'foreign-ada',
        aud: 'sample-native',
        nonce: 'n-1',
        demo_greeting: 'Hello Ada',
        fhirUser: `${server().issuer}/fhir/r4/Patient/patient-02`,
      });
      const authorization = `Bearer ${String(body['access_token'])}`;
      const record = await fetch(`${server().issuer}/fhir/r4/Patient/patient-02`, { headers: { authorization } });
      expect(record.status).to.equal(200);
      const other = await fetch(`${server().issuer}/fhir/r4/Patient/jane`, { headers: { authorization } });
      expect(other.status).to.be.oneOf([403, 404]);

      const [user] = (await foreignUsers(server())).filter(({ username }) => username === 'foreign-ada');
      expect(user).to.deep.include({
        givenName: 'Ada',
        familyName: 'Byron',
        email: 'ada@foreign.example',
        enabled: true,
        hasPassword: false,
        external: { provider: 'foreign', subject: 'ada' },
        fhirUser: `${server().issuer}/fhir/r4/Patient/patient-02`,
        authorities: [
          { permission: 'ROLE_FHIR_CLIENT' },
          { permission: 'FHIR_READ_ALL_IN_COMPARTMENT', argument: 'Patient/patient-02' },
        ],
        userData: { organization: 'foreign.example' },
      });
      const hooks = (await newestTrace(server())).entries.flatMap(({ hook }) => (hook ? [hook] : []));
      expect(hooks.map(({ name, script: file }) => `${name} ${file}`)).to.deep.equal([
        'getUserName foreign-login.js',
        'onAuthenticateSuccess foreign-login.js',
        'onSmartLoginPreContextSelection callbacks.js',
        'onTokenGenerating callbacks.js',
        'onPostAuthorize callbacks.js',
      ]);
      expect(hooks[0]?.before).to.deep.include({
        server: { id: 'foreign', name: 'Foreign Organization', issuer: provider.issuer },
      });
      expect(hooks[0]?.logs.map(({ message }) => message)).to.deep.equal([
        'naming ada@foreign.example of Foreign Organization',
      ]);
      expect(hooks[1]?.before).to.have.nested.property('context.moduleId', 'foreign');
    });

    it('asks the provider as OpenID Connect and PKCE want it, with the hint the app gave', async () => {
      const { away } = await chooseProvider(server(), 'foreign', { login_hint: 'grace@foreign.example' });
      expect(Object.fromEntries(away.searchParams)).to.include({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: `${server().issuer}/federation/callback/foreign`,
        code_challenge_method: 'S256',
        scope: 'openid profile email',
        login_hint: 'grace@foreign.example',
      });
      for (const name of ['state', 'nonce', 'code_challenge'])
        expect(away.searchParams.get(name), name).to.match(/^[A-Za-z0-9_-]{43}$/);
      const page = await createPerson(provider.issuer).open(away.href);
      expect(page.body).to.include('value="grace@foreign.example"');
      expect(provider.asked.at(-1)).to.include({ login_hint: 'grace@foreign.example' });
      const without = await chooseProvider(server(), 'foreign');
      expect(without.away.searchParams.has('login_hint')).to.equal(false);
    });

    it('the second log-in finds the user of the first, also from another browser', async () => {
      const there = createPerson(provider.issuer);
      const ids: unknown[] = [];
      for (const _time of ['first', 'second']) {
        const journey = await chooseProvider(server(), 'foreign');
        const back = await logInThere(journey.away, { login: 'grace', do: 'log-in' }, there);
        expect((await arrive(server(), journey, back)).status).to.equal(200);
        ids.push(...(await foreignUsers(server())).filter((user) => user['username'] === 'foreign-grace'));
      }
      expect(ids).to.have.length(2);
      expect(ids[0]).to.deep.equal(ids[1]);
    });

    it('a log-in that the app wants anew is anew at the provider, too', async () => {
      const there = createPerson(provider.issuer);
      const first = await chooseProvider(server(), 'foreign');
      await arrive(server(), first, await logInThere(first.away, { login: 'ada', do: 'log-in' }, there));
      // Its own session would let the person through without a page.
      const silent = await chooseProvider(server(), 'foreign');
      expect(new URL((await there.open(silent.away.href)).url).origin).to.equal(new URL(server().url).origin);
      for (const more of [{ prompt: 'login' }, { max_age: '0' }, { prompt: 'select_account' }]) {
        const journey = await chooseProvider(server(), 'foreign', more);
        expect(journey.away.searchParams.get('prompt')).to.equal('login');
        const page = await there.open(journey.away.href);
        expect(page.body, JSON.stringify(more)).to.include('Foreign organization');
        const back = new URL((await there.submit(page, { login: 'ada', do: 'log-in' })).url);
        const { body } = await arrive(server(), journey, back);
        expect(Number(decodeJwt(String(body['id_token']))['auth_time']) * 1000).to.be.closeTo(Date.now(), 60_000);
      }
      const recent = await chooseProvider(server(), 'foreign', { max_age: '3600' });
      expect(recent.away.searchParams.get('max_age')).to.equal('3600');
      const back = new URL((await there.open(recent.away.href)).url);
      expect((await arrive(server(), recent, back)).status).to.equal(200);
    });

    it('the session made that way serves the next app without asking anybody', async () => {
      const journey = await chooseProvider(server(), 'foreign');
      await arrive(server(), journey, await logInThere(journey.away, { login: 'ada', do: 'log-in' }));
      const silent = authorizationRequest(server(), { prompt: 'none' });
      const back = new URL((await journey.person.open(silent.url)).url);
      const { body } = await redeem(server(), back.searchParams.get('code') ?? '', silent.verifier);
      expect(decodeJwt(String(body['id_token'])).sub).to.equal('foreign-ada');
      // Who must log in anew does so; without a session nobody is sent to a provider behind their back.
      const anew = await journey.person.open(authorizationRequest(server(), { prompt: 'login' }).url);
      expect(anew.body).to.include('value="foreign"');
      const stranger = createPerson(server().url);
      const none = new URL((await stranger.open(authorizationRequest(server(), { prompt: 'none' }).url)).url);
      expect(none.searchParams.get('error')).to.equal('login_required');
    });

    it('offers a choice where there are two providers, and goes straight on where there is one', async () => {
      const { url, verifier } = authorizationRequest(server());
      const person = createPerson(server().url);
      const choice = await person.open(url);
      expect(choice.body).to.include('Log in with Foreign Organization').and.include('Log in with Partner Hospital');
      // The partner has one provider: from the choice here the person arrives there without a page between.
      const away = await person.submit(choice, { provider: 'partner' });
      expect(new URL(away.url).origin).to.equal(provider.issuer);
      expect(new URL(away.url).searchParams.get('redirect_uri')).to.equal(
        `${server().url}/partner/federation/callback/foreign`,
      );
      const back = await logInThere(new URL(away.url), { login: 'ada', do: 'log-in' });
      const { status, body } = await arrive(server(), { person, verifier, away: back }, back);
      expect(status, JSON.stringify(body)).to.equal(200);
      // Each provider's people are people of their own, whatever they are called there.
      const users = await foreignUsers(server());
      const external = users.map((user) => (user['external'] as { provider: string }).provider);
      expect(external).to.include.members(['foreign', 'partner']);
      expect(decodeJwt(String(body['id_token'])).sub).to.match(/^EXT_USER:foreign:/);
    });

    it('where only one provider is trusted, nobody is shown a form for a password', async () => {
      const request = `${server().url}/partner/oauth/authorize?${new URLSearchParams({
        response_type: 'code',
        client_id: 'demo-federation',
        redirect_uri: `${server().issuer}/federation/callback/partner`,
        scope: 'openid',
        state: 'state-1',
      })}`;
      const away = new URL((await createPerson(server().url).open(request)).url);
      expect(away.origin, away.href).to.equal(provider.issuer);
      // Nobody is there to be sent away: the app asked for an answer without a page.
      const silent = new URL((await createPerson(server().url).open(`${request}&prompt=none`)).url);
      expect(silent.searchParams.get('error'), silent.href).to.equal('login_required');
    });

    it('the script may deny, and the provider may; neither makes a user', async () => {
      provider.people['blocked'] = { given_name: 'No', family_name: 'Body', email: 'no@foreign.example' };
      const before = (await foreignUsers(server())).length;
      const denied = await chooseProvider(server(), 'foreign');
      const back = await logInThere(denied.away, { login: 'blocked', do: 'log-in' });
      expect(await refusedAtApp(denied, back)).to.equal('access_denied');

      const refused = await chooseProvider(server(), 'foreign');
      const no = await logInThere(refused.away, { login: 'ada', do: 'deny' });
      expect(no.searchParams.get('error')).to.equal('access_denied');
      // There is another way to log in here, so the person is asked again; the password still leads on.
      const page = await refused.person.open(no.href);
      expect(page.body).to.include('You did not log in there.');
      expect((await refused.person.open(page.url)).body, 'after a reload').to.include('You did not log in there.');
      expect(await foreignUsers(server())).to.have.length(before);
      const app = await refused.person.walk(page, { username: 'jane' });
      expect((await redeem(server(), app.searchParams.get('code') ?? '', refused.verifier)).status).to.equal(200);
    });

    it('a denial is told to the app where there is no other way to log in', async () => {
      const person = createPerson(server().url);
      const choice = await person.open(authorizationRequest(server()).url);
      const away = new URL((await person.submit(choice, { provider: 'partner' })).url);
      const no = await logInThere(away, { login: 'ada', do: 'deny' });
      // The partner tells its app, which is the demo tenant, which has other ways.
      const page = await person.open(no.href);
      expect(page.body).to.include('You did not log in there.');
      expect(new URL(page.url).pathname).to.match(/^\/demo\/login\//);
    });

    it('brings name and e-mail up to date at each log-in, and leaves alone what the provider does not tell', async () => {
      const person = { given_name: 'Mary', family_name: 'Fairfax', email: 'mary@foreign.example' };
      provider.people['mary'] = person;
      const enter = async () => {
        const journey = await chooseProvider(server(), 'foreign');
        await arrive(server(), journey, await logInThere(journey.away, { login: 'mary', do: 'log-in' }));
        return (await foreignUsers(server())).find(({ username }) => username === 'foreign-mary');
      };
      const first = await enter();
      const { email: _email, ...unnamed } = { ...person, family_name: 'Somerville', given_name: '' };
      provider.people['mary'] = { ...unnamed, email: 'somerville@foreign.example' };
      const second = await enter();
      expect(second).to.deep.include({
        id: first?.['id'],
        givenName: 'Mary',
        familyName: 'Somerville',
        email: 'somerville@foreign.example',
      });
    });

    it('a foreign person cannot become a local one by name, nor their password be used', async () => {
      provider.people['impostor'] = { given_name: 'Jane', family_name: 'Doe', email: 'jane@foreign.example' };
      const journey = await chooseProvider(server(), 'foreign');
      const back = await logInThere(journey.away, { login: 'impostor', do: 'log-in' });
      expect(await refusedAtApp(journey, back)).to.equal('access_denied');
      expect((await newestTrace(server())).outcome).to.equal('username-taken');
      expect((await foreignUsers(server())).map(({ username }) => username)).to.not.include('jane');
      expect((await logIn(server(), createPerson(server().url), 'jane')).status).to.equal(200);
      const person = createPerson(server().url);
      const page = await person.open(authorizationRequest(server()).url);
      const tried = await person.submit(page, { username: 'foreign-ada', password: '', do: 'login' });
      expect(tried.body).to.include('role="alert"');
    });

    it('a user who was disabled here stays out, though the provider knows them', async () => {
      provider.people['leaver'] = { given_name: 'Lea', family_name: 'Ver', email: 'lea@foreign.example' };
      const first = await chooseProvider(server(), 'foreign');
      await arrive(server(), first, await logInThere(first.away, { login: 'leaver', do: 'log-in' }));
      const [user] = (await foreignUsers(server())).filter(({ username }) => username === 'foreign-leaver');
      const admin = await asAdmin(server());
      const { status } = await admin('PATCH', `/tenants/demo/users/${String(user?.['id'])}`, { enabled: false });
      expect(status).to.equal(200);
      const second = await chooseProvider(server(), 'foreign');
      const back = await logInThere(second.away, { login: 'leaver', do: 'log-in' });
      expect(await refusedAtApp(second, back)).to.equal('access_denied');
      const [after] = (await foreignUsers(server())).filter(({ username }) => username === 'foreign-leaver');
      expect(after).to.include({ enabled: false });
    });

    it('an answer with another state, in another browser or at another address leads nowhere', async () => {
      const journey = await chooseProvider(server(), 'foreign');
      const back = await logInThere(journey.away, { login: 'ada', do: 'log-in' });
      const other = new URL(back);
      other.searchParams.set('state', 'A'.repeat(43));
      expect(await refusedAtApp(journey, other)).to.equal('a page with status 400');
      other.searchParams.delete('state');
      expect(await refusedAtApp(journey, other)).to.equal('a page with status 400');
      // Somebody else's browser, even one with a flow of its own at the same provider.
      const stranger = await chooseProvider(server(), 'foreign');
      expect(await refusedAtApp(stranger, back)).to.equal('a page with status 400');
      expect(await refusedAtApp({ ...journey, person: createPerson(server().url) }, back)).to.equal(
        'a page with status 400',
      );
      // None of that used the answer up: it still serves the person it was for.
      expect((await arrive(server(), journey, back)).status).to.equal(200);
    });

    it('an answer that comes twice gives one set of tokens', async () => {
      const journey = await chooseProvider(server(), 'foreign');
      const back = await logInThere(journey.away, { login: 'ada', do: 'log-in' });
      const { status, body } = await arrive(server(), journey, back);
      expect(status).to.equal(200);
      const again = await journey.person.open(back.href);
      expect(new URL(again.url).searchParams.get('code'), again.url).to.equal(null);
      const { body: state } = await postForm(
        `${server().issuer}/oauth/token/introspect`,
        { token: String(body['access_token']) },
        basic('resource-server', 'demo-secret'),
      );
      expect(state).to.include({ active: true });
    });

    it('in Chromium: the app, the provider and the consent page, one after the other', async () => {
      const browser = await launchBrowser();
      try {
        const { page, complaints } = await visit(browser);
        page.setDefaultTimeout(20_000);
        await page.goto(`${server().url}/app/`);
        await page.getByRole('button', { name: 'Choose a patient' }).click();
        await page.getByRole('button', { name: 'Log in with Foreign Organization' }).click();
        await page.getByRole('heading', { name: 'Foreign organization' }).waitFor();
        await page.getByLabel('Name').fill('grace');
        await page.getByRole('button', { name: 'Go on' }).click();
        await page.getByRole('button', { name: 'I accept' }).click();
        await page.getByRole('button', { name: 'Allow', exact: true }).click();
        await page.getByRole('heading', { name: 'Peter Chalmers' }).waitFor();
        expect(await page.locator('main').innerText()).to.contain('Hello Grace');
        expect(complaints).to.deep.equal([]);
      } finally {
        await browser.close();
      }
    });

    it('a provider that goes down while a person is there is told as such, and works again after', async () => {
      const journey = await chooseProvider(server(), 'foreign');
      const back = await logInThere(journey.away, { login: 'ada', do: 'log-in' });
      await provider.close();
      const page = await journey.person.open(back.href);
      expect(page.body).to.include('This way to log in is not available at the moment.');
      const anew = await journey.person.submit(page, { provider: 'foreign' });
      expect(anew.status === 302 || anew.body.includes('not available'), anew.body).to.equal(true);
      provider = await startProvider();
      const next = await chooseProvider(server(), 'foreign');
      const { status } = await arrive(server(), next, await logInThere(next.away, { login: 'ada', do: 'log-in' }));
      expect(status).to.equal(200);
    });

    it('a provider may replace its keys at any moment: the very next log-in is believed, one of the old key is not', async () => {
      const before = await chooseProvider(server(), 'foreign');
      await arrive(server(), before, await logInThere(before.away, { login: 'ada', do: 'log-in' }));
      await provider.close();
      provider = await startProvider(newSigningKey('foreign-next'));
      for (const _time of ['first', 'second']) {
        const next = await chooseProvider(server(), 'foreign');
        const back = await logInThere(next.away, { login: 'ada', do: 'log-in' });
        expect((await arrive(server(), next, back)).status).to.equal(200);
      }
      // The same name for another key: what was read before is not trusted for longer than one log-in.
      await provider.close();
      provider = await startProvider(newSigningKey('foreign-next'));
      const confused = await chooseProvider(server(), 'foreign');
      const back = await logInThere(confused.away, { login: 'ada', do: 'log-in' });
      expect(await refusedAtApp(confused, back)).to.equal('server_error');
      const last = await chooseProvider(server(), 'foreign');
      expect(
        (await arrive(server(), last, await logInThere(last.away, { login: 'ada', do: 'log-in' }))).status,
      ).to.equal(200);
    });
  },
  { prepare },
);
