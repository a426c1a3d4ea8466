/** Makes and checks private keys. */
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint } from 'jose';
import type { Jwk, SigningAlgorithm } from '../tenant/tenant.ts';
import { ALGORITHMS, isSigningAlgorithm } from './algorithm.ts';
import { KeyError } from './error.ts';
import { withPrimes } from './rsa-primes.ts';

export interface KeyMaterial {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly privateKey: KeyObject;
  readonly publicJwk: Jwk;
  readonly privateJwk: Jwk;
}

const MINIMUM_RSA_BITS = 2048;
const generate = promisify(generateKeyPair);

/** The public members alone (RFC 7518 section 6), named one by one, so that no private one slips through. */
function publicMembers(publicKey: KeyObject): Jwk {
  const { kty, n, e, crv, x, y } = publicKey.export({ format: 'jwk' });
  return kty === 'RSA' ? { kty, n, e } : { kty: 'EC', crv, x, y };
}

async function describe(privateKey: KeyObject, algorithm: SigningAlgorithm, kid?: string): Promise<KeyMaterial> {
  const members = publicMembers(createPublicKey(privateKey));
  const name = kid ?? (await calculateJwkThumbprint({ ...members }));
  return {
    kid: name,
    algorithm,
    privateKey,
    publicJwk: { ...members, kid: name, alg: algorithm, use: 'sig' },
    privateJwk: { kty: members.kty, ...privateKey.export({ format: 'jwk' }) },
  };
}

/** A new key of an algorithm; its id is its thumbprint (RFC 7638). */
export async function generateMaterial(algorithm: SigningAlgorithm): Promise<KeyMaterial> {
  const { keyType, curve } = ALGORITHMS[algorithm];
  const { privateKey } =
    keyType === 'RSA'
      ? await generate('rsa', { modulusLength: MINIMUM_RSA_BITS })
      : await generate('ec', { namedCurve: curve ?? 'P-256' });
  return describe(privateKey, algorithm);
}

function algorithmOf(jwk: Jwk, label: string): SigningAlgorithm {
  const implied =
    jwk.kty === 'RSA' ? 'RS256' : jwk.kty === 'EC' ? (jwk.crv === 'P-384' ? 'ES384' : 'ES256') : undefined;
  const algorithm = jwk.alg ?? implied;
  const specification = isSigningAlgorithm(algorithm) ? ALGORITHMS[algorithm] : undefined;
  const fits =
    specification?.keyType === jwk.kty && (specification.curve === undefined || specification.curve === jwk.crv);
  if (!isSigningAlgorithm(algorithm) || !fits) {
    throw new KeyError(
      'key-unsupported',
      `${label} cannot be used: its type ${jwk.kty} does not sign ${jwk.alg ?? 'any known algorithm'}.`,
      `Use an RSA, P-256 or P-384 key for one of ${Object.keys(ALGORITHMS).join(', ')}.`,
    );
  }
  return algorithm;
}

/**
 * Reads a private JWK.
 * @throws KeyError `key-not-private`, `key-too-small` (RFC 7518 section 3.3: 2048 bits), `key-unsupported`.
 */
export async function readMaterial(jwk: Jwk): Promise<KeyMaterial> {
  const label = jwk.kid === undefined ? 'An imported key without id' : `The imported key ${jwk.kid}`;
  const algorithm = algorithmOf(jwk, label);
  if (typeof jwk.d !== 'string' || jwk.d === '') {
    throw new KeyError(
      'key-not-private',
      `${label} has no private part.`,
      'Import the private key, with its member "d".',
    );
  }
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey({ key: { ...withPrimes(jwk) }, format: 'jwk' });
  } catch {
    throw new KeyError(
      'key-unsupported',
      `${label} is malformed.`,
      'Export the key again as a JSON Web Key (RFC 7517).',
    );
  }
  const bits = privateKey.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < MINIMUM_RSA_BITS) {
    throw new KeyError(
      'key-too-small',
      `${label} has ${bits} bits.`,
      `RSA keys need at least ${MINIMUM_RSA_BITS} bits.`,
    );
  }
  return describe(privateKey, algorithm, jwk.kid);
}
