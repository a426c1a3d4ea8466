/** Passkeys of people: a second factor, and a log-in without a password. */
import type { Knex } from 'knex';

export const name = '0009-passkeys';

export async function up(transaction: Knex): Promise<void> {
  await transaction.raw(`create table passkey (
    tenant_id text not null, credential_id text not null, user_id text not null, public_key text not null,
    counter bigint not null, synced boolean not null, transports jsonb not null, device jsonb not null,
    created_at bigint not null, last_used_at bigint,
    primary key (tenant_id, credential_id))`);
  await transaction.raw('create index passkey_user on passkey (tenant_id, user_id)');
}

export async function down(transaction: Knex): Promise<void> {
  await transaction.raw('drop table passkey');
}
