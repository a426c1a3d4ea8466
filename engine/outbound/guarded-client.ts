/** The guarded HTTP client: resolves a name once, refuses private addresses, connects to what it checked, bounds size and time. */
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { LRUCache } from 'lru-cache';
import { Agent, request as send } from 'undici';
import { kindOfAddress } from './address.ts';
import { isListed } from './allow.ts';
import type { OutboundClient, OutboundRequest, OutboundResult } from './client.ts';

export type Resolve = (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;

const failure = (code: Extract<OutboundResult, { ok: false }>['code'], message: string): OutboundResult => ({
  ok: false,
  code,
  message,
});

const methods: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
/** Of each a few connections at most; the pool used longest ago is closed. */
const mostPools = 1_000;

/** @param options.resolve Name resolution; the system's unless given. */
export function createOutboundClient(options: { readonly resolve?: Resolve } = {}): OutboundClient {
  const resolve: Resolve = options.resolve ?? ((host) => systemLookup(host, { all: true }));

  // The check stands in the connection itself: a name cannot resolve to one address for the check and another for the call.
  const agentFor = (allowPrivate: boolean) =>
    new Agent({
      connections: 64,
      connect: {
        timeout: 5_000,
        lookup(host, lookupOptions, callback) {
          resolve(host).then(
            (found) => {
              const usable = found.filter(({ address }) => mayReach(address, allowPrivate));
              const first = usable[0];
              if (!first) callback(Object.assign(new Error('the address is not public'), { code: 'EBLOCKED' }), '', 0);
              else if (lookupOptions.all) (callback as unknown as (error: null, all: unknown) => void)(null, usable);
              else callback(null, first.address, first.family);
            },
            (error: NodeJS.ErrnoException) => callback(error, '', 0),
          );
        },
      },
    });
  // Tenants do not share connections: neither a slow host of one nor its many calls hold up another's.
  const agents = new LRUCache<string, Agent>({
    max: mostPools,
    dispose: (agent) => void agent.close().catch(() => undefined),
  });
  function agentOf(pool: string, allowPrivate: boolean): Agent {
    const key = `${allowPrivate ? 'private' : 'public'} ${pool}`;
    const known = agents.get(key);
    if (known) return known;
    const made = agentFor(allowPrivate);
    agents.set(key, made);
    return made;
  }

  return {
    async request(wanted: OutboundRequest): Promise<OutboundResult> {
      if (!URL.canParse(wanted.url)) return failure('malformed', 'the address is malformed');
      if (!methods.includes(wanted.method ?? 'GET')) return failure('malformed', 'the method is malformed');
      const url = new URL(wanted.url);
      if (url.protocol !== 'https:' && url.protocol !== 'http:')
        return failure('blocked', 'only http and https are allowed');
      if (url.username || url.password) return failure('blocked', 'credentials in an address are not allowed');
      const listed = wanted.allow !== undefined && isListed(wanted.allow, url);
      if (wanted.allow && !listed) return failure('blocked', `the host ${url.host} is not on the allow-list`);
      const allowPrivate = listed && wanted.allowPrivate === true;
      const literal = url.hostname.replace(/^\[|\]$/g, '');
      // A literal address is connected to without a lookup.
      if (isIP(literal) && !mayReach(literal, allowPrivate)) return failure('blocked', 'the address is not public');
      return call(url, wanted, agentOf(wanted.pool ?? '', allowPrivate));
    },
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
}

function mayReach(address: string, allowPrivate: boolean): boolean {
  const kind = kindOfAddress(address);
  return kind === 'public' || (kind === 'private' && allowPrivate);
}

const longestTime = 600_000;

async function call(url: URL, wanted: OutboundRequest, dispatcher: Agent): Promise<OutboundResult> {
  // The whole call, from the name's resolution to the last byte; a timer takes whole milliseconds only.
  const time = Math.ceil(wanted.timeoutMilliseconds ?? 10_000);
  const signal = AbortSignal.timeout(Math.min(Math.max(time, 1), longestTime));
  const late = new Promise<OutboundResult>((resolve) => {
    // While it connects, a request takes no notice of its signal.
    signal.addEventListener('abort', () => resolve(failure('timeout', 'the call took too long')), { once: true });
  });
  return Promise.race([exchange(url, wanted, dispatcher, signal), late]);
}

async function exchange(
  url: URL,
  wanted: OutboundRequest,
  dispatcher: Agent,
  signal: AbortSignal,
): Promise<OutboundResult> {
  const maximumBytes = wanted.maximumBytes ?? 1_048_576;
  try {
    // Redirects are not followed: where a call goes is decided once.
    const response = await send(url, {
      method: wanted.method ?? 'GET',
      headers: { ...wanted.headers },
      body: wanted.body ?? null,
      dispatcher,
      signal,
    });
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of response.body) {
      bytes += (part as Buffer).length;
      if (bytes > maximumBytes) {
        response.body.destroy();
        return failure('too-large', `the response is larger than ${maximumBytes} bytes`);
      }
      parts.push(part as Buffer);
    }
    const headers = Object.fromEntries(
      Object.entries(response.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(', ') : String(value),
      ]),
    );
    return {
      ok: true,
      response: { status: response.statusCode, headers, body: Buffer.concat(parts).toString('utf8') },
    };
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (signal.aborted) return failure('timeout', 'the call took too long');
    if (code === 'EBLOCKED') return failure('blocked', 'the address is not public');
    if (code === 'UND_ERR_HEADERS_OVERFLOW') return failure('too-large', "the response's headers are too large");
    if (code?.startsWith('UND_ERR_INVALID') || code?.startsWith('UND_ERR_REQ_') || error instanceof TypeError)
      return failure('malformed', 'the request is malformed');
    return failure('unreachable', 'the host could not be reached');
  }
}
