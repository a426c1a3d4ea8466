/** Client authentication at the token, introspection and revocation endpoints (RFC 6749 section 2.3, RFC 7523, SMART App Launch 2.2). */
import { isForeignHash } from '../store/foreign-hash.ts';
import { verifyClientSecret } from '../store/secret.ts';
import type { ReplayRepository } from '../store/store.ts';
import type { Client, ClientAuthenticationMethod, ClientSecret, SigningAlgorithm, Tenant } from '../tenant/tenant.ts';
import { claimedIssuer, verifyAssertion } from './assertion.ts';
import type { JwksSource } from './jwks-source.ts';
import { invalidClient, invalidRequest, type OAuthError } from './oauth-error.ts';

export interface ClientAuthenticationInput {
  readonly tenant: Tenant;
  readonly headers: { readonly authorization?: string | undefined };
  readonly parameters: ReadonlyMap<string, string>;
  /** Absolute URL of the token endpoint: what a client assertion names as `aud`. */
  readonly tokenEndpoint: string;
  /** Epoch milliseconds. */
  readonly now: number;
  findClient(clientId: string): Promise<Client | undefined>;
  /** Told of a right secret whose hash another server made. */
  replaceSecret?(clientId: string, foreignHash: string, presented: string): Promise<void>;
  readonly replays: ReplayRepository;
  readonly jwks: JwksSource;
  /** Whether a public client may name itself by `client_id` alone. */
  readonly allowPublic: boolean;
}

export type ClientAuthenticationResult =
  | {
      readonly ok: true;
      readonly client: Client;
      readonly method: ClientAuthenticationMethod;
      readonly assertion?: {
        readonly header: Readonly<Record<string, unknown>>;
        readonly claims: Readonly<Record<string, unknown>>;
      };
    }
  | { readonly ok: false; readonly error: OAuthError };

export const CLIENT_ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Accepted from clients: RS384 and ES384 are SMART's, the others what clients of other profiles sign with. */
export const CLIENT_ASSERTION_ALGORITHMS: readonly SigningAlgorithm[] = ['RS384', 'ES384', 'RS256', 'ES256', 'PS256'];

type Credentials =
  | {
      readonly method: 'client_secret_basic' | 'client_secret_post';
      readonly clientId: string;
      readonly secret: string;
    }
  | { readonly method: 'private_key_jwt'; readonly clientId: string; readonly token: string }
  | { readonly method: 'none'; readonly clientId: string };

type Failure = { readonly ok: false; readonly error: OAuthError };

const FAILED = 'Client authentication failed';
const MAXIMUM_HEADER_LENGTH = 8_192;
// No secret has this hash; comparing with it takes as long as with that of a generated secret. Client ids are no secrets, so
// argon2id is not spent on unknown ones: that would let strangers keep the server busy.
const DUMMY_HASH = `sha256:${'A'.repeat(43)}`;

function fail(error: OAuthError): Failure {
  return { ok: false, error };
}

/** RFC 6749 appendix B: the id and the secret are form-encoded before Basic joins them. */
function formDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function readBasic(header: string): { readonly clientId: string; readonly secret: string } | undefined {
  if (header.length > MAXIMUM_HEADER_LENGTH) return undefined;
  const encoded = /^basic +([A-Za-z0-9+/_-]+={0,2})$/i.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const cut = text.indexOf(':');
  if (cut < 1) return undefined;
  const clientId = formDecode(text.slice(0, cut));
  const secret = formDecode(text.slice(cut + 1));
  return clientId === undefined || clientId === '' || secret === undefined ? undefined : { clientId, secret };
}

/** Reads which one method the request uses; two at once are an `invalid_request` (RFC 6749 section 2.3). */
function readCredentials(
  input: ClientAuthenticationInput,
): { readonly ok: true; readonly credentials: Credentials } | Failure {
  const { parameters, headers } = input;
  const named = parameters.get('client_id');
  const secret = parameters.get('client_secret');
  const assertion = parameters.get('client_assertion');
  const assertionType = parameters.get('client_assertion_type');
  const usesAssertion = assertion !== undefined || assertionType !== undefined;
  const used = [headers.authorization !== undefined, secret !== undefined, usesAssertion].filter(Boolean).length;
  if (used > 1) return fail(invalidRequest('Use one method of client authentication, not several'));
  const found = (credentials: Credentials) => ({ ok: true as const, credentials });
  if (headers.authorization !== undefined) {
    const basic = readBasic(headers.authorization);
    if (!basic)
      return fail(
        invalidClient(FAILED, {
          realm: input.tenant.id,
          hint: 'The Authorization header must be Basic with the form-encoded client id and secret',
        }),
      );
    if (named !== undefined && named !== basic.clientId)
      return fail(invalidRequest('client_id differs from the client of the Authorization header'));
    return found({ method: 'client_secret_basic', ...basic });
  }
  if (usesAssertion) {
    if (assertion === undefined) return fail(invalidRequest('client_assertion is missing'));
    if (assertionType !== CLIENT_ASSERTION_TYPE)
      return fail(invalidRequest(`client_assertion_type must be ${CLIENT_ASSERTION_TYPE}`));
    const issuer = claimedIssuer(assertion);
    if (issuer === undefined) return fail(invalidClient(FAILED, { hint: 'client_assertion is no JWT with an iss' }));
    if (named !== undefined && named !== issuer)
      return fail(invalidClient(FAILED, { hint: 'client_id differs from iss of the client assertion' }));
    return found({ method: 'private_key_jwt', clientId: issuer, token: assertion });
  }
  if (named === undefined) return fail(invalidClient(FAILED, { hint: 'The request names no client' }));
  return found(
    secret === undefined
      ? { method: 'none', clientId: named }
      : { method: 'client_secret_post', clientId: named, secret },
  );
}

function isCurrent(secret: ClientSecret, now: number): boolean {
  const from = secret.activation === undefined ? -Infinity : Date.parse(secret.activation);
  const until = secret.expiration === undefined ? Infinity : Date.parse(secret.expiration);
  // An instant that cannot be read is NaN, which makes either comparison false: the secret then fails closed.
  return from <= now && now < until;
}

/**
 * Compares with every current secret, and with a dummy where there is none, so that time tells nothing of the client.
 * @returns the hash that matched.
 */
async function matchingHash(client: Client | undefined, presented: string, now: number): Promise<string | undefined> {
  const hashes = (client?.secrets ?? []).filter((secret) => isCurrent(secret, now)).map((secret) => secret.hash);
  const results = await Promise.all(
    (hashes.length === 0 ? [DUMMY_HASH] : hashes).map((hash) => verifyClientSecret(hash, presented)),
  );
  return hashes[results.indexOf(true)];
}

async function checkAssertion(client: Client, token: string, input: ClientAuthenticationInput) {
  const { tenant } = input;
  return verifyAssertion({
    token,
    keys: {
      ...(client.jwks ? { jwks: client.jwks } : {}),
      ...(client.jwksUri === undefined ? {} : { jwksUri: client.jwksUri }),
      allow: tenant.outboundHttp.allow,
      allowPrivate: tenant.outboundHttp.allowPrivate,
    },
    jwks: input.jwks,
    issuer: client.clientId,
    subject: client.clientId,
    audience: [input.tokenEndpoint, tenant.issuer],
    algorithms: CLIENT_ASSERTION_ALGORITHMS,
    now: input.now,
    replaySpace: 'client-assertion',
    replays: input.replays,
    tenantId: tenant.id,
  });
}

/**
 * Finds out which client sent a request, by exactly one of the methods it is registered with.
 * @returns The client and the method; or an error: `invalid_request` for a malformed request, else `invalid_client`, 401,
 * whose description does not tell unknown, disabled and wrong apart (the `hint`, for logs, does), with
 * `WWW-Authenticate: Basic` where the Authorization header was used (RFC 6749 section 5.2).
 */
export async function authenticateClient(input: ClientAuthenticationInput): Promise<ClientAuthenticationResult> {
  const read = readCredentials(input);
  if (!read.ok) return read;
  const { credentials } = read;
  const { method } = credentials;
  const realm = method === 'client_secret_basic' ? { realm: input.tenant.id } : {};
  const refuse = (hint: string) => fail(invalidClient(FAILED, { ...realm, hint }));

  const known = await input.findClient(credentials.clientId);
  const client = known?.enabled && known.tokenEndpointAuthMethods.includes(method) ? known : undefined;
  const absent = !known
    ? 'The client is unknown'
    : !known.enabled
      ? 'The client is disabled'
      : `The client is not registered for ${method}`;

  if (credentials.method === 'none') {
    if (!client) return refuse(absent);
    return input.allowPublic ? { ok: true, client, method } : refuse('A public client may not do this');
  }
  if (credentials.method === 'private_key_jwt') {
    if (!client) return refuse(absent);
    const assertion = await checkAssertion(client, credentials.token, input);
    if (!assertion.ok) return refuse(`client_assertion: ${assertion.reason}`);
    return { ok: true, client, method, assertion: { header: assertion.header, claims: assertion.claims } };
  }
  const hash = await matchingHash(client, credentials.secret, input.now);
  if (!client) return refuse(absent);
  if (hash === undefined) return refuse('The secret is wrong, not yet active or expired');
  if (isForeignHash(hash)) await input.replaceSecret?.(client.clientId, hash, credentials.secret);
  return { ok: true, client, method };
}
