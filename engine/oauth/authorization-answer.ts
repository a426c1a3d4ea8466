/** Where the browser goes next from the authorization endpoint, or the page that says why it cannot. Knows no HTTP. */
import type { FlowResult } from '../flow/machine.ts';
import type { Rejection } from '../flow/table.ts';
import { errorCodes, type ErrorCode } from '../page/view.ts';
import type { Tenant } from '../tenant/tenant.ts';
import { sanitizeDescription } from './oauth-error.ts';

export type AuthorizationAnswer =
  | { readonly kind: 'redirect'; readonly to: string }
  | { readonly kind: 'error-page'; readonly code: ErrorCode; readonly status: number; readonly detail?: string };

/** RFC 6749 section 4.1.2.1: the app is told only where client and redirect URI are known to belong together. */
export function authorizationAnswer({ issuer }: Pick<Tenant, 'issuer'>, result: FlowResult): AuthorizationAnswer {
  const replyTo = result.facts['replyTo'] as { redirectUri: string; state?: string } | undefined;
  if (result.kind === 'rejected') {
    const { rejection } = result;
    if (rejection.tell === 'person' || !replyTo)
      return {
        kind: 'error-page',
        code: errorCodeOf(rejection),
        status: rejection.status ?? 400,
        ...(rejection.reason === 'request-malformed' ? { detail: rejection.description } : {}),
      };
    const error_description = sanitizeDescription(rejection.description);
    return { kind: 'redirect', to: responseUri(replyTo, { error: rejection.error, error_description, iss: issuer }) };
  }
  if (result.kind === 'waiting' && result.waitsFor === 'provider')
    return { kind: 'redirect', to: String(result.reveal['providerUrl']) };
  if (result.kind === 'waiting' && result.waitsFor === 'app' && replyTo)
    return { kind: 'redirect', to: responseUri(replyTo, { code: String(result.reveal['code']), iss: issuer }) };
  return { kind: 'redirect', to: `${issuer}/login/${result.flowId}` };
}

function errorCodeOf({ reason, status = 400 }: Rejection): ErrorCode {
  return errorCodes.find((code) => code === reason) ?? (status >= 500 ? 'server-failed' : 'other');
}

/** RFC 6749 section 4.1.2 with `iss` of RFC 9207; a query the app registered is kept. */
function responseUri(replyTo: { redirectUri: string; state?: string }, parameters: Record<string, string>): string {
  const query = new URLSearchParams({
    ...parameters,
    ...(replyTo.state === undefined ? {} : { state: replyTo.state }),
  });
  return `${replyTo.redirectUri}${replyTo.redirectUri.includes('?') ? '&' : '?'}${query}`;
}
