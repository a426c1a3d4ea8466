/** What people prove besides their password. */
import { type Database, encodeJson, firstRow, instant, rows } from '../database.ts';
import type { Device, SecondFactorRepository, StoredPasskey } from '../store.ts';

interface FactorRow {
  readonly sealed_secret: string | null;
  readonly last_step: string | number | null;
  readonly enrolled_at: string | number | null;
  readonly codes: string | number;
  readonly passkeys: string | number;
  readonly devices: string | number;
}

interface PasskeyRow {
  readonly credential_id: string;
  readonly user_id: string;
  readonly public_key: string;
  readonly counter: string | number;
  readonly synced: boolean;
  readonly transports: readonly string[];
  readonly device: Device;
  readonly created_at: string | number;
  readonly last_used_at: string | number | null;
}

function toPasskey(row: PasskeyRow): StoredPasskey {
  return {
    credentialId: row.credential_id,
    userId: row.user_id,
    publicKey: row.public_key,
    counter: instant(row.counter),
    synced: row.synced,
    transports: row.transports,
    device: row.device,
    createdAt: instant(row.created_at),
    ...(row.last_used_at === null ? {} : { lastUsedAt: instant(row.last_used_at) }),
  };
}

/** Wrong codes are counted beside failed log-ins, under a key that no hash of a user name can be. */
function failureKey(userId: string): string {
  return `second-factor:${userId}`;
}

export function secondFactorRepository(database: Database): SecondFactorRepository {
  const saveCodes = (where: Database, tenantId: string, userId: string, hashes: readonly string[]) =>
    rows(
      where,
      `insert into recovery_code (tenant_id, user_id, hash) values ${hashes.map(() => '(?, ?, ?)').join(', ')}`,
      hashes.flatMap((hash) => [tenantId, userId, hash]),
    );
  return {
    async find(tenantId, userId, now) {
      const row = await firstRow<FactorRow>(
        database,
        `select authenticator.sealed_secret, authenticator.last_step, authenticator.enrolled_at,
           (select count(*) from recovery_code where tenant_id = who.tenant_id and user_id = who.user_id) as codes,
           (select count(*) from passkey where tenant_id = who.tenant_id and user_id = who.user_id) as passkeys,
           (select count(*) from remembered_device
             where tenant_id = who.tenant_id and user_id = who.user_id and expires_at > ?::bigint) as devices
         from (select ?::text as tenant_id, ?::text as user_id) as who
         left join authenticator on authenticator.tenant_id = who.tenant_id and authenticator.user_id = who.user_id`,
        [now, tenantId, userId],
      );
      if (!row) return { passkeys: 0, recoveryCodes: 0, devices: 0 };
      return {
        ...(row.sealed_secret === null
          ? {}
          : {
              authenticator: {
                sealedSecret: row.sealed_secret,
                lastStep: instant(row.last_step ?? 0),
                enrolledAt: instant(row.enrolled_at ?? 0),
              },
            }),
        passkeys: instant(row.passkeys),
        recoveryCodes: instant(row.codes),
        devices: instant(row.devices),
      };
    },
    async enrol(tenantId, userId, { sealedSecret, lastStep, enrolledAt }, codeHashes) {
      return database.transaction(async (transaction) => {
        const added = await rows(
          transaction,
          `insert into authenticator (tenant_id, user_id, sealed_secret, last_step, enrolled_at) values (?, ?, ?, ?, ?)
           on conflict (tenant_id, user_id) do nothing returning user_id`,
          [tenantId, userId, sealedSecret, lastStep, enrolledAt],
        );
        if (added.length === 0) return false;
        await rows(transaction, 'delete from recovery_code where tenant_id = ? and user_id = ?', [tenantId, userId]);
        await saveCodes(transaction, tenantId, userId, codeHashes);
        return true;
      });
    },
    async useStep(tenantId, userId, step) {
      const used = await rows(
        database,
        `update authenticator set last_step = ? where tenant_id = ? and user_id = ? and last_step < ?
         returning user_id`,
        [step, tenantId, userId, step],
      );
      return used.length === 1;
    },
    async useRecoveryCode(tenantId, userId, hash) {
      const used = await rows(
        database,
        'delete from recovery_code where tenant_id = ? and user_id = ? and hash = ? returning user_id',
        [tenantId, userId, hash],
      );
      return used.length === 1;
    },
    async addPasskey(tenantId, passkey) {
      const added = await rows(
        database,
        `insert into passkey (tenant_id, credential_id, user_id, public_key, counter, synced, transports, device,
           created_at)
         values (?, ?, ?, ?, ?, ?, ?::jsonb, ?::jsonb, ?)
         on conflict (tenant_id, credential_id) do nothing returning credential_id`,
        [
          tenantId,
          passkey.credentialId,
          passkey.userId,
          passkey.publicKey,
          passkey.counter,
          passkey.synced,
          encodeJson(passkey.transports),
          encodeJson(passkey.device),
          passkey.createdAt,
        ],
      );
      return added.length === 1;
    },
    async findPasskey(tenantId, credentialId) {
      const row = await firstRow<PasskeyRow>(
        database,
        'select * from passkey where tenant_id = ? and credential_id = ?',
        [tenantId, credentialId],
      );
      return row && toPasskey(row);
    },
    async listPasskeys(tenantId, userId) {
      const found = await rows<PasskeyRow>(
        database,
        'select * from passkey where tenant_id = ? and user_id = ? order by created_at, credential_id',
        [tenantId, userId],
      );
      return found.map(toPasskey);
    },
    async usePasskey(tenantId, credentialId, counterBefore, counter, now) {
      const used = await rows(
        database,
        `update passkey set counter = ?, last_used_at = ? where tenant_id = ? and credential_id = ? and counter = ?
         returning credential_id`,
        [counter, now, tenantId, credentialId, counterBefore],
      );
      return used.length === 1;
    },
    async removePasskey(tenantId, userId, credentialId) {
      const gone = await rows(
        database,
        'delete from passkey where tenant_id = ? and user_id = ? and credential_id = ? returning credential_id',
        [tenantId, userId, credentialId],
      );
      return gone.length === 1;
    },
    async replaceRecoveryCodes(tenantId, userId, hashes) {
      await database.transaction(async (transaction) => {
        await rows(transaction, 'delete from recovery_code where tenant_id = ? and user_id = ?', [tenantId, userId]);
        await saveCodes(transaction, tenantId, userId, hashes);
      });
    },
    async remove(tenantId, userId) {
      return database.transaction(async (transaction) => {
        let gone = 0;
        for (const table of ['authenticator', 'passkey', 'recovery_code', 'remembered_device'])
          gone += (
            await rows(transaction, `delete from ${table} where tenant_id = ? and user_id = ? returning user_id`, [
              tenantId,
              userId,
            ])
          ).length;
        return gone > 0;
      });
    },
    async failures(tenantId, userId) {
      const row = await firstRow<{ readonly failures: number; readonly last_at: string | number }>(
        database,
        'select failures, last_at from login_failure where tenant_id = ? and username_hash = ?',
        [tenantId, failureKey(userId)],
      );
      return row === undefined ? { count: 0, lastAt: 0 } : { count: row.failures, lastAt: instant(row.last_at) };
    },
    async claimAttempt(tenantId, userId, failuresBefore, now) {
      const claimed = await rows(
        database,
        `insert into login_failure (tenant_id, username_hash, failures, last_at) values (?, ?, 1, ?)
         on conflict (tenant_id, username_hash) do update set failures = login_failure.failures + 1,
           last_at = excluded.last_at
         where login_failure.failures = ?
         returning failures`,
        [tenantId, failureKey(userId), now, failuresBefore],
      );
      return claimed.length === 1;
    },
    async clearFailures(tenantId, userId) {
      await rows(database, 'delete from login_failure where tenant_id = ? and username_hash = ?', [
        tenantId,
        failureKey(userId),
      ]);
    },
    async rememberDevice({ tenantId, hash, userId, rememberedAt, expiresAt }) {
      await rows(
        database,
        'insert into remembered_device (tenant_id, hash, user_id, remembered_at, expires_at) values (?, ?, ?, ?, ?)',
        [tenantId, hash, userId, rememberedAt, expiresAt],
      );
    },
    async knowsDevice(tenantId, userId, hash, now, rememberedAfter) {
      const known = await firstRow(
        database,
        `select user_id from remembered_device
         where tenant_id = ? and hash = ? and user_id = ? and expires_at > ? and remembered_at > ?`,
        [tenantId, hash, userId, now, rememberedAfter],
      );
      return known !== undefined;
    },
    async forgetDevices(tenantId, userId) {
      const gone = await rows(
        database,
        'delete from remembered_device where tenant_id = ? and user_id = ? returning hash',
        [tenantId, userId],
      );
      return gone.length;
    },
  };
}
