/** Accounts at foreign providers that people of a tenant linked with their own, and what a session keeps of its provider. */
import type { Knex } from 'knex';

export const name = '0011-provider-accounts';

const statements: readonly string[] = [
  `create table provider_link (
    tenant_id text not null, provider text not null, subject text not null, user_id text not null,
    linked_at bigint not null,
    primary key (tenant_id, provider, subject))`,
  'create unique index provider_link_user on provider_link (tenant_id, user_id, provider)',
  `create table provider_session (
    tenant_id text not null, session_id_hash text not null, provider text not null, user_id text not null,
    sealed text not null, checked_at bigint not null, expires_at bigint not null,
    primary key (tenant_id, session_id_hash))`,
  'create index provider_session_user on provider_session (tenant_id, user_id)',
  'create index provider_session_expiry on provider_session (expires_at)',
];

export async function up(transaction: Knex): Promise<void> {
  for (const statement of statements) await transaction.raw(statement);
}

export async function down(transaction: Knex): Promise<void> {
  for (const table of ['provider_session', 'provider_link']) await transaction.raw(`drop table ${table}`);
}
