/** The key-value stores of the tenants' scripts. */
import type { Knex } from 'knex';

export const name = '0003-script-values';

const statements: readonly string[] = [
  `create table script_value (
    tenant_id text not null, key text not null, value jsonb not null, bytes integer not null, expires_at bigint not null,
    primary key (tenant_id, key))`,
  'create index script_value_expiry on script_value (expires_at)',
];

export async function up(transaction: Knex): Promise<void> {
  for (const statement of statements) await transaction.raw(statement);
}

export async function down(transaction: Knex): Promise<void> {
  await transaction.raw('drop table script_value');
}
