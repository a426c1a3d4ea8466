/** The realm's own way to the engine, for library modules only. A script cannot import it. */
declare module 'sallyport:host' {
  /** Asks a service of the engine. Rejects only where the request cannot be put into JSON. */
  export function ask(request: Readonly<Record<string, unknown>>): Promise<HostAnswer>;
  /** The same, waiting for the answer. */
  export function askNow(request: Readonly<Record<string, unknown>>): HostAnswer;
  /** Asks the sandbox process itself. Throws where that fails. */
  export function askLocal(name: string, request: Readonly<Record<string, unknown>>): unknown;
  /** The value of a secret. Throws where the hook may not read it. */
  export function secretOf(name: string): string;

  export interface HostAnswer {
    readonly ok: boolean;
    /** A sentence, where `ok` is false. */
    readonly message?: string;
    /** A stable name of the failure. */
    readonly code?: string;
    readonly [member: string]: unknown;
  }
}
