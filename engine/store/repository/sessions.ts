/** Log-in sessions of people, and the apps that log them in with one. */
import { type Database, encodeJson, firstRow, instant, rows } from '../database.ts';
import type { Device, Proof, SessionApp, SessionRepository, StoredSession } from '../store.ts';

interface SessionRow {
  readonly tenant_id: string;
  readonly id_hash: string;
  readonly user_id: string;
  readonly authenticated_at: string | number;
  readonly expires_at: string | number;
  readonly seen_at: string | number | null;
  readonly device: Device | null;
  readonly proof: Proof | null;
  readonly details: Readonly<Record<string, unknown>>;
}

function toSession(row: SessionRow): StoredSession {
  return {
    idHash: row.id_hash,
    tenantId: row.tenant_id,
    userId: row.user_id,
    authenticatedAt: instant(row.authenticated_at),
    expiresAt: instant(row.expires_at),
    ...(row.seen_at === null ? {} : { seenAt: instant(row.seen_at) }),
    ...(row.device === null ? {} : { device: row.device }),
    ...(row.proof === null ? {} : { proof: row.proof }),
    details: row.details,
  };
}

/** Ends the sessions that a condition names, all or nothing: one row for each, with its apps. */
function ending(condition: string): string {
  return `with ended as (delete from session where tenant_id = ? and ${condition} returning tenant_id, id_hash),
    recorded as (
      insert into revocation (tenant_id, kind, id, revoked_at)
      select tenant_id, 'session', id_hash, ?::bigint from ended on conflict do nothing),
    revoked as (
      update token set revoked_at = ? from ended
      where token.tenant_id = ended.tenant_id and token.session_id = ended.id_hash and token.revoked_at is null),
    apps as (
      delete from session_app using ended
      where session_app.tenant_id = ended.tenant_id and session_app.session_id = ended.id_hash
      returning session_app.tenant_id, session_app.session_id, session_app.client_id, session_app.user_id,
        session_app.subject),
    noticed as (
      insert into logout_notice (tenant_id, session_id, client_id, user_id, subject, attempts, due_at, created_at)
      select tenant_id, session_id, client_id, user_id, subject, 0, ?::bigint, ?::bigint from apps)
    select ended.id_hash, apps.client_id, apps.subject from ended
    left join apps on apps.session_id = ended.id_hash order by ended.id_hash, apps.client_id`;
}

interface EndedRow {
  readonly id_hash: string;
  readonly client_id: string | null;
  readonly subject: string | null;
}

export function sessionRepository(database: Database): SessionRepository {
  return {
    async save(session) {
      await rows(
        database,
        `insert into session (tenant_id, id_hash, user_id, authenticated_at, expires_at, seen_at, device, proof, details)
         values (?, ?, ?, ?, ?, ?, ?::jsonb, ?::jsonb, ?::jsonb)
         on conflict (tenant_id, id_hash) do update set user_id = excluded.user_id,
           authenticated_at = excluded.authenticated_at, expires_at = excluded.expires_at, seen_at = excluded.seen_at,
           device = excluded.device, proof = excluded.proof, details = excluded.details`,
        [
          session.tenantId,
          session.idHash,
          session.userId,
          session.authenticatedAt,
          session.expiresAt,
          session.seenAt ?? null,
          session.device === undefined ? null : encodeJson(session.device),
          session.proof === undefined ? null : encodeJson(session.proof),
          encodeJson(session.details),
        ],
      );
    },
    async find(tenantId, idHash, now) {
      const row = await firstRow<SessionRow>(
        database,
        'select * from session where tenant_id = ? and id_hash = ? and expires_at > ?',
        [tenantId, idHash, now],
      );
      return row && toSession(row);
    },
    async listForUser(tenantId, userId, now) {
      const found = await rows<SessionRow>(
        database,
        'select * from session where tenant_id = ? and user_id = ? and expires_at > ? order by authenticated_at desc, id_hash',
        [tenantId, userId, now],
      );
      return found.map(toSession);
    },
    async touch(tenantId, idHash, now) {
      await rows(
        database,
        'update session set seen_at = ? where tenant_id = ? and id_hash = ? and coalesce(seen_at, 0) < ?',
        [now, tenantId, idHash, now],
      );
    },
    async strengthen(tenantId, idHash, proof, now) {
      const stronger = await rows(
        database,
        `update session set proof = ?::jsonb where tenant_id = ? and id_hash = ? and expires_at > ? returning id_hash`,
        [encodeJson(proof), tenantId, idHash, now],
      );
      return stronger.length === 1;
    },
    async addApp(tenantId, idHash, { clientId, subject }) {
      await rows(
        database,
        `insert into session_app (tenant_id, session_id, client_id, user_id, subject, expires_at)
         select tenant_id, id_hash, ?, user_id, ?, expires_at from session where tenant_id = ? and id_hash = ?
         on conflict (tenant_id, session_id, client_id) do update set subject = excluded.subject`,
        [clientId, subject, tenantId, idHash],
      );
    },
    async end(tenantId, idHash, now) {
      const found = await rows<EndedRow>(database, ending('id_hash = ?'), [tenantId, idHash, now, now, now, now]);
      if (found.length === 0) return undefined;
      return found.flatMap(({ client_id: clientId, subject }): SessionApp[] =>
        clientId === null || subject === null ? [] : [{ clientId, subject }],
      );
    },
    async endForUser(tenantId, userId, now, exceptIdHash) {
      const found = await rows<EndedRow>(database, ending('user_id = ? and id_hash <> ?'), [
        tenantId,
        userId,
        exceptIdHash ?? '',
        now,
        now,
        now,
        now,
      ]);
      return new Set(found.map((row) => row.id_hash)).size;
    },
  };
}
