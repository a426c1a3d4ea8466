/** Bearer tokens as credentials of a request, and the challenges that answer them (RFC 6750). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { formOf, noStore, queryOf } from './http.ts';
import { sanitizeDescription } from './oauth-error.ts';
import { readParameters } from './parameters.ts';
import { noteRefusal } from './refusals.ts';

export type Bearer =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'malformed'; readonly description: string };

const HEADER = /^Bearer +([A-Za-z0-9._~+/-]{1,16384}=*)$/i;

/** Whether the Authorization header has the scheme, whatever follows it. */
export function isBearer(authorization: string | undefined): authorization is string {
  return authorization !== undefined && /^Bearer( |$)/i.test(authorization);
}

/** The token of the Authorization header; undefined where it is malformed. */
export function bearerOf(authorization: string): string | undefined {
  return HEADER.exec(authorization)?.[1];
}

/** Reads the one token of a request: in the header, or in the form of a POST. In an address it is refused (RFC 9700 section 4.3.2). */
export function readBearer(request: FastifyRequest): Bearer {
  const malformed = (description: string): Bearer => ({ kind: 'malformed', description });
  if (new URLSearchParams(queryOf(request)).has('access_token'))
    return malformed('A token does not belong into an address');
  const text = formOf(request);
  const read = readParameters(text ?? '');
  if (!read.ok) return malformed(read.error.description);
  const byForm = read.parameters.get('access_token');
  const { authorization } = request.headers;
  if (authorization === undefined) return byForm === undefined ? { kind: 'none' } : { kind: 'token', token: byForm };
  if (byForm !== undefined) return malformed('Send the token one way, not two');
  const token = bearerOf(authorization);
  return token === undefined ? malformed('A Bearer token is needed') : { kind: 'token', token };
}

/** Refuses a request for its token; without an error where it has none (RFC 6750 section 3.1). */
export function challenge(
  reply: FastifyReply,
  realm: string,
  refusal?: {
    readonly error: 'invalid_request' | 'invalid_token' | 'insufficient_scope';
    readonly description: string;
    readonly scope?: string;
  },
): FastifyReply {
  noStore(reply);
  noteRefusal(reply.request, refusal?.error ?? 'token_missing');
  if (!refusal) return reply.code(401).header('www-authenticate', `Bearer realm="${realm}"`).send();
  const { error, scope } = refusal;
  const description = sanitizeDescription(refusal.description);
  const wanted = scope === undefined ? '' : `, scope="${scope}"`;
  return reply
    .code({ invalid_request: 400, invalid_token: 401, insufficient_scope: 403 }[error])
    .header(
      'www-authenticate',
      `Bearer realm="${realm}", error="${error}", error_description="${description}"${wanted}`,
    )
    .send({ error, error_description: description });
}
