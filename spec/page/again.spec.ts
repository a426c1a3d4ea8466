/** What people do to pages that nobody planned: they press twice, go back, wait, and come from elsewhere. */
import { expect } from 'chai';
import { createPerson, type Page, type Person } from '../support/person.ts';
import { type PageStage, startPageStage } from './stage.ts';

const kindOf = ({ body }: Page) => /<body class="page-(\w+)">/.exec(body)?.[1];
const codeOf = ({ url }: Page) => new URL(url).searchParams.get('code') ?? '';

describe('pages that are answered twice, late, or from elsewhere', function () {
  this.timeout(120_000);
  let stage: PageStage;
  before(async () => {
    stage = await startPageStage();
  });
  after(() => stage?.close());

  const steps = {
    login: (username: string) => ({ username, password: 'demo-password', do: 'login' }),
    context: () => ({ choice: '3', do: 'choose' }),
    terms: () => ({ do: 'accept' }),
    consent: () => ({ do: 'approve' }),
  };
  type Step = keyof typeof steps;

  /** Somebody new to the clinic, and the page they have come to. */
  async function reach(step: Step, more: Readonly<Record<string, string>> = {}) {
    const username = stage.newcomer();
    const person = createPerson(stage.server.url);
    let page = await person.open(stage.authorize('clinic', 'wide', more));
    for (const past of Object.keys(steps) as Step[]) {
      if (past === step) break;
      page = await person.submit(page, steps[past](username));
    }
    expect(kindOf(page)).to.equal(step);
    return { person, page, username };
  }
  /** Where an answer led: a page, or the app with what it was told. */
  function ending(page: Page): string {
    const query = new URL(page.url).searchParams;
    if (page.status === 302) return query.has('code') ? 'app: code' : `app: ${query.get('error')}`;
    return `${kindOf(page)} ${page.status}`;
  }

  const buttons: readonly (readonly [
    name: string,
    at: Step,
    values: Readonly<Record<string, string>>,
    ends: string,
  ])[] = [
    ['log in', 'login', {}, 'context 200'],
    ['cancel the log-in', 'login', { do: 'cancel' }, 'app: access_denied'],
    ['choose', 'context', {}, 'terms 200'],
    ['cancel the choice', 'context', { do: 'cancel' }, 'app: access_denied'],
    ['accept', 'terms', {}, 'consent 200'],
    ['do not accept', 'terms', { do: 'reject' }, 'app: access_denied'],
    ['allow', 'consent', {}, 'app: code'],
    ['do not allow', 'consent', { do: 'deny' }, 'app: access_denied'],
  ];
  for (const [name, at, values, ends] of buttons) {
    it(`"${name}", pressed twice at once or once more later, ends the same`, async () => {
      const { person, page, username } = await reach(at);
      const form = { ...steps[at](username), ...values };
      const both = await Promise.all([person.submit(page, form), person.submit(page, form)]);
      const all = [...both, await person.submit(page, form)];
      expect(all.map(ending)).to.deep.equal([ends, ends, ends]);
      for (const { url, status } of all)
        if (status === 302) {
          expect(url.startsWith(stage.redirectUri)).to.equal(true);
          expect(new URL(url).searchParams.get('state')).to.equal('state-1');
          expect(new URL(url).searchParams.get('iss')).to.equal(`${stage.server.url}/clinic`);
        }
      if (ends !== 'app: code') return;
      // Each answer names the one code anew, and whatever reaches the app is worth one token.
      const worth: number[] = [];
      for (const one of all.toReversed()) worth.push((await stage.redeem('clinic', 'wide', codeOf(one))).status);
      expect(worth).to.deep.equal([200, 400, 400]);
    });
  }

  it('a provider, pressed twice, is asked once more, and the answer to the first does no harm', async () => {
    const { server } = stage;
    const person = createPerson(server.url);
    const request = stage.authorize('demo', 'sample-app', { redirect_uri: `${server.url}/app/`, scope: 'openid' });
    // A browser that visits the partner for the first time twice at once keeps the cookie of one visit only.
    await person.open(`${server.url}/partner/oauth/authorize`);
    const login = await person.open(request);
    const [first, second] = await Promise.all([
      person.submit(login, { provider: 'partner' }),
      person.submit(login, { provider: 'partner' }),
    ]);
    for (const page of [first, second]) {
      expect(kindOf(page)).to.equal('login');
      expect(page.url).to.include('/partner/login/');
    }
    const values = { username: 'drjones', password: 'demo-password', do: 'login' };
    const back = [await person.submit(first, values), await person.submit(second, values)];
    // One of the two was asked for; the other's answer shows where the flow stands.
    const kinds = back.map(kindOf);
    expect(kinds).to.include('context');
    expect(kinds.filter((kind) => kind !== 'context' && kind !== 'login')).to.deep.equal([]);
  });

  it('who went to a provider may come back and log in by password', async () => {
    const { server } = stage;
    const person = createPerson(server.url);
    const request = stage.authorize('demo', 'sample-app', { redirect_uri: `${server.url}/app/`, scope: 'openid' });
    const login = await person.open(request);
    const away = await person.submit(login, { provider: 'partner' });
    expect(away.url).to.include('/partner/login/');
    const again = await person.open(login.url);
    expect(kindOf(again)).to.equal('login');
    const logged = await person.submit(again, { username: 'jane', password: 'demo-password', do: 'login' });
    expect(kindOf(logged)).to.equal('terms');
    // The provider's answer comes late: it takes the log-in from nobody.
    const late = await person.submit(away, { username: 'drjones', password: 'demo-password', do: 'login' });
    expect(kindOf(late)).to.equal('terms');
    const consent = await person.submit(late, { do: 'accept' });
    expect(consent.body).to.include('Jane Doe').and.not.to.include('Robin Jones');
  });

  it('access is ended, and a person logged out, once or twice', async () => {
    const { person, page } = await reach('consent');
    const code = codeOf(await person.submit(page, { do: 'approve' }));
    expect((await stage.redeem('clinic', 'wide', code)).status).to.equal(200);
    const manage = await person.open(`${stage.server.url}/clinic/session/manage`);
    const ended = await Promise.all([1, 2].map(() => person.submit(manage, { revoke: 'wide' })));
    expect(ended.map(ending)).to.deep.equal(['manage 200', 'manage 200']);
    for (const { body } of ended) expect(body).to.include('The access was ended').and.include('No app has access');
    const logout = await person.open(`${stage.server.url}/clinic/session/end`);
    expect(kindOf(logout)).to.equal('logout');
    const out = await Promise.all([1, 2].map(() => person.submit(logout, { do: 'logout' })));
    expect(out.map(ending)).to.deep.equal(['loggedOut 200', 'loggedOut 200']);
    expect(ending(await person.submit(logout, { do: 'logout' }))).to.equal('loggedOut 200');
    expect(ending(await person.open(`${stage.server.url}/clinic/session/manage`))).to.equal('error 401');
  });

  describe('an old page', () => {
    for (const [index, [at, next]] of (
      [
        ['login', 'context'],
        ['context', 'terms'],
        ['terms', 'consent'],
      ] as const
    ).entries()) {
      it(`of ${at} leads to where the flow stands, sent or opened`, async () => {
        const { person, page, username } = await reach(at);
        const now = await person.submit(page, steps[at](username));
        expect(kindOf(now)).to.equal(next);
        expect(kindOf(await person.open(page.url))).to.equal(next);
        // Even the contrary answer comes too late.
        const contrary = { do: ['cancel', 'cancel', 'reject'][index] ?? '' };
        expect(kindOf(await person.submit(page, contrary))).to.equal(next);
      });
    }
    it('of a finished request says that nothing is left to do', async () => {
      const { person, page } = await reach('consent');
      const code = codeOf(await person.submit(page, { do: 'approve' }));
      for (let visit = 0; visit < 2; visit += 1) {
        const old = await person.open(page.url);
        expect(ending(old)).to.equal('error 200');
        expect(old.body).to.include('Nothing left to do here').and.not.include(code);
        expect((await stage.redeem('clinic', 'wide', code)).status).to.equal(visit === 0 ? 200 : 400);
      }
      const sent = await person.submit(page, { do: 'deny' });
      expect(ending(sent)).to.equal('error 200');
    });
    it('of a request that was cancelled says the same', async () => {
      const { person, page } = await reach('terms');
      expect(ending(await person.submit(page, { do: 'reject' }))).to.equal('app: access_denied');
      expect((await person.open(page.url)).body).to.include('Nothing left to do here');
    });
  });

  it('a page that nobody answered in time says so, and its form changes nothing', async () => {
    const person = createPerson(stage.server.url);
    const page = await person.open(stage.authorize('quick', 'plain'));
    expect(kindOf(page)).to.equal('login');
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    const values = { username: 'nurse', password: 'demo-password', do: 'login' };
    for (const late of [await person.open(page.url), await person.submit(page, values)]) {
      expect(ending(late)).to.equal('error 410');
      expect(late.body).to.include('waited too long');
    }
    expect(person.cookies.has('/quick sallyport_session')).to.equal(false);
  });

  describe('in another browser', () => {
    const strangers: readonly (readonly [string, () => Promise<Person>])[] = [
      ['that was never here', async () => createPerson(stage.server.url)],
      ['that has a request of its own', async () => (await reach('login')).person],
    ];
    for (const [name, make] of strangers) {
      it(`${name}, a page shows nothing of the request and moves nothing`, async () => {
        const { person, page, username } = await reach('consent');
        const stranger = await make();
        for (const elsewhere of [await stranger.open(page.url), await stranger.submit(page, { do: 'approve' })]) {
          expect(ending(elsewhere)).to.equal('error 400');
          expect(elsewhere.body)
            .to.include('another browser')
            .and.not.include(username)
            .and.not.include('Person Number');
        }
        expect(ending(await person.submit(page, { do: 'approve' }))).to.equal('app: code');
      });
    }
  });

  describe('what a page says once', () => {
    it('a wrong password: the form again with the name, and no trace of it afterwards', async () => {
      const { person, page, username } = await reach('login');
      const wrong = await person.submit(page, { username, password: 'wrong', do: 'login' });
      expect(wrong.url).to.equal(page.url);
      expect(wrong.body).to.include(`value="${username}"`).and.include('role="alert"').and.include('aria-invalid');
      const reloaded = await person.open(page.url);
      expect(reloaded.body).not.to.include(username).and.not.to.include('id="problem"');
    });
    it('nothing that a stranger could plant', async () => {
      const { person, page } = await reach('login');
      const path = new URL(page.url).pathname;
      const plants: unknown[] = [
        { error: 'whatever', view: { username: '"><script>' } },
        { error: { toString: 1 }, view: 7 },
        null,
        [],
        { view: { username: ['x'], __proto__: 1 } },
      ];
      const cookies = plants.map((plant) => Buffer.from(JSON.stringify(plant)).toString('base64url'));
      for (const cookie of [...cookies, '%%%', 'x'.repeat(3000), Buffer.from('{').toString('base64url')]) {
        person.cookies.set(`${path} sallyport_again`, cookie);
        const shown = await person.open(page.url);
        expect(ending(shown), cookie).to.equal('login 200');
        // But for the one for passkeys, which the server itself serves.
        expect(shown.body)
          .not.to.match(/<script(?! type="module" src="http)/)
          .and.not.to.include('id="problem"');
      }
    });
    it('no name that is longer than any', async () => {
      const { person, page } = await reach('login');
      const wrong = await person.submit(page, { username: 'n'.repeat(20_000), password: 'x', do: 'login' });
      expect(wrong.body).to.include('role="alert"').and.not.include('nnnn');
    });
  });

  describe("in a tenant's own skin", () => {
    const skinOf = async (tenant: string, name: string) => {
      const answer = await fetch(`${stage.server.url}/${tenant}/skin/${name}`);
      return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
    };
    it('one template, the stylesheet and some messages are its own, and all the rest is the default', async () => {
      const person = createPerson(stage.server.url);
      const scope = 'openid https://strict.example/scopes/registry';
      const login = await person.open(stage.authorize('strict', 'plain', { scope }));
      expect(login.body).to.include('<h1>Log in</h1>').and.include('User name');
      const consent = await person.submit(login, { username: 'nurse', password: 'demo-password', do: 'login' });
      expect(consent.body).to.include('<h1>May this app see the record?</h1>').and.include('asks for your permission');
      expect(consent.body).to.include('<title>May this app see the record? · Strict Practice</title>');
      expect(consent.body).to.include('Take part in the registry').and.not.include('no description');
      const logout = await person.open(`${stage.server.url}/strict/session/end`);
      expect(logout.body).to.include('<h1>Leaving the practice?</h1>').and.include('Strict Practice</span></header>');
      expect(kindOf(await person.submit(logout, {}))).to.equal('loggedOut');

      const [own, shipped] = [await skinOf('strict', 'style.css'), await skinOf('demo', 'style.css')];
      expect(own.text).to.include('Georgia').and.not.equal(shipped.text);
      for (const name of ['brand.css', 'logo.svg'])
        expect(await skinOf('strict', name)).to.deep.equal(await skinOf('demo', name));
      expect((await skinOf('partner', 'brand.css')).text).to.include('#1d4f91');
      expect(await skinOf('partner', 'style.css')).to.deep.equal(shipped);
    });
    it('its words do not leave it, and its other languages stay', async () => {
      const person = createPerson(stage.server.url);
      const german = await person.open(stage.authorize('strict', 'plain', { ui_locales: 'de' }));
      const consent = await person.submit(german, { username: 'nurse', password: 'demo-password', do: 'login' });
      expect(consent.body).to.include('<h1>Zugriff erlauben?</h1>');
      expect((await reach('consent')).page.body).to.include('<h1>Allow access?</h1>');
    });
    for (const name of [
      'logout.mustache',
      'messages/en.json',
      '..%2ftenant.json',
      '%2e%2e/tenant.json',
      'callbacks.js',
    ])
      it(`"${name}" is not handed out`, async () => {
        for (const tenant of ['strict', 'demo']) expect((await skinOf(tenant, name)).status).to.equal(404);
      });
  });
});
