/** Which record a person opened with an app last, where they want it offered first the next time. */
import type { Knex } from 'knex';

export const name = '0013-remembered-contexts';

export async function up(transaction: Knex): Promise<void> {
  await transaction.raw(`create table remembered_context (
    tenant_id text not null, user_id text not null, client_id text not null, kind text not null,
    resource_id text not null, expires_at bigint not null,
    primary key (tenant_id, user_id, client_id, kind))`);
  await transaction.raw('create index remembered_context_expiry on remembered_context (expires_at)');
}

export async function down(transaction: Knex): Promise<void> {
  await transaction.raw('drop table remembered_context');
}
