/** The keyring over the store: signs with the tenant's keys, which it keeps in memory for a short while. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { StoreError } from '../store/error.ts';
import type { Store, StoredKey } from '../store/store.ts';
import type { Jwk, SigningAlgorithm, Tenant } from '../tenant/tenant.ts';
import { createSignature, isSigningAlgorithm, verifySignature } from './algorithm.ts';
import { KeyError } from './error.ts';
import type { Keyring } from './keyring.ts';
import { generateMaterial, type KeyMaterial, readMaterial } from './material.ts';
import { createSealer } from './seal.ts';

interface LoadedKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly active: boolean;
  readonly publicJwk: Jwk;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** After this time another node's new key is seen, in milliseconds. */
const RELOAD_AFTER = 30_000;
/** A token naming an unknown key makes the keys be read again, but not more often than this, in milliseconds. */
const UNKNOWN_KEY_PAUSE = 1_000;

/** Rotation in two steps: the next key is published before it signs, so that relying parties know it in time. */
export interface KeyRotation {
  /** Publishes a new key of the algorithm beside the active one; answers its id. */
  publishNext(tenant: Tenant, algorithm: SigningAlgorithm): Promise<string>;
  /**
   * Signs with a published key from now on; the one before stays published, for the tokens it signed. Other nodes
   * follow within 30 seconds. Wait at least as long between the two steps. It stays so until the tenant's document
   * names another key first.
   * @throws KeyError `key-missing` when the tenant has no such key.
   */
  activate(tenant: Tenant, kid: string): Promise<void>;
  /**
   * Publishes a private key from elsewhere beside the active one; answers its id.
   * @throws KeyError of `readMaterial`, or `key-reused-id` when the tenant has this id already.
   */
  importKey(tenant: Tenant, privateJwk: Jwk): Promise<string>;
  /**
   * Takes a key away for good: tokens it signed are no longer verifiable.
   * @throws KeyError `key-missing` when the tenant has no such key that is not active, `key-configured` when its
   *   document would bring the key back.
   */
  retire(tenant: Tenant, kid: string): Promise<void>;
  /** All keys without their private parts. `createdAt` is in epoch milliseconds. */
  describe(tenant: Tenant): Promise<readonly KeyDescription[]>;
}

export interface KeyDescription {
  readonly kid: string;
  readonly algorithm: string;
  readonly active: boolean;
  readonly publicJwk: unknown;
  readonly createdAt: number;
}

interface TenantKeys {
  readonly loadedAt: number;
  readonly keys: readonly LoadedKey[];
}

function decodeSegment(segment: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function encodeSegment(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function sameKey(left: unknown, right: Jwk): boolean {
  if (typeof left !== 'object' || left === null) return false;
  const members: Record<string, unknown> = { ...left };
  return ['kty', 'n', 'e', 'crv', 'x', 'y', 'alg'].every((member) => members[member] === right[member]);
}

/**
 * @param options.masterKey 32 bytes from `loadMasterKey`; private keys are stored encrypted under it.
 * All methods reject with KeyError `master-key-wrong` when the stored keys belong to another master key.
 */
export function createKeyring(options: { readonly store: Store; readonly masterKey: Buffer }): Keyring & KeyRotation {
  const { keys } = options.store;
  const sealer = createSealer(options.masterKey);
  const cache = new LRUCache<string, Promise<TenantKeys>>({ max: 10_000, ttl: RELOAD_AFTER });
  /** Opened private keys by tenant, key id and sealed text: a reload need not decrypt and parse them again. */
  const opened = new LRUCache<string, LoadedKey>({ max: 50_000 });

  async function openKey(stored: StoredKey): Promise<LoadedKey> {
    const name = JSON.stringify([stored.tenantId, stored.kid, stored.sealedPrivateJwk]);
    let loaded = opened.get(name);
    if (loaded === undefined) {
      const privateJwk: Jwk = JSON.parse(sealer.unseal(stored.tenantId, stored.kid, stored.sealedPrivateJwk));
      const material = await readMaterial({ ...privateJwk, kid: stored.kid, alg: stored.algorithm });
      const { kid, algorithm, privateKey, publicJwk } = material;
      loaded = { kid, algorithm, privateKey, publicJwk, publicKey: createPublicKey(privateKey), active: stored.active };
      opened.set(name, loaded);
    }
    return loaded.active === stored.active ? loaded : { ...loaded, active: stored.active };
  }

  async function read(tenantId: string): Promise<TenantKeys> {
    const loadedAt = Date.now();
    const stored = await keys.list(tenantId);
    return { loadedAt, keys: await Promise.all(stored.map(openKey)) };
  }

  function load(tenantId: string): Promise<TenantKeys> {
    const cached = cache.get(tenantId);
    if (cached !== undefined) return cached;
    const loading = read(tenantId);
    cache.set(tenantId, loading);
    // A failure is not remembered.
    loading.catch(() => cache.get(tenantId) === loading && cache.delete(tenantId));
    return loading;
  }

  /** False when another node was first with an active key of the algorithm, or with this very key. */
  async function saveNew(tenantId: string, material: KeyMaterial, active: boolean): Promise<boolean> {
    try {
      await keys.save({
        tenantId,
        kid: material.kid,
        algorithm: material.algorithm,
        active,
        publicJwk: material.publicJwk,
        sealedPrivateJwk: sealer.seal(tenantId, material.kid, JSON.stringify(material.privateJwk)),
        createdAt: Date.now(),
      });
      return true;
    } catch (error) {
      if (error instanceof StoreError && error.code === 'conflict') return false;
      throw error;
    }
  }

  /**
   * Stores the imported keys. The first one of each algorithm becomes the active one when it is first by the document for
   * the first time: what was activated since stays so as long as the document stays.
   */
  async function importKeys(tenant: Tenant): Promise<void> {
    const materials = await Promise.all(tenant.keystore.imported.map(readMaterial));
    const seen = new Set<SigningAlgorithm>();
    for (const material of materials) {
      await saveNew(tenant.id, material, false);
      const stored = (await keys.list(tenant.id)).find((key) => key.kid === material.kid);
      if (stored === undefined || !sameKey(stored.publicJwk, material.publicJwk)) {
        throw new KeyError(
          'key-reused-id',
          `Tenant ${tenant.id} has another key with the id ${material.kid} already.`,
          'Give the imported key an id of its own.',
        );
      }
      if (seen.has(material.algorithm)) continue;
      seen.add(material.algorithm);
      const name = `imported-first ${tenant.id} ${material.algorithm}`;
      if ((await options.store.setting(name)) === material.kid) continue;
      if (!stored.active) await keys.activate(tenant.id, material.kid);
      await options.store.setSetting(name, material.kid);
    }
  }

  async function prepare(tenant: Tenant): Promise<void> {
    await importKeys(tenant);
    const stored = await keys.list(tenant.id);
    for (const algorithm of tenant.keystore.algorithms) {
      if (stored.some((key) => key.active && key.algorithm === algorithm)) continue;
      // When another node saves its key first, the index refuses this one and the other one serves both.
      await saveNew(tenant.id, await generateMaterial(algorithm), true);
    }
    cache.delete(tenant.id);
    await load(tenant.id);
  }

  async function activeKey(tenant: Tenant, algorithm: SigningAlgorithm): Promise<LoadedKey> {
    const isWanted = (key: LoadedKey): boolean => key.active && key.algorithm === algorithm;
    const found = (await load(tenant.id)).keys.find(isWanted);
    if (found !== undefined) return found;
    if (tenant.keystore.algorithms.includes(algorithm)) {
      await prepare(tenant);
      const prepared = (await load(tenant.id)).keys.find(isWanted);
      if (prepared !== undefined) return prepared;
    }
    throw new KeyError(
      'key-missing',
      `Tenant ${tenant.id} has no key for ${algorithm}.`,
      'Add the algorithm to the keystore of the tenant.',
    );
  }

  async function publishedKey(tenantId: string, kid: string): Promise<LoadedKey | undefined> {
    const known = await load(tenantId);
    const found = known.keys.find((key) => key.kid === kid);
    if (found !== undefined || Date.now() - known.loadedAt < UNKNOWN_KEY_PAUSE) return found;
    cache.delete(tenantId);
    return (await load(tenantId)).keys.find((key) => key.kid === kid);
  }

  return {
    prepare,
    async publishNext(tenant, algorithm) {
      const material = await generateMaterial(algorithm);
      await saveNew(tenant.id, material, false);
      cache.delete(tenant.id);
      return material.kid;
    },
    async activate(tenant, kid) {
      if (!(await keys.list(tenant.id)).some((key) => key.kid === kid)) {
        throw new KeyError('key-missing', `Tenant ${tenant.id} has no key ${kid}.`, 'Publish the next key first.');
      }
      await keys.activate(tenant.id, kid);
      cache.delete(tenant.id);
    },
    async importKey(tenant, privateJwk) {
      const material = await readMaterial(privateJwk);
      if (!(await saveNew(tenant.id, material, false))) {
        throw new KeyError(
          'key-reused-id',
          `Tenant ${tenant.id} has a key with the id ${material.kid} already.`,
          'Give the imported key an id of its own.',
        );
      }
      cache.delete(tenant.id);
      return material.kid;
    },
    async retire(tenant, kid) {
      if (tenant.keystore.imported.some((jwk) => jwk.kid === kid))
        throw new KeyError(
          'key-configured',
          `The document of tenant ${tenant.id} names the key ${kid}.`,
          'Take it out there first: it would be imported again.',
        );
      if (!(await keys.deleteInactive(tenant.id, kid))) {
        throw new KeyError(
          'key-missing',
          `Tenant ${tenant.id} has no inactive key ${kid}.`,
          'Activate another key of its algorithm first.',
        );
      }
      cache.delete(tenant.id);
    },
    async describe(tenant) {
      return (await keys.list(tenant.id)).map(({ kid, algorithm, active, publicJwk, createdAt }) => ({
        kid,
        algorithm,
        active,
        publicJwk,
        createdAt,
      }));
    },
    async sign(tenant, claims, signOptions = {}) {
      const algorithm = signOptions.algorithm ?? tenant.keystore.algorithms[0] ?? 'RS256';
      const key = await activeKey(tenant, algorithm);
      const header = encodeSegment({ alg: algorithm, kid: key.kid, typ: signOptions.type ?? 'JWT' });
      const input = `${header}.${encodeSegment(claims)}`;
      const signature = await createSignature(algorithm, key.privateKey, Buffer.from(input));
      return `${input}.${signature.toString('base64url')}`;
    },
    async verify(tenant, token) {
      const segments = token.split('.');
      const [head = '', body = '', signature = ''] = segments;
      if (segments.length !== 3 || !segments.every((segment) => /^[A-Za-z0-9_-]+$/.test(segment))) return undefined;
      const header = decodeSegment(head);
      // Extensions that must be understood are not (RFC 7515 section 4.1.11).
      if (header === undefined || 'crit' in header || typeof header.kid !== 'string') return undefined;
      const key = await publishedKey(tenant.id, header.kid);
      // The key decides the algorithm, never the token alone (RFC 8725 section 3.1).
      if (key === undefined || !isSigningAlgorithm(header.alg) || header.alg !== key.algorithm) return undefined;
      const data = Buffer.from(`${head}.${body}`);
      if (!(await verifySignature(key.algorithm, key.publicKey, data, Buffer.from(signature, 'base64url'))))
        return undefined;
      const claims = decodeSegment(body);
      return claims && { header, claims };
    },
    async publicJwks(tenant) {
      return { keys: (await load(tenant.id)).keys.map((key) => key.publicJwk) };
    },
  };
}
