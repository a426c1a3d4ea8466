/** The token endpoint (RFC 6749 section 3.2): one grant type, one flow. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { backendServices } from '../flow/backend-services.ts';
import { clientCredentials } from '../flow/client-credentials.ts';
import { codap } from '../flow/codap.ts';
import { interactive } from '../flow/interactive.ts';
import { type FlowResult, resumeFlow, startFlow } from '../flow/machine.ts';
import { refresh } from '../flow/refresh.ts';
import type { TokenRequest } from '../flow/facts.ts';
import { type Engine, formOf, noStore, queryOf, sendOAuthError, type TenantRequest } from './http.ts';
import { readParameters } from './parameters.ts';
import { isInTrail } from './refusals.ts';

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
    const { parameters } = form.tokenRequest;
    switch (parameters['grant_type']) {
      case 'authorization_code':
        return redeem(engine, context, form.tokenRequest);
      case 'refresh_token':
        return answer(
          engine,
          context,
          await startFlow(refresh, { tokenRequest: await withPublicClient(context, form.tokenRequest) }, context.ports),
        );
      case 'client_credentials': {
        const flow = parameters['client_assertion'] === undefined ? clientCredentials : backendServices;
        return answer(engine, context, await startFlow(flow, { tokenRequest: form.tokenRequest }, context.ports));
      }
      case 'urn:ietf:params:oauth:grant-type:jwt-bearer':
        return answer(engine, context, await startFlow(codap, { tokenRequest: form.tokenRequest }, context.ports));
      case undefined:
        return sendOAuthError(reply, { error: 'invalid_request', description: 'grant_type is missing' });
      case 'password':
        return sendOAuthError(reply, {
          error: 'unsupported_grant_type',
          description: 'The password grant is not offered; use authorization_code with PKCE',
        });
      default:
        return sendOAuthError(reply, {
          error: 'unsupported_grant_type',
          description: 'This grant type is not offered',
        });
    }
  };
  server.post('/oauth/token', handler);
  server.post('/token', handler);
}

/** The interactive flow waits for its code; the client is authenticated before the code is looked at. */
async function redeem(engine: Engine, context: TenantRequest, tokenRequest: TokenRequest): Promise<FastifyReply> {
  const { ports, reply, tenant } = context;
  const { parameters } = tokenRequest;
  const client = await ports.clientAuthentication.authenticate(tenant, tokenRequest, true);
  if (!client.ok) {
    isInTrail(context.request);
    ports.audit({
      tenantId: tenant.id,
      at: ports.now(),
      type: 'flow.interactive',
      outcome: 'failure',
      reason: 'client-authentication',
    });
    return sendOAuthError(reply, client.error);
  }
  const { clientId } = client.client;
  const refuse = (reason: string) => {
    isInTrail(context.request);
    ports.audit({
      tenantId: tenant.id,
      at: ports.now(),
      type: 'flow.interactive',
      outcome: 'failure',
      clientId,
      reason,
    });
    return sendOAuthError(reply, { error: 'invalid_grant', description: 'The authorization code is not valid' });
  };
  if (!client.client.grantTypes.includes('authorization_code')) {
    return sendOAuthError(reply, { error: 'unauthorized_client', description: 'The client may not use this grant' });
  }
  const code = parameters['code'];
  if (code === undefined) return sendOAuthError(reply, { error: 'invalid_request', description: 'code is missing' });
  const flow = await ports.store.flows.findByHandle(tenant.id, 'code', ports.hash(code));
  if (!flow) return refuse('code-unknown');
  const result = await resumeFlow(
    interactive,
    flow,
    'code',
    {
      clientId,
      redirectUri: parameters['redirect_uri'],
      ...(parameters['code_verifier'] === undefined ? {} : { codeVerifier: parameters['code_verifier'] }),
    },
    ports,
  );
  if (result.kind === 'expired') return refuse('code-expired');
  if (result.kind === 'stale' || result.kind === 'again') {
    // A second use ends what the first one got (RFC 6749 section 4.1.2).
    const { grantId } = flow.facts as { grantId?: string };
    if (grantId) await ports.store.tokens.revokeGrant(tenant.id, grantId, ports.now());
    return refuse('code-replayed');
  }
  return answer(engine, context, result);
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

/** SMART's refresh request has no `client_id`; a public client is then known by its token. */
async function withPublicClient({ ports, tenant }: TenantRequest, tokenRequest: TokenRequest): Promise<TokenRequest> {
  const { parameters, authorization } = tokenRequest;
  const token = parameters['refresh_token'];
  if (
    parameters['client_id'] !== undefined ||
    authorization !== undefined ||
    parameters['client_assertion'] !== undefined ||
    token === undefined
  )
    return tokenRequest;
  const stored = await ports.store.tokens.find(tenant.id, ports.hash(token));
  const client = stored && (await ports.client(stored.clientId));
  return client?.tokenEndpointAuthMethods.includes('none')
    ? { ...tokenRequest, parameters: { ...parameters, client_id: client.clientId } }
    : tokenRequest;
}
