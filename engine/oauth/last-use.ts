/** When apps last used what they were given: noted in memory, written seldom and together. */
import { LRUCache } from 'lru-cache';
import type { GrantUse, TokenRepository } from '../store/store.ts';

export interface LastUse {
  /** Costs nothing but memory; never fails. @param now epoch milliseconds. */
  note(tenantId: string, grantId: string, now: number): void;
  /** Writes what was noted so far. */
  drain(): Promise<void>;
  close(): void;
}

/** Milliseconds: a grant is written at most once in this time on one node, however often it is used. */
const resolution = 5 * 60_000;
const flushEvery = 5_000;
/** What more grants are used between two writes is forgotten. */
const mostWaiting = 20_000;

/** @param failed hears when a write failed; what it held is given up. */
export function createLastUse(tokens: Pick<TokenRepository, 'recordUses'>, failed: (error: unknown) => void): LastUse {
  const written = new LRUCache<string, number>({ max: 100_000 });
  let waiting: GrantUse[] = [];
  let writing: Promise<void> = Promise.resolve();

  function flush(): Promise<void> {
    const uses = waiting;
    waiting = [];
    if (uses.length > 0) writing = writing.then(() => tokens.recordUses(uses)).catch(failed);
    return writing;
  }
  const timer = setInterval(() => void flush(), flushEvery);
  timer.unref();

  return {
    note(tenantId, grantId, now) {
      const key = `${tenantId} ${grantId}`;
      if (now - (written.get(key) ?? 0) < resolution || waiting.length >= mostWaiting) return;
      written.set(key, now);
      waiting.push({ tenantId, grantId, usedAt: now });
    },
    drain: flush,
    close: () => clearInterval(timer),
  };
}
