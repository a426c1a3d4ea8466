/** Makes the one object that a script is, from the texts of its files. */
import { createHash } from 'node:crypto';
import type { Script, ScriptModule } from '../tenant/tenant.ts';

/** @param modules the tenant's own files that `source` imports, directly or not. */
export function makeScript(name: string, source: string, modules: readonly ScriptModule[] = []): Script {
  const hash = createHash('sha256');
  // Each with its name and length, so that no two sets of files have one hash: names stand in places and imports.
  for (const file of [{ name, source }, ...modules.toSorted((a, b) => (a.name < b.name ? -1 : 1))])
    hash.update(`${file.name}:${Buffer.byteLength(file.source)}:`).update(file.source);
  return { name, source, modules, hash: hash.digest('hex'), apiVersion: 1 };
}
