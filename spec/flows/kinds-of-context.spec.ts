/** A patient and a visit: several kinds of context, one after the other, each open only with what goes with it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { openChoices } from '../../engine/flow/step/choices.ts';
import { settleContext } from '../../engine/flow/step/context.ts';
import type { ContextPrepared } from '../../engine/flow/facts.ts';
import type { ContextChoice } from '../../engine/script/model.ts';
import { authorizationRequest, redeem } from '../support/oauth.ts';
import { createPerson, type Page } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { allFacts, createStage } from './machine-stage.ts';

/** `once` is offered everything at a time, `later` the visits of a patient once that is picked. */
const callbacks = `
const VISITS = { ann: ['ann-1'], ben: ['ben-1', 'ben-2'], cy: [] };
function onSmartLoginPreContextSelection(theUserSession, theChoices) {
  const picked = theUserSession.getLaunchResourceIds().find(({ resourceType }) => resourceType === 'patient');
  const visit = (resourceId, patient) => theChoices.addChoice({
    contextType: 'encounter', resourceId, display: 'Visit ' + resourceId, launchParameters: { patient, ward: 'ward of ' + resourceId },
  });
  const once = theUserSession.username === 'once';
  if (once || !picked) for (const patient of Object.keys(VISITS))
    theChoices.addChoice({
      contextType: 'patient', resourceId: patient, display: 'Patient ' + patient, birthDate: '1984-06-02', identifier: 'MRN-' + patient,
    });
  if (once) for (const [patient, visits] of Object.entries(VISITS)) visits.forEach((id) => visit(id, 'Patient/' + patient));
  if (!once && picked) VISITS[picked.resourceId].forEach((id) => visit(id, picked.resourceId));
  Log.info('asked with ' + (picked ? picked.resourceId : 'nobody'));
}`;

const scope = 'openid launch/patient launch/encounter patient/*.rs';

describe('several kinds of context', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer({
      async prepare(config) {
        const file = join(config, 'demo/tenant.json');
        const document = JSON.parse(await readFile(file, 'utf8')) as { users: object[] };
        for (const username of ['once', 'later']) document.users.push({ username, password: 'demo-password' });
        await writeFile(file, JSON.stringify(document));
        await writeFile(join(config, 'demo/callbacks.js'), callbacks);
      },
    });
  });
  after(() => server.close());

  async function arrive(
    username: string,
    more: { readonly scope?: string; readonly launch?: string; readonly prompt?: string } = {},
  ) {
    const { url, verifier } = authorizationRequest(server, {
      scope: more.launch === undefined ? scope : `${scope} launch`,
      ...more,
    });
    const person = createPerson(server.url);
    const login = await person.open(url);
    const page = await person.submit(login, { username, password: 'demo-password', do: 'login' });
    return { person, page, verifier, username };
  }
  type Arrived = Awaited<ReturnType<typeof arrive>>;

  async function finish({ person, verifier, username }: Arrived, page: Page) {
    const back = await person.walk(page, { username });
    const { body } = await redeem(server, back.searchParams.get('code') ?? '', verifier);
    return { body, claims: decodeJwt(String(body['access_token'])) };
  }

  async function launch(username: string, context: object): Promise<string> {
    const secret = (await readFile(join(server.data, 'admin-secret'), 'utf8')).trim();
    const answer = await fetch(`${server.url}/admin/api/tenants/demo/launches`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ clientId: 'sample-native', username, context }),
    });
    return String(((await answer.json()) as { launch: string }).launch);
  }

  /** Names on the page by their number. */
  function choicesOf(page: Page): Readonly<Record<string, string>> {
    const found = page.body.matchAll(/name="choice" value="(\d+)"[^>]*>\s*<span><strong>([^<]+)/g);
    return Object.fromEntries([...found].map(([, number = '', name = '']) => [name, number]));
  }
  const titleOf = (page: Page) => /<h1>([^<]*)/.exec(page.body)?.[1];
  const pick = ({ person }: Arrived, page: Page, name: string) =>
    person.submit(page, { choice: choicesOf(page)[name] ?? 'none', do: 'choose' });

  for (const username of ['once', 'later']) {
    it(`are asked for one after the other, the second for what was picked first (${username})`, async () => {
      const at = await arrive(username);
      expect(titleOf(at.page)).to.equal('Choose a patient');
      expect(Object.keys(choicesOf(at.page))).to.deep.equal(['Patient ann', 'Patient ben', 'Patient cy']);
      const visits = await pick(at, at.page, 'Patient ben');
      expect(titleOf(visits)).to.equal('Choose a visit');
      expect(Object.keys(choicesOf(visits))).to.deep.equal(['Visit ben-1', 'Visit ben-2']);
      for (const banner of ['Patient ben', 'June 2, 1984', 'MRN-ben'])
        expect(visits.body, 'who was picked is told').to.contain(banner);
      const after = await pick(at, visits, 'Visit ben-2');
      const { body, claims } = await finish(at, after);
      expect(body).to.include({ patient: 'ben', encounter: 'ben-2', ward: 'ward of ben-2' });
      expect(claims).to.include({ patient: 'ben', encounter: 'ben-2' });
    });

    it(`end with the first where there is nothing of the second (${username})`, async () => {
      const at = await arrive(username);
      const after = await pick(at, at.page, 'Patient cy');
      expect(after.body).not.to.contain('name="choice"');
      const { body } = await finish(at, after);
      expect(body).to.include({ patient: 'cy' }).and.not.have.property('encounter');
    });

    it(`are settled in part by the launch, against which nothing is offered (${username})`, async () => {
      const at = await arrive(username, { launch: await launch(username, { patient: 'ben' }) });
      expect(Object.keys(choicesOf(at.page))).to.deep.equal(['Visit ben-1', 'Visit ben-2']);
      const { body } = await finish(at, await pick(at, at.page, 'Visit ben-1'));
      expect(body).to.include({ patient: 'ben', encounter: 'ben-1' });
    });

    it(`take no number that is not on the page: of another kind, of another patient, of the page before (${username})`, async () => {
      const at = await arrive(username);
      const visits = await pick(at, at.page, 'Patient ben');
      const shown = Object.values(choicesOf(visits));
      for (let number = 0; number < 8; number += 1) {
        if (shown.includes(String(number))) continue;
        const again = await at.person.submit(visits, { choice: String(number), do: 'choose' });
        expect(titleOf(again), `number ${number}`).to.equal('Choose a visit');
        expect(again.body, `number ${number}`).to.contain('Please choose one record.');
      }
      const stale = await pick(at, at.page, 'Patient ann');
      expect(titleOf(stale), 'the form of the page before').to.equal('Choose a visit');
      expect(stale.body).to.contain('Patient ben').and.not.contain('Patient ann');
    });
  }

  it('are not asked for later where the app does not want them', async () => {
    const at = await arrive('later', { scope: 'openid launch/patient patient/*.rs' });
    const after = await pick(at, at.page, 'Patient ben');
    expect(after.body).not.to.contain('name="choice"');
    expect((await finish(at, after)).body)
      .to.include({ patient: 'ben' })
      .and.not.have.property('encounter');
  });

  it('say both at the page of consent', async () => {
    const at = await arrive('once', { prompt: 'consent' });
    const { body } = await pick(at, await pick(at, at.page, 'Patient ben'), 'Visit ben-2');
    const terms = body.includes('value="accept"');
    const consent = terms ? (await at.person.submit({ ...at.page, body }, { do: 'accept' })).body : body;
    expect(consent).to.contain('Patient ben, Visit ben-2');
  });

  it('are not asked for where nobody may be asked', async () => {
    const at = await arrive('once');
    await finish(at, await pick(at, await pick(at, at.page, 'Patient ben'), 'Visit ben-2'));
    const { url } = authorizationRequest(server, { scope, prompt: 'none' });
    const back = new URL((await at.person.open(url)).url);
    expect(back.searchParams.get('error')).to.equal('interaction_required');
  });
});

describe('the choices of several kinds', () => {
  const choice = (contextType: string, resourceId: string, launchParameters = {}): ContextChoice => ({
    contextType,
    resourceId,
    display: resourceId,
    launchParameters,
  });
  const prepared = (choices: readonly ContextChoice[], more: Partial<ContextPrepared> = {}) =>
    ({ ...allFacts, launchParameters: {}, contextRequired: true, choices, ...more }) as unknown as ContextPrepared;
  const skipping = createStage({ tenant: { launch: { acceptUnknown: false, skipOnlyChoice: true } } }).ports;

  it('are taken without asking where there is only one of each', async () => {
    const facts = prepared([
      choice('patient', 'ann'),
      choice('encounter', 'ann-1', { patient: 'ann' }),
      choice('encounter', 'ben-1', { patient: 'ben' }),
    ]);
    const settled = settleContext(facts, skipping);
    expect(settled).to.deep.include({ kind: 'continue', outcome: 'known' });
    expect((settled as { gives: object }).gives).to.deep.include({
      launchParameters: { patient: 'ann', encounter: 'ann-1' },
      contextName: 'ann, ann-1',
    });
  });

  it('keep what was taken without asking when the person is asked for the next', () => {
    const facts = prepared([choice('patient', 'ann'), choice('encounter', 'one'), choice('encounter', 'two')]);
    const settled = settleContext(facts, skipping) as { outcome: string; gives: Partial<ContextPrepared> };
    expect(settled.outcome).to.equal('choose');
    expect(openChoices({ ...facts, ...settled.gives }).map(({ index }) => index)).to.deep.equal([1, 2]);
  });

  it('never change what is settled by what comes with them', () => {
    const facts = prepared([choice('location', 'ward', { patient: 'Patient/ann', encounter: 'e' })], {
      launchParameters: { patient: 'ann' },
    });
    const settled = settleContext(facts, skipping) as { gives: Partial<ContextPrepared> };
    expect(settled.gives.launchParameters).to.deep.equal({ patient: 'ann', encounter: 'e', location: 'ward' });
    const other = prepared([choice('location', 'ward', { patient: 'ben' })], { launchParameters: { patient: 'ann' } });
    expect(openChoices(other)).to.deep.equal([]);
  });
});
