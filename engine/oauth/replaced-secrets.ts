/**
 * Client secrets that a tenant document holds as a hash of another server's making. The first use of each shows the secret
 * itself, so that a hash of ours can take the place: the document stays as it is, the store remembers.
 */
import { LRUCache } from 'lru-cache';
import { isForeignHash } from '../store/foreign-hash.ts';
import { hashClientSecret } from '../store/secret.ts';
import type { ReplacedSecretRepository } from '../store/store.ts';
import type { Client } from '../tenant/tenant.ts';

/** How long a node relies on what it read; what another node replaced meanwhile is replaced once more, which harms nothing. */
const rememberedMilliseconds = 2_000;

export interface ReplacedSecrets {
  /** The client with hashes of ours wherever they are known. */
  applyTo(tenantId: string, client: Client): Client | Promise<Client>;
  /** Remembers a hash of ours for a secret that was just presented and found right. */
  replace(tenantId: string, clientId: string, foreignHash: string, presented: string): Promise<void>;
}

export function createReplacedSecrets(repository: ReplacedSecretRepository): ReplacedSecrets {
  const known = new LRUCache<string, (foreignHash: string) => string | undefined>({
    max: 10_000,
    ttl: rememberedMilliseconds,
  });
  const keyOf = (tenantId: string, clientId: string) => `${tenantId} ${clientId}`;

  async function apply(tenantId: string, client: Client): Promise<Client> {
    const key = keyOf(tenantId, client.clientId);
    const find = known.get(key) ?? (await repository.find(tenantId, client.clientId));
    known.set(key, find);
    return {
      ...client,
      secrets: client.secrets.map((secret) => ({ ...secret, hash: find(secret.hash) ?? secret.hash })),
    };
  }

  return {
    // Most clients have no such secret and are asked for with every request.
    applyTo: (tenantId, client) =>
      client.secrets.some(({ hash }) => isForeignHash(hash)) ? apply(tenantId, client) : client,
    async replace(tenantId, clientId, foreignHash, presented) {
      await repository.save(tenantId, clientId, foreignHash, await hashClientSecret(presented));
      known.delete(keyOf(tenantId, clientId));
    },
  };
}
