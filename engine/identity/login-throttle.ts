/** Slows guessing from one address, whatever account it tries. Bounded in memory; each node counts for itself. */
import { LRUCache } from 'lru-cache';

export interface LoginThrottle {
  /** Whether this address must wait. */
  blocked(address: string, now: number): boolean;
  failed(address: string, now: number): void;
}

const window = 60_000;

/** @param most Failures of one address within a minute before it must wait. */
export function createLoginThrottle(most = 30): LoginThrottle {
  const failures = new LRUCache<string, { count: number; since: number }>({ max: 50_000 });
  const current = (address: string, now: number) => {
    const entry = failures.get(address);
    return entry && now - entry.since < window ? entry : undefined;
  };
  return {
    blocked: (address, now) => (current(address, now)?.count ?? 0) >= most,
    failed(address, now) {
      const entry = current(address, now) ?? { count: 0, since: now };
      failures.set(address, { ...entry, count: entry.count + 1 });
    },
  };
}
