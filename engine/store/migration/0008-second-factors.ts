/** What people prove besides their password: an authenticator app, recovery codes, devices that are remembered. */
import type { Knex } from 'knex';

export const name = '0008-second-factors';

const statements: readonly string[] = [
  'alter table session add column proof jsonb',
  `create table authenticator (
    tenant_id text not null, user_id text not null, sealed_secret text not null, last_step bigint not null,
    enrolled_at bigint not null,
    primary key (tenant_id, user_id))`,
  `create table recovery_code (
    tenant_id text not null, user_id text not null, hash text not null,
    primary key (tenant_id, user_id, hash))`,
  `create table remembered_device (
    tenant_id text not null, hash text not null, user_id text not null, remembered_at bigint not null,
    expires_at bigint not null,
    primary key (tenant_id, hash))`,
  'create index remembered_device_user on remembered_device (tenant_id, user_id)',
  'create index remembered_device_expiry on remembered_device (expires_at)',
];

export async function up(transaction: Knex): Promise<void> {
  for (const statement of statements) await transaction.raw(statement);
}

export async function down(transaction: Knex): Promise<void> {
  for (const table of ['remembered_device', 'recovery_code', 'authenticator'])
    await transaction.raw(`drop table ${table}`);
  await transaction.raw('alter table session drop column proof');
}
