/** The local inbound module: user names and passwords kept here, argon2id; foreign hashes and those of another cost give way at the next log-in. */
import { LRUCache } from 'lru-cache';
import { schemeOf } from '../store/foreign-hash.ts';
import { verifySlowHash } from '../store/secret.ts';
import type { UserRepository } from '../store/store.ts';
import type { PasswordRules, User } from '../tenant/tenant.ts';
import type { LoginThrottle } from './login-throttle.ts';
import { hashPassword, isHashedAs, longestPassword } from './password.ts';

export type LocalResult =
  | { readonly ok: true; readonly user: User }
  | { readonly ok: false; readonly reason: 'wrong-credentials' | 'try-later' };

export interface LocalModule {
  authenticate(input: {
    readonly tenantId: string;
    readonly username: string;
    readonly password: string;
    readonly remoteAddress: string;
    readonly now: number;
    /** What a password is hashed with that was hashed otherwise. */
    readonly rules: Pick<PasswordRules, 'hashing'>;
    /** One password hash of each foreign kind that people of the tenant have; none unless given. */
    readonly foreignHashes?: readonly string[];
  }): Promise<LocalResult>;
}

const freeFailures = 5;
/** argon2id takes 19 MiB each; more at once than this wait. */
const mostVerifications = 8;

/** How long an account stays locked after its failures, milliseconds: a minute, doubled with each further one, at most a day. */
export function lockedFor(failures: number): number {
  return failures < freeFailures ? 0 : Math.min(60_000 * 2 ** (failures - freeFailures), 86_400_000);
}

/** Unknown, disabled and locked users get the answer of a wrong password, after the same work. */
export function createLocalModule(options: {
  readonly users: UserRepository;
  readonly throttle: LoginThrottle;
}): LocalModule {
  const { users, throttle } = options;
  const nobodies = new LRUCache<string, Promise<string>>({ max: 100 });
  /** Costs as much to verify as the password of somebody. */
  const nobodyUnder = (rules: Pick<PasswordRules, 'hashing'>): Promise<string> => {
    const key = JSON.stringify(rules.hashing);
    const known = nobodies.get(key) ?? hashPassword('the password of nobody', rules);
    nobodies.set(key, known);
    return known;
  };
  let running = 0;
  const waiting: (() => void)[] = [];
  const verifyBounded = async (stored: string, password: string): Promise<boolean> => {
    if (running >= mostVerifications) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    try {
      return await verifySlowHash(stored, password);
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  };

  /** The password was right, so it can be hashed anew; unless it was changed at this very moment. */
  async function replaceHash(
    tenantId: string,
    user: User,
    password: string,
    rules: Pick<PasswordRules, 'hashing'>,
  ): Promise<User> {
    const passwordHash = await hashPassword(password, rules);
    const changed = await users
      .change(tenantId, user.id, (current) =>
        current.passwordHash === user.passwordHash ? { ...current, passwordHash } : current,
      )
      // Whoever knows the password is logged in all the same; the next log-in tries again.
      .catch(() => undefined);
    return changed ?? user;
  }

  return {
    async authenticate({ tenantId, username, password, remoteAddress, now, rules, foreignHashes = [] }) {
      const nobody = nobodyUnder(rules);
      if (throttle.blocked(remoteAddress, now)) return { ok: false, reason: 'try-later' };
      const name = username.normalize('NFC').slice(0, 255);
      const acceptable = name !== '' && Buffer.byteLength(password) <= longestPassword;
      const [user, failures] = await Promise.all([
        users.findByUsername(tenantId, name),
        users.failures(tenantId, name),
      ]);
      const presented = acceptable ? password : '';
      const stored = user?.passwordHash ?? (await nobody);
      const matches = await verifyBounded(stored, presented);
      const locked = now < failures.lastAt + lockedFor(failures.count);
      const right = acceptable && matches && user?.passwordHash !== undefined && user.enabled && !locked;
      if (!right) {
        // Each kind of hash takes its own time: a failure goes through all of them, whoever it is about.
        for (const other of [await nobody, ...foreignHashes])
          if (schemeOf(other) !== schemeOf(stored)) await verifyBounded(other, presented);
      }
      await users.recordLogin(tenantId, name, right, now);
      if (right && user)
        return {
          ok: true,
          user: isHashedAs(stored, rules) ? user : await replaceHash(tenantId, user, password, rules),
        };
      throttle.failed(remoteAddress, now);
      return { ok: false, reason: 'wrong-credentials' };
    },
  };
}
