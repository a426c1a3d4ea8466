/**
 * Which hooks of a script may run on the process's own thread. Handing an invocation to a thread of its isolate and back
 * costs more than most callbacks do, but whatever runs on the process's own thread holds up all other tenants. So only what
 * was quick, and asked for nothing, several times in a row runs there; and once it was not, it must be so many more times.
 */

/** CPU of a quick invocation, and of one that must not happen again on the process's own thread, microseconds. */
const quickMicroseconds = 500;
const slowMicroseconds = 2_000;
const growth = 8;
const mostNeeded = 1_000_000;
/** After so many times the needed number, one failure is forgiven: pauses of the machine are no fault of the script. */
const forgiveness = 64;

interface Ran {
  readonly asked: boolean;
  readonly cpu: number;
}

export interface QuickHooks {
  may(hook: string): boolean;
  /** An invocation ended. @param here Whether on the process's own thread. */
  ran(hook: string, outcome: Ran, here: boolean): void;
  /** One could not be done on the process's own thread. */
  failed(hook: string): void;
}

/** @param least Quick invocations in a row before a hook may run on the process's own thread. */
export function createQuickHooks(least: number): QuickHooks {
  const hooks = new Map<string, { inARow: number; needed: number }>();
  const of = (hook: string) => {
    let known = hooks.get(hook);
    if (!known) hooks.set(hook, (known = { inARow: 0, needed: least }));
    return known;
  };
  const failed = (hook: string) => {
    const known = of(hook);
    known.inARow = 0;
    known.needed = Math.min(Math.max(known.needed, 1) * growth, mostNeeded);
  };
  return {
    may(hook) {
      const { inARow, needed } = of(hook);
      return inARow >= needed;
    },
    ran(hook, { asked, cpu }, here) {
      if (here && cpu > slowMicroseconds) return failed(hook);
      const known = of(hook);
      known.inARow = asked || cpu > quickMicroseconds ? 0 : known.inARow + 1;
      if (known.needed > least && known.inARow > known.needed * forgiveness)
        known.needed = Math.max(least, known.needed / growth);
    },
    failed,
  };
}
