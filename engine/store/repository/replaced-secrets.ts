/** What took the place of the foreign hashes of a tenant document's client secrets. */
import { type Database, rows } from '../database.ts';
import { hashHandle } from '../secret.ts';
import type { ReplacedSecretRepository } from '../store.ts';

interface ReplacedRow {
  readonly replaced: string;
  readonly hash: string;
}

export function replacedSecretRepository(database: Database): ReplacedSecretRepository {
  return {
    async find(tenantId, clientId) {
      const found = await rows<ReplacedRow>(
        database,
        'select replaced, hash from replaced_secret where tenant_id = ? and client_id = ?',
        [tenantId, clientId],
      );
      const byDigest = new Map(found.map(({ replaced, hash }) => [replaced, hash]));
      return (foreignHash) => byDigest.get(hashHandle(foreignHash));
    },
    async save(tenantId, clientId, foreignHash, hash) {
      await rows(
        database,
        `insert into replaced_secret (tenant_id, client_id, replaced, hash) values (?, ?, ?, ?)
         on conflict (tenant_id, client_id, replaced) do update set hash = excluded.hash`,
        [tenantId, clientId, hashHandle(foreignHash), hash],
      );
    },
  };
}
