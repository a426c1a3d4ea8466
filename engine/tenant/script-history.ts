/** The scripts a tenant had lately, so that a flow in progress can end on those it began with. */
import { scriptsOf } from './scripts.ts';
import type { Script, Tenant } from './tenant.ts';

export interface ScriptHistory {
  remember(tenant: Tenant): void;
  forget(tenantId: string): void;
  find(tenantId: string, hash: string): Script | undefined;
}

/** Versions kept for each tenant, the present ones among them. An author who saves every few seconds must not fill memory. */
const mostVersions = 64;

export function createScriptHistory(): ScriptHistory {
  const byTenant = new Map<string, Map<string, Script>>();
  return {
    remember(tenant) {
      const versions = byTenant.get(tenant.id) ?? new Map<string, Script>();
      byTenant.set(tenant.id, versions);
      for (const { script } of scriptsOf(tenant)) {
        // What is in use is the youngest, and so the last to go.
        versions.delete(script.hash);
        versions.set(script.hash, script);
      }
      const [...hashes] = versions.keys();
      for (const hash of hashes.slice(0, -mostVersions)) versions.delete(hash);
    },
    forget: (tenantId) => void byTenant.delete(tenantId),
    find: (tenantId, hash) => byTenant.get(tenantId)?.get(hash),
  };
}
