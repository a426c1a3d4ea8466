/** An EHR launch against a callback that offers patients at every log-in, as the demo's does. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { authorizationRequest, postForm, redeem } from '../support/oauth.ts';
import { createPerson, type Page } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const scope = 'openid launch patient/*.rs';

describe('the context of an EHR launch', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(() => server.close());

  async function launch(context: object): Promise<string> {
    const secret = (await readFile(join(server.data, 'admin-secret'), 'utf8')).trim();
    const answer = await fetch(`${server.url}/admin/api/tenants/demo/launches`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ clientId: 'sample-native', username: 'drsmith', context }),
    });
    return String(((await answer.json()) as { launch: string }).launch);
  }

  async function pageAfterLogin(request: string): Promise<Page> {
    const person = createPerson(server.url);
    return person.submit(await person.open(request), { username: 'drsmith', password: 'demo-password', do: 'login' });
  }

  it('is the patient the EHR named, whatever the callback offers and however often', async () => {
    for (const patient of ['patient-03', 'patient-05']) {
      const { url, verifier } = authorizationRequest(server, { scope, launch: await launch({ patient }) });
      const person = createPerson(server.url);
      const back = await person.walk(await person.open(url), { username: 'drsmith', choice: '0' });
      const { body } = await redeem(server, back.searchParams.get('code') ?? '', verifier);
      expect(body, JSON.stringify(body)).to.include({ patient });
      expect(decodeJwt(String(body['access_token']))).to.include({ patient });
    }
  });

  it('leaves nothing to choose where it names the patient', async () => {
    const { url } = authorizationRequest(server, { scope, launch: await launch({ patient: 'patient-03' }) });
    expect((await pageAfterLogin(url)).body).not.to.include('name="choice"');
  });

  it('is chosen where the EHR named no patient, and where there is no launch', async () => {
    const named = authorizationRequest(server, { scope, launch: await launch({ intent: 'review' }) });
    expect((await pageAfterLogin(named.url)).body).to.include('name="choice"');
    const alone = authorizationRequest(server, { scope: 'openid launch/patient patient/*.rs' });
    expect((await pageAfterLogin(alone.url)).body).to.include('name="choice"');
  });
});

describe('an only choice of a context', () => {
  /** Tenants like the demo, each with a callback that offers so many patients. */
  const tenants = {
    skips: { choices: 1, launch: { skipOnlyChoice: true } },
    several: { choices: 2, launch: { skipOnlyChoice: true } },
    asks: { choices: 1, launch: {} },
  };
  let server: TestServer;
  before(async () => {
    server = await startTestServer({
      async prepare(config) {
        for (const [id, { choices, launch }] of Object.entries(tenants)) {
          await cp(join(config, 'demo'), join(config, id), { recursive: true });
          const file = join(config, id, 'tenant.json');
          const text = (await readFile(file, 'utf8')).replaceAll('/demo', `/${id}`);
          await writeFile(file, JSON.stringify({ ...(JSON.parse(text) as object), id, launch }));
          const offers = Array.from(
            { length: choices },
            (_, index) =>
              `theChoices.addChoice({ contextType: 'patient', resourceId: 'patient-0${index + 3}', display: 'Person ${index + 3}' });`,
          );
          await writeFile(
            join(config, id, 'callbacks.js'),
            `function onSmartLoginPreContextSelection(theUserSession, theChoices) { ${offers.join(' ')} }`,
          );
        }
      },
    });
  });
  after(() => server.close());

  async function firstPage(id: keyof typeof tenants): Promise<{ readonly body: string; readonly patient: unknown }> {
    const tenant = { ...server, issuer: `${server.url}/${id}` };
    const { url, verifier } = authorizationRequest(tenant, { scope: 'openid launch/patient patient/*.rs' });
    const person = createPerson(server.url);
    const login = await person.open(url);
    const page = await person.submit(login, { username: 'drsmith', password: 'demo-password', do: 'login' });
    const back = await person.walk(page, { username: 'drsmith' });
    const { body } = await redeem(tenant, back.searchParams.get('code') ?? '', verifier);
    return { body: page.body, patient: body['patient'] };
  }

  it('is taken without asking where the tenant wants that', async () => {
    const { body, patient } = await firstPage('skips');
    expect(body).not.to.include('name="choice"');
    expect(patient).to.equal('patient-03');
  });
  it('is asked for where there is another one', async () => {
    const { body, patient } = await firstPage('several');
    expect(body).to.include('name="choice"');
    expect(patient).to.equal('patient-03');
  });
  it('is asked for where the tenant does not say so', async () =>
    expect((await firstPage('asks')).body).to.include('name="choice"'));
});

describe('the context of a launch whose handle the EHR made itself', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer({
      async prepare(config) {
        const file = join(config, 'demo/tenant.json');
        const document = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
        await writeFile(file, JSON.stringify({ ...document, launch: { acceptUnknown: true } }));
        const callbacks = join(config, 'demo/callbacks.js');
        const offering = (await readFile(callbacks, 'utf8'))
          .replace('function onTokenGenerating', 'function before')
          .replace("includes('/Patient/')", "includes('/Nobody/')");
        await writeFile(callbacks, `${offering}\n${resolving}`);
      },
    });
  });
  after(() => server.close());

  /** Stands for a call to the EHR: the handle says what it is. */
  const resolving = `function onTokenGenerating(theUserSession, theDetails) {
    const [kind, id] = (theDetails.getLaunch() || '').split('.');
    if (kind === 'patient') theUserSession.addLaunchResourceId('patient', id);
    if (kind === 'parameter') theDetails.addLaunchParameter('patient', id);
    if (kind === 'narrow') theDetails.approvedScopes.filter((s) => s.startsWith('patient/')).forEach((s) => theDetails.removeScope(s));
  }`;

  async function launched(handle: string, username = 'drsmith', wanted = scope) {
    const { url, verifier } = authorizationRequest(server, { scope: wanted, launch: handle });
    const person = createPerson(server.url);
    const login = await person.open(url);
    const next = await person.submit(login, { username, password: 'demo-password', do: 'login' });
    const back = await person.walk(next, { username });
    return { next, back, answer: await redeem(server, back.searchParams.get('code') ?? '', verifier) };
  }

  for (const handle of ['patient.patient-04', 'parameter.patient-04'])
    it(`is what the callback makes of it, and nobody is asked (${handle})`, async () => {
      const { next, answer } = await launched(handle);
      expect(next.body).not.to.include('name="choice"');
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      expect(answer.body).to.include({ patient: 'patient-04' });
      expect(decodeJwt(String(answer.body['access_token']))).to.include({ patient: 'patient-04' });
    });

  it("is not the person's own record instead, where the callback knows of none", async () => {
    const { answer } = await launched('nothing', 'jane');
    expect(answer.status).to.equal(400);
    expect(answer.body).to.include({ error: 'access_denied' });
  });

  it('may be none where no scope needs a patient, or the callback takes those away', async () => {
    expect((await launched('nothing', 'drsmith', 'openid launch user/*.rs')).answer.status).to.equal(200);
    const { answer } = await launched('narrow');
    expect(answer.body).to.include({ scope: 'openid launch' });
    expect(answer.body).not.to.have.property('patient');
  });

  it('stays with the refresh token, though the handle is used up', async () => {
    const { answer } = await launched('patient.patient-05', 'drsmith', `${scope} offline_access`);
    const again = await postForm(`${server.issuer}/oauth/token`, {
      grant_type: 'refresh_token',
      refresh_token: String(answer.body['refresh_token']),
      client_id: 'sample-native',
    });
    expect(again.status, JSON.stringify(again.body)).to.equal(200);
    expect(decodeJwt(String(again.body['access_token']))).to.include({ patient: 'patient-05' });
  });

  it('is asked for as ever where there is no launch', async () => {
    const { url } = authorizationRequest(server, { scope: 'openid launch/patient patient/*.rs' });
    const person = createPerson(server.url);
    const page = await person.submit(await person.open(url), {
      username: 'drsmith',
      password: 'demo-password',
      do: 'login',
    });
    expect(page.body).to.include('name="choice"');
  });
});
