/** Links that were sent by mail. */
import { type Database, encodeJson, firstRow, instant, rows } from '../database.ts';
import type { MailedLink, MailedLinkRepository } from '../store.ts';

interface LinkRow {
  readonly tenant_id: string;
  readonly hash: string;
  readonly purpose: MailedLink['purpose'];
  readonly user_id: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly expires_at: string | number;
}

function toLink(row: LinkRow): MailedLink {
  return {
    tenantId: row.tenant_id,
    hash: row.hash,
    purpose: row.purpose,
    userId: row.user_id,
    details: row.details,
    expiresAt: instant(row.expires_at),
  };
}

export function mailedLinkRepository(database: Database): MailedLinkRepository {
  return {
    async save({ tenantId, hash, purpose, userId, details, expiresAt }) {
      await rows(
        database,
        `insert into mailed_link (tenant_id, hash, purpose, user_id, details, expires_at)
         values (?, ?, ?, ?, ?::jsonb, ?)`,
        [tenantId, hash, purpose, userId, encodeJson(details), expiresAt],
      );
    },
    async find(tenantId, purpose, hash, now) {
      const row = await firstRow<LinkRow>(
        database,
        'select * from mailed_link where tenant_id = ? and hash = ? and purpose = ? and expires_at > ?',
        [tenantId, hash, purpose, now],
      );
      return row && toLink(row);
    },
    async take(tenantId, purpose, hash, now) {
      const row = await firstRow<LinkRow>(
        database,
        'delete from mailed_link where tenant_id = ? and hash = ? and purpose = ? and expires_at > ? returning *',
        [tenantId, hash, purpose, now],
      );
      return row && toLink(row);
    },
    async deleteForUser(tenantId, purpose, userId) {
      await rows(database, 'delete from mailed_link where tenant_id = ? and user_id = ? and purpose = ?', [
        tenantId,
        userId,
        purpose,
      ]);
    },
  };
}
