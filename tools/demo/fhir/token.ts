/** Checks access tokens as a resource server does (RFC 9068, section 4; RFC 6750). */
import { createLocalJWKSet, errors, jwtVerify } from 'jose';
import type { JWTPayload } from 'jose';
import type { DemoOptions } from '../options.ts';
import { fhirBaseOf } from '../options.ts';
import { unauthenticated } from './outcome.ts';
import type { FhirProblem } from './outcome.ts';

export interface AccessToken {
  readonly scopes: readonly string[];
  /** The patient in context. */
  readonly patient?: string;
  /** The patient the user is, when `fhirUser` says that the user is one. */
  readonly userPatient?: string;
}

/** Symmetric algorithms and `none` stay out: a published key must never verify a forged token. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

function readClaims(claims: JWTPayload): AccessToken {
  const { scope, patient, fhirUser } = claims;
  const userPatient = typeof fhirUser === 'string' ? /(?:^|\/)Patient\/([^/]+)$/.exec(fhirUser)?.[1] : undefined;
  return {
    scopes: typeof scope === 'string' ? scope.split(' ').filter((word) => word !== '') : [],
    ...(typeof patient === 'string' && patient !== '' ? { patient } : {}),
    ...(userPatient === undefined ? {} : { userPatient }),
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The access token has expired.';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `The access token has an unacceptable ${error.claim} claim.`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'The signature of the access token is wrong.';
  return 'The access token is not one this server accepts.';
}

/**
 * Verifies the bearer token of a request: signature, `typ`, `iss`, `aud` (the FHIR base) and `exp`.
 * @param authorization the Authorization header
 * @returns the token's meaning, or the 401 to answer with
 */
export async function verifyBearer(
  authorization: string | undefined,
  options: Pick<DemoOptions, 'issuer' | 'jwks'>,
): Promise<AccessToken | FhirProblem> {
  const token = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) return unauthenticated('This request needs an access token.');
  const keys = createLocalJWKSet(await options.jwks());
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: options.issuer,
      audience: fhirBaseOf(options),
      typ: 'at+jwt',
      algorithms: ALGORITHMS,
      requiredClaims: ['exp'],
    });
    return readClaims(payload);
  } catch (error) {
    return unauthenticated(reasonOf(error), 'invalid_token');
  }
}

export function isAccessToken(value: AccessToken | FhirProblem): value is AccessToken {
  return 'scopes' in value;
}
