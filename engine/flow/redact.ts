/**
 * What a callback saw, for a trace that may be looked at: every value that could tell of a person becomes a stand-in. A
 * value is kept only where its name is known to say nothing of anybody, so what nobody thought of is not told.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Json } from '../script/runner.ts';

/** Members whose values, whatever stands within them, are words of a protocol or of the tenant's own configuration. */
const harmless: ReadonlySet<string> = new Set([
  'acr',
  'alg',
  'approvedScopes',
  'audience',
  'client',
  'clientId',
  'clientName',
  'client_id',
  'contextType',
  'exp',
  'grantType',
  'grant_type',
  'grantedScopes',
  'iat',
  'issuer',
  'kid',
  'moduleId',
  'nbf',
  'permission',
  'permissions',
  'prompt',
  'redirect_uri',
  'requestedScopes',
  'resourceType',
  'response_type',
  'scope',
  'scopes',
  'server',
  'startTime',
  'typ',
]);

/** Of this process alone: a stand-in cannot be found again from the value that somebody guesses. */
const key = randomBytes(32);

/**
 * @param flowId within one flow the same value has the same stand-in, as long as the process lives.
 * @returns the value with the same members and the same number of items. Texts keep their form: a reference its type, an
 * address of a mailbox or of the web that it is one, a day that it is one. Numbers become zero.
 */
export function redact(value: Json, flowId: string): Json {
  if (typeof value === 'string') return standIn(value, flowId);
  if (typeof value === 'number') return 0;
  if (Array.isArray(value)) return value.map((each: Json) => redact(each, flowId));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      harmless.has(name) ? withoutQueries(each as Json) : redact(each as Json, flowId),
    ]),
  );
}

/** The method and address of a call, whose path may name a record. */
export function redactTarget(target: string, flowId: string): string {
  return target.replace(
    /\/([A-Z][A-Za-z]{1,60})\/([A-Za-z0-9.-]{1,64})/g,
    (_all, type: string, id: string) => `/${type}/${standIn(id, flowId)}`,
  );
}

/** Whether a text stands for another one. */
export function isStandIn(text: string): boolean {
  return /redacted-[0-9a-f]{8}/.test(text) || text.startsWith('https://redacted.example/') || text === '1900-01-01';
}

/** A granular scope may name a record in its query, and so may an address. */
function withoutQueries(value: Json): Json {
  if (typeof value === 'string') return value.replace(/\?\S*/g, '?redacted');
  if (Array.isArray(value)) return value.map((each: Json) => withoutQueries(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withoutQueries(each as Json)]));
}

function standIn(text: string, flowId: string): string {
  if (text === '' || text === '***') return text;
  const reference = /^(https?:\/\/.*\/)?([A-Z][A-Za-z]{1,60})\/([A-Za-z0-9.-]{1,64})$/.exec(text);
  if (reference)
    return `${reference[1] ? 'https://redacted.example/' : ''}${reference[2]}/${standIn(reference[3] ?? '', flowId)}`;
  const sign = createHmac('sha256', key).update(flowId).update('\0').update(text).digest('hex').slice(0, 8);
  if (/^https?:\/\//.test(text)) return `https://redacted.example/${sign}`;
  if (/^[^@\s]+@[^@\s]+$/.test(text)) return `redacted-${sign}@redacted.example`;
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return '1900-01-01';
  return `redacted-${sign}`;
}
