/** Which records people want offered first, by app and kind of context. */
import { type Database, firstRow, rows } from '../database.ts';
import type { RememberedContextRepository } from '../store.ts';

export function rememberedContextRepository(database: Database): RememberedContextRepository {
  return {
    async find({ tenantId, userId, clientId, kind }, now) {
      const row = await firstRow<{ readonly resource_id: string }>(
        database,
        `select resource_id from remembered_context
         where tenant_id = ? and user_id = ? and client_id = ? and kind = ? and expires_at > ?`,
        [tenantId, userId, clientId, kind, now],
      );
      return row?.resource_id;
    },
    async save({ tenantId, userId, clientId, kind }, resourceId, expiresAt) {
      await rows(
        database,
        `insert into remembered_context (tenant_id, user_id, client_id, kind, resource_id, expires_at)
         values (?, ?, ?, ?, ?, ?)
         on conflict (tenant_id, user_id, client_id, kind) do update set resource_id = excluded.resource_id,
           expires_at = excluded.expires_at`,
        [tenantId, userId, clientId, kind, resourceId, expiresAt],
      );
    },
    async listForUser(tenantId, userId, now) {
      const found = await rows<{ readonly client_id: string; readonly kind: string }>(
        database,
        `select client_id, kind from remembered_context where tenant_id = ? and user_id = ? and expires_at > ?
         order by client_id, kind`,
        [tenantId, userId, now],
      );
      return found.map((row) => ({ clientId: row.client_id, kind: row.kind }));
    },
    async delete(tenantId, userId, of) {
      const { clientId, kind } = of ?? {};
      const narrower = [
        ...(clientId === undefined ? [] : [['client_id', clientId] as const]),
        ...(kind === undefined ? [] : [['kind', kind] as const]),
      ];
      const gone = await rows(
        database,
        `delete from remembered_context where tenant_id = ? and user_id = ?
         ${narrower.map(([column]) => `and ${column} = ?`).join(' ')} returning 1 as gone`,
        [tenantId, userId, ...narrower.map(([, value]) => value)],
      );
      return gone.length > 0;
    },
  };
}
