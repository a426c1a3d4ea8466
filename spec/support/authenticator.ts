/** An authenticator of passkeys (Web Authentication Level 3) that does as it is told, right or wrong. */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export interface Lies {
  readonly origin?: string;
  readonly rpId?: string;
  readonly challenge?: string;
  readonly type?: string;
  /** Whether it says that it verified the person; it does unless told otherwise. */
  readonly verified?: boolean;
  readonly present?: boolean;
  readonly counter?: number;
  readonly userHandle?: string;
  readonly crossOrigin?: boolean;
  /** Signs something else. */
  readonly forged?: boolean;
}

interface Options {
  readonly rp?: { readonly id: string };
  readonly rpId?: string;
  readonly user?: { readonly id: string };
  readonly challenge: string;
}

const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest();

/** @param home the origin of the pages it is used on. */
export function createAuthenticator(home: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const id = randomBytes(32);
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  // COSE_Key (RFC 9052 section 7): kty EC2, alg ES256, crv P-256.
  const cose = Buffer.concat([
    Buffer.from('a5010203262001215820', 'hex'),
    Buffer.from(x, 'base64url'),
    Buffer.from('225820', 'hex'),
    Buffer.from(y, 'base64url'),
  ]);
  let count = 0;
  let userHandle = '';

  function clientData(type: string, challenge: string, lies: Lies): Buffer {
    return Buffer.from(
      JSON.stringify({
        type: lies.type ?? type,
        challenge: lies.challenge ?? challenge,
        origin: lies.origin ?? home,
        crossOrigin: lies.crossOrigin ?? false,
        ...(lies.crossOrigin ? { topOrigin: 'https://evil.example' } : {}),
      }),
    );
  }
  function authenticatorData(rpId: string, lies: Lies, attested: Buffer = Buffer.alloc(0)): Buffer {
    const flags = (lies.present === false ? 0 : 1) | (lies.verified === false ? 0 : 4) | (attested.length > 0 ? 64 : 0);
    count = lies.counter ?? count + 1;
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(count);
    return Buffer.concat([sha256(lies.rpId ?? rpId), Buffer.from([flags]), counter, attested]);
  }
  const answer = (response: Record<string, Buffer>, more: object = {}) =>
    JSON.stringify({
      id: id.toString('base64url'),
      rawId: id.toString('base64url'),
      type: 'public-key',
      clientExtensionResults: {},
      response: {
        ...Object.fromEntries(Object.entries(response).map(([name, value]) => [name, value.toString('base64url')])),
        ...more,
      },
    });

  return {
    id: id.toString('base64url'),
    /** What a browser would send of `PublicKeyCredentialCreationOptionsJSON`. */
    create(options: Options, lies: Lies = {}): string {
      userHandle = options.user?.id ?? '';
      const length = Buffer.alloc(2);
      length.writeUInt16BE(id.length);
      const attested = Buffer.concat([Buffer.alloc(16), length, id, cose]);
      const data = authenticatorData(options.rp?.id ?? '', lies, attested);
      const size = Buffer.alloc(2);
      size.writeUInt16BE(data.length);
      const attestationObject = Buffer.concat([
        Buffer.from('a363666d74646e6f6e656761747453746d74a068617574684461746159', 'hex'),
        size,
        data,
      ]);
      return answer(
        { clientDataJSON: clientData('webauthn.create', options.challenge, lies), attestationObject },
        { transports: ['usb'] },
      );
    },
    /** What it would send of `PublicKeyCredentialRequestOptionsJSON`. */
    use(options: Options, lies: Lies = {}): string {
      const client = clientData('webauthn.get', options.challenge, lies);
      const data = authenticatorData(options.rpId ?? '', lies);
      const signature = sign('sha256', Buffer.concat([data, sha256(lies.forged ? 'else' : client)]), privateKey);
      return answer(
        { clientDataJSON: client, authenticatorData: data, signature },
        { userHandle: lies.userHandle ?? userHandle },
      );
    },
  };
}

export type Authenticator = ReturnType<typeof createAuthenticator>;
