/** Holds back tenants whose scripts ended a sandbox process: longer with every time, until one of them runs well again. */
export interface Quarantine {
  holds(tenantId: string): boolean;
  punish(tenantId: string): void;
  /** An invocation that began at this time went well. */
  absolve(tenantId: string, began: number): void;
}

const longest = 60_000;

/** @param now Milliseconds. */
export function createQuarantine(now: () => number = Date.now): Quarantine {
  const held = new Map<string, { until: number; times: number }>();
  return {
    holds(tenantId) {
      const found = held.get(tenantId);
      return found !== undefined && found.until > now();
    },
    punish(tenantId) {
      const times = (held.get(tenantId)?.times ?? 0) + 1;
      held.set(tenantId, { until: now() + Math.min(250 * 2 ** times, longest), times });
    },
    absolve(tenantId, began) {
      const found = held.get(tenantId);
      // What was already under way says nothing about what is wrong since.
      if (found && found.until <= began) held.delete(tenantId);
    },
  };
}
