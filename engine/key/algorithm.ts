/** The signing algorithms (RFC 7518 section 3.1) in terms of node:crypto. */
import { constants, type KeyObject, sign, verify } from 'node:crypto';
import type { SigningAlgorithm } from '../tenant/tenant.ts';

interface AlgorithmSpecification {
  readonly keyType: 'RSA' | 'EC';
  readonly curve?: 'P-256' | 'P-384';
  readonly digest: 'sha256' | 'sha384';
  readonly pss: boolean;
}

export const ALGORITHMS: Readonly<Record<SigningAlgorithm, AlgorithmSpecification>> = {
  RS256: { keyType: 'RSA', digest: 'sha256', pss: false },
  RS384: { keyType: 'RSA', digest: 'sha384', pss: false },
  PS256: { keyType: 'RSA', digest: 'sha256', pss: true },
  ES256: { keyType: 'EC', curve: 'P-256', digest: 'sha256', pss: false },
  ES384: { keyType: 'EC', curve: 'P-384', digest: 'sha384', pss: false },
};

export function isSigningAlgorithm(name: unknown): name is SigningAlgorithm {
  return typeof name === 'string' && Object.hasOwn(ALGORITHMS, name);
}

/** ECDSA signatures are the two numbers side by side, not ASN.1 (RFC 7518 section 3.4). */
function withParameters(algorithm: SigningAlgorithm, key: KeyObject) {
  return {
    key,
    dsaEncoding: 'ieee-p1363' as const,
    ...(ALGORITHMS[algorithm].pss
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : {}),
  };
}

/** Signs on the thread pool: an RSA signature takes about a millisecond, which the main thread cannot spare. */
export function createSignature(algorithm: SigningAlgorithm, key: KeyObject, data: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    sign(ALGORITHMS[algorithm].digest, data, withParameters(algorithm, key), (error, signature) => {
      if (error === null) resolve(signature);
      else reject(error);
    });
  });
}

export function verifySignature(
  algorithm: SigningAlgorithm,
  key: KeyObject,
  data: Buffer,
  signature: Buffer,
): Promise<boolean> {
  return new Promise((resolve) => {
    verify(ALGORITHMS[algorithm].digest, data, withParameters(algorithm, key), signature, (error, valid) =>
      resolve(error === null && valid),
    );
  });
}
