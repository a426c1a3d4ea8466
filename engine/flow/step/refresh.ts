/** Refresh (RFC 6749 section 6): the token is rotated, a used one ends its whole family (RFC 9700 section 4.14). */
import { isSubset } from '../../smart/scope.ts';
import type { ClientAuthenticated, Grant } from '../facts.ts';
import type { Ports } from '../ports.ts';
import { move, reject, type StepResult } from '../table.ts';
import { readScopes } from './requested-scopes.ts';

export async function rotateRefreshToken(
  facts: ClientAuthenticated,
  ports: Ports,
): Promise<StepResult<{ rotated: { readonly grant: Grant } }>> {
  const refuse = (description: string, reason: string) => reject('invalid_grant', description, reason, { status: 400 });
  const { store, tenant } = ports;
  const { parameters } = facts.tokenRequest;
  const presented = parameters['refresh_token'];
  if (!presented) return reject('invalid_request', 'refresh_token is missing', 'refresh-missing', { status: 400 });
  const hash = ports.hash(presented);
  const token = await store.tokens.find(tenant.id, hash);
  if (!token || token.kind !== 'refresh' || token.clientId !== facts.clientId)
    return refuse('The refresh token is not valid', 'refresh-unknown');
  if (token.usedAt !== undefined) {
    await store.tokens.revokeGrant(tenant.id, token.grantId, ports.now());
    return refuse('The refresh token is not valid', 'refresh-reused');
  }
  if (token.revokedAt !== undefined || token.expiresAt <= ports.now())
    return refuse('The refresh token is not valid', 'refresh-ended');
  const before = token.details['grant'] as Grant;
  const user = before.userId === undefined ? undefined : await ports.user(before.userId);
  if (!user?.enabled) return refuse('The refresh token is not valid', 'user-disabled');
  const vouched = await ports.identity.vouchesFor(user);
  if (vouched === 'no') {
    await store.tokens.revokeGrant(tenant.id, token.grantId, ports.now());
    return refuse('The refresh token is not valid', 'module-refused');
  }
  // The token was not used: the app may try it again.
  if (vouched !== 'yes')
    return reject('temporarily_unavailable', 'The person cannot be looked up now', 'module-unavailable', {
      status: 503,
    });
  if (
    before.refresh === 'online' &&
    !(before.sessionIdHash && (await store.sessions.find(tenant.id, before.sessionIdHash, ports.now())))
  ) {
    return refuse('The refresh token is not valid', 'session-ended');
  }
  const requested = readScopes(parameters['scope'], 400);
  if ('kind' in requested) return requested;
  if (!isSubset(requested, [...before.approvedScopes])) {
    return reject('invalid_scope', 'The scope exceeds what was granted', 'scope-exceeds-grant', { status: 400 });
  }
  if (!(await store.tokens.consume(tenant.id, hash, ports.now()))) {
    await store.tokens.revokeGrant(tenant.id, token.grantId, ports.now());
    return refuse('The refresh token is not valid', 'refresh-reused');
  }
  const approvedScopes = requested.length > 0 ? requested : before.approvedScopes;
  return move('rotated', {
    grant: {
      ...before,
      grantType: 'refresh_token',
      requestedScopes: requested,
      approvedScopes,
      // Asking for less narrows the access token only; the next refresh may ask for all of it again.
      refreshScopes: before.approvedScopes,
      accessTokenClaims: {},
      idTokenClaims: {},
    },
  });
}
