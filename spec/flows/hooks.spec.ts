/** The hooks of each flow fire in the documented order, with the documented models, and what they may change changes. */
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import type { TestServer } from '../support/server.ts';
import { hooksOf } from './hook-cases.ts';
import { recordingScripts } from './hook-models.ts';
import { type FlowName, lastTrace, runFlow, type Seen, startStage } from './hook-stage.ts';

type Recorded = Readonly<Record<string, Record<string, never>>>;

describe('hooks', () => {
  let server: TestServer;
  before(async () => {
    server = await startStage({
      scripts: recordingScripts,
      people: ['ann', 'rita'],
      partnerPeople: ['bob'],
      secretClients: ['service'],
      keyClients: ['machine'],
      change: (tenant) => {
        tenant['policy'] = { scopesScriptsMayAdd: ['custom/lab'] };
      },
    });
  });
  after(() => server.close());

  /** Runs a flow, checks that its hooks ran in order, and answers what each was given. */
  async function observe(flow: FlowName, who: string): Promise<{ readonly seen: Seen; readonly given: Recorded }> {
    const seen = await runFlow(server, flow, who);
    expect(seen.status, seen.text).to.equal(200);
    const { entries, outcome } = await lastTrace(server);
    expect(outcome).to.equal('success');
    const ran = entries.flatMap(({ hook }) => hook ?? []);
    expect(ran.map(({ name }) => name)).to.deep.equal(hooksOf[flow]);
    expect(ran.every(({ ok }) => ok)).to.equal(true);
    const given = ran.flatMap(({ logs }) =>
      logs.map(({ message }) => JSON.parse(message) as { hook: string; models: never }),
    );
    expect(given.map(({ hook }) => hook)).to.deep.equal(hooksOf[flow]);
    return { seen, given: Object.fromEntries(given.map(({ hook, models }) => [hook, models])) };
  }

  const session = (more: Record<string, unknown>) => ({
    sameName: true,
    external: false,
    givenName: 'Given',
    familyName: null,
    email: null,
    notes: null,
    fhirUserUrl: null,
    authorities: ['ROLE_FHIR_CLIENT', 'FHIR_ALL_READ'],
    superuser: false,
    reader: true,
    defaultLaunchContexts: [],
    launchResourceIds: [],
    fhirContext: [],
    mark: null,
    ...more,
  });
  const app = {
    clientId: 'sample-native',
    clientName: 'Sample Native App',
    scopes: true,
    grantTypes: ['authorization_code', 'refresh_token'],
    permissions: [],
  };
  const asked = ['openid', 'fhirUser', 'launch/patient', 'patient/*.rs', 'offline_access'];
  const context = (more: Record<string, unknown>) => ({
    started: true,
    remoteAddress: 'string',
    headers: 'object',
    ...more,
  });
  const factory = ['function', 'function'];

  /** What the token-time callbacks must have brought about in every flow with a person. */
  function expectPersonsToken({ body }: Seen, given: Recorded, username: string, grantType: string) {
    const access = decodeJwt(String(body['access_token']));
    const contexts = [
      { reference: 'Organization/one' },
      { reference: 'ImagingStudy/two', role: 'https://ehr.example/role' },
    ];
    expect(body).to.deep.include({
      scope: [...asked, 'custom/lab'].join(' '),
      patient: 'jane',
      encounter: 'visit-1',
      need_patient_banner: true,
      fhirContext: contexts,
    });
    expect(access).to.deep.include({
      sub: username,
      department: { name: 'Cardiology', floor: 2 },
      fhirUser: 'https://ehr.example/fhir/Practitioner/set-by-script',
      authorities: [
        { permission: 'ROLE_FHIR_CLIENT' },
        { permission: 'FHIR_ALL_READ' },
        { permission: 'FHIR_READ_ALL_IN_COMPARTMENT', argument: 'Patient/jane' },
      ],
    });
    expect(access).not.to.have.property('greeting');
    const id = decodeJwt(String(body['id_token']));
    expect(id).to.include({ greeting: 'hello', fhirUser: 'https://ehr.example/fhir/Practitioner/set-by-script' });
    expect(id).not.to.have.property('department');
    expect(given['onPostAuthorize']).to.deep.equal({
      clientId: 'sample-native',
      username,
      grantType,
      accessToken: '***',
      grantedScopes: [...asked, 'custom/lab'],
      claims: access,
      launchParameters: { patient: 'jane', encounter: 'visit-1', need_patient_banner: true, fhirContext: contexts },
      requestingPractitioner: null,
    });
  }

  const codeRequest = () => ({
    clientId: 'sample-native',
    memberId: null,
    grantType: 'authorization_code',
    requestedScopes: asked,
    approvedScopes: asked,
    launch: null,
    audience: `${server.issuer}/fhir/r4`,
    aud: `${server.issuer}/fhir/r4`,
    // Not among the parameters the tenant lets scripts read.
    secret: null,
  });

  it('interactive: log-in, context, token, announcement', async () => {
    const { seen, given } = await observe('interactive', 'ann');
    expect(given['onAuthenticateSuccess']).to.deep.equal({
      session: session({ username: 'ann' }),
      factory,
      context: context({ moduleId: 'local' }),
    });
    expect(given['onSmartLoginPreContextSelection']).to.deep.equal({
      session: session({ username: 'ann', mark: 'from log-in' }),
      haveChoices: false,
      choices: [],
    });
    expect(given['onTokenGenerating']).to.deep.equal({
      session: session({
        username: 'ann',
        mark: 'from log-in',
        launchResourceIds: ['patient/jane'],
        fhirContext: ['Organization/one'],
      }),
      request: codeRequest(),
      client: app,
    });
    expectPersonsToken(seen, given, 'ann', 'authorization_code');
  });

  it('federated: the name, the log-in, then as any other person', async () => {
    const { seen, given } = await observe('federated', 'bob');
    const issuer = `${server.url}/partner`;
    expect(given['getUserName']).to.deep.equal({
      sub: 'bob',
      sameSub: true,
      organization: 'Partner Hospital',
      missing: null,
      server: { id: 'partner', name: 'Partner Hospital', issuer },
    });
    const bob = { username: 'EXT_USER:bob', external: true };
    expect(given['onAuthenticateSuccess']).to.deep.equal({
      session: session({ ...bob, authorities: ['ROLE_FHIR_CLIENT'], reader: false }),
      factory,
      context: context({
        moduleId: 'partner',
        sub: 'bob',
        claim: 'Partner Hospital',
        list: ['Partner Hospital'],
        missing: null,
        approvedScopes: 0,
        approved: false,
      }),
    });
    expect(given['onSmartLoginPreContextSelection']).to.deep.equal({
      session: session({ ...bob, mark: 'from log-in' }),
      haveChoices: false,
      choices: [],
    });
    expect(given['onTokenGenerating']).to.deep.equal({
      session: session({
        ...bob,
        mark: 'from log-in',
        launchResourceIds: ['patient/jane'],
        fhirContext: ['Organization/one'],
      }),
      request: codeRequest(),
      client: app,
    });
    expectPersonsToken(seen, given, 'EXT_USER:bob', 'authorization_code');
  });

  for (const [flow, clientId, requestedScopes] of [
    ['client', 'service', []],
    ['backend', 'machine', ['system/*.rs']],
  ] as const) {
    it(`${flow === 'client' ? 'client credentials' : 'backend services'}: no user; the token, the announcement`, async () => {
      const { seen, given } = await observe(flow, clientId);
      expect(given['onTokenGenerating']).to.deep.equal({
        session: null,
        request: {
          clientId,
          memberId: null,
          grantType: 'client_credentials',
          requestedScopes,
          approvedScopes: ['system/*.rs'],
          launch: null,
          audience: `${server.issuer}/fhir/r4`,
          aud: null,
          secret: null,
        },
        client: {
          clientId,
          clientName: clientId,
          scopes: true,
          grantTypes: ['client_credentials'],
          permissions: ['ROLE_FHIR_CLIENT', 'FHIR_ALL_READ'],
        },
      });
      expect(seen.body).to.include({ scope: 'system/*.rs custom/lab', need_patient_banner: true });
      expect(seen.body).not.to.have.any.keys('id_token', 'refresh_token', 'patient');
      const claims = decodeJwt(String(seen.body['access_token']));
      expect(claims).to.deep.include({ sub: clientId, department: { name: 'Cardiology', floor: 2 } });
      expect(given['onPostAuthorize']).to.deep.equal({
        clientId,
        username: null,
        grantType: 'client_credentials',
        accessToken: '***',
        grantedScopes: ['system/*.rs', 'custom/lab'],
        claims,
        launchParameters: { need_patient_banner: true },
        requestingPractitioner: null,
      });
    });
  }

  it('CODAP: the decision over both tokens, the token for the foreign user, the announcement', async () => {
    const { seen, given } = await observe('codap', 'dr-who');
    const practitioner = { resourceType: 'Practitioner', id: 'dr-who' };
    const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
    expect(given['authenticate']).to.deep.equal({
      authenticationToken: { alg: 'RS384', iss: 'partner-hospital', sub: 'partner-hospital', missing: null },
      authorizationToken: { alg: 'RS256', iss: 'https://partner-hospital.example', sub: 'dr-who', missing: null },
      requestingPractitioner: practitioner,
      requestedRecord: { resourceType: 'Patient', identifier: [{ value: 'MRN-10137' }] },
      requestedScopes: ['patient/*.rs'],
      reasonForRequest: 'treatment',
      acr: 'https://partner-hospital.example/assurance/3',
      issuer: 'https://partner-hospital.example',
      clientId: 'partner-hospital',
      remoteAddress: 'string',
      headers: 'object',
    });
    expect(given['onTokenGenerating']).to.deep.equal({
      session: session({
        username: 'visitor',
        external: true,
        givenName: null,
        authorities: ['FHIR_READ_ALL_IN_COMPARTMENT/Patient/patient-02'],
        reader: false,
        launchResourceIds: ['patient/patient-02'],
        mark: 'from authenticate',
      }),
      request: {
        clientId: 'partner-hospital',
        memberId: null,
        grantType,
        requestedScopes: ['patient/*.rs'],
        approvedScopes: ['patient/*.rs'],
        launch: null,
        audience: `${server.issuer}/fhir/r4`,
        aud: null,
        secret: null,
      },
      client: {
        clientId: 'partner-hospital',
        clientName: 'Partner Hospital',
        scopes: true,
        grantTypes: [grantType],
        permissions: [],
      },
    });
    expect(seen.body).to.include({ patient: 'patient-02', encounter: 'visit-1', scope: 'patient/*.rs custom/lab' });
    const claims = decodeJwt(String(seen.body['access_token']));
    expect(claims).to.include({ sub: 'https://partner-hospital.example#dr-who', reason_for_request: 'treatment' });
    expect(given['onPostAuthorize']).to.deep.include({
      clientId: 'partner-hospital',
      username: 'visitor',
      grantType,
      claims,
      requestingPractitioner: practitioner,
    });
  });

  it('refresh: the token hooks again, on the grant as they left it', async () => {
    const { seen, given } = await observe('refresh', 'rita');
    expect(given['onTokenGenerating']).to.deep.equal({
      session: session({
        username: 'rita',
        mark: 'from log-in',
        fhirUserUrl: 'https://ehr.example/fhir/Practitioner/set-by-script',
        authorities: ['ROLE_FHIR_CLIENT', 'FHIR_ALL_READ', 'FHIR_READ_ALL_IN_COMPARTMENT/Patient/jane'],
        launchResourceIds: ['patient/jane', 'encounter/visit-1'],
        fhirContext: ['Organization/one', 'ImagingStudy/two https://ehr.example/role'],
      }),
      request: {
        ...codeRequest(),
        grantType: 'refresh_token',
        requestedScopes: [],
        approvedScopes: [...asked, 'custom/lab'],
      },
      client: app,
    });
    // What the callback adds each time is there once.
    expectPersonsToken(seen, given, 'rita', 'refresh_token');
  });
});
