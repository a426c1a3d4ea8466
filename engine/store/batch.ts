/** Joins the items of concurrent callers into few writes (group commit). */
export interface Batch<Item> {
  /** Resolves once the items are written; rejects when they are not. */
  add(items: readonly Item[]): Promise<void>;
}

interface Call<Item> {
  readonly items: readonly Item[];
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * While one write is under way, later calls gather and go together in the next one.
 * @param write stores all items or none.
 * @param maximum items of one write; a single call may exceed it.
 */
export function createBatch<Item>(write: (items: readonly Item[]) => Promise<void>, maximum = 500): Batch<Item> {
  let waiting: Call<Item>[] = [];
  let running = false;

  function takeCalls(): Call<Item>[] {
    let count = 0;
    const fitting = waiting.findIndex((call) => (count += call.items.length) > maximum);
    const taken = waiting.splice(0, fitting === -1 ? waiting.length : Math.max(1, fitting));
    return taken;
  }

  /** One caller's bad item must not fail the others: after a failure each call stands alone. */
  async function writeEach(calls: readonly Call<Item>[]): Promise<void> {
    for (const call of calls) await write(call.items).then(call.resolve, call.reject);
  }

  async function run(): Promise<void> {
    running = true;
    // Lets the callers of this turn of the event loop join the first write.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const calls = takeCalls();
      try {
        await write(calls.flatMap((call) => call.items));
        for (const call of calls) call.resolve();
      } catch (error) {
        if (calls.length === 1) calls[0]?.reject(error);
        else await writeEach(calls);
      }
    }
    running = false;
  }

  return {
    add(items) {
      if (items.length === 0) return Promise.resolve();
      return new Promise((resolve, reject) => {
        waiting.push({ items, resolve, reject });
        if (!running) void run();
      });
    },
  };
}
