/** Fields of the seed files' JSON, and of what the JSON admin API answers. */
import type { FieldRule } from './rule.ts';

const carried = (field: string, text: string): FieldRule => ({ field, outcome: 'carried', text });
const differs = (field: string, text: string): FieldRule => ({ field, outcome: 'differs', text });
const missing = (field: string, text: string): FieldRule => ({ field, outcome: 'missing', text });
/** What only says where and how Smile CDR keeps it. */
const administrative = (field: string): FieldRule => differs(field, 'Only says where Smile CDR keeps it.');

export const clientFields: readonly FieldRule[] = [
  carried('clientId', '`clientId`.'),
  carried('clientName', '`clientName`.'),
  carried('enabled', '`enabled`.'),
  carried('accessTokenValiditySeconds', '`accessTokenSeconds`, at most a day.'),
  carried('refreshTokenValiditySeconds', '`refreshTokenSeconds`, at most five years.'),
  differs(
    'allowedGrantTypes',
    '`grantTypes`. IMPLICIT and PASSWORD are refused (RFC 9700): the app has to use AUTHORIZATION_CODE with PKCE, or CLIENT_CREDENTIALS without a person. JWT_BEARER is CODAP here, which has to be set up.',
  ),
  carried('registeredRedirectUris', '`redirectUris`, those that are https, http on loopback, or a private-use scheme.'),
  carried('scopes', '`scopes`.'),
  carried('autoApproveScopes', '`autoApproveScopes`.'),
  carried('autoGrantScopes', '`autoGrantScopes`.'),
  missing('fixedScope', 'An app gets what it asks for of its list; a fixed list is `autoGrantScopes`.'),
  carried('alwaysRequireApproval', '`alwaysRequireApproval`.'),
  carried('rememberApprovedScopes', '`rememberApprovedScopes`.'),
  differs(
    'secretRequired',
    '`tokenEndpointAuthMethods`: `client_secret_basic` and `client_secret_post` with a secret, `private_key_jwt` with keys, else `none`.',
  ),
  missing('secretClientCanChange', 'Clients do not change their secrets; administrators do.'),
  carried(
    'clientSecrets',
    '`secrets`, with activation and expiration. Plain ones go into files, bcrypt and PBKDF2 hashes stay hashes, any other and masked ones have to be set anew.',
  ),
  carried('publicJwks', '`jwksFile`.'),
  carried('jwksUrl', '`jwksUri`.'),
  carried('permissions', '`permissions`.'),
  carried('canIntrospectAnyTokens', '`canIntrospectAnyTokens`.'),
  carried('canIntrospectOwnTokens', '`canIntrospectOwnTokens`.'),
  missing('canReissueTokens', 'Tokens are not issued anew for others.'),
  missing('attestationAccepted', 'The attestation is a text: `attestation`, shown when people approve.'),
  missing('createdByAppSphere', 'No app gallery.'),
  differs('archivedAt', 'An archived client is not brought over.'),
  ...['pid', 'nodeId', 'moduleId'].map(administrative),
];

export const secretFields: readonly FieldRule[] = [
  carried('secret', '`secrets[].value`.'),
  carried('description', '`secrets[].description`, unless it is masked.'),
  carried('activation', '`secrets[].activation`.'),
  carried('expiration', '`secrets[].expiration`. An expired secret is not brought over.'),
  administrative('pid'),
];

export const serverFields: readonly FieldRule[] = [
  carried('name', '`name`; `id` is made of it.'),
  carried('issuer', '`issuer`, without a trailing slash.'),
  carried('tokenIntrospectionClientId', '`clientId`.'),
  carried('tokenIntrospectionClientSecret', '`clientSecret`, in a file.'),
  carried('federationRequestScopes', '`scopes`.'),
  carried('federationAuthScriptText', '`federationAuth`, in one file with the user mapping script.'),
  carried('federationAuthScriptFile', '`federationAuth`, in one file with the user mapping script.'),
  carried('federationUserMappingScriptText', '`federationAuth`, in one file with the authentication script.'),
  differs(
    'federationRegistrationId',
    'The provider’s `id` is made of its name; register `{issuer}/federation/callback/{id}` there as redirect URI.',
  ),
  ...[
    'federationAuthorizationUrl',
    'federationTokenUrl',
    'federationUserInfoUrl',
    'federationJwkSetUrl',
    'authWellKnownConfigUrl',
  ].map((field) => differs(field, 'Discovered from `issuer`.')),
  ...['validationJwkText', 'validationJwkFile'].map((field) =>
    differs(field, 'The keys that discovery leads to are used.'),
  ),
  missing('customTokenParams', 'The token request has the parameters of OpenID Connect, and no others.'),
  missing('responseType', 'Always `code`, with PKCE.'),
  ...['fhirEndpointUrl', 'organizationId', 'audience', 'notes'].map((field) => missing(field, 'Nothing reads it.')),
  differs('archivedAt', 'An archived server is not brought over.'),
  ...['pid', 'nodeId', 'moduleId'].map(administrative),
];

export const userFields: readonly FieldRule[] = [
  differs('username', '`username`, exactly as it is written: upper and lower case are told apart.'),
  carried('password', '`passwordHash`: the bcrypt or PBKDF2 hash that it is, or our argon2id hash of it.'),
  carried('familyName', '`familyName`.'),
  carried('givenName', '`givenName`.'),
  carried('email', '`email`.'),
  carried('notes', '`notes`.'),
  carried('authorities', '`authorities`.'),
  carried('defaultLaunchContexts', '`defaultLaunchContexts`, ids without their type.'),
  differs('associatedResources', '`fhirUser`: the one of type SELF, on the tenant’s first FHIR server.'),
  carried('accountDisabled', '`enabled`.'),
  differs('accountLocked', 'A locked account is not `enabled`; administrators enable it.'),
  differs('accountExpiry', 'An expired account is not `enabled`; a later expiry has to be kept in mind.'),
  missing(
    'credentialExpiry',
    'A date of each person’s own is not kept: `passwords.maximumAgeDays` lets all passwords expire, `mustChangePassword` one.',
  ),
  differs('systemUser', 'System users are not brought over.'),
  differs('external', 'External users are not brought over: each is made anew at the first log-in at the provider.'),
  missing('serviceAccount', 'There are no service accounts: a machine is a client with client_credentials.'),
  missing('twoFactorAuthStatus', 'The key is not brought over: the person sets a second factor up anew.'),
  ...['failedLoginAttempts', 'lastActive', 'lastConnected', 'pid', 'nodeId', 'moduleId'].map(administrative),
];

export const keystoreFields: readonly FieldRule[] = [
  carried('keystoreId', 'The one that `openid.signing.keystore_id` names is read.'),
  carried('jsonKeys', '`keystore.jwksFile`, in a file that only its owner reads. The first key signs.'),
  carried('filePath', 'As `jsonKeys`; the file wins.'),
];
