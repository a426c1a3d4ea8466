/**
 * What each hook may do to its flow: what it reads, changes, adds and removes, and what becomes of it. The schemas here say
 * what is well-formed; `engine/flow/hooks.ts` applies the policy. Tests hold the three together.
 */
import type { HookName } from '../runner.ts';
import type { Schema } from './entry.ts';
import { failureSchema } from './model/authentication.ts';
import { choiceSchema } from './model/authorization.ts';
import { sessionSchema } from './model/session.ts';
import { claimMap, listOf, object } from './schema.ts';

export type Act = 'read' | 'change' | 'add' | 'remove';

export interface EffectRule {
  /** As the script writes it. */
  readonly what: string;
  readonly may: readonly Act[];
  /** What becomes of it, and where the bounds are. */
  readonly policy: string;
  /** The reason in the trace when the bounds are left: the flow ends. */
  readonly violation?: string;
}

export interface HookEffects {
  readonly returns: string;
  /** What becomes of the flow when the callback throws, runs out of a limit, or leaves the bounds. */
  readonly failure: string;
  readonly rules: readonly EffectRule[];
  /** What the sandbox reports back, as JSON Schema. */
  readonly schema: Schema;
}

const user = 'theUserSession';
const fixedName = (hook: HookName): EffectRule => ({
  what: `${user}.username`,
  may: ['read'],
  policy: 'Fixed. Another user is another log-in.',
  violation: `${hook}-policy-${hook === 'onTokenGenerating' ? 'session' : 'username'}`,
});
const external: EffectRule = { what: `${user}.external`, may: ['read'], policy: 'Fixed; an assignment has no effect.' };
const person: EffectRule = {
  what: `${user}.givenName, familyName, email, notes, fhirUserUrl`,
  may: ['read', 'change', 'remove'],
  policy: 'Texts; null takes one away.',
};
const authorities = (lasting: string): EffectRule => ({
  what: `${user}.authorities`,
  may: ['read', 'change', 'add', 'remove'],
  policy: `At most 500; a name has capitals, digits and underscores. What the token may do is no more than its scopes say. ${lasting}`,
});
const launch = (hook: HookName): EffectRule => ({
  what: `${user}.launchResourceIds`,
  may: ['read', 'change', 'add', 'remove'],
  policy:
    'At most 100, one of each type; a type is the name of a member of the response and of a claim, so those that the response or the token have already are refused.',
  violation: `${hook}-policy-launch-parameter`,
});
const context: EffectRule = {
  what: `${user}.fhirContext, defaultLaunchContexts`,
  may: ['read', 'change', 'add', 'remove'],
  policy: 'At most 100 of each.',
};
const data: EffectRule = {
  what: `${user}.userData`,
  may: ['read', 'change', 'add', 'remove'],
  policy: 'At most 200 entries of any JSON. Later hooks of the session see it.',
};
/** A success that the script gave no name: the engine makes one up. */
const unnamedSession: Schema = {
  ...sessionSchema,
  properties: { ...(sessionSchema['properties'] as object), username: { type: 'string', maxLength: 255 } },
};
const lasts = 'It holds for the whole session.';
const onceOnly = 'It holds for this token.';

const reservedInAccessTokens = [
  'iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'client_id', 'scope', 'azp', 'cnf', 'act', 'sid', 'auth_time', 'authorities',
]; // prettier-ignore
const reservedInIdTokens = [
  'iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'nonce', 'at_hash', 'c_hash', 'auth_time', 'azp', 'sid', 'acr', 'amr',
]; // prettier-ignore

/** Names that only the engine sets. Each name that begins with `smile_` is one, too. */
export const reserved = {
  accessToken: reservedInAccessTokens,
  idToken: reservedInIdTokens,
  response: [
    'access_token', 'token_type', 'expires_in', 'scope', 'refresh_token', 'id_token', 'error', 'error_description',
    'error_uri', 'state', 'code', 'iss', ...reservedInAccessTokens.filter((name) => name !== 'iss' && name !== 'scope'),
  ], // prettier-ignore
} as const;

const named = (names: readonly string[]) =>
  `${names.map((name) => `\`${name}\``).join(', ')} and all that begin with \`smile_\``;
const closed = 'The flow ends; the app is told `server_error`, or `access_denied` where the script denied.';

export const hookEffects: Readonly<Record<HookName, HookEffects>> = {
  onAuthenticateSuccess: {
    returns: 'the session, a success, or nothing: let in. A failure: deny. Anything else ends the flow.',
    failure: closed,
    rules: [
      fixedName('onAuthenticateSuccess'),
      external,
      person,
      authorities(lasts),
      launch('onAuthenticateSuccess'),
      context,
      data,
      {
        what: 'a success of the factory, returned',
        may: ['change'],
        policy: 'It replaces the whole session, but for the name of the user.',
        violation: 'onAuthenticateSuccess-policy-username',
      },
      { what: 'theContext', may: ['read'], policy: 'How the user logged in, and the claims of the provider.' },
    ],
    schema: object({ session: sessionSchema, failure: failureSchema }, ['session']),
  },
  getUserName: {
    returns: 'the name, a text of 1 to 255 characters. Anything else ends the flow.',
    failure: closed,
    rules: [
      { what: 'theOidcUserInfoMap', may: ['read'], policy: 'The claims of the ID token.' },
      { what: 'theServerInfo', may: ['read'], policy: 'Which provider it is.' },
      {
        what: 'the name it returns',
        may: ['change'],
        policy: 'It must not be that of a local user, nor of a user of another provider.',
        violation: 'username-taken',
      },
    ],
    schema: object({
      username: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[^\\u0000-\\u001f]+$' },
    }),
  },
  authenticate: {
    returns:
      'a success: grant. A failure or nothing: deny; at a log-in, a failure with `unknownUsername` has the next module asked. Anything else is a fault.',
    failure: `${closed} At a log-in the person stays on the log-in page and is told that nobody can be checked right now.`,
    rules: [
      {
        what: 'theRequest',
        may: ['read'],
        policy:
          'Of CODAP: both tokens, verified, and what they ask for. Of a scripted log-in: what was typed in; the password must not get into the success.',
      },
      {
        what: 'success.username',
        may: ['read', 'change'],
        policy:
          'Empty at first. Where it stays so, it is the name that was typed, or in CODAP the issuer of the token and its subject make one up. At a log-in it must not be that of an account that the module does not own.',
      },
      { ...authorities(onceOnly), what: 'success.authorities' },
      { ...launch('authenticate'), what: 'success.launchResourceIds' },
      { ...person, what: 'success.givenName, familyName, email, notes, fhirUserUrl' },
      { ...context, what: 'success.fhirContext, defaultLaunchContexts' },
      { ...data, what: 'success.userData' },
    ],
    schema: object({ session: unnamedSession, failure: failureSchema }, []),
  },
  onSmartLoginPreContextSelection: {
    returns: 'nothing; what it returns is ignored.',
    failure: closed,
    rules: [
      fixedName('onSmartLoginPreContextSelection'),
      external,
      person,
      authorities('It holds for this launch.'),
      launch('onSmartLoginPreContextSelection'),
      context,
      data,
      {
        what: 'theContextSelectionChoices.choices',
        may: ['read', 'change', 'add', 'remove'],
        policy:
          'At most 2000. What the launch names is not asked for again: choices of such a type are dropped, choices whose `launchParameters` name another patient or encounter as well, and all of them where the EHR’s own handle (`launch.acceptUnknown`) is yet to be resolved in `onTokenGenerating`. A type and further launch parameters must not have a name that the response or the token have already.',
        violation: 'onSmartLoginPreContextSelection-policy-launch-parameter',
      },
      {
        what: 'theContextSelectionChoices.setRequired()',
        may: ['change'],
        policy:
          'Whether one of each type must be picked, type after type. A scope that needs a patient asks for one all the same.',
      },
    ],
    schema: object({ session: sessionSchema, choices: listOf(choiceSchema, 2000), required: { type: 'boolean' } }),
  },
  onTokenGenerating: {
    returns: 'nothing; what it returns is ignored.',
    failure: closed,
    rules: [
      fixedName('onTokenGenerating'),
      external,
      person,
      authorities(onceOnly),
      launch('onTokenGenerating'),
      context,
      data,
      {
        what: 'theAuthorizationRequestDetails.approvedScopes',
        may: ['read', 'add', 'remove'],
        policy:
          'Narrower always, also by a part of an approved scope, such as `patient/Observation.rs` of `patient/*.rs`; wider only by what the tenant’s `policy.scopesScriptsMayAdd` lists. With `offline_access` or `online_access` goes the refresh token. Where the last one goes, the flow is denied.',
        violation: 'onTokenGenerating-policy-scope',
      },
      {
        what: 'theAuthorizationRequestDetails.addAccessTokenClaim()',
        may: ['add'],
        policy: `At most 100 claims. Never ${named(reserved.accessToken)}.`,
        violation: 'onTokenGenerating-policy-access-token-claim',
      },
      {
        what: 'theAuthorizationRequestDetails.addIdTokenClaim()',
        may: ['add'],
        policy: `At most 100 claims. Never ${named(reserved.idToken)}.`,
        violation: 'onTokenGenerating-policy-id-token-claim',
      },
      {
        what: 'theAuthorizationRequestDetails.addLaunchParameter()',
        may: ['add', 'change'],
        policy: `At most 100 members of the response. Never ${named(reserved.response)}.`,
        violation: 'onTokenGenerating-policy-launch-parameter',
      },
      {
        what: 'theAuthorizationRequestDetails, all else',
        may: ['read'],
        policy: 'Client, audience, life of the token and algorithm are the engine’s.',
      },
      { what: 'theClientDetails', may: ['read'], policy: 'The app as the tenant defined it.' },
    ],
    schema: object({
      session: { anyOf: [sessionSchema, { type: 'null' }] },
      accessTokenClaims: claimMap,
      idTokenClaims: claimMap,
      launchParameters: claimMap,
      approvedScopes: listOf({ type: 'string', pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,512}$' }, 500),
    }),
  },
  onSelfRegistration: {
    returns: 'the session or nothing: go on. A failure: refuse. Anything else is a fault.',
    failure:
      'No account is made. The person reads the message of the failure; of a fault, that the server could not do it. The link stays good, so that they may try again.',
    rules: [
      fixedName('onSelfRegistration'),
      external,
      {
        what: `${user}.email`,
        may: ['read'],
        policy: 'Fixed: it is the address that was proven.',
        violation: 'onSelfRegistration-policy-email',
      },
      {
        what: `${user}.givenName, familyName, notes, fhirUserUrl`,
        may: ['read', 'change', 'remove'],
        policy: 'Texts; null takes one away. The account has them.',
      },
      {
        what: `${user}.authorities`,
        may: ['read', 'change', 'add', 'remove'],
        policy:
          'Those of the tenant’s `selfRegistration.authorities` at first. Others only where `authoritiesScriptsMayAdd` lists the permission. The account has them.',
        violation: 'onSelfRegistration-policy-authority',
      },
      {
        what: `${user}.defaultLaunchContexts, userData`,
        may: ['read', 'change', 'add', 'remove'],
        policy: 'At most 100 and 200. The account has them.',
      },
      {
        what: `${user}.launchResourceIds, fhirContext`,
        may: ['read', 'change', 'add', 'remove'],
        policy: 'Of no effect: nobody is logged in yet.',
      },
      { what: 'theContext', may: ['read'], policy: 'What else is known of the person.' },
    ],
    schema: object({ session: sessionSchema, failure: failureSchema }, ['session']),
  },
  onPostAuthorize: {
    returns: 'nothing; what it returns is ignored.',
    failure:
      'The token is revoked and the flow ends as elsewhere; where the tenant’s `policy.onPostAuthorizeOpen` is on, a fault is logged and the token returned. A denial ends the flow either way.',
    rules: [
      {
        what: 'theDetails',
        may: ['read'],
        policy:
          'The token is made and stored. `accessToken` is masked unless `policy.showAccessTokenToPostAuthorize` is on.',
      },
    ],
    schema: object({}, []),
  },
};
