/** The rules of a tenant for passwords: which may be set, how they are hashed, and when one must be changed. */
import { createHash } from 'node:crypto';
import { hash } from '@node-rs/argon2';
import type { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { verifySlowHash } from '../store/secret.ts';
import type { PasswordRules, User } from '../tenant/tenant.ts';

/** A rule that a candidate does not meet. Each is a message `newPassword.fault-<code>`. */
export type PasswordFault = 'too-short' | 'too-long' | 'too-weak' | 'breached' | 'names-you' | 'used-before';

/** Bytes, for every tenant. More is no gain, and argon2id would have to read it. */
export const longestPassword = 1024;
/** Characters that the estimate reads: its time grows with the square. */
const mostEstimated = 100;
const day = 86_400_000;

type Person = Pick<User, 'username' | 'passwordHash' | 'passwordHistory'> &
  Partial<Pick<User, 'givenName' | 'familyName' | 'email'>>;

/** An argon2id PHC string (RFC 9106) with the tenant's parameters. */
export function hashPassword(password: string, { hashing }: Pick<PasswordRules, 'hashing'>): Promise<string> {
  const { memoryKibibytes, passes, parallelism } = hashing;
  return hash(password, { memoryCost: memoryKibibytes, timeCost: passes, parallelism });
}

/** Whether a stored hash was made with these parameters. */
export function isHashedAs(passwordHash: string, { hashing }: Pick<PasswordRules, 'hashing'>): boolean {
  const { memoryKibibytes, passes, parallelism } = hashing;
  return passwordHash.startsWith(`$argon2id$v=19$m=${memoryKibibytes},t=${passes},p=${parallelism}$`);
}

// Its dictionaries are only read where somebody sets a password under a rule that needs them.
let estimator: Promise<ZxcvbnFactory> | undefined;
async function strengthOf(password: string, person: Person): Promise<number> {
  estimator ??= Promise.all([import('@zxcvbn-ts/core'), import('@zxcvbn-ts/language-common')]).then(
    ([{ ZxcvbnFactory: Factory }, { dictionary, adjacencyGraphs }]) =>
      new Factory({ dictionary, graphs: adjacencyGraphs }),
  );
  return (await estimator).check([...password].slice(0, mostEstimated).join(''), namesOf(person)).score;
}

function namesOf({ username, givenName, familyName, email }: Person): string[] {
  return [username, givenName, familyName, email, email?.split('@')[0]].filter((name) => name !== undefined);
}

/** What the breached list holds of a password: its SHA-1, upper-case hex, as such lists are published. */
export function breachKeyOf(password: string): string {
  return createHash('sha1').update(password).digest('hex').toUpperCase();
}

/**
 * The rules a candidate does not meet; empty where it may be set.
 * @param person whose password it is to be. Their hash, if they have one, counts as used before.
 */
export async function checkPassword(
  rules: PasswordRules,
  person: Person,
  candidate: string,
): Promise<readonly PasswordFault[]> {
  if (Buffer.byteLength(candidate) > longestPassword) return ['too-long'];
  const faults: PasswordFault[] = [];
  const lower = candidate.toLowerCase();
  // NIST SP 800-63B, section 3.1.1.2: each code point counts as one character.
  const characters = [...candidate].length;
  if (characters > rules.maximumLength) return ['too-long'];
  if (characters < rules.minimumLength) faults.push('too-short');
  if (namesOf(person).some((name) => name.length >= 3 && lower.includes(name.toLowerCase()))) faults.push('names-you');
  if (rules.breached?.has(breachKeyOf(candidate))) faults.push('breached');
  if (faults.length === 0 && rules.minimumStrength > 0) {
    if ((await strengthOf(candidate, person)) < rules.minimumStrength) faults.push('too-weak');
  }
  // Each comparison takes as long as a log-in, so it comes last.
  if (faults.length === 0 && rules.history > 0) {
    const before = [person.passwordHash, ...(person.passwordHistory ?? [])].slice(0, rules.history);
    for (const used of before)
      if (used !== undefined && (await verifySlowHash(used, candidate))) return ['used-before'];
  }
  return faults;
}

/**
 * The person with another password: the one before is remembered as far as the rules want it.
 * @param mustChange whether they must choose another one at the next log-in, as one that somebody else chose.
 */
export function withPassword<Known extends User>(
  user: Known,
  passwordHash: string,
  rules: PasswordRules,
  now: number,
  mustChange = false,
): Known {
  const { mustChangePassword: _mustChange, passwordHistory: _history, ...rest } = user;
  const before = [user.passwordHash, ...(user.passwordHistory ?? [])].filter((used) => used !== undefined);
  const kept = before.slice(0, Math.max(0, rules.history - 1));
  return {
    ...(rest as Known),
    passwordHash,
    passwordChangedAt: now,
    ...(kept.length > 0 ? { passwordHistory: kept } : {}),
    ...(mustChange ? { mustChangePassword: true } : {}),
  };
}

/** Why the person must choose another password before they go on, or undefined. */
export function whyChange(user: User, rules: PasswordRules, now: number): 'asked' | 'expired' | undefined {
  if (user.passwordHash === undefined) return undefined;
  if (user.mustChangePassword === true) return 'asked';
  const { maximumAgeDays } = rules;
  // A password of unknown age may be older than any.
  return maximumAgeDays !== undefined && (user.passwordChangedAt ?? 0) + maximumAgeDays * day <= now
    ? 'expired'
    : undefined;
}
