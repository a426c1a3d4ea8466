/** A simulated run shows what the flow did: its path, its callbacks, its pages, its tokens, and how it is refused. */
import { expect } from 'chai';
import { readPlan } from '../../engine/simulator/plan.ts';
import { createSimulator, type Simulator } from '../../engine/simulator/simulator.ts';
import type { Tenant } from '../../engine/tenant/tenant.ts';
import { hookOf, hospital, loaded, simulated, statesOf } from './support.ts';

const callbacks = `
let count = 0;
function onSmartLoginPreContextSelection(theUserSession, theChoices) {
  if (theUserSession.username !== 'nurse') return;
  theChoices.addChoice({ contextType: 'patient', resourceId: 'ann', display: 'Ann' });
  theChoices.addChoice({ contextType: 'patient', resourceId: 'bob', display: 'Bob' });
}
function onTokenGenerating(theUserSession, theDetails, theClientDetails) {
  count += 1;
  theDetails.addAccessTokenClaim('count', count);
  theDetails.addAccessTokenClaim('now', new Date().toISOString());
  Log.info('a token for ' + theClientDetails.clientId);
}
`;

describe('a simulated run', function () {
  this.timeout(60_000);
  let simulator: Simulator;
  let tenant: Tenant;
  before(async () => {
    simulator = createSimulator();
    tenant = await loaded(
      hospital(callbacks, {
        users: [
          {
            username: 'jane',
            password: 'a-real-password-of-jane',
            defaultLaunchContexts: [{ contextType: 'patient', resourceId: 'jane' }],
          },
          { username: 'nurse', password: 'a-real-password-of-nurse' },
          { username: 'gone', password: 'a-real-password-of-gone', enabled: false },
        ],
        termsOfService: { version: '1', text: 'Be kind.' },
        environment: { WARD: 'north' },
      }),
    );
  });
  after(() => simulator.close());

  it('takes the first app and the first person, and agrees to everything', async () => {
    const run = await simulated(simulator, tenant);
    expect(run).to.include({ ended: 'success', outcome: 'success' });
    expect(run.plan).to.include({ client: 'app', user: 'jane' });
    expect(statesOf(run)).to.include.members(['client known', 'login', 'terms', 'consent', 'code', 'answered']);
    expect(run.claims).to.include({
      sub: 'jane',
      patient: 'jane',
      now: '2026-01-01T09:00:00.000Z',
      iat: 1_767_258_000,
    });
    expect(run.tokens.id?.claims).to.include({ aud: 'app', nonce: 'a-nonce' });
    expect(run.redirect).to.match(/^https:\/\/app\.example\/callback\?code=[\w-]{43}&iss=/);
    expect(run.audit.map(({ type }) => type)).to.include.members(['login', 'consent', 'flow.interactive']);
  });

  it('tells each callback with what it was given, did and changed, and what it cost', async () => {
    const run = await simulated(simulator, tenant);
    const hook = hookOf(run, 'onTokenGenerating');
    expect(hook).to.include({ slot: 'callbacks', script: 'callbacks.js', ran: true });
    expect(hook.input).to.have.nested.property('request.clientId', 'app');
    expect(hook.effect).to.have.nested.property('accessTokenClaims.count', 1);
    expect(hook.logs.map(({ message }) => message)).to.deep.equal(['a token for app']);
    expect(hook.wallMicroseconds).to.be.greaterThan(0);
    const state = run.path.find((each) => each.hook === hook);
    expect(state?.changes).to.deep.include({ path: '/grant/accessTokenClaims/count', after: 1 });
    expect(hookOf(run, 'onPostAuthorize')).to.include({ ran: false, script: 'callbacks.js' });
    // This one has no script of its own here.
    expect(hookOf(run, 'onAuthenticateSuccess')).not.to.have.any.keys('script', 'effect');
  });

  it('shows the pages as the person sees them', async () => {
    const run = await simulated(simulator, tenant, { user: 'nurse' });
    const pages = run.path.flatMap(({ page }) => page ?? []);
    expect(pages.map(({ name }) => name)).to.deep.equal(['login', 'context', 'terms', 'consent']);
    expect(pages[1]?.render()).to.include('<!doctype html').and.to.include('Bob');
    expect(pages[2]?.render()).to.include('Be kind.');
    expect(run.path.find(({ state }) => state === 'login')?.sent).to.deep.equal({
      username: 'nurse',
      password: '***',
      do: 'login',
    });
  });

  it('keeps nothing for the next one, and the same is given each time', async () => {
    const first = await simulated(simulator, tenant);
    const second = await simulated(simulator, tenant);
    expect(second.claims).to.deep.equal({ ...first.claims, jti: second.claims?.['jti'] });
    expect(statesOf(second)).to.deep.equal(statesOf(first));
    const together = await Promise.all(Array.from({ length: 8 }, () => simulated(simulator, tenant)));
    expect(together.map(({ outcome }) => outcome)).to.deep.equal(Array.from({ length: 8 }, () => 'success'));
  });

  it('takes under 50 ms once everything is warm', async () => {
    const times: number[] = [];
    for (let turn = 0; turn < 40; turn += 1) times.push((await simulated(simulator, tenant)).milliseconds);
    // The quickest of many, as others use the machine as well.
    expect(Math.min(...times)).to.be.below(50);
  });

  it('lets people choose', async () => {
    for (const chosen of ['bob', 'Bob', { choice: '1' }])
      expect(
        (await simulated(simulator, tenant, { user: 'nurse', decisions: { context: chosen } })).response,
      ).to.include({
        patient: 'bob',
      });
    const narrowed = await simulated(simulator, tenant, { decisions: { consent: { scope: ['patient/*.rs'] } } });
    expect(narrowed.response?.['scope']).to.equal('openid launch/patient patient/*.rs');
  });

  it('begins at an EHR, by a context of ours or by a handle of its own', async () => {
    const run = await simulated(simulator, tenant, { launch: { patient: 'kim', encounter: 'e1' } });
    expect(run.response).to.include({ patient: 'kim', encounter: 'e1' });
    expect(await simulated(simulator, tenant, { launch: 'their-own-handle' })).to.include({
      outcome: 'launch-unknown',
    });
  });

  it('proves a second factor, or sets one up, where the tenant wants that', async () => {
    const strict = await loaded(hospital(callbacks, { secondFactor: { level: 'required' } }));
    const first = await simulated(simulator, strict);
    expect(first.outcome, first.why).to.equal('success');
    expect(statesOf(first)).to.include.members(['second factor setup', 'recovery codes']);
    const later = await simulated(simulator, strict, { secondFactor: true });
    expect(statesOf(later)).to.include('second factor').and.not.to.include('recovery codes');
    expect(later.tokens.id?.claims['amr']).to.include('mfa');
    const wrong = await simulated(simulator, strict, {
      secondFactor: true,
      decisions: { 'second factor': 'wrong-code' },
    });
    expect(wrong).to.include({ ended: 'waiting', why: 'wrong-code' });
  });

  it('opens what an opaque token stands for', async () => {
    const run = await simulated(simulator, tenant, { flow: 'client-credentials' });
    expect(run.tokens).to.deep.equal({});
    expect(run.claims).to.include({ sub: 'service', scope: 'system/*.rs' });
    expect(hookOf(run, 'onTokenGenerating').input).to.have.property('session', null);
  });

  describe('that is refused', () => {
    for (const [what, given, outcome, error] of [
      ['an unknown app', { client: 'nobody' }, 'client-unknown', undefined],
      [
        'another redirect URI',
        { request: { redirect_uri: 'https://evil.example/' } },
        'redirect-uri-mismatch',
        undefined,
      ],
      [
        'no PKCE',
        { request: { code_challenge: null, code_challenge_method: null } },
        'pkce-missing',
        'invalid_request',
      ],
      ['a scope that is none', { scopes: ['system/*.rs'] }, 'scope-none', 'invalid_scope'],
      ['silence', { request: { prompt: 'none' } }, 'login-required', 'login_required'],
      ['no log-in', { decisions: { login: 'cancel' } }, 'login-cancelled', 'access_denied'],
      ['declined terms', { decisions: { terms: 'decline' } }, 'terms-rejected', 'access_denied'],
      ['declined consent', { decisions: { consent: 'decline' } }, 'consent-denied', 'access_denied'],
      ['no context', { user: 'nurse', decisions: { context: 'cancel' } }, 'context-cancelled', 'access_denied'],
      ['another verifier', { tokenRequest: { code_verifier: 'w'.repeat(43) } }, 'pkce-mismatch', 'invalid_grant'],
      ['another code', { tokenRequest: { code: 'another' } }, 'code-unknown', 'invalid_grant'],
      [
        'a wrong secret',
        { flow: 'client-credentials', credentials: 'wrong' },
        'client-authentication',
        'invalid_client',
      ],
      [
        'a wrong grant type',
        { flow: 'client-credentials', request: { grant_type: 'password' } },
        'unsupported_grant_type',
        'unsupported_grant_type',
      ],
      [
        'an app for another flow',
        { flow: 'client-credentials', client: 'app' },
        'client-authentication',
        'invalid_client',
      ],
    ] as const)
      it(`by ${what}: says so as the app and the trail have it`, async () => {
        const run = await simulated(simulator, tenant, given);
        expect(run).to.include({ ended: 'refused', outcome });
        expect(run.error?.error).to.equal(error);
        expect(run.errorPage?.name).to.equal(error === undefined ? 'error' : undefined);
        expect(run).not.to.have.any.keys('response', 'claims');
        expect(run.why).to.be.a('string');
      });

    it('stays at the page of a wrong password, as nobody tries the same twice', async () => {
      for (const user of ['jane', 'nobody', 'gone']) {
        const decisions = user === 'jane' ? { login: 'wrong-password' } : {};
        const run = await simulated(simulator, tenant, { user, decisions });
        expect(run).to.include({ ended: 'waiting', outcome: 'waiting', why: 'wrong-credentials' });
        expect(run.path.at(-1)).to.include({ state: 'login', outcome: 'left' });
        expect(run.path.at(-1)?.page?.view).to.include({ error: 'wrong-credentials' });
      }
      const second = await simulated(simulator, tenant, { decisions: { login: ['wrong-password', 'log-in'] } });
      expect(second.outcome).to.equal('success');
      expect(statesOf(second).filter((state) => state === 'login')).to.have.length(2);
    });

    it('knows the real passwords, too', async () => {
      const password = 'a-real-password-of-jane';
      expect(await simulated(simulator, tenant, { decisions: { login: { password } } })).to.include({
        outcome: 'success',
      });
    });

    it('ends where the person leaves', async () => {
      const run = await simulated(simulator, tenant, { decisions: { terms: 'leave' } });
      expect(run).to.include({ ended: 'waiting', outcome: 'waiting' });
      expect(run.path.at(-1)?.page?.name).to.equal('terms');
    });
  });

  describe('of a plan that cannot be', () => {
    for (const [what, given, sentence] of [
      ['no such flow', { flow: 'implicit' }, 'at /given/flow'],
      ['no such member', { clients: 'app' }, 'clients'],
      ['no such state', { decisions: { logn: 'cancel' } }, 'at /given/decisions/logn'],
      ['no such word', { decisions: { consent: 'perhaps' } }, 'approve, decline, leave'],
      ['no such provider', { flow: 'federated', provider: { id: 'x' } }, 'at /given/provider/id'],
      ['no such secret', { secrets: { none: 'x' } }, 'at /given/secrets/none'],
      ['no app for it', { flow: 'codap' }, 'at /given/client'],
      ['no instant', { now: 'yesterday' }, 'at /given/now'],
    ] as const)
      it(`${what} is told with its place`, () => {
        const read = readPlan(tenant, given);
        const text = read.ok ? '' : read.problems.map(({ message, hint }) => `${message} ${hint}`).join('\n');
        expect(text).to.include(sentence);
      });
  });
});

describe('a simulated run of a script that fails', function () {
  this.timeout(60_000);
  let simulator: Simulator;
  before(() => (simulator = createSimulator()));
  after(() => simulator.close());

  const failing = async (body: string, given: object = {}, more: object = {}) => {
    const script = `function onTokenGenerating(theUserSession, theDetails) {\n  ${body}\n}\n`;
    const tenant = await loaded(hospital(script, more));
    return simulated(simulator, tenant, { flow: 'client-credentials', ...given });
  };

  it('says where it throws, with the lines around', async () => {
    const run = await failing(`theUserSession.username.trim();`);
    expect(run).to.include({ ended: 'refused', outcome: 'onTokenGenerating-runtime' });
    const { failure } = hookOf(run, 'onTokenGenerating');
    expect(failure).to.include({ kind: 'runtime' });
    expect(failure?.location).to.include({ file: 'callbacks.js', line: 2 });
    expect(failure?.frame).to.include('> 2 |   theUserSession.username.trim();');
    expect(run.error).to.deep.equal({
      error: 'server_error',
      error_description: 'The server could not complete the request',
      status: 500,
    });
  });

  it('tells a denial with its own words, of which the app learns nothing', async () => {
    const run = await failing(`deny('not on a Sunday');`);
    expect(run).to.include({ outcome: 'onTokenGenerating-denied', why: 'not on a Sunday' });
    expect(run.error).to.include({ error: 'access_denied', error_description: 'The request was denied' });
  });

  it('tells what leaves the bounds of the hook', async () => {
    const run = await failing(`theDetails.addAccessTokenClaim('iss', 'https://evil.example');`);
    expect(run.outcome).to.equal('onTokenGenerating-policy-access-token-claim');
    expect(hookOf(run, 'onTokenGenerating').failure).to.include({ kind: 'policy' });
  });

  it('ends what has no end, and the next run goes on', async () => {
    const run = await failing('for (;;);');
    expect(run.outcome).to.equal('onTokenGenerating-timeout');
    expect((await failing('return;')).outcome).to.equal('success');
    const flood = await failing(`for (let line = 0; line < 5000; line += 1) Log.info('x'.repeat(500));`);
    expect(hookOf(flood, 'onTokenGenerating').logs.length).to.be.at.most(201);
    const greedy = await failing('const all = []; for (;;) all.push(new Array(1e6).fill(1));');
    expect(greedy.outcome).to.match(/^onTokenGenerating-(memory|timeout|crashed)$/);
    expect((await failing('return;')).outcome).to.equal('success');
  });

  it('tells a request that nothing answers, even where the script passes over it', async () => {
    const body = `try { Http.get('https://rights.example/of/me').execute(); } catch (e) { Log.warn('none'); }`;
    const run = await failing(body);
    expect(run.unforeseen).to.deep.equal(['GET https://rights.example/of/me']);
    const answered = await failing(
      `theDetails.addAccessTokenClaim('rights', JSON.parse(Http.get('https://rights.example/of/me').execute().responseString));`,
      { calls: [{ url: 'https://rights.example/of/*', body: ['read'] }] },
    );
    expect(answered.unforeseen).to.deep.equal([]);
    expect(hookOf(answered, 'onTokenGenerating').calls).to.have.length(1);
  });

  it('shows no secret, whether it is the real one or made up', async () => {
    const script = `import { secret } from 'sallyport/secrets';
export function onTokenGenerating(theUserSession, theDetails) {
  const key = secret('key');
  console.log('the key is ' + key);
  theDetails.addAccessTokenClaim('length', key.length);
  if (theDetails.requestedScopes.length > 0) throw new Error(key);
}
`;
    const tenant = await loaded(
      hospital(script, { secrets: { key: { value: 'the-real-key', hooks: ['onTokenGenerating'] } } }),
    );
    for (const secrets of [{}, { key: 'a-made-up-key' }])
      for (const scopes of [[], ['system/*.rs']]) {
        const run = await simulated(simulator, tenant, { flow: 'client-credentials', scopes, secrets });
        expect(hookOf(run, 'onTokenGenerating').logs[0]?.message).to.equal('the key is ***');
        const { plan: _plan, ...shown } = run;
        expect(JSON.stringify(shown)).not.to.match(/the-real-key|a-made-up-key/);
      }
  });

  it('shows none of what the tenant proves itself to its FHIR servers by', async () => {
    const script = `import { read } from 'sallyport/fhir';
export async function onTokenGenerating() { await read('Patient/1'); }
`;
    for (const access of [
      { type: 'bearer', token: 'the-real-token' },
      { type: 'basic', username: 'u', password: 'the-real-password' },
      {
        type: 'client-credentials',
        tokenUrl: 'https://fhir.example/token',
        clientId: 'c',
        clientSecret: 'the-real-secret',
        scope: 'system/*.rs',
      },
    ]) {
      const server = { name: 'r4', url: 'https://fhir.example/r4', access };
      const tenant = await loaded(hospital(script, { fhirServers: [server] }));
      const calls = [{ url: '{fhir}/Patient/1', body: { resourceType: 'Patient', id: '1' } }];
      const run = await simulated(simulator, tenant, { flow: 'client-credentials', calls });
      expect(run.sent.at(-1)?.url, run.why).to.equal('https://fhir.example/r4/Patient/1');
      const basic = Buffer.from('u:the-real-password').toString('base64');
      expect(JSON.stringify(run))
        .not.to.match(/the-real/)
        .and.not.to.include(basic);
    }
  });
});
