/** Stands for every host that scripts call: echoes, answers FHIR, and fails where it is told to. */
import type { OutboundRequest, OutboundResult } from '../../../engine/outbound/client.ts';

type Fields = Readonly<Record<string, unknown>>;

function answer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): OutboundResult {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { ok: true, response: { status, headers: { 'content-type': 'application/json', ...headers }, body: text } };
}

const refused = {
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code: 'invalid', diagnostics: 'the resource is refused' }],
};

function fhir({ method, url, body }: OutboundRequest): OutboundResult {
  const { pathname, search, origin } = new URL(url);
  const path = pathname.replace(/^\/(fhir\/?)?/, '');
  const sent = body === undefined ? undefined : (JSON.parse(body) as Fields);
  if (path === 'Patient/none') return answer(method === 'DELETE' ? 410 : 404, refused);
  if (sent?.['id'] === 'refused' || path.startsWith('Refused')) return answer(422, refused);
  if (path === '' && method === 'POST')
    return answer(200, { resourceType: 'Bundle', type: 'transaction-response', entry: [] });
  if (path.includes('$'))
    return answer(200, { resourceType: 'Parameters', method, path, parameter: sent?.['parameter'] ?? [] });
  if (method === 'DELETE') return answer(204, '');
  if (method === 'POST') return answer(201, { ...sent, id: 'new' }, { location: `${url}/new/_history/1` });
  if (method === 'PUT') return answer(200, { ...sent, meta: { versionId: '2' } });
  if (path.includes('/'))
    return answer(200, { resourceType: path.split('/')[0], id: path.split('/')[1], server: origin });
  // A search: what was asked for, and two resources beside an outcome.
  const asked = decodeURIComponent(search);
  return answer(200, {
    resourceType: 'Bundle',
    total: 2,
    link: [{ relation: 'self', url: asked }],
    entry: [
      { resource: { resourceType: path, id: 'first', asked } },
      { resource: { resourceType: path, id: 'second' } },
      { search: { mode: 'outcome' }, resource: { resourceType: 'OperationOutcome' } },
    ],
  });
}

export function webServer(request: OutboundRequest): OutboundResult {
  const { hostname, pathname } = new URL(request.url);
  if (hostname === 'other.example' || hostname === 'retry.example')
    return { ok: false, code: 'unreachable', message: 'nobody answers there' };
  if (hostname.includes('fhir') || hostname === 'second.example') return fhir(request);
  if (pathname === '/missing') return answer(404, 'nothing here', { 'content-type': 'text/plain' });
  const { method, url, headers = {}, body = null } = request;
  return answer(200, { method, url, headers, body }, { 'x-test': 'Yes' });
}
