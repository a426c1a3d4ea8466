/**
 * Hashes that other servers made. They are verified, so that nobody needs a new secret when a tenant moves here, and whoever
 * verifies one puts a hash of ours in its place (see `secret.ts`).
 */
import { pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { verify as verifyBcrypt } from '@node-rs/bcrypt';

/** Cost 16 takes seconds; no server that we import from offers more. */
const bcrypt = /^\$(2[aby]\$(?:0[4-9]|1[0-6]))\$[./A-Za-z0-9]{53}$/;
/** A PHC string with a digest, iterations, salt and key. `any`: whoever wrote it down could not tell SHA-256 from SHA-1. */
const keyDerivation =
  /^\$(pbkdf2-(sha1|sha256|sha512|any)\$i=([1-9][0-9]{0,6}))\$([A-Za-z0-9+/]{8,86})\$([A-Za-z0-9+/]{22,86})$/;

/** Whether a hash is of another server's making and of a form known here. */
export function isForeignHash(hash: string): boolean {
  // The hot path asks for every secret; few begin like this.
  return (hash.startsWith('$2') || hash.startsWith('$pbkdf2-')) && schemeOf(hash) !== undefined;
}

/** What makes two hashes take equally long: the scheme and its cost. Undefined for a form that is not known here. */
export function schemeOf(hash: string): string | undefined {
  return (bcrypt.exec(hash) ?? keyDerivation.exec(hash))?.[1];
}

/** What makes two stored passwords take equally long to verify: the scheme and its cost, of our own hashes as well. */
export function costOf(hash: string): string | undefined {
  return /^\$(argon2id\$v=\d+\$[^$]+)\$/.exec(hash)?.[1] ?? schemeOf(hash);
}

/** libuv has four threads, which names are resolved on, too: slow foreign hashes never take all of them. */
const mostAtOnce = 2;
let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  if (running < mostAtOnce) running += 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await work();
  } finally {
    // Whoever waits takes over the place, so that nobody slips in between.
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

const derive = promisify(pbkdf2);

async function verifyDerived(match: RegExpExecArray, presented: string): Promise<boolean> {
  const [, , digest = '', iterations, salt = '', key = ''] = match;
  const expected = Buffer.from(key, 'base64');
  const digests = digest === 'any' ? ['sha256', 'sha1'] : [digest];
  let matches = false;
  // Each digest is tried, whether one before it matched or not: time does not tell which.
  for (const name of digests) {
    const derived = await derive(presented, Buffer.from(salt, 'base64'), Number(iterations), expected.length, name);
    if (timingSafeEqual(derived, expected)) matches = true;
  }
  return matches;
}

/** Compares a presented secret with a foreign hash in constant time. What is malformed matches nothing. */
export async function verifyForeignHash(hash: string, presented: string): Promise<boolean> {
  // Both schemes fill up with NUL: "a", "a\0a" (bcrypt) and "a\0" (HMAC) have one hash. Only the first is a password.
  if (presented.includes('\0')) return false;
  const derived = keyDerivation.exec(hash);
  if (derived) return inTurn(() => verifyDerived(derived, presented));
  return bcrypt.test(hash) && inTurn(() => verifyBcrypt(presented, hash).catch(() => false));
}
