/** Values that scripts keep: bounded for each tenant, and gone when they expire. */
import { type Database, encodeJson, firstRow, rows } from '../database.ts';
import type { ScriptValueRepository } from '../store.ts';

/**
 * Holds where the key is taken already, or the tenant has room for one more. What expired counts until it is swept away.
 * Parameters: tenant, key, tenant, most keys, tenant, more bytes, most bytes.
 */
const hasRoom = `(exists (select 1 from script_value where tenant_id = ? and key = ?)
    or (select count(*) from script_value where tenant_id = ?) < ?)
  and (select coalesce(sum(bytes), 0) from script_value where tenant_id = ?) + ? <= ?`;

export function scriptValueRepository(database: Database): ScriptValueRepository {
  return {
    async get(tenantId, key, now) {
      const row = await firstRow<{ readonly value: unknown }>(
        database,
        'select value from script_value where tenant_id = ? and key = ? and expires_at > ?',
        [tenantId, key, now],
      );
      return row?.value;
    },
    async set(tenantId, key, value, { expiresAt, bounds }) {
      const text = encodeJson(value);
      const bytes = Buffer.byteLength(text) + Buffer.byteLength(key);
      const stored = await rows(
        database,
        `insert into script_value (tenant_id, key, value, bytes, expires_at)
         select ?, ?, ?::jsonb, ?, ? where ${hasRoom}
         on conflict (tenant_id, key) do update set value = excluded.value, bytes = excluded.bytes,
           expires_at = excluded.expires_at
         returning key`,
        [tenantId, key, text, bytes, expiresAt, tenantId, key, tenantId, bounds.keys, tenantId, bytes, bounds.bytes],
      );
      return stored.length === 1;
    },
    async increment(tenantId, key, by, { expiresAt, now, bounds }) {
      const bytes = 20 + Buffer.byteLength(key);
      // One statement: what it reads of the row, it has locked.
      const stored = await rows<{ readonly sum: string | number }>(
        database,
        `insert into script_value (tenant_id, key, value, bytes, expires_at)
         select ?, ?, to_jsonb(?::bigint), ?, ? where ${hasRoom}
         on conflict (tenant_id, key) do update set
           value = case when script_value.expires_at <= ? then excluded.value
             else to_jsonb((script_value.value #>> '{}')::numeric::bigint + ?::bigint) end,
           bytes = excluded.bytes, expires_at = excluded.expires_at
         where script_value.expires_at <= ? or jsonb_typeof(script_value.value) = 'number'
         returning (value #>> '{}')::bigint as sum`,
        [
          tenantId,
          key,
          by,
          bytes,
          expiresAt,
          tenantId,
          key,
          tenantId,
          bounds.keys,
          tenantId,
          bytes,
          bounds.bytes,
          now,
          by,
          now,
        ],
      );
      const [row] = stored;
      if (row) return Number(row.sum);
      return (await this.get(tenantId, key, now)) === undefined ? 'full' : 'no-number';
    },
    async remove(tenantId, key) {
      await rows(database, 'delete from script_value where tenant_id = ? and key = ?', [tenantId, key]);
    },
  };
}
