/** The pages' ways: back, out to other origins, and into other languages. */
import { expect } from 'chai';
import { useDesk } from './desk.ts';

describe('the ways of pages', function () {
  this.timeout(120_000);
  const my = useDesk();

  describe('and back again', () => {
    it('show where the flow stands, and never ask to send a form once more', async () => {
      await my.page.goto(my.stage.authorize('clinic', 'wide'));
      const username = my.stage.newcomer();
      await my.logIn(username, 'wrong');
      await my.page.reload();
      await my.logIn(username);
      expect(await my.heading()).to.equal('Choose a patient');
      for (let step = 0; step < 2; step += 1) {
        await my.page.goBack();
        expect(await my.heading()).to.equal('Choose a patient');
      }
      await my.page.getByRole('searchbox').fill('number');
      await my.click('button', 'Search');
      await my.page.getByRole('radio').first().check();
      await my.press('choose');
      await my.page.goBack();
      expect(await my.heading()).to.equal('Terms of service');
      await my.press('accept');
      await my.press('approve');
      await my.atApp();
      await my.page.goBack();
      expect(await my.heading()).to.equal('Nothing left to do here');
      await my.page.goForward();
      await my.atApp();
    });
    it('let somebody who came back from a provider log in otherwise', async () => {
      const { server } = my.stage;
      await my.page.goto(
        my.stage.authorize('demo', 'sample-app', { redirect_uri: `${server.url}/app/`, scope: 'openid' }),
      );
      await my.click('button', 'Log in with Partner Hospital');
      await my.page.goBack();
      await my.logIn('jane');
      await my.page.getByRole('heading', { name: 'Terms of service' }).waitFor();
    });
    it('pressed twice, slowly, the last button leads to the app all the same', async () => {
      await my.toConsent();
      await my.page.evaluate(`{
        const button = document.querySelector('button[value=approve]');
        button.click();
        setTimeout(() => button.click(), 15);
      }`);
      await my.atApp();
      expect((await my.stage.redeem('clinic', 'wide', my.answer().get('code') ?? '')).status).to.equal(200);
    });
  });

  describe('lead on', () => {
    it('to an app whose address leads to another origin', async () => {
      const onward = my.stage.redirectUri.replace('/callback', '/onward');
      await my.toConsent({ redirect_uri: onward });
      await my.press('approve');
      await my.atApp();
      expect(new URL(my.page.url()).hostname).to.equal('localhost');
    });
    it('from a log-out to the app, once the person said so', async () => {
      await my.toConsent();
      const query = new URLSearchParams({
        client_id: 'wide',
        post_logout_redirect_uri: my.stage.redirectUri,
        state: 'bye',
      });
      await my.page.goto(`${my.stage.server.url}/clinic/session/end?${query}`);
      expect(await my.heading()).to.equal('Log out?');
      await my.press('logout');
      await my.atApp();
      expect(my.page.url()).to.equal(`${my.stage.redirectUri}?state=bye`);
    });
    it('from a log-out nowhere that the app did not register', async () => {
      await my.toConsent();
      const query = new URLSearchParams({ client_id: 'wide', post_logout_redirect_uri: 'https://trap.example/' });
      await my.page.goto(`${my.stage.server.url}/clinic/session/end?${query}`);
      await my.press('logout');
      expect(await my.heading()).to.equal('Logged out');
    });
  });

  describe('in the language that the app or the browser asks for', () => {
    const language = () => my.page.locator('html').getAttribute('lang');
    const german: Record<string, string> = { ui_locales: 'pt-BR de-CH en' };

    it('from the first page to the last', async () => {
      await my.page.goto(my.stage.authorize('clinic', 'wide', german));
      expect(await my.heading()).to.equal('Anmelden');
      await my.logIn(my.stage.newcomer(), 'falsch');
      expect(await my.page.getByRole('alert').innerText()).to.equal('Benutzername oder Passwort ist falsch.');
      const { href } = new URL(my.page.url());
      await my.logIn(my.stage.newcomer());
      expect(await my.heading()).to.equal('Patient auswählen');
      expect(await my.page.locator('main').innerText())
        .to.contain('männlich')
        .and.contain('weiblich')
        .and.contain('divers');
      await my.page.getByRole('radio').first().check();
      await my.press('choose');
      expect(await my.heading()).to.equal('Nutzungsbedingungen');
      await my.press('accept');
      expect(await my.heading()).to.equal('Zugriff erlauben?');
      const text = await my.page.locator('main').innerText();
      expect(text).to.contain('Verordnungen einsehen').and.contain('15. Januar 2026');
      expect(
        text.replace('We never sell what we see. We delete everything thirty days after you leave us.', ''),
      ).not.to.match(/\b(the|you|and|may|not)\b/);
      await my.press('approve');
      await my.atApp();
      await my.page.goto(href);
      expect(await my.heading()).to.equal('Hier ist nichts mehr zu tun');
    });
    it('on the pages outside of a flow', async () => {
      await my.toConsent();
      for (const [path, title] of [
        ['session/manage?ui_locales=de', 'Apps und Sitzungen'],
        ['session/end?ui_locales=de', 'Abmelden?'],
        ['oauth/authorize?client_id=nobody&ui_locales=de', 'Das hat nicht geklappt'],
      ]) {
        await my.page.goto(`${my.stage.server.url}/clinic/${path}`);
        expect([await language(), await my.heading()]).to.deep.equal(['de', title]);
      }
      await my.page.goto(`${my.stage.server.url}/clinic/session/end?ui_locales=de`);
      await my.press('logout');
      expect(await my.heading()).to.equal('Abgemeldet');
      await my.page.goto(`${my.stage.server.url}/clinic/session/manage?ui_locales=de`);
      expect(await my.heading()).to.equal('Bitte melden Sie sich zuerst an');
    });
    for (const [asked, locale, shown] of [
      ['pt', 'de-DE', 'de'],
      ['fr-CA', 'de-DE', 'fr'],
      ['', 'es-419', 'en'],
      ['en', 'de-DE', 'en'],
      ['../de %00 x', 'en-US', 'en'],
      ['de-DE-u-co-phonebk', 'en-US', 'de'],
    ] as const) {
      it(`"${asked}" in a browser of ${locale}: ${shown}`, async () => {
        await my.arrive({}, locale);
        await my.page.goto(my.stage.authorize('clinic', 'wide', asked === '' ? {} : { ui_locales: asked }));
        expect(await language()).to.equal(shown);
      });
    }
  });
});
