/** Launch handles of EHR launches (SMART App Launch 2, "EHR launch"). */
import { type Database, encodeJson, firstRow, instant, rows } from '../database.ts';
import { isUniqueViolation, StoreError } from '../error.ts';
import type { LaunchRepository, StoredLaunch } from '../store.ts';

interface LaunchRow {
  readonly tenant_id: string;
  readonly hash: string;
  readonly client_id: string;
  readonly username: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly expires_at: string | number;
}

function toLaunch(row: LaunchRow): StoredLaunch {
  return {
    hash: row.hash,
    tenantId: row.tenant_id,
    clientId: row.client_id,
    username: row.username,
    context: row.context,
    expiresAt: instant(row.expires_at),
  };
}

export function launchRepository(database: Database): LaunchRepository {
  return {
    async save(launch) {
      await rows(
        database,
        `insert into launch (tenant_id, hash, client_id, username, context, expires_at)
         values (?, ?, ?, ?, ?::jsonb, ?)`,
        [launch.tenantId, launch.hash, launch.clientId, launch.username, encodeJson(launch.context), launch.expiresAt],
      ).catch((error: unknown) => {
        if (!isUniqueViolation(error)) throw error;
        throw new StoreError('conflict', 'A launch with this handle exists already.', undefined, error);
      });
    },
    async take(tenantId, hash, now) {
      const row = await firstRow<LaunchRow>(
        database,
        'delete from launch where tenant_id = ? and hash = ? and expires_at > ? returning *',
        [tenantId, hash, now],
      );
      return row && toLaunch(row);
    },
    async find(tenantId, hash, now) {
      const row = await firstRow<LaunchRow>(
        database,
        'select * from launch where tenant_id = ? and hash = ? and expires_at > ?',
        [tenantId, hash, now],
      );
      return row && toLaunch(row);
    },
  };
}
