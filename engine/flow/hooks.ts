/**
 * The hook catalogue: for each hook what it reads, and how its effect is checked and taken over. The driver loop
 * (`machine.ts`) is the only caller.
 */
import { createHash } from 'node:crypto';
import { reserved } from '../script/api/effects.ts';
import type { FailureEffect, HookEffect, HookInput, UserSessionModel } from '../script/model.ts';
import type { Json } from '../script/runner.ts';
import type { Authority, Tenant } from '../tenant/tenant.ts';
import { isSubset } from '../smart/scope.ts';
import type {
  CodapAuthorized,
  CodapVerified,
  ContextPrepared,
  Grant,
  Granted,
  Identified,
  Minted,
  ProviderAnswered,
  ProviderUserNamed,
  RegistrationConfirmed,
} from './facts.ts';
import type { Ports } from './ports.ts';
import { fits, kindOf } from './step/choices.ts';
import { inProgress, requirePatient } from './step/context.ts';
import { type HookBinding, reject, type Rejection } from './table.ts';

/** Claims that only the engine sets (RFC 9068, OpenID Connect Core); `smile_` is reserved as in Smile CDR. */
const reservedAccessTokenClaims: ReadonlySet<string> = new Set(reserved.accessToken);
const reservedIdTokenClaims: ReadonlySet<string> = new Set(reserved.idToken);
const reservedLaunchParameters: ReadonlySet<string> = new Set(reserved.response);

function isReserved(name: string, taken: ReadonlySet<string>): boolean {
  return taken.has(name) || name.startsWith('smile_');
}

function anyReserved(names: object, taken: ReadonlySet<string>): boolean {
  return Object.keys(names).some((name) => isReserved(name, taken));
}

/** A launch resource's type becomes the name of a member of the token response and of a claim. */
export function takesReservedName(session: UserSessionModel): boolean {
  return session.launchResourceIds.some(({ resourceType }) =>
    isReserved(resourceType.toLowerCase(), reservedLaunchParameters),
  );
}

/** Where somebody came from is no script's to say. */
function keepOrigin(session: UserSessionModel, before: UserSessionModel): UserSessionModel {
  return { ...session, external: before.external };
}

function policy(hook: string, reason: string): Rejection {
  return reject('server_error', 'The server could not complete the request', `${hook}-policy-${reason}`, {
    status: 500,
  });
}

function denied(hook: string, failure: FailureEffect): Rejection {
  const why = failure.unknownUsername
    ? 'unknown-username'
    : failure.incorrectPassword
      ? 'incorrect-password'
      : 'denied';
  return reject('access_denied', 'The request was denied', `${hook}-${why}`, { status: 400 });
}

function authenticationInput(
  facts: {
    session: UserSessionModel;
    moduleId: string;
    claims: Readonly<Record<string, Json>>;
    request: { remoteAddress: string };
  },
  ports: Ports,
): HookInput<'onAuthenticateSuccess'> {
  return {
    session: facts.session,
    context: {
      moduleId: facts.moduleId,
      startTime: new Date(ports.now()).toISOString(),
      remoteAddress: facts.request.remoteAddress,
      claims: facts.claims,
      // Consent has not happened yet.
      approvedScopes: [],
    },
  };
}

function authenticated(
  before: UserSessionModel,
  effect: HookEffect<'onAuthenticateSuccess'>,
): { readonly session: UserSessionModel } | Rejection {
  if (effect.failure) return denied('onAuthenticateSuccess', effect.failure);
  if (effect.session.username !== before.username) return policy('onAuthenticateSuccess', 'username');
  if (takesReservedName(effect.session)) return policy('onAuthenticateSuccess', 'launch-parameter');
  return { session: keepOrigin(effect.session, before) };
}

export const afterLocalLogin: HookBinding<Identified, { readonly session: UserSessionModel }> = {
  hook: 'onAuthenticateSuccess',
  read(facts, ports) {
    return { slot: `inbound/${facts.moduleId}`, input: authenticationInput(facts, ports) };
  },
  without: (facts) => ({ session: facts.session }),
  apply: (facts, effect) => authenticated(facts.session, effect as HookEffect<'onAuthenticateSuccess'>),
};

export const afterProviderLogin: HookBinding<ProviderUserNamed, { readonly session: UserSessionModel }> = {
  hook: 'onAuthenticateSuccess',
  read: (facts, ports) => ({
    slot: `federationAuth/${facts.providerId}`,
    input: authenticationInput(facts, ports),
  }),
  without: (facts) => ({ session: facts.session }),
  apply: (facts, effect) => authenticated(facts.session, effect as HookEffect<'onAuthenticateSuccess'>),
};

/** Without a script a foreign user is named by provider and a digest of the subject, which no local name can equal. */
function defaultUsername(facts: ProviderAnswered): string {
  return `${facts.providerId}:${createHash('sha256').update(facts.subject).digest('base64url').slice(0, 22)}`;
}

export const nameProviderUser: HookBinding<ProviderAnswered, { readonly username: string }> = {
  hook: 'getUserName',
  async read(facts, ports) {
    const provider = await ports.provider(facts.providerId);
    if (!provider) return undefined;
    const input: HookInput<'getUserName'> = {
      claims: facts.claims,
      server: { id: provider.id, name: provider.name, issuer: provider.issuer },
    };
    return { slot: `federationAuth/${provider.id}`, input };
  },
  without: (facts) => ({ username: defaultUsername(facts) }),
  apply: (_facts, effect) => ({ username: (effect as HookEffect<'getUserName'>).username }),
};

export const authorizeCodap: HookBinding<CodapVerified, Pick<CodapAuthorized, 'session'>> = {
  hook: 'authenticate',
  read(facts) {
    const { claims } = facts.authorization;
    const input: HookInput<'authenticate'> = {
      request: {
        authenticationToken: facts.assertion ?? { header: {}, claims: {} },
        authorizationToken: facts.authorization,
        requestingPractitioner: claims['requesting_practitioner'] ?? null,
        requestedRecord: claims['requested_record'] ?? null,
        requestedScopes: facts.requestedScopes,
        reasonForRequest: String(claims['reason_for_request']),
        acr: String(claims['acr']),
        issuer: facts.issuer,
        clientId: facts.clientId,
        remoteAddress: facts.tokenRequest.remoteAddress,
        headers: {},
      },
    };
    return { slot: 'codapAuthorization', input };
  },
  // A tenant without the script cannot have started; should it be gone, nothing is granted.
  without: () => denied('authenticate', {}),
  apply(facts, effect) {
    const { session, failure } = effect as HookEffect<'authenticate'>;
    if (failure || !session) return denied('authenticate', failure ?? {});
    if (takesReservedName(session)) return policy('authenticate', 'launch-parameter');
    return {
      session: {
        ...session,
        external: true,
        username: session.username || `${facts.issuer}#${String(facts.authorization.claims['sub'])}`,
      },
    };
  },
};

export const chooseContexts: HookBinding<
  ContextPrepared,
  Pick<ContextPrepared, 'session' | 'choices' | 'contextRequired' | 'offeredKinds'>
> = {
  hook: 'onSmartLoginPreContextSelection',
  read(facts) {
    const input: HookInput<'onSmartLoginPreContextSelection'> = {
      session: inProgress(facts.session, facts),
      choices: facts.choices,
      required: facts.contextRequired,
    };
    return { slot: 'callbacks', input };
  },
  without: (facts) => ({ session: facts.session, choices: facts.choices, contextRequired: facts.contextRequired }),
  apply(facts, effect) {
    const { session, choices, required } = effect as HookEffect<'onSmartLoginPreContextSelection'>;
    if (session.username !== facts.session.username) return policy('onSmartLoginPreContextSelection', 'username');
    if (
      takesReservedName(session) ||
      choices.some(
        ({ contextType, launchParameters }) =>
          isReserved(contextType.toLowerCase(), reservedLaunchParameters) ||
          anyReserved(launchParameters ?? {}, reservedLaunchParameters),
      )
    ) {
      return policy('onSmartLoginPreContextSelection', 'launch-parameter');
    }
    // What the launch names is settled: to pick another record than the EHR shows would mix two people up.
    const open = choices.filter((choice) => !facts.foreignLaunch && fits(choice, facts));
    return {
      session: keepOrigin(session, facts.session),
      choices: open,
      contextRequired: required,
      offeredKinds: [...new Set([...(facts.offeredKinds ?? []), ...choices.map(kindOf)])],
    };
  },
};

/** With the scope that stands for it, a script takes the refresh token away. An app that asks for less at a refresh does not. */
function refreshAfter({ approvedScopes, refresh, sessionIdHash }: Grant, left: readonly string[]): Grant['refresh'] {
  const lost = (scope: string) => approvedScopes.includes(scope) && !left.includes(scope);
  if (refresh === 'offline' && lost('offline_access'))
    return left.includes('online_access') && sessionIdHash !== undefined ? 'online' : 'none';
  return refresh === 'online' && lost('online_access') ? 'none' : refresh;
}

export const generateToken: HookBinding<Granted, Granted> = {
  hook: 'onTokenGenerating',
  async read({ grant }, ports) {
    const client = await ports.client(grant.clientId);
    if (!client) return undefined;
    const input: HookInput<'onTokenGenerating'> = {
      session: grant.session,
      request: {
        clientId: grant.clientId,
        grantType: grant.grantType,
        ...(grant.launch === undefined ? {} : { launch: grant.launch }),
        audience: grant.audience,
        requestedScopes: grant.requestedScopes,
        approvedScopes: grant.approvedScopes,
        requestParameters: grant.requestParameters,
      },
      client: {
        clientId: client.clientId,
        clientName: client.clientName,
        scopes: client.scopes,
        grantTypes: client.grantTypes,
        permissions: client.permissions,
      },
    };
    return { slot: 'callbacks', input };
  },
  without: ({ grant }) => requirePatient(grant),
  apply({ grant }, value, ports) {
    const effect = value as HookEffect<'onTokenGenerating'>;
    const hook = 'onTokenGenerating';
    const mayHave = [...grant.approvedScopes, ...ports.tenant.policy.scopesScriptsMayAdd];
    // A part of what was approved is less than it: `patient/Observation.rs` of `patient/*.rs`.
    if (!effect.approvedScopes.every((scope) => mayHave.includes(scope) || isSubset([scope], mayHave)))
      return policy(hook, 'scope');
    // A token for nothing is none (RFC 6749 section 3.3 has no empty scope): who takes every scope away denies.
    if (effect.approvedScopes.length === 0 && grant.approvedScopes.length > 0)
      return reject('access_denied', 'The request was denied', `${hook}-no-scope`, { status: 400 });
    if (anyReserved(effect.accessTokenClaims, reservedAccessTokenClaims)) return policy(hook, 'access-token-claim');
    if (anyReserved(effect.idTokenClaims, reservedIdTokenClaims)) return policy(hook, 'id-token-claim');
    if (
      anyReserved(effect.launchParameters, reservedLaunchParameters) ||
      (effect.session && takesReservedName(effect.session))
    )
      return policy(hook, 'launch-parameter');
    if ((effect.session === null) !== (grant.session === null) || effect.session?.username !== grant.session?.username)
      return policy(hook, 'session');
    const changed: Grant = {
      ...grant,
      session: effect.session && grant.session && keepOrigin(effect.session, grant.session),
      approvedScopes: effect.approvedScopes,
      accessTokenClaims: effect.accessTokenClaims,
      idTokenClaims: effect.idTokenClaims,
      launchParameters: { ...grant.launchParameters, ...effect.launchParameters },
      refresh: refreshAfter(grant, effect.approvedScopes),
    };
    return requirePatient(changed);
  },
};

/** An authority that neither everybody gets nor the tenant lets scripts give. */
function isUnlisted(
  { permission, argument }: Authority,
  { authorities, authoritiesScriptsMayAdd }: Tenant['selfRegistration'],
): boolean {
  return !(
    authoritiesScriptsMayAdd.includes(permission) ||
    authorities.some((given) => given.permission === permission && given.argument === argument)
  );
}

export const registerPerson: HookBinding<RegistrationConfirmed, Pick<RegistrationConfirmed, 'session'>> = {
  hook: 'onSelfRegistration',
  read({ session, request, fromClientId, newUser }, ports) {
    const input: HookInput<'onSelfRegistration'> = {
      session,
      context: {
        startTime: new Date(ports.now()).toISOString(),
        remoteAddress: request.remoteAddress,
        phone: newUser.phone ?? null,
        clientId: fromClientId ?? null,
      },
    };
    return { slot: 'callbacks', input };
  },
  without: ({ session }) => ({ session }),
  apply(facts, value, { tenant }) {
    const hook = 'onSelfRegistration';
    const { session, failure } = value as HookEffect<'onSelfRegistration'>;
    // There is no app to be told: the description is the person's to read.
    if (failure) return { ...denied(hook, failure), description: failure.message ?? '', tell: 'person' };
    if (session.username !== facts.session.username) return policy(hook, 'username');
    if (session.email !== facts.session.email) return policy(hook, 'email');
    if (session.authorities.some((one) => isUnlisted(one, tenant.selfRegistration))) return policy(hook, 'authority');
    return { session: keepOrigin(session, facts.session) };
  },
};

export const afterTokenStored: HookBinding<Minted, unknown> = {
  hook: 'onPostAuthorize',
  read({ grant, accessToken, tokenContents }, ports) {
    const input: HookInput<'onPostAuthorize'> = {
      clientId: grant.clientId,
      ...(grant.session ? { username: grant.session.username } : {}),
      grantType: grant.grantType,
      accessToken: ports.tenant.policy.showAccessTokenToPostAuthorize ? accessToken : '***',
      grantedScopes: grant.approvedScopes,
      claims: tokenContents.claims,
      launchParameters: tokenContents.launchParameters,
      ...(grant.requestingPractitioner === undefined ? {} : { requestingPractitioner: grant.requestingPractitioner }),
    };
    return { slot: 'callbacks', input };
  },
  without: () => ({}),
  apply: () => ({}),
  // What is not returned must not stay usable.
  undo: ({ grant }, ports) => ports.store.tokens.revokeGrant(ports.tenant.id, grant.id, ports.now()),
};
