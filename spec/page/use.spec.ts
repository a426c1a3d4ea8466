/** The pages in use: by keyboard, without JavaScript, with the back button, in other languages, and out to other origins. */
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { follow, launchBrowser, visit, type Visitor } from './browser.ts';
import { manyScopes, type PageStage, startPageStage } from './stage.ts';

describe('pages in use', function () {
  this.timeout(120_000);
  let stage: PageStage;
  let browser: Browser;
  let visitor: Visitor;
  let page: Page;

  before(async () => {
    [stage, browser] = await Promise.all([startPageStage(), launchBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await stage?.close();
  });
  beforeEach(async () => arrive());
  afterEach(async () => {
    expect(visitor.complaints).to.deep.equal([]);
    await visitor.context.close();
  });

  async function arrive(options?: Parameters<typeof visit>[2], locale = 'en-US'): Promise<void> {
    await visitor?.context.close();
    visitor = await visit(browser, locale, options);
    ({ page } = visitor);
  }
  const press = (name: string) => follow(page, () => page.locator(`main button[value="${name}"]`).click());
  const click = (role: 'button' | 'link', name: string) => follow(page, () => page.getByRole(role, { name }).click());
  const enter = () => follow(page, () => page.keyboard.press('Enter'));
  const heading = () => page.locator('h1').innerText();
  const atApp = () => page.getByRole('heading', { name: 'The app' }).waitFor();
  const answer = () => stage.answers.at(-1) ?? new URLSearchParams();
  const focused = () =>
    page.evaluate<string>('document.activeElement.name || document.activeElement.textContent.trim()');
  async function logIn(username: string, password = 'demo-password'): Promise<void> {
    await page.locator('#username').fill(username);
    await page.locator('#password').fill(password);
    await press('login');
  }
  /** Opens the clinic's request as somebody new and goes on to the consent page. */
  async function toConsent(more: Readonly<Record<string, string>> = {}): Promise<string> {
    const username = stage.newcomer();
    await page.goto(stage.authorize('clinic', 'wide', more));
    await logIn(username);
    await page.getByRole('radio').first().check();
    await press('choose');
    await press('accept');
    expect(await heading()).to.equal('Allow access?');
    return username;
  }
  async function grantedScopes(): Promise<string[]> {
    return (await stage.redeem('clinic', 'wide', answer().get('code') ?? '')).scope.split(' ');
  }

  describe('without JavaScript', () => {
    beforeEach(() => arrive({ javaScriptEnabled: false }));

    it('lead from the log-in to the app', async () => {
      await toConsent();
      await press('approve');
      await atApp();
      expect(await grantedScopes()).to.have.members(manyScopes);
    });

    it('search a long list, by what people know of a patient', async () => {
      await page.goto(stage.authorize('clinic', 'wide'));
      await logIn(stage.newcomer());
      expect(await page.locator('main').innerText()).to.contain('50 of 120 records are shown');
      expect(await page.getByRole('radio').count()).to.equal(50);
      const found = async (search: string) => {
        await page.getByRole('searchbox').fill(search);
        await click('button', 'Search');
        expect(await page.getByRole('searchbox').inputValue()).to.equal(search);
        return page
          .getByRole('radio')
          .evaluateAll((radios) => radios.map((radio) => radio.closest('label')?.querySelector('strong')?.textContent));
      };
      const one = ['Jürgen Müller-Łukasz'];
      for (const search of [
        'muller',
        'MÜLLER jürgen',
        '1984-06-02',
        '2.6.1984',
        '02.06.1984',
        '6/2/1984',
        '2/6/1984',
        'MRN-7',
      ])
        expect((await found(search)).slice(0, 1), search).to.deep.equal(one);
      expect(await found('number 117')).to.deep.equal(['Person Number 117']);
      expect(await page.getByRole('radio').isChecked(), 'the only one found is chosen').to.equal(true);
      for (const search of ['nobody', '30.2.1984', '"><script>alert(1)</script>', '%'])
        expect(await found(search), search).to.deep.equal([]);
      expect(await page.getByRole('status').innerText()).to.equal('No record matches “%”.');
      expect(await page.locator('button[value=choose]').count(), 'nothing to choose').to.equal(0);
      await click('link', 'Show all records');
      expect(await page.getByRole('radio').count()).to.equal(50);
    });

    it('choose what a search found', async () => {
      await page.goto(stage.authorize('clinic', 'wide'));
      await logIn(stage.newcomer());
      await page.getByRole('searchbox').fill('number 118');
      await click('button', 'Search');
      await page.getByRole('radio', { name: 'Person Number 118' }).check();
      await press('choose');
      await press('accept');
      expect(await page.locator('.who').innerText()).to.contain('Person Number 118');
    });
  });

  describe('by keyboard', () => {
    it('log in, in the order one reads', async () => {
      await page.goto(stage.authorize('demo', 'sample-app', { redirect_uri: `${stage.server.url}/app/` }));
      await page.locator('#username:focus').waitFor();
      const order = [];
      for (let step = 0; step < 5; step += 1) {
        order.push(await focused());
        await page.keyboard.press('Tab');
      }
      expect(order).to.deep.equal(['username', 'password', 'do', 'provider', 'do']);
    });
    it('say what was wrong where it is put right, and Enter sends', async () => {
      await page.goto(stage.authorize('clinic', 'wide'));
      const username = stage.newcomer();
      await page.locator('#username:focus').waitFor();
      await page.keyboard.type(username);
      await page.keyboard.press('Tab');
      await page.keyboard.type('wrong');
      await enter();
      await page.getByRole('alert').waitFor();
      await page.locator('#password:focus').waitFor();
      for (const field of ['#username', '#password']) {
        expect(await page.locator(field).getAttribute('aria-invalid')).to.equal('true');
        const described = await page.locator(field).getAttribute('aria-describedby');
        expect(await page.locator(`#${described}`).innerText()).to.equal('User name or password is wrong.');
      }
      await page.keyboard.type('demo-password');
      await enter();
      await page.getByRole('searchbox').waitFor();
    });
    it('choose a record: the arrows move, Enter goes on and does not search', async () => {
      await page.goto(stage.authorize('clinic', 'wide'));
      await logIn(stage.newcomer());
      await page.getByRole('radio').first().focus();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowDown');
      await enter();
      await page.getByRole('heading', { name: 'Terms of service' }).waitFor();
    });
    it('keep what has the focus in view', async () => {
      await page.setViewportSize({ width: 360, height: 640 });
      await page.goto(stage.authorize('clinic', 'wide'));
      await logIn(stage.newcomer());
      await page.getByRole('radio').first().focus();
      for (let step = 0; step < 12; step += 1) {
        await page.keyboard.press('ArrowDown');
        const hidden = await page.evaluate<number>(`
          document.activeElement.getBoundingClientRect().bottom - document.querySelector('.sticky').getBoundingClientRect().top`);
        expect(hidden, `after ${step + 1} steps`).to.be.below(0);
      }
    });
    it('read and accept the terms', async () => {
      await page.goto(stage.authorize('clinic', 'wide'));
      await logIn(stage.newcomer());
      await page.getByRole('radio').first().check();
      await press('choose');
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.className')).to.equal('document');
      await page.keyboard.press('End');
      await page.keyboard.press('Tab');
      await enter();
      await page.getByRole('heading', { name: 'Allow access?' }).waitFor();
    });
  });

  describe('to approve', () => {
    it('give what stays ticked, and always what the log-in needs', async () => {
      await toConsent();
      const boxes = page.locator('input[name=scope]');
      const values = await Promise.all((await boxes.all()).map((box) => box.inputValue()));
      expect(values).to.deep.equal(manyScopes.filter((scope) => !['openid', 'launch/patient'].includes(scope)));
      for (const box of await boxes.all()) {
        expect(await box.isChecked()).to.equal(true);
        await box.uncheck();
      }
      await page.getByRole('checkbox', { name: 'See prescriptions' }).check();
      await press('approve');
      await atApp();
      expect(await grantedScopes()).to.have.members(['openid', 'launch/patient', 'patient/MedicationRequest.rs']);
    });
    for (const remember of [true, false]) {
      it(`${remember ? 'do not ask' : 'ask'} again when that was ${remember ? 'ticked' : 'unticked'}`, async () => {
        await toConsent();
        await page.getByRole('checkbox', { name: 'Do not ask me again' }).setChecked(remember);
        await press('approve');
        await atApp();
        await page.goto(stage.authorize('clinic', 'wide'));
        await page.getByRole('radio').first().check();
        const before = stage.answers.length;
        await press('choose');
        if (remember) await atApp();
        else await page.getByRole('heading', { name: 'Allow access?' }).waitFor();
        expect(stage.answers.length - before).to.equal(remember ? 1 : 0);
      });
    }
    it('let nothing be struck out where the tenant wants it so, not even by a forged form', async () => {
      await page.goto(stage.authorize('strict', 'plain', { prompt: 'login' }));
      await logIn('nurse');
      expect(await page.locator('input[type=checkbox]').count(), 'nothing to tick, nothing to remember').to.equal(0);
      await page.evaluate(`
        const added = document.createElement('input');
        Object.assign(added, { type: 'hidden', name: 'scope', value: 'openid' });
        document.forms[0].append(added)`);
      await press('approve');
      await atApp();
      const { scope } = await stage.redeem('strict', 'plain', answer().get('code') ?? '');
      expect(scope.split(' ')).to.have.members(manyScopes);
    });
  });

  describe('to say no', () => {
    const refusals: readonly (readonly [name: string, refuse: () => Promise<void>])[] = [
      ['at the log-in', async () => press('cancel')],
      [
        'to the choice of a record',
        async () => {
          await logIn(stage.newcomer());
          await press('cancel');
        },
      ],
      [
        'to the terms',
        async () => {
          await logIn(stage.newcomer());
          await page.getByRole('radio').first().check();
          await press('choose');
          await press('reject');
        },
      ],
      [
        'to the app',
        async () => {
          await toConsent();
          await press('deny');
        },
      ],
    ];
    for (const [name, refuse] of refusals) {
      it(`${name} leads back to the app with access_denied`, async () => {
        await page.goto(stage.authorize('clinic', 'wide'));
        await refuse();
        await atApp();
        expect(Object.fromEntries(answer())).to.include({
          error: 'access_denied',
          state: 'state-1',
          iss: `${stage.server.url}/clinic`,
        });
        expect(answer().has('code')).to.equal(false);
      });
    }
    it('a provider that cannot be reached is told to the app', async () => {
      await page.goto(stage.authorize('choice', 'plain'));
      await click('button', 'Log in with A Provider That Is Gone');
      await atApp();
      expect(answer().get('error')).to.equal('temporarily_unavailable');
    });
  });

  describe('and back again', () => {
    it('show where the flow stands, and never ask to send a form once more', async () => {
      await page.goto(stage.authorize('clinic', 'wide'));
      const username = stage.newcomer();
      await logIn(username, 'wrong');
      await page.reload();
      await logIn(username);
      expect(await heading()).to.equal('Choose a patient');
      for (let step = 0; step < 2; step += 1) {
        await page.goBack();
        expect(await heading()).to.equal('Choose a patient');
      }
      await page.getByRole('searchbox').fill('number');
      await click('button', 'Search');
      await page.getByRole('radio').first().check();
      await press('choose');
      await page.goBack();
      expect(await heading()).to.equal('Terms of service');
      await press('accept');
      await press('approve');
      await atApp();
      await page.goBack();
      expect(await heading()).to.equal('Nothing left to do here');
      await page.goForward();
      await atApp();
    });
    it('let somebody who came back from a provider log in otherwise', async () => {
      const { server } = stage;
      await page.goto(stage.authorize('demo', 'sample-app', { redirect_uri: `${server.url}/app/`, scope: 'openid' }));
      await click('button', 'Log in with Partner Hospital');
      await page.goBack();
      await logIn('jane');
      await page.getByRole('heading', { name: 'Terms of service' }).waitFor();
    });
    it('pressed twice, slowly, the last button leads to the app all the same', async () => {
      await toConsent();
      await page.evaluate(`{
        const button = document.querySelector('button[value=approve]');
        button.click();
        setTimeout(() => button.click(), 15);
      }`);
      await atApp();
      expect((await stage.redeem('clinic', 'wide', answer().get('code') ?? '')).status).to.equal(200);
    });
  });

  describe('lead on', () => {
    it('to an app whose address leads to another origin', async () => {
      const onward = stage.redirectUri.replace('/callback', '/onward');
      await toConsent({ redirect_uri: onward });
      await press('approve');
      await atApp();
      expect(new URL(page.url()).hostname).to.equal('localhost');
    });
    it('from a log-out to the app, once the person said so', async () => {
      await toConsent();
      const query = new URLSearchParams({
        client_id: 'wide',
        post_logout_redirect_uri: stage.redirectUri,
        state: 'bye',
      });
      await page.goto(`${stage.server.url}/clinic/session/end?${query}`);
      expect(await heading()).to.equal('Log out?');
      await press('logout');
      await atApp();
      expect(page.url()).to.equal(`${stage.redirectUri}?state=bye`);
    });
    it('from a log-out nowhere that the app did not register', async () => {
      await toConsent();
      const query = new URLSearchParams({ client_id: 'wide', post_logout_redirect_uri: 'https://trap.example/' });
      await page.goto(`${stage.server.url}/clinic/session/end?${query}`);
      await press('logout');
      expect(await heading()).to.equal('Logged out');
    });
  });

  describe('in the language that the app or the browser asks for', () => {
    const language = () => page.locator('html').getAttribute('lang');
    const german: Record<string, string> = { ui_locales: 'fr-CH de-CH en' };

    it('from the first page to the last', async () => {
      await page.goto(stage.authorize('clinic', 'wide', german));
      expect(await heading()).to.equal('Anmelden');
      await logIn(stage.newcomer(), 'falsch');
      expect(await page.getByRole('alert').innerText()).to.equal('Benutzername oder Passwort ist falsch.');
      const { href } = new URL(page.url());
      await logIn(stage.newcomer());
      expect(await heading()).to.equal('Patient auswählen');
      expect(await page.locator('main').innerText())
        .to.contain('männlich')
        .and.contain('weiblich')
        .and.contain('divers');
      await page.getByRole('radio').first().check();
      await press('choose');
      expect(await heading()).to.equal('Nutzungsbedingungen');
      await press('accept');
      expect(await heading()).to.equal('Zugriff erlauben?');
      const text = await page.locator('main').innerText();
      expect(text).to.contain('Verordnungen einsehen').and.contain('15. Januar 2026');
      expect(
        text.replace('We never sell what we see. We delete everything thirty days after you leave us.', ''),
      ).not.to.match(/\b(the|you|and|may|not)\b/);
      await press('approve');
      await atApp();
      await page.goto(href);
      expect(await heading()).to.equal('Hier ist nichts mehr zu tun');
    });
    it('on the pages outside of a flow', async () => {
      await toConsent();
      for (const [path, title] of [
        ['session/manage?ui_locales=de', 'Apps mit Zugriff'],
        ['session/end?ui_locales=de', 'Abmelden?'],
        ['oauth/authorize?client_id=nobody&ui_locales=de', 'Das hat nicht geklappt'],
      ]) {
        await page.goto(`${stage.server.url}/clinic/${path}`);
        expect([await language(), await heading()]).to.deep.equal(['de', title]);
      }
      await page.goto(`${stage.server.url}/clinic/session/end?ui_locales=de`);
      await press('logout');
      expect(await heading()).to.equal('Abgemeldet');
      await page.goto(`${stage.server.url}/clinic/session/manage?ui_locales=de`);
      expect(await heading()).to.equal('Bitte melden Sie sich zuerst an');
    });
    for (const [asked, locale, shown] of [
      ['fr', 'de-DE', 'de'],
      ['', 'es-419', 'en'],
      ['en', 'de-DE', 'en'],
      ['../de %00 x', 'en-US', 'en'],
      ['de-DE-u-co-phonebk', 'en-US', 'de'],
    ] as const) {
      it(`"${asked}" in a browser of ${locale}: ${shown}`, async () => {
        await arrive({}, locale);
        await page.goto(stage.authorize('clinic', 'wide', asked === '' ? {} : { ui_locales: asked }));
        expect(await language()).to.equal(shown);
      });
    }
  });
});
