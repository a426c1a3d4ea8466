/** What happens to a token after it was issued: introspection (RFC 7662), revocation (RFC 7009), userinfo (OpenID Connect Core 5.3). */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { UserSessionModel } from '../script/model.ts';
import type { StoredToken } from '../store/store.ts';
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
    const { ports, tenant } = contextOf(request, reply);
    const form = readClientForm({ ports, tenant, request, reply });
    if (!form.ok) return sendOAuthError(reply, form.error);
    const caller = await ports.clientAuthentication.authenticate(tenant, form.tokenRequest, false);
    if (!caller.ok) return sendOAuthError(reply, { ...caller.error, status: 401 });
    const { client } = caller;
    if (!client.canIntrospectAnyTokens && !client.canIntrospectOwnTokens) {
      return sendOAuthError(reply, {
        error: 'unauthorized_client',
        description: 'The client may not introspect tokens',
        status: 403,
      });
    }
    const presented = form.tokenRequest.parameters['token'];
    if (presented === undefined)
      return sendOAuthError(reply, { error: 'invalid_request', description: 'token is missing' });
    const token = await activeToken({ ports, tenant, request, reply }, presented);
    const mine = client.canIntrospectAnyTokens || token?.clientId === client.clientId;
    if (!token || !mine) return noStore(reply).send({ active: false });
    return noStore(reply).send({ active: true, ...describe(token, tenant.issuer) });
  });
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
      const { ports, tenant } = contextOf(request, reply);
      const bearer = /^Bearer ([A-Za-z0-9._~+/=-]{1,16384})$/i.exec(request.headers.authorization ?? '')?.[1];
      const challenge = (status: number, error?: string, description?: string) => {
        const detail = error ? `, error="${error}", error_description="${description}"` : '';
        noStore(reply).code(status).header('www-authenticate', `Bearer realm="${tenant.id}"${detail}`);
        return error ? reply.send({ error, error_description: description }) : reply.send();
      };
      if (bearer === undefined)
        return request.headers.authorization
          ? challenge(400, 'invalid_request', 'A Bearer token is needed')
          : challenge(401);
      const token = await activeToken({ ports, tenant, request, reply }, bearer);
      const session = token?.details['session'] as UserSessionModel | undefined;
      if (token?.kind !== 'access' || !session) return challenge(401, 'invalid_token', 'The token is not valid');
      const scopes = token.scope.split(' ');
      if (!scopes.includes('openid')) return challenge(403, 'insufficient_scope', 'The scope openid is needed');
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
      });
    },
  });
}
