/** People's accounts at foreign providers: which ones are linked, and what a log-in there left for its end. */
import { type Database, firstRow, instant, rows } from '../database.ts';
import { isUniqueViolation } from '../error.ts';
import type { ProviderLinkRepository, ProviderSessionRepository, StoredProviderSession } from '../store.ts';

interface LinkRow {
  readonly provider: string;
  readonly subject: string;
  readonly linked_at: string | number;
}

interface SessionRow {
  readonly tenant_id: string;
  readonly session_id_hash: string;
  readonly provider: string;
  readonly user_id: string;
  readonly sealed: string;
  readonly checked_at: string | number;
  readonly expires_at: string | number;
}

export function providerLinkRepository(database: Database): ProviderLinkRepository {
  return {
    async add(tenantId, userId, { provider, subject }, now) {
      try {
        await rows(
          database,
          'insert into provider_link (tenant_id, provider, subject, user_id, linked_at) values (?, ?, ?, ?, ?)',
          [tenantId, provider, subject, userId, now],
        );
        return true;
      } catch (error) {
        if (isUniqueViolation(error)) return false;
        throw error;
      }
    },
    async listForUser(tenantId, userId) {
      const found = await rows<LinkRow>(
        database,
        'select provider, subject, linked_at from provider_link where tenant_id = ? and user_id = ? order by provider',
        [tenantId, userId],
      );
      return found.map(({ provider, subject, linked_at: linkedAt }) => ({
        provider,
        subject,
        linkedAt: instant(linkedAt),
      }));
    },
    async delete(tenantId, userId, provider) {
      const gone = await rows(
        database,
        'delete from provider_link where tenant_id = ? and user_id = ? and provider = ? returning subject',
        [tenantId, userId, provider],
      );
      return gone.length === 1;
    },
  };
}

function toSession(row: SessionRow): StoredProviderSession {
  return {
    tenantId: row.tenant_id,
    sessionIdHash: row.session_id_hash,
    provider: row.provider,
    userId: row.user_id,
    sealed: row.sealed,
    checkedAt: instant(row.checked_at),
    expiresAt: instant(row.expires_at),
  };
}

export function providerSessionRepository(database: Database): ProviderSessionRepository {
  return {
    async save(session) {
      await rows(
        database,
        `insert into provider_session (tenant_id, session_id_hash, provider, user_id, sealed, checked_at, expires_at)
         values (?, ?, ?, ?, ?, ?, ?)`,
        [
          session.tenantId,
          session.sessionIdHash,
          session.provider,
          session.userId,
          session.sealed,
          session.checkedAt,
          session.expiresAt,
        ],
      );
    },
    async find(tenantId, sessionIdHash) {
      const row = await firstRow<SessionRow>(
        database,
        'select * from provider_session where tenant_id = ? and session_id_hash = ?',
        [tenantId, sessionIdHash],
      );
      return row && toSession(row);
    },
    async claim(tenantId, sessionIdHash, checkedAt, now) {
      const claimed = await rows(
        database,
        `update provider_session set checked_at = ? where tenant_id = ? and session_id_hash = ? and checked_at = ?
         returning provider`,
        [now, tenantId, sessionIdHash, checkedAt],
      );
      return claimed.length === 1;
    },
    async reseal(tenantId, sessionIdHash, sealed) {
      await rows(database, 'update provider_session set sealed = ? where tenant_id = ? and session_id_hash = ?', [
        sealed,
        tenantId,
        sessionIdHash,
      ]);
    },
    async take(tenantId, sessionIdHash) {
      const row = await firstRow<SessionRow>(
        database,
        'delete from provider_session where tenant_id = ? and session_id_hash = ? returning *',
        [tenantId, sessionIdHash],
      );
      return row && toSession(row);
    },
    async takeEnded(limit) {
      const taken = await rows<SessionRow>(
        database,
        `delete from provider_session where ctid = any (array(
           select ctid from provider_session where not exists (
             select 1 from session where session.tenant_id = provider_session.tenant_id
               and session.id_hash = provider_session.session_id_hash)
           limit ? for update skip locked)) returning *`,
        [limit],
      );
      return taken.map(toSession);
    },
    async takeForUser(tenantId, userId, provider) {
      const taken = await rows<SessionRow>(
        database,
        'delete from provider_session where tenant_id = ? and user_id = ? and provider = ? returning *',
        [tenantId, userId, provider],
      );
      return taken.map(toSession);
    },
    async listForUser(tenantId, userId, provider) {
      const found = await rows<SessionRow>(
        database,
        'select * from provider_session where tenant_id = ? and user_id = ? and provider = ?',
        [tenantId, userId, provider],
      );
      return found.map(toSession);
    },
  };
}
