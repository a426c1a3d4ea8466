/** A person at a browser, for each test anew, before the server whose tenants show every page. */
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { follow, visit, type Visitor } from './browser.ts';
import { launchBrowser } from '../support/chromium.ts';
import { type PageStage, startPageStage } from './stage.ts';

export interface Desk {
  readonly stage: PageStage;
  readonly page: Page;
  readonly visitor: Visitor;
  /** Another person's browser, with its own settings. */
  arrive(options?: Parameters<typeof visit>[2], locale?: string): Promise<void>;
  /** Takes back complaints of the browser that a test provoked. */
  forgive(complaint: RegExp): void;
  press(button: string): Promise<void>;
  click(role: 'button' | 'link', name: string): Promise<void>;
  enter(): Promise<void>;
  heading(): Promise<string>;
  /** What has the focus: the name of a field, or the words of anything else. */
  focused(): Promise<string>;
  atApp(): Promise<void>;
  /** What the app was answered with last. */
  answer(): URLSearchParams;
  grantedScopes(): Promise<readonly string[]>;
  logIn(username: string, password?: string): Promise<void>;
  /** Opens the clinic's request as somebody new and goes on to the consent page. */
  toConsent(more?: Readonly<Record<string, string>>): Promise<void>;
}

let running: Promise<[PageStage, Browser]> | undefined;
let suites = 0;

/**
 * Sets the desk up for the tests of a suite. After each of them the browser must not have complained. The first suite
 * starts the server and the browser, the last one ends them.
 */
export function useDesk(): Desk {
  let stage: PageStage;
  let browser: Browser;
  let visitor: Visitor;
  suites += 1;

  before(async () => {
    running ??= Promise.all([startPageStage(), launchBrowser()]);
    [stage, browser] = await running;
  });
  after(async () => {
    suites -= 1;
    if (suites > 0) return;
    await browser?.close();
    await stage?.close();
  });
  beforeEach(() => my.arrive());
  afterEach(async () => {
    expect(visitor.complaints).to.deep.equal([]);
    await visitor.context.close();
  });

  const my: Desk = {
    get stage() {
      return stage;
    },
    get page() {
      return visitor.page;
    },
    get visitor() {
      return visitor;
    },
    forgive(complaint) {
      const left = visitor.complaints.filter((text) => !complaint.test(text));
      visitor.complaints.splice(0, visitor.complaints.length, ...left);
    },
    async arrive(options, locale = 'en-US') {
      await visitor?.context.close();
      visitor = await visit(browser, locale, options);
    },
    press: (button) => follow(my.page, () => my.page.locator(`main button[value="${button}"]`).click()),
    click: (role, name) => follow(my.page, () => my.page.getByRole(role, { name }).click()),
    enter: () => follow(my.page, () => my.page.keyboard.press('Enter')),
    heading: () => my.page.locator('h1').innerText(),
    focused: () => my.page.evaluate('document.activeElement.name || document.activeElement.textContent.trim()'),
    atApp: () => my.page.getByRole('heading', { name: 'The app' }).waitFor(),
    answer: () => stage.answers.at(-1) ?? new URLSearchParams(),
    async grantedScopes() {
      const { scope } = await stage.redeem('clinic', 'wide', my.answer().get('code') ?? '');
      return scope.split(' ');
    },
    async logIn(username, password = 'demo-password') {
      await my.page.locator('#username').fill(username);
      await my.page.locator('#password').fill(password);
      await my.press('login');
    },
    async toConsent(more = {}) {
      await my.page.goto(stage.authorize('clinic', 'wide', more));
      await my.logIn(stage.newcomer());
      await my.page.getByRole('radio').first().check();
      await my.press('choose');
      await my.press('accept');
      expect(await my.heading()).to.equal('Allow access?');
    },
  };
  return my;
}
