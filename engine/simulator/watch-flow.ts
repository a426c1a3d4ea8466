/** A flow as production runs it, watched: which states it goes through, how long each takes, and what each changes. */
import type { HookName, InvocationResult } from '../script/runner.ts';
import type { Script } from '../tenant/tenant.ts';
import type { AnyState, EndState, Flow, HookBinding, HookCall } from '../flow/table.ts';

type Facts = Readonly<Record<string, unknown>>;

/** One run of a callback. */
export interface Invoked {
  readonly hook: HookName;
  readonly script: Script;
  readonly input: unknown;
  readonly result: InvocationResult;
}

/** One state that was gone through, as it happened. */
export interface Seen {
  readonly state: string;
  readonly does: string;
  readonly kind: 'step' | 'wait' | 'hook' | 'end';
  milliseconds: number;
  /** Absent for hooks, whose outcome is the trace's. */
  outcome?: string;
  before: Facts;
  /** What the state gave. */
  gives: Facts;
  call?: HookCall;
  invocation?: Invoked;
  /** What a wait was given. */
  input?: Readonly<Record<string, unknown>>;
}

export interface Watch {
  /** What was seen so far, in this order. */
  readonly seen: readonly Seen[];
  flow(flow: Flow): Flow;
  /** Told of each run of a callback. */
  invoked(run: Invoked): void;
}

interface Result {
  readonly kind?: string;
  readonly outcome?: unknown;
  readonly reason?: string;
  readonly gives?: Facts;
}

export function createWatch(): Watch {
  const seen: Seen[] = [];

  /** Begins a state; the function it answers is told what came of it. */
  function enter(state: string, { kind, does }: AnyState, before: Facts): (result?: Result) => void {
    const began = performance.now();
    const row: Seen = { state, does, kind, milliseconds: 0, before: { ...before }, gives: {} };
    seen.push(row);
    return (result) => {
      row.milliseconds = performance.now() - began;
      if (result === undefined) return;
      const { kind: how, outcome, reason, gives } = result;
      if (how === 'continue') Object.assign(row, { outcome: String(outcome), gives: gives ?? {} });
      else row.outcome = how === 'again' ? 'again' : (reason ?? how ?? '');
    };
  }

  async function during<Value>(left: (result?: Result) => void, action: () => Promise<Value>): Promise<Value> {
    try {
      const value = await action();
      left(value as Result);
      return value;
    } catch (error) {
      left({ kind: 'reject', reason: 'step-failed' });
      throw error;
    }
  }

  function watchHook(name: string, state: Extract<AnyState, { kind: 'hook' }>): AnyState {
    const binding = state.binding as HookBinding<Facts, unknown>;
    let left: (result?: Result) => void = () => undefined;
    const settle = (facts: Facts, value: unknown) => {
      const result = value as Result;
      left();
      const row = seen.at(-1);
      if (row && result.kind !== 'reject') Object.assign(row, { gives: result as Facts, before: { ...facts } });
    };
    const watched: HookBinding<Facts, unknown> = {
      ...binding,
      async read(facts, ports) {
        left = enter(name, state, facts);
        const call = await binding.read(facts, ports);
        if (call) Object.assign(seen.at(-1) as Seen, { call });
        return call;
      },
      without(facts, ports) {
        const value = binding.without(facts, ports);
        settle(facts, value);
        return value;
      },
      async apply(facts, effect, ports) {
        const value = await binding.apply(facts, effect, ports);
        settle(facts, value);
        return value;
      },
    };
    return { ...state, binding: watched as HookBinding<never, unknown> };
  }

  function watchState(name: string, state: AnyState): AnyState {
    switch (state.kind) {
      case 'step':
        return {
          ...state,
          run: (facts: Facts, ports) =>
            during(enter(name, state, facts), async () => (state.run as unknown as Step)(facts, ports)),
        } as AnyState;
      case 'wait':
        return {
          ...state,
          accept(facts: Facts, input, ports) {
            const left = enter(name, state, facts);
            Object.assign(seen.at(-1) as Seen, { input });
            return during(left, async () => (state.accept as unknown as Accept)(facts, input, ports));
          },
        } as AnyState;
      case 'hook':
        return watchHook(name, state);
      case 'end':
        return {
          ...state,
          audit(facts: Facts) {
            enter(name, state, facts)({ kind: 'continue', outcome: 'success' });
            return (state.audit as unknown as Audit)(facts);
          },
        } as AnyState;
    }
  }

  return {
    seen,
    flow: (flow) => ({
      ...flow,
      states: Object.fromEntries(Object.entries(flow.states).map(([name, state]) => [name, watchState(name, state)])),
    }),
    invoked(run) {
      const row = seen.at(-1);
      if (row) row.invocation = run;
    },
  };
}

type Audit = (facts: Facts) => ReturnType<EndState['audit']>;
type Step = (facts: Facts, ports: unknown) => unknown;
type Accept = (facts: Facts, input: Readonly<Record<string, unknown>>, ports: unknown) => unknown;
