/**
 * The first schema. Every table leads its key with `tenant_id`, so that no lookup crosses tenants and a cluster may be
 * distributed by tenant. Instants are epoch milliseconds; handles are SHA-256 hashes.
 */
import type { Knex } from 'knex';

export const name = '0001-initial';

const statements: readonly string[] = [
  `create table flow (
    tenant_id text not null, id text not null, flow text not null, state text not null, revision integer not null,
    facts jsonb not null, trace jsonb not null, expires_at bigint not null,
    primary key (tenant_id, id))`,
  'create index flow_expiry on flow (expires_at)',
  `create table flow_handle (
    tenant_id text not null, kind text not null, hash text not null, flow_id text not null,
    primary key (tenant_id, kind, hash),
    foreign key (tenant_id, flow_id) references flow (tenant_id, id) on delete cascade)`,
  'create index flow_handle_flow on flow_handle (tenant_id, flow_id)',

  `create table token (
    tenant_id text not null, hash text not null, kind text not null, grant_id text not null, client_id text not null,
    user_id text, session_id text, scope text not null, details jsonb not null, issued_at bigint not null,
    expires_at bigint not null, revoked_at bigint, used_at bigint,
    primary key (tenant_id, hash))`,
  'create index token_grant on token (tenant_id, grant_id)',
  'create index token_user on token (tenant_id, user_id, client_id) where user_id is not null',
  'create index token_session on token (tenant_id, session_id) where session_id is not null',
  'create index token_expiry on token (expires_at)',
  // Kept beside the tokens: a token that is being saved while its grant is revoked is revoked all the same.
  `create table revocation (
    tenant_id text not null, kind text not null, id text not null, revoked_at bigint not null,
    primary key (tenant_id, kind, id))`,
  'create index revocation_age on revocation (revoked_at)',

  `create table session (
    tenant_id text not null, id_hash text not null, user_id text not null, authenticated_at bigint not null,
    expires_at bigint not null, details jsonb not null,
    primary key (tenant_id, id_hash))`,
  'create index session_expiry on session (expires_at)',

  `create table account (
    tenant_id text not null, id text not null, username text not null, external_provider text, external_subject text,
    document jsonb not null,
    primary key (tenant_id, id))`,
  'create unique index account_username on account (tenant_id, username)',
  `create unique index account_external on account (tenant_id, external_provider, external_subject)
    where external_provider is not null`,
  `create table login_failure (
    tenant_id text not null, username_hash text not null, failures integer not null, last_at bigint not null,
    primary key (tenant_id, username_hash))`,
  'create index login_failure_age on login_failure (last_at)',

  `create table client (
    tenant_id text not null, client_id text not null, document jsonb not null,
    primary key (tenant_id, client_id))`,
  `create table provider (
    tenant_id text not null, id text not null, document jsonb not null,
    primary key (tenant_id, id))`,

  `create table replay (
    tenant_id text not null, space text not null, hash text not null, expires_at bigint not null,
    primary key (tenant_id, space, hash))`,
  'create index replay_expiry on replay (expires_at)',

  `create table launch (
    tenant_id text not null, hash text not null, client_id text not null, username text not null,
    context jsonb not null, expires_at bigint not null,
    primary key (tenant_id, hash))`,
  'create index launch_expiry on launch (expires_at)',

  `create table consent (
    tenant_id text not null, user_id text not null, client_id text not null, scopes jsonb not null,
    expires_at bigint not null,
    primary key (tenant_id, user_id, client_id))`,
  'create index consent_expiry on consent (expires_at)',
  `create table terms_agreement (
    tenant_id text not null, user_id text not null, client_id text not null, version text not null,
    accepted_at bigint not null,
    primary key (tenant_id, user_id, client_id))`,

  `create table signing_key (
    tenant_id text not null, kid text not null, algorithm text not null, active boolean not null,
    public_jwk jsonb not null, sealed_private_jwk text not null, created_at bigint not null,
    primary key (tenant_id, kid))`,
  'create unique index signing_key_active on signing_key (tenant_id, algorithm) where active',

  `create table audit_event (
    id bigint generated always as identity, tenant_id text not null, at bigint not null, type text not null,
    outcome text not null, flow_id text, client_id text, user_id text, reason text, details jsonb,
    primary key (tenant_id, id))`,
  'create index audit_event_time on audit_event (tenant_id, at desc, id desc)',

  `create table trace (
    tenant_id text not null, id text not null, flow text not null, outcome text not null, started_at bigint not null,
    trace jsonb not null,
    primary key (tenant_id, id))`,
  'create index trace_time on trace (tenant_id, started_at desc, id)',

  `create table admin_token (
    hash text primary key, name text not null, role text not null, expires_at bigint not null)`,
  'create table setting (name text primary key, value text not null)',
];

/** @param transaction the migrator's transaction: all of the schema comes to be, or nothing. */
export async function up(transaction: Knex): Promise<void> {
  for (const statement of statements) await transaction.raw(statement);
}

export async function down(transaction: Knex): Promise<void> {
  const tables = statements.flatMap((statement) => /^create table (\w+)/.exec(statement)?.[1] ?? []);
  for (const table of tables.toReversed()) await transaction.raw(`drop table ${table}`);
}
