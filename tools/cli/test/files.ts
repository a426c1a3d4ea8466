/** Finds cases with their tenants, and which of them a change concerns. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { type LoadedTenants, tenantFolders } from '../../../engine/tenant/load-all.ts';
import type { Problem } from '../../../engine/tenant/problem.ts';
import { scriptsOf } from '../../../engine/tenant/scripts.ts';
import type { Tenant } from '../../../engine/tenant/tenant.ts';

export interface CaseFile {
  readonly tenant: Tenant;
  readonly path: string;
  /** As it is named from where the command runs. */
  readonly file: string;
  readonly text: string;
}

export interface FoundCases {
  readonly files: readonly CaseFile[];
  readonly problems: readonly Problem[];
}

type Load = (path: string) => Promise<Pick<LoadedTenants, 'tenants' | 'problems'>>;

/** Loads what it finds once, and again only those tenants of whose folders anything changed. */
export function createCaseFinder(load: Load): { find(paths: readonly string[]): Promise<FoundCases> } {
  const known = new Map<
    string,
    { readonly stamps: ReadonlyMap<string, string>; readonly tenants: readonly Tenant[] }
  >();

  async function tenantsOf(path: string): ReturnType<Load> {
    const folders = await tenantFolders(path);
    const stamps = new Map(await Promise.all(folders.map(async (folder) => [folder, await stampOf(folder)] as const)));
    const before = known.get(path);
    known.delete(path);
    const comparable = before !== undefined && [...before.stamps.keys()].join('\n') === folders.join('\n');
    const changed = folders.filter((folder) => before?.stamps.get(folder) !== stamps.get(folder));
    // What two tenants may not have in common is seen where all are loaded.
    const loaded =
      comparable && changed.length < folders.length ? await replaced(before.tenants, changed, load) : await load(path);
    if (loaded.problems.length === 0) known.set(path, { stamps, tenants: loaded.tenants });
    return loaded;
  }

  return {
    async find(paths) {
      const files = new Map<string, CaseFile>();
      const problems: Problem[] = [];
      for (const path of paths) {
        const single = await isSingle(path);
        const loaded = await tenantsOf(await folderFor(path));
        problems.push(...loaded.problems);
        for (const tenant of loaded.tenants)
          for (const each of single ? [resolve(path)] : await casesIn(tenant.folder)) {
            const file = relative(process.cwd(), each);
            files.set(resolve(each), { tenant, path: each, file, text: await readFile(each, 'utf8') });
          }
      }
      return { files: [...files.values()], problems };
    },
  };
}

async function replaced(tenants: readonly Tenant[], folders: readonly string[], load: Load): ReturnType<Load> {
  const loaded = await Promise.all(folders.map(load));
  const again = new Map(loaded.flatMap((each) => each.tenants).map((tenant) => [resolve(tenant.folder), tenant]));
  return {
    tenants: tenants.map((tenant) => again.get(resolve(tenant.folder)) ?? tenant),
    problems: loaded.flatMap(({ problems }) => problems),
  };
}

/** What is other once any file of a folder is. */
async function stampOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const stamps = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async ({ parentPath, name }) => {
        const path = join(parentPath, name);
        const found = await stat(path).catch(() => undefined);
        return `${path} ${found?.mtimeMs} ${found?.size}`;
      }),
  );
  return stamps.sort().join('\n');
}

async function casesIn(folder: string): Promise<readonly string[]> {
  const files = await readdir(folder, { recursive: true });
  return files
    .filter((file) => file.endsWith('.case.json'))
    .sort()
    .map((file) => join(folder, file));
}

/** The folder whose tenants a path is about: of a single case the tenant's that it lies in, or its own where there is none. */
export async function folderFor(path: string): Promise<string> {
  if (!(await isSingle(path))) return path;
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    if (await stat(join(folder, 'tenant.json')).catch(() => undefined)) return folder;
    if (dirname(folder) === folder) return dirname(path);
  }
}

async function isSingle(path: string): Promise<boolean> {
  return path.endsWith('.json') && (await stat(path)).isFile();
}

/** The document without its scripts, of which many cases need but one. */
const documents = new WeakMap<Tenant, string>();

function documentOf(tenant: Tenant): string {
  const known = documents.get(tenant);
  if (known !== undefined) return known;
  const scripts = new Set<unknown>(scriptsOf(tenant).map(({ script }) => script));
  const { version: _ofScriptsToo, ...rest } = tenant;
  const text = JSON.stringify(rest, (_name, value: unknown) => (scripts.has(value) ? undefined : value));
  documents.set(tenant, text);
  return text;
}

/**
 * All that the result of a case comes from: where none of it is other, neither is the result. A case of a callback is
 * about one script, a case of a flow about all of them.
 */
export function inputsOf({ tenant, text }: CaseFile): string {
  const slot = slotOf(text);
  const scripts = scriptsOf(tenant).filter((each) => slot === undefined || each.slot === slot);
  return [text, documentOf(tenant), ...scripts.map((each) => `${each.slot} ${each.script.hash}`)].join('\n');
}

function slotOf(text: string): string | undefined {
  try {
    const { given, slot = 'callbacks' } = JSON.parse(text) as { readonly given?: unknown; readonly slot?: string };
    return given === undefined ? slot : undefined;
  } catch {
    return undefined;
  }
}
