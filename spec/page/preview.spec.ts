/** The pages for administrators: every page of every shipped skin in Chromium, the simulator, and who may see them. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { samplePages } from '../../engine/page/samples.ts';
import { mailNames } from '../../engine/page/view.ts';
import { launchBrowser } from '../support/chromium.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { follow, inspect, visit, type Visitor } from './browser.ts';
import { addSecret, describeSimulatorPage, describeSimulatorRules } from './simulator-pages.ts';

const names = Object.keys(samplePages());
const at = '/admin/skins/preview';

describe('the preview of skins', function () {
  this.timeout(300_000);

  describe('on a demo server', () => {
    let server: TestServer;
    let browser: Browser;
    let visitor: Visitor;

    before(async () => {
      [server, browser] = await Promise.all([startTestServer(), launchBrowser()]);
    });
    after(async () => {
      await browser?.close();
      await server?.close();
    });
    beforeEach(async () => {
      visitor = await visit(browser, 'en-US');
    });
    afterEach(() => visitor.context.close());

    describeSimulatorPage(() => ({ server, browser }));

    it('lists every page, for the skin and the language that were chosen', async () => {
      const { page } = visitor;
      await page.goto(`${server.url}${at}`);
      await inspect(visitor, 'preview-list');
      await page.getByLabel('Skin').selectOption('harbor');
      await page.getByLabel('Language').selectOption('fr');
      await follow(page, () => page.getByRole('button', { name: 'Show' }).click());
      const links = await page
        .locator('main a')
        .evaluateAll((found) => found.map((link) => link.getAttribute('href') ?? ''));
      for (const name of names) expect(links, name).to.include(`${at}/harbor/fr/${name}`);
      await follow(page, () => page.getByRole('link', { name: 'logout', exact: true }).click());
      expect(await page.locator('html').getAttribute('lang')).to.equal('fr');
      expect(await page.locator('h1').innerText()).to.equal('Se déconnecter ?');
    });

    for (const look of ['default', 'harbor'])
      for (const name of names)
        it(`${name} in ${look}: as it should look, and nothing from elsewhere`, async () => {
          const asked: string[] = [];
          visitor.page.on('request', (request) => asked.push(request.url()));
          const answer = await visitor.page.goto(`${server.url}${at}/${look}/en/${name}`);
          expect(answer?.headers()['content-security-policy'])
            .to.match(/^default-src 'none'; style-src 'self';/)
            .and.not.match(/unsafe|script-src/);
          // The pages of the default skin are looked at where people meet them.
          await inspect(visitor, `preview-${look}-${name}`, look === 'harbor' ? 'whole' : 'briefly');
          const outside = asked.filter((url) => !url.startsWith(`${server.url}${at}/${look}/`));
          expect(outside).to.deep.equal([]);
          expect(asked.length, 'the page has styles').to.be.greaterThan(2);
        });

    it('shows each mail in each skin and language', async () => {
      for (const name of mailNames)
        for (const language of ['en', 'de', 'fr']) {
          const answer = await fetch(`${server.url}${at}/harbor/${language}/mail-${name}`);
          const text = await answer.text();
          expect(answer.status, name).to.equal(200);
          expect(text)
            .to.include('General Hospital')
            .and.not.match(/[{}]|undefined/);
        }
      expect((await fetch(`${server.url}${at}/harbor/en/mail-none`)).status).to.equal(404);
    });

    it('the two skins are laid out differently', async () => {
      const places = [];
      for (const look of ['default', 'harbor']) {
        await visitor.page.goto(`${server.url}${at}/${look}/en/login`);
        const [brand, main, font] = await visitor.page.evaluate<[{ right: number }, { left: number }, string]>(`[
          document.querySelector('.brand').getBoundingClientRect().toJSON(),
          document.querySelector('main').getBoundingClientRect().toJSON(),
          getComputedStyle(document.querySelector('h1')).fontFamily]`);
        places.push({ beside: brand.right <= main.left, font });
      }
      expect(places.map(({ beside }) => beside)).to.deep.equal([false, true]);
      expect(places[0]?.font).not.to.equal(places[1]?.font);
    });

    it('a form leads back to its page, and what is sent is not kept', async () => {
      const { page } = visitor;
      await page.goto(`${server.url}${at}/default/de/login?error=none`);
      expect(await page.getByRole('alert').count()).to.equal(0);
      await page.locator('#password').fill('a secret');
      await follow(page, () => page.locator('button[value=login]').click());
      expect(page.url()).to.equal(`${server.url}${at}/default/de/login`);
      expect(await page.content()).not.to.contain('a secret');
    });

    it('shows each error page by its code', async () => {
      await visitor.page.goto(`${server.url}${at}/default/en/error?error=flow-expired`);
      expect(await visitor.page.locator('main').innerText()).to.contain('This page waited too long');
    });

    for (const path of [
      '/none/en/login',
      '/default/xx/login',
      '/default/en/none',
      '/default/en/constructor',
      '/default/../login',
      '/..%2f/en/login',
      '/default/skin/..%2f..%2fpackage.json',
      '/default/skin/login.mustache',
    ])
      it(`has no ${path}`, async () => {
        const answer = await fetch(`${server.url}${at}${path}`);
        expect(answer.status).to.equal(404);
        expect(await answer.text()).not.to.contain('"name"');
      });
  });

  describe('on a server that is none for demonstration', () => {
    const secret = 'an-administrator-of-the-preview-0123456789';
    let server: TestServer;

    before(async () => {
      server = await startTestServer({
        environment: { SALLYPORT_ADMIN_SECRET: secret },
        async prepare(config) {
          await addSecret(config);
          // One tenant that is not for demonstration closes the preview of all.
          const file = join(config, 'partner/tenant.json');
          const { id, name, issuer, keystore } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
          await writeFile(file, JSON.stringify({ id, name, issuer, keystore, skin: 'partnerlook' }));
        },
      });
    });
    after(() => server?.close());

    describeSimulatorRules(() => ({ server, secret }));

    const ask = (path: string, authorization?: string) =>
      fetch(`${server.url}${at}${path}`, { headers: authorization === undefined ? {} : { authorization } });
    const basic = (password: string) => `Basic ${Buffer.from(`somebody:${password}`).toString('base64')}`;

    for (const path of ['', '/default/en/login', '/default/skin/style.css', '/default/en/none'])
      it(`asks for a token before "${path}"`, async () => {
        const answer = await ask(path);
        expect(answer.status).to.equal(401);
        expect(answer.headers.get('www-authenticate')).to.match(/^Basic realm=/);
        expect(await answer.text()).not.to.contain('<form');
      });
    it('shows it to an administrator, as a browser sends the token and as a program does', async () => {
      for (const authorization of [basic(secret), `Bearer ${secret}`]) {
        const answer = await ask('/harbor/en/login', authorization);
        expect(answer.status).to.equal(200);
        expect(await answer.text()).to.contain('name="password"');
      }
    });
    for (const wrong of [
      basic('not-the-secret-of-an-administrator'),
      basic(''),
      'Basic %%%',
      'Bearer x',
      `Digest ${secret}`,
    ])
      it(`refuses "${wrong.slice(0, 12)}…"`, async () => expect((await ask('', wrong)).status).to.equal(401));
    it('refuses a role that may not read, and a token of another tenant sees no skin but the shipped ones', async () => {
      const create = async (body: object) => {
        const answer = await fetch(`${server.url}/admin/api/tokens`, {
          method: 'POST',
          headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
        expect(answer.status).to.equal(201);
        return ((await answer.json()) as { token: string }).token;
      };
      const launcher = await create({ name: 'ehr', role: 'launcher' });
      expect((await ask('', basic(launcher))).status).to.equal(403);
      const auditor = await create({ name: 'auditor', role: 'auditor', tenants: ['demo'] });
      const seen = async (token: string) => (await ask('', basic(token))).text();
      expect(await seen(secret)).to.contain('partnerlook');
      expect(await seen(auditor))
        .to.contain('harbor')
        .and.not.contain('partnerlook');
      expect((await ask('/partner:partnerlook/en/login', basic(secret))).status).to.equal(200);
      expect((await ask('/partner:partnerlook/en/login', basic(auditor))).status).to.equal(404);
    });
  });
});
