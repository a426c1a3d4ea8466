/** Loads the tenants of a folder: each alone, then what must differ between them. */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { SecretSource } from './files.ts';
import { loadTenant } from './load.ts';
import { problem, type Problem } from './problem.ts';
import { type BoundScript, scriptsOf } from './scripts.ts';
import type { Tenant } from './tenant.ts';

export interface LoadedTenants {
  readonly tenants: readonly Tenant[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Folders whose tenant could not be loaded. */
  readonly broken: ReadonlySet<string>;
  /** Every script that could be read, of sound tenants and of others. */
  readonly scripts: readonly (BoundScript & { readonly folder: string })[];
}

/** @param path one tenant's folder, or a folder of them. */
export async function loadTenants(
  path: string,
  environment: SecretSource['environment'],
  fileStandIn?: SecretSource['fileStandIn'],
): Promise<LoadedTenants> {
  const folders = await tenantFolders(path);
  const loaded = new Map<string, Tenant>();
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const broken = new Set<string>();
  const scripts: (BoundScript & { folder: string })[] = [];
  if (folders.length === 0)
    problems.push(
      problem('no-tenant', path, '', 'no tenant', 'a folder with tenant.json, or a folder of such folders'),
    );
  for (const folder of folders) {
    const result = await loadTenant(folder, {
      masterEnvironment: environment,
      ...(fileStandIn ? { fileStandIn } : {}),
    });
    const found = result.ok ? scriptsOf(result.tenant) : result.scripts;
    scripts.push(...found.map((bound) => ({ ...bound, folder })));
    if (result.ok) {
      loaded.set(folder, result.tenant);
      warnings.push(...result.warnings);
    } else {
      problems.push(...result.problems);
      broken.add(resolve(folder));
    }
  }
  for (const [folder, tenant] of loaded) {
    const [first] = [...loaded].filter(([, other]) => other.id === tenant.id || other.issuer === tenant.issuer);
    if (first === undefined || first[0] === folder) continue;
    const member = first[1].id === tenant.id ? '/id' : '/issuer';
    const file = join(folder, 'tenant.json');
    problems.push(problem('tenant-twice', file, member, `what ${first[0]} has, too`, 'a value of its own'));
    // Which of the two is meant is not known: neither is taken.
    for (const each of [folder, first[0]]) broken.add(resolve(each));
  }
  const tenants = [...loaded].filter(([folder]) => !broken.has(resolve(folder))).map(([, tenant]) => tenant);
  return { tenants, problems, warnings, broken, scripts };
}

async function isTenant(folder: string): Promise<boolean> {
  return stat(join(folder, 'tenant.json')).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** The folders of tenants that a path stands for: itself, or those in it. */
export async function tenantFolders(path: string): Promise<readonly string[]> {
  if (await isTenant(path)) return [path];
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  const folders = entries
    .filter((entry) => !entry.isFile())
    .map((entry) => join(path, entry.name))
    .sort();
  const found = await Promise.all(folders.map(async (folder) => ((await isTenant(folder)) ? folder : undefined)));
  return found.filter((folder) => folder !== undefined);
}
