/**
 * What a tenant is once its document has been validated: one immutable object, whichever way it was loaded.
 * The document's own shape is `schemas/tenant.schema.json`; `load.ts` turns the one into the other by filling in
 * defaults, reading the files the document names and resolving secrets.
 */

export type GrantType =
  'authorization_code' | 'refresh_token' | 'client_credentials' | 'urn:ietf:params:oauth:grant-type:jwt-bearer';

export type ClientAuthenticationMethod = 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';

export type SigningAlgorithm = 'RS256' | 'RS384' | 'PS256' | 'ES256' | 'ES384';

/** A public or private JSON Web Key (RFC 7517). */
export interface Jwk {
  readonly kty: string;
  readonly kid?: string;
  readonly alg?: string;
  readonly use?: string;
  readonly [member: string]: unknown;
}

/** A permission in Smile CDR's vocabulary, e.g. `{permission: 'FHIR_READ_INSTANCE', argument: 'Patient/123'}`. */
export interface Authority {
  readonly permission: string;
  readonly argument?: string;
}

/** One stored client secret. `hash` is `sha256:<base64url>` for generated secrets, an argon2id PHC string, or a foreign hash. Instants are ISO 8601. */
export interface ClientSecret {
  readonly id: string;
  readonly hash: string;
  readonly description?: string;
  readonly activation?: string;
  readonly expiration?: string;
}

export interface Attestation {
  readonly text: string;
  readonly date: string;
  readonly url?: string;
}

/** An OAuth client (RFC 6749 section 2), either seeded by the tenant's document or created through the admin API. */
export interface Client {
  readonly clientId: string;
  readonly clientName: string;
  readonly enabled: boolean;
  readonly profile: 'smart' | 'oidc';
  readonly tokenEndpointAuthMethods: readonly ClientAuthenticationMethod[];
  readonly secrets: readonly ClientSecret[];
  readonly jwks?: { readonly keys: readonly Jwk[] };
  readonly jwksUri?: string;
  readonly grantTypes: readonly GrantType[];
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  /** Where a logout token is sent when a session ends (OpenID Connect Back-Channel Logout 1.0 section 2.2). */
  readonly backchannelLogoutUri?: string;
  /** Stated by the app; every logout token has `sid` in any case. */
  readonly backchannelLogoutSessionRequired?: boolean;
  /** Shown in a frame when a person logs out (OpenID Connect Front-Channel Logout 1.0 section 2). */
  readonly frontchannelLogoutUri?: string;
  /** Stated by the app; the address has `iss` and `sid` in any case. */
  readonly frontchannelLogoutSessionRequired?: boolean;
  /** Scopes the client may be given, SMART v1 or v2 notation. */
  readonly scopes: readonly string[];
  /** Granted without asking the person when requested. */
  readonly autoApproveScopes: readonly string[];
  /** Granted even when not requested. */
  readonly autoGrantScopes: readonly string[];
  readonly rememberApprovedScopes: boolean;
  readonly alwaysRequireApproval: boolean;
  /** Seconds; the tenant's lifetimes hold where absent. */
  readonly accessTokenSeconds?: number;
  readonly refreshTokenSeconds?: number;
  readonly accessTokenFormat: 'jwt' | 'opaque';
  readonly idTokenSigningAlgorithm?: SigningAlgorithm;
  /** What the client itself may do when it acts without a user. */
  readonly permissions: readonly Authority[];
  readonly canIntrospectAnyTokens: boolean;
  readonly canIntrospectOwnTokens: boolean;
  readonly attestation?: Attestation;
}

export interface LaunchContext {
  readonly contextType: string;
  readonly resourceId: string;
}

/** A person known to a tenant. `passwordHash` is an argon2id PHC string or a foreign hash; absent for users of a foreign provider. */
export interface User {
  readonly id: string;
  readonly username: string;
  readonly passwordHash?: string;
  /** Hashes of the passwords before, the youngest first. */
  readonly passwordHistory?: readonly string[];
  /** Epoch milliseconds. */
  readonly passwordChangedAt?: number;
  readonly mustChangePassword?: boolean;
  readonly givenName?: string;
  readonly familyName?: string;
  readonly email?: string;
  readonly phone?: string;
  readonly enabled: boolean;
  /** The provider id and subject where the user came from a foreign provider; `inbound/<module id>` of a log-in module. */
  readonly external?: { readonly provider: string; readonly subject: string };
  readonly authorities: readonly Authority[];
  readonly fhirUser?: string;
  readonly defaultLaunchContexts: readonly LaunchContext[];
  readonly notes?: string;
  readonly userData: Readonly<Record<string, unknown>>;
}

/** A directory people log in by, its secret and its file read. Gaps of templates are `{username}` and `{dn}`. */
export interface LdapSettings {
  readonly urls: readonly string[];
  readonly startTls: boolean;
  /** PEM; the system's authorities where absent. */
  readonly ca?: string;
  readonly timeoutMilliseconds: number;
  /** The service account. */
  readonly bind?: { readonly dn: string; readonly password: string };
  readonly search?: { readonly base: string; readonly scope: 'one' | 'sub'; readonly filter: string };
  readonly userDn?: string;
  readonly attributes: {
    readonly subject: string;
    readonly username: string;
    readonly givenName: string;
    readonly familyName: string;
    readonly email: string;
    readonly fhirUser?: string;
    readonly userData: Readonly<Record<string, string>>;
  };
  readonly defaultAuthorities: readonly Authority[];
  readonly groups?: {
    readonly base: string;
    readonly filter: string;
    readonly nested: boolean;
    readonly required?: string;
    readonly authorities: readonly { readonly group: string; readonly authorities: readonly Authority[] }[];
  };
  /** How long it is believed that a person is still there. */
  readonly recheckSeconds?: number;
}

/** What checks user names and passwords; `script` holds its callbacks. */
export type InboundModule = { readonly id: string } & (
  | {
      readonly type: 'local';
      readonly script?: Script;
      /** Whether people may make accounts for it by themselves. */
      readonly selfRegistration?: boolean;
    }
  | { readonly type: 'ldap'; readonly script?: Script; readonly ldap: LdapSettings }
  /** Its script's `authenticate` checks them. */
  | { readonly type: 'scripted'; readonly script: Script }
);

/** Texts by language. */
export type Texts = Readonly<Record<string, string>>;

/** One question of the form by which people register themselves. */
export interface RegistrationField {
  /** One of `builtInFields`, or the tenant's own name, by which `userData` keeps the answer. */
  readonly name: string;
  readonly label?: Texts;
  readonly hint?: Texts;
  readonly required: boolean;
  readonly type: 'text' | 'date' | 'choice';
  readonly choices?: readonly { readonly value: string; readonly label: Texts }[];
  readonly pattern?: string;
  readonly maxLength: number;
}

/** Whether people may make accounts for themselves, and how. */
export interface SelfRegistration {
  readonly enabled: boolean;
  readonly username: 'email' | 'chosen';
  readonly fields: readonly RegistrationField[];
  readonly authorities: readonly Authority[];
  readonly linkSeconds: number;
  readonly minimumSeconds: number;
  readonly perMinute: number;
  /** Permissions that `onSelfRegistration` may give beyond those. */
  readonly authoritiesScriptsMayAdd: readonly string[];
  /** Whether an administrator decides, and how long a registration waits for that. */
  readonly approval: {
    readonly enabled: boolean;
    readonly days: number;
    /** Who is told by mail that somebody waits, and how often at most. */
    readonly mailTo: readonly string[];
    readonly mailMinutes: number;
  };
}

/** How a tenant sends mail, its secret read. */
export interface MailSettings {
  readonly from: string;
  readonly smtp: {
    readonly host: string;
    readonly port: number;
    readonly security: 'starttls' | 'tls' | 'none';
    readonly username?: string;
    readonly password?: string;
  };
}

export interface PasswordRules {
  readonly minimumLength: number;
  readonly maximumLength: number;
  /** 0 to 4, as zxcvbn estimates. */
  readonly minimumStrength: number;
  /** Upper-case hex SHA-1 of passwords that nobody may set. */
  readonly breached?: ReadonlySet<string>;
  /** So many passwords, the present one among them, may not be set again. */
  readonly history: number;
  readonly maximumAgeDays?: number;
  readonly hashing: { readonly memoryKibibytes: number; readonly passes: number; readonly parallelism: number };
}

/** Whom the tenant asks for a second factor, and how. */
export interface SecondFactorRules {
  readonly level: 'off' | 'optional' | 'required';
  /** Permissions whose holders must have one where the level is `optional`. */
  readonly requiredFor: readonly string[];
  /** Whether people who came from a foreign provider are asked as well. */
  readonly askAfterProvider: boolean;
  /** Whether a passkey alone logs people in whose account is here. */
  readonly passkeyLogIn: boolean;
  /** 0 where devices are not remembered. */
  readonly rememberDays: number;
  /** What authenticator apps call the tenant. */
  readonly issuerName: string;
  /** By these `acr_values` an app asks for it; the first stands in ID tokens where nothing was asked for. */
  readonly acrValues: readonly string[];
}

/** One of a tenant's own files that a script imports; `name` is its path below the tenant's folder. */
export interface ScriptModule {
  readonly name: string;
  readonly source: string;
}

/** One set of callback sources. `hash` is the SHA-256 of all sources, hex; `apiVersion` the script API it was written for. */
export interface Script {
  /** The entry's path below the tenant's folder. */
  readonly name: string;
  readonly source: string;
  /** What the entry imports, directly or not. */
  readonly modules: readonly ScriptModule[];
  readonly hash: string;
  readonly apiVersion: 1;
}

/** What a SAML 2.0 identity provider is asked and believed by. Its entity ID is the provider's `issuer`, ours its `clientId`. */
export interface SamlSettings {
  /** Its single sign-on address for HTTP-Redirect. */
  readonly entryPoint: string;
  /** Its single logout address for HTTP-Redirect; without it there is no log-out with it. */
  readonly logoutUrl?: string;
  /** PEM or the base64 text of it; several while it changes them. */
  readonly certificates: readonly string[];
  readonly nameIdFormat?: string;
  /** Attributes by the claim they become. */
  readonly attributes?: Readonly<Record<string, string>>;
  readonly clockSkewSeconds?: number;
  /** PEM of the private key that requests are signed with. */
  readonly requestKey?: string;
  readonly requestCertificate?: string;
  /** PEM of the private key that assertions are encrypted for. */
  readonly decryptionKey?: string;
  readonly decryptionCertificate?: string;
}

/** A foreign OpenID Provider people may log in with ("OIDC server definition" in Smile CDR). */
export interface Provider {
  readonly id: string;
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly scopes: readonly string[];
  readonly federationAuth?: Script;
  readonly defaultAuthorities: readonly Authority[];
  /** Whether somebody whose name is taken here may prove that account and link it, or is turned away. */
  readonly existingUsers?: 'refuse' | 'prove';
  /** Where it speaks SAML 2.0 in place of OpenID Connect. */
  readonly saml?: SamlSettings;
  /** Log-out here leads on to log-out there. */
  readonly endSession?: boolean;
  /** How long a session is reused before the provider is asked again, by its refresh token. */
  readonly recheckSeconds?: number;
}

export interface CodapTrust {
  readonly issuer: string;
  readonly jwks?: { readonly keys: readonly Jwk[] };
  readonly jwksUri?: string;
  readonly algorithms: readonly SigningAlgorithm[];
  readonly clients: readonly string[];
  readonly scopes: readonly string[];
  readonly requiredAcr: readonly string[];
}

export interface ScriptLimits {
  readonly cpuMilliseconds: number;
  readonly wallMilliseconds: number;
  readonly memoryMebibytes: number;
  readonly httpCalls: number;
  readonly httpResponseBytes: number;
  readonly outputBytes: number;
  readonly logLines: number;
  /** All calls to the engine: HTTP, FHIR, the key-value store, token verification. */
  readonly hostCalls: number;
  /** What the tenant's key-value store may hold. */
  readonly kvKeys: number;
  readonly kvBytes: number;
  /** Invocations of this tenant at one time, and how many may wait behind them. */
  readonly concurrency: number;
  readonly queue: number;
}

export interface Lifetimes {
  readonly authorizationCodeSeconds: number;
  readonly accessTokenSeconds: number;
  readonly idTokenSeconds: number;
  readonly refreshTokenSeconds: number;
  readonly sessionSeconds: number;
  readonly interactionSeconds: number;
  readonly launchSeconds: number;
  readonly consentSeconds: number;
}

/** How scripts prove themselves to a FHIR server of the tenant's. */
export type FhirAccess =
  | { readonly type: 'none' }
  | { readonly type: 'bearer'; readonly token: string }
  | { readonly type: 'basic'; readonly username: string; readonly password: string }
  | {
      readonly type: 'client-credentials';
      readonly tokenUrl: string;
      readonly clientId: string;
      readonly clientSecret: string;
      readonly scope: string;
    }
  /** Sallyport makes a short token of its own for the server. */
  | { readonly type: 'own-token'; readonly scope: string };

export interface FhirServer {
  readonly name: string;
  readonly url: string;
  readonly access?: FhirAccess;
}

/**
 * A search on the FHIR server an app names, by which people choose a context. Gaps of `parameters` are `{username}`,
 * `{fhirUser}`, `{fhirUser.id}` and kinds of context, such as `{patient}`.
 */
export interface ContextSearch {
  readonly resourceType: string;
  /** Types of `fhirUser`; everybody where absent. */
  readonly for?: readonly string[];
  /** The name of the one server it is for; every one where absent. */
  readonly server?: string;
  readonly parameters: Readonly<Record<string, string | readonly string[]>>;
  /** Search parameters that what people type goes to. */
  readonly find: { readonly words?: string; readonly dates?: string; readonly numbers?: string };
  readonly identifierSystem?: string;
  /** Whether people may go on without. */
  readonly optional: boolean;
  readonly pageSize: number;
}

/** What a tenant allows its scripts at one host, beyond calling it at all. */
export interface HostRule {
  readonly host: string;
  readonly methods?: readonly string[];
  /** Only addresses at or below it. */
  readonly path?: string;
  readonly maximumRequestBytes?: number;
  readonly maximumResponseBytes?: number;
}

export interface OutboundHttp {
  /** Hosts (`host` or `host:port`) that scripts may call. */
  readonly allow: readonly string[];
  /** Lifts the SSRF guard for exactly these hosts. */
  readonly allowPrivate: boolean;
  readonly rules?: readonly HostRule[];
}

/** A secret that scripts read by its name, in the hooks it is meant for. */
export interface ScriptSecret {
  readonly value: string;
  readonly hooks: readonly string[];
}

/** Callbacks for some apps or flows only. */
export interface BoundCallbacks {
  readonly id: string;
  readonly script: Script;
  /** Every client and flow where absent. */
  readonly clients?: readonly string[];
  readonly flows?: readonly string[];
}

export interface Tenant {
  readonly id: string;
  readonly name: string;
  readonly issuer: string;
  /** Changes whenever anything in the document or a file it names changes. */
  readonly version: string;
  readonly folder: string;
  readonly demo: boolean;
  readonly fhirServers: readonly FhirServer[];
  readonly keystore: {
    readonly algorithms: readonly SigningAlgorithm[];
    /** Private keys to import (from a JWKS file or text); each carries `kid` and `alg`. */
    readonly imported: readonly Jwk[];
  };
  readonly lifetimes: Lifetimes;
  /** In order: the first that knows a person decides. */
  readonly inbound: readonly InboundModule[];
  readonly passwords: PasswordRules;
  readonly passwordReset: { readonly enabled: boolean; readonly linkSeconds: number };
  readonly selfRegistration: SelfRegistration;
  readonly secondFactor: SecondFactorRules;
  readonly mail?: MailSettings;
  readonly federation: { readonly autoRedirect: boolean; readonly passwordForm: boolean };
  readonly providers: readonly Provider[];
  readonly clients: readonly Client[];
  readonly users: readonly User[];
  readonly scripts: {
    readonly callbacks?: Script;
    readonly codapAuthorization?: Script;
    /** In order: the first that fits takes the place of `callbacks`. */
    readonly bound: readonly BoundCallbacks[];
  };
  readonly scriptLimits: ScriptLimits;
  readonly outboundHttp: OutboundHttp;
  readonly secrets: Readonly<Record<string, ScriptSecret>>;
  /** Names and values that scripts read through `Environment`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Authorization request parameters that scripts may read. */
  readonly requestParameterAllowList: readonly string[];
  readonly launch: {
    readonly acceptUnknown: boolean;
    readonly skipOnlyChoice: boolean;
    /** Whether people may have what they choose offered first the next time. */
    readonly rememberChoice: boolean;
    /** In the order in which they are asked for. */
    readonly searches: readonly ContextSearch[];
  };
  readonly codap: { readonly enabled: boolean; readonly trust: readonly CodapTrust[] };
  readonly consent: { readonly allowDecline: boolean };
  readonly termsOfService?: { readonly version: string; readonly text?: string };
  readonly policy: {
    /** Scopes that scripts may grant beyond the client's definition; none unless listed. */
    readonly scopesScriptsMayAdd: readonly string[];
    readonly onPostAuthorizeOpen: boolean;
    /** Whether what scripts log and throw is kept, in log and traces. */
    readonly keepScriptLogs: boolean;
    readonly unlistedScopes: 'ignore' | 'reject';
    readonly showAccessTokenToPostAuthorize: boolean;
  };
  /** What is kept of flows for who looks into them later. */
  readonly traces: {
    readonly values: 'none' | 'redacted' | 'all';
    /** Part of the successful flows, 0 to 1. */
    readonly share: number;
    readonly days: number;
    readonly most: number;
  };
  readonly frameAncestors: readonly string[];
  readonly skin: string;
}

/** Finds tenants by id or by the issuer's host and path. Reloading replaces the whole object of one tenant. */
export interface TenantDirectory {
  all(): readonly Tenant[];
  byId(id: string): Tenant | undefined;
  /** Longest issuer whose host and path lead the given request host and path. */
  byLocation(host: string, path: string): Tenant | undefined;
}
