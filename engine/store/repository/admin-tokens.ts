/** Tokens of the admin API. */
import { type Database, encodeJson, firstRow, instant, rows } from '../database.ts';
import type { AdminToken, AdminTokenRepository } from '../store.ts';

interface AdminTokenRow {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly tenants: readonly string[] | null;
  readonly created_at: string | number;
  readonly expires_at: string | number;
}

function toToken(row: AdminTokenRow): AdminToken {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    ...(row.tenants === null ? {} : { tenants: row.tenants }),
    createdAt: instant(row.created_at),
    expiresAt: instant(row.expires_at),
  };
}

export function adminTokenRepository(database: Database): AdminTokenRepository {
  return {
    async save({ hash, id, name, role, tenants, createdAt, expiresAt }) {
      await database.transaction(async (transaction) => {
        // A new secret of the same id replaces the old one: the bootstrap secret may have been changed by its owner.
        await rows(transaction, 'delete from admin_token where id = ? and hash <> ?', [id, hash]);
        await rows(
          transaction,
          `insert into admin_token (hash, id, name, role, tenants, created_at, expires_at)
           values (?, ?, ?, ?, ?::jsonb, ?, ?)
           on conflict (hash) do update set id = excluded.id, name = excluded.name, role = excluded.role,
             tenants = excluded.tenants, expires_at = excluded.expires_at`,
          [hash, id, name, role, tenants === undefined ? null : encodeJson(tenants), createdAt, expiresAt],
        );
      });
    },
    async find(hash, now) {
      const row = await firstRow<AdminTokenRow>(
        database,
        'select * from admin_token where hash = ? and expires_at > ?',
        [hash, now],
      );
      return row && toToken(row);
    },
    async list(now) {
      const found = await rows<AdminTokenRow>(
        database,
        'select * from admin_token where expires_at > ? order by created_at, id',
        [now],
      );
      return found.map(toToken);
    },
    async delete(id) {
      if (id.includes('\0')) return false;
      return (await rows(database, 'delete from admin_token where id = ? returning id', [id])).length === 1;
    },
  };
}
