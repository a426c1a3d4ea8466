/** fhirclient in Chromium: the demo's sample app, driven by a person from the start page on, against the real server. */
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { asAdmin, itemsOf } from '../admin/support.ts';
import { visit, type Visitor } from '../page/browser.ts';
import { launchBrowser } from '../support/chromium.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

interface AppState {
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly patient?: string;
  readonly encounter?: string;
  readonly scope: string;
}

/** What fhirclient itself keeps of the token response. */
async function stateOf(page: Page): Promise<AppState> {
  const text = await page.evaluate<string>(
    `JSON.stringify(JSON.parse(sessionStorage.getItem(JSON.parse(sessionStorage.getItem('SMART_KEY')))).tokenResponse)`,
  );
  return JSON.parse(text) as AppState;
}

async function signIn(page: Page, username: string, password = 'demo-password'): Promise<void> {
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
}

async function agree(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'I accept' }).click();
  await page.getByRole('checkbox', { name: 'Do not ask me again' }).check();
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
}

async function seeRecord(page: Page, name: string): Promise<string> {
  await page.getByRole('heading', { name, exact: true }).waitFor();
  return page.locator('main').innerText();
}

/** The problem the app shows to the person. */
async function seeProblem(page: Page): Promise<string> {
  const text = await page.getByRole('alert').innerText();
  expect(new URL(page.url()).pathname).to.match(/^\/app\//);
  return text;
}

async function startStandalone(page: Page, server: TestServer, button: string): Promise<void> {
  await page.goto(server.url);
  await page.getByRole('link', { name: 'Open the sample app' }).click();
  await page.getByRole('button', { name: button }).click();
}

async function startFromRecord(page: Page, server: TestServer, patient: string): Promise<void> {
  await page.goto(server.url);
  await page.getByLabel('Patient whose record is open').selectOption(patient);
  await page.getByRole('button', { name: 'Launch the app' }).click();
}

/** Everybody is asked for terms and approval again, as on the first day. */
async function forgetApprovals(server: TestServer): Promise<void> {
  const admin = await asAdmin(server);
  for (const { id } of itemsOf(await admin('GET', '/tenants/demo/users')))
    await admin('DELETE', `/tenants/demo/users/${String(id)}/grants/sample-app`);
}

/** The launch address that a record system would open, made through the admin API. */
async function launchAddress(server: TestServer, username: string, context: object): Promise<string> {
  const admin = await asAdmin(server);
  const { status, body } = await admin('POST', '/tenants/demo/launches', {
    clientId: 'sample-app',
    username,
    context,
  });
  expect(status, JSON.stringify(body)).to.equal(201);
  const query = new URLSearchParams({ iss: String(body['iss']), launch: String(body['launch']) });
  return `${server.url}/app/launch.html?${query}`;
}

// What the database has to do with it is the matter of the other peers' specs; here it is the one that `npm start` brings.
describe('fhirclient in Chromium', () => {
  let server: TestServer;
  let browser: Browser;
  let visitor: Visitor;
  let page: Page;

  before(async () => {
    server = await startTestServer();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });
  beforeEach(async () => {
    await forgetApprovals(server);
    visitor = await visit(browser);
    page = visitor.page;
    page.setDefaultTimeout(20_000);
  });
  afterEach(() => visitor.context.close());

  const nothingToComplain = () => expect(visitor.complaints).to.deep.equal([]);

  it('standalone: a practitioner picks a patient, the app shows the record and renews its token', async () => {
    await startStandalone(page, server, 'Choose a patient');
    await signIn(page, 'drsmith');
    await page.getByLabel('Peter Chalmers').check();
    await page.getByRole('button', { name: 'Continue' }).click();
    await agree(page);
    const text = await seeRecord(page, 'Peter Chalmers');
    for (const expected of ['Heart rate', 'MRN-10137', '1974-12-25', 'patient-02', 'Cardiology', 'Hello Dana'])
      expect(text).to.contain(expected);
    expect(await page.locator('#observations tr').count()).to.be.greaterThan(3);
    expect(await page.locator('#conditions li').count()).to.be.greaterThan(0);

    const before = await stateOf(page);
    expect(before).to.include({ patient: 'patient-02' });
    await page.getByRole('button', { name: 'Refresh the token' }).click();
    await page.getByText('The app has a new access token.').waitFor();
    const after = await stateOf(page);
    expect(after.access_token).to.not.equal(before.access_token);
    expect(after.refresh_token).to.be.a('string').and.not.equal(before.refresh_token);
    // The page reads the record anew, now with the token it was given last.
    await page.reload();
    await seeRecord(page, 'Peter Chalmers');
    nothingToComplain();
  });

  it('standalone: a patient sees their own record without choosing, and is not asked twice', async () => {
    await startStandalone(page, server, 'Open my record');
    await signIn(page, 'jane');
    await agree(page);
    expect(await seeRecord(page, 'Jane Doe')).to.contain('MRN-10000');
    expect(await stateOf(page)).to.include({ patient: 'jane' });
    await page.getByRole('button', { name: 'Start again' }).click();
    await page.getByRole('button', { name: 'Open my record' }).click();
    await seeRecord(page, 'Jane Doe');
    nothingToComplain();
  });

  it('EHR launch: the record that is open in the record system opens in the app', async () => {
    await startFromRecord(page, server, 'patient-03');
    await signIn(page, 'drsmith');
    // Whose record it is was said by the launch, so nobody is asked.
    await agree(page);
    expect(await seeRecord(page, 'Amina Okafor')).to.contain('need_patient_banner');
    const before = await stateOf(page);
    expect(before).to.include({ patient: 'patient-03' });
    expect(before.encounter).to.match(/^patient-03-visit-/);
    expect(before.scope.split(' ')).to.include.members(['launch', 'online_access']);
    await page.getByRole('button', { name: 'Refresh the token' }).click();
    await page.getByText('The app has a new access token.').waitFor();
    expect((await stateOf(page)).access_token).to.not.equal(before.access_token);
    nothingToComplain();
  });

  it('EHR launch: a patient portal opens the app for the patient who is logged in to it', async () => {
    await page.goto(await launchAddress(server, 'jane', { patient: 'jane' }));
    await signIn(page, 'jane');
    await agree(page);
    await seeRecord(page, 'Jane Doe');
    expect(await stateOf(page)).to.include({ patient: 'jane' });
    nothingToComplain();
  });

  it('EHR launch: another person than the record system named gets no access', async () => {
    await page.goto(await launchAddress(server, 'drsmith', { patient: 'patient-03' }));
    await signIn(page, 'jane');
    expect(await seeProblem(page)).to.contain('access_denied');
    nothingToComplain();
  });

  it('EHR launch: a launch works once', async () => {
    const address = await launchAddress(server, 'jane', { patient: 'jane' });
    await page.goto(address);
    await signIn(page, 'jane');
    await agree(page);
    await seeRecord(page, 'Jane Doe');
    await page.goto(address);
    expect(await seeProblem(page)).to.contain('invalid_request');
    await page.goto(address.replace(/launch=[^&]*$/, 'launch=made-up'));
    expect(await seeProblem(page)).to.contain('invalid_request');
    nothingToComplain();
  });

  it('tells the person in the app that they said no, at whichever page they did', async () => {
    for (const refuse of [
      () => page.getByRole('button', { name: 'Cancel' }).click(),
      async () => {
        await signIn(page, 'jane');
        await page.getByRole('button', { name: 'I do not accept' }).click();
      },
      async () => {
        await page.getByRole('button', { name: 'I accept' }).click();
        await page.getByRole('button', { name: 'Do not allow' }).click();
      },
    ]) {
      await startStandalone(page, server, 'Open my record');
      await refuse();
      expect(await seeProblem(page)).to.contain('access_denied');
    }
    // A "no" is not remembered: the same person may change their mind.
    await startStandalone(page, server, 'Open my record');
    await page.getByRole('button', { name: 'Allow', exact: true }).click();
    await seeRecord(page, 'Jane Doe');
    nothingToComplain();
  });

  it('lets the person try again after a wrong password', async () => {
    await startStandalone(page, server, 'Open my record');
    await signIn(page, 'jane', 'wrong-password');
    expect(await page.getByRole('alert').innerText()).to.equal('User name or password is wrong.');
    expect(await page.getByLabel('User name').inputValue()).to.equal('jane');
    expect(await page.getByLabel('Password').inputValue()).to.equal('');
    await signIn(page, 'jane');
    await agree(page);
    await seeRecord(page, 'Jane Doe');
    nothingToComplain();
  });

  it('ends the access that was given for the time of the session when the person logs out', async () => {
    await startFromRecord(page, server, 'patient-04');
    await signIn(page, 'drsmith');
    await agree(page);
    await seeRecord(page, 'Luis Marin');
    const other = await visitor.context.newPage();
    await other.goto(`${server.issuer}/session/end`);
    await other.getByRole('button', { name: 'Log out' }).click();
    await other.getByRole('heading', { name: 'Logged out' }).waitFor();
    await page.getByRole('button', { name: 'Refresh the token' }).click();
    await seeProblem(page);
  });

  it('shows afterwards what each hook saw and changed', async () => {
    await startStandalone(page, server, 'Choose a patient');
    await signIn(page, 'drsmith');
    await page.getByLabel('Mei Tanaka').check();
    await page.getByRole('button', { name: 'Continue' }).click();
    await agree(page);
    await seeRecord(page, 'Mei Tanaka');
    await page.goto(server.url);
    await page.getByRole('row').filter({ hasText: 'interactive' }).first().getByRole('link').click();
    await page.getByRole('heading', { name: 'Flow: interactive' }).waitFor();
    const hooks = await page.locator('.trail h2 code').allInnerTexts();
    expect(hooks).to.deep.equal([
      'onAuthenticateSuccess',
      'onSmartLoginPreContextSelection',
      'onTokenGenerating',
      'onPostAuthorize',
    ]);
    const cardOf = (hook: string) =>
      page.locator('.trail .card').filter({ has: page.getByText(hook, { exact: true }) });
    const seen = async (hook: string) => {
      await cardOf(hook).getByText('What it saw').click();
      return cardOf(hook).getByLabel(`What ${hook} saw`).innerText();
    };
    const changed = (hook: string) => cardOf(hook).locator('h3:text-is("What it changed") + *').innerText();
    const logged = (hook: string) => cardOf(hook).getByLabel(`Log of ${hook}`).innerText();
    expect(await seen('onAuthenticateSuccess'))
      .to.contain('"username": "drsmith"')
      .and.contain('"moduleId": "local"')
      .and.not.contain('lastModule');
    expect(await changed('onAuthenticateSuccess')).to.match(/lastModule\W+local/);
    expect(await changed('onSmartLoginPreContextSelection')).to.contain('Mei Tanaka');
    expect(await logged('onSmartLoginPreContextSelection')).to.contain('offered 6 patients');
    expect(await seen('onTokenGenerating'))
      .to.contain('"clientId": "sample-app"')
      .and.not.contain('Cardiology');
    expect(await changed('onTokenGenerating'))
      .to.match(/demo_department\W+Cardiology/)
      .and.match(/demo_greeting\W+Hello Dana/);
    expect(await seen('onPostAuthorize')).to.contain('"demo_department": "Cardiology"');
    expect(await changed('onPostAuthorize')).to.equal('Nothing.');
    expect(await logged('onPostAuthorize')).to.contain('audit: a token for sample-app with openid');
    // The page is for looking: it holds no password, code or token.
    const all = await page.content();
    expect(all).to.not.match(/eyJ[A-Za-z0-9_-]{10,}|demo-password/);
    nothingToComplain();
  });
});
