/** The token endpoint (RFC 6749 section 3.2), as it is asked over HTTP; `token-grant.ts` is what it does. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { FlowResult } from '../flow/machine.ts';
import type { TokenRequest } from '../flow/facts.ts';
import { type Engine, formOf, noStore, queryOf, sendOAuthError, type TenantRequest } from './http.ts';
import { readParameters } from './parameters.ts';
import { isInTrail } from './refusals.ts';
import { grantTokens } from './token-grant.ts';

/** Addresses end up in logs, so a credential there is answered with an error, even one that would do (RFC 6749 section 2.3.1). */
const secretParameters: ReadonlySet<string> = new Set([
  'client_secret',
  'client_assertion',
  'assertion',
  'code',
  'code_verifier',
  'refresh_token',
  'access_token',
  'token',
  'password',
]);

/** Answers any of the tenant's endpoints that take a form from a client, or the error its form deserves. */
export function readClientForm({
  request,
}: TenantRequest):
  | { readonly ok: true; readonly tokenRequest: TokenRequest }
  | { readonly ok: false; readonly error: { error: string; description: string; status: number } } {
  const text = formOf(request);
  const refuse = (description: string) => ({
    ok: false as const,
    error: { error: 'invalid_request', description, status: 400 },
  });
  if (text === undefined) return refuse('The body must be application/x-www-form-urlencoded');
  if ([...new URLSearchParams(queryOf(request)).keys()].some((name) => secretParameters.has(name)))
    return refuse('Parameters belong into the body, not into the address');
  const read = readParameters(text);
  if (!read.ok) return { ok: false, error: read.error };
  const { authorization } = request.headers;
  return {
    ok: true,
    tokenRequest: {
      parameters: Object.fromEntries(read.parameters),
      remoteAddress: request.ip,
      ...(authorization ? { authorization } : {}),
    },
  };
}

export function tokenRoute(
  server: FastifyInstance,
  engine: Engine,
  contextOf: (request: TenantRequest['request'], reply: FastifyReply) => TenantRequest,
): void {
  const handler = async (request: TenantRequest['request'], reply: FastifyReply) => {
    const context = contextOf(request, reply);
    const form = readClientForm(context);
    if (!form.ok) return sendOAuthError(reply, form.error);
    const granted = await grantTokens(form.tokenRequest, context.ports);
    if (granted.kind === 'result') return answer(engine, context, granted.result);
    if (granted.inTrail) isInTrail(request);
    return sendOAuthError(reply, granted.error);
  };
  server.post('/oauth/token', handler);
  server.post('/token', handler);
}

/** An app has its tokens only once the audit trail knows of them; without that they are revoked and not returned. */
async function answer(
  engine: Engine,
  { ports, reply, request, tenant }: TenantRequest,
  result: FlowResult,
): Promise<FastifyReply> {
  isInTrail(request);
  if (result.kind === 'rejected') return sendOAuthError(reply, result.rejection);
  if (result.kind === 'done') {
    if (await engine.recorded(result.flowId)) return noStore(reply).code(200).send(result.reveal['response']);
    const { grant } = result.facts as { grant?: { readonly id: string } };
    if (grant) await ports.store.tokens.revokeGrant(tenant.id, grant.id, ports.now());
  }
  return sendOAuthError(reply, {
    error: 'server_error',
    description: 'The server could not complete the request',
    status: 500,
  });
}
