/**
 * What a tenant says about itself: OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2, SMART App Launch 2.2
 * "Conformance". Everything is derived from the tenant, for each capability listed is an obligation.
 */
import type { GrantType, Tenant } from '../tenant/tenant.ts';
import { CLIENT_ASSERTION_ALGORITHMS } from './client-authentication.ts';

export type Metadata = Readonly<Record<string, unknown>>;

const AUTHENTICATION_METHODS: readonly string[] = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];

/** Whether people can log in at all: a tenant without log-in modules and providers serves backend systems only. */
function isInteractive(tenant: Tenant): boolean {
  return tenant.inbound.length > 0 || tenant.providers.length > 0;
}

function offersOpenId(tenant: Tenant): boolean {
  return isInteractive(tenant) && tenant.keystore.algorithms.length > 0;
}

function offersOfflineAccess(tenant: Tenant): boolean {
  return isInteractive(tenant) && tenant.lifetimes.refreshTokenSeconds > 0;
}

function servesFhir(tenant: Tenant): boolean {
  return tenant.fhirServers.length > 0;
}

function grantTypes(tenant: Tenant): GrantType[] {
  return [
    ...(isInteractive(tenant) ? (['authorization_code'] as const) : []),
    ...(offersOfflineAccess(tenant) ? (['refresh_token'] as const) : []),
    'client_credentials',
    ...(tenant.codap.enabled ? (['urn:ietf:params:oauth:grant-type:jwt-bearer'] as const) : []),
  ];
}

function scopes(tenant: Tenant): string[] {
  const supported = [
    ...(offersOpenId(tenant)
      ? ['openid', 'profile', 'email', 'phone', ...(servesFhir(tenant) ? ['fhirUser'] : [])]
      : []),
    ...(offersOfflineAccess(tenant) ? ['offline_access', 'online_access'] : []),
    ...(isInteractive(tenant) && servesFhir(tenant)
      ? ['launch', 'launch/patient', 'patient/*.cruds', 'patient/*.*', 'user/*.cruds', 'user/*.*']
      : []),
    ...(servesFhir(tenant) ? ['system/*.cruds', 'system/*.*'] : []),
  ];
  return [...new Set(supported)];
}

/** Members common to all three documents. */
function shared(tenant: Tenant): Record<string, unknown> {
  const { issuer } = tenant;
  const interactive = isInteractive(tenant);
  return {
    ...(interactive
      ? { authorization_endpoint: `${issuer}/oauth/authorize`, management_endpoint: `${issuer}/session/manage` }
      : {}),
    token_endpoint: `${issuer}/oauth/token`,
    introspection_endpoint: `${issuer}/oauth/token/introspect`,
    revocation_endpoint: `${issuer}/oauth/token/revoke`,
    grant_types_supported: grantTypes(tenant),
    response_types_supported: interactive ? ['code'] : [],
    scopes_supported: scopes(tenant),
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: [...AUTHENTICATION_METHODS, ...(interactive ? ['none'] : [])],
    token_endpoint_auth_signing_alg_values_supported: CLIENT_ASSERTION_ALGORITHMS,
  };
}

/** The members of RFC 8414, which are all there is for a tenant without log-in. */
export function authorizationServerMetadata(tenant: Tenant): Metadata {
  return {
    issuer: tenant.issuer,
    jwks_uri: `${tenant.issuer}/jwk`,
    ...shared(tenant),
    ...(isInteractive(tenant) ? { response_modes_supported: ['query'] } : {}),
    introspection_endpoint_auth_methods_supported: AUTHENTICATION_METHODS,
    introspection_endpoint_auth_signing_alg_values_supported: CLIENT_ASSERTION_ALGORITHMS,
    revocation_endpoint_auth_methods_supported: [...AUTHENTICATION_METHODS, ...(isInteractive(tenant) ? ['none'] : [])],
    revocation_endpoint_auth_signing_alg_values_supported: CLIENT_ASSERTION_ALGORITHMS,
    // RFC 9207: the answer to an authorization request names its issuer.
    ...(isInteractive(tenant) ? { authorization_response_iss_parameter_supported: true } : {}),
  };
}

/**
 * The document at `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`; for a tenant without
 * log-in, only the OAuth members.
 */
export function openidConfiguration(tenant: Tenant): Metadata {
  const { issuer } = tenant;
  if (!offersOpenId(tenant)) return authorizationServerMetadata(tenant);
  return {
    ...authorizationServerMetadata(tenant),
    userinfo_endpoint: `${issuer}/userinfo`,
    end_session_endpoint: `${issuer}/session/end`,
    frontchannel_logout_supported: true,
    frontchannel_logout_session_supported: true,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: tenant.keystore.algorithms,
    claims_supported: [
      'iss',
      'sub',
      'aud',
      'exp',
      'iat',
      'auth_time',
      'amr',
      ...(tenant.secondFactor.level === 'off' ? [] : ['acr']),
      'nonce',
      'at_hash',
      'sid',
      'name',
      'given_name',
      'family_name',
      'email',
      'phone_number',
      'phone_number_verified',
      'profile',
      ...(servesFhir(tenant) ? ['fhirUser'] : []),
    ],
    ...(tenant.secondFactor.level === 'off' ? {} : { acr_values_supported: tenant.secondFactor.acrValues }),
    claim_types_supported: ['normal'],
    claims_parameter_supported: false,
    request_parameter_supported: false,
    // Discovery takes true for granted where this is absent.
    request_uri_parameter_supported: false,
  };
}

function capabilities(tenant: Tenant): string[] {
  if (!servesFhir(tenant)) return [];
  const backend = ['client-confidential-asymmetric', 'permission-v1', 'permission-v2'];
  if (!isInteractive(tenant)) return backend;
  return [
    'launch-ehr',
    'launch-standalone',
    'authorize-post',
    'client-public',
    'client-confidential-symmetric',
    ...backend,
    ...(offersOpenId(tenant) ? ['sso-openid-connect'] : []),
    // The launch carries whatever context the EHR gave it, the banner and the style with it.
    'context-banner',
    'context-style',
    'context-ehr-patient',
    'context-ehr-encounter',
    'context-standalone-patient',
    // A user's default context names a patient; an encounter without a launch comes from the tenant's script or search.
    ...(tenant.scripts.callbacks || tenant.launch.searches.some(({ resourceType }) => resourceType === 'Encounter')
      ? ['context-standalone-encounter']
      : []),
    ...(offersOfflineAccess(tenant) ? ['permission-offline', 'permission-online'] : []),
    'permission-patient',
    'permission-user',
  ];
}

/**
 * The document at `{fhir}/.well-known/smart-configuration`.
 * @param fhirServerName One of the tenant's FHIR servers, where the document is for that one alone; undefined is answered
 * when the tenant has no server of that name.
 */
export function smartConfiguration(tenant: Tenant): Metadata;
export function smartConfiguration(tenant: Tenant, fhirServerName: string | undefined): Metadata | undefined;
export function smartConfiguration(tenant: Tenant, fhirServerName?: string): Metadata | undefined {
  if (fhirServerName !== undefined && !tenant.fhirServers.some((server) => server.name === fhirServerName))
    return undefined;
  return {
    // SMART: both if and only if sso-openid-connect is offered.
    ...(offersOpenId(tenant) ? { issuer: tenant.issuer, jwks_uri: `${tenant.issuer}/jwk` } : {}),
    ...shared(tenant),
    capabilities: capabilities(tenant),
  };
}
