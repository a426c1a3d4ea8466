/** Encrypts private keys at rest: AES-256-GCM (NIST SP 800-38D), bound to the tenant and key they belong to. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { KeyError } from './error.ts';

const VERSION = 'v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface Sealer {
  seal(tenantId: string, kid: string, text: string): string;
  /** @throws KeyError `master-key-wrong` when the text was sealed by another key, for another owner, or was changed. */
  unseal(tenantId: string, kid: string, sealed: string): string;
}

/** Two names as one text that no other two names share. */
function owner(tenantId: string, kid: string): Buffer {
  return Buffer.from(JSON.stringify([tenantId, kid]));
}

/** @param masterKey 32 bytes; the encryption key is derived from it by HKDF (RFC 5869). */
export function createSealer(masterKey: Buffer): Sealer {
  const key = Buffer.from(hkdfSync('sha256', masterKey, 'sallyport', 'private signing keys', 32));

  return {
    seal(tenantId, kid, text) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(owner(tenantId, kid));
      const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return `${VERSION}.${Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64url')}`;
    },
    unseal(tenantId, kid, sealed) {
      try {
        const [version, body] = sealed.split('.');
        if (version !== VERSION || body === undefined) throw new Error('unknown form');
        const bytes = Buffer.from(body, 'base64url');
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
          authTagLength: TAG_BYTES,
        });
        decipher.setAAD(owner(tenantId, kid));
        decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        const encrypted = bytes.subarray(NONCE_BYTES + TAG_BYTES);
        return Buffer.concat([decipher.update(encrypted), decipher.final()]).toString('utf8');
      } catch {
        throw new KeyError(
          'master-key-wrong',
          `The private key ${kid} of tenant ${tenantId} cannot be opened with this master key.`,
          'Configure the master key that this database was made with.',
        );
      }
    },
  };
}
