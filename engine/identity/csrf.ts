/** CSRF tokens that need no storage: an HMAC over what the form belongs to. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** The token of a form; `binding` names the flow or session and the browser it was shown in. */
export function csrfToken(secret: Buffer, binding: string): string {
  return createHmac('sha256', secret).update(binding).digest('base64url');
}

/** Whether a form came from the page it was made for. Constant time. */
export function checkCsrf(secret: Buffer, binding: string, token: string): boolean {
  const expected = Buffer.from(csrfToken(secret, binding));
  const presented = Buffer.from(token);
  return expected.length === presented.length && timingSafeEqual(expected, presented);
}
