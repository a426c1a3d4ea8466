/** Neither a case nor a simulation needs a real secret: what environment and files do not hold is made up. */
import { loadTenants, type LoadedTenants } from '../../engine/tenant/load-all.ts';

/** As `loadTenant` takes it. */
export const madeUpSecrets = {
  masterEnvironment: new Proxy<Record<string, string | undefined>>(
    {},
    { get: (_target, name) => process.env[String(name)] ?? `a made-up ${String(name)}` },
  ),
  fileStandIn: (name: string) => `a made-up ${name}`,
};

/** @param path one tenant's folder, or a folder of them. */
export function loadWithMadeUpSecrets(path: string): Promise<LoadedTenants> {
  return loadTenants(path, madeUpSecrets.masterEnvironment, madeUpSecrets.fileStandIn);
}

/** What goes out must prove itself as in production: a secret that is not there is a problem. */
export function loadWithRealSecrets(path: string): Promise<LoadedTenants> {
  return loadTenants(path, process.env);
}
