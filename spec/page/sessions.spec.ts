/** What a person sees of their sessions, and what a log-out shows to apps in frames, in a browser. */
import { expect } from 'chai';
import { follow, inspect, visit } from './browser.ts';
import { useDesk } from './desk.ts';

describe('sessions in a browser', function () {
  this.timeout(120_000);
  const my = useDesk();

  async function enterApp(username: string): Promise<void> {
    await my.page.goto(my.stage.authorize('clinic', 'framed', { scope: 'openid' }));
    await my.logIn(username);
    await my.page.getByRole('radio').first().check();
    await my.press('choose');
    await my.press('accept');
    await my.press('approve');
    await my.atApp();
  }
  const end = (more: Readonly<Record<string, string>> = {}) =>
    `${my.stage.server.url}/clinic/session/end?${new URLSearchParams({ client_id: 'framed', ...more })}`;

  it('log-out shows the app in a frame, tells it who and which session, and looks as it should', async () => {
    await enterApp(my.stage.newcomer());
    await my.page.goto(end());
    await my.press('logout');
    expect(await my.heading()).to.equal('Logged out');
    await my.page.frameLocator('iframe').getByRole('heading', { name: 'The app' }).waitFor({ state: 'attached' });
    const told = my.stage.framed.at(-1);
    expect(told?.get('iss')).to.equal(`${my.stage.server.url}/clinic`);
    expect(told?.get('sid')).to.match(/^[A-Za-z0-9_-]{43}$/);
    await inspect({ page: my.page, context: my.page.context(), complaints: [] }, 'logged-out-frames');
  });

  it('log-out goes on to the app by itself once its frame was there', async () => {
    const before = my.stage.framed.length;
    await enterApp(my.stage.newcomer());
    await my.page.goto(end({ post_logout_redirect_uri: my.stage.redirectUri, state: 'bye' }));
    await my.press('logout');
    expect(await my.page.getByRole('link', { name: 'Go on to Framed App' }).count()).to.equal(1);
    await my.atApp();
    expect(my.answer().get('state')).to.equal('bye');
    expect(my.stage.framed).to.have.length(before + 1);
  });

  it('another browser is seen, ended, and logged out at once', async () => {
    const username = my.stage.newcomer();
    await enterApp(username);
    const browser = my.page.context().browser();
    if (!browser) throw new Error('there is no browser');
    const other = await visit(browser);
    try {
      await other.page.goto(my.stage.authorize('clinic', 'framed', { scope: 'openid' }));
      await other.page.locator('#username').fill(username);
      await other.page.locator('#password').fill('demo-password');
      await other.page.locator('main button[value="login"]').click();
      await other.page.waitForURL((url) => url.pathname !== '/clinic/oauth/authorize');
      const manage = `${my.stage.server.url}/clinic/session/manage`;
      await other.page.goto(manage);
      await my.page.goto(manage);
      expect(await my.page.locator('h3').allInnerTexts()).to.include('Chrome on Linux (this one)');
      await inspect({ page: my.page, context: my.page.context(), complaints: [] }, 'manage-sessions');
      await follow(my.page, () => my.page.getByRole('button', { name: 'End session' }).click());
      expect(await my.page.getByRole('status').innerText()).to.equal('The session was ended.');
      expect(await my.page.getByRole('button', { name: 'End all other sessions' }).count()).to.equal(0);
      await other.page.goto(manage);
      expect(await other.page.locator('h1').innerText()).to.equal('Please log in first');
    } finally {
      await other.context.close();
    }
  });
});
