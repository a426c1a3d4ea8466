/** The steps of a log-in at a foreign OpenID Provider, up to the local user it stands for. */
import type { UserSessionModel } from '../../script/model.ts';
import type { Json } from '../../script/runner.ts';
import { amrOf } from '../../identity/strength.ts';
import type { Proof } from '../../store/store.ts';
import type { Provider, User } from '../../tenant/tenant.ts';
import type {
  AtProvider,
  ExistingFound,
  ProviderAnswered,
  ProviderChosen,
  ProviderProblem,
  ProviderUserNamed,
} from '../facts.ts';
import type { Ports } from '../ports.ts';
import { type Again, move, type Moved, reject, type StepResult } from '../table.ts';
import { sessionOf, wantsFreshLogin } from './log-in.ts';
import { personalOf } from './personal.ts';
import { federationRedirectUri, readProviderAnswer } from './provider-answer.ts';

/** What the log-in page says to somebody whom a provider sent back without an answer that helps. */
interface Back {
  readonly providerProblem?: ProviderProblem;
}

function because(providerProblem: ProviderProblem): Back {
  return { providerProblem };
}

/** Whether the log-in page offers anything but this provider; where it does not, the app is told. */
async function hasAnotherWay({ tenant, providers }: Ports): Promise<boolean> {
  return tenant.federation.passwordForm || (await providers()).length > 1;
}

/** Discovers the provider and makes the request to it; `state` names this flow, the browser's cookie binds it. */
export async function startFederation(
  facts: ProviderChosen,
  ports: Ports,
): Promise<StepResult<{ redirected: Omit<AtProvider, keyof ProviderChosen>; unavailable: Back }>> {
  const provider = await ports.provider(facts.providerId);
  if (!provider) return reject('server_error', 'The log-in provider is not available', 'provider-unknown');
  const loginHint = facts.request.parameters['login_hint'];
  const { maximumAgeSeconds } = facts;
  const result = await ports.federation.start({
    tenant: ports.tenant,
    provider,
    redirectUri: federationRedirectUri(ports.tenant.issuer, provider.id),
    ...(loginHint === undefined ? {} : { loginHint }),
    // A session at the provider would undo what the app asked for, as one here would.
    ...(wantsFreshLogin(facts) ? { prompt: 'login' as const } : {}),
    ...(maximumAgeSeconds === undefined ? {} : { maximumAgeSeconds }),
  });
  if (!result.ok) {
    ports.log('warn', 'a log-in provider could not be used', { provider: provider.id, code: result.code });
    if (await hasAnotherWay(ports)) return move('unavailable', because('provider-unavailable'));
    return reject('temporarily_unavailable', 'The log-in provider is not available', `provider-${result.code}`);
  }
  return move(
    'redirected',
    { pending: result.pending, askedAt: ports.now(), samlAnswer: undefined },
    { reveal: { providerUrl: result.url }, handles: [{ kind: 'federation', hash: ports.hash(result.pending.state) }] },
  );
}

/**
 * The provider's answer, verified by the relying party library: state, issuer, signature, nonce, times. Or the person
 * came back without one, to log in another way.
 */
export async function acceptProviderAnswer(
  facts: AtProvider,
  input: Readonly<Record<string, unknown>>,
  ports: Ports,
): Promise<StepResult<{ answered: Omit<ProviderAnswered, keyof ProviderChosen>; returned: Back }> | Again> {
  if (input['returned'] === true) return move('returned', {});
  const provider = await ports.provider(facts.providerId);
  if (!provider) return reject('server_error', 'The log-in provider is not available', 'provider-unknown');
  const result = await readProviderAnswer(facts, provider, input, ports);
  if (!result.ok) {
    ports.log('warn', 'a log-in at a provider failed', { provider: provider.id, reason: result.message });
    const anotherWay = await hasAnotherWay(ports);
    if (result.code === 'denied')
      return anotherWay
        ? move('returned', because('provider-denied'))
        : reject('access_denied', 'The log-in at the provider was denied', 'provider-denied');
    if (result.code === 'unreachable')
      return anotherWay
        ? move('returned', because('provider-unavailable'))
        : reject('temporarily_unavailable', 'The log-in provider is not available', 'provider-unreachable');
    return reject('server_error', 'The log-in at the provider failed', `provider-${result.code}`);
  }
  if (!youngEnough(facts, result.claims['auth_time']))
    return reject('server_error', 'The log-in at the provider failed', 'provider-login-too-old');
  return move('answered', {
    subject: result.subject,
    claims: result.claims as Readonly<Record<string, Json>>,
    samlAnswer: undefined,
    ...(!('tokens' in result) || result.tokens === undefined ? {} : { providerTokens: result.tokens }),
  });
}

/** The provider's clock may be a minute behind ours. */
const clockTolerance = 60_000;

/** Where the app set a maximum age, the provider must say when the person logged in there (OpenID Connect Core 3.1.3.7). */
function youngEnough({ maximumAgeSeconds, askedAt }: AtProvider, authenticatedAt: unknown): boolean {
  if (maximumAgeSeconds === undefined) return true;
  const earliest = askedAt - maximumAgeSeconds * 1000 - clockTolerance;
  return typeof authenticatedAt === 'number' && authenticatedAt * 1000 >= earliest;
}

/**
 * Finds or prepares the session of the user that `getUserName` named: what is known locally, with name and e-mail as the
 * provider has them by now, or an empty one with the provider's default authorities.
 */
export async function prepareProviderUser(
  facts: ProviderAnswered & { readonly username: string },
  ports: Ports,
): Promise<
  StepResult<{ named: Omit<ProviderUserNamed, keyof ProviderAnswered>; existing: Pick<ExistingFound, 'linkWanted'> }>
> {
  const { providerId: moduleId, subject, username } = facts;
  const linked = await ports.store.users.findByExternal(ports.tenant.id, moduleId, subject);
  if (linked)
    return move('named', {
      moduleId,
      userId: linked.id,
      session: linked.external ? { ...sessionOf(linked), ...personalOf(facts.claims) } : sessionOf(linked),
    });
  const provider = await ports.provider(moduleId);
  const namesake = await ports.store.users.findByUsername(ports.tenant.id, username);
  if (namesake)
    return (
      offerProof(facts, provider, namesake, ports) ??
      reject('access_denied', 'The request was denied', 'username-taken')
    );
  const session: UserSessionModel = {
    username,
    external: true,
    ...personalOf(facts.claims),
    authorities: provider?.defaultAuthorities ?? [],
    defaultLaunchContexts: [],
    launchResourceIds: [],
    fhirContext: [],
    userData: {},
  };
  return move('named', { moduleId, session });
}

/**
 * A local account is never taken over by a foreign claim of its name. Where the provider's settings allow it, its owner
 * may prove it here and now; nothing of the provider's answer but whom it spoke of goes on with the flow.
 */
function offerProof(
  { providerId, subject, providerTokens }: ProviderAnswered,
  provider: Provider | undefined,
  namesake: User,
  ports: Ports,
): Moved<'existing', Pick<ExistingFound, 'linkWanted'>> | undefined {
  const { tenant } = ports;
  if (provider?.existingUsers !== 'prove' || !tenant.federation.passwordForm) return undefined;
  if (!namesake.enabled || namesake.passwordHash === undefined) return undefined;
  if (providerTokens !== undefined) void ports.federation.revoke({ tenant, provider, tokens: providerTokens });
  const forgotten = { providerId: undefined, providerTokens: undefined, subject: undefined, claims: undefined };
  return move('existing', { ...forgotten, linkWanted: { providerId, subject, username: namesake.username } });
}

/** Creates the local user on the first log-in, or brings the known one up to date with what the callback decided. */
export async function linkUser(
  facts: ProviderUserNamed,
  ports: Ports,
): Promise<StepResult<{ linked: { readonly userId: string; readonly proof: Proof } }>> {
  const proof: Proof = { amr: amrOf(facts.claims['amr']), provider: facts.providerId };
  const known = facts.userId === undefined ? undefined : await ports.user(facts.userId);
  if (known && !known.enabled) return reject('access_denied', 'The request was denied', 'user-disabled');
  // Who linked the provider's account is a person of this tenant's: what they are is not the provider's to change.
  if (known && !known.external) return move('linked', { userId: known.id, proof });
  const { session } = facts;
  const user: User = {
    ...(known ?? { enabled: true }),
    id: known?.id ?? ports.newHandle(),
    username: session.username,
    enabled: true,
    ...(session.givenName ? { givenName: session.givenName } : {}),
    ...(session.familyName ? { familyName: session.familyName } : {}),
    ...(session.email ? { email: session.email } : {}),
    ...(session.fhirUserUrl ? { fhirUser: session.fhirUserUrl } : {}),
    external: { provider: facts.providerId, subject: facts.subject },
    authorities: session.authorities,
    defaultLaunchContexts: session.defaultLaunchContexts,
    userData: session.userData,
  };
  try {
    await ports.store.users.save(ports.tenant.id, user);
  } catch (error) {
    if ((error as { code?: string }).code !== 'conflict') throw error;
    return reject('access_denied', 'The request was denied', 'username-taken');
  }
  return move('linked', { userId: user.id, proof });
}
