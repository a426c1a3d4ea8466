/** What every service a script may call gets, and what it answers. */
import type { Breaker } from '../../outbound/breaker.ts';
import type { OutboundClient } from '../../outbound/client.ts';
import type { JwksSource } from '../../oauth/jwks-source.ts';
import type { ScriptValueRepository } from '../../store/store.ts';
import type { Invocation, Json } from '../runner.ts';

/** What the composition root lends to scripts; what is absent answers that it is not available. */
export interface HostServices {
  readonly values?: ScriptValueRepository;
  readonly jwks?: JwksSource;
  /** A short token of the tenant itself for one of its FHIR servers. */
  ownToken?(tenantId: string, audience: string, scope: string): Promise<string | undefined>;
}

/** On whose account a call goes out, where it may go, and within which limits. */
export type Caller = Pick<Invocation, 'tenantId' | 'limits' | 'outboundHttp' | 'world'>;

/** What a call to another host needs, whether a script makes it or the engine itself. */
export interface CallContext {
  readonly invocation: Caller;
  readonly outbound: OutboundClient;
  readonly breaker: Breaker;
  readonly services: HostServices;
}

export interface HostContext extends CallContext {
  readonly invocation: Invocation;
}

/** `target` and `outcome` go into the trace: neither holds a query, a body or a credential. */
export interface ServiceAnswer {
  readonly target: string;
  readonly outcome: string;
  readonly body: { readonly ok: boolean; readonly [member: string]: Json };
}

export type Service = (request: Readonly<Record<string, unknown>>, context: HostContext) => Promise<ServiceAnswer>;

export function refusal(target: string, code: string, message: string): ServiceAnswer {
  return { target, outcome: code, body: { ok: false, code, message } };
}

/** A URL as it may stand in a trace. */
export function targetOf(method: string, url: string): string {
  if (!URL.canParse(url)) return `${method} malformed`;
  const { origin, pathname } = new URL(url);
  return `${method} ${origin}${pathname}`;
}
