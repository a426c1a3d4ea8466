/** HTTP calls of scripts: within the tenant's allow-list and limits, retried where that is safe, cut off where a host is down. */
import type { OutboundRequest, OutboundResult } from '../../outbound/client.ts';
import type { HostRule } from '../../tenant/tenant.ts';
import type { Invocation } from '../runner.ts';
import { names } from '../../outbound/allow.ts';
import type { CallContext, HostContext, Service, ServiceAnswer } from './context.ts';
import { refusal, targetOf } from './context.ts';

export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'];
/** May be sent again without doing more than once. */
const idempotent = ['GET', 'HEAD', 'PUT', 'DELETE'];
const mostRetries = 3;
const longestBody = 1_048_576;
/** These say where a call goes or how it is framed, which the guard decides. */
const reservedHeaders = [
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'expect',
  'te',
  'trailer',
];

export interface ScriptRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMilliseconds: number;
  readonly retries: number;
}

/** Headers a script may send: names and values that cannot break out of their line. */
export function readHeaders(value: unknown): Record<string, string> | undefined {
  const list = Object.entries(typeof value === 'object' && value !== null ? value : {});
  const fine = list.every(
    ([name, content]) =>
      /^[A-Za-z0-9-]{1,100}$/.test(name) &&
      typeof content === 'string' &&
      /^[\t\x20-\x7e]{0,8192}$/.test(content) &&
      !reservedHeaders.includes(name.toLowerCase()),
  );
  return fine && list.length <= 50 ? (Object.fromEntries(list) as Record<string, string>) : undefined;
}

function read(request: Readonly<Record<string, unknown>>, wallMilliseconds: number): ScriptRequest | undefined {
  const { method, url, body, timeoutMilliseconds = wallMilliseconds, retries = 0 } = request;
  const headers = readHeaders(request['headers']);
  if (typeof url !== 'string' || url.length > 8192 || typeof method !== 'string' || !methods.includes(method))
    return undefined;
  if (!headers || (body !== undefined && (typeof body !== 'string' || body.length > longestBody))) return undefined;
  if (typeof timeoutMilliseconds !== 'number' || !(timeoutMilliseconds > 0)) return undefined;
  if (!Number.isInteger(retries) || Number(retries) < 0 || Number(retries) > mostRetries) return undefined;
  return {
    method,
    url,
    headers,
    ...(typeof body === 'string' ? { body } : {}),
    timeoutMilliseconds: Math.min(timeoutMilliseconds, wallMilliseconds),
    retries: Number(retries),
  };
}

function ruleFor(url: string, { outboundHttp }: Invocation): HostRule | undefined {
  if (!URL.canParse(url)) return undefined;
  const parsed = new URL(url);
  return outboundHttp.rules?.find(({ host }) => names(host, parsed));
}

/** Why the tenant's rule for the host forbids this call; undefined where it does not. */
function forbidden({ method, url, body = '' }: ScriptRequest, { invocation }: HostContext): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { pathname } = new URL(url);
  const rule = ruleFor(url, invocation);
  if (!rule) return undefined;
  if (rule.methods && !rule.methods.includes(method)) return `${method} is not allowed for ${rule.host}`;
  // Some servers take an encoded slash for one, and step out of the path by it.
  if (rule.path !== undefined && /%2f|%5c|\\/i.test(pathname))
    return `an address below ${rule.path} may hold no encoded slash for ${rule.host}`;
  if (
    rule.path !== undefined &&
    pathname !== rule.path &&
    !pathname.startsWith(rule.path.endsWith('/') ? rule.path : `${rule.path}/`)
  )
    return `only addresses below ${rule.path} are allowed for ${rule.host}`;
  if (rule.maximumRequestBytes !== undefined && Buffer.byteLength(body) > rule.maximumRequestBytes)
    return `a body may have ${rule.maximumRequestBytes} bytes for ${rule.host}`;
  return undefined;
}

function isUnwell(result: OutboundResult): boolean {
  if (result.ok) return [502, 503, 504].includes(result.response.status);
  return result.code === 'unreachable' || result.code === 'timeout';
}

/**
 * Sends a request with retries under the host's breaker. The wall clock of the invocation is the engine's to watch: nothing
 * is tried again once half of it is gone.
 */
export async function sendGuarded(
  wanted: OutboundRequest & { readonly url: string },
  context: CallContext,
  retries: number,
): Promise<OutboundResult> {
  const { invocation, outbound, breaker } = context;
  const key = `${invocation.tenantId} ${URL.canParse(wanted.url) ? new URL(wanted.url).origin : ''}`;
  const giveUp = Date.now() + invocation.limits.wallMilliseconds / 2;
  for (let attempt = 0; ; attempt += 1) {
    const pause = breaker.closedFor(key, Date.now());
    if (pause > 0)
      return {
        ok: false,
        code: 'unreachable',
        message: `the host did not answer before; it is tried again in ${Math.ceil(pause / 1000)} s`,
      };
    const result = await outbound.request({ ...wanted, pool: invocation.tenantId });
    // What the guard refused says nothing of the host.
    if (result.ok || isUnwell(result)) breaker.record(key, isUnwell(result), Date.now());
    const wait = 50 * 2 ** attempt * (0.5 + Math.random());
    if (!isUnwell(result) || attempt >= retries || Date.now() + wait > giveUp) return result;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** `{service: 'http', method, url, headers, body?, timeoutMilliseconds?, retries?}`. */
export const httpService: Service = async (request, context): Promise<ServiceAnswer> => {
  const { limits, outboundHttp, suppressWrites } = context.invocation;
  const wanted = read(request, limits.wallMilliseconds);
  if (!wanted) return refusal('malformed', 'malformed', 'the request is malformed');
  const target = targetOf(wanted.method, wanted.url);
  const reason = forbidden(wanted, context);
  if (reason) return refusal(target, 'blocked', reason);
  if (suppressWrites && !['GET', 'HEAD'].includes(wanted.method))
    return { target, outcome: 'suppressed', body: { ok: true, suppressed: true, status: 202, headers: {}, body: '' } };
  const rule = ruleFor(wanted.url, context.invocation);
  const result = await sendGuarded(
    {
      method: wanted.method as 'GET',
      url: wanted.url,
      headers: wanted.headers,
      ...(wanted.body === undefined ? {} : { body: wanted.body }),
      timeoutMilliseconds: wanted.timeoutMilliseconds,
      maximumBytes: Math.min(limits.httpResponseBytes, rule?.maximumResponseBytes ?? Infinity),
      allow: outboundHttp.allow,
      allowPrivate: outboundHttp.allowPrivate,
    },
    context,
    idempotent.includes(wanted.method) ? wanted.retries : 0,
  );
  if (!result.ok) return refusal(target, result.code, result.message);
  const { status, headers, body } = result.response;
  return { target, outcome: String(status), body: { ok: true, status, headers, body } };
};
