/** Which apps have access in a person's name, for the manage page and for administrators. */
import type { Grant } from '../flow/facts.ts';
import type { Store, StoredToken } from '../store/store.ts';

export interface GrantedAccess {
  readonly clientId: string;
  /** Scopes of all live tokens together. */
  readonly scopes: readonly string[];
  /** When the oldest live grant began, epoch milliseconds; absent where only an approval is remembered. */
  readonly since?: number;
  /** When the server last saw the access used, to some minutes: a token issued, introspected, or shown at userinfo. */
  readonly lastUsedAt?: number;
  /** Whether the app keeps access when the person is logged out. */
  readonly offline: boolean;
  readonly remembered?: { readonly scopes: readonly string[]; readonly expiresAt: number };
  readonly terms?: { readonly version: string; readonly acceptedAt: number };
  /** Kinds of context of which the person has a choice remembered. */
  readonly rememberedContexts: readonly string[];
}

/** In the order of the client ids. @param now epoch milliseconds. */
export async function listGrantedAccess(
  store: Pick<Store, 'tokens' | 'consents' | 'rememberedContexts'>,
  tenantId: string,
  userId: string,
  now: number,
): Promise<readonly GrantedAccess[]> {
  const [tokens, consents, contexts] = await Promise.all([
    store.tokens.listForUser(tenantId, userId, now),
    store.consents.listForUser(tenantId, userId, now),
    store.rememberedContexts.listForUser(tenantId, userId, now),
  ]);
  const clientIds = new Set([...tokens, ...consents, ...contexts].map(({ clientId }) => clientId));
  return [...clientIds].sort().map((clientId) => {
    const live = tokens.filter((token) => token.clientId === clientId);
    const consent = consents.find((each) => each.clientId === clientId);
    return {
      clientId,
      scopes: [...new Set(live.flatMap((token) => token.scope.split(' ')))].sort(),
      ...(live.length > 0
        ? {
            since: Math.min(...live.map(startOf)),
            lastUsedAt: Math.max(...live.map((token) => Math.max(token.issuedAt, token.lastUsedAt ?? 0))),
          }
        : {}),
      offline: live.some((token) => token.kind === 'refresh' && token.sessionId === undefined),
      ...(consent?.expiresAt === undefined
        ? {}
        : { remembered: { scopes: consent.scopes, expiresAt: consent.expiresAt } }),
      ...(consent?.terms ? { terms: consent.terms } : {}),
      rememberedContexts: contexts.filter((each) => each.clientId === clientId).map(({ kind }) => kind),
    };
  });
}

/** A refresh token is younger than the grant it renews. */
function startOf({ details, issuedAt }: StoredToken): number {
  return (details['grant'] as Grant | undefined)?.startedAt ?? issuedAt;
}

/** Ends the access of one app: tokens, remembered approval, terms agreement and remembered choices together. */
export async function endGrantedAccess(
  store: Pick<Store, 'tokens' | 'consents' | 'rememberedContexts'>,
  tenantId: string,
  userId: string,
  clientId: string,
  now: number,
): Promise<void> {
  await store.tokens.revokeForUser(tenantId, userId, clientId, now);
  await store.consents.delete(tenantId, userId, clientId);
  await store.rememberedContexts.delete(tenantId, userId, { clientId });
}
