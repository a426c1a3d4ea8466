/**
 * What a person proves besides their password: a code of an authenticator app, a recovery code, or a passkey. Secrets are kept
 * encrypted, recovery codes hashed, and wrong codes lock the second factor as wrong passwords lock the password.
 */
import { randomInt } from 'node:crypto';
import qrcode from 'qrcode-generator';
import type { SecondFactorPort } from '../flow/ports.ts';
import type { Sealer } from '../key/seal.ts';
import { hashHandle, newHandle } from '../store/secret.ts';
import type { ReplayRepository, SecondFactorRepository } from '../store/store.ts';
import type { Tenant } from '../tenant/tenant.ts';
import type { LoginThrottle } from './login-throttle.ts';
import { lockedFor } from './password-log-in.ts';
import {
  creationOptions,
  namedIn,
  readAssertion,
  readCreation,
  relyingPartyOf,
  requestOptions,
  userHandleOf,
} from './passkey.ts';
import { matchingStep, newTotpSecret, totpUri } from './totp.ts';

const recoveryCodeCount = 10;
/** Without letters that look like digits: Crockford's base32. Sixteen of them are 80 bits, beyond guessing from a hash. */
const recoveryAlphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const recoveryLength = 16;

function newRecoveryCode(): string {
  const letters = Array.from({ length: recoveryLength }, () => recoveryAlphabet[randomInt(recoveryAlphabet.length)]);
  return (letters.join('').match(/.{4}/g) ?? []).join('-');
}

/** As it was made, whatever the person typed between and for its letters; undefined where it is none. */
function readRecoveryCode(typed: string): string | undefined {
  const code = typed.toLowerCase().replace(/[\s-]/g, '').replaceAll('o', '0').replace(/[il]/g, '1');
  return code.length === recoveryLength && [...code].every((letter) => recoveryAlphabet.includes(letter))
    ? code
    : undefined;
}

function hashRecoveryCode(tenantId: string, userId: string, code: string): string {
  return hashHandle(JSON.stringify(['recovery code', tenantId, userId, code.replaceAll('-', '')]));
}

/** A QR code as an image that stands in the page itself, dark on light in every colour scheme. */
function drawQrCode(text: string): string {
  const code = qrcode(0, 'L');
  code.addData(text);
  code.make();
  const count = code.getModuleCount();
  const dark: string[] = [];
  for (let row = 0; row < count; row += 1)
    for (let column = 0; column < count; column += 1) {
      const from = column;
      while (column < count && code.isDark(row, column)) column += 1;
      if (column > from) dark.push(`M${from + 4} ${row + 4}h${column - from}v1H${from + 4}z`);
    }
  const size = count + 8;
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges">` +
    `<rect width="${size}" height="${size}" fill="#fff"/><path d="${dark.join('')}"/></svg>`;
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}

/** RFC 8176: whether the key never leaves its device. */
function methodOf({ synced }: { readonly synced: boolean }): string {
  return synced ? 'swk' : 'hwk';
}

export function createSecondFactor(options: {
  readonly factors: SecondFactorRepository;
  readonly replays: ReplayRepository;
  readonly sealer: Sealer;
  readonly throttle: LoginThrottle;
}): SecondFactorPort {
  const { factors, replays, sealer, throttle } = options;
  const nameOf = (kind: string, userId: string) => JSON.stringify(['second factor', kind, userId]);

  function openSetup(tenant: Tenant, userId: string, setup: string, now: number): string | undefined {
    try {
      const text = sealer.unseal(tenant.id, nameOf('setup', userId), setup);
      const { secret, at } = JSON.parse(text) as { readonly secret: string; readonly at: number };
      return now - at < tenant.lifetimes.interactionSeconds * 1000 ? secret : undefined;
    } catch {
      // Of another person or server, or made up.
      return undefined;
    }
  }

  /** True once for each challenge; by the time it is forgotten, flow and page that asked it are long gone. */
  const isNew = (tenant: Tenant, challenge: string, now: number) =>
    replays.remember(tenant.id, 'passkey', challenge, now + tenant.lifetimes.interactionSeconds * 1000 + 3_600_000);

  function newCodes(tenantId: string, userId: string) {
    const codes = Array.from({ length: recoveryCodeCount }, newRecoveryCode);
    return { codes, hashes: codes.map((code) => hashRecoveryCode(tenantId, userId, code)) };
  }

  /** Counts the attempt before the code is looked at, so that of many at one time no more count as free than one by one. */
  async function mayTry(tenantId: string, userId: string, now: number): Promise<boolean> {
    for (let round = 0; round < 3; round += 1) {
      const { count, lastAt } = await factors.failures(tenantId, userId);
      if (now < lastAt + lockedFor(count)) return false;
      if (await factors.claimAttempt(tenantId, userId, count, now)) return true;
    }
    return false;
  }

  /** Which kind of code it is, used up by now; undefined where it is no good one. */
  async function useCode(
    tenantId: string,
    userId: string,
    typed: string,
    now: number,
  ): Promise<'app' | 'recovery' | undefined> {
    const digits = typed.replace(/\s/g, '');
    if (/^\d{6}$/.test(digits)) {
      const { authenticator } = await factors.find(tenantId, userId, now);
      if (!authenticator) return undefined;
      const secret = sealer.unseal(tenantId, nameOf('secret', userId), authenticator.sealedSecret);
      const step = matchingStep(secret, digits, now);
      // Each code counts once (RFC 6238 section 5.2).
      return step !== undefined && (await factors.useStep(tenantId, userId, step)) ? 'app' : undefined;
    }
    const code = readRecoveryCode(typed);
    if (code === undefined) return undefined;
    const used = await factors.useRecoveryCode(tenantId, userId, hashRecoveryCode(tenantId, userId, code));
    return used ? 'recovery' : undefined;
  }

  return {
    async isEnrolled(tenant, userId, now) {
      const { authenticator, passkeys } = await factors.find(tenant.id, userId, now);
      return authenticator !== undefined || passkeys > 0;
    },
    async beginSetup(tenant, userId, now) {
      return sealer.seal(tenant.id, nameOf('setup', userId), JSON.stringify({ secret: newTotpSecret(), at: now }));
    },
    async showSetup(tenant, { id, username }, setup, now) {
      const secret = openSetup(tenant, id, setup, now);
      if (secret === undefined) return undefined;
      return {
        secret: (secret.match(/.{4}/g) ?? []).join(' '),
        qrCode: drawQrCode(totpUri(secret, tenant.secondFactor.issuerName, username)),
      };
    },
    async checkSetup(tenant, userId, setup, typed, now) {
      const secret = openSetup(tenant, userId, setup, now);
      return secret === undefined ? undefined : matchingStep(secret, typed.replace(/\s/g, ''), now);
    },
    async enrol(tenant, userId, setup, step, now) {
      const secret = openSetup(tenant, userId, setup, now);
      if (secret === undefined) return undefined;
      const { codes, hashes } = newCodes(tenant.id, userId);
      const sealedSecret = sealer.seal(tenant.id, nameOf('secret', userId), secret);
      const kept = await factors.enrol(tenant.id, userId, { sealedSecret, lastStep: step, enrolledAt: now }, hashes);
      if (!kept) return undefined;
      await factors.clearFailures(tenant.id, userId);
      return codes;
    },
    async verify({ tenant, userId, typed, remoteAddress, now }) {
      if (throttle.blocked(remoteAddress, now) || !(await mayTry(tenant.id, userId, now)))
        return { ok: false, reason: 'try-later' };
      const kind = typed.length <= 100 ? await useCode(tenant.id, userId, typed, now) : undefined;
      if (kind !== undefined) {
        await factors.clearFailures(tenant.id, userId);
        return { ok: true, recovery: kind === 'recovery' };
      }
      throttle.failed(remoteAddress, now);
      return { ok: false, reason: 'wrong-code' };
    },
    async passkeyCreation(tenant, user, challenge) {
      const rp = relyingPartyOf(tenant);
      if (!rp) return undefined;
      const known = await factors.listPasskeys(tenant.id, user.id);
      const name = [user.givenName, user.familyName].filter(Boolean).join(' ') || user.username;
      return JSON.stringify(creationOptions(rp, tenant, user, name, challenge, known));
    },
    async passkeyRequest(tenant, userId, challenge) {
      const rp = relyingPartyOf(tenant);
      if (!rp) return undefined;
      const known = userId === undefined ? undefined : await factors.listPasskeys(tenant.id, userId);
      return known?.length === 0 ? undefined : JSON.stringify(requestOptions(rp, challenge, known));
    },
    async addPasskey({ tenant, userId, answer, challenge, device, now }) {
      const rp = relyingPartyOf(tenant);
      const made = rp && (await readCreation(rp, answer, challenge));
      if (!made || !(await isNew(tenant, challenge, now))) return undefined;
      const { recoveryCodes } = await factors.find(tenant.id, userId, now);
      if (!(await factors.addPasskey(tenant.id, { ...made, userId, device, createdAt: now }))) return undefined;
      const method = methodOf(made);
      if (recoveryCodes > 0) return { method };
      const { codes, hashes } = newCodes(tenant.id, userId);
      await factors.replaceRecoveryCodes(tenant.id, userId, hashes);
      return { method, codes };
    },
    async verifyPasskey({ tenant, userId, answer, challenge, remoteAddress, now }) {
      if (throttle.blocked(remoteAddress, now)) return { ok: false, reason: 'try-later' };
      const rp = relyingPartyOf(tenant);
      const named = rp && namedIn(answer);
      const passkey = named && (await factors.findPasskey(tenant.id, named.credentialId));
      const isWhose =
        passkey &&
        passkey.userId === (userId ?? passkey.userId) &&
        // Whoever is named by the passkey alone is named twice (section 7.2, step 6).
        (named.userHandle === userHandleOf(tenant.id, passkey.userId) ||
          (named.userHandle === undefined && userId !== undefined));
      if (rp && passkey && isWhose) {
        const read = await readAssertion(rp, answer, challenge, passkey, userId === undefined);
        if (
          read &&
          (await isNew(tenant, challenge, now)) &&
          (await factors.usePasskey(tenant.id, passkey.credentialId, passkey.counter, read.counter, now))
        )
          return { ok: true, userId: passkey.userId, method: methodOf(passkey) };
      }
      throttle.failed(remoteAddress, now);
      return { ok: false, reason: 'wrong-passkey' };
    },
    sealChallenge: async (tenant, sessionIdHash, now) =>
      sealer.seal(tenant.id, nameOf('challenge', sessionIdHash), JSON.stringify({ challenge: newHandle(), at: now })),
    async openChallenge(tenant, sessionIdHash, sealed, now) {
      try {
        const text = sealer.unseal(tenant.id, nameOf('challenge', sessionIdHash), sealed);
        const { challenge, at } = JSON.parse(text) as { readonly challenge: string; readonly at: number };
        return now - at < tenant.lifetimes.interactionSeconds * 1000 ? challenge : undefined;
      } catch {
        return undefined;
      }
    },
    async renewRecoveryCodes(tenant, userId) {
      const { codes, hashes } = newCodes(tenant.id, userId);
      await factors.replaceRecoveryCodes(tenant.id, userId, hashes);
      return codes;
    },
    sealCodes: async (tenant, userId, codes) =>
      sealer.seal(tenant.id, nameOf('new codes', userId), JSON.stringify(codes)),
    openCodes: async (tenant, userId, sealed) =>
      JSON.parse(sealer.unseal(tenant.id, nameOf('new codes', userId), sealed)) as readonly string[],
  };
}
