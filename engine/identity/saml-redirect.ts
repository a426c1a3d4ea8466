/**
 * The HTTP-Redirect binding of SAML 2.0 (Bindings, section 3.4), for messages that must be signed. The library takes
 * a message without a signature for a signed one, and writes a relay state in one way to sign it and in another to send it.
 */
import { createPrivateKey, sign, verify, X509Certificate } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { pemOf } from '../tenant/cross-check.ts';

const rsaSha256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
const hashes: ReadonlyMap<string, string> = new Map([
  [rsaSha256, 'sha256'],
  ['http://www.w3.org/2001/04/xmldsig-more#rsa-sha384', 'sha384'],
  ['http://www.w3.org/2001/04/xmldsig-more#rsa-sha512', 'sha512'],
]);
const parts = ['SAMLRequest', 'SAMLResponse', 'RelayState', 'SigAlg', 'Signature'] as const;
/** Bytes of XML: a small text must not become an endless one. */
const longestMessage = 65_536;
/** Characters; the binding allows 80, and not everybody keeps to it. */
const longestRelayState = 2_048;

export interface RedirectMessage {
  readonly kind: 'SAMLRequest' | 'SAMLResponse';
  readonly xml: string;
  /** The same as it was sent: deflated, base64. */
  readonly message: string;
  readonly relayState?: string;
}

/**
 * Reads a signed message out of a query as it was received, since the signature is over that very text.
 * @param certificates of which one must have signed it, PEM or the base64 text of it.
 * @returns the message, or what is wrong with it.
 */
export function readSignedQuery(query: string, certificates: readonly string[]): RedirectMessage | string {
  const sent = new Map<string, string>();
  for (const pair of query.split('&')) {
    const name = parts.find((part) => part === nameOf(pair));
    if (name === undefined) continue;
    if (sent.has(name)) return `${name} is repeated`;
    // What one reader takes for the name and another does not would be two messages in one.
    if (!pair.startsWith(`${name}=`)) return `${name} is written in another way`;
    sent.set(name, pair);
  }
  if (sent.has('SAMLRequest') === sent.has('SAMLResponse')) return 'there is not one message';
  const kind = sent.has('SAMLRequest') ? 'SAMLRequest' : 'SAMLResponse';
  const signed = [kind, 'RelayState', 'SigAlg'].flatMap((name) => sent.get(name) ?? []).join('&');
  try {
    const hash = hashes.get(valueOf(sent.get('SigAlg')));
    if (hash === undefined) return 'it is not signed with RSA and SHA-256 or better';
    const signature = Buffer.from(valueOf(sent.get('Signature')), 'base64');
    const trusted = certificates.some((certificate) => {
      const { publicKey } = new X509Certificate(pemOf(certificate));
      return publicKey.asymmetricKeyType === 'rsa' && verify(hash, Buffer.from(signed), publicKey, signature);
    });
    if (!trusted) return 'no certificate of the provider signed it';
    const relayState = valueOf(sent.get('RelayState'));
    if (relayState.length > longestRelayState) return 'the relay state is too long';
    const message = valueOf(sent.get(kind));
    const deflated = Buffer.from(message, 'base64');
    const xml = inflateRawSync(deflated, { maxOutputLength: longestMessage }).toString('utf8');
    return { kind, xml, message, ...(sent.has('RelayState') ? { relayState } : {}) };
  } catch {
    return 'it cannot be read';
  }
}

/** The name as anybody who decodes it reads it. */
function nameOf(pair: string): string | undefined {
  return [...new URLSearchParams(pair).keys()][0];
}

/** @throws URIError where it is not encoded as a query is. */
function valueOf(pair = ''): string {
  return decodeURIComponent(pair.slice(pair.indexOf('=') + 1).replaceAll('+', ' '));
}

/**
 * The address that carries a message, signed.
 * @param target where it goes; a query of its own is kept.
 * @param message deflated, base64.
 * @param key PEM of an RSA private key.
 */
export function signedAddress(
  target: string,
  { kind, message, relayState }: { readonly kind: string; readonly message: string; readonly relayState?: string },
  key: string,
): string {
  const pairs: readonly (readonly [string, string])[] = [
    [kind, message],
    ...(relayState === undefined ? [] : [['RelayState', relayState] as const]),
    ['SigAlg', rsaSha256],
  ];
  const signed = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  const signature = sign('sha256', Buffer.from(signed), createPrivateKey(key)).toString('base64');
  return `${target}${target.includes('?') ? '&' : '?'}${signed}&Signature=${encodeURIComponent(signature)}`;
}
