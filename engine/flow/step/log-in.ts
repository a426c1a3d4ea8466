/** From a valid request to a person with a session: session reuse, the log-in form, and what follows a proof of identity. */
import type { UserSessionModel } from '../../script/model.ts';
import type { Json } from '../../script/runner.ts';
import { nothingProved } from '../../identity/strength.ts';
import type { StoredSession } from '../../store/store.ts';
import type { User } from '../../tenant/tenant.ts';
import type { Authenticated, ExistingFound, Identified, PersonKnown, ProviderChosen, Validated } from '../facts.ts';
import type { Ports } from '../ports.ts';
import { revokeAtProvider, stillWelcome } from './provider-session.ts';
import {
  asksForFactor,
  challengeOf,
  offersPasskeyLogIn,
  passkeyAnswer,
  rememberDevice,
  whatIsMissing,
} from './second-factor.ts';
import { type Again, move, type Moved, reject, type StepResult } from '../table.ts';

export type AuthenticatedGives = Omit<Authenticated, keyof Validated>;

/** The user session as scripts see it, made of what the tenant knows of the user. */
export function sessionOf(user: User): UserSessionModel {
  return {
    username: user.username,
    external: user.external !== undefined,
    ...(user.givenName ? { givenName: user.givenName } : {}),
    ...(user.familyName ? { familyName: user.familyName } : {}),
    ...(user.email ? { email: user.email } : {}),
    ...(user.notes ? { notes: user.notes } : {}),
    ...(user.fhirUser ? { fhirUserUrl: user.fhirUser } : {}),
    authorities: user.authorities,
    defaultLaunchContexts: user.defaultLaunchContexts,
    launchResourceIds: [],
    fhirContext: [],
    userData: user.userData as Readonly<Record<string, Json>>,
  };
}

/** max_age=0 says the same as prompt=login (OpenID Connect Core 3.1.2.1), even within the millisecond of a log-in. */
export function wantsFreshLogin({ prompt, maximumAgeSeconds }: Validated): boolean {
  return prompt.includes('login') || prompt.includes('select_account') || maximumAgeSeconds === 0;
}

/** Reuses the browser's session where `prompt`, `max_age` and the launch's user allow it (OpenID Connect Core 3.1.2.3). */
export async function findSession(
  facts: Validated,
  ports: Ports,
): Promise<
  StepResult<{
    reused: AuthenticatedGives;
    'step up': Omit<PersonKnown, keyof Validated>;
    login: unknown;
    provider: Pick<ProviderChosen, 'providerId'>;
  }>
> {
  const silent = facts.prompt.includes('none');
  const { sessionIdHash } = facts.request;
  const session =
    sessionIdHash && !wantsFreshLogin(facts)
      ? await ports.store.sessions.find(ports.tenant.id, sessionIdHash, ports.now())
      : undefined;
  const youngEnough =
    session &&
    (facts.maximumAgeSeconds === undefined || ports.now() - session.authenticatedAt <= facts.maximumAgeSeconds * 1000);
  if (session && youngEnough) {
    const user = await ports.user(session.userId);
    const details = session.details as unknown as UserSessionModel;
    if (user?.enabled && mayBe(facts, details.username) && (await stillWelcome(session, user, ports))) {
      const { idHash: sessionIdHash, authenticatedAt, proof = nothingProved } = session;
      const person = { userId: user.id, session: details, proof };
      const missing = await whatIsMissing(person, ports, {
        purpose: 'log-in',
        asked: asksForFactor(facts, ports.tenant),
      });
      if (missing === undefined) {
        await noteSeen(session, ports);
        return move('reused', { ...person, sessionIdHash, authenticatedAt });
      }
      // Whoever must set a second factor up proves who they are first: a session may have been found open.
      if (missing === 'code' && !silent)
        return move('step up', { ...person, claims: {}, steppingUp: { sessionIdHash, authenticatedAt } });
    }
  }
  if (silent) return reject('login_required', 'The person must log in', 'login-required');
  const providers = await ports.providers();
  const only = providers[0];
  if (ports.tenant.federation.autoRedirect && providers.length === 1 && only)
    return move('provider', { providerId: only.id });
  return move('login', {});
}

/** Milliseconds: how exactly it is known when a person was last here. */
const seenResolution = 5 * 60_000;

/** Notes that the person came with this session, seldom enough to cost nothing. */
export async function noteSeen(
  { idHash, seenAt = 0 }: StoredSession,
  { store, tenant, now }: Pick<Ports, 'store' | 'tenant' | 'now'>,
): Promise<void> {
  if (now() - seenAt >= seenResolution) await store.sessions.touch(tenant.id, idHash, now());
}

/** Whether the launch and the ID token hint, where there are any, speak of this person. */
function mayBe({ launchUsername, request }: Validated, username: string): boolean {
  return [launchUsername, request.hintedUsername].every((wanted) => wanted === undefined || wanted === username);
}

/** What else is known of the person stays; they may have been disabled at this very moment. */
function broughtUpToDate(current: User, now: User): User {
  const {
    givenName: _given,
    familyName: _family,
    email: _email,
    fhirUser: _fhirUser,
    notes: _notes,
    ...kept
  } = current;
  return { ...kept, ...now, enabled: current.enabled };
}

/** The log-in form: a user name and password, or the choice of a provider. */
export async function acceptLogin(
  facts: Validated,
  input: Readonly<Record<string, unknown>>,
  ports: Ports,
): Promise<
  StepResult<{ identified: Omit<Identified, keyof Validated>; provider: Pick<ProviderChosen, 'providerId'> }> | Again
> {
  const { provider, username, password } = input;
  if (input['do'] === 'cancel') return reject('access_denied', 'The person did not log in', 'login-cancelled');
  if (typeof provider === 'string' && provider !== '') {
    const known = await ports.provider(provider);
    return known
      ? move('provider', { providerId: known.id, providerProblem: undefined })
      : { kind: 'again', error: 'wrong-credentials' };
  }
  const answer = passkeyAnswer(input);
  if (input['do'] === 'passkey' && answer !== undefined) return provePasskey(facts, answer, ports);
  if (!ports.tenant.federation.passwordForm || typeof username !== 'string' || typeof password !== 'string') {
    return { kind: 'again', error: 'wrong-credentials' };
  }
  return proveAccount(facts, username, password, ports);
}

/** The password of the account that has the name which a provider's person wants; or they go on without it. */
export async function acceptProof(
  facts: ExistingFound,
  input: Readonly<Record<string, unknown>>,
  ports: Ports,
): Promise<StepResult<{ identified: Omit<Identified, keyof Validated>; alone: unknown }> | Again> {
  const { password } = input;
  if (input['do'] === 'cancel') return reject('access_denied', 'The person did not log in', 'login-cancelled');
  if (input['do'] === 'alone') return move('alone', { linkWanted: undefined });
  if (typeof password !== 'string') return { kind: 'again', error: 'wrong-credentials' };
  // The account is one with a password here: a namesake in a directory is not asked.
  return proveAccount(facts, facts.linkWanted.username, password, ports, true);
}

/** A passkey alone: two factors in one, as the authenticator has verified the person besides. */
async function provePasskey(
  facts: Validated,
  answer: string,
  ports: Ports,
): Promise<Moved<'identified', Omit<Identified, keyof Validated>> | Again> {
  const { tenant } = ports;
  const challenge = challengeOf(facts, 'login', ports);
  const { remoteAddress } = facts.request;
  const result =
    offersPasskeyLogIn(tenant) && challenge !== undefined
      ? await ports.secondFactor.verifyPasskey({ tenant, answer, challenge, remoteAddress, now: ports.now() })
      : ({ ok: false, reason: 'wrong-passkey' } as const);
  const user = result.ok ? await ports.user(result.userId) : undefined;
  const module = tenant.inbound.find(({ type }) => type === 'local');
  // Whether somebody of a directory or a provider may still log in is theirs to say.
  if (result.ok && user?.enabled && user.external === undefined && module)
    return move('identified', {
      moduleId: module.id,
      claims: {},
      userId: user.id,
      proof: { amr: [result.method, 'user', 'mfa'] },
      // What was proved is worth a password: another one may be chosen by it, in the place of this very one.
      ...(user.passwordHash === undefined ? {} : { passwordProof: ports.hash(user.passwordHash) }),
      session: sessionOf(user),
    });
  const reason = result.ok ? 'wrong-passkey' : result.reason;
  ports.audit({
    tenantId: tenant.id,
    at: ports.now(),
    type: 'login',
    outcome: 'failure',
    clientId: facts.clientId,
    reason,
    ...(user ? { userId: user.id } : {}),
  });
  return { kind: 'again', error: reason };
}

async function proveAccount(
  facts: Validated,
  username: string,
  password: string,
  ports: Ports,
  localOnly = false,
): Promise<Moved<'identified', Omit<Identified, keyof Validated>> | Again> {
  const result = await ports.identity.authenticate({
    tenant: ports.tenant,
    username,
    password,
    remoteAddress: facts.request.remoteAddress,
    localOnly,
    ...(facts.scripts && { scripts: facts.scripts }),
  });
  if (!result.ok) {
    ports.audit({
      tenantId: ports.tenant.id,
      at: ports.now(),
      type: 'login',
      outcome: 'failure',
      clientId: facts.clientId,
      reason: result.reason,
      ...(result.details && { details: result.details }),
    });
    return { kind: 'again', error: result.reason, view: { username } };
  }
  const { user, moduleId, vouched } = result;
  return move('identified', {
    moduleId,
    claims: vouched?.claims ?? {},
    ...(vouched?.isNew ? {} : { userId: user.id }),
    ...(vouched
      ? { external: vouched.external }
      : user.passwordHash === undefined
        ? {}
        : { passwordProof: ports.hash(user.passwordHash) }),
    proof: { amr: ['pwd'] },
    session: vouched?.session ?? sessionOf(user),
  });
}

/** Makes the browser's session under a new id, so that an id planted before the log-in is worth nothing. */
export async function establishSession(
  facts: PersonKnown & { readonly providerId?: string; readonly providerTokens?: string },
  ports: Ports,
): Promise<StepResult<{ authenticated: AuthenticatedGives; link: AuthenticatedGives }>> {
  const { userId, session, proof, steppingUp } = facts;
  // Whatever way led here, and whatever was set up or required since it began.
  if (await whatIsMissing(facts, ports, { purpose: 'log-in', asked: asksForFactor(facts, ports.tenant) }))
    return reject('access_denied', 'The request was denied', 'second-factor-missing');
  if (facts.launchUsername !== undefined && facts.launchUsername !== facts.session.username) {
    return reject('access_denied', 'The launch was made for another user', 'launch-user-mismatch');
  }
  if (!mayBe(facts, facts.session.username))
    return reject('login_required', 'Another user than id_token_hint names has logged in', 'hint-user-mismatch');
  if (steppingUp) {
    const { sessionIdHash, authenticatedAt } = steppingUp;
    if (!(await ports.store.sessions.strengthen(ports.tenant.id, sessionIdHash, proof, ports.now())))
      return reject('login_required', 'The session has ended', 'session-ended');
    ports.audit({
      tenantId: ports.tenant.id,
      at: ports.now(),
      type: 'session.stepped-up',
      outcome: 'success',
      clientId: facts.clientId,
      userId,
    });
    return move(
      'authenticated',
      { userId, session, proof, sessionIdHash, authenticatedAt },
      { reveal: { ...(await rememberDevice(facts, ports)) } },
    );
  }
  const sessionId = ports.newHandle();
  const sessionIdHash = ports.hash(sessionId);
  const now = ports.now();
  // At a provider they may have logged in long before they came from there.
  const { auth_time: there } = facts.claims;
  const authenticatedAt = typeof there === 'number' ? Math.min(there * 1000, now) : now;
  if (facts.request.sessionIdHash) {
    const before = await ports.store.providerSessions.take(ports.tenant.id, facts.request.sessionIdHash);
    // The log-in does not wait for it.
    if (before) void revokeAtProvider(before, ports).catch(() => undefined);
    await ports.store.sessions.end(ports.tenant.id, facts.request.sessionIdHash, now);
    ports.notifyApps();
  }
  await ports.store.sessions.save({
    idHash: sessionIdHash,
    tenantId: ports.tenant.id,
    userId: facts.userId,
    authenticatedAt,
    expiresAt: now + ports.tenant.lifetimes.sessionSeconds * 1000,
    seenAt: now,
    ...(facts.request.device ? { device: facts.request.device } : {}),
    proof,
    details: facts.session as unknown as Readonly<Record<string, unknown>>,
  });
  if (facts.providerId !== undefined && facts.providerTokens !== undefined)
    await ports.store.providerSessions.save({
      tenantId: ports.tenant.id,
      sessionIdHash,
      provider: facts.providerId,
      userId: facts.userId,
      sealed: facts.providerTokens,
      checkedAt: now,
      expiresAt: now + ports.tenant.lifetimes.sessionSeconds * 1000,
    });
  ports.audit({
    tenantId: ports.tenant.id,
    at: now,
    type: 'login',
    outcome: 'success',
    clientId: facts.clientId,
    userId: facts.userId,
  });
  return move(
    facts.linkWanted ? 'link' : 'authenticated',
    { userId, session, proof, sessionIdHash, authenticatedAt, providerTokens: undefined },
    { reveal: { sessionId, ...(await rememberDevice(facts, ports)) } },
  );
}

/**
 * After `onAuthenticateSuccess` the local user behind the session must exist. Whom another module vouches for is created
 * at the first log-in, and else brought up to date with what the module and the callback said.
 */
export async function requireUser(
  facts: Identified,
  ports: Ports,
): Promise<StepResult<{ found: { readonly userId: string } }>> {
  const { userId, external, session } = facts;
  if (external === undefined)
    return userId === undefined
      ? reject('access_denied', 'The request was denied', 'user-missing')
      : move('found', { userId });
  const { users } = ports.store;
  const known = await users.findByExternal(ports.tenant.id, external.provider, external.subject);
  if (known && (!known.enabled || known.id !== (userId ?? known.id)))
    return reject('access_denied', 'The request was denied', 'user-disabled');
  const user: User = {
    id: known?.id ?? ports.newHandle(),
    username: session.username,
    enabled: true,
    ...(session.givenName ? { givenName: session.givenName } : {}),
    ...(session.familyName ? { familyName: session.familyName } : {}),
    ...(session.email ? { email: session.email } : {}),
    ...(session.fhirUserUrl ? { fhirUser: session.fhirUserUrl } : {}),
    ...(session.notes ? { notes: session.notes } : {}),
    external,
    authorities: session.authorities,
    defaultLaunchContexts: session.defaultLaunchContexts,
    userData: session.userData,
  };
  try {
    if (known) await users.change(ports.tenant.id, known.id, (current) => broughtUpToDate(current, user));
    else await users.save(ports.tenant.id, user);
  } catch (error) {
    if ((error as { code?: string }).code !== 'conflict') throw error;
    return reject('access_denied', 'The request was denied', 'username-taken');
  }
  return move('found', { userId: user.id });
}
