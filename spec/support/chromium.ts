/** The real browser of the specs. */
import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { type Browser, chromium } from 'playwright-core';

/** Of the same Chromium, the shell that only runs headless: it needs a sixth of the time for a page of its own. */
const programs = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];

export async function launchBrowser(): Promise<Browser> {
  const program = process.env['CHROMIUM_PATH'] ?? programs.find((path) => existsSync(path)) ?? '';
  expect(existsSync(program), 'Chromium is needed (Debian: apt-get install chromium-headless-shell)').to.equal(true);
  return chromium.launch({
    executablePath: program,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
