/** The steps by which a person links a provider's account with their own: they log in there, and nothing else decides. */
import type { AtProvider, Authenticated, LinkAnswered, LinkAsked, LinkPending } from '../facts.ts';
import type { Ports } from '../ports.ts';
import { move, type Moved, reject, type StepResult } from '../table.ts';
import { federationRedirectUri, readProviderAnswer } from './provider-answer.ts';

/** Sends the person to the provider, where they must log in whatever session they have. */
export async function askForLink(
  facts: LinkAsked,
  ports: Ports,
): Promise<StepResult<{ redirected: Pick<AtProvider, 'pending'> }>> {
  const provider = await ports.provider(facts.providerId);
  if (!provider) return reject('server_error', 'The log-in provider is not available', 'provider-unknown');
  const result = await ports.federation.start({
    tenant: ports.tenant,
    provider,
    redirectUri: federationRedirectUri(ports.tenant.issuer, provider.id),
    prompt: 'login',
  });
  if (!result.ok) {
    ports.log('warn', 'a log-in provider could not be used', { provider: provider.id, code: result.code });
    return reject('temporarily_unavailable', 'The log-in provider is not available', 'provider-unreachable');
  }
  return move(
    'redirected',
    { pending: result.pending },
    { reveal: { providerUrl: result.url }, handles: [{ kind: 'federation', hash: ports.hash(result.pending.state) }] },
  );
}

/** The provider's answer, verified as at a log-in, for the very session that asked for it. */
export async function acceptLinkAnswer(
  facts: LinkPending,
  input: Readonly<Record<string, unknown>>,
  ports: Ports,
): Promise<StepResult<{ answered: Pick<LinkAnswered, 'subject'> }>> {
  const provider = await ports.provider(facts.providerId);
  if (!provider) return reject('server_error', 'The log-in provider is not available', 'provider-unknown');
  if (input['sessionIdHash'] !== facts.request.sessionIdHash)
    return reject('access_denied', 'Another session asked for this', 'session-changed');
  const { tenant } = ports;
  const result = await readProviderAnswer(facts, provider, input, ports);
  if (!result.ok) {
    ports.log('warn', 'a log-in at a provider failed', { provider: provider.id, reason: result.message });
    return reject('access_denied', 'The log-in at the provider failed', `provider-${result.code}`);
  }
  // Nobody logged in here by it.
  if ('tokens' in result && result.tokens) void ports.federation.revoke({ tenant, provider, tokens: result.tokens });
  return move('answered', { subject: result.subject, samlAnswer: undefined });
}

/** Links the account, unless it belongs to somebody else already. */
export async function linkAccount(facts: LinkAnswered, ports: Ports): Promise<StepResult<{ linked: unknown }>> {
  const problem = await link(facts.userId, facts, ports);
  return problem === undefined ? move('linked', {}) : reject('access_denied', 'The request was denied', problem);
}

/**
 * Links the provider's account with the one here that was proven beside it. Should it have become somebody else's
 * meanwhile, the person is logged in with their own all the same.
 */
export async function joinAccount(
  { linkWanted, userId }: Authenticated,
  ports: Ports,
): Promise<Moved<'joined', { readonly linkWanted: undefined }>> {
  const problem = linkWanted && (await link(userId, linkWanted, ports));
  if (problem !== undefined) ports.log('warn', 'an account at a provider could not be linked', { problem });
  return move('joined', { linkWanted: undefined });
}

/** Why it cannot be linked, or undefined once it is. */
async function link(
  userId: string,
  { providerId: provider, subject }: { readonly providerId: string; readonly subject: string },
  { audit, now, store, tenant, user: find }: Ports,
): Promise<'user-may-not-link' | 'account-taken' | undefined> {
  const user = await find(userId);
  if (!user?.enabled || user.external) return 'user-may-not-link';
  const owner = await store.users.findByExternal(tenant.id, provider, subject);
  if (owner?.id === userId) return undefined;
  if (owner || !(await store.providerLinks.add(tenant.id, userId, { provider, subject }, now())))
    return 'account-taken';
  audit({
    tenantId: tenant.id,
    at: now(),
    type: 'account.linked',
    outcome: 'success',
    userId,
    details: { provider },
  });
  return undefined;
}
