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
  const waiting: Call<Item>[] = [];
  let running = false;

  /** As many waiting calls as fit one write, at least one. */
  function takeCalls(): Call<Item>[] {
    let items = 0;
    let calls = 0;
    for (const call of waiting) {
      items += call.items.length;
      if (calls > 0 && items > maximum) break;
      calls++;
    }
    return waiting.splice(0, calls);
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
