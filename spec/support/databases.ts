/** Both databases a store may stand on, so that one suite can run on each. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type StoreOptions } from '../../engine/store/open.ts';
import type { Store } from '../../engine/store/store.ts';
import { placeStore } from './embedded-store.ts';
import { type PostgresServer, startPostgres } from './postgres.ts';

export { type PostgresServer, startPostgres } from './postgres.ts';

export interface OpenedDatabase {
  readonly store: Store;
  /** What opened the store: a second store on PostgreSQL may be opened with it. */
  readonly options: StoreOptions;
  /** Closes every store and opens the same database again. */
  reopen(): Promise<Store>;
  /** Closes every store that was opened here and removes the data. */
  close(): Promise<void>;
}

export interface TestDatabase {
  readonly name: 'PGlite' | 'PostgreSQL';
  /** A fresh, empty database. */
  open(): Promise<OpenedDatabase>;
}

let shared: Promise<PostgresServer> | undefined;

/** One server for the whole test process; it stops after the last test. */
export function sharedPostgres(): Promise<PostgresServer> {
  shared ??= startPostgres();
  return shared;
}

// This module is loaded before any suite is defined, so the hook belongs to the root suite.
if (typeof after === 'function') {
  after(async function () {
    this.timeout(30_000);
    await (await shared)?.stop();
    shared = undefined;
  });
}

async function opened(options: StoreOptions, remove: () => Promise<void>): Promise<OpenedDatabase> {
  let current = await openStore(options);
  return {
    store: current,
    options,
    async reopen() {
      await current.close();
      current = await openStore(options);
      return current;
    },
    async close() {
      await current.close();
      await remove();
    },
  };
}

async function openPglite(): Promise<OpenedDatabase> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'sallyport-pglite-'));
  await placeStore(dataFolder);
  return opened({ dataFolder }, () => rm(dataFolder, { recursive: true, force: true }));
}

async function openPostgres(): Promise<OpenedDatabase> {
  const server = await sharedPostgres();
  const databaseUrl = await server.url(`spec_${randomBytes(6).toString('hex')}`);
  return opened({ databaseUrl }, async () => undefined);
}

export function databases(): readonly TestDatabase[] {
  return [
    { name: 'PGlite', open: openPglite },
    { name: 'PostgreSQL', open: openPostgres },
  ];
}
