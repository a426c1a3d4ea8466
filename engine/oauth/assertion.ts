/** JWT assertions (RFC 7523 section 3, SMART App Launch 2.2 "Asymmetric client authentication"): who sent them, and only once. */
import { createHash } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, importJWK, type JWK, jwtVerify } from 'jose';
import type { ReplayRepository } from '../store/store.ts';
import type { Jwk, SigningAlgorithm } from '../tenant/tenant.ts';
import type { JwksLocation, JwksSource } from './jwks-source.ts';

export interface AssertionInput {
  /** JWS in compact serialization. */
  readonly token: string;
  readonly keys: JwksLocation;
  readonly jwks: JwksSource;
  readonly issuer: string;
  /** Where given, `sub` must be this; a client assertion has `sub` equal to `iss`. */
  readonly subject?: string;
  /** Any one of these, compared exactly. */
  readonly audience: readonly string[];
  readonly algorithms: readonly SigningAlgorithm[];
  /** How far ahead `exp` may be; 300 unless told. */
  readonly maximumLifetimeSeconds?: number;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Keeps the `jti`s of unrelated issuers apart. */
  readonly replaySpace: string;
  readonly replays: ReplayRepository;
  readonly tenantId: string;
}

export type AssertionResult =
  | {
      readonly ok: true;
      readonly header: Readonly<Record<string, unknown>>;
      readonly claims: Readonly<Record<string, unknown>>;
    }
  /** `reason` is a stable sentence for audit and trace; it holds nothing of the token. */
  | { readonly ok: false; readonly reason: string };

type Refusal = { readonly ok: false; readonly reason: string };

const SKEW_SECONDS = 10;
const MAXIMUM_TOKEN_LENGTH = 16_384;
const MAXIMUM_JTI_LENGTH = 1_024;

function refuse(reason: string): Refusal {
  return { ok: false, reason };
}

/** `kty`, and `crv` for elliptic curves, that go with an algorithm (RFC 7518 section 3.1). */
function fits(key: Jwk, algorithm: SigningAlgorithm): boolean {
  if (key.alg !== undefined && key.alg !== algorithm) return false;
  if (key.use !== undefined && key.use !== 'sig') return false;
  if (algorithm === 'ES256') return key.kty === 'EC' && key['crv'] === 'P-256';
  if (algorithm === 'ES384') return key.kty === 'EC' && key['crv'] === 'P-384';
  return key.kty === 'RSA';
}

function publicPart(key: Jwk): JWK {
  const { kty, crv, x, y, n, e, alg } = key as Jwk & Record<string, string | undefined>;
  return (kty === 'EC' ? { kty, crv, x, y, alg } : { kty, n, e, alg }) as JWK;
}

/** The one registered key of that id that fits; none or several fail (SMART App Launch 2.2). */
async function findKey(
  input: AssertionInput,
  kid: string,
  algorithm: SigningAlgorithm,
): Promise<{ readonly ok: true; readonly key: Jwk } | Refusal> {
  const set = await input.jwks.keys(input.keys, kid);
  if (!set.ok) return refuse(set.reason);
  const [key, ...others] = set.keys.filter((candidate) => candidate.kid === kid && fits(candidate, algorithm));
  if (!key) return refuse('no registered key has the kid and the type that the header names');
  if (others.length > 0) return refuse('several registered keys have the kid that the header names');
  return { ok: true, key };
}

function checkClaims(claims: Readonly<Record<string, unknown>>, input: AssertionInput): Refusal | undefined {
  const now = input.now / 1000;
  const { iss, sub, aud, exp, iat, nbf, jti } = claims;
  if (iss !== input.issuer) return refuse('iss is not the expected issuer');
  if (input.subject !== undefined && sub !== input.subject) return refuse('sub is not the expected subject');
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (!audiences.some((value) => typeof value === 'string' && input.audience.includes(value)))
    return refuse('aud does not name this server');
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return refuse('exp is missing or no number');
  if (exp + SKEW_SECONDS <= now) return refuse('the assertion has expired');
  if (exp > now + (input.maximumLifetimeSeconds ?? 300) + SKEW_SECONDS) return refuse('exp is too far ahead');
  for (const instant of [iat, nbf]) {
    if (instant === undefined) continue;
    if (typeof instant !== 'number' || !Number.isFinite(instant)) return refuse('iat or nbf is no number');
    if (instant > now + SKEW_SECONDS) return refuse('iat or nbf is in the future');
  }
  if (typeof jti !== 'string' || jti === '' || jti.length > MAXIMUM_JTI_LENGTH)
    return refuse('jti is missing or malformed');
  return undefined;
}

function readHeader(
  input: AssertionInput,
): { readonly ok: true; readonly kid: string; readonly algorithm: SigningAlgorithm } | Refusal {
  if (input.token.length > MAXIMUM_TOKEN_LENGTH) return refuse('the assertion is too long');
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    header = decodeProtectedHeader(input.token);
  } catch {
    return refuse('the assertion is no JWT');
  }
  const algorithm = input.algorithms.find((candidate) => candidate === header.alg);
  if (!algorithm) return refuse('the algorithm is not accepted');
  if (typeof header.kid !== 'string' || header.kid === '') return refuse('kid is missing');
  // A jku is a claim, not a source: only the URL that is registered is ever fetched.
  if (header.jku !== undefined && header.jku !== input.keys.jwksUri)
    return refuse('jku is not the registered JWKS URL');
  return { ok: true, kid: header.kid, algorithm };
}

/**
 * Verifies an assertion and uses it up: header, key, signature, `iss`, `sub`, `aud`, `exp` (required, at most
 * `maximumLifetimeSeconds` ahead), `iat` and `nbf` (not in the future), `jti` (required, not seen before `exp` on any
 * node). Clocks may differ by 10 seconds. The `jti` is remembered last, so that nobody but the holder of the key can
 * use one up. Never rejects on account of the token; a failing store rejects.
 */
export async function verifyAssertion(input: AssertionInput): Promise<AssertionResult> {
  const head = readHeader(input);
  if (!head.ok) return head;
  const found = await findKey(input, head.kid, head.algorithm);
  if (!found.ok) return found;
  let verified: Awaited<ReturnType<typeof jwtVerify>>;
  try {
    const key = await importJWK(publicPart(found.key), head.algorithm);
    // Claims are checked below, by rules stricter than the library's.
    verified = await jwtVerify(input.token, key, {
      algorithms: [head.algorithm],
      currentDate: new Date(input.now),
      clockTolerance: SKEW_SECONDS,
    });
  } catch (error) {
    if (error instanceof errors.JWTExpired) return refuse('the assertion has expired');
    if (error instanceof errors.JWTClaimValidationFailed) return refuse(`${error.claim} is invalid`);
    return refuse('the signature does not verify');
  }
  const header = verified.protectedHeader as unknown as Readonly<Record<string, unknown>>;
  const claims: Readonly<Record<string, unknown>> = verified.payload;
  const wrong = checkClaims(claims, input);
  if (wrong) return wrong;
  const value = createHash('sha256')
    .update(`${input.issuer}\n${String(claims['jti'])}`)
    .digest('base64url');
  const expiresAt = (Number(claims['exp']) + SKEW_SECONDS) * 1000;
  if (!(await input.replays.remember(input.tenantId, input.replaySpace, value, expiresAt)))
    return refuse('the assertion was used before');
  return { ok: true, header, claims };
}

/** The `iss` an assertion claims, not verified: only good for finding out whose keys to verify it with. */
export function claimedIssuer(token: string): string | undefined {
  if (token.length > MAXIMUM_TOKEN_LENGTH) return undefined;
  try {
    const { iss } = decodeJwt(token);
    return typeof iss === 'string' ? iss : undefined;
  } catch {
    return undefined;
  }
}
