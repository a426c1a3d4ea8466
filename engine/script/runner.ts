/**
 * The one interface behind which scripts run. Nothing outside `engine/script/` knows isolated-vm.
 */
import type { OutboundClient } from '../outbound/client.ts';
import type { HostServices } from './service/context.ts';
import type { FhirServer, OutboundHttp, Script, ScriptLimits, ScriptSecret } from '../tenant/tenant.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

export type HookName =
  | 'onAuthenticateSuccess'
  | 'getUserName'
  | 'authenticate'
  | 'onSmartLoginPreContextSelection'
  | 'onTokenGenerating'
  | 'onPostAuthorize'
  | 'onSelfRegistration';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
}

/** One outgoing call made through a host service. Never holds bodies, queries or credentials. */
export interface HostCall {
  readonly service: string;
  readonly target: string;
  readonly outcome: string;
  readonly milliseconds: number;
}

/** Where in the tenant's own source something went wrong; line and column count from 1. */
export interface SourceLocation {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type ScriptFailureKind =
  'denied' | 'timeout' | 'memory' | 'syntax' | 'shape' | 'runtime' | 'crashed' | 'overloaded';

interface InvocationRecord {
  readonly logs: readonly LogLine[];
  readonly calls: readonly HostCall[];
  readonly cpuMicroseconds: number;
  readonly wallMicroseconds: number;
  /** What the isolate's heap held afterwards. */
  readonly heapBytes?: number;
}

export interface InvocationSuccess extends InvocationRecord {
  readonly ok: true;
  /** False when the script does not define the hook's function; `value` is then null. */
  readonly defined: boolean;
  /** The effect the callback had, as `realm` reported it. Not yet validated. */
  readonly value: Json;
}

export interface InvocationFailure extends InvocationRecord {
  readonly ok: false;
  readonly kind: ScriptFailureKind;
  /** A sentence for the log and the trace, never for the app. */
  readonly message: string;
  readonly location?: SourceLocation;
}

export type InvocationResult = InvocationSuccess | InvocationFailure;

/** What an invocation meets instead of the outside. */
export interface InvocationWorld {
  readonly outbound: OutboundClient;
  readonly services: HostServices;
  /** The clock stands here, epoch milliseconds; random numbers are the same each time. */
  readonly now?: number;
}

export interface Invocation {
  readonly tenantId: string;
  readonly script: Script;
  readonly hook: HookName;
  readonly input: Json;
  readonly limits: ScriptLimits;
  readonly environment: Readonly<Record<string, string>>;
  readonly outboundHttp: OutboundHttp;
  readonly fhirServers?: readonly FhirServer[];
  readonly secrets?: Readonly<Record<string, ScriptSecret>>;
  /** Texts of the input that are masked in what the script says, as secrets are. */
  readonly masked?: readonly string[];
  /** Another world than the real one, for cases and the simulator. */
  readonly world?: InvocationWorld;
  /** A trial run beside the real one: what it would write is recorded, but never sent. */
  readonly suppressWrites?: boolean;
  /** Runs apart from the real invocations, takes none of the tenant's share, and its end of a process is no fault of the tenant's. */
  readonly onTrial?: boolean;
}

export interface ScriptRunner {
  run(invocation: Invocation): Promise<InvocationResult>;
  /** The hook functions a script defines, or why it does not load. Used at load time and by `sallyport check`. */
  inspect(
    script: Script,
  ): Promise<
    | { readonly ok: true; readonly functions: readonly { readonly name: string; readonly parameters: number }[] }
    | { readonly ok: false; readonly message: string; readonly location?: SourceLocation }
  >;
  close(): Promise<void>;
}
