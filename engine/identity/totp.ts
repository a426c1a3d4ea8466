/** Codes of authenticator apps: TOTP (RFC 6238) with SHA-1, six digits and thirty seconds, which all of them know. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const stepMilliseconds = 30_000;
/** Steps that the clocks of server and app may differ by (RFC 6238 section 5.2). */
const tolerance = 1;
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A secret as apps take it, base32 without padding (RFC 4648 section 6): as long as the hash (RFC 4226 section 4). */
export function newTotpSecret(): string {
  return encodeBase32(randomBytes(20));
}

export function encodeBase32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
}

function decodeBase32(text: string): Buffer {
  const bits = [...text].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)));
}

/** The time step of an instant (RFC 6238 section 4.2). */
export function totpStep(now: number): number {
  return Math.floor(now / stepMilliseconds);
}

/** The code of a step (RFC 4226 section 5.3). @param secret base32. */
export function totpCode(secret: string, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac('sha1', decodeBase32(secret)).update(counter).digest();
  const offset = (digest.at(-1) ?? 0) & 0xf;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/**
 * The step that a code is of, the one of `now` or one beside it; undefined where it is of none. All of them are compared,
 * each in constant time.
 */
export function matchingStep(secret: string, code: string, now: number): number | undefined {
  let found: number | undefined;
  for (let step = totpStep(now) - tolerance; step <= totpStep(now) + tolerance; step += 1) {
    const expected = Buffer.from(totpCode(secret, step));
    const presented = Buffer.from(code);
    if (presented.length === expected.length && timingSafeEqual(presented, expected)) found = step;
  }
  return found;
}

/** What the QR code says to an app: the Key Uri Format that Google Authenticator began and all of them read. */
export function totpUri(secret: string, issuerName: string, username: string): string {
  // A colon parts the two names, so none may hold one; and all of it must fit a QR code.
  const written = (name: string, longest: number) =>
    encodeURIComponent([...name.replaceAll(':', ' ').toWellFormed()].slice(0, longest).join(''));
  const [issuer, account] = [written(issuerName, 50), written(username, 100)];
  return `otpauth://totp/${issuer}:${account}?secret=${secret}&issuer=${issuer}&algorithm=SHA1&digits=6&period=30`;
}
