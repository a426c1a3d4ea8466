/** All tenants of a server, by id and by place; reloads one at a time when its files change. */
import type { SecretSource } from './files.ts';
import { loadTenants } from './load-all.ts';
import { createLocator } from './locator.ts';
import { problem, type Problem } from './problem.ts';
import type { Tenant, TenantDirectory } from './tenant.ts';
import { watchTree } from './watch-tree.ts';

export interface OpenDirectory extends TenantDirectory {
  /** Loads everything again. A tenant whose new document is invalid keeps its last valid one; its problems are answered. */
  reload(): Promise<readonly Problem[]>;
  close(): void;
}

export interface DirectoryOptions {
  /** One tenant's folder, or a folder of them. */
  readonly path: string;
  readonly watch?: boolean;
  readonly environment?: SecretSource['environment'];
  readonly fileStandIn?: SecretSource['fileStandIn'];
  readonly logger?: {
    info(message: string): void;
    warn(message: string): void;
    error(fields: object, message: string): void;
  };
  /** Called for a new or changed tenant before it is served; where it rejects, the one before stays. */
  readonly onChange?: (tenant: Tenant) => Promise<void>;
  /** When a tenant that could not be made ready is tried again: the store may have been away for a moment. */
  readonly retryMilliseconds?: number;
}

const retryEvery = 10_000;

function lineOf({ message, hint }: Problem): string {
  return `${message} ${hint}`.trim();
}

/** Refuses with the problems of all tenants at once. */
export async function openTenantDirectory(
  options: DirectoryOptions,
): Promise<
  | { readonly ok: true; readonly directory: OpenDirectory }
  | { readonly ok: false; readonly problems: readonly Problem[] }
> {
  const { path, logger, fileStandIn } = options;
  const environment = options.environment ?? process.env;
  const first = await loadTenants(path, environment, fileStandIn);
  if (first.problems.length > 0) return { ok: false, problems: first.problems };
  let tenants: ReadonlyMap<string, Tenant> = new Map(first.tenants.map((tenant) => [tenant.id, tenant]));
  let locate = createLocator(first.tenants);

  let warned: ReadonlySet<string> = new Set();
  /** Says each warning once, and again when it comes back. */
  function warn(warnings: readonly Problem[]): void {
    const lines = new Set(warnings.map(lineOf));
    for (const line of lines) if (!warned.has(line)) logger?.warn(line);
    warned = lines;
  }
  warn(first.warnings);

  let told = '';
  let retryTimer: NodeJS.Timeout | undefined;
  let closed = false;

  /** The tenant made ready to be served, or what keeps it from being so. */
  async function prepare(tenant: Tenant): Promise<Problem | undefined> {
    try {
      await options.onChange?.(tenant);
      return undefined;
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'it could not be prepared';
      return problem('not-prepared', tenant.folder, '', `a tenant that cannot be served (${reason})`, 'one that can');
    }
  }

  async function readAgain(): Promise<readonly Problem[]> {
    const next = await loadTenants(path, environment, fileStandIn);
    const problems = [...next.problems];
    let retry = false;
    const unserved = new Set(next.broken);
    const served = new Map<string, Tenant>();
    const changed: string[] = [];
    const staying = [...tenants.values()].filter(({ folder }) => next.broken.has(folder));
    for (const tenant of next.tenants) {
      const twin = staying.find(({ id, issuer }) => id === tenant.id || issuer === tenant.issuer);
      if (twin) {
        const found = `the id or issuer of ${twin.folder}, whose last valid tenant stays`;
        problems.push(problem('tenant-twice', tenant.folder, '', found, 'an id and an issuer of its own'));
        unserved.add(tenant.folder);
        continue;
      }
      const before = tenants.get(tenant.id);
      const same = before?.version === tenant.version && before.folder === tenant.folder;
      const failure = same ? undefined : await prepare(tenant);
      if (failure) {
        retry = true;
        problems.push(failure);
        unserved.add(tenant.folder);
        continue;
      }
      served.set(tenant.id, same ? before : tenant);
      if (!same) changed.push(tenant.id);
    }
    // A folder without any tenant is a mistake, or a copy that is still under way; it takes nobody out of service.
    const empty = next.tenants.length === 0 && next.broken.size === 0;
    for (const [id, tenant] of tenants)
      if (!served.has(id) && (empty || unserved.has(tenant.folder))) served.set(id, tenant);
    const removed = [...tenants.keys()].filter((id) => !served.has(id));
    tenants = served;
    locate = createLocator([...served.values()]);
    for (const id of changed) logger?.info(`tenant ${id} was loaded anew`);
    for (const id of removed) logger?.info(`tenant ${id} is no longer served`);
    clearTimeout(retryTimer);
    if (retry && !closed)
      retryTimer = setTimeout(() => void reload().catch(() => undefined), options.retryMilliseconds ?? retryEvery);
    retryTimer?.unref();
    warn(next.warnings);
    const lines = problems.map(lineOf);
    // What was said stays true until something else is.
    if (lines.length > 0 && lines.join('\n') !== told)
      logger?.error({ problems: lines }, 'a changed configuration is invalid; the last valid one stays');
    told = lines.join('\n');
    return problems;
  }

  let running: Promise<unknown> = Promise.resolve();

  /** One after the other, so that an older reading never replaces a newer one. */
  function reload(): Promise<readonly Problem[]> {
    const result = running.then(readAgain);
    running = result.catch(() => undefined);
    return result;
  }

  const watcher = options.watch
    ? await watchTree(path, reload, (reason) =>
        logger?.error(
          { reason },
          'the configuration is not watched in full; npx sallyport admin reload reads it again',
        ),
      )
    : undefined;

  return {
    ok: true,
    directory: {
      all: () => [...tenants.values()],
      byId: (id) => tenants.get(id),
      byLocation: (host, address) => locate(host, address),
      reload,
      close() {
        closed = true;
        clearTimeout(retryTimer);
        watcher?.close();
      },
    },
  };
}
