/** For each state of each flow: what must hold in the world for it to leave by each of its outcomes. */
import { hashHandle } from '../../engine/store/secret.ts';
import {
  allFacts,
  client,
  provider,
  rightVerifier,
  script,
  session,
  tenant,
  type Changes,
  user,
} from './machine-stage.ts';

export interface Row {
  /** Facts besides `allFacts`. */
  readonly facts?: Changes;
  /** Ports that answer otherwise. */
  readonly world?: Changes;
  /** What a wait is given. */
  readonly input?: Changes;
}

const noClient: Row = { world: { 'look.client': undefined } };
const parameters = (change: Record<string, string>): Row => ({
  facts: { request: { ...allFacts.request, parameters: { ...allFacts.request.parameters, ...change } } },
});
const silent: Row = { facts: { prompt: ['none'] } };
const choice = { contextType: 'patient', resourceId: 'jane', display: 'Jane' };
const stranded = { ...session, defaultLaunchContexts: [] };
const withPassword = { ...user, passwordHash: 'a hash' };
const linkWanted = { providerId: 'partner', subject: 'jane-there', username: 'jane' };
const gone = { ok: false, code: 'unreachable', message: 'gone' };
const onlyProvider = { tenant: { federation: { autoRedirect: true, passwordForm: false } } };
const enrolled = { 'secondFactor.isEnrolled': true };
const required = {
  tenant: { secondFactor: { level: 'required', requiredFor: [], askAfterProvider: false, acrValues: ['mfa'] } },
};
const termsOfService = { tenant: { termsOfService: { version: '1' } } };

/** By `state/outcome`. A row serves every flow that has the state. */
export const rows: Readonly<Record<string, Row>> = {
  'client known/known': {},
  'client known/reject': noClient,
  'request validated/validated': {},
  'request validated/reject': parameters({ response_type: 'token' }),
  'session sought/reused': {
    facts: { request: { ...allFacts.request, sessionIdHash: 'h' } },
    world: { 'sessions.find': { idHash: 'h', userId: 'u', authenticatedAt: 1, details: session } },
  },
  'session sought/step up': {
    facts: { request: { ...allFacts.request, sessionIdHash: 'h' } },
    world: { 'sessions.find': { idHash: 'h', userId: 'u', authenticatedAt: 1, details: session }, ...enrolled },
  },
  'session sought/login': {},
  'session sought/provider': { world: { tenant: { federation: { autoRedirect: true, passwordForm: true } } } },
  'session sought/reject': silent,
  'login/identified': { input: { username: 'jane', password: 'right' } },
  'login/provider': { input: { provider: 'partner' } },
  'login/reject': { input: { do: 'cancel' } },
  'login/again': {
    input: { username: 'jane', password: 'wrong' },
    world: { 'identity.authenticate': { ok: false, reason: 'wrong-credentials' } },
  },
  'local user/found': {},
  'local user/reject': { facts: { userId: undefined } },
  'password age/current': {},
  'second factor sought/enough': {},
  'second factor sought/ask': { world: enrolled },
  'second factor sought/enrol': { world: required },
  'second factor/proven': { input: { code: '123456', do: 'verify' } },
  'second factor/reject': { input: { do: 'cancel' } },
  'second factor/again': {
    input: { code: '123456' },
    world: { 'secondFactor.verify': { ok: false, reason: 'wrong-code' } },
  },
  'second factor setup/confirmed': { input: { code: '123456', do: 'confirm' } },
  'second factor setup/added': {
    facts: { request: { ...allFacts.request, challenge: 'c' } },
    input: { newPasskey: '{}', do: 'passkey' },
  },
  'second factor setup/reject': { input: { do: 'cancel' } },
  'second factor setup/again': { input: { code: '123456' }, world: { 'secondFactor.checkSetup': undefined } },
  'second factor kept/kept': {},
  'second factor kept/reject': { world: { 'secondFactor.enrol': undefined } },
  'recovery codes/seen': { input: { do: 'saved' } },
  'recovery codes/again': { input: {} },
  'password age/due': {
    facts: { passwordProof: 'a proof' },
    world: { 'look.user': { ...withPassword, mustChangePassword: true } },
  },
  'new password/changed': {
    facts: { passwordProof: hashHandle(withPassword.passwordHash) },
    input: { password: 'a lantern for an otter', again: 'a lantern for an otter' },
    world: {
      'look.user': withPassword,
      'users.change': (_tenant: string, _id: string, edit: (known: typeof withPassword) => unknown) =>
        edit(withPassword),
    },
  },
  'new password/reject': { input: { do: 'cancel' } },
  'new password/again': {
    facts: { passwordProof: hashHandle(withPassword.passwordHash) },
    world: { 'look.user': withPassword },
    input: { password: 'brief', again: 'brief' },
  },
  'provider chosen/redirected': {},
  'provider chosen/unavailable': { world: { 'federation.start': gone } },
  'provider chosen/reject': { world: { 'federation.start': gone, ...onlyProvider } },
  'at the provider/answered': { input: { currentUrl: 'https://server.example/t/federation/callback/partner' } },
  'at the provider/reject': {
    input: { currentUrl: 'https://server.example/t/federation/callback/partner' },
    world: { 'federation.finish': { ok: false, code: 'denied', message: 'no' }, ...onlyProvider },
  },
  'at the provider/returned': { input: { returned: true } },
  'link asked/redirected': {},
  'link asked/reject': { world: { 'federation.start': gone } },
  'at the linked provider/answered': {
    facts: { request: { ...allFacts.request, sessionIdHash: 'h' } },
    input: { currentUrl: 'https://server.example/t/federation/callback/partner', sessionIdHash: 'h' },
  },
  'at the linked provider/reject': {
    input: { currentUrl: 'https://server.example/t/federation/callback/partner', sessionIdHash: 'another' },
  },
  'account linked/linked': { world: { 'providerLinks.add': true } },
  'account linked/reject': { world: { 'users.findByExternal': { ...user, id: 'another' } } },
  'user prepared/named': {},
  'user prepared/existing': {
    world: { 'users.findByUsername': withPassword, 'look.provider': { ...provider, existingUsers: 'prove' } },
  },
  'user prepared/reject': { world: { 'users.findByUsername': user } },
  'existing account/identified': { facts: { linkWanted }, input: { password: 'right' } },
  'existing account/alone': { facts: { linkWanted }, input: { do: 'alone' } },
  'existing account/reject': { facts: { linkWanted }, input: { do: 'cancel' } },
  'existing account/again': {
    facts: { linkWanted },
    input: { password: 'wrong' },
    world: { 'identity.authenticate': { ok: false, reason: 'wrong-credentials' } },
  },
  'user linked/linked': {},
  'user linked/reject': { world: { 'look.user': { ...user, enabled: false } } },
  'session/authenticated': {},
  'session/link': { facts: { linkWanted } },
  'account joined/joined': { facts: { linkWanted }, world: { 'providerLinks.add': true } },
  'session/reject': { facts: { launchUsername: 'somebody else' } },
  'context prepared/prepared': {},
  'context prepared/reject': { facts: { launch: 'used', requestedScopes: ['launch'] } },
  'context settled/known': {},
  'context settled/choose': { facts: { choices: [choice], contextRequired: true, launchParameters: {} } },
  'context settled/more': { facts: { chosen: [choice], grantableScopes: ['launch/encounter'] } },
  'context settled/reject': { facts: { session: stranded, launchParameters: {} } },
  'context/chosen': { facts: { choices: [choice], launchParameters: {} }, input: { choice: '0' } },
  'context/back': {
    facts: { past: [{ launchParameters: {}, session, contextRequired: true, chosen: [] }], choices: [choice] },
    input: { do: 'back', step: '1' },
  },
  'context/reject': { input: { do: 'cancel' } },
  'context/again': { facts: { choices: [choice] }, input: { choice: '7' } },
  'terms sought/agreed': {},
  'terms sought/ask': { world: termsOfService },
  'terms sought/reject': { ...silent, world: termsOfService },
  'terms/agreed': { input: { do: 'accept' } },
  'terms/reject': { input: { do: 'reject' } },
  'terms/again': { input: {} },
  'consent sought/approved': { world: { 'look.client': { ...client, autoApproveScopes: ['patient/*.rs'] } } },
  'consent sought/ask': {},
  'consent sought/reject': silent,
  'consent/approved': { input: { do: 'approve', scope: ['patient/*.rs'] } },
  'consent/reject': { input: { do: 'deny' } },
  'consent/again': { input: {} },
  'code issued/issued': {},
  'code/redeemed': {
    input: { clientId: 'app', redirectUri: 'https://app.example/callback', codeVerifier: rightVerifier },
  },
  'code/reject': {
    input: { clientId: 'other', redirectUri: 'https://app.example/callback', codeVerifier: rightVerifier },
  },
  'client authentication/authenticated': {},
  'client authentication/reject': { world: { 'look.client': client, ...refusedClient() } },
  'client assertion/authenticated': {},
  'client assertion/reject': { world: refusedClient() },
  'authentication token/authenticated': {},
  'authentication token/reject': { world: refusedClient() },
  'client scopes/granted': {},
  'client scopes/reject': {
    facts: { tokenRequest: { ...allFacts.tokenRequest, parameters: { scope: 'user/*.cruds' } } },
  },
  'authorization token/verified': {},
  'authorization token/reject': {
    world: { 'clientAuthentication.verifyAssertion': { ok: false, reason: 'replayed' } },
  },
  'user session/granted': {
    facts: { session: { ...session, launchResourceIds: [{ resourceType: 'patient', resourceId: 'jane' }] } },
  },
  'user session/reject': {},
  'token rotated/rotated': { world: { 'tokens.find': refreshToken({}) } },
  'token rotated/reject': { world: { 'tokens.find': refreshToken({ usedAt: 1 }) } },
  'token stored/minted': {},
  'token stored/reject': noClient,
  'account wanted/created': {},
  'account wanted/pending': { world: { 'registrations.complete': 'pending' } },
  'account wanted/reject': { world: { 'registrations.complete': 'username-taken' } },
  ...hookRows(),
};

function refusedClient(): Changes {
  return {
    'clientAuthentication.authenticate': {
      ok: false,
      error: { error: 'invalid_client', description: 'Client authentication failed', status: 401 },
    },
  };
}

function refreshToken(change: Changes): Changes {
  return {
    kind: 'refresh',
    clientId: 'app',
    grantId: 'grant',
    expiresAt: Number.MAX_SAFE_INTEGER,
    details: { grant: allFacts.grant },
    ...change,
  };
}

function hookRows(): Record<string, Row> {
  const { approvedScopes } = allFacts.grant;
  const effects: Readonly<Record<string, unknown>> = {
    'local log-in': { session },
    'user name': { username: 'dr.jones' },
    'provider log-in': { session },
    'context choices': { session, choices: [], required: false },
    'script authorization': { session },
    'token generating': { session, approvedScopes, accessTokenClaims: {}, idTokenClaims: {}, launchParameters: {} },
    'post authorize': {},
    'registration confirmed': { session: { ...session, authorities: [] } },
  };
  const { scripts: _none, ...bare } = tenant();
  const scripted = {
    tenant: {
      ...bare,
      inbound: [{ id: 'local', script }],
      scripts: { callbacks: script, codapAuthorization: script, bound: [] },
    },
    'look.provider': { id: 'partner', name: 'Partner', issuer: 'i', defaultAuthorities: [], federationAuth: script },
  };
  return Object.fromEntries(
    Object.entries(effects).flatMap(([state, value]) => [
      [`${state}/continue`, { world: { ...scripted, script: { ok: true, defined: true, value } } }],
      [`${state}/no callback`, {}],
      [`${state}/denied`, { world: { ...scripted, script: { ok: false, kind: 'denied', message: 'no' } } }],
      [`${state}/fault`, { world: { ...scripted, script: { ok: false, kind: 'threw', message: 'oops' } } }],
    ]),
  );
}
