/**
 * FHIR calls of scripts, to the tenant's own servers with the tenant's credential, or to an allowed host without one; and
 * searches of the engine's own.
 */
import { LRUCache } from 'lru-cache';
import type { FhirServer } from '../../tenant/tenant.ts';
import type { Json } from '../runner.ts';
import { type CallContext, type HostContext, refusal, type Service, targetOf } from './context.ts';
import { isListed } from '../../outbound/allow.ts';
import { sendGuarded } from './http.ts';

interface Target {
  readonly url: string;
  readonly own?: FhirServer;
}

const tokens = new LRUCache<string, { readonly token: string; readonly until: number }>({ max: 1_000 });

/** The address a path stands for, which must lie below the server's own. */
function below(base: string, path: string): string | undefined {
  const root = `${base.replace(/\/$/, '')}/`;
  if (/^[a-z][a-z0-9+.-]*:/i.test(path)) {
    // An absolute reference is fine where it is the server's own.
    return path.startsWith(root) && below(base, path.slice(root.length)) === path ? path : undefined;
  }
  if (path === '') return root.slice(0, -1);
  const url = URL.canParse(path.replace(/^\/+/, ''), root) ? new URL(path.replace(/^\/+/, ''), root) : undefined;
  return url?.href.startsWith(root) ? url.href : undefined;
}

function find(server: unknown, context: HostContext): Target | undefined {
  const { fhirServers = [] } = context.invocation;
  const first = fhirServers[0];
  if (server === undefined || server === null) return first && { url: first.url, own: first };
  if (typeof server !== 'string') return undefined;
  const plain = (url: string) => url.replace(/\/$/, '');
  const own = fhirServers.find(({ name, url }) => name === server || plain(url) === plain(server));
  if (own) return { url: own.url, own };
  return /^https?:\/\//.test(server) && URL.canParse(server) ? { url: server } : undefined;
}

/** The Authorization header for a server of the tenant's; or why there is none. */
async function credential(
  { access, url }: FhirServer,
  context: CallContext,
): Promise<{ readonly ok: true; readonly authorization?: string } | { readonly ok: false; readonly message: string }> {
  const { tenantId } = context.invocation;
  switch (access?.type) {
    case undefined:
    case 'none':
      return { ok: true };
    case 'bearer':
      return { ok: true, authorization: `Bearer ${access.token}` };
    case 'basic':
      return {
        ok: true,
        authorization: `Basic ${Buffer.from(`${access.username}:${access.password}`).toString('base64')}`,
      };
    case 'own-token': {
      const token = await context.services.ownToken?.(tenantId, url, access.scope);
      return token === undefined
        ? { ok: false, message: 'no token can be made here' }
        : { ok: true, authorization: `Bearer ${token}` };
    }
    case 'client-credentials': {
      const key = `${tenantId} ${url} ${access.tokenUrl} ${access.clientId} ${access.scope}`;
      // What a case's world answers is no token, and must not become one elsewhere.
      const { world } = context.invocation;
      const known = world ? undefined : tokens.get(key);
      if (known && known.until > Date.now()) return { ok: true, authorization: `Bearer ${known.token}` };
      const basic = `${encodeURIComponent(access.clientId)}:${encodeURIComponent(access.clientSecret)}`;
      const result = await sendGuarded(
        {
          url: access.tokenUrl,
          method: 'POST',
          headers: {
            'content-type': 'application/x-www-form-urlencoded',
            accept: 'application/json',
            authorization: `Basic ${Buffer.from(basic).toString('base64')}`,
          },
          body: new URLSearchParams({ grant_type: 'client_credentials', scope: access.scope }).toString(),
          timeoutMilliseconds: context.invocation.limits.wallMilliseconds,
          ...reach(access.tokenUrl, context),
        },
        context,
        1,
      );
      const answer = result.ok && result.response.status === 200 ? parse(result.response.body) : undefined;
      const { access_token: token, expires_in: lifetime } = (answer ?? {}) as {
        access_token?: unknown;
        expires_in?: unknown;
      };
      if (typeof token !== 'string')
        return { ok: false, message: "the FHIR server's authorization server gave no token" };
      // Used until shortly before its end, so that a call under way does not outlive it.
      if (!world) tokens.set(key, { token, until: Date.now() + Math.max(0, (Number(lifetime) || 60) - 30) * 1000 });
      return { ok: true, authorization: `Bearer ${token}` };
    }
  }
}

/** The tenant's own servers are reached by its word for it; private ones only where the tenant lifts the guard for the host. */
function reach(url: string, { invocation }: CallContext): { allow?: readonly string[]; allowPrivate?: boolean } {
  const { allow, allowPrivate } = invocation.outboundHttp;
  return allowPrivate && isListed(allow, new URL(url)) ? { allow, allowPrivate } : {};
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** What a server answered to a search, or why it did not. `problem` is a code, and says nothing of what was asked. */
export type SearchAnswer =
  | { readonly ok: true; readonly body: Json }
  | { readonly ok: false; readonly problem: string; readonly status?: number };

/**
 * Asks one of the tenant's own servers, with the tenant's credential. Parameters that the server does not know are to be
 * an error (FHIR R4, section 3.1.1.1.1: `handling=strict`): a condition that is passed over would widen the search.
 * @param url an address of that server, which the caller has made sure of.
 */
export async function searchFhir(
  server: FhirServer,
  url: string,
  context: CallContext,
  timeoutMilliseconds: number,
): Promise<SearchAnswer> {
  const login = await credential(server, context);
  if (!login.ok) return { ok: false, problem: 'no-credential' };
  const result = await sendGuarded(
    {
      url,
      method: 'GET',
      headers: {
        accept: 'application/fhir+json',
        prefer: 'handling=strict',
        ...(login.authorization ? { authorization: login.authorization } : {}),
      },
      timeoutMilliseconds,
      maximumBytes: context.invocation.limits.httpResponseBytes,
      ...reach(url, context),
    },
    context,
    1,
  );
  if (!result.ok) return { ok: false, problem: result.code };
  const { status, body } = result.response;
  if (status !== 200) return { ok: false, problem: 'status', status };
  const read = parse(body);
  return read === undefined ? { ok: false, problem: 'malformed' } : { ok: true, body: read };
}

/** `{service: 'fhir', server?, method, path, body?}`; `server` is a name or an address, the tenant's first where absent. */
export const fhirService: Service = async (request, context) => {
  const { method, path, body } = request;
  const { limits, outboundHttp, suppressWrites } = context.invocation;
  if (
    typeof method !== 'string' ||
    !['GET', 'POST', 'PUT', 'DELETE', 'PATCH'].includes(method) ||
    typeof path !== 'string' ||
    path.length > 4096
  )
    return refusal('malformed', 'malformed', 'the request is malformed');
  const server = find(request['server'], context);
  if (!server)
    return refusal(
      'fhir',
      'no-server',
      request['server'] === undefined ? 'the tenant has no FHIR server' : 'there is no such FHIR server',
    );
  const url = below(server.url, path);
  if (url === undefined) return refusal('fhir', 'malformed', 'the path does not lie below the FHIR server');
  const target = targetOf(method, url);
  if (suppressWrites && method !== 'GET')
    return {
      target,
      outcome: 'suppressed',
      body: { ok: true, suppressed: true, status: 202, body: (body ?? null) as Json },
    };
  const login = server.own ? await credential(server.own, context) : { ok: true as const };
  if (!login.ok) return refusal(target, 'no-credential', login.message);
  const text = body === undefined ? undefined : JSON.stringify(body);
  const result = await sendGuarded(
    {
      url,
      method: method as 'GET',
      headers: {
        accept: 'application/fhir+json',
        ...(text === undefined ? {} : { 'content-type': 'application/fhir+json' }),
        ...(method === 'POST' || method === 'PUT' ? { prefer: 'return=representation' } : {}),
        ...('authorization' in login && login.authorization ? { authorization: login.authorization } : {}),
      },
      ...(text === undefined ? {} : { body: text }),
      timeoutMilliseconds: limits.wallMilliseconds,
      maximumBytes: limits.httpResponseBytes,
      ...(server.own ? reach(url, context) : { allow: outboundHttp.allow, allowPrivate: outboundHttp.allowPrivate }),
    },
    context,
    method === 'GET' ? 1 : 0,
  );
  if (!result.ok) return refusal(target, result.code, result.message);
  const { status, headers } = result.response;
  const answer = result.response.body === '' ? null : (parse(result.response.body) ?? null);
  const ok = status >= 200 && status < 300;
  const [, id, versionId] =
    /\/([A-Za-z0-9.-]{1,64})(?:\/_history\/([A-Za-z0-9.-]{1,64}))?$/.exec(headers['location'] ?? '') ?? [];
  return {
    target,
    outcome: String(status),
    body: {
      ok,
      status,
      body: answer,
      ...(ok ? {} : { code: 'status', message: `HTTP status ${status}` }),
      ...(id === undefined ? {} : { created: { id, ...(versionId === undefined ? {} : { versionId }) } }),
    },
  };
};
