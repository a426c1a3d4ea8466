/** Public keys of clients and trusted issuers: registered as they are, or fetched from a registered JWKS URL. */
import type { OutboundClient } from '../outbound/client.ts';
import type { Jwk } from '../tenant/tenant.ts';

export interface JwksLocation {
  readonly jwks?: { readonly keys: readonly Jwk[] };
  readonly jwksUri?: string;
  /** From the tenant's `outboundHttp`: hosts that may be private, for development. */
  readonly allow?: readonly string[];
  readonly allowPrivate?: boolean;
}

export type JwksResult =
  { readonly ok: true; readonly keys: readonly Jwk[] } | { readonly ok: false; readonly reason: string };

export interface JwksSource {
  /**
   * The keys of a location. When `wantedKid` is not among cached ones, they are fetched once more, at most every 30
   * seconds for one URL. Never rejects.
   */
  keys(location: JwksLocation, wantedKid?: string): Promise<JwksResult>;
}

const DEFAULT_LIFETIME = 5 * 60_000;
const MAXIMUM_LIFETIME = 24 * 60 * 60_000;
const REFETCH_INTERVAL = 30_000;
const TIMEOUT = 5_000;
const MAXIMUM_BYTES = 256 * 1024;
const MAXIMUM_KEYS = 100;
const MAXIMUM_URLS = 1_000;

interface Cached {
  keys: readonly Jwk[];
  freshUntil: number;
  /** When the last fetch began, whether or not it succeeded. */
  attemptedAt: number;
  failure: string | undefined;
  pending: Promise<JwksResult> | undefined;
}

/**
 * How long an answer may be kept, in milliseconds: `max-age` less `Age` (RFC 9111 section 4.2), between 0 and 24 hours;
 * 0 for `no-store` and `no-cache`; 5 minutes where the answer says nothing. SMART forbids keeping keys any longer.
 */
export function cacheLifetime(headers: Readonly<Record<string, string>>): number {
  const byName = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const directives = (byName.get('cache-control') ?? '')
    .toLowerCase()
    .split(',')
    .map((part) => part.trim());
  if (directives.some((directive) => /^no-(store|cache)/.test(directive))) return 0;
  const age = directives
    .map((directive) => /^max-age="?(\d+)"?$/.exec(directive)?.[1])
    .find((value) => value !== undefined);
  if (age === undefined) return DEFAULT_LIFETIME;
  const spent = Number(/^\d+$/.exec(byName.get('age')?.trim() ?? '')?.[0] ?? 0);
  return Math.min(Math.max((Number(age) - spent) * 1000, 0), MAXIMUM_LIFETIME);
}

/** Reads a JWK Set (RFC 7517 section 5); members that are not keys are left out, a text that is no set gives nothing. */
function parseJwks(body: string): readonly Jwk[] | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    if (parsed === null || typeof parsed !== 'object' || !('keys' in parsed) || !Array.isArray(parsed.keys))
      return undefined;
    if (parsed.keys.length > MAXIMUM_KEYS) return undefined;
    return parsed.keys.filter(
      (key): key is Jwk => key !== null && typeof key === 'object' && typeof key.kty === 'string',
    );
  } catch {
    return undefined;
  }
}

/** Makes the one cache of fetched key sets. `now` answers epoch milliseconds. */
export function createJwksSource(options: {
  readonly outbound: OutboundClient;
  readonly now?: () => number;
}): JwksSource {
  const { outbound, now = Date.now } = options;
  const cache = new Map<string, Cached>();

  async function fetchKeys(url: string, location: JwksLocation, entry: Cached): Promise<JwksResult> {
    const fail = (reason: string): JwksResult => {
      entry.failure = reason;
      return { ok: false, reason };
    };
    // The allow list names hosts that may be private; it must not keep other clients from their public JWKS URLs.
    const guarded = location.allowPrivate === true && location.allow?.includes(new URL(url).host) === true;
    const result = await outbound.request({
      url,
      headers: { Accept: 'application/json' },
      timeoutMilliseconds: TIMEOUT,
      maximumBytes: MAXIMUM_BYTES,
      ...(guarded ? { allow: location.allow ?? [], allowPrivate: true } : {}),
    });
    if (!result.ok) return fail(`the JWKS could not be fetched (${result.code})`);
    if (result.response.status !== 200) return fail(`the JWKS URL answered ${result.response.status}`);
    const keys = parseJwks(result.response.body);
    if (!keys) return fail('the JWKS URL answered something that is no JWK Set');
    entry.keys = keys;
    entry.freshUntil = now() + cacheLifetime(result.response.headers);
    entry.failure = undefined;
    return { ok: true, keys };
  }

  /** One fetch at a time for a URL; everybody who comes meanwhile gets its answer. */
  function refresh(url: string, location: JwksLocation, entry: Cached): Promise<JwksResult> {
    if (entry.pending) return entry.pending;
    entry.attemptedAt = now();
    entry.pending = fetchKeys(url, location, entry)
      .catch((): JwksResult => {
        entry.failure = 'the JWKS could not be fetched';
        return { ok: false, reason: entry.failure };
      })
      .finally(() => {
        entry.pending = undefined;
      });
    return entry.pending;
  }

  function entryOf(key: string): Cached {
    const known = cache.get(key);
    if (known) return known;
    const oldest = cache.keys().next();
    if (cache.size >= MAXIMUM_URLS && !oldest.done) cache.delete(oldest.value);
    const entry: Cached = {
      keys: [],
      freshUntil: -Infinity,
      attemptedAt: -Infinity,
      failure: undefined,
      pending: undefined,
    };
    cache.set(key, entry);
    return entry;
  }

  async function fromUrl(url: string, location: JwksLocation, wantedKid: string | undefined): Promise<JwksResult> {
    if (!URL.canParse(url)) return { ok: false, reason: 'the registered JWKS URL is no URL' };
    // Tenants that may reach private hosts do not share their answers with tenants that may not.
    const scope = location.allowPrivate ? [...(location.allow ?? [])].sort().join(' ') : '';
    const entry = entryOf(`${scope}\n${url}`);
    const fresh = now() < entry.freshUntil;
    const found = wantedKid === undefined || entry.keys.some((key) => key.kid === wantedKid);
    if (fresh && found) return { ok: true, keys: entry.keys };
    const recently = now() - entry.attemptedAt < REFETCH_INTERVAL;
    if (entry.pending) return entry.pending;
    // Assertions with invented key ids, or a JWKS URL that is down, must not make us hammer that URL.
    if (recently && fresh) return { ok: true, keys: entry.keys };
    if (recently && entry.failure !== undefined) return { ok: false, reason: entry.failure };
    return refresh(url, location, entry);
  }

  return {
    async keys(location, wantedKid) {
      if (location.jwks) return { ok: true, keys: location.jwks.keys };
      if (location.jwksUri === undefined) return { ok: false, reason: 'no keys are registered' };
      return fromUrl(location.jwksUri, location, wantedKid);
    },
  };
}
