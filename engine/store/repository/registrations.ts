/** Accounts that people asked for, until they exist. */
import { type Database, encodeJson, firstRow, instant, rows } from '../database.ts';
import type { RegistrationRepository, StoredRegistration } from '../store.ts';

interface RegistrationRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly state: StoredRegistration['state'];
  readonly link_hash: string;
  readonly email: string;
  readonly username: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly created_at: string | number;
  readonly expires_at: string | number;
}

function toRegistration(row: RegistrationRow): StoredRegistration {
  return {
    tenantId: row.tenant_id,
    id: row.id,
    state: row.state,
    linkHash: row.link_hash,
    email: row.email,
    ...(row.username === null ? {} : { username: row.username }),
    details: row.details,
    createdAt: instant(row.created_at),
    expiresAt: instant(row.expires_at),
  };
}

export function registrationRepository(database: Database): RegistrationRepository {
  return {
    async add(one, most, now) {
      const added = await rows(
        database,
        `insert into registration (tenant_id, id, state, link_hash, email, username, details, created_at, expires_at)
         select ?, ?, ?, ?, ?, ?, ?::jsonb, ?::bigint, ?::bigint
         where (select count(*) from registration where tenant_id = ? and email = ? and state = 'mailed'
           and expires_at > ?) < ?
         returning 1 as added`,
        [
          one.tenantId,
          one.id,
          one.state,
          one.linkHash,
          one.email,
          one.username ?? null,
          encodeJson(one.details),
          one.createdAt,
          one.expiresAt,
          one.tenantId,
          one.email,
          now,
          most,
        ],
      );
      return added.length > 0;
    },
    async findByLink(tenantId, linkHash, now) {
      const row = await firstRow<RegistrationRow>(
        database,
        'select * from registration where tenant_id = ? and link_hash = ? and expires_at > ?',
        [tenantId, linkHash, now],
      );
      return row && toRegistration(row);
    },
    complete: ({ tenantId, linkHash }, user, { now, keptUntil }) =>
      database.transaction(async (transaction) => {
        // All that wait for one address are taken in one order, so that only the first of them becomes an account.
        const waiting = await rows<RegistrationRow>(
          transaction,
          `select * from registration where tenant_id = ? and email = (
             select email from registration where tenant_id = ? and link_hash = ?) order by id for update`,
          [tenantId, tenantId, linkHash],
        );
        const row = waiting.find(({ link_hash }) => link_hash === linkHash);
        if (!row || instant(row.expires_at) <= now) return 'gone';
        if (row.state === 'done') return 'done';
        const known = await firstRow(
          transaction,
          `select 1 as known from account where tenant_id = ? and lower(document->>'email') = lower(?) limit 1`,
          [tenantId, user.email],
        );
        if (known) return 'email-known';
        const taken = await firstRow(
          transaction,
          'select 1 as taken from account where tenant_id = ? and lower(username) = lower(?) limit 1',
          [tenantId, user.username],
        );
        if (taken) return 'username-taken';
        const added = await firstRow(
          transaction,
          `insert into account (tenant_id, id, username, document) values (?, ?, ?, ?::jsonb)
           on conflict do nothing returning 1 as added`,
          [tenantId, user.id, user.username, encodeJson(user)],
        );
        if (!added) return 'username-taken';
        await rows(
          transaction,
          `update registration set state = 'done', details = details - 'person', expires_at = ?
           where tenant_id = ? and id = ?`,
          [keptUntil, tenantId, row.id],
        );
        await rows(transaction, 'delete from registration where tenant_id = ? and email = ? and id <> ?', [
          tenantId,
          row.email,
          row.id,
        ]);
        return 'created';
      }),
    async discard(tenantId, linkHash) {
      await rows(database, `delete from registration where tenant_id = ? and link_hash = ? and state <> 'done'`, [
        tenantId,
        linkHash,
      ]);
    },
  };
}
