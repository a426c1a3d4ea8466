/** Short tokens with which a tenant's scripts read its own FHIR server: made by the tenant itself, for nobody else. */
import { LRUCache } from 'lru-cache';
import type { Keyring } from '../key/keyring.ts';
import { effectivePermissions } from '../smart/permission.ts';
import { newHandle } from '../store/secret.ts';
import { ownClientId } from './own-client.ts';
import type { TenantDirectory } from '../tenant/tenant.ts';

const lifetimeSeconds = 300;
/** Used until shortly before its end, so that a call under way does not outlive it. */
const margin = 30_000;

/**
 * @returns a function that answers a JWT (RFC 9068) for the audience with the scopes, reused until shortly before its end;
 * undefined where there is no such tenant.
 */
export function createOwnTokens(parts: {
  readonly directory: Pick<TenantDirectory, 'byId'>;
  readonly keyring: Keyring;
  readonly now?: () => number;
}): (tenantId: string, audience: string, scope: string) => Promise<string | undefined> {
  const { directory, keyring, now = Date.now } = parts;
  const made = new LRUCache<string, { readonly token: string; readonly until: number }>({ max: 1_000 });
  return async (tenantId, audience, scope) => {
    const tenant = directory.byId(tenantId);
    if (!tenant) return undefined;
    const key = `${tenantId} ${tenant.version} ${audience} ${scope}`;
    const known = made.get(key);
    if (known && known.until > now()) return known.token;
    const issuedAt = Math.floor(now() / 1000);
    const authorities = effectivePermissions(scope.split(' '), [{ permission: 'ROLE_FHIR_CLIENT_SUPERUSER' }]);
    const token = await keyring.sign(
      tenant,
      {
        iss: tenant.issuer,
        sub: ownClientId,
        aud: audience,
        client_id: ownClientId,
        scope,
        authorities: authorities.map((authority) => ({ ...authority })),
        iat: issuedAt,
        exp: issuedAt + lifetimeSeconds,
        jti: newHandle().slice(0, 22),
      },
      { type: 'at+jwt' },
    );
    made.set(key, { token, until: (issuedAt + lifetimeSeconds) * 1000 - margin });
    return token;
  };
}
