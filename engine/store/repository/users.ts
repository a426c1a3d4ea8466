/** People of a tenant, and their failed log-ins. */
import type { User } from '../../tenant/tenant.ts';
import { type Database, encodeJson, firstRow, instant, rows, storableText } from '../database.ts';
import { isUniqueViolation, StoreError } from '../error.ts';
import { hashHandle } from '../secret.ts';
import type { UserRepository } from '../store.ts';

interface UserRow {
  readonly document: User;
}

interface FailureRow {
  readonly failures: number;
  readonly last_at: string | number;
}

/** A pattern for LIKE that matches the text itself anywhere. */
function containing(text: string): string {
  return `%${storableText(text).replace(/[\\%_]/g, '\\$&')}%`;
}

function conflict(error: unknown): never {
  if (isUniqueViolation(error)) {
    throw new StoreError('conflict', 'Another user has this username or this external identity.', undefined, error);
  }
  throw error;
}

export function userRepository(database: Database): UserRepository {
  async function findOne(condition: string, values: readonly string[]): Promise<User | undefined> {
    // A name with NUL cannot be stored, so nobody has it; asking PostgreSQL would be an error.
    if (values.some((value) => value.includes('\0'))) return undefined;
    const row = await firstRow<UserRow>(database, `select document from account where ${condition}`, values);
    return row?.document;
  }

  return {
    findByUsername: (tenantId, username) => findOne('tenant_id = ? and username = ?', [tenantId, username]),
    findById: (tenantId, id) => findOne('tenant_id = ? and id = ?', [tenantId, id]),
    async findByEmail(tenantId, email) {
      if (email.includes('\0')) return [];
      const found = await rows<UserRow>(
        database,
        `select document from account where tenant_id = ? and lower(document->>'email') = lower(?) order by username`,
        [tenantId, email],
      );
      return found.map(({ document }) => document);
    },
    findByExternal: async (tenantId, provider, subject) =>
      (await findOne('tenant_id = ? and external_provider = ? and external_subject = ?', [
        tenantId,
        provider,
        subject,
      ])) ??
      findOne(
        `tenant_id = ? and id = (select user_id from provider_link
           where provider_link.tenant_id = account.tenant_id and provider = ? and subject = ?)`,
        [tenantId, provider, subject],
      ),
    async save(tenantId, user) {
      await rows(
        database,
        `insert into account (tenant_id, id, username, external_provider, external_subject, document)
         values (?, ?, ?, ?, ?, ?::jsonb)
         on conflict (tenant_id, id) do update set username = excluded.username,
           external_provider = excluded.external_provider, external_subject = excluded.external_subject,
           document = excluded.document`,
        [
          tenantId,
          user.id,
          user.username,
          user.external?.provider ?? null,
          user.external?.subject ?? null,
          encodeJson(user),
        ],
      ).catch(conflict);
    },
    async change(tenantId, id, edit) {
      if (id.includes('\0')) return undefined;
      return database
        .transaction(async (transaction) => {
          const row = await firstRow<UserRow>(
            transaction,
            'select document from account where tenant_id = ? and id = ? for update',
            [tenantId, id],
          );
          if (row === undefined) return undefined;
          const changed = edit(row.document);
          await rows(
            transaction,
            `update account set username = ?, external_provider = ?, external_subject = ?, document = ?::jsonb
             where tenant_id = ? and id = ?`,
            [
              changed.username,
              changed.external?.provider ?? null,
              changed.external?.subject ?? null,
              encodeJson(changed),
              tenantId,
              id,
            ],
          );
          return changed;
        })
        .catch(conflict);
    },
    async delete(tenantId, id) {
      // The name is `sub` of what apps know of the person, so nobody who registers may choose it later.
      await rows(
        database,
        `with linked as (delete from provider_link where tenant_id = ? and user_id = ?),
           authenticators as (delete from authenticator where tenant_id = ? and user_id = ?),
           passkeys as (delete from passkey where tenant_id = ? and user_id = ?),
           codes as (delete from recovery_code where tenant_id = ? and user_id = ?),
           devices as (delete from remembered_device where tenant_id = ? and user_id = ?),
           former as (insert into registration (tenant_id, id, state, email, username, details, created_at, expires_at)
             select tenant_id, id, 'former', '', username, '{}'::jsonb, 0, ${Number.MAX_SAFE_INTEGER} from account
             where tenant_id = ? and id = ? on conflict do nothing)
         delete from account where tenant_id = ? and id = ?`,
        Array.from({ length: 7 }, () => [tenantId, id]).flat(),
      );
    },
    async list(tenantId, { search, after, limit } = {}) {
      const conditions = ['tenant_id = ?'];
      const values: (string | number)[] = [tenantId];
      if (search !== undefined) {
        const pattern = containing(search);
        conditions.push(
          `(username ilike ? or document->>'givenName' ilike ? or document->>'familyName' ilike ? or
            document->>'email' ilike ?)`,
        );
        values.push(pattern, pattern, pattern, pattern);
      }
      if (after !== undefined) {
        conditions.push('username > ?');
        values.push(storableText(after));
      }
      if (limit !== undefined) values.push(limit);
      const found = await rows<UserRow>(
        database,
        `select document from account where ${conditions.join(' and ')} order by username${limit === undefined ? '' : ' limit ?'}`,
        values,
      );
      return found.map((row) => row.document);
    },
    async hashesByCost(tenantId) {
      // What stands before the salt says what a comparison takes; see `costOf`.
      const found = await rows<{ readonly hash: string }>(
        database,
        `select distinct on (cost) cost, hash from (
           select document->>'passwordHash' as hash,
             substring(document->>'passwordHash' from
               '^\\$(argon2id\\$v=[0-9]+\\$[^$]+|2[aby]\\$[0-9]+|pbkdf2-[a-z0-9]+\\$i=[0-9]+)\\$') as cost
           from account where tenant_id = ?) as hashes
         where cost is not null order by cost limit 20`,
        [tenantId],
      );
      return found.map(({ hash }) => hash);
    },
    async recordLogin(tenantId, username, success, now) {
      // Hashed, as anybody may try to log in by a name of any length or content.
      const key = hashHandle(username);
      if (success) {
        await rows(database, 'delete from login_failure where tenant_id = ? and username_hash = ?', [tenantId, key]);
        return 0;
      }
      const row = await firstRow<FailureRow>(
        database,
        `insert into login_failure (tenant_id, username_hash, failures, last_at) values (?, ?, 1, ?)
         on conflict (tenant_id, username_hash) do update set failures = login_failure.failures + 1,
           last_at = greatest(login_failure.last_at, excluded.last_at)
         returning failures, last_at`,
        [tenantId, key, now],
      );
      return row?.failures ?? 1;
    },
    async failures(tenantId, username) {
      const row = await firstRow<FailureRow>(
        database,
        'select failures, last_at from login_failure where tenant_id = ? and username_hash = ?',
        [tenantId, hashHandle(username)],
      );
      return row === undefined ? { count: 0, lastAt: 0 } : { count: row.failures, lastAt: instant(row.last_at) };
    },
  };
}
