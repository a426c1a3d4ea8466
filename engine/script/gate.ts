/** A tenant's share of invocations at one time, and a bounded queue behind it. */
export interface Gate {
  /** False when the queue is full. */
  enter(concurrency: number, queue: number): Promise<boolean>;
  leave(): void;
}

export function createGate(): Gate {
  let running = 0;
  const waiting: ((entered: boolean) => void)[] = [];
  return {
    async enter(concurrency, queue) {
      if (running < concurrency) {
        running += 1;
        return true;
      }
      if (waiting.length >= queue) return false;
      return new Promise((resolve) => waiting.push(resolve));
    },
    leave() {
      const next = waiting.shift();
      if (next) next(true);
      else running -= 1;
    },
  };
}
