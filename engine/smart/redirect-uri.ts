/** Which redirect URIs a client may be answered at (RFC 9700 section 2.1, RFC 8252 section 7.3). */

/** Only IP literals: RFC 8252 section 8.3 advises against `localhost`, which a host file can point elsewhere. */
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\])(?::([0-9]{1,5}))?((?:[/?][^#\\\s]*)?)$/;

function loopbackWithoutPort(uri: string): string | undefined {
  const match = LOOPBACK.exec(uri);
  if (!match || Number(match[2] ?? '80') > 65_535) return undefined;
  return `${match[1]}${match[3]}`;
}

/**
 * Whether the presented URI is one of the registered ones, character by character and without normalisation. For a
 * registered `http://127.0.0.1…` or `http://[::1]…` any port will do, all else being equal: native apps get their port
 * from the operating system. A fragment is never accepted (RFC 6749 section 3.1.2).
 */
export function matchRedirectUri(registered: readonly string[], presented: string): boolean {
  if (presented === '' || presented.includes('#')) return false;
  if (registered.includes(presented)) return true;
  const loopback = loopbackWithoutPort(presented);
  return loopback !== undefined && registered.some((candidate) => loopbackWithoutPort(candidate) === loopback);
}
