/** What a simulated run shows. All of it is JSON, but for the pages, which are drawn when somebody looks. */
import type { HostCall, HookName, Json, LogLine, ScriptFailureKind, SourceLocation } from '../script/runner.ts';
import type { CaseCall } from '../script/case/document.ts';
import type { SentRequest } from '../script/case/world.ts';
import type { AuditEvent } from '../store/store.ts';
import type { PageName } from '../page/view.ts';
import type { Change } from './diff.ts';
import type { CompletePlan } from './plan.ts';

export interface SimulatedHook {
  readonly name: HookName;
  /** Whose script it is; absent where nothing was asked of any. */
  readonly slot?: string;
  /** Its file and version; absent where the tenant has none there. */
  readonly script?: string;
  readonly version?: string;
  /** Whether the script has the hook's function. */
  readonly ran: boolean;
  readonly input?: unknown;
  /** What the callback did, as it reported it. */
  readonly effect?: unknown;
  readonly failure?: {
    readonly kind: ScriptFailureKind | 'policy';
    readonly message: string;
    readonly location?: SourceLocation;
    /** The lines of the script around it. */
    readonly frame?: string;
  };
  readonly logs: readonly LogLine[];
  readonly calls: readonly HostCall[];
  readonly cpuMicroseconds: number;
  readonly wallMicroseconds: number;
  readonly heapBytes?: number;
}

export interface SimulatedPage {
  readonly name: PageName;
  readonly view: unknown;
  /** The whole HTML document in the tenant's skin. */
  render(): string;
}

export interface SimulatedState {
  readonly state: string;
  readonly does: string;
  readonly kind: 'step' | 'wait' | 'hook' | 'end';
  /** The name of the lead that was taken, `again` for a page that comes again, or the stable code of a refusal. */
  readonly outcome: string;
  readonly milliseconds: number;
  /** What the flow knows since that it did not know before. */
  readonly changes: readonly Change[];
  /** Also where the log-in itself asks a script. */
  readonly hook?: SimulatedHook;
  readonly page?: SimulatedPage;
  /** The fields of the form that the person sent. */
  readonly sent?: Readonly<Record<string, unknown>>;
}

/** A JSON Web Token, read. */
export interface DecodedToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface SimulatedRun {
  readonly tenant: string;
  readonly plan: CompletePlan;
  /** `waiting` where the person left, or did not get past a page. */
  readonly ended: 'success' | 'refused' | 'waiting';
  /** `success`, the stable code of the refusal, or `waiting`. */
  readonly outcome: string;
  /** Of a refusal or a wait: a sentence for a person. */
  readonly why?: string;
  readonly path: readonly SimulatedState[];
  /** Where the browser was sent at the end of the authorization request, if there was one. */
  readonly redirect?: string;
  /** The page that tells the person of a refusal that the app is not told of. */
  readonly errorPage?: SimulatedPage;
  /** The error as the app gets it. */
  readonly error?: { readonly error: string; readonly error_description: string; readonly status?: number };
  /** The token response as the app gets it. */
  readonly response?: Readonly<Record<string, Json>>;
  /** What the access token says, also where it is opaque. */
  readonly claims?: Readonly<Record<string, Json>>;
  /** Those of the tokens that are JWTs. */
  readonly tokens: { readonly access?: DecodedToken; readonly id?: DecodedToken };
  /** Requests that nothing in the plan stands for, as `METHOD address`. */
  readonly unforeseen: readonly string[];
  /** What the outside really answered, where it was asked, and what it did not. */
  readonly recorded: readonly CaseCall[];
  readonly unanswered: readonly string[];
  /** What was sent to hosts outside, in this order; secrets stand as `***`. */
  readonly sent: readonly SentRequest[];
  /** What the scripts' key-value store holds afterwards. */
  readonly values: Readonly<Record<string, Json>>;
  readonly audit: readonly AuditEvent[];
  /** What the server's log would say. */
  readonly log: readonly { readonly level: string; readonly message: string; readonly fields: unknown }[];
  readonly milliseconds: number;
}
