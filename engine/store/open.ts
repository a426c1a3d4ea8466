/** Opens the store: PostgreSQL where a URL names one, else the embedded PGlite in the data folder. */
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import knex, { type Knex } from 'knex';
import { type Database, rows } from './database.ts';
import { StoreError } from './error.ts';
import { migrate } from './migration/migrate.ts';
import { pgliteDialect } from './pglite/client.ts';
import { type PgliteHost, startPglite } from './pglite/host.ts';
import { lockFolder } from './pglite/lock.ts';
import { adminTokenRepository } from './repository/admin-tokens.ts';
import { auditRepository } from './repository/audit.ts';
import { consentRepository } from './repository/consents.ts';
import { clientRepository, providerRepository } from './repository/documents.ts';
import { flowRepository } from './repository/flows.ts';
import { keyRepository } from './repository/keys.ts';
import { launchRepository } from './repository/launches.ts';
import { mailedLinkRepository } from './repository/mailed-links.ts';
import { providerLinkRepository, providerSessionRepository } from './repository/provider-accounts.ts';
import { logoutNoticeRepository } from './repository/logout-notices.ts';
import { registrationRepository } from './repository/registrations.ts';
import { replacedSecretRepository } from './repository/replaced-secrets.ts';
import { secondFactorRepository } from './repository/second-factors.ts';
import { scriptRepository } from './repository/scripts.ts';
import { scriptValueRepository } from './repository/script-values.ts';
import { rememberedContextRepository } from './repository/remembered-contexts.ts';
import { replayRepository } from './repository/replays.ts';
import { sessionRepository } from './repository/sessions.ts';
import { settings } from './repository/settings.ts';
import { tokenRepository } from './repository/tokens.ts';
import { traceRepository } from './repository/traces.ts';
import { userRepository } from './repository/users.ts';
import type { Store } from './store.ts';
import { sweep } from './sweep.ts';

export interface StoreLogger {
  info(message: string): void;
  warn(message: string): void;
}

export interface StoreOptions {
  /** Folder of the embedded database; ignored when `databaseUrl` is given. */
  readonly dataFolder?: string;
  /** `postgres://…`, PostgreSQL 14 or newer. */
  readonly databaseUrl?: string;
  readonly logger?: StoreLogger;
}

interface OpenDatabase {
  readonly database: Database;
  close(): Promise<void>;
}

// knex logs failed statements to the console by itself; every failure reaches the caller as a rejection instead.
const silent: Knex.Logger = { warn() {}, error() {}, deprecate() {}, debug() {} };

function openPostgres(databaseUrl: string): OpenDatabase {
  const database = knex({
    client: 'pg',
    connection: { connectionString: databaseUrl, application_name: 'sallyport', keepAlive: true },
    pool: { min: 0, max: 10 },
    acquireConnectionTimeout: 10_000,
    log: silent,
  });
  return { database, close: () => database.destroy() };
}

async function openEmbedded(dataFolder: string): Promise<OpenDatabase> {
  const lock = await lockFolder(join(dataFolder, 'postgres.lock'));
  let host: PgliteHost;
  const folder = join(dataFolder, 'postgres');
  try {
    // PGlite lets everybody read and write its files; the folder keeps the machine's other users away from them.
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    host = await startPglite(folder);
  } catch (error) {
    await lock.release();
    throw error;
  }
  const database = knex({
    client: pgliteDialect(host),
    connection: {},
    // One session: a transaction has it to itself, and everything else waits its turn.
    pool: { min: 1, max: 1 },
    acquireConnectionTimeout: 60_000,
    log: silent,
  });
  return {
    database,
    async close() {
      await database.destroy();
      await host.close().finally(() => lock.release());
    },
  };
}

async function openDatabase(options: StoreOptions): Promise<OpenDatabase> {
  if (options.databaseUrl !== undefined) return openPostgres(options.databaseUrl);
  if (options.dataFolder !== undefined) {
    options.logger?.warn(
      'The embedded database survives a killed process but not a power cut: ' +
        'it cannot force its writes to disk. Set DATABASE_URL to a PostgreSQL server for production.',
    );
    return openEmbedded(options.dataFolder);
  }
  throw new StoreError(
    'store-unconfigured',
    'No place to store anything is configured.',
    'Set DATABASE_URL to a PostgreSQL server, or name a data folder.',
  );
}

/**
 * Opens the store and brings its schema to this version.
 * @throws StoreError `store-unconfigured`, `store-locked` (another process has the data folder), `store-unavailable`.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const opened = await openDatabase(options);
  const { database } = opened;
  try {
    await migrate(database);
  } catch (error) {
    await opened.close().catch(() => undefined);
    throw new StoreError(
      'store-unavailable',
      `The database could not be prepared: ${error instanceof Error ? error.message : 'unknown failure'}`,
      'Check that the database server is reachable and that its user may create tables.',
      error,
    );
  }
  let closing: Promise<void> | undefined;
  return {
    flows: flowRepository(database),
    tokens: tokenRepository(database),
    sessions: sessionRepository(database),
    logoutNotices: logoutNoticeRepository(database),
    users: userRepository(database),
    clients: clientRepository(database),
    providers: providerRepository(database),
    providerLinks: providerLinkRepository(database),
    providerSessions: providerSessionRepository(database),
    replays: replayRepository(database),
    launches: launchRepository(database),
    mailedLinks: mailedLinkRepository(database),
    registrations: registrationRepository(database),
    secondFactors: secondFactorRepository(database),
    consents: consentRepository(database),
    rememberedContexts: rememberedContextRepository(database),
    keys: keyRepository(database),
    audit: auditRepository(database),
    traces: traceRepository(database),
    adminTokens: adminTokenRepository(database),
    scriptValues: scriptValueRepository(database),
    scripts: scriptRepository(database),
    replacedSecrets: replacedSecretRepository(database),
    ...settings(database),
    sweep: (now, keep) => sweep(database, now, keep),
    async ping() {
      await rows(database, 'select 1');
    },
    close() {
      closing ??= opened.close();
      return closing;
    },
  };
}
