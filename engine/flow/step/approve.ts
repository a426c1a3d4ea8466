/** Terms of service and consent: what the person must agree to, and what was agreed before. */
import type { Client, Tenant } from '../../tenant/tenant.ts';
import type { Approved, ContextKnown } from '../facts.ts';
import type { Ports } from '../ports.ts';
import { type Again, move, reject, type StepResult } from '../table.ts';

/** Terms are asked once per user, client and version. */
export async function findTerms(
  facts: ContextKnown,
  ports: Ports,
): Promise<StepResult<{ agreed: unknown; ask: unknown }>> {
  const terms = ports.tenant.termsOfService;
  if (!terms) return move('agreed', {});
  const agreed = await ports.store.consents.findTerms(ports.tenant.id, facts.userId, facts.clientId);
  if (agreed?.version === terms.version) return move('agreed', {});
  return facts.prompt.includes('none')
    ? reject('interaction_required', 'The person must accept the terms', 'terms-required')
    : move('ask', {});
}

export async function acceptTerms(
  facts: ContextKnown,
  input: Readonly<Record<string, unknown>>,
  ports: Ports,
): Promise<StepResult<{ agreed: unknown }> | Again> {
  if (input['do'] === 'reject')
    return reject('access_denied', 'The person did not accept the terms of service', 'terms-rejected');
  if (input['do'] !== 'accept') return { kind: 'again' };
  const version = ports.tenant.termsOfService?.version ?? '';
  await ports.store.consents.saveTerms(ports.tenant.id, facts.userId, facts.clientId, version, ports.now());
  ports.audit({
    tenantId: ports.tenant.id,
    at: ports.now(),
    type: 'terms.accepted',
    outcome: 'success',
    clientId: facts.clientId,
    userId: facts.userId,
    details: { version },
  });
  return move('agreed', {});
}

/** Skips the page for scopes that need no approval or were approved before. */
export async function findConsent(
  facts: ContextKnown,
  ports: Ports,
): Promise<StepResult<{ approved: Pick<Approved, 'approvedScopes'>; ask: unknown }>> {
  const client = await ports.client(facts.clientId);
  if (!client) return reject('unauthorized_client', 'The client is not known', 'client-unknown');
  const remembered = await ports.store.consents.find(ports.tenant.id, facts.userId, facts.clientId);
  const known =
    remembered && remembered.expiresAt > ports.now() && !client.alwaysRequireApproval ? remembered.scopes : [];
  const open = facts.grantableScopes.filter((scope) => !needsNoApproval(scope, client) && !known.includes(scope));
  if (open.length === 0 && !facts.prompt.includes('consent'))
    return move('approved', { approvedScopes: facts.grantableScopes });
  return facts.prompt.includes('none')
    ? reject('consent_required', 'The person must approve the request', 'consent-required')
    : move('ask', {});
}

function needsNoApproval(scope: string, client: Client): boolean {
  return client.autoApproveScopes.includes(scope) || client.autoGrantScopes.includes(scope);
}

/** Scopes a person cannot strike out: all of them where the tenant does not allow it, else those that only carry the log-in. */
export function isLocked(scope: string, tenant: Tenant): boolean {
  return !tenant.consent.allowDecline || scope === 'openid' || scope.startsWith('launch');
}

/** Keeps what was approved where the person wants that. What was struck out is no longer remembered in any case. */
async function remember(
  { userId, clientId, grantableScopes }: ContextKnown,
  approvedScopes: readonly string[],
  wanted: boolean,
  { store, tenant, now }: Ports,
): Promise<void> {
  const stored = await store.consents.find(tenant.id, userId, clientId);
  const before = stored && stored.expiresAt > now() ? stored : undefined;
  const standing = (before?.scopes ?? []).filter(
    (scope) => approvedScopes.includes(scope) || !grantableScopes.includes(scope),
  );
  if (wanted) {
    const expiresAt = now() + tenant.lifetimes.consentSeconds * 1000;
    await store.consents.save(tenant.id, userId, clientId, [...new Set([...standing, ...approvedScopes])], expiresAt);
  } else if (before && standing.length < before.scopes.length) {
    await store.consents.save(tenant.id, userId, clientId, standing, before.expiresAt);
  }
}

export async function acceptConsent(
  facts: ContextKnown,
  input: Readonly<Record<string, unknown>>,
  ports: Ports,
): Promise<StepResult<{ approved: Pick<Approved, 'approvedScopes'> }> | Again> {
  if (input['do'] === 'deny')
    return reject('access_denied', 'The person did not approve the request', 'consent-denied');
  if (input['do'] !== 'approve') return { kind: 'again' };
  const ticked = new Set([input['scope']].flat().filter((scope) => typeof scope === 'string'));
  const approvedScopes = facts.grantableScopes.filter((scope) => isLocked(scope, ports.tenant) || ticked.has(scope));
  if (approvedScopes.length === 0) return reject('access_denied', 'The person approved nothing', 'consent-empty');
  const client = await ports.client(facts.clientId);
  await remember(
    facts,
    approvedScopes,
    client?.rememberApprovedScopes === true && input['remember'] !== undefined,
    ports,
  );
  ports.audit({
    tenantId: ports.tenant.id,
    at: ports.now(),
    type: 'consent',
    outcome: 'success',
    clientId: facts.clientId,
    userId: facts.userId,
    details: { scope: approvedScopes.join(' ') },
  });
  return move('approved', { approvedScopes });
}
