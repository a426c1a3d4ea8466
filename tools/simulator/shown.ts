/** What server and page of the simulator tell each other. Types alone, for both sides. */
import type { HookTrace } from '../../engine/flow/trace.ts';
import type { Replayed } from '../../engine/script/case/replay.ts';
import type { SimulatedHook, SimulatedPage, SimulatedRun, SimulatedState } from '../../engine/simulator/run.ts';
import type { CompletePlan, SimulatedFlow } from '../../engine/simulator/plan.ts';

/** A page as it is looked at: its whole document, with the skin's files in it. */
export type ShownPage = Pick<SimulatedPage, 'name'> & { readonly html: string };

export interface ShownHook extends SimulatedHook {
  /** Whether the person who stepped through the run gave it another input. */
  readonly inputEdited?: boolean;
}

export type ShownState = Omit<SimulatedState, 'page' | 'hook'> & {
  readonly page?: ShownPage;
  readonly hook?: ShownHook;
};

export type ShownRun = Omit<SimulatedRun, 'path' | 'errorPage' | 'plan'> & {
  readonly path: readonly ShownState[];
  readonly errorPage?: ShownPage;
  /** Of a flow that happened, no more than is known: any flow, not only one that can be simulated. */
  readonly plan: Partial<Omit<CompletePlan, 'flow'>> & { readonly flow: string };
  /** Of a flow that happened, and of its hooks run again. */
  readonly happened?: {
    readonly id: string;
    /** Epoch milliseconds. */
    readonly at: number;
    readonly user?: string;
    /** What was done with it, in a few words; absent for the record itself. */
    readonly again?: string;
  };
};

/** A hook of a trace that was run again. */
export interface ReplayedHook extends Replayed {
  /** Its place among the entries of the trace. */
  readonly entry: number;
}

/** A flow that happened, in a list. */
export interface ListedTrace {
  readonly id: string;
  readonly flow: string;
  readonly outcome: string;
  readonly startedAt: string;
  readonly clientId?: string;
  readonly userId?: string;
  readonly hooks: readonly string[];
}

/** A callback that is about to run, for who steps from one to the next. */
export interface Paused {
  readonly step: string;
  readonly hook: string;
  readonly file: string;
  readonly input: unknown;
  /** How many callbacks ran before. */
  readonly before: number;
  /** Where the flow stands. */
  readonly state: string;
  /** The states that it went through before. */
  readonly path: readonly ShownState[];
}

export interface Fault {
  readonly message: string;
  readonly hint: string;
}

/** What comes of a wish to run, or to go on. */
export type Answer =
  | { readonly kind: 'run'; readonly run: ShownRun }
  | { readonly kind: 'paused'; readonly paused: Paused }
  | { readonly kind: 'faults'; readonly faults: readonly Fault[] };

/** How two versions did beside each other, as the admin API tells it. */
export interface Comparison {
  /** The one whose decisions counted. */
  readonly activeHash: string;
  /** The one that ran beside it, without effect. */
  readonly shadowHash: string;
  readonly hook: string;
  readonly counts: Readonly<Record<string, number | undefined>>;
  readonly samples: readonly ComparedSample[];
  readonly lastAt: string;
}

export interface ComparedSample {
  readonly at: number;
  readonly flowId: string;
  readonly flow?: string;
  readonly outcome?: { readonly active: string; readonly shadow: string };
  /** JSON pointers. */
  readonly differs?: readonly string[];
  /** Absent where they were not kept, or are no longer. */
  readonly sides?: { readonly active: HookTrace; readonly shadow: HookTrace };
}

/** What comes of running a trace again. */
export type ReplayAnswer =
  { readonly kind: 'replay'; readonly hooks: readonly ReplayedHook[] } | Extract<Answer, { readonly kind: 'faults' }>;

export interface ScriptFile {
  readonly name: string;
  readonly text: string;
  /** Where the tenant's document names it; empty for a file that others import. */
  readonly slots: readonly string[];
}

/** A version of a script that a running server keeps. */
export interface ShownVersion {
  readonly hash: string;
  readonly author: string;
  readonly note?: string;
  readonly createdAt: string;
  readonly activatedAt?: string;
}

/** Where a running tenant has scripts, and what is edited of them. */
export interface ShownScript {
  readonly slots: readonly {
    readonly slot: string;
    readonly active?: string;
    readonly canary?: { readonly hash: string; readonly share: number };
    readonly shadow?: { readonly hash: string };
  }[];
  readonly slot: string;
  /** Absent where nothing stands there yet. */
  readonly version?: string;
  /** Of the slot, the newest first. */
  readonly versions: readonly ShownVersion[];
}

export interface ShownTenant {
  readonly id: string;
  readonly name: string;
  /** Where cases go; empty on a running server. */
  readonly folder: string;
  /** Of a running server. */
  readonly script?: ShownScript;
  readonly files: readonly ScriptFile[];
  readonly faults: readonly Fault[];
  readonly flows: readonly SimulatedFlow[];
  readonly clients: readonly {
    readonly id: string;
    readonly name: string;
    readonly flows: readonly SimulatedFlow[];
    readonly scopes: readonly string[];
  }[];
  readonly users: readonly { readonly name: string; readonly label: string }[];
  readonly providers: readonly string[];
  readonly cases: readonly { readonly file: string; readonly name: string; readonly given: unknown }[];
}

/** A state as it is drawn. */
export interface DrawnState {
  readonly name: string;
  readonly kind: 'step' | 'wait' | 'hook' | 'end';
  readonly does: string;
  readonly hook?: string;
  readonly waitsFor?: string;
  readonly leads: readonly { readonly outcome: string; readonly to: string }[];
}

export interface DrawnFlow {
  readonly name: string;
  readonly title: string;
  /** In the order of its table, which is that of a run as far as there is one. */
  readonly states: readonly DrawnState[];
}

/** What is wrong with a line; line and column count from 1. */
export interface LineFault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

/** A name that the editor may offer. */
export interface Offer {
  readonly name: string;
  readonly detail: string;
  readonly documentation: string;
  /** The model of what it is or answers, where its members are known. */
  readonly model?: string;
  readonly kind: 'method' | 'property';
}

export interface Language {
  readonly hooks: readonly {
    readonly name: string;
    readonly documentation: string;
    readonly detail: string;
    /** The model of each parameter, in this order; empty where it has none. */
    readonly parameters: readonly { readonly name: string; readonly type: string; readonly model: string }[];
  }[];
  readonly models: Readonly<Record<string, { readonly documentation: string; readonly members: readonly Offer[] }>>;
  readonly globals: readonly Offer[];
  readonly modules: readonly { readonly name: string; readonly members: readonly Offer[] }[];
}

/** All that does not depend on a tenant. */
export interface Setting {
  /** To be sent back with everything that is asked; empty where a token is sent. */
  readonly csrf: string;
  /** Whether who looks may run and save, or read alone. */
  readonly mayWrite: boolean;
  readonly tenants: readonly { readonly id: string; readonly name: string }[];
  readonly faults: readonly Fault[];
  readonly flows: readonly DrawnFlow[];
  /** What people may do, by the state that waits for it. */
  readonly decisions: Readonly<Record<string, readonly string[]>>;
  readonly language: Language;
}
