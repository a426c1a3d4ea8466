/** Log-out notices that wait to be sent. They are made where a session ends; see `sessions.ts`. */
import { type Database, rows } from '../database.ts';
import type { LogoutNoticeRepository } from '../store.ts';

interface NoticeRow {
  readonly tenant_id: string;
  readonly id: string | number;
  readonly session_id: string;
  readonly client_id: string;
  readonly user_id: string;
  readonly subject: string;
  readonly attempts: number;
}

export function logoutNoticeRepository(database: Database): LogoutNoticeRepository {
  return {
    async take(now, leaseUntil, limit) {
      const taken = await rows<NoticeRow>(
        database,
        `update logout_notice set attempts = attempts + 1, due_at = ? where (tenant_id, id) in (
           select tenant_id, id from logout_notice where due_at <= ? order by due_at limit ? for update skip locked)
         returning tenant_id, id, session_id, client_id, user_id, subject, attempts`,
        [leaseUntil, now, limit],
      );
      return taken.map((row) => ({
        tenantId: row.tenant_id,
        id: String(row.id),
        sessionIdHash: row.session_id,
        clientId: row.client_id,
        userId: row.user_id,
        subject: row.subject,
        attempts: row.attempts,
      }));
    },
    async postpone({ tenantId, id }, until) {
      await rows(database, 'update logout_notice set due_at = ? where tenant_id = ? and id = ?', [until, tenantId, id]);
    },
    async remove({ tenantId, id }) {
      await rows(database, 'delete from logout_notice where tenant_id = ? and id = ?', [tenantId, id]);
    },
  };
}
