/** Request parameters as RFC 6749 section 3.1 and 3.2 want them read: none twice, empty ones omitted. */
import { invalidRequest, type OAuthError } from './oauth-error.ts';

const MAXIMUM_COUNT = 100;
const MAXIMUM_NAME_LENGTH = 100;
/** Characters of one value; client assertions and long scope lists are the largest. */
const MAXIMUM_VALUE_LENGTH = 32_768;
/** Characters of everything together. */
const MAXIMUM_TOTAL_LENGTH = 131_072;

/** May be repeated: RFC 8707 section 2 (`resource`), RFC 8693 section 2.1 (`audience`). The first value is kept. */
const REPEATABLE: ReadonlySet<string> = new Set(['resource', 'audience']);

/**
 * Reads a query or a form body.
 * @param source Decoded pairs, or text in `application/x-www-form-urlencoded`.
 * @returns The parameters, empty values left out; or `invalid_request` when one is repeated, the text is not encoded as
 * such a form is, NUL is in it, or a bound is passed. Bounds: 100 parameters, names of 100, values of 32 768 and 131 072
 * characters in all.
 */
export function readParameters(
  source: URLSearchParams | string,
):
  { readonly ok: true; readonly parameters: Map<string, string> } | { readonly ok: false; readonly error: OAuthError } {
  const refuse = (description: string) => ({ ok: false as const, error: invalidRequest(description) });
  if (typeof source === 'string' && source.length > MAXIMUM_TOTAL_LENGTH) return refuse('The request is too long');
  // Lenient decoding would turn what is broken into other characters, and a state would not come back as it was.
  if (typeof source === 'string' && !isEncoded(source)) return refuse('The request is not encoded as a form is');
  const pairs = typeof source === 'string' ? new URLSearchParams(source) : source;
  const parameters = new Map<string, string>();
  const seen = new Set<string>();
  let count = 0;
  let total = 0;
  for (const [name, value] of pairs) {
    count += 1;
    total += name.length + value.length;
    if (count > MAXIMUM_COUNT) return refuse('The request has too many parameters');
    if (name.length > MAXIMUM_NAME_LENGTH) return refuse('The name of a parameter is too long');
    if (value.length > MAXIMUM_VALUE_LENGTH) return refuse(`${named(name)} is too long`);
    if (total > MAXIMUM_TOTAL_LENGTH) return refuse('The request is too long');
    // No parameter of any specification has it, and PostgreSQL cannot store it.
    if (name.includes('\0') || value.includes('\0')) return refuse('A parameter contains a NUL character');
    // An empty value counts as absent, but naming a parameter twice is wrong whatever its values are.
    if (seen.has(name) && !REPEATABLE.has(name)) return refuse(`${named(name)} is repeated`);
    seen.add(name);
    if (value !== '' && !parameters.has(name)) parameters.set(name, value);
  }
  return { ok: true, parameters };
}

/** A stranger's text is not shown on our pages; a name that specifications could use says more than none. */
function named(parameter: string): string {
  return /^[a-z][a-z0-9_.-]{0,39}$/i.test(parameter) ? `The parameter ${parameter}` : 'A parameter';
}

/** Whether every `%` begins an octet and the octets are UTF-8. */
function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * What a request that `readParameters` refuses still says reliably of where its error belongs: those of `client_id`,
 * `redirect_uri` and `state` that stand in it once and whole (RFC 6749 section 4.1.2.1).
 */
export function readReplyParameters(text: string): Map<string, string> {
  const pairs = new URLSearchParams(text);
  const found = ['client_id', 'redirect_uri', 'state'].flatMap((name): [string, string][] => {
    const [value = '', ...others] = pairs.getAll(name);
    const whole =
      others.length === 0 && value !== '' && value.length <= MAXIMUM_VALUE_LENGTH && !/[\0\uFFFD]/.test(value);
    return whole ? [[name, value]] : [];
  });
  return new Map(found);
}
