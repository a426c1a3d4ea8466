/** Stops calling a host that does not answer, so that its silence does not hold up every flow of the tenant. */
import { LRUCache } from 'lru-cache';

export interface Breaker {
  /** Milliseconds until the host may be tried again; 0 when it may be called now. */
  closedFor(key: string, now: number): number;
  /** `failed`: no answer, or one that says the host is not well (502, 503, 504). */
  record(key: string, failed: boolean, now: number): void;
}

/** Failures in a row before the host is left alone, and for how long: doubled with each failed trial. */
const patience = 5;
const firstPause = 5_000;
const longestPause = 60_000;

export function createBreaker(): Breaker {
  const hosts = new LRUCache<string, { failures: number; until: number }>({ max: 10_000 });
  return {
    closedFor(key, now) {
      const host = hosts.get(key);
      if (!host || host.until <= now) {
        // One trial at a time: while it is under way, others are told to wait.
        if (host && host.failures >= patience) host.until = now + firstPause;
        return 0;
      }
      return host.until - now;
    },
    record(key, failed, now) {
      if (!failed) return void hosts.delete(key);
      const failures = (hosts.get(key)?.failures ?? 0) + 1;
      const pause = failures < patience ? 0 : Math.min(firstPause * 2 ** (failures - patience), longestPause);
      hosts.set(key, { failures, until: now + pause });
    },
  };
}
