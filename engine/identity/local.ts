/** The local inbound module: user names and passwords kept here, argon2id; foreign hashes and those of another cost give way at the next log-in. */
import { LRUCache } from 'lru-cache';
import { costOf } from '../store/foreign-hash.ts';
import { verifySlowHash } from '../store/secret.ts';
import type { UserRepository } from '../store/store.ts';
import type { PasswordRules, Tenant, User } from '../tenant/tenant.ts';
import { type LogInAttempt, type ModuleAnswer, owningModule } from './module.ts';
import { hashPassword, isHashedAs } from './password.ts';

export interface LocalModule {
  authenticate(attempt: LogInAttempt): Promise<ModuleAnswer>;
}

/** argon2id takes 19 MiB each; more at once than this wait. */
const mostVerifications = 8;

/** Milliseconds until it is looked up again which hashes people have: those of an old cost go as people log in. */
const hashesRead = 600_000;

/** Unknown, disabled and locked users cost the work of a wrong password. */
export function createLocalModule({ users }: { readonly users: UserRepository }): LocalModule {
  const nobodies = new LRUCache<string, Promise<string>>({ max: 100 });
  /** Costs as much to verify as the password of somebody. */
  const nobodyUnder = (rules: Pick<PasswordRules, 'hashing'>): Promise<string> => {
    const key = JSON.stringify(rules.hashing);
    const known = nobodies.get(key) ?? hashPassword('the password of nobody', rules);
    nobodies.set(key, known);
    return known;
  };
  // Reading them takes longer the more people there are: an old answer is good while the next one is read.
  const hashesByCost = new LRUCache<string, readonly string[]>({
    max: 1_000,
    ttl: hashesRead,
    allowStale: true,
    fetchMethod: (tenantId) => users.hashesByCost(tenantId),
  });
  /** A hash of each cost that a person of the tenant may have, by the cost. */
  async function eachCost(tenant: Tenant, stored: string, nobody: string): Promise<Map<string | undefined, string>> {
    let known = (await hashesByCost.fetch(tenant.id)) ?? [];
    const all = () => new Map([...known, nobody].map((hash) => [costOf(hash), hash]));
    // A cost that came up since: from now on every failure counts it.
    const cost = costOf(stored);
    if (cost !== undefined && !all().has(cost))
      known = (await hashesByCost.fetch(tenant.id, { forceRefresh: true })) ?? [];
    return all();
  }
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
    async authenticate({ tenant, name, password, mayTry }) {
      const rules = tenant.passwords;
      const nobody = nobodyUnder(rules);
      const found = await users.findByUsername(tenant.id, name);
      // Whoever belongs to another module has no password here, whatever the account holds.
      const user = found && owningModule(found) === undefined ? found : undefined;
      const open = await mayTry(name);
      const stored = user?.passwordHash ?? (await nobody);
      const matches = await verifyBounded(stored, password ?? '');
      const right = password !== undefined && matches && open && user?.passwordHash !== undefined && user.enabled;
      if (right)
        return {
          kind: 'accepted',
          user: isHashedAs(stored, rules) ? user : await replaceHash(tenant.id, user, password, rules),
        };
      // Each cost takes its own time: a failure goes through all that people here have, whoever it is about.
      for (const [cost, other] of await eachCost(tenant, stored, await nobody))
        if (cost !== costOf(stored)) await verifyBounded(other, password ?? '');
      return user?.passwordHash === undefined ? { kind: 'unknown' } : { kind: 'refused', username: user.username };
    },
  };
}
