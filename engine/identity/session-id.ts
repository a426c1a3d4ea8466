/** `sid`: the name of a session outside this server (OpenID Connect Front-Channel Logout 1.0 section 3). */
import { createHash } from 'node:crypto';

/**
 * Derived from what the store knows, so that it needs no place of its own and leads back to neither cookie nor row.
 * @param idHash hash of the session's cookie.
 */
export function sidOf(idHash: string): string {
  return createHash('sha256').update(`sid ${idHash}`).digest('base64url');
}
