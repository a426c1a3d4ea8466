/** Passkeys in Chromium, with an authenticator that DevTools make: set up, as second factor, and as the whole log-in. */
import { expect } from 'chai';
import type { CDPSession } from 'playwright-core';
import { decodeJwt } from 'jose';
import { postForm } from '../support/oauth.ts';
import { inspect } from './browser.ts';
import { useDesk } from './desk.ts';

describe('a passkey in a browser', function () {
  this.timeout(120_000);
  const my = useDesk();
  let devTools: CDPSession;
  let authenticatorId = '';

  beforeEach(async () => {
    my.page.setDefaultTimeout(20_000);
    devTools = await my.page.context().newCDPSession(my.page);
    await devTools.send('WebAuthn.enable');
    ({ authenticatorId } = await devTools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    }));
  });

  const at = (page: string) => `${my.stage.server.url}/clinic/session/${page}`;
  const text = async () => (await my.page.locator('main').innerText()).replace(/\s+/g, ' ');
  async function begin(username?: string): Promise<void> {
    await my.page.goto(my.stage.authorize('clinic', 'wide', { prompt: 'login' }));
    if (username !== undefined) await my.logIn(username);
  }
  /** A nurse with a passkey and no other second factor; answers the name and the recovery codes. */
  async function withPasskey() {
    const username = my.stage.newcomer();
    await begin(username);
    await my.page.getByRole('radio').first().waitFor();
    await my.page.goto(at('security'));
    const add = my.page.getByRole('button', { name: 'Add a passkey' });
    await add.waitFor();
    await my.page.locator('#password').fill('demo-password');
    await add.click();
    await my.page.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
    const codes = await my.page.locator('main code').allInnerTexts();
    expect(codes).to.have.length(10);
    await my.press('saved');
    expect(await text())
      .to.include('From now on')
      .and.include('Chrome');
    return { username, codes };
  }
  const credentials = async () => (await devTools.send('WebAuthn.getCredentials', { authenticatorId })).credentials;

  it('is added by the password, is asked for at log-in, and is the whole log-in where one wants', async () => {
    const { username } = await withPasskey();
    expect(await credentials()).to.have.length(1);
    await begin(username);
    await my.page.getByRole('button', { name: 'Use a passkey' }).click();
    await my.page.getByRole('radio').first().waitFor();
    await begin();
    await my.page.getByRole('button', { name: 'Log in with a passkey' }).click();
    await my.page.getByRole('radio').first().check();
    await my.press('choose');
    await my.press('accept');
    await my.press('approve');
    await my.atApp();
    const { body } = await postForm(`${my.stage.server.url}/clinic/oauth/token`, {
      grant_type: 'authorization_code',
      code: my.answer().get('code') ?? '',
      redirect_uri: my.stage.redirectUri,
      code_verifier: my.stage.verifier,
      client_id: 'wide',
    });
    const claims = decodeJwt(String(body['id_token']));
    expect(claims).to.deep.include({
      sub: username,
      amr: ['hwk', 'user', 'mfa'],
      acr: 'https://refeds.org/profile/mfa',
    });
    // It proved both, so nothing more is asked for.
    await my.page.goto(at('security'));
    expect(await my.heading()).to.equal('Second step at log-in');
  });

  it('is set up within the log-in where an app wants two factors, with no code typed', async () => {
    const username = my.stage.newcomer();
    const wish = { prompt: 'login', acr_values: 'https://refeds.org/profile/mfa' };
    await my.page.goto(my.stage.authorize('clinic', 'wide', wish));
    await my.logIn(username);
    const instead = my.page.getByRole('button', { name: 'Use a passkey instead' });
    await instead.waitFor();
    expect(await my.heading()).to.equal('Set up the second step');
    await inspect(my.visitor, 'second-factor-setup', 'briefly');
    await instead.click();
    await my.page.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
    await my.press('saved');
    await my.page.getByRole('radio').first().waitFor();
    expect(await credentials()).to.have.length(1);
  });

  it('of a key that verifies nobody is a second factor', async () => {
    await devTools.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
    await devTools.send('WebAuthn.addVirtualAuthenticator', {
      options: { protocol: 'ctap2', transport: 'usb', automaticPresenceSimulation: true },
    });
    const { username } = await withPasskey();
    await begin(username);
    await my.page.getByRole('button', { name: 'Use a passkey' }).click();
    await my.page.getByRole('radio').first().waitFor();
  });

  it('is no longer taken once it was removed, which takes proof; without one the recovery codes are left', async () => {
    const { username, codes } = await withPasskey();
    await my.page.getByRole('button', { name: 'Remove' }).click();
    await my.page.getByRole('alert').waitFor();
    expect(await text()).to.include('This code is wrong');
    await begin(username);
    await my.page.locator('summary').click();
    await my.page.locator('#recovery').fill(codes[0] ?? '');
    await my.press('verify');
    await my.page.getByRole('radio').first().waitFor();
    await my.page.goto(at('security'));
    await my.page.getByRole('button', { name: 'Use a passkey' }).click();
    await my.page.getByRole('status').waitFor();
    expect(await text()).to.include('Now choose what to change');
    await my.page.getByRole('button', { name: 'Remove' }).click();
    await my.page.getByText('You need no code any more').waitFor();
    await begin();
    await my.page.getByRole('button', { name: 'Log in with a passkey' }).click();
    await my.page.getByRole('alert').waitFor();
    expect(await text()).to.include('does not log you in here');
    await my.logIn(username);
    await my.page.getByRole('radio').first().waitFor();
  });

  it('is not offered without scripts, and everything else works', async () => {
    await my.arrive({ javaScriptEnabled: false });
    const username = my.stage.newcomer();
    await begin(username);
    await my.page.goto(at('security'));
    expect(await my.page.getByRole('button', { name: /passkey/i }).count()).to.equal(0);
    await my.page.goto(my.stage.authorize('clinic', 'wide', { prompt: 'login' }));
    expect(await my.page.getByRole('button', { name: /passkey/i }).count()).to.equal(0);
  });

  it('is asked for by one script of the engine’s own, and the policy allows no other', async () => {
    const answer = await my.page.goto(my.stage.authorize('clinic', 'wide'));
    const policy = answer?.headers()['content-security-policy'] ?? '';
    expect(policy).to.match(/script-src http:\/\/localhost:\d+\/clinic\/script\/passkey\.[0-9a-f]{16}\.js;/);
    expect(policy).not.to.include('unsafe').and.not.include('connect-src');
  });
});
