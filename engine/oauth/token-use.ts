/** What happens to a token after it was issued: introspection (RFC 7662), revocation (RFC 7009), userinfo (OpenID Connect Core 5.3). */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { UserSessionModel } from '../script/model.ts';
import type { TokenRequest } from '../flow/facts.ts';
import { phoneClaims } from '../flow/step/personal.ts';
import type { StoredToken } from '../store/store.ts';
import type { Client } from '../tenant/tenant.ts';
import { bearerOf, challenge, isBearer, readBearer } from './bearer.ts';
import { noStore, sendOAuthError, type TenantRequest } from './http.ts';
import { readClientForm } from './token.ts';

type ContextOf = (request: TenantRequest['request'], reply: FastifyReply) => TenantRequest;

/** The token a handle names, if it lives and its client may still be used. */
async function activeToken({ ports, tenant }: TenantRequest, presented: string): Promise<StoredToken | undefined> {
  const token = await ports.store.tokens.find(tenant.id, ports.hash(presented));
  if (!token || token.revokedAt !== undefined || token.usedAt !== undefined || token.expiresAt <= ports.now())
    return undefined;
  return (await ports.client(token.clientId))?.enabled ? token : undefined;
}

export function introspectRoute(server: FastifyInstance, contextOf: ContextOf): void {
  server.post('/oauth/token/introspect', async (request, reply) => {
    const context = contextOf(request, reply);
    const { tenant } = context;
    const form = readClientForm(context);
    if (!form.ok) return sendOAuthError(reply, form.error);
    const caller = await introspectingClient(context, form.tokenRequest);
    if (!caller.ok) return caller.answer;
    const { client } = caller;
    const presented = form.tokenRequest.parameters['token'];
    if (presented === undefined)
      return sendOAuthError(reply, { error: 'invalid_request', description: 'token is missing' });
    const token = await activeToken(context, presented);
    const mine = client.canIntrospectAnyTokens || token?.clientId === client.clientId;
    if (!token || !mine) return noStore(reply).send({ active: false });
    context.ports.noteUse(token.grantId);
    return noStore(reply).send({ active: true, ...describe(token, tenant.issuer) });
  });
}

type Introspecting =
  { readonly ok: true; readonly client: Client } | { readonly ok: false; readonly answer: FastifyReply };

const mayIntrospect = (client: Client): boolean => client.canIntrospectAnyTokens || client.canIntrospectOwnTokens;

/** Who asks: a client that authenticates, or one whose access token is shown (SMART App Launch 2.2, token introspection). */
async function introspectingClient(context: TenantRequest, tokenRequest: TokenRequest): Promise<Introspecting> {
  const { ports, tenant, reply } = context;
  const { authorization, parameters } = tokenRequest;
  if (isBearer(authorization)) {
    const refuse = (error: 'invalid_request' | 'invalid_token' | 'insufficient_scope', description: string) => ({
      ok: false as const,
      answer: challenge(reply, tenant.id, { error, description }),
    });
    if (['client_secret', 'client_assertion'].some((name) => parameters[name] !== undefined))
      return refuse('invalid_request', 'Use one method of client authentication, not several');
    const presented = bearerOf(authorization);
    const token = presented === undefined ? undefined : await activeToken(context, presented);
    const client = token?.kind === 'access' ? await ports.client(token.clientId) : undefined;
    if (!client) return refuse('invalid_token', 'The token is not valid');
    return mayIntrospect(client)
      ? { ok: true, client }
      : refuse('insufficient_scope', 'The client may not introspect tokens');
  }
  const caller = await ports.clientAuthentication.authenticate(tenant, tokenRequest, false);
  if (!caller.ok) return { ok: false, answer: sendOAuthError(reply, caller.error) };
  if (mayIntrospect(caller.client)) return { ok: true, client: caller.client };
  const error = { error: 'unauthorized_client', description: 'The client may not introspect tokens', status: 403 };
  return { ok: false, answer: sendOAuthError(reply, error) };
}

function describe(token: StoredToken, issuer: string): Record<string, unknown> {
  const { claims, launchParameters, session, grant } = token.details as {
    claims?: Record<string, unknown>;
    launchParameters?: Record<string, unknown>;
    session?: UserSessionModel;
    grant?: { subject: string; session: UserSessionModel | null };
  };
  const person = session ?? grant?.session ?? undefined;
  return {
    ...claims,
    ...launchParameters,
    scope: token.scope,
    client_id: token.clientId,
    ...(person ? { username: person.username } : {}),
    ...(token.kind === 'access' ? { token_type: 'Bearer' } : {}),
    exp: Math.floor(token.expiresAt / 1000),
    iat: Math.floor(token.issuedAt / 1000),
    sub: claims?.['sub'] ?? grant?.subject,
    iss: issuer,
  };
}

export function revokeRoute(server: FastifyInstance, contextOf: ContextOf): void {
  const handler = async (request: TenantRequest['request'], reply: FastifyReply) => {
    const { ports, tenant } = contextOf(request, reply);
    const form = readClientForm({ ports, tenant, request, reply });
    if (!form.ok) return sendOAuthError(reply, form.error);
    const presented = form.tokenRequest.parameters['token'];
    if (presented === undefined)
      return sendOAuthError(reply, { error: 'invalid_request', description: 'token is missing' });
    const hash = ports.hash(presented);
    const token = await ports.store.tokens.find(tenant.id, hash);
    const named = await nameClient(form.tokenRequest, token, ports);
    const caller = await ports.clientAuthentication.authenticate(tenant, named, true);
    if (!caller.ok) return sendOAuthError(reply, caller.error);
    // A hint may be wrong, so it is not looked at: every token is found by its hash alone.
    if (token && token.clientId !== caller.client.clientId) {
      return sendOAuthError(reply, { error: 'invalid_grant', description: 'The token was issued to another client' });
    }
    if (token) {
      if (token.kind === 'refresh') await ports.store.tokens.revokeGrant(tenant.id, token.grantId, ports.now());
      else await ports.store.tokens.revoke(tenant.id, hash, ports.now());
      ports.audit({
        tenantId: tenant.id,
        at: ports.now(),
        type: 'token.revoked',
        outcome: 'success',
        clientId: token.clientId,
        ...(token.userId ? { userId: token.userId } : {}),
      });
    }
    return noStore(reply).code(200).send();
  };
  server.post('/oauth/token/revoke', handler);
  server.post('/session/token/revoke', handler);
}

/** Apps written for Smile CDR send a public client's token alone. */
async function nameClient(
  request: {
    readonly parameters: Readonly<Record<string, string>>;
    readonly authorization?: string;
    readonly remoteAddress: string;
  },
  token: StoredToken | undefined,
  ports: TenantRequest['ports'],
) {
  if (
    request.parameters['client_id'] !== undefined ||
    request.authorization !== undefined ||
    request.parameters['client_assertion'] !== undefined ||
    !token
  )
    return request;
  const client = await ports.client(token.clientId);
  return client?.tokenEndpointAuthMethods.includes('none')
    ? { ...request, parameters: { ...request.parameters, client_id: client.clientId } }
    : request;
}

export function userinfoRoute(server: FastifyInstance, contextOf: ContextOf): void {
  server.route({
    method: ['GET', 'POST'],
    url: '/userinfo',
    handler: async (request, reply) => {
      const context = contextOf(request, reply);
      const { tenant } = context;
      const bearer = readBearer(request);
      if (bearer.kind === 'none') return challenge(reply, tenant.id);
      if (bearer.kind === 'malformed')
        return challenge(reply, tenant.id, { error: 'invalid_request', description: bearer.description });
      const token = await activeToken(context, bearer.token);
      const session = token?.details['session'] as UserSessionModel | undefined;
      if (token?.kind !== 'access' || !session)
        return challenge(reply, tenant.id, { error: 'invalid_token', description: 'The token is not valid' });
      context.ports.noteUse(token.grantId);
      const scopes = token.scope.split(' ');
      if (!scopes.includes('openid'))
        return challenge(reply, tenant.id, {
          error: 'insufficient_scope',
          description: 'The scope openid is needed',
          scope: 'openid',
        });
      const profile = scopes.includes('profile');
      const fhirUser =
        session.fhirUserUrl && (profile || scopes.includes('fhirUser')) ? session.fhirUserUrl : undefined;
      const { claims } = token.details as { claims: { sub: string } };
      return noStore(reply).send({
        sub: claims.sub,
        ...(fhirUser ? { fhirUser } : {}),
        ...(profile && fhirUser ? { profile: fhirUser } : {}),
        ...(profile && session.givenName ? { given_name: session.givenName } : {}),
        ...(profile && session.familyName ? { family_name: session.familyName } : {}),
        ...(profile && (session.givenName || session.familyName)
          ? { name: [session.givenName, session.familyName].filter(Boolean).join(' ') }
          : {}),
        ...(scopes.includes('email') && session.email ? { email: session.email } : {}),
        ...(await phoneClaims(scopes, token.userId, context.ports)),
      });
    },
  });
}
