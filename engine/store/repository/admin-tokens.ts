/** Tokens of the admin API. */
import { type Database, firstRow, rows } from '../database.ts';
import type { AdminTokenRepository } from '../store.ts';

interface AdminTokenRow {
  readonly name: string;
  readonly role: string;
}

export function adminTokenRepository(database: Database): AdminTokenRepository {
  return {
    async save(token) {
      await rows(
        database,
        `insert into admin_token (hash, name, role, expires_at) values (?, ?, ?, ?)
         on conflict (hash) do update set name = excluded.name, role = excluded.role, expires_at = excluded.expires_at`,
        [token.hash, token.name, token.role, token.expiresAt],
      );
    },
    async find(hash, now) {
      const row = await firstRow<AdminTokenRow>(
        database,
        'select name, role from admin_token where hash = ? and expires_at > ?',
        [hash, now],
      );
      return row && { name: row.name, role: row.role };
    },
  };
}
