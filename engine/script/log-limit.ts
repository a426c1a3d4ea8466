/** Keeps a tenant that logs without end from filling the operator's disk: so many lines a second, the rest counted. */
import { LRUCache } from 'lru-cache';

export interface LogLimit {
  /** How many of `wanted` lines may be written now, and how many of the second before were left out. */
  take(tenantId: string, wanted: number, now: number): { readonly allowed: number; readonly dropped: number };
}

export function createLogLimit(linesPerSecond = 100): LogLimit {
  const tenants = new LRUCache<string, { second: number; written: number; dropped: number }>({ max: 10_000 });
  return {
    take(tenantId, wanted, now) {
      const second = Math.floor(now / 1000);
      const before = tenants.get(tenantId);
      const current = before?.second === second ? before : { second, written: 0, dropped: 0 };
      const dropped = before && before.second !== second ? before.dropped : 0;
      const allowed = Math.min(wanted, linesPerSecond - current.written);
      tenants.set(tenantId, {
        second,
        written: current.written + allowed,
        dropped: current.dropped + wanted - allowed,
      });
      return { allowed, dropped };
    },
  };
}
