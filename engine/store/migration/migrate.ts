/** Brings the schema to this version. */
import type { Knex } from 'knex';
import type { Database } from '../database.ts';
import { migrations } from './list.ts';

type NamedMigration = (typeof migrations)[number];

const source: Knex.MigrationSource<NamedMigration> = {
  getMigrations: async () => [...migrations],
  getMigrationName: (migration) => migration.name,
  getMigration: async (migration) => migration,
};

// Any number will do; it must only be the same on every node.
const MIGRATION_LOCK = 7_255_976_702;

/**
 * Runs the missing migrations in one transaction under an advisory lock: nodes that start together wait for the first
 * one, and one that dies half-way leaves nothing behind.
 */
export async function migrate(database: Database): Promise<void> {
  await database.transaction(async (transaction) => {
    await transaction.raw('select pg_advisory_xact_lock(?)', [MIGRATION_LOCK]);
    await transaction.migrate.latest({
      migrationSource: source,
      tableName: 'schema_migration',
      disableTransactions: true,
    });
  });
}
