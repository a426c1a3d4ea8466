/** What a callback must not do, in the many ways a script can try it, and the few liberties a tenant may grant. */
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { authorizationRequest, redeem } from '../support/oauth.ts';
import { createPerson } from '../support/person.ts';
import type { TestServer } from '../support/server.ts';
import { lastTrace, runFlow, startStage, besideBystanders } from './hook-stage.ts';

interface Attempt {
  /** The body of `onTokenGenerating(user, request, client)`. */
  readonly does: string;
  readonly error: 'access_denied' | 'server_error';
  readonly outcome: string;
}

const attempts: Readonly<Record<string, Attempt>> = {
  // Claims and names that only the engine sets.
  ...Object.fromEntries(
    ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'client_id', 'scope', 'cnf', 'act', 'authorities', 'smile_x'].map(
      (name) => [
        `claim-${name}`,
        {
          does: `request.addAccessTokenClaim('${name}', 'x')`,
          error: 'server_error',
          outcome: 'onTokenGenerating-policy-access-token-claim',
        } as const,
      ],
    ),
  ),
  ...Object.fromEntries(
    ['iss', 'sub', 'aud', 'exp', 'nonce', 'at_hash', 'auth_time', 'acr', 'amr'].map((name) => [
      `id-claim-${name}`,
      {
        does: `request.addIdTokenClaim('${name}', 'x')`,
        error: 'server_error',
        outcome: 'onTokenGenerating-policy-id-token-claim',
      } as const,
    ]),
  ),
  ...Object.fromEntries(
    ['access_token', 'token_type', 'expires_in', 'refresh_token', 'id_token', 'scope', 'error', 'iss', 'sub'].map(
      (name) => [
        `launch-${name}`,
        {
          does: `request.addLaunchParameter('${name}', 'x')`,
          error: 'server_error',
          outcome: 'onTokenGenerating-policy-launch-parameter',
        } as const,
      ],
    ),
  ),
  // Scopes beyond the client's, also through the list itself.
  'scope-added': {
    does: "request.addScope('system/*.cruds')",
    error: 'server_error',
    outcome: 'onTokenGenerating-policy-scope',
  },
  'scope-slipped-in': {
    does: "request.approvedScopes.push('system/*.cruds')",
    error: 'server_error',
    outcome: 'onTokenGenerating-policy-scope',
  },
  'scopes-all-removed': {
    does: "request.removeScope('system/*.rs')",
    error: 'access_denied',
    outcome: 'onTokenGenerating-no-scope',
  },
  'claim-of-no-json': {
    does: "request.addAccessTokenClaim('n', 10n)",
    error: 'server_error',
    outcome: 'onTokenGenerating-runtime',
  },
  // A denial is a decision, whatever the script does about what it throws.
  'deny-caught': {
    does: "try { deny('no') } catch (error) { request.addAccessTokenClaim('denied', false) }",
    error: 'access_denied',
    outcome: 'onTokenGenerating-denied',
  },
  'deny-without-words': { does: 'deny()', error: 'access_denied', outcome: 'onTokenGenerating-denied' },
  'deny-later': {
    does: 'return Promise.resolve().then(function () { deny("no") })',
    error: 'access_denied',
    outcome: 'onTokenGenerating-denied',
  },
  'deny-in-finally': {
    does: "try { throw new Error('x') } finally { deny('no') }",
    error: 'access_denied',
    outcome: 'onTokenGenerating-denied',
  },
  // Things to throw that are no errors.
  'throws-null': { does: 'throw null', error: 'server_error', outcome: 'onTokenGenerating-runtime' },
  'throws-text': { does: "throw 'text'", error: 'server_error', outcome: 'onTokenGenerating-runtime' },
  'throws-trap': {
    does: 'throw { get message() { throw 1 }, get stack() { throw 2 }, toString() { throw 3 } }',
    error: 'server_error',
    outcome: 'onTokenGenerating-runtime',
  },
  'throws-later': {
    does: "return Promise.reject(new Error('later'))",
    error: 'server_error',
    outcome: 'onTokenGenerating-runtime',
  },
  recurses: {
    does: '(function again() { again() })()',
    error: 'server_error',
    outcome: 'onTokenGenerating-runtime',
  },
  // Ways never to end.
  'never-settles': {
    does: 'return new Promise(function () {})',
    error: 'server_error',
    outcome: 'onTokenGenerating-timeout',
  },
  'loops-later': {
    does: 'return Promise.resolve().then(function () { for (;;) {} })',
    error: 'server_error',
    outcome: 'onTokenGenerating-timeout',
  },
  'loops-in-microtasks': {
    does: 'return new Promise(function () { (function again() { Promise.resolve().then(again) })() })',
    error: 'server_error',
    outcome: 'onTokenGenerating-timeout',
  },
  'loops-after-its-answer': {
    does: '(function again() { Promise.resolve().then(again) })()',
    error: 'server_error',
    outcome: 'onTokenGenerating-timeout',
  },
  'loops-in-a-regular-expression': {
    does: "/^(a+)+$/.test('a'.repeat(60) + 'b')",
    error: 'server_error',
    outcome: 'onTokenGenerating-timeout',
  },
  'loops-while-it-is-copied': {
    does: "request.addAccessTokenClaim('x', { toJSON() { for (;;) {} } })",
    error: 'server_error',
    outcome: 'onTokenGenerating-timeout',
  },
  // Ways to eat.
  'eats-buffers': {
    does: 'const kept = []; for (;;) kept.push(new Uint8Array(1048576).fill(1))',
    error: 'server_error',
    outcome: 'onTokenGenerating-memory',
  },
  'eats-strings': {
    does: "const kept = []; for (;;) kept.push(('x' + kept.length).repeat(100000).split(''))",
    error: 'server_error',
    outcome: 'onTokenGenerating-memory',
  },
  'answers-too-much': {
    does: "request.addAccessTokenClaim('x', 'y'.repeat(70000))",
    error: 'server_error',
    outcome: 'onTokenGenerating-shape',
  },
  'answers-too-many': {
    does: "for (let n = 0; n < 101; n += 1) request.addAccessTokenClaim('n' + n, n)",
    error: 'server_error',
    outcome: 'onTokenGenerating-shape',
  },
  'answers-too-deep': {
    does: "let deep = 1; for (let n = 0; n < 80; n += 1) deep = [deep]; request.addAccessTokenClaim('deep', deep)",
    error: 'server_error',
    outcome: 'onTokenGenerating-shape',
  },
  'answers-a-circle': {
    does: "const round = {}; round.round = round; request.addAccessTokenClaim('round', round)",
    error: 'server_error',
    outcome: 'onTokenGenerating-runtime',
  },
};

const callbacks = `
const attempts = {
${Object.entries(attempts)
  .map(([name, { does }]) => `  '${name}': function (user, request, client) { ${does} },`)
  .join('\n')}
};
function onTokenGenerating(user, request, client) {
  if (Object.hasOwn(attempts, client.clientId)) return attempts[client.clientId](user, request, client);
  if (user !== null && user.username === 'mover') user.addLaunchResourceId(user.getUserData('to'), 'moved');
  if (user !== null && user.username === 'renamer') user.username = 'drsmith';
  if (user !== null && user.username === 'widener') request.addScope('user/*.cruds');
}
function onSmartLoginPreContextSelection(user, choices) {
  if (user.username === 'settled') {
    user.addLaunchResourceId('patient', 'patient-02');
    choices.addChoice({ contextType: 'patient', resourceId: 'jane', display: 'Jane Doe' });
    choices.setRequired(false);
    return;
  }
  if (user.username === 'looper') Object.defineProperty(user, 'notes', { get() { for (;;) {} } });
  if (user.username === 'thrower') Object.defineProperty(user, 'notes', { get() { throw new Error('x') } });
  if (user.username === 'stringer') user.authorities = 'ROLE_SUPERUSER';
  if (user.username === 'chooser') {
    user.addLaunchResourceId('patient', 'patient-02');
    choices.addChoice({ contextType: 'patient', resourceId: 'jane', display: 'Jane Doe' });
    choices.addChoice({
      contextType: 'patient', resourceId: 'patient-03', display: 'Amina Okafor', launchParameters: { ward: 'B' }
    });
    return;
  }
  if (user.username === 'reserved') {
    choices.addChoice({ contextType: 'scope', resourceId: 'all', display: 'Everything' });
  }
  if (user.username === 'renamed') user.username = 'drsmith';
  choices.addChoice({ contextType: 'patient', resourceId: 'jane', display: 'Jane Doe' });
}
function onPostAuthorize(details) {
  if (/^open-/.test(details.clientId)) {
    if (details.clientId === 'open-throws') throw new Error('x');
    if (details.clientId === 'open-loops') for (;;) {}
    if (details.clientId === 'open-denies') deny('no');
  }
}
`;

const logInScript = `
function onAuthenticateSuccess(session, factory) {
  if (session.username === 'lesser') {
    const success = factory.newSuccess();
    success.addAuthority('ROLE_FHIR_CLIENT');
    return success;
  }
  if (session.username === 'mover') session.setUserData('to', 'scope');
  if (session.username === 'half') return factory.newFailure;
}
`;

describe('limits of hooks', () => {
  let server: TestServer;
  before(async () => {
    server = await startStage({
      scripts: { 'callbacks.js': callbacks, 'local-login.js': logInScript },
      people: [
        'chooser',
        'settled',
        'reserved',
        'renamed',
        'lesser',
        'mover',
        'half',
        'renamer',
        'widener',
        'looper',
        'thrower',
        'stringer',
      ],
      secretClients: [...Object.keys(attempts), 'open-throws', 'open-loops', 'open-denies', 'quiet'],
    });
  });
  after(() => server.close());

  for (const [name, { error, outcome }] of Object.entries(attempts)) {
    it(`${name} ends in ${error}`, async () => {
      const { result: seen, longest } = await besideBystanders(server, () => runFlow(server, 'client', name));
      expect(longest).to.be.below(4000);
      expect(seen.error, seen.text).to.equal(error);
      expect(Object.keys(seen.body)).to.deep.equal(['error', 'error_description']);
      const trace = await lastTrace(server);
      expect(trace.outcome, JSON.stringify(trace.entries)).to.equal(outcome);
      // The tenant itself goes on, too.
      expect((await runFlow(server, 'client', 'quiet')).status).to.equal(200);
    });
  }

  for (const [who, outcome] of [
    ['reserved', 'onSmartLoginPreContextSelection-policy-launch-parameter'],
    ['renamed', 'onSmartLoginPreContextSelection-policy-username'],
    ['half', 'onAuthenticateSuccess-shape'],
    ['looper', 'onSmartLoginPreContextSelection-timeout'],
    ['thrower', 'onSmartLoginPreContextSelection-shape'],
    ['stringer', 'onSmartLoginPreContextSelection-shape'],
    ['mover', 'onTokenGenerating-policy-launch-parameter'],
    ['renamer', 'onTokenGenerating-policy-session'],
    ['widener', 'onTokenGenerating-policy-scope'],
  ] as const) {
    it(`a person's flow: ${outcome}`, async () => {
      const seen = await runFlow(server, 'interactive', who);
      expect(seen.error, seen.text).to.equal('server_error');
      expect((await lastTrace(server)).outcome).to.equal(outcome);
    });
  }

  it('the record the person picked is the one in the token, not the one a script named before', async () => {
    const { url, verifier } = authorizationRequest(server);
    const person = createPerson(server.url);
    const back = await person.walk(await person.open(url), { username: 'chooser', choice: '1' });
    const { body } = await redeem(server, back.searchParams.get('code') ?? '', verifier);
    expect(body).to.include({ patient: 'patient-03', ward: 'B' });
    expect(decodeJwt(String(body['access_token']))).to.include({ patient: 'patient-03', ward: 'B' });
  });

  it('a script may settle the context beside choices that nobody must pick from', async () => {
    const seen = await runFlow(server, 'interactive', 'settled');
    expect(seen.body, seen.text).to.include({ patient: 'patient-02' });
    expect((await lastTrace(server)).entries.map(({ state }) => state)).not.to.include('context');
  });

  it('a success made by the factory replaces the session, so that it may hold less', async () => {
    const seen = await runFlow(server, 'interactive', 'lesser');
    expect(seen.status, seen.text).to.equal(200);
    expect(decodeJwt(String(seen.body['access_token']))).to.deep.include({
      sub: 'lesser',
      authorities: [{ permission: 'ROLE_FHIR_CLIENT' }],
    });
  });
});

describe('onPostAuthorize that is declared open', () => {
  let server: TestServer;
  before(async () => {
    server = await startStage({
      scripts: { 'callbacks.js': callbacks },
      secretClients: ['open-throws', 'open-loops', 'open-denies'],
      change: (tenant) => {
        tenant['policy'] = { onPostAuthorizeOpen: true };
      },
    });
  });
  after(() => server.close());

  for (const [clientId, kind] of [
    ['open-throws', 'runtime'],
    ['open-loops', 'timeout'],
  ] as const) {
    it(`${clientId}: the app gets its token, the trace keeps the failure`, async () => {
      const seen = await runFlow(server, 'client', clientId);
      expect(seen.status, seen.text).to.equal(200);
      const trace = await lastTrace(server);
      expect(trace.outcome).to.equal('success');
      expect(trace.entries.find(({ hook }) => hook?.name === 'onPostAuthorize')?.hook).to.include({ ok: false, kind });
    });
  }

  it('open-denies: a denial is a decision, not a failure', async () => {
    const seen = await runFlow(server, 'client', 'open-denies');
    expect(seen.error, seen.text).to.equal('access_denied');
    expect((await lastTrace(server)).outcome).to.equal('onPostAuthorize-denied');
  });
});
