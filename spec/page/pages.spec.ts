/** Every page, as a person meets it in Chromium on the real server: wide and narrow, light and dark. */
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { follow, inspect, inspected, narrow, visit, wide, type Visitor } from './browser.ts';
import { launchBrowser } from '../support/chromium.ts';
import { totpCode, totpStep } from '../../engine/identity/totp.ts';
import { samplePages } from '../../engine/page/samples.ts';
import { type PageStage, startPageStage } from './stage.ts';

describe('every page, looked at in a browser', function () {
  this.timeout(300_000);
  let stage: PageStage;
  let browser: Browser;
  let visitor: Visitor;
  let page: Page;
  /** In German every page is as it was in English, but for its words. */
  let how: 'whole' | 'briefly' = 'whole';

  before(async () => {
    [stage, browser] = await Promise.all([startPageStage(), launchBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await stage?.close();
  });
  async function arrive(locale?: string): Promise<void> {
    how = locale?.startsWith('de') ? 'briefly' : 'whole';
    visitor = await visit(browser, locale);
    ({ page } = visitor);
  }
  afterEach(() => visitor?.context.close());

  const look = (name: string) => inspect(visitor, name, how);
  const press = (name: string) => follow(page, () => page.locator(`main button[value="${name}"]`).click());
  const search = (text: string) =>
    follow(page, async () => {
      await page.locator('#search').fill(text);
      await page.locator('#search').press('Enter');
    });
  const heading = () => page.locator('h1').innerText();
  async function logIn(username: string, password = 'demo-password'): Promise<void> {
    await page.locator('#username').fill(username);
    await page.locator('#password').fill(password);
    await press('login');
  }
  /** Leaves it to the server to find what is missing, as a browser does that does not check forms. */
  const unchecked = () => page.evaluate('for (const form of document.forms) form.noValidate = true');

  it('the start page, the sample app, and the pages between', async () => {
    const { server } = stage;
    await arrive();
    await page.goto(server.url);
    await look('start-before-any-flow');
    await page.goto(`${server.url}/demo/traces`);
    await look('traces-none');
    await page.goto(`${server.url}/app/`);
    await page.getByRole('button', { name: 'Choose a patient' }).waitFor();
    await look('app');

    await page.getByRole('button', { name: 'Choose a patient' }).click();
    await page.locator('#username').waitFor();
    await look('login');
    await logIn('drsmith', 'wrong');
    await page.getByRole('alert').waitFor();
    await look('login-wrong-password');
    await logIn('drsmith');
    expect(await heading()).to.equal('Choose a patient');
    expect(await page.locator('#search').count(), 'a short list needs no search').to.equal(0);
    await look('context-few');
    await unchecked();
    await press('choose');
    await page.getByRole('alert').waitFor();
    await look('context-nothing-chosen');
    await page.getByRole('radio', { name: 'Amina Okafor' }).check();
    await press('choose');
    await look('terms');
    await press('accept');
    await look('consent');
    await press('approve');
    await page.getByRole('heading', { name: 'Amina Okafor' }).waitFor();
    await look('app-record');

    await page.goto(`${server.issuer}/session/manage`);
    expect(await page.locator('main').innerText())
      .to.contain('See all data')
      .and.contain('Keep access');
    await look('manage');
    await press('sample-app');
    await look('manage-none');
    await follow(page, () => page.getByRole('link', { name: 'Linked accounts' }).click());
    await look('links');
    await page.locator('#password').fill('wrong');
    await press('partner');
    await page.getByRole('alert').waitFor();
    await look('links-wrong-password');
    await follow(page, () => page.getByRole('link', { name: 'Apps and sessions' }).click());
    await follow(page, () => page.getByRole('link', { name: 'Log out' }).click());
    await look('logout');
    await press('logout');
    await look('logged-out');
    await page.goto(`${server.issuer}/session/manage`);
    await look('manage-nobody');

    await page.goto(server.url);
    await look('start');
    await page.goto(`${server.url}/demo/traces`);
    await look('traces');
    await page.setViewportSize(narrow);
    const [inner = 0, outer = 0] = await page.evaluate<number[]>(`
      [document.querySelector('.scroll').scrollWidth, document.querySelector('.scroll').clientWidth]`);
    expect(inner, 'the table of flows scrolls sideways').to.be.at.most(outer);
    await page.setViewportSize(wide);
    await follow(page, () => page.locator('main td a').first().click());
    for (const details of await page.locator('details').all()) await details.locator('summary').click();
    await look('trace-unfolded');
    await page.reload();
    const told = (await page.locator('main').innerText()).replace(/\s+/g, ' ');
    for (const text of [
      'onAuthenticateSuccess local-login.js',
      'session.userData.lastModule local',
      'info log-in through local',
      'onSmartLoginPreContextSelection callbacks.js',
      'sex: female, display: Jane Doe',
      'onTokenGenerating callbacks.js',
      'accessTokenClaims.demo_department Cardiology',
      'idTokenClaims.demo_greeting Hello Dana',
      'onPostAuthorize callbacks.js',
      'info audit: a token for sample-app',
      'ms of computing',
    ])
      expect(told).to.contain(text);
    await look('trace');
  });

  it('the launch from a record system, and a refusal', async () => {
    await arrive();
    await page.goto(stage.server.url);
    await page.getByRole('button', { name: 'Launch the app' }).click();
    await page.locator('#username').waitFor();
    expect(await page.locator('#username').inputValue()).to.equal('drsmith');
    await look('login-launched');
    await press('cancel');
    await page.locator('#problem').waitFor();
    await look('app-refused');
    await page.goto(`${stage.server.url}/app/launch.html`);
    await page.locator('#problem').waitFor();
    await look('app-launch-incomplete');
    await page.goto(`${stage.server.url}/demo/traces`);
    await follow(page, () => page.locator('main td a').first().click());
    await look('trace-refused');
  });

  // The other language walks in the other skin.
  for (const [language, locale, clinic] of [
    ['en', 'en-GB', 'clinic'],
    ['de', 'de-AT', 'harbor'],
  ] as const) {
    it(`where everything is long, in ${language}`, async () => {
      await arrive(locale);
      await page.goto(stage.authorize(clinic, 'wide', { prompt: 'consent' }));
      expect(await page.locator('html').getAttribute('lang')).to.equal(language);
      await look(`long-login-${language}`);
      await logIn('nurse', 'wrong');
      await look(`long-login-wrong-${language}`);
      await logIn('nurse');
      await look(`long-context-${language}`);
      await search('number 11');
      await look(`long-context-search-${language}`);
      await search('Wolfeschlegelsteinhausenbergerdorff 1900');
      await page.getByRole('status').waitFor();
      await look(`long-context-none-${language}`);
      await follow(page, () => page.locator('main a').click());
      await page.getByRole('radio').first().check();
      await press('choose');
      await look(`long-terms-${language}`);
      await press('accept');
      await look(`long-consent-${language}`);
      await press('approve');
      await page.getByRole('heading', { name: 'The app' }).waitFor();
      await page.goto(`${stage.server.url}/${clinic}/session/manage`);
      await look(`long-manage-${language}`);
      // The next language finds the clinic as this one did.
      await press('wide');
      await look(`long-manage-none-${language}`);
      await page.goto(`${stage.server.url}/${clinic}/session/end`);
      await look(`long-logout-${language}`);
      await press('logout');
      await look(`long-logged-out-${language}`);
    });

    it(`another password, in ${language}`, async () => {
      await arrive(locale);
      await page.goto(stage.authorize(clinic, 'wide'));
      await logIn(`newcomer-${language}`);
      await look(`new-password-${language}`);
      const save = async (password: string, again: string) => {
        await page.locator('#password').fill(password);
        await page.locator('#again').fill(again);
        await press('save');
      };
      await save('brief', 'briefly');
      await page.getByRole('alert').waitFor();
      await look(`new-password-refused-${language}`);
      await save('a lantern for an otter', 'a lantern for an otter');
      await page.getByRole('radio').first().waitFor();
      await page.goto(`${stage.server.url}/${clinic}/session/password`);
      await look(`change-password-${language}`);
      await page.locator('#current').fill('a lantern for an otter');
      await save('a lantern for a badger', 'a lantern for a badger');
      await page.getByRole('status').waitFor();
      await look(`changed-password-${language}`);
    });

    it(`a second step, in ${language}`, async () => {
      // What differs with the words only is looked at in one language.
      const look = (name: string) =>
        language === 'de' || name === 'security' ? inspect(visitor, `${name}-${language}`) : Promise.resolve();
      await arrive(locale);
      await page.goto(stage.authorize(clinic, 'wide'));
      await logIn(`prover-${language}`);
      const prove = async (code: string, button: string) => {
        await page.locator('#code').fill(code);
        await press(button);
      };
      await prove('000000', 'confirm');
      await page.getByRole('alert').waitFor();
      await page.locator('summary').click();
      await look('second-factor-setup');
      const secret = (await page.locator('main code').innerText()).replace(/\s/g, '');
      const step = totpStep(Date.now());
      await prove(totpCode(secret, step), 'confirm');
      const codes = await page.locator('main code').allInnerTexts();
      expect(codes).to.have.length(10);
      await look('recovery-codes');
      await press('saved');
      await page.getByRole('radio').first().waitFor();
      await page.goto(`${stage.server.url}/${clinic}/session/security`);
      await look('security');
      await prove('000000', 'disable');
      await page.getByRole('alert').waitFor();
      await look('security-wrong');
      await page.goto(`${stage.server.url}/${clinic}/session/end`);
      await press('logout');
      await page.goto(stage.authorize(clinic, 'wide'));
      await logIn(`prover-${language}`);
      await look('second-factor');
      await prove('000000', 'verify');
      await page.getByRole('alert').waitFor();
      await page.locator('summary').click();
      await look('second-factor-wrong');
      await page.locator('#recovery').fill(codes[0] ?? '');
      await page.locator('input[name="remember"]').check();
      await press('verify');
      await page.getByRole('radio').first().waitFor();
      await page.goto(`${stage.server.url}/${clinic}/session/security`);
      await page.getByRole('button').nth(2).waitFor();
      await look('security-remembered');
      await page.locator('summary').click();
      await page.locator('#recovery').fill(codes[1] ?? '');
      await press('disable');
      // This person must have one.
      await page.locator('#password').waitFor();
      await look('security-none');
    });

    it(`a forgotten password, in ${language}`, async () => {
      await arrive(locale);
      await page.goto(stage.authorize(clinic, 'wide'));
      await follow(page, () => page.locator('main a[href*=forgotten]').click());
      await look(`forgotten-${language}`);
      await page.locator('#username').fill(`forgetful-${language}`);
      await follow(page, () => page.locator('main button').click());
      await page.getByRole('status').waitFor();
      await look(`forgotten-sent-${language}`);
      const mailed = page.locator('article', { hasText: `to ${language}@home.example` });
      for (let round = 0; round < 50 && (await mailed.count()) === 0; round += 1) {
        await page.waitForTimeout(100);
        await page.goto(`${stage.server.url}/mail`);
      }
      await look(`mail-${language}`);
      await follow(page, () => mailed.getByRole('link').click());
      const { href } = new URL(page.url());
      await look(`password-reset-${language}`);
      await page.locator('#password').fill('a lantern for an otter');
      await page.locator('#again').fill('a lantern for an otter');
      await press('save');
      await page.getByRole('status').waitFor();
      await look(`password-reset-done-${language}`);
      await page.goto(href);
      await look(`error-link-${language}`);
    });

    it(`an account of one's own, in ${language}`, async () => {
      await arrive(locale);
      await page.goto(stage.authorize(clinic, 'wide'));
      await follow(page, () => page.locator('main a[href*=register]').click());
      await look(`register-${language}`);
      await unchecked();
      await page.locator('#email').fill('somebody');
      await press('register');
      await page.getByRole('alert').waitFor();
      await look(`register-refused-${language}`);
      const email = `own-${language}@home.example`;
      await page.locator('#email').fill(email);
      await page.locator('#username').fill('nurse');
      await page.locator('#givenName').fill('Zoë');
      await page.locator('#familyName').fill('Featherstonehaugh-Wolfeschlegelsteinhausenbergerdorff');
      await page.locator('#birthDate').fill('1984-06-02');
      await page.locator('#memberNumber').fill('12345678');
      await page.locator('#region').selectOption('north');
      await page.locator('input[name=terms]').check();
      await press('register');
      await page.getByRole('status').waitFor();
      await look(`register-sent-${language}`);
      const mailed = page.locator('article', { hasText: `to ${email}` });
      for (let round = 0; round < 50 && (await mailed.count()) === 0; round += 1) {
        await page.waitForTimeout(100);
        await page.goto(`${stage.server.url}/mail`);
      }
      await look(`mail-register-${language}`);
      await follow(page, () => mailed.getByRole('link').click());
      const { href } = new URL(page.url());
      await page.locator('summary').click();
      await look(`register-confirm-${language}`);
      const confirm = async (password: string, again: string) => {
        await page.locator('#password').fill(password);
        await page.locator('#again').fill(again);
        await press('create');
      };
      await confirm('brief', 'briefly');
      await page.getByRole('alert').waitFor();
      await look(`register-confirm-refused-${language}`);
      await confirm('a lantern for an otter', 'a lantern for an otter');
      await page.locator('#username[aria-invalid]').waitFor();
      await look(`register-name-taken-${language}`);
      await page.locator('#username').fill(`zoe-${language}`);
      await confirm('a lantern for an otter', 'a lantern for an otter');
      await page.getByRole('status').waitFor();
      await look(`registered-${language}`);
      await page.goto(href);
      await page.getByRole('status').waitFor();
      await follow(page, () => page.locator('main a').click());
      await logIn(`zoe-${language}`, 'a lantern for an otter');
      await page.getByRole('radio').first().waitFor();
    });

    it(`what did not work, in ${language}`, async () => {
      const { server } = stage;
      await arrive(locale);
      await page.goto(`${server.issuer}/oauth/authorize?client_id=nobody`);
      await look(`error-client-${language}`);
      await page.goto(`${server.issuer}/oauth/authorize?client_id=nobody&client_id=nobody`);
      await look(`error-malformed-${language}`);
      await page.goto(`${server.issuer}/login/${'x'.repeat(43)}`);
      await look(`error-gone-${language}`);
      await page.goto(stage.authorize('choice', 'plain'));
      const { href } = new URL(page.url());
      await press('cancel');
      await page.getByRole('heading', { name: 'The app' }).waitFor();
      await page.goto(href);
      await look(`error-finished-${language}`);
      await page.goto(stage.authorize('quick', 'plain'));
      await page.waitForTimeout(1500);
      await page.reload();
      await look(`error-expired-${language}`);
    });
  }

  it('an account that an administrator approves, and one that nobody asked for', async () => {
    await arrive();
    for (const email of ['pending@home.example', 'discarded@home.example']) {
      await page.goto(`${stage.server.url}/quick/register`);
      await page.locator('#email').fill(email);
      await page.locator('#givenName').fill('Zoë');
      await page.locator('#familyName').fill('Doe');
      await press('register');
      const mailed = page.locator('article', { hasText: `to ${email}` });
      for (let round = 0; round < 50 && (await mailed.count()) === 0; round += 1) {
        await page.waitForTimeout(100);
        await page.goto(`${stage.server.url}/mail`);
      }
      await follow(page, () => mailed.getByRole('link').click());
      if (email.startsWith('discarded')) await press('discard');
      else {
        await page.locator('#password').fill('a lantern for an otter');
        await page.locator('#again').fill('a lantern for an otter');
        await press('create');
      }
      await look(`harbor-registered-${email.split('@')[0]}`);
    }
  });

  it('a choice of providers only, and the pages of another tenant', async () => {
    const { server } = stage;
    await arrive();
    await page.goto(stage.authorize('choice', 'plain'));
    expect(await page.locator('input:not([type=hidden])').count()).to.equal(0);
    await look('login-providers-only');

    await page.goto(stage.authorize('demo', 'sample-app', { redirect_uri: `${server.url}/app/`, scope: 'openid' }));
    await page.getByRole('button', { name: 'Log in with Partner Hospital' }).click();
    await page.waitForURL(/\/partner\/login\//);
    await look('partner-login');
    await logIn('drjones');
    await page.waitForURL(/\/demo\/login\//);
    await look('terms-federated');
    await page.goto(`${server.url}/partner/session/manage`);
    await look('partner-manage');
    await page.goto(`${server.url}/partner/session/end`);
    await look('partner-logout');
    await press('logout');
    await look('partner-logged-out');
    await page.goto(`${server.url}/partner/oauth/authorize?client_id=nobody`);
    await look('partner-error');
  });

  it('somebody from elsewhere whose name is taken', async () => {
    const { server } = stage;
    await arrive();
    await page.goto(stage.authorize('demo', 'sample-app', { redirect_uri: `${server.url}/app/`, scope: 'openid' }));
    await page.getByRole('button', { name: 'Log in with Partner Hospital' }).click();
    await page.waitForURL(/\/partner\/login\//);
    await logIn('pat');
    await page.waitForURL(/\/demo\/login\//);
    expect(await heading()).to.equal('Is this account yours?');
    await look('existing-account');
    await page.locator('#password').fill('wrong');
    await press('link');
    await page.getByRole('alert').filter({ hasText: 'The password is wrong.' }).waitFor();
    await look('existing-account-wrong');
    await page.locator('#password').fill('demo-password');
    await press('link');
    expect(await heading()).to.equal('Choose a patient');
  });

  it("nothing to strike out, in a tenant's own skin", async () => {
    await arrive();
    await page.goto(stage.authorize('strict', 'plain'));
    await look('skin-login');
    await logIn('nurse');
    expect(await heading()).to.equal('May this app see the record?');
    expect(await page.locator('input[type=checkbox]').count()).to.equal(0);
    await look('skin-consent-locked');
    await page.goto(`${stage.server.url}/strict/session/end`);
    await look('skin-logout');
  });

  it('and none was left out', () => {
    expect([...inspected]).to.include.members(Object.keys(samplePages('')).map((name) => `page-${name}`));
  });
});
