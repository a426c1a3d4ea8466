/** The steps by which a person links a provider's account with their own: they log in there, and nothing else decides. */
import type { AtProvider, LinkAnswered, LinkAsked, LinkPending } from '../facts.ts';
import type { Ports } from '../ports.ts';
import { move, reject, type StepResult } from '../table.ts';
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
  const { store, tenant } = ports;
  const { providerId: provider, subject, userId } = facts;
  const user = await ports.user(userId);
  if (!user?.enabled || user.external) return reject('access_denied', 'The request was denied', 'user-may-not-link');
  const owner = await store.users.findByExternal(tenant.id, provider, subject);
  if (owner?.id === userId) return move('linked', {});
  const added =
    owner === undefined && (await store.providerLinks.add(tenant.id, userId, { provider, subject }, ports.now()));
  if (!added) return reject('access_denied', 'The request was denied', 'account-taken');
  ports.audit({
    tenantId: tenant.id,
    at: ports.now(),
    type: 'account.linked',
    outcome: 'success',
    userId,
    details: { provider },
  });
  return move('linked', {});
}
