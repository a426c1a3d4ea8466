/** Accounts that people asked for, until they exist. */
import type { User } from '../../tenant/tenant.ts';
import { type Database, encodeJson, firstRow, instant, rows, storableText } from '../database.ts';
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

/** Whether somebody has the address or the name already, in any case of its letters. */
async function conflictOf(
  transaction: Database,
  tenantId: string,
  { email, username }: Pick<User, 'username'> & { readonly email: string },
): Promise<'email-known' | 'username-taken' | undefined> {
  const known = await firstRow(
    transaction,
    `select 1 as known from account where tenant_id = ? and lower(document->>'email') = lower(?) limit 1`,
    [tenantId, email],
  );
  if (known) return 'email-known';
  const taken = await firstRow(
    transaction,
    'select 1 as taken from account where tenant_id = ? and lower(username) = lower(?) limit 1',
    [tenantId, username],
  );
  return taken ? 'username-taken' : undefined;
}

async function addAccount(
  transaction: Database,
  tenantId: string,
  user: User & { readonly email: string },
): Promise<'created' | 'email-known' | 'username-taken'> {
  const conflict = await conflictOf(transaction, tenantId, user);
  if (conflict) return conflict;
  const added = await firstRow(
    transaction,
    `insert into account (tenant_id, id, username, document) values (?, ?, ?, ?::jsonb)
     on conflict do nothing returning 1 as added`,
    [tenantId, user.id, user.username, encodeJson(user)],
  );
  return added ? 'created' : 'username-taken';
}

/** What was entered stands in the account now, and nowhere else. */
async function finish(transaction: Database, row: RegistrationRow, keptUntil: number): Promise<void> {
  await rows(
    transaction,
    `update registration set state = 'done', username = null, details = details - 'person' - 'user', expires_at = ?
     where tenant_id = ? and id = ?`,
    [keptUntil, row.tenant_id, row.id],
  );
}

export function registrationRepository(database: Database): RegistrationRepository {
  return {
    async add(one, most, now) {
      const added = await rows(
        database,
        `insert into registration (tenant_id, id, state, link_hash, email, username, details, created_at, expires_at)
         select ?, ?, ?, ?, ?, ?, ?::jsonb, ?::bigint, ?::bigint
         where (select count(*) from registration where tenant_id = ? and email = ? and expires_at > ?
             and state <> 'done') < ?
           and not exists (select 1 from registration where tenant_id = ? and email = ? and expires_at > ?
             and state = 'pending')
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
          one.tenantId,
          one.email,
          now,
        ],
      );
      if (added.length > 0) return 'added';
      const pending = await firstRow(
        database,
        `select 1 as pending from registration where tenant_id = ? and email = ? and expires_at > ?
           and state = 'pending' limit 1`,
        [one.tenantId, one.email, now],
      );
      return pending ? 'pending' : 'too-many';
    },
    async findByLink(tenantId, linkHash, now) {
      const row = await firstRow<RegistrationRow>(
        database,
        'select * from registration where tenant_id = ? and link_hash = ? and expires_at > ?',
        [tenantId, linkHash, now],
      );
      return row && toRegistration(row);
    },
    complete: ({ tenantId, linkHash }, user, details, { now, keptUntil, pendingUntil }) =>
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
        if (row.state !== 'mailed') return row.state;
        const others = waiting.filter(({ state, expires_at }) => state === 'pending' && instant(expires_at) > now);
        if (others.length > 0) return 'email-known';
        const reserved = await firstRow(
          transaction,
          // Whoever has the address may have had the name that is the address.
          `select 1 as reserved from registration where tenant_id = ? and expires_at > ? and lower(username) = lower(?)
             and (state = 'pending' or (state = 'former' and lower(username) <> lower(?))) limit 1`,
          [tenantId, now, user.username, user.email],
        );
        if (reserved) return 'username-taken';
        if (pendingUntil === undefined) {
          const result = await addAccount(transaction, tenantId, user);
          if (result !== 'created') return result;
          await finish(transaction, row, keptUntil);
        } else {
          const conflict = await conflictOf(transaction, tenantId, user);
          if (conflict) return conflict;
          await rows(
            transaction,
            `update registration set state = 'pending', username = ?, details = ?::jsonb, expires_at = ?
             where tenant_id = ? and id = ?`,
            [user.username, encodeJson(details), pendingUntil, tenantId, row.id],
          );
        }
        await rows(transaction, 'delete from registration where tenant_id = ? and email = ? and id <> ?', [
          tenantId,
          row.email,
          row.id,
        ]);
        return pendingUntil === undefined ? 'created' : 'pending';
      }),
    async listPending(tenantId, { after, limit }, now) {
      const found = await rows<RegistrationRow>(
        database,
        `select * from registration where tenant_id = ? and state = 'pending' and expires_at > ?
           ${after === undefined ? '' : 'and (created_at, id) > (select created_at, id from registration where tenant_id = ? and id = ?)'}
         order by created_at, id limit ?`,
        [tenantId, now, ...(after === undefined ? [] : [tenantId, storableText(after)]), limit],
      );
      return found.map(toRegistration);
    },
    async findPending(tenantId, id, now) {
      const row = await firstRow<RegistrationRow>(
        database,
        `select * from registration where tenant_id = ? and id = ? and state = 'pending' and expires_at > ?`,
        [tenantId, storableText(id), now],
      );
      return row && toRegistration(row);
    },
    approve: (tenantId, id, user, { now, keptUntil }) =>
      database.transaction(async (transaction) => {
        const row = await firstRow<RegistrationRow>(
          transaction,
          `select * from registration where tenant_id = ? and id = ? and state = 'pending' and expires_at > ? for update`,
          [tenantId, storableText(id), now],
        );
        if (!row) return 'gone';
        const result = await addAccount(transaction, tenantId, user);
        if (result === 'created') await finish(transaction, row, keptUntil);
        return result;
      }),
    async refuse(tenantId, id, now) {
      const row = await firstRow<RegistrationRow>(
        database,
        `delete from registration where tenant_id = ? and id = ? and state = 'pending' and expires_at > ? returning *`,
        [tenantId, storableText(id), now],
      );
      return row && toRegistration(row);
    },
    async discard(tenantId, linkHash) {
      await rows(database, `delete from registration where tenant_id = ? and link_hash = ? and state = 'mailed'`, [
        tenantId,
        linkHash,
      ]);
    },
  };
}
