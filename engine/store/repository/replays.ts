/** Values that count only once, such as the `jti` of an assertion (RFC 7523 section 3, item 7). */
import { type Database, rows } from '../database.ts';
import { hashHandle } from '../secret.ts';
import type { ReplayRepository } from '../store.ts';

export function replayRepository(database: Database): ReplayRepository {
  return {
    async remember(tenantId, space, value, expiresAt) {
      // Hashed, as the value comes from outside and may be of any length. It counts as seen until the sweep.
      const added = await rows(
        database,
        `insert into replay (tenant_id, space, hash, expires_at) values (?, ?, ?, ?)
         on conflict (tenant_id, space, hash) do nothing returning hash`,
        [tenantId, space, hashHandle(value), expiresAt],
      );
      return added.length === 1;
    },
  };
}
