/** Links that were sent by mail, each good for one thing, once. */
import type { Knex } from 'knex';

export const name = '0012-mailed-links';

export async function up(transaction: Knex): Promise<void> {
  await transaction.raw(`create table mailed_link (
    tenant_id text not null, hash text not null, purpose text not null, user_id text not null, details jsonb not null,
    expires_at bigint not null,
    primary key (tenant_id, hash))`);
  await transaction.raw('create index mailed_link_user on mailed_link (tenant_id, user_id, purpose)');
  await transaction.raw('create index mailed_link_expiry on mailed_link (expires_at)');
}

export async function down(transaction: Knex): Promise<void> {
  await transaction.raw('drop table mailed_link');
}
