/** What a session keeps of the provider it began at: whether the person may still log in there, and that they log out. */
import type { StoredProviderSession, StoredSession } from '../../store/store.ts';
import type { User } from '../../tenant/tenant.ts';
import type { Ports } from '../ports.ts';
import { personalOf } from './personal.ts';

/**
 * Whether a session may be reused as far as its provider, or the person's log-in module, is concerned. Where the provider's settings want it, the provider
 * is asked from time to time by its refresh token; whom it refuses is logged out here.
 */
export async function stillWelcome(session: StoredSession, user: User, ports: Ports): Promise<boolean> {
  const { store, tenant } = ports;
  const vouched = await ports.identity.vouchesFor(user);
  if (vouched === 'no') await endSession(session, 'module-refused', ports);
  // While a directory is down nobody knows; the next attempt asks again.
  if (vouched !== 'yes') return false;
  const kept = await store.providerSessions.find(tenant.id, session.idHash);
  if (!kept) return true;
  const provider = await ports.provider(kept.provider);
  // Nobody is there any more who could vouch for the person.
  if (!provider) return false;
  const now = ports.now();
  if (provider.recheckSeconds === undefined || now - kept.checkedAt < provider.recheckSeconds * 1000) return true;
  // A refresh token may count once only: of two tabs one asks.
  if (!(await store.providerSessions.claim(tenant.id, session.idHash, kept.checkedAt, now))) return true;
  const answer = await ports.federation.refresh({ tenant, provider, tokens: kept.sealed });
  if (!answer.ok) {
    ports.log('warn', 'a provider does not vouch for a session', { provider: provider.id, code: answer.code });
    // While it is down nobody knows; the next attempt asks again.
    if (answer.code === 'unreachable') {
      await store.providerSessions.claim(tenant.id, session.idHash, now, kept.checkedAt);
      return false;
    }
    await store.providerSessions.take(tenant.id, session.idHash);
    await endSession(session, 'provider-refused', ports);
    return false;
  }
  await store.providerSessions.reseal(tenant.id, session.idHash, answer.tokens);
  await store.users.change(tenant.id, session.userId, (user) =>
    user.external ? { ...user, ...personalOf(answer.claims) } : user,
  );
  return true;
}

async function endSession({ idHash, userId }: StoredSession, reason: string, ports: Ports): Promise<void> {
  const { store, tenant } = ports;
  const now = ports.now();
  await store.sessions.end(tenant.id, idHash, now);
  ports.notifyApps();
  ports.audit({ tenantId: tenant.id, at: now, type: 'session.ended', outcome: 'success', userId, reason });
}

/** Tells the provider that a session which began there is over. The log-out here does not depend on it. */
export async function revokeAtProvider(kept: StoredProviderSession, ports: Ports): Promise<void> {
  const provider = await ports.provider(kept.provider);
  if (!provider) return;
  const told = await ports.federation.revoke({ tenant: ports.tenant, provider, tokens: kept.sealed });
  if (!told) ports.log('warn', 'a refresh token could not be revoked at its provider', { provider: provider.id });
}
