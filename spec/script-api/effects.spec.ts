/** Every bound of the effect table: a script leaves it in a real sandbox, and the flow ends for the reason that the table gives. */
import { expect } from 'chai';
import { validateEffect } from '../../engine/flow/effect.ts';
import {
  afterLocalLogin,
  afterProviderLogin,
  authorizeCodap,
  chooseContexts,
  generateToken,
  registerPerson,
} from '../../engine/flow/hooks.ts';
import { prepareProviderUser } from '../../engine/flow/step/federate.ts';
import type { Ports } from '../../engine/flow/ports.ts';
import { hooks } from '../../engine/script/api/catalogue.ts';
import { hookEffects, reserved } from '../../engine/script/api/effects.ts';
import type { HookName, Json } from '../../engine/script/runner.ts';
import { inputs, openSandbox, type Sandbox, scriptOf } from './sandbox.ts';

const ports = {
  tenant: {
    id: 'tenant',
    policy: { scopesScriptsMayAdd: ['user/*.rs'] },
    selfRegistration: {
      authorities: inputs.onTokenGenerating.session?.authorities ?? [],
      authoritiesScriptsMayAdd: ['FHIR_READ_ALL_IN_COMPARTMENT'],
    },
  },
  store: {
    users: {
      findByExternal: async () => undefined,
      findByUsername: async (_tenant: string, name: string) => (name === 'taken' ? { id: 'u1' } : undefined),
    },
  },
  provider: async () => undefined,
} as unknown as Ports;

const { session } = inputs.onTokenGenerating;
const grant = { session, approvedScopes: ['openid', 'patient/*.rs'], launchParameters: { patient: '1' } };
const providerAnswer = { providerId: 'partner', subject: 'jane', claims: {} };
const codapFacts = { issuer: 'https://partner.example', authorization: { claims: { sub: 'jane' } } };
const choosing = { session, choices: [], contextRequired: false, launchParameters: { encounter: 'e1' } };

/** Takes an effect over as the flow does. Facts that the step does not look at are left out. */
async function settle(hook: HookName, effect: unknown): Promise<Record<string, unknown>> {
  const problem = validateEffect(hook, effect);
  if (problem) return { reason: `${hook}-shape`, problem };
  const steps: Readonly<Record<HookName, () => unknown>> = {
    onAuthenticateSuccess: () => afterLocalLogin.apply({ session } as never, effect as never, ports),
    getUserName: () => prepareProviderUser({ ...providerAnswer, ...(effect as { username: string }) } as never, ports),
    authenticate: () => authorizeCodap.apply(codapFacts as never, effect as never, ports),
    onSmartLoginPreContextSelection: () => chooseContexts.apply(choosing as never, effect as never, ports),
    onTokenGenerating: () => generateToken.apply({ grant } as never, effect as never, ports),
    onSelfRegistration: () => registerPerson.apply({ session } as never, effect as never, ports),
    onPostAuthorize: () => ({}),
  };
  const result = await Promise.resolve(steps[hook]());
  return result as Record<string, unknown>;
}

interface Attempt {
  readonly hook: HookName;
  /** The rule, as the table calls it. */
  readonly what: string;
  readonly body: string;
}

const users: readonly HookName[] = ['onAuthenticateSuccess', 'onSmartLoginPreContextSelection', 'onTokenGenerating'];
const request = 'theAuthorizationRequestDetails';

/** One script for each bound that has a reason of its own. */
const violations: readonly Attempt[] = [
  ...users.flatMap((hook) => [
    { hook, what: 'theUserSession.username', body: 'theUserSession.username = "mallory";' },
    { hook, what: 'theUserSession.launchResourceIds', body: 'theUserSession.addLaunchResourceId("scope", "1");' },
  ]),
  {
    hook: 'onAuthenticateSuccess',
    what: 'a success of the factory, returned',
    body: 'const success = theOutcomeFactory.newSuccess(); success.username = "mallory"; return success;',
  },
  { hook: 'getUserName', what: 'the name it returns', body: 'return "taken";' },
  { hook: 'onSelfRegistration', what: 'theUserSession.username', body: 'theUserSession.username = "mallory";' },
  { hook: 'onSelfRegistration', what: 'theUserSession.email', body: 'theUserSession.email = "mallory@evil.example";' },
  {
    hook: 'onSelfRegistration',
    what: 'theUserSession.authorities',
    body: 'theUserSession.addAuthority("ROLE_SUPERUSER");',
  },
  {
    hook: 'authenticate',
    what: 'success.launchResourceIds',
    body: 'const success = theOutcomeFactory.newSuccess(); success.addLaunchResourceId("iss", "1"); return success;',
  },
  {
    hook: 'onSmartLoginPreContextSelection',
    what: 'theContextSelectionChoices.choices',
    body: 'theContextSelectionChoices.addChoice({ contextType: "patient", resourceId: "1", display: "One", launchParameters: { expires_in: 1 } });',
  },
  { hook: 'onTokenGenerating', what: `${request}.approvedScopes`, body: `${request}.addScope("system/*.cruds");` },
  {
    hook: 'onTokenGenerating',
    what: `${request}.addAccessTokenClaim()`,
    body: `${request}.addAccessTokenClaim("iss", "https://evil.example");`,
  },
  {
    hook: 'onTokenGenerating',
    what: `${request}.addIdTokenClaim()`,
    body: `${request}.addIdTokenClaim("nonce", "n");`,
  },
  {
    hook: 'onTokenGenerating',
    what: `${request}.addLaunchParameter()`,
    body: `${request}.addLaunchParameter("access_token", "t");`,
  },
];

/** Scripts whose result is malformed: each leaves a bound that the schema has. */
const malformed: readonly (readonly [hook: HookName, bound: string, body: string])[] = [
  [
    'onTokenGenerating',
    'authorities beyond 500',
    'for (let i = 0; i < 600; i += 1) theUserSession.addAuthority("P" + i);',
  ],
  [
    'onTokenGenerating',
    'an authority with a wrong name',
    'theUserSession.authorities.push({ permission: "not a name" });',
  ],
  [
    'onTokenGenerating',
    'launch resources beyond 100',
    'for (let i = 0; i < 110; i += 1) theUserSession.launchResourceIds.push({ resourceType: "patient", resourceId: "" + i });',
  ],
  ['onTokenGenerating', 'a launch resource with a wrong id', 'theUserSession.addLaunchResourceId("patient", "a b");'],
  [
    'onTokenGenerating',
    'further context beyond 100',
    'for (let i = 0; i < 110; i += 1) theUserSession.addFhirContext("Observation/" + i);',
  ],
  ['onTokenGenerating', 'further context without a reference', 'theUserSession.fhirContext.push({ role: "x" });'],
  [
    'onTokenGenerating',
    'default records beyond 100',
    'for (let i = 0; i < 110; i += 1) theUserSession.getOrCreateDefaultLaunchContext("t" + i).resourceId = "1";',
  ],
  [
    'onTokenGenerating',
    'user data beyond 200',
    'for (let i = 0; i < 210; i += 1) theUserSession.setUserData("k" + i, 1);',
  ],
  ['onTokenGenerating', 'notes that are too long', 'theUserSession.notes = "x".repeat(9000);'],
  ['onTokenGenerating', 'a name that is no text', 'theUserSession.givenName = { a: 1 };'],
  [
    'onTokenGenerating',
    'claims beyond 100',
    `for (let i = 0; i < 110; i += 1) ${request}.addAccessTokenClaim("c" + i, 1);`,
  ],
  [
    'onTokenGenerating',
    'ID token claims beyond 100',
    `for (let i = 0; i < 110; i += 1) ${request}.addIdTokenClaim("c" + i, 1);`,
  ],
  [
    'onTokenGenerating',
    'launch parameters beyond 100',
    `for (let i = 0; i < 110; i += 1) ${request}.addLaunchParameter("c" + i, 1);`,
  ],
  ['onTokenGenerating', 'a claim without a name', `${request}.addAccessTokenClaim("", 1);`],
  ['onTokenGenerating', 'a scope that is none', `${request}.addScope("a b");`],
  [
    'onSmartLoginPreContextSelection',
    'a choice without a name',
    'theContextSelectionChoices.addChoice({ contextType: "patient", resourceId: "1" });',
  ],
  [
    'onSmartLoginPreContextSelection',
    'a choice of no type',
    'theContextSelectionChoices.addChoice({ contextType: "pat-ient", resourceId: "1", display: "x" });',
  ],
  [
    'onSmartLoginPreContextSelection',
    'a choice with an unknown property',
    'theContextSelectionChoices.addChoice({ contextType: "patient", resourceId: "1", display: "x", html: "<b>" });',
  ],
  ['getUserName', 'a name that is too long', 'return "x".repeat(300);'],
  ['getUserName', 'an empty name', 'return "";'],
  ['getUserName', 'a name with a line break', 'return "a\\nb";'],
  [
    'authenticate',
    'a name that is too long',
    'const s = theOutcomeFactory.newSuccess(); s.username = "x".repeat(300); return s;',
  ],
];

describe('what a hook may do', () => {
  let sandbox: Sandbox;
  before(() => {
    sandbox = openSandbox();
  });
  after(() => sandbox.close());

  /** What becomes of the flow after the callback did this. */
  async function after_(hook: HookName, body: string): Promise<Record<string, unknown>> {
    const result = await sandbox.run(hook, scriptOf(hook, body));
    if (!result.ok) return { reason: `${hook}-${result.kind}`, problem: result.message };
    return settle(hook, result.value);
  }

  it('is said for every hook', () => {
    expect(Object.keys(hookEffects).sort()).to.deep.equal(hooks.map(({ name }) => name).sort());
  });

  it('has an attempt for every bound with a reason of its own', () => {
    const wanted = Object.entries(hookEffects).flatMap(([hook, { rules }]) =>
      rules.filter(({ violation }) => violation).map(({ what }) => `${hook}: ${what}`),
    );
    expect(violations.map(({ hook, what }) => `${hook}: ${what}`).sort()).to.deep.equal(wanted.sort());
  });

  for (const { hook, what, body } of violations)
    it(`ends the flow where ${hook} leaves the bounds of ${what}`, async () => {
      const { violation } = hookEffects[hook].rules.find((rule) => rule.what === what) ?? {};
      expect(await after_(hook, body)).to.include({ kind: 'reject', reason: violation });
    });

  for (const [hook, bound, body] of malformed)
    it(`ends the flow where ${hook} leaves ${bound}`, async () => {
      const outcome = await after_(hook, body);
      expect(outcome['reason'], String(outcome['problem'])).to.equal(`${hook}-shape`);
      expect(outcome['problem']).to.match(/is wrong at \/\w+/);
    });

  it('never takes a name that only the engine sets, in whatever place', async () => {
    const effect = {
      session,
      accessTokenClaims: {},
      idTokenClaims: {},
      launchParameters: {},
      approvedScopes: ['openid'],
    };
    const places = [
      ['accessTokenClaims', 'access-token-claim', reserved.accessToken],
      ['idTokenClaims', 'id-token-claim', reserved.idToken],
      ['launchParameters', 'launch-parameter', reserved.response],
    ] as const;
    for (const [place, reason, names] of places)
      for (const name of [...names, 'smile_anything'])
        expect(await settle('onTokenGenerating', { ...effect, [place]: { [name]: 1 } }), `${place}.${name}`).to.include(
          {
            kind: 'reject',
            reason: `onTokenGenerating-policy-${reason}`,
          },
        );
  });

  it('denies where the last scope goes', async () => {
    const outcome = await after_(
      'onTokenGenerating',
      `for (const scope of [...${request}.approvedScopes]) ${request}.removeScope(scope);`,
    );
    expect(outcome).to.include({ kind: 'reject', error: 'access_denied' });
  });

  it('lets a token lose scopes, and gain those that the tenant lists', async () => {
    const outcome = await after_(
      'onTokenGenerating',
      `${request}.removeScope("patient/*.rs"); ${request}.addScope("user/*.rs");`,
    );
    expect((outcome['grant'] as { approvedScopes: Json }).approvedScopes).to.deep.equal(['openid', 'user/*.rs']);
  });

  it('lets a scope give way to a part of it, and to nothing that is no part', async () => {
    const instead = (scope: string) =>
      after_('onTokenGenerating', `${request}.removeScope("patient/*.rs"); ${request}.addScope("${scope}");`);
    for (const part of ['patient/Observation.rs', 'patient/*.r', 'patient/Observation.s?category=laboratory'])
      expect(((await instead(part))['grant'] as { approvedScopes: Json }).approvedScopes).to.deep.equal([
        'openid',
        part,
      ]);
    for (const more of ['patient/*.rus', 'user/Observation.c', 'system/Observation.rs', 'launch/patient', 'profile'])
      expect(await instead(more), more).to.include({ kind: 'reject', reason: 'onTokenGenerating-policy-scope' });
  });

  it('takes the refresh token away with the scope that stands for it', async () => {
    const kinds = [
      ['offline', 'offline_access', ['openid', 'offline_access'], 'none'],
      ['offline', 'offline_access', ['offline_access', 'online_access'], 'online'],
      ['online', 'online_access', ['openid', 'online_access'], 'none'],
      ['offline', 'openid', ['openid', 'offline_access'], 'offline'],
      // At a refresh the app itself asked for less: the next refresh is still its to make.
      ['offline', 'openid', ['openid', 'patient/*.rs'], 'offline'],
    ] as const;
    for (const [refresh, removed, approvedScopes, expected] of kinds) {
      const before = { ...grant, refresh, approvedScopes, sessionIdHash: 'h' };
      const effect = { session, approvedScopes: approvedScopes.filter((scope) => scope !== removed) };
      const outcome = generateToken.apply(
        { grant: before } as never,
        { ...effect, accessTokenClaims: {}, idTokenClaims: {}, launchParameters: {} } as never,
        ports,
      );
      expect(outcome, `${refresh} without ${removed}`).to.have.nested.property('grant.refresh', expected);
    }
  });

  it('lets a session be changed in all that is the script’s to change', async () => {
    const body = `
      theUserSession.givenName = 'Janet'; theUserSession.familyName = null; theUserSession.email = 'j@example.org';
      theUserSession.notes = 'other'; theUserSession.fhirUserUrl = 'https://fhir.example/Patient/2';
      theUserSession.removeAuthority('ROLE_FHIR_CLIENT'); theUserSession.addAuthority('FHIR_ALL_READ');
      theUserSession.launchResourceIds.length = 0; theUserSession.addLaunchResourceId('Encounter', 'Encounter/7');
      theUserSession.fhirContext.length = 0; theUserSession.addFhirContext('Observation/1', 'why');
      theUserSession.getOrCreateDefaultLaunchContext('PATIENT').resourceId = '2';
      delete theUserSession.userData.ward; theUserSession.setUserData('shift', { night: true });
      theUserSession.external = false;`;
    const { familyName: _gone, ...rest } = session;
    const changed = {
      ...rest,
      givenName: 'Janet',
      email: 'j@example.org',
      notes: 'other',
      fhirUserUrl: 'https://fhir.example/Patient/2',
      authorities: [{ permission: 'FHIR_READ_INSTANCE', argument: 'Patient/jane' }, { permission: 'FHIR_ALL_READ' }],
      launchResourceIds: [{ resourceType: 'encounter', resourceId: '7' }],
      fhirContext: [{ reference: 'Observation/1', role: 'why' }],
      defaultLaunchContexts: [{ contextType: 'patient', resourceId: '2' }],
      userData: { shift: { night: true } },
    };
    for (const hook of users) {
      const outcome = await after_(hook, body);
      const left = hook === 'onTokenGenerating' ? (outcome['grant'] as { session: Json }).session : outcome['session'];
      expect(left, hook).to.deep.equal(changed);
    }
  });

  it('asks for a choice, but not for what the launch already names', async () => {
    const outcome = await after_(
      'onSmartLoginPreContextSelection',
      `theContextSelectionChoices.clear();
      theContextSelectionChoices.addChoice({ contextType: 'patient', resourceId: 'Patient/2', display: 'Two' });
      theContextSelectionChoices.addChoice({ contextType: 'encounter', resourceId: '3', display: 'Three' });`,
    );
    expect(outcome['choices']).to.deep.equal([{ contextType: 'patient', resourceId: '2', display: 'Two' }]);
    expect(outcome['contextRequired']).to.equal(true);
  });

  it('names a CODAP user that the script did not name by issuer and subject', async () => {
    const outcome = await after_('authenticate', 'return theOutcomeFactory.newSuccess();');
    expect(outcome['session']).to.include({ username: 'https://partner.example#jane', external: true });
  });

  it('binds the log-in at a provider as it binds the local one', () => {
    const effect = { session: { ...session, username: 'mallory' } };
    expect(afterProviderLogin.apply({ session } as never, effect as never, ports)).to.include({
      reason: 'onAuthenticateSuccess-policy-username',
    });
  });

  it('leaves a token that is stored as it is', async () => {
    expect(
      await after_('onPostAuthorize', 'theDetails.grantedScopes.push("system/*.cruds"); theDetails.claims.sub = "x";'),
    ).to.deep.equal({});
  });
});
