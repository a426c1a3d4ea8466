/** Each tenant of the gallery serves a flow to its end, with its callbacks at work and the world around it answering or not. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { authorizationRequest, basic, postForm, type TokenAnswer } from '../support/oauth.ts';
import { serveDirectory } from '../support/directory.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { createPerson } from '../support/person.ts';
import { freePort } from '../support/server.ts';
import {
  assertionOf,
  editDocument,
  type Gallery,
  galleryFolder,
  galleryTenants,
  signedBy,
  startGallery,
  visit,
} from './support.ts';

const record = 'openid launch/patient patient/*.rs offline_access';

describe('the gallery, served', function () {
  this.timeout(120_000);
  let gallery: Gallery;
  let directoryPort = 0;
  let post: MailServer;
  before(async () => {
    directoryPort = await freePort();
    post = await startMailServer();
    gallery = await startGallery(async (config) => {
      await editDocument(config, 'office-hours', (document) => {
        // Closed on every day there is, whenever this runs.
        document['environment'] = { ...(document['environment'] as object), OPEN_DAYS: 'Never' };
      });
      await editDocument(config, 'patient-sign-up', (document) => {
        document['mail'] = {
          from: 'desk@hospital.example',
          smtp: { host: '127.0.0.1', port: post.port, security: 'none' },
        };
        document['selfRegistration'] = { ...(document['selfRegistration'] as object), minimumSeconds: 0 };
      });
      const path = join(config, 'directory-groups/tenant.json');
      await writeFile(path, (await readFile(path, 'utf8')).replace('localhost:9211', `localhost:${directoryPort}`));
    });
  });
  after(async () => {
    await gallery.close();
    await post.close();
  });
  afterEach(() => gallery.outside.fail());

  const errorOf = ({ back, answer }: { readonly back: URL; readonly answer: TokenAnswer }) =>
    back.searchParams.get('error') ?? answer.body['error'];

  const ask = (tenant: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
    postForm(`${gallery.tenant(tenant).issuer}/oauth/token`, form, headers);

  it('has all of its tenants in service', async () => {
    for (const name of await galleryTenants()) {
      const { status } = await fetch(`${gallery.server.url}/${name}/.well-known/openid-configuration`);
      expect(status, name).to.equal(200);
    }
  });

  describe('launch-handle', () => {
    const scope = 'openid fhirUser launch patient/*.rs offline_access';
    const opened = (launch: string, username = 'drsmith') =>
      visit(gallery, 'launch-handle', { scope, username, more: { launch } });

    it('makes patient and encounter of a handle of the EHR, and keeps them at a refresh', async () => {
      const launch = gallery.outside.launch({ user: 'drsmith', patient: 'p1', encounter: 'e7', images: ['i3'] });
      const { answer, claims } = await opened(launch);
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      expect(answer.body).to.deep.include({
        patient: 'p1',
        encounter: 'e7',
        need_patient_banner: true,
        fhirContext: [{ reference: 'ImagingStudy/i3' }],
      });
      expect(claims).to.include({ patient: 'p1', encounter: 'e7' });
      // The handle is used up, and the service out of order: neither matters any more.
      gallery.outside.fail('/context');
      const form = { grant_type: 'refresh_token', refresh_token: String(answer.body['refresh_token']) };
      const again = await ask('launch-handle', { ...form, client_id: 'chart-app' });
      expect(again.body, JSON.stringify(again.body)).to.include({ patient: 'p1' });
    });

    it('denies a handle that was used before, and one of somebody else', async () => {
      const launch = gallery.outside.launch({ user: 'drsmith', patient: 'p1' });
      expect((await opened(launch)).answer.status).to.equal(200);
      expect(errorOf(await opened(launch))).to.equal('access_denied');
      const others = gallery.outside.launch({ user: 'drjones', patient: 'p2' });
      const refused = await opened(others);
      expect(errorOf(refused)).to.equal('access_denied');
      expect(JSON.stringify(refused.answer.body)).not.to.match(/drjones|p2|another user/);
    });

    it('gives no token while the context service is out of order', async () => {
      const launch = gallery.outside.launch({ user: 'drsmith', patient: 'p1' });
      gallery.outside.fail('/context');
      const refused = await opened(launch);
      expect(errorOf(refused)).to.equal('server_error');
      expect(refused.answer.body).not.to.have.property('access_token');
    });
  });

  describe('patient-picker', () => {
    it('offers the patients in the care of the practitioner, and the token is for the one that was picked', async () => {
      for (const [choice, patient] of [
        ['0', 'p1'],
        ['2', 'p3'],
      ] as const) {
        const { answer, claims } = await visit(gallery, 'patient-picker', {
          scope: record,
          username: 'drsmith',
          choice,
        });
        expect(answer.body, JSON.stringify(answer.body)).to.include({ patient });
        expect(claims).to.include({ patient });
      }
    });

    it('asks a patient nothing, and denies who is neither', async () => {
      expect((await visit(gallery, 'patient-picker', { scope: record, username: 'jane' })).claims).to.include({
        patient: 'p1',
      });
      expect(errorOf(await visit(gallery, 'patient-picker', { scope: record, username: 'clerk' }))).to.equal(
        'access_denied',
      );
    });

    it('ends the flow while the FHIR server is out of order', async () => {
      gallery.outside.fail('/fhir');
      const refused = await visit(gallery, 'patient-picker', { scope: record, username: 'drsmith' });
      expect(errorOf(refused)).to.equal('server_error');
    });
  });

  it('role-claims: both tokens say the roles; who has none is denied', async () => {
    const wish = { scope: 'openid fhirUser user/*.rs', username: 'drsmith' };
    const { claims, idClaims } = await visit(gallery, 'role-claims', wish);
    expect(claims['hospital_roles']).to.deep.equal(['on-call', 'physician']);
    expect(claims['hospital_departments']).to.deep.equal(['Organization/cardiology', 'Organization/emergency']);
    expect(idClaims['hospital_roles']).to.deep.equal(['on-call', 'physician']);
    expect(errorOf(await visit(gallery, 'role-claims', { ...wish, username: 'retired' }))).to.equal('access_denied');
    const service = await ask('role-claims', { grant_type: 'client_credentials' }, basic('nightly-job', 'demo-secret'));
    expect(decodeJwt(String(service.body['access_token']))).not.to.have.property('hospital_roles');
  });

  it('scope-narrowing: the scopes are what the user may do of what the app asked for', async () => {
    const scopesOf = async (username: string, scope: string) => {
      const result = await visit(gallery, 'scope-narrowing', { scope, username });
      return String(result.answer.body['scope'] ?? errorOf(result)).split(' ');
    };
    expect(await scopesOf('labtech', 'openid user/*.cruds')).to.have.members(['openid', 'user/Observation.crus']);
    expect(await scopesOf('drsmith', 'openid user/*.cruds')).to.have.members([
      'openid',
      'user/*.rs',
      'user/Condition.cu',
      'user/MedicationRequest.cu',
    ]);
    expect(await scopesOf('visitor', 'openid user/*.cruds')).to.deep.equal(['access_denied']);
  });

  it('office-hours: staff wait until the clinic opens, those on call do not', async () => {
    const wish = { scope: 'openid user/*.rs', username: 'clerk' };
    expect(errorOf(await visit(gallery, 'office-hours', wish))).to.equal('access_denied');
    expect((await visit(gallery, 'office-hours', { ...wish, username: 'oncall' })).answer.status).to.equal(200);
  });

  it('fhir-user: one person is another practitioner on each server, or none', async () => {
    const wish = { scope: 'openid fhirUser user/*.rs', username: 'drsmith' };
    const base = gallery.outside.url;
    expect((await visit(gallery, 'fhir-user', wish)).idClaims).to.include({
      fhirUser: `${base}/fhir/Practitioner/drsmith`,
    });
    const research = await visit(gallery, 'fhir-user', { ...wish, fhir: 'research' });
    expect(research.claims).to.include({ fhirUser: `${base}/research/Practitioner/r-77`, aud: `${base}/research` });
    expect(errorOf(await visit(gallery, 'fhir-user', { ...wish, username: 'drjones' }))).to.equal('access_denied');
    const nobody = await visit(gallery, 'fhir-user', { ...wish, username: 'drjones', fhir: 'research' });
    expect(nobody.answer.body).to.include({ scope: 'openid user/*.rs' });
    expect(nobody.idClaims).not.to.have.property('fhirUser');
  });

  it('directory-groups: its directory decides, and while it is away only the local module does', async () => {
    const wish = { scope: 'openid user/*.cruds', username: 'ada' };
    expect((await visit(gallery, 'directory-groups', { ...wish, username: 'caretaker' })).answer.status).to.equal(200);
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-hospital-'));
    const example = join(galleryFolder, 'directory-groups/directory');
    const configuration = join(folder, 'slapd.conf');
    await writeFile(
      configuration,
      (await readFile(join(example, 'slapd.conf'), 'utf8')).replaceAll('/tmp/hospital-directory', folder),
    );
    const directory = await serveDirectory(configuration, join(example, 'people.ldif'), directoryPort);
    try {
      const { claims } = await visit(gallery, 'directory-groups', wish);
      expect(claims['authorities']).to.deep.equal([
        { permission: 'ROLE_FHIR_CLIENT' },
        { permission: 'FHIR_ALL_READ' },
      ]);
      expect((await visit(gallery, 'directory-groups', { ...wish, username: 'grace' })).answer.status).to.equal(200);
      expect(errorOf(await visit(gallery, 'directory-groups', { ...wish, username: 'gus' }))).to.equal('access_denied');
    } finally {
      directory.kill('SIGINT');
      await once(directory, 'exit');
      await rm(folder, { recursive: true });
    }
  });

  it('staff-log-in: the staff system decides, and while it is out of order nobody does', async () => {
    const wish = { scope: 'openid fhirUser user/*.cruds', username: 'Ada' };
    const { claims, idClaims } = await visit(gallery, 'staff-log-in', wish);
    expect(idClaims['fhirUser']).to.match(/Practitioner\/4711$/);
    expect(claims['authorities']).to.deep.include({ permission: 'FHIR_ALL_READ' });
    expect((await visit(gallery, 'staff-log-in', { ...wish, username: 'caretaker' })).answer.status).to.equal(200);
    const server = gallery.tenant('staff-log-in');
    const { url } = authorizationRequest(server, {
      client_id: 'chart-app',
      scope: wish.scope,
      aud: `${gallery.outside.url}/fhir`,
    });
    const attempt = async (username: string, password: string) => {
      const person = createPerson(server.url);
      return (await person.submit(await person.open(url), { username, password, do: 'login' })).body;
    };
    for (const [username, password] of [
      ['ada', 'wrong'],
      ['gus', 'demo-password'],
      ['caretaker', 'wrong'],
    ] as const)
      expect(await attempt(username, password), username).to.include('User name or password is wrong');
    gallery.outside.fail('/staff');
    for (const username of ['ada', 'caretaker'])
      expect(await attempt(username, 'demo-password'), username).to.include('cannot be checked right now');
  });

  it('patient-sign-up: the account opens the record that fits, and is not made where none does', async () => {
    const { issuer, url } = gallery.tenant('patient-sign-up');
    const password = 'a lantern for an otter';
    const form = { givenName: 'Peter', familyName: 'Chalmers', birthDate: '1974-12-25', recordNumber: 'MRN-10137' };
    /** From the form through the mail to a chosen password. */
    async function signUp(email: string, answers: Readonly<Record<string, string>>): Promise<string> {
      const person = createPerson(url);
      await person.submit(await person.open(`${issuer}/register`), { ...answers, email, do: 'register' });
      for (let round = 0; round < 200 && !post.mails.some(({ to }) => to.includes(email)); round += 1)
        await setTimeout(25);
      const { raw = '' } = post.mails.find(({ to }) => to.includes(email)) ?? {};
      const page = await person.open(/http:\/\/\S+\/register\/confirm\?link=[\w-]{43}/.exec(raw)?.[0] ?? 'no mail');
      return (await person.submit(page, { password, again: password, do: 'create' })).body;
    }
    const refusal = 'could not find you with these data';
    const attempts = [
      { familyName: 'Nobody' },
      { birthDate: '1974-12-24' },
      { recordNumber: 'MRN-99999' },
    ] as readonly Readonly<Record<string, string>>[];
    for (const [index, wrong] of attempts.entries())
      expect(await signUp(`wrong-${index}@home.example`, { ...form, ...wrong })).to.include(refusal);
    gallery.outside.fail('/fhir');
    expect(await signUp('later@home.example', form)).to.not.include('Your account is ready');
    gallery.outside.fail();
    expect(await signUp('peter@home.example', form)).to.include('Your account is ready');
    const { answer, claims } = await visit(gallery, 'patient-sign-up', {
      scope: record,
      username: 'peter@home.example',
      password,
    });
    expect(answer.body).to.include({ patient: 'p2' });
    expect(claims['authorities']).to.deep.include({
      permission: 'FHIR_READ_ALL_IN_COMPARTMENT',
      argument: 'Patient/p2',
    });
  });

  describe('codap-decision', () => {
    async function asked(code: string, reason: string, wanted: Record<string, unknown> = {}): Promise<TokenAnswer> {
      const coding = [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0360', code }];
      const token = await signedBy('codap-decision/keys/north-clinic-issuer.jwks.json', {
        iss: 'https://north-clinic.example',
        sub: 'north-1',
        aud: `${gallery.tenant('codap-decision').issuer}/oauth/token`,
        acr: 'https://north-clinic.example/assurance/3',
        requested_scopes: 'patient/*.rs',
        requested_record: { resourceType: 'Patient', ...wanted },
        requesting_practitioner: { resourceType: 'Practitioner', id: 'north-1', qualification: [{ code: { coding } }] },
        reason_for_request: reason,
      });
      return ask('codap-decision', {
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: token,
        ...(await assertionOf(gallery, 'codap-decision', 'north-clinic')),
      });
    }
    const jane = { identifier: [{ system: 'urn:national:health-number', value: 'N-840602' }] };

    it('lets a physician see the one record that matches, and says so for an emergency', async () => {
      const { body } = await asked('MD', 'emergency', jane);
      expect(body, JSON.stringify(body)).to.include({ patient: 'p1', scope: 'patient/*.rs' });
      expect(decodeJwt(String(body['access_token']))).to.deep.include({
        sub: 'https://north-clinic.example#north-1',
        emergency_access: true,
        reason_for_request: 'emergency',
        authorities: [{ permission: 'FHIR_READ_ALL_IN_COMPARTMENT', argument: 'Patient/p1' }],
      });
    });

    it('lets a pharmacist see medication, of a record found by the person', async () => {
      const person = { name: [{ family: 'Doe', given: ['Jane'] }], birthDate: '1950-01-19', gender: 'female' };
      const { body } = await asked('RPH', 'treatment', person);
      expect(body).to.include({
        patient: 'p3',
        scope: 'patient/Patient.rs patient/MedicationRequest.rs patient/AllergyIntolerance.rs',
      });
    });

    it('denies a reason that the role may not have, and a record that does not match, alike', async () => {
      const refusals = [
        await asked('RN', 'emergency', jane),
        await asked('XX', 'treatment', jane),
        await asked('MD', 'treatment', { ...jane, birthDate: '1999-09-09' }),
        await asked('MD', 'treatment', { name: [{ family: 'Doe' }] }),
      ];
      for (const { status, body } of refusals) {
        expect(status).to.equal(400);
        expect(body).to.deep.equal(refusals[0]?.body);
      }
    });

    it('lets nobody in while records cannot be searched', async () => {
      gallery.outside.fail('/fhir');
      expect((await asked('MD', 'treatment', jane)).body).to.include({ error: 'server_error' });
    });
  });

  describe('federated-groups', () => {
    const entering = (username: string) =>
      visit(gallery, 'federated-groups', { scope: 'openid profile user/*.cruds', username, provider: 'staff' });

    it('names staff by their account and gives them the rights of their groups', async () => {
      const { claims, answer } = await entering('ada');
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      expect(claims.sub).to.equal('staff:ada');
      expect(claims['authorities']).to.deep.equal([
        { permission: 'ROLE_FHIR_CLIENT' },
        { permission: 'FHIR_ALL_READ' },
        { permission: 'FHIR_WRITE_ALL_OF_TYPE', argument: 'Condition,MedicationRequest' },
      ]);
    });

    it('asks the directory for groups that were too many for the token, and lets nobody in without its answer', async () => {
      expect((await entering('grace')).claims['authorities']).to.deep.include({
        permission: 'FHIR_WRITE_ALL_OF_TYPE',
        argument: 'Observation',
      });
      gallery.outside.fail('/directory');
      expect(errorOf(await entering('grace'))).to.equal('server_error');
    });

    it('denies guests of the directory, and who is in no group of ours', async () => {
      expect(errorOf(await entering('guest'))).to.equal('access_denied');
      expect(errorOf(await entering('cyclist'))).to.equal('access_denied');
    });
  });

  it('patient-lookup: the record of a person is found when they come, and their number stands nowhere', async () => {
    const wish = { scope: `${record} fhirUser`, username: 'jane', clientId: 'portal-app' };
    const { answer, claims, idClaims } = await visit(gallery, 'patient-lookup', wish);
    expect(answer.body, JSON.stringify(answer.body)).to.include({ patient: 'p1' });
    expect(idClaims).to.include({ fhirUser: `${gallery.outside.url}/fhir/Patient/p1` });
    expect(claims.sub).to.match(/^citizen-card:[0-9a-f]{32}$/);
    expect(JSON.stringify([answer.body, claims, idClaims])).not.to.include('840602');
    const stranger = await visit(gallery, 'patient-lookup', { ...wish, username: 'stranger' });
    expect(errorOf(stranger)).to.equal('access_denied');
  });

  it('audit-collector: the collector is told of each token, and a token leaves without it, too', async () => {
    const { claims } = await visit(gallery, 'audit-collector', { scope: record, username: 'jane' });
    expect(gallery.outside.events.at(-1)).to.deep.include({
      id: claims.jti,
      type: 'token-issued',
      app: 'chart-app',
      user: 'jane',
      patient: 'p1',
    });
    expect(JSON.stringify(gallery.outside.events)).not.to.match(/eyJ|access_token|collector-key/);
    const before = gallery.outside.events.length;
    gallery.outside.fail('/audit');
    const service = await ask(
      'audit-collector',
      { grant_type: 'client_credentials' },
      basic('nightly-job', 'demo-secret'),
    );
    expect(service.status, JSON.stringify(service.body)).to.equal(200);
    expect(gallery.outside.events).to.have.length(before);
  });

  it('step-up: to prescribe takes a second factor, as the provider says it', async () => {
    const wish = { scope: 'openid user/*.cruds', username: 'drsmith', more: { prompt: 'login' } };
    const { answer } = await visit(gallery, 'step-up', wish);
    expect(answer.body).to.include({ scope: 'openid user/*.rs', step_up: 'login' });
    const strong = await visit(gallery, 'step-up', { ...wish, username: 'ada', provider: 'strong' });
    expect(strong.answer.body).to.include({ scope: 'openid user/*.cruds' });
    expect(strong.answer.body).not.to.have.property('step_up');
    const weak = await visit(gallery, 'step-up', { ...wish, username: 'grace', provider: 'strong' });
    expect(weak.answer.body).to.include({ scope: 'openid user/*.rs', step_up: 'login' });
  });

  it('cohort-backend: a service gets its cohort, for reading; without an open one it gets nothing', async () => {
    const form = { grant_type: 'client_credentials', scope: 'system/*.cruds' };
    const { body } = await ask('cohort-backend', {
      ...form,
      ...(await assertionOf(gallery, 'cohort-backend', 'registry-export')),
    });
    expect(body, JSON.stringify(body)).to.include({ scope: 'system/*.rs' });
    expect(decodeJwt(String(body['access_token']))).to.deep.include({
      cohort: 'Group/diabetes-registry',
      authorities: [{ permission: 'FHIR_OP_INITIATE_BULK_DATA_EXPORT_GROUP', argument: 'Group/diabetes-registry' }],
    });
    for (const client of ['closed-study', 'no-cohort'])
      expect((await ask('cohort-backend', form, basic(client, 'demo-secret'))).body, client).to.include({
        error: 'access_denied',
      });
    gallery.outside.fail('/fhir');
    const down = await ask('cohort-backend', {
      ...form,
      ...(await assertionOf(gallery, 'cohort-backend', 'registry-export')),
    });
    expect(down.body).to.include({ error: 'server_error' });
  });

  it('rate-limit: one token too many is denied to the app that asks for it, and to no other', async () => {
    const once = (client: string) =>
      ask('rate-limit', { grant_type: 'client_credentials' }, basic(client, 'demo-secret'));
    const answers: TokenAnswer[] = [];
    // The hour may change in between, so there are enough for two.
    for (let time = 0; time < 8; time += 1) answers.push(await once('nightly-job'));
    const denied = answers.filter(({ body }) => body['error'] === 'access_denied');
    expect(answers.slice(0, 3).map(({ status }) => status)).to.deep.equal([200, 200, 200]);
    expect(denied.length).to.be.within(2, 5);
    expect((await once('morning-job')).status).to.equal(200);
  });

  it('kiosk: its app has callbacks of its own, and every other app those of the tenant', async () => {
    const kiosk = await visit(gallery, 'kiosk', { scope: record, username: 'jane', clientId: 'kiosk-app' });
    expect(kiosk.claims).to.include({ device: 'kiosk', patient: 'p1' });
    expect(kiosk.answer.body).to.include({
      scope: 'openid launch/patient patient/Appointment.rs patient/Patient.r',
    });
    expect(kiosk.answer.body).not.to.have.property('refresh_token');
    const desk = await visit(gallery, 'kiosk', { scope: record, username: 'jane' });
    expect(desk.claims).to.include({ device: 'desk', scope: record });
    expect(desk.answer.body).to.have.property('refresh_token');
    const staff = await visit(gallery, 'kiosk', { scope: record, username: 'drsmith', clientId: 'kiosk-app' });
    expect(errorOf(staff)).to.equal('access_denied');
  });

  describe('the app of the stand-in', () => {
    /** Follows a link of the start page to its end: the page that shows what the app was answered. */
    async function tried(link: number, username: string): Promise<string> {
      const first = await fetch(`${gallery.outside.url}/app/start?try=${link}`, { redirect: 'manual' });
      if (first.status === 200) return first.text();
      const person = createPerson(gallery.server.url);
      const back = await person.walk(await person.open(first.headers.get('location') ?? ''), { username });
      return (await fetch(back)).text();
    }

    it('leads each example to what its link promises', async () => {
      const start = await (await fetch(gallery.outside.url)).text();
      const links = [...start.matchAll(/try=(\d+)">([a-z-]+)<\/a>/g)].map(([, link, name]) => [Number(link), name]);
      const named = new Set(links.map(([, name]) => name));
      const others = (await galleryTenants()).filter((name) => !named.has(name));
      // The one is what the federated ones log in at; the other begins with a mail, for which the demo has a page.
      expect(others).to.have.members(['identity-provider', 'patient-sign-up']);
      const linkOf = (name: string) => Number(links.find((link) => link[1] === name)?.[0]);
      expect(await tried(linkOf('launch-handle'), 'drsmith')).to.include('&#34;patient&#34;: &#34;p1&#34;');
      expect(await tried(linkOf('codap-decision'), '')).to.include('patient/MedicationRequest.rs');
      expect(await tried(linkOf('cohort-backend'), '')).to.include('Group/diabetes-registry');
      expect(await tried(linkOf('office-hours'), 'clerk')).to.include('access_denied');
    });

    it('takes no answer that it did not ask for', async () => {
      const answer = await fetch(`${gallery.outside.url}/app/callback?code=x&state=<script>`);
      expect(answer.status).to.equal(400);
      expect(await answer.text()).not.to.include('<script>');
    });
  });
});
