/** EHR launch at the authorization endpoint: a handle is good once, for its app and its person, until it expires. */
import { expect } from 'chai';
import { authorizationRequest, logIn, redeem } from '../../support/oauth.ts';
import { createPerson, type Person } from '../../support/person.ts';
import { type Change, seen } from './authorize-support.ts';
import { expectNoMore, useStage } from './stage.ts';

describe('the authorization endpoint, launched from an EHR', () => {
  const stage = useStage();
  const scope = 'launch openid patient/*.rs';
  const open = (person: Person, change: Change) =>
    person.open(authorizationRequest(stage().server, { scope, ...change }).url);
  const fresh = () => createPerson(stage().server.url);

  const refused: readonly (readonly [string, () => Promise<string>, Change?])[] = [
    ['is unknown', async () => 'A'.repeat(43)],
    ['is very long', async () => 'x'.repeat(5000)],
    ['is another app’s', () => stage().launch('sample-web', 'jane')],
    ['is another tenant’s', () => stage().launch('sample-native', 'jane', 'twin')],
    [
      'is expired',
      async () => {
        const handle = await stage().launch('sample-native', 'jane');
        await stage().expire('launch', handle);
        return handle;
      },
    ],
    [
      'was used',
      async () => {
        const handle = await stage().launch('sample-native', 'jane');
        expect((await logIn(stage().server, fresh(), 'jane', { scope, launch: handle })).status).to.equal(200);
        return handle;
      },
    ],
    ['was written otherwise', async () => (await stage().launch('sample-native', 'jane')).toLowerCase()],
  ];
  for (const [name, handle] of refused) {
    it(`an invalid_request, and no page, when the launch ${name}`, async () => {
      const launch = await handle();
      const before = await stage().usable();
      expect(seen(await open(fresh(), { launch }))).to.equal('invalid_request');
      expectNoMore(await stage().usable(), before);
    });
  }

  it('an invalid_scope when the app may not be launched', async () => {
    const launch = await stage().launch('sample-native', 'jane');
    const change = { client_id: 'plain-oidc', scope: 'launch openid', launch };
    expect(seen(await open(fresh(), change))).to.equal('invalid_scope');
  });

  it('the person of the launch gets its context, once', async () => {
    const launch = await stage().launch('sample-native', 'jane');
    const person = fresh();
    const { body } = await logIn(stage().server, person, 'jane', { scope, launch });
    expect(body).to.include({ patient: 'patient-02', need_patient_banner: true });
    expect(seen(await open(person, { launch }))).to.equal('invalid_request');
  });

  it('without the scope launch the handle is neither read nor used up', async () => {
    const launch = await stage().launch('sample-native', 'jane');
    const plain = await logIn(stage().server, fresh(), 'jane', { scope: 'openid launch/patient patient/*.rs', launch });
    expect(plain.body).to.include({ patient: 'jane' }).and.not.to.have.any.keys('need_patient_banner');
    const launched = await logIn(stage().server, fresh(), 'jane', { scope, launch });
    expect(launched.body).to.include({ patient: 'patient-02' });
  });

  it('another person’s session is not used; logging in as another is denied and uses nothing up', async () => {
    const { server } = stage();
    const person = fresh();
    await logIn(server, person, 'jane');
    const launch = await stage().launch('sample-native', 'drsmith');
    expect(seen(await open(person, { launch, prompt: 'none' }))).to.equal('login_required');
    const page = await open(person, { launch, login_hint: 'jane' });
    expect(page.body).to.include('value="drsmith"');
    const before = await stage().usable();
    const denied = await person.walk(page, { username: 'jane' });
    expect(denied.searchParams.get('error')).to.equal('access_denied');
    expectNoMore(await stage().usable(), { ...before, flows: before.flows - 1 });
    const { body } = await logIn(server, fresh(), 'drsmith', { scope, launch });
    expect(body).to.include({ need_patient_banner: true });
  });

  it('of two requests with one handle the first to log in has it', async () => {
    const launch = await stage().launch('sample-native', 'jane');
    const people = [fresh(), fresh()] as const;
    const pages = [await open(people[0], { launch }), await open(people[1], { launch })] as const;
    expect(pages.map(seen)).to.deep.equal(['login', 'login']);
    const first = await people[0].walk(pages[0], { username: 'jane' });
    expect(first.searchParams.has('code')).to.equal(true);
    const second = await people[1].walk(pages[1], { username: 'jane' });
    expect(second.searchParams.get('error')).to.equal('invalid_request');
  });

  it('a handle that expires while the person logs in is refused', async () => {
    const launch = await stage().launch('sample-native', 'jane');
    const person = fresh();
    const page = await open(person, { launch });
    await stage().expire('launch', launch);
    expect((await person.walk(page, { username: 'jane' })).searchParams.get('error')).to.equal('invalid_request');
  });

  it('a person who cancels at the log-in uses nothing up', async () => {
    const { server } = stage();
    const launch = await stage().launch('sample-native', 'jane');
    const person = fresh();
    const cancelled = await person.submit(await open(person, { launch }), { do: 'cancel' });
    expect(seen(cancelled)).to.equal('access_denied');
    const { url, verifier } = authorizationRequest(server, { scope, launch });
    const back = await person.walk(await person.open(url), { username: 'jane' });
    const { body } = await redeem(server, back.searchParams.get('code') ?? '', verifier);
    expect(body).to.include({ patient: 'patient-02' });
  });
});
