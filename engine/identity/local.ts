/** The local inbound module: user names and passwords kept here, argon2id; foreign hashes give way to it at the first log-in. */
import { hash } from '@node-rs/argon2';
import { isForeignHash, schemeOf } from '../store/foreign-hash.ts';
import { verifySlowHash } from '../store/secret.ts';
import type { UserRepository } from '../store/store.ts';
import type { User } from '../tenant/tenant.ts';
import type { LoginThrottle } from './login-throttle.ts';

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
    /** One password hash of each foreign kind that people of the tenant have; none unless given. */
    readonly foreignHashes?: readonly string[];
  }): Promise<LocalResult>;
}

const freeFailures = 5;
const longestPassword = 1024;
/** argon2id takes 19 MiB each; more at once than this wait. */
const mostVerifications = 8;

/** An argon2id PHC string with the parameters OWASP recommends (19 MiB, 2 passes). */
export function hashPassword(password: string): Promise<string> {
  return hash(password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
}

/** How long an account stays locked after its failures: a minute, doubled with each further one, at most a day. */
function lockedFor(failures: number): number {
  return failures < freeFailures ? 0 : Math.min(60_000 * 2 ** (failures - freeFailures), 86_400_000);
}

/** Unknown, disabled and locked users get the answer of a wrong password, after the same work. */
export function createLocalModule(options: {
  readonly users: UserRepository;
  readonly throttle: LoginThrottle;
}): LocalModule {
  const { users, throttle } = options;
  const nobody = hashPassword('the password of nobody');
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
  async function replaceHash(tenantId: string, user: User, password: string): Promise<User> {
    const passwordHash = await hashPassword(password);
    const changed = await users
      .change(tenantId, user.id, (current) =>
        current.passwordHash === user.passwordHash ? { ...current, passwordHash } : current,
      )
      // Whoever knows the password is logged in all the same; the next log-in tries again.
      .catch(() => undefined);
    return changed ?? user;
  }

  return {
    async authenticate({ tenantId, username, password, remoteAddress, now, foreignHashes = [] }) {
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
        return { ok: true, user: isForeignHash(stored) ? await replaceHash(tenantId, user, password) : user };
      throttle.failed(remoteAddress, now);
      return { ok: false, reason: 'wrong-credentials' };
    },
  };
}
