import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { expect } from 'chai';
import formbody from '@fastify/formbody';
import type { Browser, Page } from 'playwright-core';
import { createHash } from 'node:crypto';
import { launchBrowser } from '../support/chromium.ts';
import { stage } from './stage.ts';
import type { Stage } from './stage.ts';

/** Where to put pictures for a person to look at; none are made unless set. */
const PICTURES = process.env['SALLYPORT_SPEC_PICTURES'];

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** A stand-in for the authorization server: it says yes at once, and checks what the app sends it. */
function addAuthorizationServer(demo: Pick<Stage, 'server' | 'token'>, launches: URLSearchParams[]): void {
  const challenges = new Map<string, string>();
  demo.server.get('/stand-in/authorize', async (request, reply) => {
    const asked = new URLSearchParams(request.url.slice(request.url.indexOf('?')));
    launches.push(asked);
    if (asked.get('launch') === 'refuse me') {
      const refusal = new URLSearchParams({
        error: 'access_denied',
        error_description: 'No.',
        state: asked.get('state') ?? '',
      });
      return reply.redirect(`${asked.get('redirect_uri')}?${refusal.toString()}`);
    }
    challenges.set('the-code', asked.get('code_challenge') ?? '');
    const answer = new URLSearchParams({ code: 'the-code', state: asked.get('state') ?? '' });
    return reply.redirect(`${asked.get('redirect_uri')}?${answer.toString()}`);
  });
  void demo.server.register(formbody);
  demo.server.post('/stand-in/token', async (request, reply) => {
    const form = new URLSearchParams(request.body as Record<string, string>);
    const verifier = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (form.get('grant_type') === 'authorization_code' && verifier !== challenges.get('the-code')) {
      return reply.code(400).send({ error: 'invalid_grant' });
    }
    const scope = 'openid fhirUser launch/patient patient/*.rs offline_access';
    return {
      access_token: await demo.token({
        scope,
        patient: 'jane',
        sub: 'jane',
        client_id: 'sample-app',
        department: 'cardiology',
      }),
      id_token: await demo.token({ sub: 'jane', fhirUser: 'Patient/jane', name: 'Jané Doe' }, { typ: 'JWT' }),
      refresh_token: 'a-refresh-token-nobody-sees',
      token_type: 'Bearer',
      expires_in: 300,
      scope,
      patient: 'jane',
      need_patient_banner: true,
    };
  });
}

describe('the demo in a browser', function () {
  this.timeout(60_000);
  let demo: Stage;
  let browser: Browser;
  let page: Page;
  const launches: URLSearchParams[] = [];
  const complaints: string[] = [];

  before(async () => {
    demo = await stage(true, {
      createLaunch: async ({ context }) => `for ${context.patient}`,
      smartConfiguration: async () => ({
        authorization_endpoint: `${demo.baseUrl}/stand-in/authorize`,
        token_endpoint: `${demo.baseUrl}/stand-in/token`,
        code_challenge_methods_supported: ['S256'],
        capabilities: ['launch-ehr', 'launch-standalone', 'client-public'],
      }),
      users: [
        { username: 'jane', password: 'jane-demo', name: 'Jane Doe', role: 'A patient with one record' },
        {
          username: 'drsmith',
          password: 'drsmith-demo',
          name: 'Dr. Alex Smith',
          role: 'A clinician who chooses a patient',
        },
      ],
      prepare: (stand) => addAuthorizationServer(stand, launches),
    });
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await demo?.close();
  });
  beforeEach(async () => {
    complaints.length = 0;
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
  });
  afterEach(() => page.context().close());

  /** Looks at the page wide and narrow, light and dark: no violation, nothing wider than the window. */
  async function inspect(name: string): Promise<void> {
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    for (const [width, colorScheme] of [
      [1280, 'light'],
      [390, 'light'],
      [1280, 'dark'],
      [390, 'dark'],
    ] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      const overflow: number = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
      expect(overflow, `${name} is wider than ${width} px`).to.be.at.most(0);
      // As text, for the page's own policy forbids scripts from elsewhere.
      await page.evaluate(axe);
      const { violations: found }: { violations: Violation[] } = await page.evaluate('axe.run()');
      const violations = found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
      expect(violations, `${name} at ${width} px, ${colorScheme}`).to.deep.equal([]);
      if (PICTURES) await page.screenshot({ path: `${PICTURES}/${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
  }

  it('shows the start page', async () => {
    await page.goto(demo.baseUrl);
    await inspect('start');
    expect(complaints).to.deep.equal([]);
  });
  it('shows a flow', async () => {
    await page.goto(`${demo.baseUrl}/demo/traces/flow-1`);
    await inspect('flow');
    await page.goto(`${demo.baseUrl}/demo/traces`);
    await inspect('flows');
    expect(complaints).to.deep.equal([]);
  });
  it('launches standalone, shows the record, refreshes, and starts again', async () => {
    await page.goto(`${demo.baseUrl}/app/`);
    await page.getByRole('button', { name: 'Open my record' }).waitFor();
    await inspect('app');
    await page.getByRole('button', { name: 'Open my record' }).click();
    await page.getByRole('heading', { name: 'Jane Doe' }).waitFor();
    expect(Object.fromEntries(launches.at(-1) ?? [])).to.include({
      client_id: 'sample-app',
      redirect_uri: `${demo.baseUrl}/app/`,
      scope: 'openid fhirUser launch/patient patient/*.rs offline_access',
      aud: `${demo.baseUrl}/demo/fhir/r4`,
      code_challenge_method: 'S256',
    });
    const text = await page.locator('main').innerText();
    for (const expected of [
      'Heart rate',
      '2026-05-20',
      'department',
      'cardiology',
      'need_patient_banner',
      'Jané Doe',
    ]) {
      expect(text).to.contain(expected);
    }
    expect(text).to.not.contain('a-refresh-token-nobody-sees').and.not.match(/eyJ/);
    await inspect('record');
    await page.getByRole('button', { name: 'Refresh the token' }).click();
    await page.getByText('The app has a new access token.').waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Jane Doe' }).waitFor();
    await page.getByRole('button', { name: 'Start again' }).click();
    await page.getByRole('button', { name: 'Choose a patient' }).waitFor();
    expect(complaints).to.deep.equal([]);
  });
  it('launches from the start page as a record system does', async () => {
    await page.goto(demo.baseUrl);
    await page.getByLabel('Patient whose record is open').selectOption('jane');
    await page.getByRole('button', { name: 'Launch the app' }).click();
    await page.getByRole('heading', { name: 'Jane Doe' }).waitFor();
    expect(launches.at(-1)?.get('launch')).to.equal('for jane');
    expect(launches.at(-1)?.get('scope')).to.equal('openid fhirUser launch patient/*.rs online_access');
    expect(complaints).to.deep.equal([]);
  });
  it('tells when the server says no', async () => {
    const iss = encodeURIComponent(`${demo.baseUrl}/demo/fhir/r4`);
    await page.goto(`${demo.baseUrl}/app/launch.html?iss=${iss}&launch=refuse%20me`);
    await page.getByRole('heading', { name: 'No access was given' }).waitFor();
    expect(await page.getByRole('alert').innerText()).to.contain('access_denied');
    await inspect('refused');
  });
  it('does not follow a record system it does not know', async () => {
    const before = launches.length;
    await page.goto(`${demo.baseUrl}/app/launch.html?iss=https%3A%2F%2Ftrap.example%2Ffhir&launch=x`);
    await page.getByRole('heading', { name: 'The app could not be opened' }).waitFor();
    await page.goto(`${demo.baseUrl}/app/launch.html`);
    await page.getByText('One of them is missing').waitFor();
    await inspect('launch-refused');
    expect(launches).to.have.length(before);
  });
});
