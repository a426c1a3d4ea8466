/** Versions of the tenants' scripts, which of them run, and how a version on trial compares. */
import type { Knex } from 'knex';

export const name = '0004-script-versions';

const statements: readonly string[] = [
  `create table script_version (
    tenant_id text not null, slot text not null, hash text not null, files jsonb not null, origin text not null,
    author text not null, note text, created_at bigint not null, activated_at bigint,
    primary key (tenant_id, slot, hash))`,
  `create table script_rollout (
    tenant_id text not null, slot text not null, rollout jsonb not null, changed_at bigint not null,
    changed_by text not null,
    primary key (tenant_id, slot))`,
  `create table script_comparison (
    tenant_id text not null, slot text not null, active_hash text not null, shadow_hash text not null, hook text not null,
    counts jsonb not null, samples jsonb not null, last_at bigint not null,
    primary key (tenant_id, slot, shadow_hash, active_hash, hook))`,
];

export async function up(transaction: Knex): Promise<void> {
  for (const statement of statements) await transaction.raw(statement);
}

export async function down(transaction: Knex): Promise<void> {
  for (const table of ['script_comparison', 'script_rollout', 'script_version'])
    await transaction.raw(`drop table ${table}`);
}
