/** OAuth errors as values (RFC 6749 sections 4.1.2.1 and 5.2, RFC 8707, OpenID Connect Core 3.1.2.6, RFC 7009). */

export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'
  | 'unsupported_token_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'access_denied'
  | 'login_required'
  | 'consent_required'
  | 'interaction_required'
  | 'account_selection_required'
  | 'request_not_supported'
  | 'request_uri_not_supported'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'server_error'
  | 'temporarily_unavailable';

export interface OAuthError {
  readonly error: OAuthErrorCode;
  /** Goes out as `error_description`: only the characters RFC 6749 allows. */
  readonly description: string;
  /** HTTP status where the error is answered directly; a redirect ignores it. */
  readonly status: number;
  /** What the developer can do about it; for logs, traces and pages, not for the wire. */
  readonly hint?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const MAXIMUM_DESCRIPTION = 400;

/** Keeps %x20-21 / %x23-5B / %x5D-7E (RFC 6749 section 5.2), turns `"` into `'`, anything else into `?`; at most 400 characters. */
export function sanitizeDescription(text: string): string {
  return text
    .slice(0, MAXIMUM_DESCRIPTION)
    .replaceAll('"', "'")
    .replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?');
}

/** Makes an error of any code. */
export function oauthError(
  error: OAuthErrorCode,
  description: string,
  status: number,
  more: { readonly hint?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): OAuthError {
  return { error, description: sanitizeDescription(description), status, ...more };
}

type Constructor = (description: string, hint?: string) => OAuthError;

function constructorOf(error: OAuthErrorCode, status: number): Constructor {
  return (description, hint) => oauthError(error, description, status, hint === undefined ? {} : { hint });
}

export const invalidRequest = constructorOf('invalid_request', 400);
export const invalidGrant = constructorOf('invalid_grant', 400);
export const unauthorizedClient = constructorOf('unauthorized_client', 400);
export const unsupportedGrantType = constructorOf('unsupported_grant_type', 400);
export const unsupportedResponseType = constructorOf('unsupported_response_type', 400);
export const unsupportedTokenType = constructorOf('unsupported_token_type', 400);
export const invalidScope = constructorOf('invalid_scope', 400);
export const invalidTarget = constructorOf('invalid_target', 400);
export const accessDenied = constructorOf('access_denied', 403);
export const loginRequired = constructorOf('login_required', 400);
export const consentRequired = constructorOf('consent_required', 400);
export const interactionRequired = constructorOf('interaction_required', 400);
export const accountSelectionRequired = constructorOf('account_selection_required', 400);
export const requestNotSupported = constructorOf('request_not_supported', 400);
export const requestUriNotSupported = constructorOf('request_uri_not_supported', 400);
export const serverError = constructorOf('server_error', 500);

/** 401; with a realm also `WWW-Authenticate: Basic`, which RFC 6749 section 5.2 demands where the header was used. */
export function invalidClient(
  description: string,
  options: { readonly realm?: string; readonly hint?: string } = {},
): OAuthError {
  const { realm, hint } = options;
  const headers =
    realm === undefined
      ? undefined
      : { 'WWW-Authenticate': `Basic realm="${sanitizeDescription(realm)}", charset="UTF-8"` };
  return oauthError('invalid_client', description, 401, {
    ...(hint === undefined ? {} : { hint }),
    ...(headers ? { headers } : {}),
  });
}

function bearerError(
  error: 'invalid_token' | 'insufficient_scope',
  status: number,
  description: string,
  scope?: string,
): OAuthError {
  const sentence = sanitizeDescription(description);
  const wanted = scope === undefined ? '' : `, scope="${sanitizeDescription(scope)}"`;
  return oauthError(error, sentence, status, {
    headers: { 'WWW-Authenticate': `Bearer error="${error}", error_description="${sentence}"${wanted}` },
  });
}

/** 401 with `WWW-Authenticate: Bearer` (RFC 6750 section 3.1). */
export function invalidToken(description: string): OAuthError {
  return bearerError('invalid_token', 401, description);
}

/** 403 with the scope that would do (RFC 6750 section 3.1). */
export function insufficientScope(description: string, scope: string): OAuthError {
  return bearerError('insufficient_scope', 403, description, scope);
}

/** 503 with `Retry-After` in whole seconds. */
export function temporarilyUnavailable(description: string, retryAfterSeconds: number): OAuthError {
  const seconds = String(Math.max(1, Math.ceil(retryAfterSeconds)));
  return oauthError('temporarily_unavailable', description, 503, { headers: { 'Retry-After': seconds } });
}

/** The JSON body of an error answer (RFC 6749 section 5.2). */
export function errorBody(error: OAuthError): { readonly error: string; readonly error_description: string } {
  return { error: error.error, error_description: error.description };
}
