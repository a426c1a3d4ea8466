/** How much the page may ask of a running server: so much of each administrator, and so much of all together. */
import { createGate, type Gate } from '../../engine/script/gate.ts';
import type { Busy } from './api.ts';

/** At one time, and behind them in a queue. */
const ofOne = { running: 2, waiting: 4 };
const ofAll = { running: 4, waiting: 20 };
const perMinute = 120;
const minute = 60_000;

export interface Bounds {
  /** @returns what the action answers, or why it did not begin. */
  run<Value>(owner: string, action: () => Promise<Value>): Promise<Value | Busy>;
  /** Whether nothing is under way. */
  readonly idle: boolean;
}

interface Owner {
  readonly gate: Gate;
  /** When the last ones began, the oldest first. */
  begun: number[];
}

export function createBounds(now: () => number = Date.now): Bounds {
  const owners = new Map<string, Owner>();
  const all = createGate();
  let running = 0;

  return {
    get idle() {
      return running === 0;
    },
    async run(owner, action) {
      const since = now() - minute;
      // Who has not asked for a minute is forgotten.
      for (const [name, { begun }] of owners) if ((begun.at(-1) ?? 0) < since && running === 0) owners.delete(name);
      const own = owners.get(owner) ?? { gate: createGate(), begun: [] };
      owners.set(owner, own);
      own.begun = own.begun.filter((at) => at > since);
      if (own.begun.length >= perMinute) return busy('You ran more than is allowed within a minute.');
      own.begun.push(now());
      running += 1;
      try {
        if (!(await own.gate.enter(ofOne.running, ofOne.waiting))) return busy('Your runs before are not over yet.');
        try {
          if (!(await all.enter(ofAll.running, ofAll.waiting))) return busy('The runs of others are not over yet.');
          try {
            return await action();
          } finally {
            all.leave();
          }
        } finally {
          own.gate.leave();
        }
      } finally {
        running -= 1;
      }
    },
  };
}

function busy(message: string): Busy {
  return { status: 429, message, hint: 'try again in a moment' };
}
