/** A patient and a visit: several kinds of context, one after the other, each open only with what goes with it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { openChoices } from '../../engine/flow/step/choices.ts';
import { conditionsOf } from '../../engine/fhir/search-query.ts';
import { settleContext } from '../../engine/flow/step/context.ts';
import type { ContextPrepared } from '../../engine/flow/facts.ts';
import type { ContextChoice } from '../../engine/script/model.ts';
import { authorizationRequest, redeem } from '../support/oauth.ts';
import { createPerson, type Page } from '../support/person.ts';
import { type FhirRecords, type Illness, recordsToken, startFhirRecords } from '../support/fhir-records.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { allFacts, createStage } from './machine-stage.ts';

/**
 * `once` is offered everything at a time, `later` the visits of a patient once that is picked; nobody else is offered
 * anything. How often the hook was asked comes with the token.
 */
const callbacks = `
const VISITS = { ann: ['ann-1'], ben: ['ben-1', 'ben-2'], cy: [] };
function onTokenGenerating(theUserSession, theDetails) {
  theDetails.addLaunchParameter('asked', theUserSession.getUserData('asked'));
}
function onSmartLoginPreContextSelection(theUserSession, theChoices) {
  theUserSession.setUserData('asked', (theUserSession.getUserData('asked') || 0) + 1);
  if (!['once', 'later'].includes(theUserSession.username)) return;
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
}`;

const scope = 'openid launch/patient launch/encounter patient/*.rs';

/** What each may choose on the FHIR server `records`, of patients and of visits. */
const searches = [
  {
    resourceType: 'Patient',
    for: ['Practitioner'],
    server: 'records',
    parameters: { 'general-practitioner': '{fhirUser}', _sort: 'family' },
    find: { words: 'name', dates: 'birthdate', numbers: 'identifier' },
    identifierSystem: 'urn:mrn',
  },
  {
    resourceType: 'Encounter',
    server: 'records',
    parameters: { patient: '{patient}', status: 'in-progress' },
    optional: true,
  },
];
/** By name, with what each is on that server. */
const searchers = {
  busy: 'Practitioner/busy',
  other: 'Practitioner/other',
  kin: 'RelatedPerson/kin',
  nobody: undefined,
};

describe('several kinds of context', () => {
  let server: TestServer;
  let records: FhirRecords;
  before(async () => {
    records = await startFhirRecords();
    server = await startTestServer({
      async prepare(config) {
        const file = join(config, 'demo/tenant.json');
        const document = JSON.parse(await readFile(file, 'utf8')) as {
          users: object[];
          fhirServers: object[];
          scriptLimits?: object;
          outboundHttp?: object;
        };
        for (const username of ['once', 'later']) document.users.push({ username, password: 'demo-password' });
        for (const [username, fhirUser] of Object.entries(searchers))
          document.users.push({
            username,
            password: 'demo-password',
            fhirUser: fhirUser && `${records.url}/${fhirUser}`,
          });
        document.fhirServers.push({
          name: 'records',
          url: records.url,
          access: { type: 'bearer', token: recordsToken },
        });
        Object.assign(document, {
          launch: { searches },
          scriptLimits: { wallMilliseconds: 1500 },
          outboundHttp: { allow: [new URL(records.url).host], allowPrivate: true },
        });
        await writeFile(file, JSON.stringify(document));
        await writeFile(join(config, 'demo/callbacks.js'), callbacks);
      },
    });
  });
  after(() => Promise.all([server.close(), records.close()]));

  async function arrive(
    username: string,
    more: {
      readonly scope?: string;
      readonly launch?: string;
      readonly prompt?: string;
      readonly aud?: string;
    } = {},
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
    const found = page.body.matchAll(/name="choice" value="([^"]+)"[^>]*>\s*<span><strong>([^<]+)/g);
    return Object.fromEntries([...found].map(([, sent = '', name = '']) => [name, sent.replace('&#x2F;', '/')]));
  }
  /** The page as it would be after so many choices. */
  const ofStep = (page: Page, step: string): Page => ({
    ...page,
    body: page.body.replace(/(name="step" value=")\d+/, (_whole, before: string) => `${before}${step}`),
  });
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

  describe('of which a script', () => {
    for (const [username, patient, asked] of [
      ['once', 'Patient ben', 1],
      ['once', 'Patient cy', 1],
      ['later', 'Patient ben', 2],
      ['later', 'Patient cy', 2],
    ] as const)
      it(`is asked ${asked === 1 ? 'once where it offers both kinds' : 'once for each kind'} (${patient})`, async () => {
        const at = await arrive(username);
        let page = await pick(at, at.page, patient);
        if (page.body.includes('name="choice"')) page = await pick(at, page, 'Visit ben-1');
        expect((await finish(at, page)).body).to.include({ asked });
      });

    it('offers all there is: what a search would find of that kind is not offered', async () => {
      const before = records.asked.length;
      const at = await arrive('once', { aud: records.url });
      expect(Object.keys(choicesOf(at.page))).to.deep.equal(['Patient ann', 'Patient ben', 'Patient cy']);
      const { body } = await finish(at, await pick(at, at.page, 'Patient cy'));
      expect(body).to.include({ patient: 'cy' }).and.not.have.property('encounter');
      expect(records.asked).to.have.length(before);
    });
  });

  describe('with a way back', () => {
    const back = ({ person }: Arrived, page: Page) => person.submit(page, { do: 'back' });
    const hasBack = ({ body }: Page) => body.includes('value="back"');

    for (const username of ['once', 'later'])
      it(`lets the patient be chosen anew, and forgets who was chosen before (${username})`, async () => {
        const at = await arrive(username);
        expect(hasBack(at.page), 'there is nothing to go back to').to.equal(false);
        const visitsOfAnn = await pick(at, at.page, 'Patient ann');
        expect(hasBack(visitsOfAnn)).to.equal(true);
        const again = await back(at, visitsOfAnn);
        expect(titleOf(again)).to.equal('Choose a patient');
        expect(again.body).not.to.contain('class="who"');
        expect(Object.keys(choicesOf(again))).to.deep.equal(['Patient ann', 'Patient ben', 'Patient cy']);
        const visits = await pick(at, again, 'Patient ben');
        expect(Object.keys(choicesOf(visits))).to.deep.equal(['Visit ben-1', 'Visit ben-2']);
        // The page of the first patient's visits may still be open in another tab.
        const stale = await pick(at, visitsOfAnn, 'Visit ann-1');
        expect(stale.body).to.contain('Please choose one record.').and.contain('Patient ben');
        const { body, claims } = await finish(at, await pick(at, visits, 'Visit ben-1'));
        expect(body).to.include({ patient: 'ben', encounter: 'ben-1', ward: 'ward of ben-1' });
        expect(claims).to.include({ patient: 'ben', encounter: 'ben-1' });
      });

    it('is gone once, however often the button is pressed', async () => {
      const at = await arrive('later');
      const visits = await pick(at, at.page, 'Patient ann');
      const [first, second] = await Promise.all([back(at, visits), back(at, visits)]);
      for (const page of [first, second]) expect(titleOf(page)).to.equal('Choose a patient');
      expect(titleOf(await back(at, visits)), 'from a page that is long gone').to.equal('Choose a patient');
      const next = await pick(at, await at.person.open(first.url), 'Patient ben');
      expect(titleOf(await back(at, ofStep(visits, '0')))).to.equal('Choose a visit');
      expect((await finish(at, await pick(at, next, 'Visit ben-1'))).body).to.include({ encounter: 'ben-1' });
    });

    it('is none from the first page, whatever is sent', async () => {
      const at = await arrive('later');
      for (const step of ['0', '1', '-1', ''])
        expect(titleOf(await back(at, ofStep(at.page, step))), step).to.equal('Choose a patient');
    });
  });

  describe('found by a search on the FHIR server', () => {
    const search = (username: string, more: object = {}) => arrive(username, { aud: records.url, ...more });
    const at = (url: string, query: Readonly<Record<string, string>>) => `${url}?${new URLSearchParams(query)}`;
    const failure = 'The records cannot be fetched at the moment.';
    afterEach(() => (records.illness = undefined));

    it('are picked from thousands, one after the other, with the tenant’s own credential', async () => {
      const arrived = await search('busy');
      const { person, page } = arrived;
      expect(titleOf(page)).to.equal('Choose a patient');
      expect(page.body).to.contain('Records 1 to 20 of 2500').and.not.contain('Nobody').and.not.contain('included');
      for (const banner of ['Ben Lindqvist', 'born February 11, 1951', 'male', 'MRN-1001'])
        expect(page.body).to.contain(banner);
      const second = await person.open(at(page.url, { page: '2' }));
      expect(second.body).to.contain('Records 21 to 40 of 2500').and.contain('Patient&#x2F;p20"');
      const typed = await person.open(at(page.url, { search: 'garcia  ana' }));
      expect(typed.body).to.contain('More than 20 records found').and.contain('Ana García');
      expect(Object.keys(choicesOf(typed))).to.deep.equal(['Ana García']);
      const number = await person.open(at(page.url, { search: 'MRN-3002' }));
      expect(choicesOf(number)).to.deep.equal({ 'Chiara Tanaka': 'Patient/p2002' });
      const day = await person.open(at(page.url, { search: '12.3.1952 okafor' }));
      expect(day.body).to.contain('Patient&#x2F;p2"').and.contain('born March 12, 1952').and.not.contain('1951');

      const visits = await person.submit(page, { choice: 'Patient/p2', do: 'choose' });
      expect(titleOf(visits)).to.equal('Choose a visit');
      expect(visits.body).to.contain('Chiara Okafor').and.contain('MRN-1002');
      expect(Object.keys(choicesOf(visits))).to.deep.equal([
        'Check-up (Reason of p2-a), 2026-05-20',
        'Check-up (Reason of p2-b), 2026-05-20',
      ]);
      const { body, claims } = await finish(
        arrived,
        await person.submit(visits, { choice: 'Encounter/p2-b', do: 'choose' }),
      );
      expect(body).to.include({ patient: 'p2', encounter: 'p2-b', asked: 2 });
      expect(claims).to.include({ patient: 'p2', encounter: 'p2-b', aud: records.url });
      expect(new Set(records.asked.map(({ authorization }) => authorization))).to.deep.equal(
        new Set([`Bearer ${recordsToken}`]),
      );
    });

    it('are chosen anew after a step back, and end where there is nothing more to find', async () => {
      const arrived = await search('busy');
      const { person } = arrived;
      const visits = await person.submit(arrived.page, { choice: 'Patient/p2', do: 'choose' });
      const again = await person.submit(visits, { do: 'back' });
      expect(titleOf(again)).to.equal('Choose a patient');
      const others = await person.submit(again, { choice: 'Patient/p1', do: 'choose' });
      expect(Object.values(choicesOf(others))).to.deep.equal(['Encounter/p1-open']);
      const stale = await person.submit(visits, { choice: 'Encounter/p2-a', do: 'choose' });
      expect(stale.body, 'a page of the patient before').to.contain('Please choose one record.');
      const third = await person.submit(await person.submit(others, { do: 'back' }), {
        choice: 'Patient/p3',
        do: 'choose',
      });
      const { body } = await finish(arrived, third);
      expect(body).to.include({ patient: 'p3' }).and.not.have.property('encounter');
    });

    it('are gone on without where that is allowed, and where it is not, by no form', async () => {
      const arrived = await search('busy');
      const { person } = arrived;
      expect(arrived.page.body, 'a patient is needed').not.to.contain('value="skip"');
      expect(titleOf(await person.submit(arrived.page, { do: 'skip' }))).to.equal('Choose a patient');
      const visits = await person.submit(arrived.page, { choice: 'Patient/p2', do: 'choose' });
      expect(visits.body).to.contain('value="skip"');
      const stale = await person.submit(ofStep(visits, '0'), { do: 'skip' });
      expect(titleOf(stale), 'the form of a page before').to.equal('Choose a visit');
      const { body } = await finish(arrived, await person.submit(visits, { do: 'skip' }));
      expect(body).to.include({ patient: 'p2' }).and.not.have.property('encounter');
    });

    it('are only what the search finds for this very person, whatever a form says', async () => {
      const { person, page } = await search('other');
      expect(Object.values(choicesOf(page))).to.deep.equal(['Patient/p9001', 'Patient/p9002', 'Patient/p9003']);
      expect(page.body, 'three are seen at a glance').not.to.contain('type="search"');
      for (const choice of [
        'Patient/p1',
        'Patient/included',
        'Encounter/p1-open',
        'patient/p9001',
        'p9001',
        '0',
        '',
        'Patient/p9001,p1',
        'Patient/p1\\,p9001',
        'Patient/p9001&_id=p1',
        'Patient/../Patient/p9001',
        'Patient/p9001 ',
      ]) {
        const again = await person.submit(page, { choice, do: 'choose' });
        expect(titleOf(again), choice).to.equal('Choose a patient');
        expect(again.body, choice).to.contain('Please choose one record.');
      }
    });

    it('keep what is typed within its own condition', async () => {
      const { person, page } = await search('other');
      for (const [typed, name, value] of [
        ['a,b', 'name', 'a\\,b'],
        ['x$y|z\\', 'name', 'x\\$y\\|z\\\\'],
        ['&general-practitioner=Practitioner/busy', 'name', '&general-practitioner=Practitioner/busy'],
        ['MRN-9,urn:mrn|MRN-1001', 'identifier', 'urn:mrn|MRN-9\\,urn:mrn\\|MRN-1001'],
        ['1.1.2000', 'birthdate', '2000-01-01'],
        ['99.99.2000', 'identifier', 'urn:mrn|99.99.2000'],
      ] as const) {
        const { body } = await person.open(at(page.url, { search: typed }));
        const { query } = records.asked.at(-1) ?? {};
        expect(query?.getAll(name), typed).to.deep.equal([value]);
        expect(query?.getAll('general-practitioner'), typed).to.deep.equal(['Practitioner/other']);
        expect(body, typed).to.contain('No record matches').and.not.contain('name="choice"');
      }
      await person.open(at(page.url, { search: 'x '.repeat(5_000) }));
      expect(records.asked.at(-1)?.query.getAll('name'), 'a long text is cut').to.have.length(10);
      const last = await person.open(at(page.url, { page: '99999' }));
      expect(last.body).to.contain('There is no record to choose.').and.contain('Show all records');
    });

    it('are not offered where the server fails: nothing is chosen, and it can be tried again', async () => {
      const arrived = await search('other');
      const { person, page } = arrived;
      for (const illness of [
        'unwell',
        'refuses',
        'huge',
        'garbage',
        'no-bundle',
        'foreign-next',
        'ignores',
        'silent',
      ] satisfies Illness[]) {
        records.illness = illness;
        const { body } = await person.open(page.url);
        expect(body, illness).to.contain(failure).and.contain('Try again').and.not.contain('name="choice"');
        if (illness === 'refuses' || illness === 'ignores') {
          const sent = await person.submit(page, { choice: 'Patient/p9001', do: 'choose' });
          expect(titleOf(sent), illness).to.equal('Choose a patient');
          expect(sent.body, illness).to.contain(failure);
        }
        records.illness = undefined;
        expect(Object.values(choicesOf(await person.open(page.url))), `after ${illness}`).to.have.length(3);
      }
      records.illness = 'endless';
      const before = records.asked.length;
      expect(Object.values(choicesOf(await person.open(page.url)))).to.have.length(3);
      expect(records.asked.length - before, 'a list without an end is left').to.be.below(40);
      records.illness = undefined;
      const { body } = await finish(arrived, await person.submit(page, { choice: 'Patient/p9002', do: 'choose' }));
      expect(body).to.include({ patient: 'p9002' });
    });

    it('are not offered to whom the searches are not for, nor on another FHIR server', async () => {
      const before = records.asked.length;
      for (const [username, aud] of [
        ['kin', records.url],
        ['nobody', records.url],
        ['busy', undefined],
      ] as const) {
        const { page } = await arrive(username, aud === undefined ? {} : { aud });
        expect(new URL(page.url).searchParams.get('error'), username).to.equal('access_denied');
      }
      expect(records.asked).to.have.length(before);
    });

    it('are told to an app that lets nobody be asked, and so is that the server fails', async () => {
      const { person } = await search('other');
      const silent = async () => {
        const { url } = authorizationRequest(server, { scope, prompt: 'none', aud: records.url });
        return new URL((await person.open(url)).url).searchParams.get('error');
      };
      expect(await silent()).to.equal('interaction_required');
      records.illness = 'refuses';
      expect(await silent()).to.equal('temporarily_unavailable');
    });

    it('come first where they were remembered, and only while the search finds them', async () => {
      const first = await search('busy', { scope: 'openid launch/patient' });
      await finish(
        first,
        await first.person.submit(first.page, { choice: 'Patient/p777', do: 'choose', remember: 'yes' }),
      );
      const { person, page } = await search('busy', { scope: 'openid launch/patient' });
      expect(Object.values(choicesOf(page)).slice(0, 2)).to.deep.equal(['Patient/p777', 'Patient/p0']);
      expect(page.body)
        .to.match(/value="Patient&#x2F;p777" required checked/)
        .and.contain('You had this record remembered.');
      expect(page.body).to.contain('Records 1 to 20 of 2500');
      expect((await person.open(at(page.url, { page: '2' }))).body).not.to.contain('p777');
    });
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
  const skipping = createStage({
    tenant: { launch: { acceptUnknown: false, skipOnlyChoice: true, searches: [] } },
  }).ports;

  it('are taken without asking where there is only one of each', async () => {
    const facts = prepared([
      choice('patient', 'ann'),
      choice('encounter', 'ann-1', { patient: 'ann' }),
      choice('encounter', 'ben-1', { patient: 'ben' }),
    ]);
    const settled = await settleContext(facts, skipping);
    expect(settled).to.deep.include({ kind: 'continue', outcome: 'known' });
    expect((settled as { gives: object }).gives).to.deep.include({
      launchParameters: { patient: 'ann', encounter: 'ann-1' },
      contextName: 'ann, ann-1',
    });
  });

  it('keep what was taken without asking when the person is asked for the next', async () => {
    const facts = prepared([choice('patient', 'ann'), choice('encounter', 'one'), choice('encounter', 'two')]);
    const settled = (await settleContext(facts, skipping)) as { outcome: string; gives: Partial<ContextPrepared> };
    expect(settled.outcome).to.equal('choose');
    expect(openChoices({ ...facts, ...settled.gives }).map(({ index }) => index)).to.deep.equal([1, 2]);
  });

  it('never change what is settled by what comes with them', async () => {
    const facts = prepared([choice('location', 'ward', { patient: 'Patient/ann', encounter: 'e' })], {
      launchParameters: { patient: 'ann' },
    });
    const settled = (await settleContext(facts, skipping)) as { gives: Partial<ContextPrepared> };
    expect(settled.gives.launchParameters).to.deep.equal({ patient: 'ann', encounter: 'e', location: 'ward' });
    const other = prepared([choice('location', 'ward', { patient: 'ben' })], { launchParameters: { patient: 'ann' } });
    expect(openChoices(other)).to.deep.equal([]);
  });

  it('are taken without asking where a search finds only one, and asked for where it may find more', async () => {
    const search = { resourceType: 'Patient', parameters: {}, find: {}, pageSize: 20 };
    const launch = { acceptUnknown: false, skipOnlyChoice: true, searches: [search] };
    const facts = prepared([], { contextRequired: true });
    for (const [found, outcome, kind] of [
      [{ ok: true, choices: [choice('patient', 'ann')], more: false }, 'known', undefined],
      [{ ok: true, choices: [choice('patient', 'ann')], more: true }, 'choose', 'patient'],
      [{ ok: true, choices: [], more: true }, 'choose', 'patient'],
      [{ ok: false }, 'choose', 'patient'],
      // The default launch context is the last resort, also where nothing is found.
      [{ ok: true, choices: [], more: false }, 'known', undefined],
    ] as const) {
      const { ports } = createStage({ tenant: { launch }, 'contextSearch.find': found });
      const settled = (await settleContext(facts, ports)) as { outcome: string; gives: Partial<ContextPrepared> };
      expect(settled.outcome, JSON.stringify(found)).to.equal(outcome);
      expect(settled.gives.searching, JSON.stringify(found)).to.equal(kind);
    }
  });

  it('are never those of a search whose record is another patient’s', async () => {
    const search = { resourceType: 'Encounter', parameters: {}, find: {}, pageSize: 20 };
    const { ports } = createStage({
      tenant: { launch: { acceptUnknown: false, skipOnlyChoice: true, searches: [search] } },
      'contextSearch.find': { ok: true, choices: [choice('encounter', 'e', { patient: 'ben' })], more: false },
    });
    const wanting = { grantableScopes: ['launch/encounter', 'launch/patient'] };
    const of = async (more: Partial<ContextPrepared>) => {
      const facts = prepared([], { contextRequired: false, ...wanting, ...more });
      return ((await settleContext(facts, ports)) as { gives: Partial<ContextPrepared> }).gives.launchParameters;
    };
    expect(await of({ launchParameters: { patient: 'ann' } })).to.deep.equal({ patient: 'ann' });
    const named = { ...allFacts.session, launchResourceIds: [{ resourceType: 'patient', resourceId: 'ann' }] };
    expect(await of({ session: named }), 'nor where the script named the patient').to.deep.equal({ patient: 'ann' });
    expect(await of({})).to.deep.equal({ patient: 'ben', encounter: 'e' });
    expect(await of({ grantableScopes: ['launch/encounter'] }), 'whom the app does not ask for').to.deep.equal({
      encounter: 'e',
    });
  });

  it('have gaps that hold one value, whatever it is', () => {
    const parameters = { owner: 'urn:people|{username}', patient: ['{patient}', 'a,b'] };
    expect(conditionsOf({ parameters }, { username: 'eve|x,Practitioner/dr$\\', patient: 'p1' })).to.deep.equal([
      ['owner', 'urn:people|eve\\|x\\,Practitioner/dr\\$\\\\'],
      ['patient', 'p1'],
      ['patient', 'a,b'],
    ]);
    expect(conditionsOf({ parameters }, { username: '{patient}', patient: 'p1' })?.[0]?.[1]).to.equal(
      'urn:people|{patient}',
    );
    for (const gaps of [{ username: 'eve' } as Record<string, string>, { username: 'eve', patient: '' }])
      expect(conditionsOf({ parameters }, gaps), 'a condition is never left out').to.equal(undefined);
    expect(conditionsOf({ parameters: { a: '{toString}' } }, {})).to.equal(undefined);
  });
});
