/** The outside as a case says it: what hosts answer, what the key-value store holds, where the clock stands. */
import type { OutboundClient } from '../../outbound/client.ts';
import type { ScriptValueRepository } from '../../store/store.ts';
import type { InvocationWorld, Json } from '../runner.ts';
import type { CaseCall, CaseDocument } from './document.ts';

export interface CaseWorld extends InvocationWorld {
  /** What the key-value store holds now. */
  values(): Readonly<Record<string, Json>>;
}

function stands(call: CaseCall, method: string, url: string, fhir: string): boolean {
  const wanted = call.url.replace('{fhir}', fhir.replace(/\/$/, ''));
  const plain = (address: string) => decodeURIComponent(address.replace(/\+/g, ' '));
  if (call.method !== method) return false;
  return wanted.endsWith('*') ? plain(url).startsWith(plain(wanted.slice(0, -1))) : plain(url) === plain(wanted);
}

function answering(calls: readonly CaseCall[], fhir: string): OutboundClient {
  return {
    async request({ url, method = 'GET', allow }) {
      const host = URL.canParse(url) ? new URL(url) : undefined;
      if (!host) return { ok: false, code: 'malformed', message: 'the address is malformed' };
      // The tenant's allow-list holds in cases, too: what is forgotten there is found here.
      if (allow && !allow.includes(host.host) && !allow.includes(host.hostname))
        return { ok: false, code: 'blocked', message: `the host ${host.hostname} is not on the allow-list` };
      const call = calls.find((each) => stands(each, method, url, fhir));
      if (!call || call.unreachable)
        return {
          ok: false,
          code: 'unreachable',
          message: call ? 'the host could not be reached' : `the case has no answer for ${method} ${url}`,
        };
      const { status, headers, body } = call;
      const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
      const named = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
      return { ok: true, response: { status, headers: named, body: text } };
    },
    close: async () => undefined,
  };
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

/** @param fhir the tenant's first FHIR server, which `{fhir}` stands for. */
export function worldOf(document: CaseDocument, fhir: string): CaseWorld {
  const held = new Map(Object.entries(document.values ?? {}));
  return {
    outbound: answering(document.calls, fhir),
    services: { values: valuesInMemory(held), ownToken: async () => 'a-token-of-the-case' },
    now: Date.parse(document.now ?? '2026-01-01T09:00:00Z'),
    values: () => Object.fromEntries(held),
  };
}
