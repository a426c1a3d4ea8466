/** Makes the one object that a script is, from the texts of its files. */
import { createHash } from 'node:crypto';
import type { Script, ScriptModule } from '../tenant/tenant.ts';

/** @param modules the tenant's own files that `source` imports, directly or not. */
export function makeScript(name: string, source: string, modules: readonly ScriptModule[] = []): Script {
  const hash = createHash('sha256').update(source);
  // Each with its name and length, so that no two sets of files have one hash. Without modules it is the file's own.
  for (const module of modules.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
    hash.update(`\n${module.name}:${Buffer.byteLength(module.source)}:`).update(module.source);
  return { name, source, modules, hash: hash.digest('hex'), apiVersion: 1 };
}
