/** Access and refresh tokens. */
import { createBatch } from '../batch.ts';
import { type Database, encodeJson, firstRow, instant, preparedRows, rows } from '../database.ts';
import { isUniqueViolation, StoreError } from '../error.ts';
import type { StoredToken, TokenRepository } from '../store.ts';

interface TokenRow {
  readonly tenant_id: string;
  readonly hash: string;
  readonly kind: 'access' | 'refresh';
  readonly grant_id: string;
  readonly client_id: string;
  readonly user_id: string | null;
  readonly session_id: string | null;
  readonly scope: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly issued_at: string | number;
  readonly expires_at: string | number;
  readonly revoked_at: string | number | null;
  readonly used_at: string | number | null;
  readonly last_used_at?: string | number | null;
}

function toToken(row: TokenRow): StoredToken {
  return {
    hash: row.hash,
    tenantId: row.tenant_id,
    kind: row.kind,
    grantId: row.grant_id,
    clientId: row.client_id,
    scope: row.scope,
    details: row.details,
    issuedAt: instant(row.issued_at),
    expiresAt: instant(row.expires_at),
    ...(row.user_id === null ? {} : { userId: row.user_id }),
    ...(row.session_id === null ? {} : { sessionId: row.session_id }),
    ...(row.revoked_at === null ? {} : { revokedAt: instant(row.revoked_at) }),
    ...(row.used_at === null ? {} : { usedAt: instant(row.used_at) }),
    ...(row.last_used_at === null || row.last_used_at === undefined ? {} : { lastUsedAt: instant(row.last_used_at) }),
  };
}

// A token saved at the very moment its grant or session is revoked escapes the UPDATE; this catches it on reading.
const REVOCATION = `(select min(revocation.revoked_at) from revocation where revocation.tenant_id = token.tenant_id
  and (revocation.kind, revocation.id) in (('grant', token.grant_id), ('session', token.session_id)))`;

const COLUMNS = `token.tenant_id, token.hash, token.kind, token.grant_id, token.client_id, token.user_id,
  token.session_id, token.scope, token.details, token.issued_at, token.expires_at, token.used_at,
  coalesce(token.revoked_at, ${REVOCATION}) as revoked_at`;

// One parameter, so that the statement reads the same for any number of rows.
const INSERT = `insert into token (tenant_id, hash, kind, grant_id, client_id, user_id, session_id, scope, details,
    issued_at, expires_at, revoked_at, used_at)
  select "tenantId", hash, kind, "grantId", "clientId", "userId", "sessionId", scope, coalesce(details, '{}'::jsonb),
    "issuedAt", "expiresAt", "revokedAt", "usedAt"
  from jsonb_to_recordset(?::jsonb) as item ("tenantId" text, hash text, kind text, "grantId" text, "clientId" text,
    "userId" text, "sessionId" text, scope text, details jsonb, "issuedAt" bigint, "expiresAt" bigint,
    "revokedAt" bigint, "usedAt" bigint)`;

async function insert(database: Database, tokens: readonly StoredToken[]): Promise<void> {
  try {
    await preparedRows(database, 'insert-token', INSERT, [encodeJson(tokens)]);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new StoreError('conflict', 'A token with this hash is stored already.', undefined, error);
  }
}

export function tokenRepository(database: Database): TokenRepository {
  const batch = createBatch<StoredToken>((tokens) => insert(database, tokens));

  return {
    save: (tokens) => batch.add(tokens),
    async find(tenantId, hash) {
      const row = await firstRow<TokenRow>(
        database,
        `select ${COLUMNS} from token where token.tenant_id = ? and token.hash = ?`,
        [tenantId, hash],
      );
      return row && toToken(row);
    },
    async consume(tenantId, hash, now) {
      const used = await rows(
        database,
        `update token set used_at = ? where tenant_id = ? and hash = ? and kind = 'refresh' and used_at is null
         and expires_at > ? and coalesce(revoked_at, ${REVOCATION}) is null returning hash`,
        [now, tenantId, hash, now],
      );
      return used.length === 1;
    },
    async revoke(tenantId, hash, now) {
      await rows(database, 'update token set revoked_at = ? where tenant_id = ? and hash = ? and revoked_at is null', [
        now,
        tenantId,
        hash,
      ]);
    },
    async revokeGrant(tenantId, grantId, now) {
      await rows(
        database,
        `with recorded as (
           insert into revocation (tenant_id, kind, id, revoked_at) values (?, 'grant', ?, ?) on conflict do nothing)
         update token set revoked_at = ? where tenant_id = ? and grant_id = ? and revoked_at is null`,
        [tenantId, grantId, now, now, tenantId, grantId],
      );
    },
    async revokeForUser(tenantId, userId, clientId, now) {
      await rows(
        database,
        `with ended as (
           select distinct grant_id from token
           where tenant_id = ? and user_id = ?${clientId === undefined ? '' : ' and client_id = ?'}),
         recorded as (
           insert into revocation (tenant_id, kind, id, revoked_at)
           select ?, 'grant', grant_id, ?::bigint from ended on conflict do nothing)
         update token set revoked_at = ? from ended
         where token.tenant_id = ? and token.grant_id = ended.grant_id and token.revoked_at is null`,
        [tenantId, userId, ...(clientId === undefined ? [] : [clientId]), tenantId, now, now, tenantId],
      );
    },
    async listForUser(tenantId, userId, now) {
      const found = await rows<TokenRow>(
        database,
        `select ${COLUMNS}, grant_use.used_at as last_used_at from token
         left join grant_use on grant_use.tenant_id = token.tenant_id and grant_use.grant_id = token.grant_id
         where token.tenant_id = ? and token.user_id = ? and token.expires_at > ?
         and token.used_at is null and coalesce(token.revoked_at, ${REVOCATION}) is null
         order by token.issued_at desc, token.hash`,
        [tenantId, userId, now],
      );
      return found.map(toToken);
    },
    async recordUses(uses) {
      await rows(
        database,
        `insert into grant_use (tenant_id, grant_id, used_at)
         select "tenantId", "grantId", max("usedAt")
         from jsonb_to_recordset(?::jsonb) as item ("tenantId" text, "grantId" text, "usedAt" bigint)
         group by "tenantId", "grantId" order by "tenantId", "grantId"
         on conflict (tenant_id, grant_id) do update set used_at = greatest(grant_use.used_at, excluded.used_at)`,
        [encodeJson(uses)],
      );
    },
  };
}
