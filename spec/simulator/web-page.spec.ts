/** The simulator's page in a browser: what a tester does there, and what a script may do to it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { inspect, visit, type Visitor } from '../page/browser.ts';
import { launchBrowser } from '../support/chromium.ts';
import { startWebStage, type WebStage } from './web-stage.ts';

describe('the simulator’s page', () => {
  let stage: WebStage;
  let browser: Browser;
  let visitor: Visitor;

  before(async () => {
    [stage, browser] = await Promise.all([startWebStage(), launchBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await stage?.close();
  });
  beforeEach(async () => {
    visitor = await visit(browser);
    await open(stage.server.address);
  });
  afterEach(async () => {
    expect(visitor.complaints).to.deep.equal([]);
    await visitor.context.close();
  });

  async function open(address: string): Promise<void> {
    await visitor.page.goto(address);
    await visitor.page.locator('button.state').first().waitFor();
  }
  const on = (selector: string) => visitor.page.locator(selector);
  const state = (name: string) => on(`button.state[data-state="${name}"]`);
  async function run(number: number, outcome: string): Promise<void> {
    await visitor.page.getByRole('button', { name: 'Run', exact: true }).click();
    await on('#summary')
      .filter({ hasText: `run ${number}: ${outcome}` })
      .waitFor();
  }
  /** Takes back complaints of the browser that a test provoked. */
  function forgive(complaint: RegExp): void {
    const left = visitor.complaints.filter((text) => !complaint.test(text));
    visitor.complaints.splice(0, Infinity, ...left);
  }
  /** Puts a text in place of the whole script, as somebody who pastes it. */
  async function write(text: string): Promise<void> {
    await on('.cm-content').click();
    await visitor.page.keyboard.press('Control+a');
    await paste(text);
  }
  async function paste(text: string): Promise<void> {
    await on('.cm-content').evaluate((editor, pasted) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData('text/plain', pasted);
      editor.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    }, text);
  }
  /** Writes a line behind another one; the editor draws only lines that are in view. */
  async function addLine(after: string, line: string): Promise<void> {
    await on('.cm-scroller').evaluate((scroller) => (scroller.scrollTop = scroller.scrollHeight));
    await on('.cm-line').filter({ hasText: after }).first().click();
    await visitor.page.keyboard.press('End');
    await paste(`\n${line}`);
  }

  it('shows a tester within a few clicks what a changed claim does to the token', async () => {
    const began = Date.now();
    await run(1, 'success');
    expect(await on('.headline').innerText()).to.include('Tokens were given');
    expect(await on('#panel').innerText()).to.include('demo_department');
    for (const name of ['login', 'context', 'consent', 'token generating', 'answered'])
      expect(await state(name).getAttribute('class'), name).to.include('passed');
    expect(await state('provider chosen').getAttribute('class')).to.not.include('passed');
    await addLine(
      "'demo_department', Environment",
      "theAuthorizationRequestDetails.addAccessTokenClaim('ward', 'North');",
    );
    expect(await on('#unsaved').innerText()).to.equal('not saved');
    await run(2, 'success');
    const since = await on('#since').innerText();
    expect(since)
      .to.match(/Access token[\s\S]*ward[\s\S]*North/)
      .and.not.include('jti');
    await visitor.page.getByRole('tab', { name: 'Compare' }).click();
    const differing = on('.pair .differs');
    expect(await differing.count()).to.equal(1);
    expect(await differing.first().innerText()).to.match(/ward[\s\S]*—[\s\S]*North/);
    expect(Date.now() - began).to.be.below(180_000);
    const before = await readFile(join(stage.folder, 'callbacks.js'), 'utf8');
    expect(before).to.not.include('North');
  });

  it('shows of a state what it did, and the page as the person sees it, which can do nothing', async () => {
    await run(1, 'success');
    await state('token generating').click();
    const panel = on('#panel');
    expect(await panel.innerText())
      .to.match(/onTokenGenerating in callbacks\.js[\s\S]*CPU[\s\S]*wall[\s\S]*heap/)
      .and.include('demo_greeting');
    await state('context choices').click();
    expect(await panel.innerText())
      .to.include('offered 6 patients')
      .and.include('Amina Okafor');
    await state('login').click();
    const frame = visitor.page.frameLocator('iframe.page');
    expect(await frame.getByRole('heading', { level: 1 }).innerText()).to.equal('Log in');
    const font = await frame.locator('body').evaluate((body) => getComputedStyle(body).fontFamily);
    expect(font).to.include('system-ui');
    expect(await on('iframe.page').getAttribute('sandbox')).to.equal('');
    // Neither a link nor a form leads anywhere.
    await frame.getByRole('link', { name: 'Forgot your password?' }).click();
    await frame.getByRole('button', { name: 'Cancel' }).click();
    expect(await frame.getByRole('heading', { level: 1 }).innerText()).to.equal('Log in');
    forgive(/sandbox/);
  });

  it('shows what a person’s decision leads to', async () => {
    await on('#more summary').click();
    await visitor.page.getByRole('combobox', { name: /^consent/ }).selectOption('decline');
    expect(await on('#more-count').innerText()).to.equal('(1 set)');
    await run(1, 'consent-denied');
    expect(await on('#panel').innerText()).to.include('access_denied');
    expect(await state('consent').getAttribute('class')).to.include('failed');
    expect(await state('token generating').getAttribute('class')).to.not.include('passed');
  });

  it('waits before each callback, and goes on with another input', async () => {
    await visitor.page.getByRole('button', { name: 'Step', exact: true }).click();
    const input = on('#step-input');
    const pausedAt = (hook: string, before: string) =>
      on('.headline')
        .filter({ hasText: `${hook} is about to run` })
        .filter({ hasText: before })
        .waitFor();
    await pausedAt('onAuthenticateSuccess', 'the first callback of this run');
    await on('#step-go').click();
    await pausedAt('onSmartLoginPreContextSelection', '1 ran before it');
    await on('#step-go').click();
    await pausedAt('onTokenGenerating', '2 ran before it');
    expect(await state('token generating').getAttribute('class')).to.include('paused');
    // The drawing shows the way to where the flow stands, and what came before can be looked at.
    for (const name of ['login', 'consent', 'code'])
      expect(await state(name).getAttribute('class'), name).to.include('passed');
    for (const name of ['token generating', 'token stored'])
      expect(await state(name).getAttribute('class'), name).to.not.include('passed');
    expect(await on('.lead.taken').count()).to.be.above(10);
    expect(await state('token generating').isVisible()).to.equal(true);
    await input.fill('{ "mine": true }');
    await state('local log-in').click();
    expect(await on('#panel').innerText()).to.match(/onAuthenticateSuccess[\s\S]*lastModule/);
    await state('token generating').click();
    expect(await input.inputValue()).to.equal('{ "mine": true }');
    await input.fill('{ "session": ');
    await on('#step-go').click();
    expect(await visitor.page.getByRole('alert').innerText()).to.include('not JSON');
    await input.fill('{}');
    await visitor.page.getByRole('button', { name: 'Stop here' }).click();
    await on('#summary').filter({ hasText: 'not run yet' }).waitFor();
    await run(1, 'success');
  });

  it('marks what is wrong on its line, offers names and explains them', async () => {
    await write(
      'function onTokenGenerating(theUserSession, details, theClientDetails) {\n  details.addAccesTokenClaim(1, 2);\n}\n',
    );
    const fault = on('.line-fault').first();
    await fault.waitFor();
    expect(await fault.innerText())
      .to.include('callbacks.js:2')
      .and.include('addAccesTokenClaim');
    await on('.cm-lintRange').first().waitFor();
    await fault.click();
    await visitor.page.keyboard.press('End');
    await visitor.page.keyboard.press('Enter');
    await visitor.page.keyboard.type('details.addId');
    await on('.cm-tooltip-autocomplete').waitFor();
    expect(await on('.cm-tooltip-autocomplete li').allInnerTexts()).to.satisfy((all: string[]) =>
      all.some((text) => text.includes('addIdTokenClaim')),
    );
    await on('.cm-completionInfo').waitFor();
    expect(await on('.cm-completionInfo').innerText()).to.include('ID token');
    await visitor.page.keyboard.press('Escape');
    await write('function onTokenGenerating( {');
    await on('.line-fault.error').first().waitFor();
    await visitor.page.getByRole('button', { name: 'Run', exact: true }).click();
    await on('#notice[data-kind=error]').waitFor();
    expect(await on('#notice').innerText()).to.include('callbacks.js:1');
  });

  it('stays usable whatever a script does', async () => {
    const callback = (body: string) => `function onTokenGenerating(a, b, c) {\n  ${body}\n}\n`;
    await visitor.page.getByRole('combobox', { name: /^Flow/ }).selectOption('client-credentials');
    await write(callback('for (;;) {}'));
    await run(1, 'onTokenGenerating-timeout');
    expect(await on('#panel').innerText()).to.include('timeout');
    await write(callback("throw new Error('the ward is closed');"));
    await run(2, 'onTokenGenerating-runtime');
    const told = await on('.fault').first().innerText();
    expect(told).to.include('the ward is closed').and.include('callbacks.js:2');
    await visitor.page.getByRole('button', { name: 'callbacks.js:2' }).first().click();
    expect(await on('.cm-activeLine').innerText()).to.include('the ward is closed');
    await write(
      callback("for (let i = 0; i < 1e6; i += 1) Log.info('<img src=x onerror=alert(1)> ' + 'x'.repeat(900));"),
    );
    await visitor.page.getByRole('button', { name: 'Run', exact: true }).click();
    await on('#summary').filter({ hasText: 'run 3:' }).waitFor();
    await state('token generating').click();
    expect(await on('.log li').count()).to.be.within(1, 250);
    expect(await on('.log img').count()).to.equal(0);
    await write(callback("b.addAccessTokenClaim('fine', true);"));
    await run(4, 'success');
    expect(await on('#panel').innerText()).to.include('fine');
  });

  it('reads a script again that was written elsewhere, unless it was edited here', async () => {
    const file = join(stage.folder, 'callbacks.js');
    const before = await readFile(file, 'utf8');
    await writeFile(file, `// Written elsewhere.\n${before}`);
    await visitor.page.evaluate(() => dispatchEvent(new Event('focus')));
    await on('.cm-line').filter({ hasText: 'Written elsewhere' }).waitFor();
    expect(await on('#unsaved').innerText()).to.equal('');
    await write('// Mine.');
    await writeFile(file, before);
    await visitor.page.evaluate(() => dispatchEvent(new Event('focus')));
    await visitor.page.keyboard.press('Control+s');
    await on('#notice[data-kind=error]').filter({ hasText: 'changed by somebody else' }).waitFor();
    expect(await readFile(file, 'utf8')).to.equal(before);
    forgive(/409/);
  });

  it('opens a trace that a server wrote into a file, and runs it again with the scripts here', async () => {
    const hook = {
      name: 'onTokenGenerating',
      slot: 'callbacks',
      script: 'callbacks.js',
      ok: true,
      before: { session: null, client: { clientId: 'sample-service' } },
      after: { accessTokenClaims: { demo_department: 'Cardiology', gone: 'by now' } },
      logs: [],
      calls: [],
      cpuMicroseconds: 90,
      wallMicroseconds: 120,
    };
    const entry = (state: string, kind: string, more = {}) => ({
      at: 0,
      state,
      kind,
      outcome: 'continue',
      milliseconds: 1,
      ...more,
    });
    const entries = [
      entry('client authentication', 'step'),
      entry('token generating', 'hook', { hook }),
      entry('token stored', 'step', { outcome: '<img src=x onerror=alert(1)>' }),
    ];
    const trace = {
      flowId: 'a-flow-that-happened',
      tenantId: 'demo',
      flow: 'client-credentials',
      startedAt: 0,
      outcome: 'success',
      entries,
    };
    const bring = (text: string) =>
      on('#trace-file').setInputFiles({ name: 'trace.json', mimeType: 'application/json', buffer: Buffer.from(text) });
    await visitor.page.getByRole('tab', { name: 'Traces' }).click();
    for (const [text, told] of [
      ['{', 'no JSON'],
      ['[]', 'no trace'],
      ['{"flow":"x","entries":[{}]}', 'no trace'],
    ] as const) {
      await bring(text);
      await on('#notice[data-kind=error]').filter({ hasText: told }).waitFor();
    }
    await bring(JSON.stringify(trace));
    await on('#summary').filter({ hasText: 'trace a-flow-t: success' }).waitFor();
    expect(await state('token generating').getAttribute('class')).to.include('passed');
    expect(await state('client scopes').getAttribute('class')).to.not.include('passed');
    await on('#replay').click();
    await on('#summary').filter({ hasText: 'replay 2' }).waitFor();
    expect(await on('#since').innerText()).to.match(/gone[\s\S]*by now/);
    await run(3, 'success');
  });

  it('puts the script into form, undone in one step', async () => {
    await write('function onTokenGenerating(session,details){details.addAccessTokenClaim("a",1)}');
    await visitor.page.keyboard.press('Shift+Alt+F');
    await on('#notice').filter({ hasText: 'callbacks.js is in form; it is not saved yet' }).waitFor();
    expect(await on('.cm-content').innerText()).to.include('function onTokenGenerating(session, details) {\n');
    await visitor.page.getByRole('button', { name: 'Format' }).click();
    await on('#notice').filter({ hasText: 'in form already' }).waitFor();
    await on('.cm-content').click();
    await visitor.page.keyboard.press('Control+z');
    expect(await on('.cm-content').innerText()).to.include('(session,details){');
    await write('function (');
    await visitor.page.getByRole('button', { name: 'Format' }).click();
    await on('#notice').filter({ hasText: 'Nothing was changed' }).waitFor();
    expect(await on('.cm-content').innerText()).to.include('function (');
    forgive(/422/);
  });

  it('saves the script and a case, and says where', async () => {
    await addLine("'demo_department', Environment", '  // A remark.');
    await visitor.page.getByRole('button', { name: 'Save', exact: true }).click();
    await on('#notice').filter({ hasText: 'callbacks.js' }).waitFor();
    expect(await readFile(join(stage.folder, 'callbacks.js'), 'utf8')).to.include('// A remark.');
    await visitor.page.getByRole('button', { name: 'Save as case' }).click();
    await on('#case-name').fill('Dana gets in');
    await visitor.page.getByRole('button', { name: 'Save', exact: true }).last().click();
    await on('#notice').filter({ hasText: 'dana-gets-in.case.json' }).waitFor();
    const document = JSON.parse(await readFile(join(stage.folder, 'cases/dana-gets-in.case.json'), 'utf8')) as {
      expect: object;
    };
    expect(document.expect).to.include({ outcome: 'success' });
    expect(await on('#cases option').allInnerTexts()).to.include('Dana gets in');
  });

  it('shares the settings by a link that holds neither script nor secret', async () => {
    const { page } = visitor;
    expect(page.url()).to.not.include('token');
    await page.getByRole('combobox', { name: /^Person/ }).selectOption('jane');
    await on('#more summary').click();
    await page.getByRole('combobox', { name: /^consent/ }).selectOption('decline');
    await page.getByRole('textbox', { name: 'Scopes' }).fill('openid patient/*.rs');
    await on('#rest').fill('{ "secrets": { "key": "a-secret-value" } }');
    await write('// a-script-text');
    await page.getByRole('button', { name: 'Copy link' }).click();
    await on('#notice').filter({ hasText: 'left out' }).waitFor();
    const link = page.url();
    expect(link)
      .to.include('user=jane')
      .and.not.match(/a-secret-value|a-script-text|token=/);
    page.on('dialog', (dialog) => void dialog.accept());
    await page.goto('about:blank');
    await open(link);
    await on('#more-count').filter({ hasText: '(2 set)' }).waitFor();
    expect(await on('#user').inputValue()).to.equal('jane');
    expect(await on('#scopes').inputValue()).to.equal('openid patient/*.rs');
    await run(1, 'consent-denied');
  });

  it('says what to do where the token is missing', async () => {
    const other = await visit(browser);
    await other.page.goto(stage.origin);
    await other.page.locator('#notice[data-kind=error]').waitFor();
    expect(await other.page.locator('#notice').innerText()).to.include('open the address');
    await other.context.close();
  });

  it('asks nobody but its own server', async () => {
    const asked = new Set<string>();
    visitor.page.on('request', (request) => {
      if (!request.url().startsWith('data:') && !request.url().startsWith('about:'))
        asked.add(new URL(request.url()).origin);
    });
    await visitor.page.reload();
    await state('login').waitFor();
    await run(1, 'success');
    await state('login').click();
    await on('iframe.page').waitFor();
    expect([...asked]).to.deep.equal([stage.origin]);
  });

  it('can be used by everybody: wide and narrow, light and dark, by keyboard', async function () {
    this.timeout(120_000);
    await run(1, 'success');
    await addLine(
      "'demo_department', Environment",
      "theAuthorizationRequestDetails.addAccessTokenClaim('ward', 'North');",
    );
    await visitor.page.keyboard.press('Control+Enter');
    await on('#since').waitFor();
    await addLine("'ward', 'North'", 'theAuthorizationRequestDetails.addClaim(1);');
    await on('.line-fault').first().waitFor();
    await on('#more summary').click();
    await inspect(visitor, 'simulator-result');
    await on('#more summary').click();
    await visitor.page.getByRole('tab', { name: 'Result' }).focus();
    for (let times = 0; times < 2; times += 1) await visitor.page.keyboard.press('ArrowLeft');
    expect(await visitor.page.getByRole('tab', { name: 'Compare' }).getAttribute('aria-selected')).to.equal('true');
    await visitor.page.getByRole('combobox', { name: /^Flow/ }).selectOption('client-credentials');
    await write(
      'function onTokenGenerating(a, b) {\n  Log.info(Http.get("https://elsewhere.example/").execute().status);\n}\n',
    );
    await run(3, '');
    await state('token generating').focus();
    await visitor.page.keyboard.press('Enter');
    await on('#panel details').first().locator('summary').click();
    await inspect(visitor, 'simulator-state');
  });
});
