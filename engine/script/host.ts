/** What a script may ask of the engine: HTTP calls within the tenant's allow-list and limits. */
import type { OutboundClient, OutboundRequest } from '../outbound/client.ts';
import type { HostCall, Invocation } from './runner.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'];

/** Answers the JSON for the script and the record for the trace, which holds neither query nor body. */
export async function callHost(
  text: string,
  count: number,
  invocation: Invocation,
  outbound: OutboundClient,
): Promise<{ readonly body: string; readonly call: HostCall }> {
  const began = performance.now();
  const { limits, outboundHttp } = invocation;
  const request = readRequest(text);
  const end = (outcome: string, body: unknown) => ({
    body: JSON.stringify(body),
    call: {
      service: 'http',
      target: request ? targetOf(request.url) : 'malformed',
      outcome,
      milliseconds: Math.round(performance.now() - began),
    },
  });
  if (!request) return end('malformed', { ok: false, message: 'the request is malformed' });
  if (count > limits.httpCalls)
    return end('blocked', { ok: false, message: `more than ${limits.httpCalls} HTTP calls` });
  const result = await outbound.request({
    ...request,
    timeoutMilliseconds: limits.wallMilliseconds,
    maximumBytes: limits.httpResponseBytes,
    allow: outboundHttp.allow,
    allowPrivate: outboundHttp.allowPrivate,
  });
  if (!result.ok) return end(result.code, { ok: false, message: result.message });
  return end(String(result.response.status), { ok: true, ...result.response });
}

function readRequest(text: string): OutboundRequest | undefined {
  let value: { method?: unknown; url?: unknown; headers?: unknown; body?: unknown };
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    return undefined;
  }
  const { method, url, headers, body } = value;
  if (typeof url !== 'string' || url.length > 8192 || typeof method !== 'string' || !methods.includes(method))
    return undefined;
  const list = Object.entries(typeof headers === 'object' && headers !== null ? headers : {});
  if (
    list.length > 50 ||
    !list.every(
      ([name, content]) =>
        /^[A-Za-z0-9-]{1,100}$/.test(name) && typeof content === 'string' && /^[\t\x20-\x7e]{0,8192}$/.test(content),
    )
  )
    return undefined;
  // These say where a call goes or how it is framed, which the guard decides.
  if (
    list.some(([name]) =>
      ['host', 'content-length', 'transfer-encoding', 'connection', 'upgrade'].includes(name.toLowerCase()),
    )
  )
    return undefined;
  if (body !== undefined && (typeof body !== 'string' || body.length > 1_048_576)) return undefined;
  return {
    method: method as 'GET',
    url,
    headers: Object.fromEntries(list) as Record<string, string>,
    ...(body === undefined ? {} : { body }),
  };
}

function targetOf(url: string): string {
  if (!URL.canParse(url)) return 'malformed';
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
