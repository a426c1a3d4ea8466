/** `sallyport/http`: calls to the hosts the tenant allows, with time-outs and retries. */
import { ask } from 'sallyport:host';

export interface HttpOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Sent as JSON, with its content type. */
  readonly json?: unknown;
  /** Of each attempt; the invocation's own wall clock ends it at the latest. */
  readonly timeoutMilliseconds?: number;
  /** Further attempts where the host cannot be reached or answers 502, 503 or 504; at most 3, idempotent methods only. */
  readonly retries?: number;
}

export interface HttpAnswer {
  readonly status: number;
  /** Whether the status is 2xx. */
  readonly ok: boolean;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  json(): unknown;
}

/** The host could not be reached, or the tenant's rules forbid the call. */
export class HttpError extends Error {
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.name = 'HttpError';
    this.code = code;
  }
}

/** @throws HttpError when there is no answer; an answer of any status is none. */
export async function request(
  url: string | URL,
  options: HttpOptions & { readonly method?: string } = {},
): Promise<HttpAnswer> {
  const { method = 'GET', headers = {}, body, json, timeoutMilliseconds, retries } = options;
  const answer = await ask({
    service: 'http',
    method: method.toUpperCase(),
    url: String(url),
    headers: { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(json !== undefined ? { body: JSON.stringify(json) } : body !== undefined ? { body: String(body) } : {}),
    ...(timeoutMilliseconds === undefined ? {} : { timeoutMilliseconds }),
    ...(retries === undefined ? {} : { retries }),
  });
  if (!answer.ok) throw new HttpError(answer.message ?? 'the call failed', answer.code ?? 'unreachable');
  const status = Number(answer['status']);
  const text = String(answer['body']);
  return {
    status,
    ok: status >= 200 && status < 300,
    headers: answer['headers'] as Readonly<Record<string, string>>,
    text,
    json: () => JSON.parse(text) as unknown,
  };
}

export const get = (url: string | URL, options?: HttpOptions): Promise<HttpAnswer> =>
  request(url, { ...options, method: 'GET' });
export const head = (url: string | URL, options?: HttpOptions): Promise<HttpAnswer> =>
  request(url, { ...options, method: 'HEAD' });
export const post = (url: string | URL, options?: HttpOptions): Promise<HttpAnswer> =>
  request(url, { ...options, method: 'POST' });
export const put = (url: string | URL, options?: HttpOptions): Promise<HttpAnswer> =>
  request(url, { ...options, method: 'PUT' });
export const patch = (url: string | URL, options?: HttpOptions): Promise<HttpAnswer> =>
  request(url, { ...options, method: 'PATCH' });
export const del = (url: string | URL, options?: HttpOptions): Promise<HttpAnswer> =>
  request(url, { ...options, method: 'DELETE' });
