/**
 * Which hooks of a script may run on the process's own thread. Handing an invocation to a thread of its isolate and back
 * costs more than most callbacks do, but whatever runs on the process's own thread holds up all other tenants. So only what
 * was quick, and asked for nothing, several times in a row runs there; and once it was not, it must be so many more times.
 */

/** Microseconds of CPU. */
const quickMicroseconds = 2_000;
const growth = 8;
const mostNeeded = 1_000_000;

export interface QuickHooks {
  may(hook: string): boolean;
  /** An invocation on a thread of its own ended. */
  ran(hook: string, outcome: { readonly asked: boolean; readonly cpu: number }): void;
  /** One on the process's own thread was not quick after all. */
  failed(hook: string): void;
}

/** @param needed Quick invocations in a row before a hook may run on the process's own thread. */
export function createQuickHooks(needed: number): QuickHooks {
  const hooks = new Map<string, { inARow: number; needed: number }>();
  const of = (hook: string) => {
    let known = hooks.get(hook);
    if (!known) hooks.set(hook, (known = { inARow: 0, needed }));
    return known;
  };
  return {
    may(hook) {
      const known = of(hook);
      return known.inARow >= known.needed;
    },
    ran(hook, { asked, cpu }) {
      const known = of(hook);
      known.inARow = asked || cpu > quickMicroseconds ? 0 : known.inARow + 1;
    },
    failed(hook) {
      const known = of(hook);
      known.inARow = 0;
      known.needed = Math.min(Math.max(known.needed, 1) * growth, mostNeeded);
    },
  };
}
