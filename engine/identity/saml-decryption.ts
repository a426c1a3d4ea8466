/** Takes the encryption off a SAML assertion, so that all that follows reads the response as if it had been sent in the open. */
import { decrypt } from 'xml-encryption';

const element = /<((?:[\w.-]+:)?)EncryptedAssertion[\s>][\s\S]*<\/\1EncryptedAssertion\s*>/;
/** Of XML Encryption 1.1 what is not broken: RSA-OAEP for the key, AES for the text; neither RSA 1.5 nor Triple DES. */
const algorithms: ReadonlySet<string> = new Set([
  'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
  'http://www.w3.org/2001/04/xmlenc#aes128-cbc',
  'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
  'http://www.w3.org/2009/xmlenc11#aes128-gcm',
  'http://www.w3.org/2009/xmlenc11#aes256-gcm',
]);

/**
 * The response with its encrypted assertion in the open; unchanged where it has none. Nothing is verified here: the
 * assertion within must be signed as any other. Whatever fails, fails alike, since who can tell failures apart can read
 * what was encrypted for somebody else (Jager and Somorovsky, "How To Break XML Encryption").
 * @param key PEM of an RSA private key.
 * @returns `undefined` where it cannot be decrypted.
 */
export async function openAssertion(xml: string, key: string): Promise<string | undefined> {
  const found = element.exec(xml);
  if (!found) return xml;
  const [encrypted] = found;
  const named = [...encrypted.matchAll(/EncryptionMethod\s[^<>]*?Algorithm\s*=\s*["']([^"']*)["']/g)];
  if (named.length !== 2 || named.some(([, algorithm = '']) => !algorithms.has(algorithm))) return undefined;
  const open = await new Promise<string | undefined>((resolve) => {
    try {
      decrypt(encrypted, { key, warnInsecureAlgorithm: false }, (error, text) => resolve(error ? undefined : text));
    } catch {
      resolve(undefined);
    }
  });
  if (open === undefined || !/^\s*<(?:[\w.-]+:)?Assertion[\s>]/.test(open)) return undefined;
  return xml.slice(0, found.index) + open.trim() + xml.slice(found.index + encrypted.length);
}
