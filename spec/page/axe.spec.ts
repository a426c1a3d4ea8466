import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect } from 'chai';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { createPageRenderer } from '../../engine/page/render.ts';
import type { PageName } from '../../engine/page/view.ts';
import { samplePages } from './samples.ts';

const pages = createPageRenderer({ skinsFolder: join(import.meta.dirname, '../../skins') });
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const samples = samplePages('Ada Lovelace');

describe('accessibility (axe-core, in a browser)', function () {
  this.timeout(60_000);
  let browser: Browser;
  let server: Server;
  let issuer = '';

  before(async () => {
    server = createServer((request, reply) => {
      const tenant = { id: 'a', name: 'Clinic', issuer, skin: 'default', folder: '/nowhere' };
      const [kind = '', name = ''] = (request.url ?? '').slice(1).split('/');
      const asset = kind === 'skin' ? pages.asset(tenant, name) : undefined;
      if (asset) return reply.setHeader('content-type', asset.type).end(asset.body);
      if (!(kind in samples)) return reply.writeHead(404).end();
      const page = kind as PageName;
      return reply
        .setHeader('content-type', 'text/html; charset=utf-8')
        .end(pages.render(tenant, page, samples[page], ['en']));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  });
  after(async () => {
    await browser?.close();
    server?.close();
  });

  for (const colorScheme of ['light', 'dark'] as const)
    for (const name of Object.keys(samples))
      it(`${name}, ${colorScheme}`, async () => {
        const page = await browser.newPage({ colorScheme, viewport: { width: 390, height: 800 } });
        await page.goto(`${issuer}/${name}`);
        await page.evaluate(axe);
        const found = (await page.evaluate(
          'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes[0].html))',
        )) as string[];
        const wide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
        await page.close();
        expect(found).to.deep.equal([]);
        expect(wide, 'scrolls sideways').to.equal(false);
      });
});
