/**
 * Completes an RSA private key that holds its exponent only, which JSON Web Keys may (RFC 7518 section 6.3.2) and keys of
 * Smile CDR do: its primes are found from the exponents (NIST SP 800-56B, appendix C.1).
 */
import { randomBytes } from 'node:crypto';
import type { Jwk } from '../tenant/tenant.ts';

const attempts = 100;

function read(text: unknown): bigint {
  const hex = Buffer.from(String(text), 'base64url').toString('hex');
  return hex === '' ? 0n : BigInt(`0x${hex}`);
}

function write(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url');
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

function commonDivisor(left: bigint, right: bigint): bigint {
  let [a, b] = [left, right];
  while (b > 0n) [a, b] = [b, a % b];
  return a;
}

/** The inverse, for a modulus that shares no divisor with the value. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [before, now] = [modulus, value % modulus];
  let [factorBefore, factor] = [0n, 1n];
  while (now > 0n) {
    const times = before / now;
    [before, now] = [now, before - times * now];
    [factorBefore, factor] = [factor, factorBefore - times * factor];
  }
  return ((factorBefore % modulus) + modulus) % modulus;
}

/** One of the two primes, or undefined when the numbers are no RSA key. */
function findPrime(n: bigint, e: bigint, d: bigint): bigint | undefined {
  let odd = d * e - 1n;
  if (n < 3n || odd <= 0n || odd & 1n) return undefined;
  let halvings = 0;
  for (; (odd & 1n) === 0n; odd >>= 1n) halvings += 1;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const start = (read(randomBytes(32).toString('base64url')) % (n - 2n)) + 2n;
    let root = power(start, odd, n);
    for (let step = 0; step < halvings && root !== 1n && root !== n - 1n; step += 1) {
      const square = (root * root) % n;
      // A root of one that is neither one nor minus one takes the modulus apart.
      if (square === 1n) return commonDivisor(root - 1n, n);
      root = square;
    }
  }
  return undefined;
}

/** @returns the key itself where it is complete, no RSA key, or none at all. */
export function withPrimes(jwk: Jwk): Jwk {
  const rest = ['p', 'q', 'dp', 'dq', 'qi'];
  if (jwk.kty !== 'RSA' || typeof jwk['d'] !== 'string' || rest.some((name) => jwk[name] !== undefined)) return jwk;
  const [n, e, d] = [read(jwk['n']), read(jwk['e']), read(jwk['d'])];
  const found = findPrime(n, e, d);
  if (found === undefined || found < 2n || n % found !== 0n) return jwk;
  const [p, q] = found > n / found ? [found, n / found] : [n / found, found];
  return {
    ...jwk,
    p: write(p),
    q: write(q),
    dp: write(d % (p - 1n)),
    dq: write(d % (q - 1n)),
    qi: write(inverse(q, p)),
  };
}
