/** What the admin API needs: tokens that can be named, limited to tenants and ended, and a person's sessions. */
import type { Knex } from 'knex';

export const name = '0002-administration';

const statements: readonly string[] = [
  'alter table admin_token add column id text',
  'update admin_token set id = name || substr(hash, 1, 8)',
  'alter table admin_token alter column id set not null',
  'create unique index admin_token_id on admin_token (id)',
  'alter table admin_token add column tenants jsonb',
  'alter table admin_token add column created_at bigint not null default 0',
  'create index session_person on session (tenant_id, user_id)',
];

export async function up(transaction: Knex): Promise<void> {
  for (const statement of statements) await transaction.raw(statement);
}

export async function down(transaction: Knex): Promise<void> {
  await transaction.raw('drop index session_person');
  await transaction.raw('alter table admin_token drop column id, drop column tenants, drop column created_at');
}
