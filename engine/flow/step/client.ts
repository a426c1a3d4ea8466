/** The first steps at the token endpoint: who is the client, and what may it have without a user. */
import { intersectScopes } from '../../smart/scope.ts';
import type { Json } from '../../script/runner.ts';
import type { GrantType } from '../../tenant/tenant.ts';
import type { ClientAuthenticated, Grant, TokenRequested } from '../facts.ts';
import type { Ports } from '../ports.ts';
import { move, reject, type StepResult } from '../table.ts';
import { readScopes } from './requested-scopes.ts';

export type ClientGives = Omit<ClientAuthenticated, keyof TokenRequested>;

/** Authenticates the client and checks that it may use the grant. `methods` limits the ways (backend services: a signed JWT). */
export function authenticateClientFor(
  grantType: GrantType,
  options: { readonly allowPublic?: boolean; readonly methods?: readonly string[] } = {},
) {
  return async function authenticateClient(
    facts: TokenRequested,
    ports: Ports,
  ): Promise<StepResult<{ authenticated: ClientGives }>> {
    const result = await ports.clientAuthentication.authenticate(
      ports.tenant,
      facts.tokenRequest,
      options.allowPublic ?? false,
    );
    if (!result.ok) {
      const { error, description, status, headers } = result.error;
      return reject(error, description, 'client-authentication', { status, ...(headers ? { headers } : {}) });
    }
    const { client, method, assertion } = result;
    if (options.methods && !options.methods.includes(method)) {
      return reject('invalid_client', 'The client must authenticate with a signed JWT', 'client-method', {
        status: 401,
      });
    }
    if (!client.grantTypes.includes(grantType)) {
      return reject('unauthorized_client', 'The client may not use this grant', 'grant-not-allowed', { status: 400 });
    }
    return move('authenticated', {
      clientId: client.clientId,
      method,
      ...(assertion
        ? { assertion: assertion as unknown as { header: Record<string, Json>; claims: Record<string, Json> } }
        : {}),
    });
  };
}

/**
 * The scopes of the client's own definition that it asked for; all of them when it asks for none. Its permissions narrow
 * what the token can do further when it is minted.
 */
export async function grantClientScopes(
  facts: ClientAuthenticated,
  ports: Ports,
): Promise<StepResult<{ granted: { readonly grant: Grant } }>> {
  const client = await ports.client(facts.clientId);
  if (!client) return reject('invalid_client', 'Client authentication failed', 'client-unknown', { status: 401 });
  const { parameters } = facts.tokenRequest;
  const requestedScopes = readScopes(parameters['scope'], 400);
  if ('kind' in requestedScopes) return requestedScopes;
  const personal = (scope: string) =>
    ['openid', 'fhirUser', 'profile', 'email', 'phone', 'online_access', 'offline_access'].includes(scope) ||
    scope.startsWith('launch');
  const own = client.scopes.filter((scope) => !personal(scope));
  const approvedScopes = requestedScopes.length === 0 ? own : intersectScopes(requestedScopes, own);
  if (
    approvedScopes.length === 0 ||
    (ports.tenant.policy.unlistedScopes === 'reject' && approvedScopes.length < requestedScopes.length)
  ) {
    return reject('invalid_scope', 'None of the requested scopes is allowed to this client', 'scope-none', {
      status: 400,
    });
  }
  const audience =
    parameters['aud'] ?? parameters['resource'] ?? ports.tenant.fhirServers[0]?.url ?? ports.tenant.issuer;
  if (
    audience !== ports.tenant.issuer &&
    !ports.tenant.fhirServers.some((server) => server.url === audience.replace(/\/$/, ''))
  ) {
    return reject('invalid_target', 'resource is not a FHIR server of this authorization server', 'audience-unknown', {
      status: 400,
    });
  }
  const allowed = new Set(ports.tenant.requestParameterAllowList);
  const grant: Grant = {
    id: ports.newHandle(),
    clientId: client.clientId,
    grantType: 'client_credentials',
    requestedScopes,
    approvedScopes,
    audience: audience.replace(/\/$/, ''),
    session: null,
    subject: client.clientId,
    launchParameters: {},
    requestParameters: Object.fromEntries(Object.entries(parameters).filter(([name]) => allowed.has(name))),
    accessTokenClaims: {},
    idTokenClaims: {},
    refresh: 'none',
  };
  return move('granted', { grant });
}
