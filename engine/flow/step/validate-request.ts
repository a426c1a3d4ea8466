/**
 * The first step of the interactive flow: is this authorization request one that may be answered at all?
 * RFC 6749 section 4.1.2.1 decides who is told: until client and redirect URI are known to belong together, only the
 * person is; from then on the app.
 */
import { matchRedirectUri } from '../../smart/redirect-uri.ts';
import { intersectScopes } from '../../smart/scope.ts';
import type { Client, Tenant } from '../../tenant/tenant.ts';
import type { Received, Validated } from '../facts.ts';
import type { Ports } from '../ports.ts';
import { move, reject, type Rejection, type StepResult } from '../table.ts';
import { readScopes } from './requested-scopes.ts';

type Known = Pick<Validated, 'clientId' | 'replyTo'>;

/** Finds the client and the URI to answer to. Errors here are shown to the person and never redirected. */
export async function identifyClient(facts: Received, ports: Ports): Promise<StepResult<{ known: Known }>> {
  const { parameters, malformed } = facts.request;
  const clientId = parameters['client_id'];
  const refuse = (description: string, reason: string) =>
    reject('invalid_request', description, reason, { tell: 'person', status: 400 });
  if (malformed !== undefined && !(clientId && parameters['redirect_uri']))
    return refuse(malformed, 'request-malformed');
  if (!clientId) return refuse('The app did not say who it is (client_id is missing).', 'client-id-missing');
  const client = await ports.client(clientId);
  if (!client?.enabled) return refuse('This app is not known here (client_id).', 'client-unknown');
  const redirectUri = parameters['redirect_uri'];
  if (!redirectUri)
    return refuse('The app did not say where to return to (redirect_uri is missing).', 'redirect-uri-missing');
  if (!matchRedirectUri(client.redirectUris, redirectUri)) {
    return refuse('The address to return to (redirect_uri) is not registered for this app.', 'redirect-uri-mismatch');
  }
  const state = parameters['state'];
  return move('known', { clientId, replyTo: { redirectUri, ...(state === undefined ? {} : { state }) } });
}

/** Checks everything else. Errors go back to the app with its state. */
export async function validateRequest(
  facts: Received & Known,
  ports: Ports,
): Promise<StepResult<{ validated: Omit<Validated, keyof Received | keyof Known> }>> {
  const { parameters, malformed } = facts.request;
  if (malformed !== undefined) return reject('invalid_request', malformed, 'request-malformed');
  const client = await ports.client(facts.clientId);
  if (!client) return reject('unauthorized_client', 'The client is not known', 'client-unknown');
  const shape = checkShape(parameters, client);
  if (shape) return shape;

  const requestedScopes = readScopes(parameters['scope']);
  if ('kind' in requestedScopes) return requestedScopes;
  const scopes = checkScopes(requestedScopes, client, ports.tenant);
  if ('kind' in scopes) return scopes;

  const audience = checkAudience(parameters, requestedScopes, client, ports.tenant);
  if (typeof audience !== 'string') return audience;

  const launch = parameters['launch'];
  const launching = requestedScopes.includes('launch');
  let launchUsername: string | undefined;
  if (launching && launch === undefined)
    return reject('invalid_request', 'The scope launch needs the parameter launch', 'launch-missing');
  if (launch !== undefined && launching) {
    const stored = await ports.store.launches.find(ports.tenant.id, ports.hash(launch), ports.now());
    if (stored ? stored.clientId !== client.clientId : !ports.tenant.launch.acceptUnknown) {
      return reject('invalid_request', 'The launch is unknown, expired or was made for another app', 'launch-unknown');
    }
    launchUsername = stored?.username;
  }

  const prompt = (parameters['prompt'] ?? '').split(' ').filter((word) => word !== '');
  if (prompt.includes('none') && prompt.length > 1)
    return reject('invalid_request', 'prompt=none cannot be combined', 'prompt-mixed');
  const maximumAge = parameters['max_age'];
  if (maximumAge !== undefined && !/^\d{1,9}$/.test(maximumAge))
    return reject('invalid_request', 'max_age must be a number of seconds', 'max-age-malformed');

  return move('validated', {
    requestedScopes,
    grantableScopes: scopes.grantable,
    audience,
    prompt,
    ...(maximumAge === undefined ? {} : { maximumAgeSeconds: Number(maximumAge) }),
    ...(parameters['code_challenge'] === undefined ? {} : { codeChallenge: parameters['code_challenge'] }),
    ...(parameters['nonce'] === undefined ? {} : { nonce: parameters['nonce'] }),
    ...(launch === undefined ? {} : { launch }),
    ...(launchUsername === undefined ? {} : { launchUsername }),
  });
}

function checkShape(parameters: Readonly<Record<string, string>>, client: Client): Rejection | undefined {
  if (parameters['request'] !== undefined)
    return reject('request_not_supported', 'Request objects are not supported', 'request-object');
  if (parameters['request_uri'] !== undefined)
    return reject('request_uri_not_supported', 'request_uri is not supported', 'request-uri');
  if (parameters['registration'] !== undefined)
    return reject('registration_not_supported', 'registration is not supported', 'registration');
  const type = parameters['response_type'];
  if (type === undefined) return reject('invalid_request', 'response_type is missing', 'response-type-missing');
  if (type !== 'code') {
    return reject(
      'unsupported_response_type',
      'Only response_type=code is supported; use the authorization code flow with PKCE',
      'response-type-unsupported',
    );
  }
  if (!client.grantTypes.includes('authorization_code')) {
    return reject('unauthorized_client', 'The client may not use the authorization code grant', 'grant-not-allowed');
  }
  const mode = parameters['response_mode'];
  if (mode !== undefined && mode !== 'query')
    return reject('invalid_request', 'Only response_mode=query is supported', 'response-mode');
  return checkChallenge(parameters, client);
}

/** PKCE with S256 always (RFC 7636, RFC 9700), except a confidential client whose profile is plain OpenID Connect. */
function checkChallenge(parameters: Readonly<Record<string, string>>, client: Client): Rejection | undefined {
  const challenge = parameters['code_challenge'];
  const method = parameters['code_challenge_method'];
  if (challenge === undefined) {
    const optional =
      client.profile === 'oidc' && !client.tokenEndpointAuthMethods.includes('none') && method === undefined;
    return optional
      ? undefined
      : reject('invalid_request', 'code_challenge is missing: PKCE with S256 is required', 'pkce-missing');
  }
  if (method !== 'S256') return reject('invalid_request', 'code_challenge_method must be S256', 'pkce-method');
  if (!/^[A-Za-z0-9_-]{43}$/.test(challenge))
    return reject('invalid_request', 'code_challenge must be the base64url SHA-256 of the verifier', 'pkce-malformed');
  return undefined;
}

function checkScopes(
  requested: readonly string[],
  client: Client,
  tenant: Tenant,
): { grantable: string[] } | Rejection {
  const allowed = intersectScopes([...requested], [...client.scopes]);
  // The scope launch must stand in the client's definition as its own entry; nothing wider covers it.
  if (requested.includes('launch') && !client.scopes.includes('launch'))
    return reject('invalid_scope', 'Invalid scope: launch', 'scope-launch');
  if (tenant.policy.unlistedScopes === 'reject' && allowed.length < requested.length) {
    return reject('invalid_scope', 'A requested scope is not allowed to this client', 'scope-unlisted');
  }
  const grantable = [...new Set([...allowed, ...client.autoGrantScopes])];
  if (grantable.length === 0)
    return reject('invalid_scope', 'None of the requested scopes is allowed to this client', 'scope-none');
  return { grantable };
}

/** `aud` (SMART) or `resource` (RFC 8707) must be one of the tenant's FHIR servers; a trailing slash is forgiven. */
function checkAudience(
  parameters: Readonly<Record<string, string>>,
  requested: readonly string[],
  client: Client,
  tenant: Tenant,
): string | Rejection {
  const { aud, resource } = parameters;
  const needed =
    client.profile === 'smart' && requested.some((scope) => /^(patient|user|system)\/|^launch/.test(scope));
  if (aud === undefined && resource === undefined) {
    if (needed)
      return reject('invalid_request', 'aud is missing: name the FHIR server the app wants to use', 'audience-missing');
    return tenant.fhirServers[0]?.url ?? tenant.issuer;
  }
  const plain = (url: string) => url.replace(/\/$/, '');
  const serverOf = (presented: string) =>
    tenant.fhirServers.find((candidate) => plain(candidate.url) === plain(presented))?.url;
  const unknown = 'is not a FHIR server of this authorization server';
  const named = aud === undefined ? undefined : serverOf(aud);
  if (aud !== undefined && named === undefined) return reject('invalid_request', `aud ${unknown}`, 'audience-unknown');
  const target = resource === undefined ? named : serverOf(resource);
  if (target === undefined) return reject('invalid_target', `resource ${unknown}`, 'audience-unknown');
  return named === undefined || named === target
    ? target
    : reject('invalid_target', 'aud and resource name different FHIR servers', 'audience-ambiguous');
}
