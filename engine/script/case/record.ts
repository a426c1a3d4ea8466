/** Makes the requests that a case does not foresee, and keeps what came as the case's own answers. */
import type { OutboundClient, OutboundRequest, OutboundResponse, OutboundResult } from '../../outbound/client.ts';
import type { Tenant } from '../../tenant/tenant.ts';
import { createMask, maskJson } from '../mask.ts';
import type { Json } from '../runner.ts';
import type { CaseCall } from './document.ts';
import { secretsOf } from './secrets.ts';

/** Answers as the case says them from now on, the requests that were not answered, each with why, and credentials. */
export interface Recorded {
  readonly calls: readonly CaseCall[];
  readonly unanswered: readonly string[];
  /** What came that must not be shown either. */
  readonly credentials: readonly string[];
}

export interface Recording {
  /** Really makes a request. @param url as the case names it. */
  send(request: OutboundRequest, url: string): Promise<OutboundResult>;
  readonly recorded: Recorded;
}

/** What scripts may look at and what says nothing of who asks; above all no cookie and no challenge. */
const keptHeaders = ['content-type', 'etag', 'last-modified', 'link', 'location', 'retry-after'];
/** Members of an answer that are credentials wherever they stand. */
const credentials = new Set([
  'access_token',
  'refresh_token',
  'id_token',
  'token',
  'client_secret',
  'secret',
  'password',
]);

/** Stands for the token of the tenant itself, which only its server can make. */
export const ownTokenOfCases = 'a-token-of-the-case';

/** @param outside must guard as production's does. */
export function createRecording(outside: OutboundClient, tenant: Pick<Tenant, 'secrets' | 'fhirServers'>): Recording {
  const calls: CaseCall[] = [];
  const unanswered: string[] = [];
  const seen: string[] = [];
  const own = secretsOf(tenant);
  const masking = () => createMask([...own, ...seen]);
  const tokenUrls = tenant.fhirServers.flatMap(({ access }) =>
    access?.type === 'client-credentials' ? [access.tokenUrl] : [],
  );

  function keep({ method = 'GET' }: OutboundRequest, url: string, { status, headers, body }: OutboundResponse): void {
    const mask = masking();
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
    recorded: { calls, unanswered, credentials: seen },
    async send(request, url) {
      const { method = 'GET', headers = {} } = request;
      const asked = `${method} ${masking()(request.url)}`;
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
      // Neither what is a credential is kept, nor what repeats it later, as the next address may.
      seen.push(...credentialsIn(parsed(result.response.body)));
      // A token for a FHIR server is made up when the case runs.
      if (method !== 'POST' || !tokenUrls.includes(request.url)) keep(request, url, result.response);
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

/** Shorter ones stand in many places by chance. */
const shortestCredential = 8;

function credentialsIn(value: Json): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => {
    if (!isCredential(name, each as Json)) return credentialsIn(each as Json);
    return (each as string).length < shortestCredential ? [] : [each as string];
  });
}

function isCredential(name: string, value: Json): boolean {
  return credentials.has(name) && typeof value === 'string';
}

function withoutCredentials(value: Json): Json {
  if (Array.isArray(value)) return value.map((each: Json) => withoutCredentials(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      isCredential(name, each as Json) ? '***' : withoutCredentials(each as Json),
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
