/** Log-in sessions of people. */
import { type Database, encodeJson, firstRow, instant, rows } from '../database.ts';
import type { SessionRepository, StoredSession } from '../store.ts';

interface SessionRow {
  readonly tenant_id: string;
  readonly id_hash: string;
  readonly user_id: string;
  readonly authenticated_at: string | number;
  readonly expires_at: string | number;
  readonly details: Readonly<Record<string, unknown>>;
}

function toSession(row: SessionRow): StoredSession {
  return {
    idHash: row.id_hash,
    tenantId: row.tenant_id,
    userId: row.user_id,
    authenticatedAt: instant(row.authenticated_at),
    expiresAt: instant(row.expires_at),
    details: row.details,
  };
}

export function sessionRepository(database: Database): SessionRepository {
  return {
    async save(session) {
      await rows(
        database,
        `insert into session (tenant_id, id_hash, user_id, authenticated_at, expires_at, details)
         values (?, ?, ?, ?, ?, ?::jsonb)
         on conflict (tenant_id, id_hash) do update set user_id = excluded.user_id,
           authenticated_at = excluded.authenticated_at, expires_at = excluded.expires_at, details = excluded.details`,
        [
          session.tenantId,
          session.idHash,
          session.userId,
          session.authenticatedAt,
          session.expiresAt,
          encodeJson(session.details),
        ],
      );
    },
    async find(tenantId, idHash, now) {
      const row = await firstRow<SessionRow>(
        database,
        'select * from session where tenant_id = ? and id_hash = ? and expires_at > ?',
        [tenantId, idHash, now],
      );
      return row && toSession(row);
    },
    async delete(tenantId, idHash) {
      await rows(database, 'delete from session where tenant_id = ? and id_hash = ?', [tenantId, idHash]);
    },
    async listForUser(tenantId, userId, now) {
      const found = await rows<SessionRow>(
        database,
        'select * from session where tenant_id = ? and user_id = ? and expires_at > ? order by authenticated_at desc, id_hash',
        [tenantId, userId, now],
      );
      return found.map(toSession);
    },
    async deleteForUser(tenantId, userId) {
      await rows(database, 'delete from session where tenant_id = ? and user_id = ?', [tenantId, userId]);
    },
  };
}
