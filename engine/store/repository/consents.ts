/** What a person allowed a client, and the terms the person agreed to for it. */
import { type Database, encodeJson, firstRow, instant, rows } from '../database.ts';
import type { ConsentRepository } from '../store.ts';

interface ConsentRow {
  readonly scopes: readonly string[];
  readonly expires_at: string | number;
}

interface TermsRow {
  readonly version: string;
  readonly accepted_at: string | number;
}

export function consentRepository(database: Database): ConsentRepository {
  return {
    async find(tenantId, userId, clientId) {
      const row = await firstRow<ConsentRow>(
        database,
        'select scopes, expires_at from consent where tenant_id = ? and user_id = ? and client_id = ?',
        [tenantId, userId, clientId],
      );
      return row && { scopes: row.scopes, expiresAt: instant(row.expires_at) };
    },
    async save(tenantId, userId, clientId, scopes, expiresAt) {
      await rows(
        database,
        `insert into consent (tenant_id, user_id, client_id, scopes, expires_at) values (?, ?, ?, ?::jsonb, ?)
         on conflict (tenant_id, user_id, client_id) do update set scopes = excluded.scopes,
           expires_at = excluded.expires_at`,
        [tenantId, userId, clientId, encodeJson(scopes), expiresAt],
      );
    },
    async findTerms(tenantId, userId, clientId) {
      const row = await firstRow<TermsRow>(
        database,
        'select version, accepted_at from terms_agreement where tenant_id = ? and user_id = ? and client_id = ?',
        [tenantId, userId, clientId],
      );
      return row && { version: row.version, acceptedAt: instant(row.accepted_at) };
    },
    async saveTerms(tenantId, userId, clientId, version, now) {
      await rows(
        database,
        `insert into terms_agreement (tenant_id, user_id, client_id, version, accepted_at) values (?, ?, ?, ?, ?)
         on conflict (tenant_id, user_id, client_id) do update set version = excluded.version,
           accepted_at = excluded.accepted_at`,
        [tenantId, userId, clientId, version, now],
      );
    },
    async listForUser(tenantId, userId, now) {
      const found = await rows<{
        readonly client_id: string;
        readonly scopes: readonly string[] | null;
        readonly expires_at: string | number | null;
        readonly version: string | null;
        readonly accepted_at: string | number | null;
      }>(
        database,
        `select client_id, scopes, expires_at, version, accepted_at
         from (select * from consent where tenant_id = ? and user_id = ? and expires_at > ?) as given
         full join (select * from terms_agreement where tenant_id = ? and user_id = ?) as agreed using (client_id)
         order by client_id`,
        [tenantId, userId, now, tenantId, userId],
      );
      return found.map((row) => ({
        clientId: row.client_id,
        scopes: row.scopes ?? [],
        ...(row.expires_at === null ? {} : { expiresAt: instant(row.expires_at) }),
        ...(row.version === null || row.accepted_at === null
          ? {}
          : { terms: { version: row.version, acceptedAt: instant(row.accepted_at) } }),
      }));
    },
    async delete(tenantId, userId, clientId) {
      await rows(
        database,
        `with terms as (delete from terms_agreement where tenant_id = ? and user_id = ? and client_id = ?)
         delete from consent where tenant_id = ? and user_id = ? and client_id = ?`,
        [tenantId, userId, clientId, tenantId, userId, clientId],
      );
    },
    async deleteTerms(tenantId, userId, clientId) {
      const gone = await rows(
        database,
        'delete from terms_agreement where tenant_id = ? and user_id = ? and client_id = ? returning 1 as gone',
        [tenantId, userId, clientId],
      );
      return gone.length > 0;
    },
  };
}
