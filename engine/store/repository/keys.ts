/** Signing keys. A unique partial index holds that one key of an algorithm is active in a tenant. */
import { type Database, encodeJson, instant, rows } from '../database.ts';
import { isUniqueViolation, StoreError } from '../error.ts';
import type { KeyRepository } from '../store.ts';

interface KeyRow {
  readonly tenant_id: string;
  readonly kid: string;
  readonly algorithm: string;
  readonly active: boolean;
  readonly public_jwk: unknown;
  readonly sealed_private_jwk: string;
  readonly created_at: string | number;
}

export function keyRepository(database: Database): KeyRepository {
  return {
    async list(tenantId) {
      const found = await rows<KeyRow>(
        database,
        'select * from signing_key where tenant_id = ? order by created_at, kid',
        [tenantId],
      );
      return found.map((row) => ({
        tenantId: row.tenant_id,
        kid: row.kid,
        algorithm: row.algorithm,
        active: row.active,
        publicJwk: row.public_jwk,
        sealedPrivateJwk: row.sealed_private_jwk,
        createdAt: instant(row.created_at),
      }));
    },
    async save(key) {
      await rows(
        database,
        `insert into signing_key (tenant_id, kid, algorithm, active, public_jwk, sealed_private_jwk, created_at)
         values (?, ?, ?, ?, ?::jsonb, ?, ?)`,
        [
          key.tenantId,
          key.kid,
          key.algorithm,
          key.active,
          encodeJson(key.publicJwk),
          key.sealedPrivateJwk,
          key.createdAt,
        ],
      ).catch((error: unknown) => {
        if (!isUniqueViolation(error)) throw error;
        throw new StoreError('conflict', 'This key, or another active one of its algorithm, exists.', undefined, error);
      });
    },
    async deleteInactive(tenantId, kid) {
      if (kid.includes('\0')) return false;
      const deleted = await rows(
        database,
        'delete from signing_key where tenant_id = ? and kid = ? and not active returning kid',
        [tenantId, kid],
      );
      return deleted.length === 1;
    },
    async activate(tenantId, kid) {
      // Two statements, as a unique index is checked row by row; the first one also makes a concurrent caller wait.
      await database.transaction(async (transaction) => {
        await rows(
          transaction,
          `select kid from signing_key where tenant_id = ? and algorithm =
             (select algorithm from signing_key where tenant_id = ? and kid = ?) order by kid for update`,
          [tenantId, tenantId, kid],
        );
        await rows(
          transaction,
          `update signing_key set active = false where tenant_id = ? and active and kid <> ? and algorithm =
             (select algorithm from signing_key where tenant_id = ? and kid = ?)`,
          [tenantId, kid, tenantId, kid],
        );
        await rows(transaction, 'update signing_key set active = true where tenant_id = ? and kid = ?', [
          tenantId,
          kid,
        ]);
      });
    },
  };
}
