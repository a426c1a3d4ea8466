/** Handles (codes, tokens, cookies) and client secrets: made, hashed and compared here only. */
import { createHash, hash as digest, randomBytes, randomFillSync, timingSafeEqual } from 'node:crypto';
import { hash as argon2Hash, verify as argon2Verify } from '@node-rs/argon2';
import { LRUCache } from 'lru-cache';
import { isForeignHash, verifyForeignHash } from './foreign-hash.ts';

const GENERATED_PREFIX = 'sha256:';

/** SHA-256, base64url: what the store keeps of a handle. A plain hash is enough as handles carry 256 random bits. */
export function hashHandle(value: string): string {
  return digest('sha256', value, 'base64url');
}

// Each call of the random source costs more than the bytes; used ones are erased, so that they are nowhere but in the handle.
const pool = Buffer.allocUnsafeSlow(4096);
let taken = pool.length;

/** A random handle, base64url, of `bytes` random bytes (RFC 6749 section 10.10 asks for at least 128 bits). */
export function newHandle(bytes = 32): string {
  if (bytes > pool.length) return randomBytes(bytes).toString('base64url');
  if (taken + bytes > pool.length) {
    randomFillSync(pool);
    taken = 0;
  }
  const end = taken + bytes;
  const handle = pool.toString('base64url', taken, end);
  pool.fill(0, taken, end);
  taken = end;
  return handle;
}

/** A client secret to show once, and the hash to store. */
export function newClientSecret(): { readonly secret: string; readonly hash: string } {
  const secret = newHandle();
  return { secret, hash: GENERATED_PREFIX + hashHandle(secret) };
}

/** argon2id (RFC 9106; the library's default variant) for secrets that people chose, as a PHC string; parameters of OWASP's password storage sheet. */
export function hashLowEntropySecret(value: string): Promise<string> {
  return argon2Hash(value, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
}

/** As long as a generated secret, of one word and of many characters: nobody makes that up, and guessing it is hopeless. */
function isUnguessable(secret: string): boolean {
  return secret.length >= 43 && !/\s/.test(secret) && new Set(secret).size >= 12;
}

/** Our hash of a client secret that somebody else made. */
export async function hashClientSecret(secret: string): Promise<string> {
  return isUnguessable(secret) ? GENERATED_PREFIX + hashHandle(secret) : hashLowEntropySecret(secret);
}

/** Compares a presented password with a stored slow hash, ours or a foreign one, in constant time. Never rejects. */
export async function verifySlowHash(hash: string, presented: string): Promise<boolean> {
  if (isForeignHash(hash)) return verifyForeignHash(hash, presented);
  // A malformed PHC string makes the library throw: it fails closed.
  return hash.startsWith('$argon2id$') && argon2Verify(hash, presented).catch(() => false);
}

// A client sends its secret with every token request, and argon2id would dominate each one. The cache forgets after
// ten minutes, holds no secret, and its key dies with the process.
const processKey = randomBytes(32).toString('base64url');
const verified = new LRUCache<string, true>({ max: 10_000, ttl: 10 * 60 * 1000 });

function cacheKey(hash: string, presented: string): string {
  // A keyed digest that never leaves the process needs no HMAC: nobody sees one to extend. Lengths keep the parts apart.
  return digest('sha256', `${processKey}${hash.length}:${hash}${presented}`, 'base64url');
}

function equalDigests(expected: string, presented: string): boolean {
  const left = createHash('sha256').update(expected).digest();
  const right = createHash('sha256').update(presented).digest();
  return timingSafeEqual(left, right);
}

/**
 * Compares a presented secret with its stored hash in constant time.
 * @param hash `sha256:<base64url>` of a generated secret, an argon2id PHC string, or a foreign hash; anything else never matches.
 */
export async function verifyClientSecret(hash: string, presented: string): Promise<boolean> {
  if (hash.startsWith(GENERATED_PREFIX)) {
    return equalDigests(hash.slice(GENERATED_PREFIX.length), hashHandle(presented));
  }
  const key = cacheKey(hash, presented);
  if (verified.get(key) === true) return true;
  const matches = await verifySlowHash(hash, presented);
  if (matches) verified.set(key, true);
  return matches;
}
