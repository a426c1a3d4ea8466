/** Chromium, and what it finds wrong with a page: wide and narrow, light and dark. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Browser, BrowserContext, Page } from 'playwright-core';

/** Where to put pictures for a person to look at; none are made unless set. */
const pictures = process.env['SALLYPORT_SPEC_PICTURES'];
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'];
/** CSS pixels that a finger needs; a link within a sentence is excepted. */
const finger = 44;
export const wide = { width: 1280, height: 800 };
export const narrow = { width: 360, height: 740 };

/** Kinds of pages in a skin that axe has seen in the large size. */
const seenWide = new Set<string>();

/** Names of the pages of the skins that were looked at. */
export const inspected = new Set<string>();

export interface Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the browser complained about: scripts, the content security policy, answers that failed. */
  readonly complaints: string[];
}

export async function visit(
  browser: Browser,
  locale = 'en-US',
  options: {
    readonly javaScriptEnabled?: boolean;
    readonly httpCredentials?: { readonly username: string; readonly password: string };
  } = {},
): Promise<Visitor> {
  const context = await browser.newContext({ locale, viewport: wide, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // That an error page has the status of an error is no fault of the page.
    const isStatus = message.text().startsWith('Failed to load resource') && message.location().url === page.url();
    if (message.type() === 'error' && !isStatus) complaints.push(message.text());
  });
  return { context, page, complaints };
}

/** Does what leads to another page, and waits until it is there: a click alone does not wait for it. */
export async function follow(page: Page, act: () => Promise<unknown>): Promise<void> {
  await page.evaluate("document.documentElement.setAttribute('data-left', '')");
  await act();
  await page.locator('html:not([data-left])').waitFor({ state: 'attached' });
  await page.waitForLoadState();
}

/**
 * Looks at a page in both sizes and both colour schemes, and leaves it wide and light.
 * @param how `briefly` looks once, at the small size, where what is new is the length of the words.
 */
export async function inspect(
  { page, complaints }: Visitor,
  name: string,
  how: 'whole' | 'briefly' = 'whole',
): Promise<void> {
  for (const size of how === 'whole' ? [narrow, wide] : [narrow]) {
    await page.setViewportSize(size);
    // Each size and each scheme once: what is wrong with one of them is wrong in either of the other.
    const once = size === narrow ? (['dark'] as const) : (['light'] as const);
    for (const colorScheme of pictures ? (['dark', 'light'] as const) : once) {
      await page.emulateMedia({ colorScheme });
      const look = `${name}, ${size.width} px, ${colorScheme}`;
      if (pictures) {
        mkdirSync(pictures, { recursive: true });
        await page.screenshot({ path: join(pictures, `${name}-${size.width}-${colorScheme}.png`), fullPage: true });
      }
      expect(await page.evaluate(overflow), `${look}: scrolls sideways`).to.deep.equal([]);
      // What is wrong with one page of a kind when there is room is wrong with the others.
      const kind = await page.evaluate<string>(kindAndSkin);
      const isNew = size === narrow || !seenWide.has(kind);
      if (isNew && (size === narrow) === (colorScheme === 'dark')) {
        if (size === wide) seenWide.add(kind);
        // As text, for the page's own policy forbids scripts from elsewhere.
        await page.evaluate(axe);
        expect(await page.evaluate<string[]>(violations), look).to.deep.equal([]);
      }
      if (size === narrow) expect(await page.evaluate(tooSmall), `${look}: too small for a finger`).to.deep.equal([]);
    }
  }
  await page.setViewportSize(wide);
  await page.emulateMedia({ colorScheme: 'light' });
  for (const kind of await page.evaluate<string[]>('[...document.body.classList]')) inspected.add(kind);
  expect(complaints, name).to.deep.equal([]);
}

const kindAndSkin = `[document.body.className, ...[...document.styleSheets].map(({ href }) => href)].join(' ')`;

const violations = `axe.run({
  runOnly: { type: 'tag', values: ${JSON.stringify(rules)} },
  rules: { 'target-size': { enabled: true } },
}).then(({ violations }) =>
  violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`;

const overflow = `document.documentElement.scrollWidth <= innerWidth ? [] :
  [document.documentElement.scrollWidth + ' px', ...[...document.querySelectorAll('body *')]
    .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
    .map((element) => element.outerHTML.slice(0, 120))]`;

const tooSmall = `[...document.querySelectorAll('a, button, summary, select, input:not([type=hidden])')]
  .filter((element) => element.checkVisibility() && !element.matches('.skip'))
  .filter((element) => !(element.matches('a') && getComputedStyle(element).display === 'inline' &&
    [...element.parentNode.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')))
  .filter((element) => {
    const { width, height } = (element.matches('[type=checkbox], [type=radio]') ? element.closest('label') : element)
      .getBoundingClientRect();
    return Math.round(width) < ${finger} || Math.round(height) < ${finger};
  })
  .map((element) => element.outerHTML.slice(0, 120))`;
