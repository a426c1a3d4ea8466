/** Aggregates that are stored as one document by their id: clients and providers. */
import type { Client, Provider } from '../../tenant/tenant.ts';
import { type Database, encodeJson, firstRow, rows } from '../database.ts';
import { isUniqueViolation, StoreError } from '../error.ts';
import type { ClientRepository, ProviderRepository } from '../store.ts';

interface DocumentRow<Document> {
  readonly document: Document;
}

interface DocumentRepository<Document> {
  find(tenantId: string, id: string): Promise<Document | undefined>;
  save(tenantId: string, document: Document): Promise<void>;
  create(tenantId: string, document: Document): Promise<void>;
  change(tenantId: string, id: string, edit: (document: Document) => Document): Promise<Document | undefined>;
  delete(tenantId: string, id: string): Promise<void>;
  list(tenantId: string): Promise<readonly Document[]>;
}

/** @param table and `idColumn` are names of this module, never input. */
function documentRepository<Document>(
  database: Database,
  table: string,
  idColumn: string,
  idOf: (document: Document) => string,
): DocumentRepository<Document> {
  return {
    async find(tenantId, id) {
      // An id with NUL cannot be stored; asking PostgreSQL for it would be an error.
      if (id.includes('\0')) return undefined;
      const row = await firstRow<DocumentRow<Document>>(
        database,
        `select document from ${table} where tenant_id = ? and ${idColumn} = ?`,
        [tenantId, id],
      );
      return row?.document;
    },
    async save(tenantId, document) {
      await rows(
        database,
        `insert into ${table} (tenant_id, ${idColumn}, document) values (?, ?, ?::jsonb)
         on conflict (tenant_id, ${idColumn}) do update set document = excluded.document`,
        [tenantId, idOf(document), encodeJson(document)],
      );
    },
    async create(tenantId, document) {
      await rows(database, `insert into ${table} (tenant_id, ${idColumn}, document) values (?, ?, ?::jsonb)`, [
        tenantId,
        idOf(document),
        encodeJson(document),
      ]).catch((error: unknown) => {
        if (!isUniqueViolation(error)) throw error;
        throw new StoreError('conflict', `There is a ${table} with this id already.`, undefined, error);
      });
    },
    async change(tenantId, id, edit) {
      if (id.includes('\0')) return undefined;
      return database.transaction(async (transaction) => {
        const row = await firstRow<DocumentRow<Document>>(
          transaction,
          `select document from ${table} where tenant_id = ? and ${idColumn} = ? for update`,
          [tenantId, id],
        );
        if (row === undefined) return undefined;
        const changed = edit(row.document);
        await rows(transaction, `update ${table} set document = ?::jsonb where tenant_id = ? and ${idColumn} = ?`, [
          encodeJson(changed),
          tenantId,
          id,
        ]);
        return changed;
      });
    },
    async delete(tenantId, id) {
      if (id.includes('\0')) return;
      await rows(database, `delete from ${table} where tenant_id = ? and ${idColumn} = ?`, [tenantId, id]);
    },
    async list(tenantId) {
      const found = await rows<DocumentRow<Document>>(
        database,
        `select document from ${table} where tenant_id = ? order by ${idColumn}`,
        [tenantId],
      );
      return found.map((row) => row.document);
    },
  };
}

export function clientRepository(database: Database): ClientRepository {
  return documentRepository<Client>(database, 'client', 'client_id', (client) => client.clientId);
}

export function providerRepository(database: Database): ProviderRepository {
  return documentRepository<Provider>(database, 'provider', 'id', (provider) => provider.id);
}
