/** What another site can do with a person's browser while they use the server: nothing. A real browser, a real other site. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { useDesk } from './desk.ts';
import { visit, type Visitor } from './browser.ts';

interface Attacker {
  readonly listening: Server;
  /** On the same site as the server (another port), and on another one. */
  readonly origins: readonly string[];
  /** What the page at `/` is. */
  page: string;
  /** Requests that arrived, as people who were led there would make them. */
  readonly visits: string[];
}

async function startAttacker(): Promise<Attacker> {
  const visits: string[] = [];
  const listening = createServer((request, reply) => {
    if (request.url !== '/' && request.url !== '/favicon.ico') visits.push(request.url ?? '');
    reply.setHeader('content-type', 'text/html; charset=utf-8').end(attacker.page);
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;
  const attacker = { listening, origins: [`http://localhost:${port}`, `http://127.0.0.1:${port}`], page: '', visits };
  return attacker;
}

describe('another site', function () {
  this.timeout(120_000);
  const my = useDesk();
  let attacker: Attacker;
  before(async () => {
    attacker = await startAttacker();
  });
  after(() => {
    attacker.listening.closeAllConnections();
    attacker.listening.close();
  });

  const at = (path: string) => `${my.stage.server.url}/clinic${path}`;
  const request = () => my.stage.authorize('clinic', 'framed', { scope: 'openid' });
  async function toConsent(): Promise<string> {
    const username = my.stage.newcomer();
    await my.page.goto(request());
    await my.logIn(username);
    await my.page.getByRole('radio').first().check();
    await my.press('choose');
    await my.press('accept');
    return username;
  }
  const isLoggedIn = async () => {
    await my.page.goto(at('/session/manage'));
    return (await my.heading()) !== 'Please log in first';
  };
  /** Opens the attacker's page in the person's browser, on each of its origins in turn. */
  async function lure(page: string, wait: () => Promise<unknown>): Promise<void> {
    for (const origin of attacker.origins) {
      attacker.page = `<!doctype html><title>A prize</title>${page}`;
      await my.page.goto(origin);
      await wait();
    }
  }
  const form = (action: string, fields: Readonly<Record<string, string>>) =>
    `<form method="post" action="${action}">${Object.entries(fields)
      .map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`)
      .join('')}</form><script>document.forms[0].submit()</script>`;

  it('shows no page of the server in a frame (clickjacking)', async () => {
    await toConsent();
    const consent = my.page.url();
    for (const address of [request(), consent, at('/session/manage'), at('/session/end?client_id=framed')]) {
      await lure(`<iframe name="bait" src="${address.replaceAll('&', '&amp;')}"></iframe>`, async () => {
        await my.page.waitForLoadState('load');
        // The browser puts its own page in the place of one that it refuses, which takes it a moment.
        const framed = () => my.page.frames().filter((frame) => frame !== my.page.mainFrame());
        const isRefused = () => framed().length === 1 && framed()[0]?.url().startsWith('chrome-error:') === true;
        for (let round = 0; round < 100 && !isRefused(); round += 1) await my.page.waitForTimeout(50);
        expect(isRefused(), `${address}: ${framed()[0]?.url()}`).to.equal(true);
        expect(await framed()[0]?.locator('form').count(), address).to.equal(0);
      });
    }
    my.forgive(/frame-ancestors|status of 40[01]/);
    // The person goes on as if nothing had been.
    await my.page.goto(consent);
    await my.press('approve');
    await my.atApp();
  });

  it('sends no form in the name of who is logged in (cross-site request forgery)', async () => {
    await toConsent();
    const consent = my.page.url();
    await my.press('approve');
    await my.atApp();
    const before = my.stage.answers.length;
    const forged: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
      [at('/session/manage'), { revoke: 'framed' }],
      [at('/session/manage'), { others: 'end', csrf: 'A'.repeat(43) }],
      [
        at('/session/password'),
        { current: 'demo-password', password: 'theirs to know', again: 'theirs to know', do: 'save' },
      ],
      [at('/session/links'), { link: 'partner', password: 'demo-password' }],
      [at('/session/end?client_id=framed'), { do: 'logout' }],
      [`${consent}?at=consent`, { do: 'approve', scope: 'openid' }],
    ];
    for (const [action, fields] of forged) {
      await lure(form(action, fields), async () => {
        await my.page.waitForURL((url) => !attacker.origins.includes(url.origin));
        expect(my.page.url().startsWith(my.stage.server.url), my.page.url()).to.equal(true);
        expect(await my.page.locator('h1').innerText(), action).to.not.match(/^(?:Logged out|The app)$/);
      });
    }
    my.forgive(/status of 40[0-9]/);
    expect(my.stage.answers).to.have.length(before);
    expect(await isLoggedIn()).to.equal(true);
    expect(await my.page.locator('main').innerText()).to.include('Framed App');
    expect(await my.page.getByRole('status').count()).to.equal(0);
  });

  it("logs nobody in as the attacker, by the attacker's form or log-in (login CSRF)", async () => {
    const browser = my.page.context().browser();
    if (!browser) throw new Error('there is no browser');
    const theirs: Visitor = await visit(browser);
    try {
      await theirs.page.goto(request());
      const csrf = (await theirs.page.locator('input[name="csrf"]').first().getAttribute('value')) ?? '';
      const action = (await theirs.page.locator('main form').first().getAttribute('action')) ?? '';
      const fields = { csrf, username: my.stage.newcomer(), password: 'demo-password', do: 'login' };
      await lure(form(action, fields), () => my.page.waitForURL((url) => !attacker.origins.includes(url.origin)));
      expect(await isLoggedIn()).to.equal(false);
      // Nor by the address of a page of theirs that is already past the log-in.
      await theirs.page.locator('#username').fill(fields.username);
      await theirs.page.locator('#password').fill(fields.password);
      await theirs.page.locator('main button[value="login"]').click();
      await theirs.page.getByRole('radio').first().waitFor();
      await my.page.goto(theirs.page.url());
      expect(await my.page.getByRole('radio').count()).to.equal(0);
      expect(await isLoggedIn()).to.equal(false);
    } finally {
      await theirs.context.close();
    }
    my.forgive(/status of 40[0-9]/);
  });

  it('fixes no session by a cookie that it planted', async () => {
    const planted = 'P'.repeat(43);
    await my.page.goto(request());
    await my.page.context().addCookies(
      ['/', '/clinic', '/clinic/'].map((path) => ({
        name: 'sallyport_session',
        value: planted,
        domain: 'localhost',
        path,
      })),
    );
    await my.page.reload();
    await my.logIn(my.stage.newcomer());
    const after = await my.page.context().cookies();
    const session = after.filter(({ name, httpOnly }) => httpOnly && /session/.test(name));
    expect(session.filter(({ value }) => value !== planted)).to.have.length(1);
    const browser = my.page.context().browser();
    const thief = browser && (await visit(browser));
    if (!thief) throw new Error('there is no browser');
    try {
      await thief.context.addCookies(session.map((cookie) => ({ ...cookie, value: planted })));
      await thief.page.goto(at('/session/manage'));
      expect(await thief.page.locator('h1').innerText()).to.equal('Please log in first');
    } finally {
      await thief.context.close();
    }
  });

  it('gets nobody by an address of the server that leads on (open redirect)', async () => {
    const [evil = ''] = attacker.origins;
    attacker.visits.length = 0;
    attacker.page = '<!doctype html><title>A prize</title><h1>Caught</h1>';
    const host = new URL(evil).host;
    const { redirectUri } = my.stage;
    const targets = [
      `${evil}/caught`,
      `//${host}/caught`,
      `/\\${host}/caught`,
      `${redirectUri}@${host}/caught`,
      `${redirectUri}.${host}/caught`,
      `${redirectUri}/../caught`,
      `${new URL(redirectUri).origin}@${host}/caught`,
      `javascript:location='${evil}/caught'`,
      `data:text/html,<meta http-equiv=refresh content="0;${evil}/caught">`,
    ];
    const addresses = targets.flatMap((target) => {
      const to = encodeURIComponent(target);
      return [
        my.stage.authorize('clinic', 'framed', { redirect_uri: target, prompt: 'none' }),
        at(`/session/end?client_id=framed&post_logout_redirect_uri=${to}`),
        at(`/session/ended?state=${to}&onward=${to}`),
        at(`/session/manage?return=${to}&redirect_uri=${to}&next=${to}`),
        at(`/password/forgotten?flow=${to}`),
        at(`/federation/callback/partner?state=${to}&code=x&iss=${to}`),
      ];
    });
    for (const address of addresses) {
      await my.page.goto(address).catch(() => undefined);
      await my.page.waitForLoadState('load');
      const { origin } = new URL(my.page.url());
      expect(origin, `${address} led to ${my.page.url()}`).to.equal(my.stage.server.url);
      for (const link of await my.page.locator('a[href], form[action]').all()) {
        const href = (await link.getAttribute('href')) ?? (await link.getAttribute('action')) ?? '';
        if (href.startsWith('#')) continue;
        expect(new URL(href, my.page.url()).origin, `${address} offers ${href}`).to.equal(my.stage.server.url);
      }
    }
    // Two slashes in the path are no address of somebody else's either.
    for (const path of [`//${host}/caught`, `/clinic//${host}/caught`, `/clinic/..//${host}/caught`, `/\\${host}`]) {
      const answer = await fetch(my.stage.server.url + path, { redirect: 'manual' });
      expect(answer.headers.get('location'), path).to.equal(null);
    }
    my.forgive(/status of 40[0-9]/);
    expect(attacker.visits).to.deep.equal([]);
  });
});
