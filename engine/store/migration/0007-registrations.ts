/** Accounts that people asked for and that do not exist yet; and people found by their mail address. */
import type { Knex } from 'knex';

export const name = '0007-registrations';

export async function up(transaction: Knex): Promise<void> {
  await transaction.raw(`create table registration (
    tenant_id text not null, id text not null, state text not null, link_hash text, email text not null, username text,
    details jsonb not null, created_at bigint not null, expires_at bigint not null,
    primary key (tenant_id, id))`);
  await transaction.raw('create unique index registration_link on registration (tenant_id, link_hash)');
  await transaction.raw('create index registration_email on registration (tenant_id, email)');
  await transaction.raw('create index registration_expiry on registration (expires_at)');
  await transaction.raw(`create index account_email on account (tenant_id, lower(document->>'email'))`);
  await transaction.raw('create index account_username_lower on account (tenant_id, lower(username))');
}

export async function down(transaction: Knex): Promise<void> {
  await transaction.raw('drop index account_username_lower');
  await transaction.raw('drop index account_email');
  await transaction.raw('drop table registration');
}
