/** The simulator and the server give the same tokens for the same inputs, apart from times and ids, in all five flows. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { readPlan } from '../../engine/simulator/plan.ts';
import type { SimulatedRun } from '../../engine/simulator/run.ts';
import { createSimulator, type Simulator } from '../../engine/simulator/simulator.ts';
import { loadTenant } from '../../engine/tenant/load.ts';
import type { Tenant } from '../../engine/tenant/tenant.ts';
import { authorizationRequest, basic, clientAssertion, logIn, postForm, redeem, signWith } from '../support/oauth.ts';
import { createPerson } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

type Tree = Readonly<Record<string, unknown>>;

/** What no two tokens have in common. */
const own = new Set(['iat', 'exp', 'auth_time', 'jti', 'sid', 'at_hash', 'kid']);

function alike(tree: Tree): Tree {
  return Object.fromEntries(Object.entries(tree).map(([name, value]) => [name, own.has(name) ? typeof value : value]));
}

/** A token response with its tokens read; of those that are not JWTs only that they are there. */
function read(response: Tree): Tree {
  const token = (value: unknown) =>
    typeof value === 'string' && value.split('.').length === 3
      ? { header: alike(decodeProtectedHeader(value)), claims: alike(decodeJwt(value)) }
      : typeof value;
  return Object.fromEntries(
    Object.entries(response).map(([name, value]) => [name, name.endsWith('_token') ? token(value) : value]),
  );
}

describe('the simulator and the server', function () {
  this.timeout(60_000);
  let server: TestServer;
  let simulator: Simulator;
  let tenant: Tenant;
  before(async () => {
    server = await startTestServer();
    const loaded = await loadTenant(join(server.config, 'demo'));
    if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
    tenant = loaded.tenant;
    simulator = createSimulator();
  });
  after(async () => {
    await simulator.close();
    await server.close();
  });

  async function simulated(given: object): Promise<SimulatedRun> {
    const plan = readPlan(tenant, given);
    if (!plan.ok) throw new Error(plan.problems.map(({ message }) => message).join('\n'));
    return simulator.run(tenant, plan.plan);
  }

  const scope = 'openid fhirUser profile launch/patient patient/*.rs offline_access';
  const asked = {
    client: 'sample-native',
    scopes: scope.split(' '),
    request: { redirect_uri: 'http://127.0.0.1:45678/callback' },
  };

  it('give the same in the interactive flow, chosen patient and refresh token included', async () => {
    const { body } = await logIn(server, createPerson(server.url), 'drsmith', { scope, nonce: 'a-nonce' });
    const run = await simulated({ ...asked, user: 'drsmith' });
    expect(read(run.response ?? {})).to.deep.equal(read(body));
    expect(body).to.include({ patient: 'jane' }).and.to.include.keys('id_token', 'refresh_token');
  });

  it('give the same to a service with a secret, also where it asks for a part', async () => {
    for (const scopes of [[], ['system/Patient.rs']]) {
      const { body } = await postForm(
        `${server.issuer}/oauth/token`,
        { grant_type: 'client_credentials', ...(scopes.length > 0 ? { scope: scopes.join(' ') } : {}) },
        basic('sample-service', 'demo-secret'),
      );
      const run = await simulated({ flow: 'client-credentials', client: 'sample-service', scopes });
      expect(read(run.response ?? {})).to.deep.equal(read(body));
    }
  });

  it('give the same to a service with a key', async () => {
    const { body } = await postForm(`${server.issuer}/oauth/token`, {
      grant_type: 'client_credentials',
      ...(await clientAssertion(server, 'sample-backend')),
    });
    const run = await simulated({ flow: 'backend-services' });
    expect(read(run.response ?? {})).to.deep.equal(read(body));
  });

  it("give the same to another organisation's system", async () => {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      acr: 'https://partner-hospital.example/assurance/3',
      requested_record: { resourceType: 'Patient', identifier: [{ system: 'urn:mrn', value: 'MRN-10137' }] },
      requested_scopes: 'patient/Observation.rs',
      requesting_practitioner: { resourceType: 'Practitioner', id: 'dr-who' },
      reason_for_request: 'treatment',
      sub: 'dr-who',
    };
    const assertion = await signWith(server, 'partner-hospital-issuer', 'RS256', {
      iss: 'https://partner-hospital.example',
      aud: `${server.issuer}/oauth/token`,
      iat: now,
      exp: now + 240,
      jti: randomUUID(),
      ...claims,
    });
    const { body } = await postForm(`${server.issuer}/oauth/token`, {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion,
      ...(await clientAssertion(server, 'partner-hospital', 'RS384')),
    });
    const run = await simulated({ flow: 'codap', authorization: claims });
    expect(read(run.response ?? {})).to.deep.equal(read(body));
    expect(body).to.include({ patient: 'patient-02', scope: 'patient/Observation.rs' });
  });

  it('give the same to a person of a provider', async () => {
    const person = createPerson(server.url);
    const { url, verifier } = authorizationRequest(server, { scope, nonce: 'a-nonce' });
    const away = await person.submit(await person.open(url), { provider: 'partner' });
    const landed = await person.walk(away, { username: 'drjones' });
    const { body } = await redeem(server, landed.searchParams.get('code') ?? '', verifier);
    const claims = { given_name: 'Robin', family_name: 'Jones', amr: ['pwd'] };
    const run = await simulated({ ...asked, flow: 'federated', provider: { subject: 'drjones', claims } });
    expect(read(run.response ?? {})).to.deep.equal(read(body));
    expect(run.claims).to.include({ sub: 'EXT_USER:drjones' });
  });

  it('refuse alike', async () => {
    const person = createPerson(server.url);
    const wrong = await postForm(
      `${server.issuer}/oauth/token`,
      { grant_type: 'client_credentials' },
      basic('sample-service', 'wrong'),
    );
    const run = await simulated({ flow: 'client-credentials', credentials: 'wrong' });
    expect(run.error).to.deep.equal({ ...wrong.body, status: wrong.status });

    const back = await person.open(authorizationRequest(server, { prompt: 'none' }).url);
    const silent = await simulated({ ...asked, request: { ...asked.request, prompt: 'none', state: 'state-1' } });
    expect(silent.redirect).to.equal(back.url);

    const stranger = await person.open(authorizationRequest(server, { client_id: 'nobody' }).url);
    const unknown = await simulated({ client: 'nobody' });
    const words = (html: string) => html.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');
    const page = unknown.errorPage?.render().replace('a-reference', '') ?? '';
    expect(words(page).slice(0, 60)).to.equal(words(stranger.body).slice(0, 60));
    expect(unknown.redirect).to.equal(undefined);
  });
});
