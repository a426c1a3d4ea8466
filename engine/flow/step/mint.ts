/**
 * Signs and stores the tokens of a grant that is complete. Nothing is decided here any more.
 * RFC 9068 (JWT access tokens), OpenID Connect Core section 2 (ID token), SMART App Launch (launch parameters).
 */
import { createHash } from 'node:crypto';
import { sidOf } from '../../identity/session-id.ts';
import { effectivePermissions } from '../../smart/permission.ts';
import type { Json } from '../../script/runner.ts';
import type { StoredToken } from '../../store/store.ts';
import type { Client, SigningAlgorithm, Tenant } from '../../tenant/tenant.ts';
import type { Grant, Granted, Minted } from '../facts.ts';
import type { Ports } from '../ports.ts';
import { move, reject, type StepResult } from '../table.ts';
import { phoneClaims } from './personal.ts';

export async function mint(
  { grant }: Granted,
  ports: Ports,
): Promise<StepResult<{ minted: Omit<Minted, keyof Granted> }>> {
  const client = await ports.client(grant.clientId);
  if (!client?.enabled) return reject('invalid_client', 'The client is not active', 'client-disabled', { status: 401 });
  const issuedAt = Math.floor(ports.now() / 1000);
  const lifetime = client.accessTokenSeconds ?? ports.tenant.lifetimes.accessTokenSeconds;
  const scope = grant.approvedScopes.join(' ');
  const launchParameters = launchParametersOf(grant);
  const claims = accessTokenClaims(grant, client, ports, {
    issuedAt,
    expiresAt: issuedAt + lifetime,
    scope,
    launchParameters,
  });
  const accessToken =
    client.accessTokenFormat === 'opaque'
      ? ports.newHandle()
      : await ports.keyring.sign(ports.tenant, claims, { type: 'at+jwt' });
  const idToken =
    grant.session &&
    grant.approvedScopes.includes('openid') &&
    grant.grantType !== 'urn:ietf:params:oauth:grant-type:jwt-bearer'
      ? await signIdToken(grant, client, ports, issuedAt, accessToken)
      : undefined;
  const shared = {
    tenantId: ports.tenant.id,
    grantId: grant.id,
    clientId: grant.clientId,
    ...(grant.userId ? { userId: grant.userId } : {}),
    // What was not granted beyond the session ends with it (OpenID Connect Back-Channel Logout section 2.7).
    ...(grant.refresh !== 'offline' && grant.sessionIdHash ? { sessionId: grant.sessionIdHash } : {}),
    scope,
    issuedAt: issuedAt * 1000,
  };
  const accessTokenHash = ports.hash(accessToken);
  const tokens: StoredToken[] = [
    {
      ...shared,
      hash: accessTokenHash,
      kind: 'access',
      details: { claims, launchParameters, ...(grant.session ? { session: grant.session } : {}) },
      expiresAt: (issuedAt + lifetime) * 1000,
    },
  ];
  const refreshToken = mayRefresh(grant, client) ? ports.newHandle() : undefined;
  if (refreshToken) {
    const refreshUntil =
      grant.refreshUntil ??
      ports.now() + (client.refreshTokenSeconds ?? ports.tenant.lifetimes.refreshTokenSeconds) * 1000;
    const { refreshScopes = grant.approvedScopes, ...rest } = grant;
    tokens.push({
      ...shared,
      hash: ports.hash(refreshToken),
      kind: 'refresh',
      scope: refreshScopes.join(' '),
      details: { grant: { ...rest, approvedScopes: refreshScopes, refreshUntil } },
      expiresAt: refreshUntil,
    });
  }
  await ports.store.tokens.save(tokens);
  const response = {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: lifetime,
    scope,
    ...(idToken ? { id_token: idToken } : {}),
    ...(refreshToken ? { refresh_token: refreshToken } : {}),
    ...launchParameters,
  };
  return move('minted', { accessToken, tokenContents: { claims, launchParameters } }, { reveal: { response } });
}

function mayRefresh(grant: Grant, client: Client): boolean {
  return grant.refresh !== 'none' && grant.session !== null && client.grantTypes.includes('refresh_token');
}

/** What stands beside the access token: launch context by resource type, `fhirContext`, and what the script added. */
function launchParametersOf(grant: Grant): Record<string, Json> {
  const parameters: Record<string, Json> = { ...grant.launchParameters };
  for (const { resourceType, resourceId } of grant.session?.launchResourceIds ?? [])
    parameters[resourceType.toLowerCase()] = resourceId;
  const fhirContext = grant.session?.fhirContext ?? [];
  if (fhirContext.length > 0) parameters['fhirContext'] = fhirContext.map((entry) => ({ ...entry }));
  return parameters;
}

function accessTokenClaims(
  grant: Grant,
  client: Client,
  ports: Ports,
  token: { issuedAt: number; expiresAt: number; scope: string; launchParameters: Record<string, Json> },
): Record<string, Json> {
  const authorities = effectivePermissions(
    [...grant.approvedScopes],
    [...(grant.session ? grant.session.authorities : client.permissions)],
  );
  return {
    ...token.launchParameters,
    ...(grant.session?.fhirUserUrl && grant.approvedScopes.includes('fhirUser')
      ? { fhirUser: grant.session.fhirUserUrl }
      : {}),
    ...(grant.reasonForRequest ? { reason_for_request: grant.reasonForRequest } : {}),
    ...(grant.acr === undefined ? {} : { acr: grant.acr }),
    ...(grant.amr === undefined ? {} : { amr: [...grant.amr] }),
    ...(authorities.length > 0 ? { authorities: authorities.map((authority) => ({ ...authority })) } : {}),
    ...grant.accessTokenClaims,
    ...(grant.authenticatedAt ? { auth_time: Math.floor(grant.authenticatedAt / 1000) } : {}),
    iss: ports.tenant.issuer,
    sub: grant.subject,
    aud: grant.audience,
    client_id: grant.clientId,
    scope: token.scope,
    iat: token.issuedAt,
    exp: token.expiresAt,
    jti: ports.newHandle().slice(0, 22),
  };
}

/** Of ID tokens and logout tokens: SMART App Launch asks for RS256 unless the client chose otherwise. */
export function idTokenAlgorithm(client: Client, { keystore }: Tenant): SigningAlgorithm {
  const offered = keystore.algorithms;
  return client.idTokenSigningAlgorithm ?? (offered.includes('RS256') ? 'RS256' : (offered[0] ?? 'RS256'));
}

async function signIdToken(
  grant: Grant,
  client: Client,
  ports: Ports,
  issuedAt: number,
  accessToken: string,
): Promise<string> {
  const session = grant.session;
  const scopes = grant.approvedScopes;
  const fhirUser =
    session?.fhirUserUrl && (scopes.includes('fhirUser') || scopes.includes('profile'))
      ? session.fhirUserUrl
      : undefined;
  const profile = scopes.includes('profile');
  const algorithm = idTokenAlgorithm(client, ports.tenant);
  // at_hash: the left half of the hash that goes with the signing algorithm (OpenID Connect Core 3.1.3.6).
  const digest = createHash(`sha${algorithm.slice(-3)}`)
    .update(accessToken)
    .digest();
  const half = digest.subarray(0, digest.length / 2).toString('base64url');
  return ports.keyring.sign(
    ports.tenant,
    {
      ...(fhirUser ? { fhirUser } : {}),
      ...(profile && fhirUser ? { profile: fhirUser } : {}),
      ...(profile && session?.givenName ? { given_name: session.givenName } : {}),
      ...(profile && session?.familyName ? { family_name: session.familyName } : {}),
      ...(profile && (session?.givenName || session?.familyName)
        ? { name: [session.givenName, session.familyName].filter(Boolean).join(' ') }
        : {}),
      ...(scopes.includes('email') && session?.email ? { email: session.email } : {}),
      ...(await phoneClaims(scopes, grant.userId, ports)),
      ...grant.idTokenClaims,
      iss: ports.tenant.issuer,
      sub: grant.subject,
      aud: grant.clientId,
      iat: issuedAt,
      exp: issuedAt + ports.tenant.lifetimes.idTokenSeconds,
      jti: ports.newHandle().slice(0, 22),
      at_hash: half,
      ...(grant.authenticatedAt ? { auth_time: Math.floor(grant.authenticatedAt / 1000) } : {}),
      ...(grant.acr === undefined ? {} : { acr: grant.acr }),
      ...(grant.amr === undefined ? {} : { amr: [...grant.amr] }),
      ...(grant.sessionIdHash ? { sid: sidOf(grant.sessionIdHash) } : {}),
      // One that comes of a refresh has none (OpenID Connect Core section 12.2).
      ...(grant.nonce && grant.grantType !== 'refresh_token' ? { nonce: grant.nonce } : {}),
    },
    { algorithm },
  );
}
