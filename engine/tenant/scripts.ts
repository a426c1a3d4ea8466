/** The places of a tenant at which a script may stand, each named by its slot. */
import type { Script, Tenant } from './tenant.ts';

/** `callbacks`, `codapAuthorization`, `inbound/<module id>` or `federationAuth/<provider id>`. */
export type ScriptSlot = 'callbacks' | 'codapAuthorization' | `inbound/${string}` | `federationAuth/${string}`;

export interface BoundScript {
  readonly slot: ScriptSlot;
  readonly script: Script;
}

/** Every script of the tenant's document, with its slot. */
export function scriptsOf({ scripts, inbound, providers }: Pick<Tenant, 'scripts' | 'inbound' | 'providers'>) {
  const bound: BoundScript[] = [];
  const add = (slot: ScriptSlot, script: Script | undefined) => script && bound.push({ slot, script });
  add('callbacks', scripts.callbacks);
  add('codapAuthorization', scripts.codapAuthorization);
  for (const { id, script } of inbound) add(`inbound/${id}`, script);
  for (const { id, federationAuth } of providers) add(`federationAuth/${id}`, federationAuth);
  return bound as readonly BoundScript[];
}
