/** The outside as a case says it: what hosts answer, what the key-value store holds, where the clock stands. */
import { isIP } from 'node:net';
import { createJwksSource } from '../../oauth/jwks-source.ts';
import { kindOfAddress } from '../../outbound/address.ts';
import { isListed } from '../../outbound/allow.ts';
import type { OutboundClient, OutboundRequest, OutboundResult } from '../../outbound/client.ts';
import type { ScriptValueRepository } from '../../store/store.ts';
import type { Tenant } from '../../tenant/tenant.ts';
import { createMask } from '../mask.ts';
import type { InvocationWorld, Json } from '../runner.ts';
import type { CaseCall, CaseDocument } from './document.ts';
import { createRecording, ownTokenOfCases, type Recorded, type Recording } from './record.ts';
import { secretsOf } from './secrets.ts';

/** A request that reached a host, or would have. */
export interface SentRequest {
  readonly method: string;
  readonly url: string;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON where it is such, else the text. */
  readonly body?: Json;
}

export interface CaseWorld extends InvocationWorld {
  /** Whether a request is the one that a case speaks of. */
  stands(wanted: Pick<CaseCall, 'method' | 'url'>, request: Pick<SentRequest, 'method' | 'url'>): boolean;
  /** Requests that nothing in the case stands for. */
  unforeseen(): readonly SentRequest[];
  /** What the outside really answered, where it was asked. */
  recorded(): Recorded;
  /** What was sent, in this order; attempts that were made again stand there again. */
  sent(): readonly SentRequest[];
  /** What the key-value store holds now. */
  values(): Readonly<Record<string, Json>>;
}

/** The address as people write it, so that a case need not encode as a script does. */
function plain(address: string): string {
  try {
    return decodeURIComponent(address.replace(/\+/g, ' '));
  } catch {
    return address;
  }
}

/** @param mask puts `***` for secrets, as cases do where an address holds one. */
function standing(fhir: string, mask: (text: string) => string): CaseWorld['stands'] {
  return (wanted, { method, url }) => {
    const address = wanted.url.replace('{fhir}', fhir.replace(/\/$/, ''));
    if (wanted.method !== method) return false;
    if (address.includes('***')) return plain(mask(url)) === plain(address);
    return address.endsWith('*') ? plain(url).startsWith(plain(address.slice(0, -1))) : plain(url) === plain(address);
  };
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function lowerCase(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Where a host lies, as far as its name says: a case resolves none. */
function kindOfHost({ hostname }: URL): ReturnType<typeof kindOfAddress> {
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal)) return kindOfAddress(literal);
  return /(^|\.)localhost$/.test(literal) ? 'private' : 'public';
}

function answering(
  calls: readonly CaseCall[],
  stands: CaseWorld['stands'],
  sent: SentRequest[],
  unforeseen: SentRequest[],
  recording: Recording | undefined,
  addressOf: (url: string) => string,
): (request: OutboundRequest) => OutboundResult | Promise<OutboundResult> {
  const refuse = (code: 'blocked' | 'malformed' | 'unreachable' | 'too-large', message: string): OutboundResult => ({
    ok: false,
    code,
    message,
  });
  return (asked) => {
    const { url, method = 'GET', headers = {}, body, allow, allowPrivate, maximumBytes = Infinity } = asked;
    if (!URL.canParse(url)) return refuse('malformed', 'the address is malformed');
    const address = new URL(url);
    // The tenant's allow-list holds in cases, too: what is forgotten there is found here.
    const listed = allow !== undefined && isListed(allow, address);
    if (allow && !listed) return refuse('blocked', `the host ${address.host} is not on the allow-list`);
    const kind = kindOfHost(address);
    if (kind === 'never' || (kind === 'private' && !(listed && allowPrivate)))
      return refuse('blocked', 'the address is not public');
    const request = { method, url, headers: lowerCase(headers), ...(body === undefined ? {} : { body: parsed(body) }) };
    sent.push(request);
    const call = [...calls, ...(recording?.recorded.calls ?? [])].find((each) => stands(each, request));
    if (!call) {
      if (recording) return recording.send(asked, addressOf(url));
      unforeseen.push(request);
      return refuse('unreachable', `the case has no answer for ${method} ${url}`);
    }
    if (call.unreachable) return refuse('unreachable', 'the host could not be reached');
    const text = call.body === undefined ? '' : typeof call.body === 'string' ? call.body : JSON.stringify(call.body);
    if (Buffer.byteLength(text) > maximumBytes)
      return refuse('too-large', `the answer is larger than ${maximumBytes} bytes`);
    return { ok: true, response: { status: call.status, headers: lowerCase(call.headers), body: text } };
  };
}

/** What is answered where the case does not speak of it: tokens for the tenant's own FHIR servers. */
function standardCalls({ fhirServers }: Tenant): readonly CaseCall[] {
  return fhirServers.flatMap(({ access }) =>
    access?.type === 'client-credentials'
      ? [
          {
            method: 'POST',
            url: access.tokenUrl,
            status: 200,
            headers: {},
            body: { access_token: ownTokenOfCases, token_type: 'Bearer', expires_in: 60 },
            unreachable: false,
          },
        ]
      : [],
  );
}

/** A key-value store of one case: bounded by nothing but the case. */
function valuesInMemory(held: Map<string, Json>): ScriptValueRepository {
  return {
    get: async (_tenantId, key) => held.get(key),
    async set(_tenantId, key, value) {
      held.set(key, value as Json);
      return true;
    },
    async increment(_tenantId, key, by) {
      const before = held.get(key) ?? 0;
      if (typeof before !== 'number') return 'no-number';
      held.set(key, before + by);
      return before + by;
    },
    async remove(_tenantId, key) {
      held.delete(key);
    },
  };
}

/**
 * `{fhir}` in a case stands for the tenant's first FHIR server, `***` for a secret of the tenant.
 * @param outside really makes what the case does not foresee; nothing is made unless given.
 */
export function worldOf(
  document: Pick<CaseDocument, 'calls' | 'values' | 'now'>,
  tenant: Tenant,
  outside?: OutboundClient,
): CaseWorld {
  const held = new Map(Object.entries(document.values ?? {}));
  const sent: SentRequest[] = [];
  const unforeseen: SentRequest[] = [];
  const fhir = tenant.fhirServers[0]?.url ?? 'https://fhir.invalid';
  const stands = standing(fhir, createMask(secretsOf(tenant)));
  const recording = outside && createRecording(outside, tenant);
  const base = fhir.replace(/\/$/, '');
  const addressOf = (url: string) => (url.startsWith(`${base}/`) ? `{fhir}${url.slice(base.length)}` : url);
  const calls = [...document.calls, ...(recording ? [] : standardCalls(tenant))];
  const answer = answering(calls, stands, sent, unforeseen, recording, addressOf);
  const outbound: OutboundClient = { request: async (request) => answer(request), close: async () => undefined };
  return {
    outbound,
    services: {
      values: valuesInMemory(held),
      jwks: createJwksSource({ outbound }),
      ownToken: async () => ownTokenOfCases,
    },
    now: Date.parse(document.now ?? '2026-01-01T09:00:00Z'),
    stands,
    sent: () => sent,
    unforeseen: () => unforeseen,
    recorded: () => recording?.recorded ?? { calls: [], unanswered: [], credentials: [] },
    values: () => Object.fromEntries(held),
  };
}
