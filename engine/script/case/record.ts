/** Makes the requests that a case does not foresee, and keeps what came as the case's own answers. */
import type { OutboundClient, OutboundRequest, OutboundResponse, OutboundResult } from '../../outbound/client.ts';
import type { Tenant } from '../../tenant/tenant.ts';
import { createMask, maskJson } from '../mask.ts';
import type { Json } from '../runner.ts';
import type { CaseCall } from './document.ts';
import { secretsOf } from './secrets.ts';

/** Answers as the case says them from now on, and the requests that were not answered, each with why. */
export interface Recorded {
  readonly calls: readonly CaseCall[];
  readonly unanswered: readonly string[];
}

export interface Recording {
  /** Really makes a request. @param url as the case names it. */
  send(request: OutboundRequest, url: string): Promise<OutboundResult>;
  readonly recorded: Recorded;
}

/** What scripts may look at and what says nothing of who asks; above all no cookie and no challenge. */
const keptHeaders = ['content-type', 'etag', 'last-modified', 'link', 'location', 'retry-after'];
/** Members of an answer that are credentials wherever they stand. */
const credentials = new Set(['access_token', 'refresh_token', 'id_token', 'client_secret', 'password']);

/** Stands for the token of the tenant itself, which only its server can make. */
export const ownTokenOfCases = 'a-token-of-the-case';

/** @param outside must guard as production's does. */
export function createRecording(outside: OutboundClient, tenant: Pick<Tenant, 'secrets' | 'fhirServers'>): Recording {
  const calls: CaseCall[] = [];
  const unanswered: string[] = [];
  const secrets = [...secretsOf(tenant)];
  const tokenUrls = tenant.fhirServers.flatMap(({ access }) =>
    access?.type === 'client-credentials' ? [access.tokenUrl] : [],
  );

  function keep({ method = 'GET' }: OutboundRequest, url: string, { status, headers, body }: OutboundResponse): void {
    const mask = createMask(secrets);
    const kept = Object.entries(headers).filter(([name]) => keptHeaders.includes(name));
    calls.push({
      method,
      url: mask(url),
      status,
      headers: maskJson(Object.fromEntries(kept), mask),
      ...(body === '' ? {} : { body: maskJson(withoutCredentials(parsed(body)), mask) }),
      unreachable: false,
    });
  }

  return {
    recorded: { calls, unanswered },
    async send(request, url) {
      const { method = 'GET', headers = {} } = request;
      const asked = `${method} ${createMask(secrets)(request.url)}`;
      const refuse = (message: string): OutboundResult => {
        unanswered.push(`${asked} could not be recorded: ${message}`);
        return { ok: false, code: 'unreachable', message };
      };
      if (Object.values(headers).some((value) => value.includes(ownTokenOfCases)))
        return refuse(
          'it needs a token of the tenant itself, which only its server can make; write the answer by hand',
        );
      const result = await outside.request(request);
      if (!result.ok) {
        unanswered.push(`${asked} could not be recorded: ${result.message}`);
        return result;
      }
      // A token is made up when the case runs; this one must not be kept, nor what repeats it.
      if (method === 'POST' && tokenUrls.includes(request.url)) secrets.push(...tokensIn(result.response.body));
      else keep(request, url, result.response);
      return result;
    },
  };
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function tokensIn(body: string): readonly string[] {
  const answer = parsed(body);
  if (typeof answer !== 'object' || answer === null) return [];
  return Object.entries(answer).flatMap(([name, value]) =>
    credentials.has(name) && typeof value === 'string' && value !== '' ? [value] : [],
  );
}

function withoutCredentials(value: Json): Json {
  if (Array.isArray(value)) return value.map((each: Json) => withoutCredentials(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      credentials.has(name) && typeof each === 'string' ? '***' : withoutCredentials(each as Json),
    ]),
  );
}

/** A call as a person would write it: without what is so unless a case says otherwise. */
export function writtenCall({ method, url, status, headers, body }: CaseCall): Readonly<Record<string, Json>> {
  return {
    ...(method === 'GET' ? {} : { method }),
    url,
    ...(status === 200 ? {} : { status }),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
  };
}
