/** Who looks at the pages for administrators: a browser asks for name and password by itself (RFC 7617). */
import { hashHandle } from '../store/secret.ts';
import type { AdminToken, AdminTokenRepository } from '../store/store.ts';

/**
 * The token of the admin API that was sent as the password of HTTP Basic, whatever the name, or as a Bearer token.
 * @returns undefined where there is none that is known and has not ended.
 */
export async function findActor(
  authorization: string | undefined,
  adminTokens: Pick<AdminTokenRepository, 'find'>,
): Promise<AdminToken | undefined> {
  const [, scheme = '', credentials = ''] =
    /^(Basic|Bearer) ([A-Za-z0-9._~+/=-]{1,2048})$/i.exec(authorization ?? '') ?? [];
  const text =
    scheme.toLowerCase() === 'basic' ? Buffer.from(credentials, 'base64').toString('utf8') : `:${credentials}`;
  const token = text.slice(text.indexOf(':') + 1);
  return /^[A-Za-z0-9._~+/=-]{20,512}$/.test(token) ? adminTokens.find(hashHandle(token), Date.now()) : undefined;
}
