/** A search that goes on while one types: the engine's own script, and what the page's policy lets it do. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type FhirRecords, recordsToken, startFhirRecords } from '../support/fhir-records.ts';
import { useDesk } from './desk.ts';
import { inspect } from './browser.ts';

describe('the search of a list of choices', function () {
  this.timeout(120_000);
  const my = useDesk();

  async function toChoices(): Promise<void> {
    await my.page.goto(my.stage.authorize('clinic', 'wide'));
    await my.logIn(my.stage.newcomer());
    await my.page.getByRole('searchbox').waitFor();
  }
  /** Types as a person does, and waits until the page has answered. */
  async function type(text: string, found: string | RegExp): Promise<void> {
    await my.page.getByRole('searchbox').pressSequentially(text, { delay: 10 });
    await my.page.getByRole('status').filter({ hasText: found }).waitFor();
  }
  const shown = () => my.page.locator('.choice strong').allTextContents();

  it('shows what matches while one types, says how many, and asks the server once', async () => {
    await toChoices();
    const asked: string[] = [];
    my.page.on('request', (request) => asked.push(request.url()));
    expect(await my.page.getByRole('status').textContent(), 'nothing is said before').to.equal('');
    await type('number 117', 'Records found: 1');
    expect(await shown()).to.deep.equal(['Person Number 117']);
    expect(asked, 'once, after the last key').to.have.length(1);
    expect(new URL(asked[0] ?? '').searchParams.get('search')).to.equal('number 117');
    expect(await my.focused(), 'the focus stays where one types').to.equal('search');
    expect(new URL(my.page.url()).search, 'the page is still the same').to.equal('');
    await my.press('choose');
    await my.press('accept');
    expect(await my.page.locator('.who').innerText()).to.contain('Person Number 117');
  });

  it('keeps what was chosen as long as it is in the list, and pages what it found', async () => {
    await toChoices();
    await my.page.getByRole('radio', { name: 'Jürgen' }).check();
    await type('19', 'Records found: 120');
    expect(await my.page.locator('main').innerText()).to.contain('Records 1 to 50 of 120');
    expect(await my.page.getByRole('radio', { name: 'Jürgen' }).isChecked()).to.equal(true);
    await my.click('link', 'Next');
    expect(await my.page.locator('main').innerText()).to.contain('Records 51 to 100 of 120');
    expect(await my.page.getByRole('searchbox').inputValue()).to.equal('19');
  });

  it('says that nothing matches, and shows all again when the field is emptied', async () => {
    await toChoices();
    await type('"><script>alert(1)</script>', 'No record matches “"><script>alert(1)</script>”.');
    expect(await my.page.locator('button[value=choose]').count()).to.equal(0);
    await my.page.getByRole('searchbox').fill('');
    await my.page.getByRole('radio').nth(49).waitFor();
    expect(await my.page.getByRole('status').textContent()).to.equal('');
  });

  it('keeps what was ticked, also while nothing is found, and the record comes first the next time', async () => {
    await toChoices();
    const box = my.page.getByRole('checkbox', { name: 'Offer this record first next time' });
    await box.check();
    await type('nobody', 'No record matches “nobody”.');
    expect(await box.count()).to.equal(0);
    await my.page.getByRole('searchbox').fill('');
    await my.page.getByRole('radio').nth(49).waitFor();
    await type('number 117', 'Records found: 1');
    expect(await box.isChecked()).to.equal(true);
    await my.press('choose');
    await my.page.getByRole('heading', { name: 'Terms of service' }).waitFor();
    await my.page.goto(my.stage.authorize('clinic', 'wide'));
    expect((await shown())[0]).to.equal('Person Number 117');
    expect(await my.page.getByRole('radio').first().isChecked()).to.equal(true);
    expect(await box.isChecked()).to.equal(true);
  });

  it('leaves the list as it is while the server does not answer, and the button still searches', async () => {
    await toChoices();
    const address = /\/login\/.*search=/;
    await my.page.route(address, (route) => route.abort('internetdisconnected'), { times: 1 });
    const failed = my.page.waitForEvent('requestfailed');
    await my.page.getByRole('searchbox').fill('number 118');
    await failed;
    expect(await my.page.getByRole('radio').count()).to.equal(50);
    await my.click('button', 'Search');
    expect(await shown()).to.deep.equal(['Person Number 118']);
    my.forgive(/ERR_INTERNET_DISCONNECTED/);
  });

  it('shows the page anew when the flow went on elsewhere', async () => {
    await toChoices();
    const other = await my.page.context().newPage();
    await other.goto(my.page.url());
    await other.locator('button[value=cancel]').click();
    await other.getByRole('heading', { name: 'The app' }).waitFor();
    await my.page.getByRole('searchbox').fill('number');
    await my.page.locator('body.page-error').waitFor();
  });

  it('sounds and looks right with what it found', async () => {
    await toChoices();
    await type('number 11', /Records found: \d+/);
    await inspect(my.visitor, 'search-found');
  });

  describe('that is made on a FHIR server', () => {
    let records: FhirRecords;
    before(async () => {
      records = await startFhirRecords();
      const { config, url, data } = my.stage.server;
      const document = {
        id: 'ward',
        name: 'The Ward',
        issuer: `${url}/ward`,
        demo: true,
        fhirServers: [{ name: 'records', url: records.url, access: { type: 'bearer', token: recordsToken } }],
        outboundHttp: { allow: [new URL(records.url).host], allowPrivate: true },
        keystore: { algorithms: ['RS256'] },
        inbound: [{ type: 'local', id: 'local' }],
        launch: {
          searches: [
            {
              resourceType: 'Patient',
              parameters: { 'general-practitioner': '{fhirUser}' },
              find: { words: 'name', dates: 'birthdate', numbers: 'identifier' },
              identifierSystem: 'urn:mrn',
            },
            { resourceType: 'Encounter', parameters: { patient: '{patient}' }, optional: true },
          ],
        },
        users: [{ username: 'busy', password: 'demo-password', fhirUser: `${records.url}/Practitioner/busy` }],
        clients: [
          {
            clientId: 'plain',
            clientName: 'Plain App',
            tokenEndpointAuthMethods: ['none'],
            grantTypes: ['authorization_code'],
            redirectUris: [my.stage.redirectUri],
            scopes: ['openid', 'launch/patient', 'launch/encounter'],
          },
        ],
      };
      await mkdir(join(config, 'ward'));
      await writeFile(join(config, 'ward/tenant.json'), JSON.stringify(document));
      const secret = (await readFile(join(data, 'admin-secret'), 'utf8')).trim();
      await fetch(`${url}/admin/api/reload`, { method: 'POST', headers: { authorization: `Bearer ${secret}` } });
    });
    after(() => records.close());

    it('finds among thousands while one types, says when it cannot, and leads on and back without a loss', async () => {
      const scope = 'openid launch/patient launch/encounter';
      await my.page.goto(my.stage.authorize('ward', 'plain', { scope, aud: records.url }));
      await my.logIn('busy');
      expect(await my.page.locator('main').innerText()).to.contain('Records 1 to 20 of 2500');
      await type('garcia', 'More than 20 records found');
      expect((await shown()).every((name) => name.endsWith('García'))).to.equal(true);
      records.illness = 'refuses';
      await my.page.getByRole('searchbox').pressSequentially(' ana');
      await my.page.getByRole('alert').filter({ hasText: 'cannot be fetched' }).waitFor();
      await inspect(my.visitor, 'search-unavailable');
      records.illness = undefined;
      await my.click('link', 'Try again');
      await type('MRN-1002', 'Records found: 1');
      await my.press('choose');
      expect(await my.heading()).to.equal('Choose a visit');
      await my.press('back');
      expect(await my.heading()).to.equal('Choose a patient');
      expect(await my.page.locator('.who').count(), 'nobody is chosen').to.equal(0);
      await type('MRN-1001', 'Records found: 1');
      await my.press('choose');
      expect(await my.page.locator('.who').innerText()).to.contain('Ben Lindqvist');
      await my.press('skip');
      expect(await my.heading()).not.to.equal('Choose a visit');
    });
  });

  describe('under a policy', () => {
    const policyOf = async (url: string) => (await my.page.request.get(url)).headers()['content-security-policy'] ?? '';

    it('that lets this page run this one file, and talk to the server alone', async () => {
      await toChoices();
      const policy = await policyOf(my.page.url());
      const source = (await my.page.locator('script').getAttribute('src')) ?? '';
      expect(source).to.match(/^http:\/\/localhost:\d+\/clinic\/script\/search-choices\.[0-9a-f]{16}\.js$/);
      expect(policy)
        .to.contain(`script-src ${source};`)
        .and.contain("connect-src 'self';")
        .and.contain("default-src 'none'");
      const outcome = await my.page.evaluate<string[]>(`(async () => {
        const outcomes = [];
        const run = (set) => new Promise((resolve) => {
          const script = document.createElement('script');
          script.onload = () => resolve('ran');
          script.onerror = () => resolve('refused');
          set(script);
          document.head.append(script);
          if (!script.src) setTimeout(() => resolve(globalThis.injected ? 'ran' : 'refused'), 50);
        });
        outcomes.push(await run((script) => { script.src = new URL('/app/app.js', location.href).href; }));
        outcomes.push(await run((script) => { script.textContent = 'globalThis.injected = true'; }));
        outcomes.push(await fetch('http://127.0.0.1:9/').then(() => 'ran', () => 'refused'));
        return outcomes;
      })()`);
      expect(outcome).to.deep.equal(['refused', 'refused', 'refused']);
      my.forgive(/Content Security Policy/);
    });

    it('that lets pages with nothing to search run nothing', async () => {
      await toChoices();
      await my.page.getByRole('radio').first().check();
      await my.press('choose');
      await my.page.getByRole('heading', { name: 'Terms of service' }).waitFor();
      expect(await policyOf(my.page.url()))
        .to.contain("default-src 'none'")
        .and.not.contain('script-src')
        .and.not.contain('connect-src');
      expect(await my.page.locator('script').count()).to.equal(0);
      await my.page.goto(my.stage.authorize('clinic', 'wide', { prompt: 'login' }));
      expect(await policyOf(my.page.url()), 'nor another page this file').not.to.contain('search-choices');
    });

    it('and the file is kept for ever under its digest, and found under no other name', async () => {
      await toChoices();
      const source = (await my.page.locator('script').getAttribute('src')) ?? '';
      const answer = await fetch(source);
      expect(answer.headers.get('content-type')).to.equal('text/javascript; charset=utf-8');
      expect(answer.headers.get('cache-control')).to.contain('immutable');
      expect(answer.headers.get('x-content-type-options')).to.equal('nosniff');
      for (const name of [
        'search-choices.js',
        'search-choices.0000000000000000.js',
        '..%2f..%2fpackage.json',
        'constructor',
      ])
        expect((await fetch(`${my.stage.server.url}/clinic/script/${name}`)).status, name).to.equal(404);
    });
  });
});
