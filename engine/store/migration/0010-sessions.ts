/** What people see of their sessions and apps, which apps a session's end concerns, and the log-out notices on their way. */
import type { Knex } from 'knex';

export const name = '0010-sessions';

const statements: readonly string[] = [
  'alter table session add column seen_at bigint, add column device jsonb',
  `create table session_app (
    tenant_id text not null, session_id text not null, client_id text not null, user_id text not null,
    subject text not null, expires_at bigint not null,
    primary key (tenant_id, session_id, client_id))`,
  'create index session_app_expiry on session_app (expires_at)',
  `create table grant_use (
    tenant_id text not null, grant_id text not null, used_at bigint not null,
    primary key (tenant_id, grant_id))`,
  'create index grant_use_age on grant_use (used_at)',
  `create table logout_notice (
    tenant_id text not null, id bigint generated always as identity, session_id text not null, client_id text not null,
    user_id text not null, subject text not null, attempts integer not null, due_at bigint not null,
    created_at bigint not null,
    primary key (tenant_id, id))`,
  'create index logout_notice_due on logout_notice (due_at)',
];

export async function up(transaction: Knex): Promise<void> {
  for (const statement of statements) await transaction.raw(statement);
}

export async function down(transaction: Knex): Promise<void> {
  for (const table of ['logout_notice', 'grant_use', 'session_app']) await transaction.raw(`drop table ${table}`);
  await transaction.raw('alter table session drop column seen_at, drop column device');
}
