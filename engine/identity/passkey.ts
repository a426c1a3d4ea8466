/**
 * Passkeys (Web Authentication Level 3): what browsers are asked and how their answers are verified. The relying party
 * is the host of the tenant's issuer.
 */
import { isIP } from 'node:net';
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { hashHandle } from '../store/secret.ts';
import type { StoredPasskey } from '../store/store.ts';
import type { Tenant, User } from '../tenant/tenant.ts';

/** COSE algorithms: EdDSA, ES256, RS256. */
const algorithms = [-8, -7, -257];
/** How long a browser waits for the person, milliseconds. */
const patience = 120_000;
/** Longer answers are no browser's. */
const longestAnswer = 16_384;

export interface RelyingParty {
  readonly id: string;
  readonly origin: string;
}

/** Undefined where browsers know no passkeys: at an address without a name, or without encryption beyond loopback. */
export function relyingPartyOf({ issuer }: Pick<Tenant, 'issuer'>): RelyingParty | undefined {
  const { hostname, origin, protocol } = new URL(issuer);
  const named = isIP(hostname.replace(/^\[|\]$/g, '')) === 0;
  return named && (protocol === 'https:' || hostname === 'localhost') ? { id: hostname, origin } : undefined;
}

/** What authenticators know the person by: nothing that says who it is (section 14.6.1 there). */
export function userHandleOf(tenantId: string, userId: string): string {
  return hashHandle(JSON.stringify(['passkey user', tenantId, userId]));
}

type Known = Pick<StoredPasskey, 'credentialId' | 'transports'>;
const named = ({ credentialId, transports }: Known) => ({ type: 'public-key', id: credentialId, transports });

/** `PublicKeyCredentialCreationOptionsJSON` (section 5.4.11). Attestation is not asked for: it is believed of nobody. */
export function creationOptions(
  rp: RelyingParty,
  tenant: Pick<Tenant, 'id' | 'name'>,
  user: Pick<User, 'id' | 'username'>,
  displayName: string,
  challenge: string,
  known: readonly Known[],
): object {
  return {
    rp: { id: rp.id, name: tenant.name },
    user: { id: userHandleOf(tenant.id, user.id), name: user.username, displayName },
    challenge,
    pubKeyCredParams: algorithms.map((alg) => ({ type: 'public-key', alg })),
    timeout: patience,
    excludeCredentials: known.map(named),
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
    attestation: 'none',
  };
}

/** `PublicKeyCredentialRequestOptionsJSON`: of the person's own passkeys, or of anybody's where they are the whole log-in. */
export function requestOptions(rp: RelyingParty, challenge: string, known: readonly Known[] | undefined): object {
  return {
    rpId: rp.id,
    challenge,
    timeout: patience,
    allowCredentials: (known ?? []).map(named),
    userVerification: known === undefined ? 'required' : 'preferred',
  };
}

export interface NewPasskey {
  readonly credentialId: string;
  readonly publicKey: string;
  readonly counter: number;
  readonly synced: boolean;
  readonly transports: readonly string[];
}

/** The passkey that a browser made; undefined where its answer is not one to this challenge, from this origin. */
export async function readCreation(
  rp: RelyingParty,
  answer: string,
  challenge: string,
): Promise<NewPasskey | undefined> {
  const response = parse(answer) as RegistrationResponseJSON | undefined;
  if (!response) return undefined;
  // Their code is read only where there are passkeys.
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server');
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: await withoutAttestation(response),
      expectedChallenge: challenge,
      expectedOrigin: rp.origin,
      expectedRPID: rp.id,
      requireUserVerification: false,
      supportedAlgorithmIDs: algorithms,
    });
    if (!verified) return undefined;
    const { credential, credentialDeviceType } = registrationInfo;
    return {
      credentialId: credential.id,
      publicKey: Buffer.from(credential.publicKey).toString('base64url'),
      counter: credential.counter,
      synced: credentialDeviceType === 'multiDevice',
      transports: (credential.transports ?? []).filter((text) => /^[a-z-]{1,20}$/.test(text)).slice(0, 8),
    };
  } catch {
    return undefined;
  }
}

/**
 * The answer with an empty attestation statement in place of what the browser sent: nobody asked for one, and to read
 * certificates that a stranger chose would fetch what they name.
 */
async function withoutAttestation(response: RegistrationResponseJSON): Promise<RegistrationResponseJSON> {
  const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers');
  const bytes = Uint8Array.from(Buffer.from(response.response.attestationObject, 'base64url'));
  const data = Buffer.from(decodeAttestationObject(bytes).get('authData'));
  const length = Buffer.alloc(2);
  length.writeUInt16BE(data.length);
  // CBOR (RFC 8949): {"fmt": "none", "attStmt": {}, "authData": data}
  const attestationObject = Buffer.concat([
    Buffer.from([0xa3, 0x63]),
    Buffer.from('fmt'),
    Buffer.from([0x64]),
    Buffer.from('none'),
    Buffer.from([0x67]),
    Buffer.from('attStmt'),
    Buffer.from([0xa0, 0x68]),
    Buffer.from('authData'),
    Buffer.from([0x59]),
    length,
    data,
  ]).toString('base64url');
  return { ...response, response: { ...response.response, attestationObject } };
}

/** Which passkey an answer is of, as it says itself, and whom it names. */
export function namedIn(answer: string): { readonly credentialId: string; readonly userHandle?: string } | undefined {
  const response = parse(answer) as { id?: unknown; response?: { userHandle?: unknown } } | undefined;
  const { id } = response ?? {};
  if (typeof id !== 'string' || !/^[A-Za-z0-9_-]{1,1400}$/.test(id)) return undefined;
  const userHandle = response?.response?.userHandle;
  return { credentialId: id, ...(typeof userHandle === 'string' ? { userHandle } : {}) };
}

/**
 * Verifies an assertion (section 7.2): challenge, origin, relying party, presence, verification where it is wanted,
 * signature and counter. Answers the new counter.
 */
export async function readAssertion(
  rp: RelyingParty,
  answer: string,
  challenge: string,
  passkey: StoredPasskey,
  verification: boolean,
): Promise<{ readonly counter: number } | undefined> {
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server');
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: parse(answer) as AuthenticationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: rp.origin,
      expectedRPID: rp.id,
      requireUserVerification: verification,
      credential: {
        id: passkey.credentialId,
        publicKey: Uint8Array.from(Buffer.from(passkey.publicKey, 'base64url')),
        counter: passkey.counter,
      },
    });
    return verified ? { counter: authenticationInfo.newCounter } : undefined;
  } catch {
    return undefined;
  }
}

function parse(answer: string): object | undefined {
  if (answer.length > longestAnswer) return undefined;
  try {
    const value: unknown = JSON.parse(answer);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
