/** Audit events and traces on their way into the store: written in the background, waited for before tokens are given out. */
import { LRUCache } from 'lru-cache';

export interface FlowRecord {
  /** Names the record in a sentence, for the log. */
  readonly what: string;
  readonly outcome: 'success' | 'failure';
  readonly flowId?: string | undefined;
  /** Whether the flow's tokens may be given out only with this record stored. */
  readonly required: boolean;
  write(): Promise<void>;
}

export interface Records {
  /**
   * Begins a write. While the store is so slow that thousands wait, those of failures are given up, which strangers cause
   * at no cost; those of successes, which the server itself bounds, never are.
   */
  add(record: FlowRecord): void;
  /** Waits for the writes of a flow that began so far; false where a required one failed. */
  settled(flowId: string): Promise<boolean>;
  /** Waits for all writes that began so far. */
  drain(): Promise<void>;
}

/** @param failed hears of each record that could not be stored. Writes that come together should be joined by `write`. */
export function createRecords(failed: (what: string, error: unknown) => void, longest = 5_000): Records {
  const running = new Set<Promise<boolean>>();
  const byFlow = new Map<string, Promise<boolean>>();
  /** Flows whose writes ended before anybody waited, one of them without success. */
  const lost = new LRUCache<string, true>({ max: 10_000 });

  async function attempt({ what, required, write }: FlowRecord): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (error) {
      failed(what, error);
      return !required;
    }
  }

  return {
    add(record) {
      const { what, outcome, flowId } = record;
      if (outcome === 'failure' && running.size >= longest) return failed(what, new Error('too many are waiting'));
      const own = attempt(record);
      running.add(own);
      void own.then(() => running.delete(own));
      if (flowId === undefined) return;
      const before = byFlow.get(flowId);
      const all = before ? Promise.all([before, own]).then(([first, second]) => first && second) : own;
      byFlow.set(flowId, all);
      void all.then((stored) => {
        if (byFlow.get(flowId) === all) byFlow.delete(flowId);
        if (!stored) lost.set(flowId, true);
      });
    },
    settled: (flowId) => byFlow.get(flowId) ?? Promise.resolve(!lost.has(flowId)),
    async drain() {
      await Promise.all(running);
    },
  };
}
