/** `id_token_hint` (OpenID Connect Core 3.1.2.1, RP-Initiated Logout section 2): an ID token this tenant once issued. */
import type { TenantRequest } from './http.ts';

export interface IdTokenHint {
  readonly clientId: string;
  readonly username: string;
  /** Which session it was made in. */
  readonly sid?: string;
}

/** Who and which app an ID token of this tenant speaks of; it may be expired. Undefined for anything else. */
export async function readIdTokenHint(
  { ports, tenant }: Pick<TenantRequest, 'ports' | 'tenant'>,
  token: string,
): Promise<IdTokenHint | undefined> {
  const verified = await ports.keyring.verify(tenant, token);
  // The same keys sign access tokens, whose `sub` may be a client's own id, and logout tokens.
  if (!verified || verified.header['typ'] !== 'JWT') return undefined;
  const { iss, aud, sub, sid } = verified.claims;
  return iss === tenant.issuer && typeof aud === 'string' && typeof sub === 'string' && sub !== ''
    ? { clientId: aud, username: sub, ...(typeof sid === 'string' ? { sid } : {}) }
    : undefined;
}
