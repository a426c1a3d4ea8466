/** All tenants of a server, by id and by place; reloads one at a time when its files change. */
import { type FSWatcher, watch as watchFolder } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadTenant } from './load.ts';
import { problem, type Problem } from './problem.ts';
import type { Tenant, TenantDirectory } from './tenant.ts';

export interface OpenDirectory extends TenantDirectory {
  /** Loads everything again. A tenant whose new document is invalid keeps its last valid one; its problems are answered. */
  reload(): Promise<readonly Problem[]>;
  close(): void;
}

export interface DirectoryOptions {
  /** One tenant's folder, or a folder of them. */
  readonly path: string;
  readonly watch?: boolean;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly logger?: { info(message: string): void; error(fields: object, message: string): void };
  /** Called for a new or changed tenant before it is served. */
  readonly onChange?: (tenant: Tenant) => Promise<void>;
}

const settleMilliseconds = 150;

/** Refuses with the problems of all tenants at once. */
export async function openTenantDirectory(
  options: DirectoryOptions,
): Promise<
  | { readonly ok: true; readonly directory: OpenDirectory }
  | { readonly ok: false; readonly problems: readonly Problem[] }
> {
  const environment = options.environment ?? process.env;
  const first = await loadAll(options.path, environment);
  if (first.problems.length > 0) return { ok: false, problems: first.problems };
  let tenants = new Map(first.tenants.map((tenant) => [tenant.id, tenant]));
  let locate = createLocator(first.tenants);
  const watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();

  async function reload(): Promise<readonly Problem[]> {
    const next = await loadAll(options.path, environment);
    const served = new Map<string, Tenant>();
    for (const tenant of next.tenants) {
      const before = tenants.get(tenant.id);
      if (before?.version === tenant.version) served.set(tenant.id, before);
      else {
        await options.onChange?.(tenant);
        served.set(tenant.id, tenant);
        options.logger?.info(`tenant ${tenant.id} was reloaded`);
      }
    }
    for (const [id, tenant] of tenants) if (!served.has(id) && next.broken.has(tenant.folder)) served.set(id, tenant);
    tenants = served;
    locate = createLocator([...served.values()]);
    if (next.problems.length > 0) {
      options.logger?.error(
        { problems: next.problems.map(({ message, hint }) => `${message} ${hint}`) },
        'a changed configuration is invalid; the last valid one stays',
      );
    }
    return next.problems;
  }

  if (options.watch) {
    const watcher = watchFolder(options.path, { recursive: true }, () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        running = running
          .then(reload)
          .catch((error: Error) =>
            options.logger?.error({ reason: error.message }, 'the configuration could not be reloaded'),
          );
      }, settleMilliseconds);
    });
    watcher.on('error', (error) =>
      options.logger?.error({ reason: String(error) }, 'the configuration is no longer watched'),
    );
    watchers.push(watcher);
  }

  return {
    ok: true,
    directory: {
      all: () => [...tenants.values()],
      byId: (id) => tenants.get(id),
      byLocation: (host, path) => locate(host, path),
      reload,
      close() {
        clearTimeout(timer);
        for (const watcher of watchers) watcher.close();
      },
    },
  };
}

/** Finds the tenant whose issuer is the longest beginning of an address, at a cost that does not grow with the tenants. */
export function createLocator(tenants: readonly Tenant[]): (host: string, path: string) => Tenant | undefined {
  const places = new Map<string, Tenant>();
  let deepest = 0;
  for (const tenant of tenants) {
    const { host, pathname } = new URL(tenant.issuer);
    const prefix = pathname.replace(/\/$/, '');
    const place = `${host} ${prefix}`;
    if (!places.has(place)) places.set(place, tenant);
    deepest = Math.max(deepest, prefix.split('/').length - 1);
  }
  return (host, path) => {
    if (path !== '' && path[0] !== '/') return undefined;
    const at = host.toLowerCase();
    let best = places.get(`${at} `);
    let end = 0;
    for (let depth = 0; depth < deepest && path[end] === '/'; depth += 1) {
      const next = path.indexOf('/', end + 1);
      end = next < 0 ? path.length : next;
      best = places.get(`${at} ${path.slice(0, end)}`) ?? best;
    }
    return best;
  };
}

async function loadAll(path: string, environment: Readonly<Record<string, string | undefined>>) {
  const folders = await tenantFolders(path);
  const tenants: Tenant[] = [];
  const problems: Problem[] = [];
  const broken = new Set<string>();
  if (folders.length === 0) problems.push(problem('no-tenant', path, '', 'no tenant', 'a folder with tenant.json'));
  for (const folder of folders) {
    const result = await loadTenant(folder, { masterEnvironment: environment });
    if (!result.ok) {
      problems.push(...result.problems);
      broken.add(folder);
      continue;
    }
    const { tenant } = result;
    const twin = tenants.find((other) => other.id === tenant.id || other.issuer === tenant.issuer);
    if (twin)
      problems.push(
        problem(
          'tenant-twice',
          join(folder, 'tenant.json'),
          twin.id === tenant.id ? '/id' : '/issuer',
          'a value another tenant has',
          'one of its own',
        ),
      );
    else tenants.push(tenant);
  }
  return { tenants, problems, broken };
}

async function tenantFolders(path: string): Promise<string[]> {
  const isTenant = (folder: string) =>
    stat(join(folder, 'tenant.json')).then(
      (found) => found.isFile(),
      () => false,
    );
  if (await isTenant(path)) return [path];
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  const folders = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(path, entry.name))
    .sort();
  const found = await Promise.all(folders.map(async (folder) => ((await isTenant(folder)) ? folder : undefined)));
  return found.filter((folder) => folder !== undefined);
}
