/** Hashes of ours that took the place of foreign ones which a tenant document holds; `replaced` is the hash of the foreign hash. */
import type { Knex } from 'knex';

export const name = '0005-replaced-secrets';

export async function up(transaction: Knex): Promise<void> {
  await transaction.raw(`create table replaced_secret (
    tenant_id text not null, client_id text not null, replaced text not null, hash text not null,
    primary key (tenant_id, client_id, replaced))`);
}

export async function down(transaction: Knex): Promise<void> {
  await transaction.raw('drop table replaced_secret');
}
