/** A whole server in a process of its own, as `npm start` makes it, over a copy of the demo tenants on a free port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { placeStore } from './embedded-store.ts';
import { inherited } from './environment.ts';

const root = join(import.meta.dirname, '../..');

export interface TestServer {
  readonly url: string;
  readonly issuer: string;
  /** The copied tenants, to be changed by a test. */
  readonly config: string;
  readonly data: string;
  readonly port: number;
  kill(): Promise<void>;
  close(): Promise<void>;
}

export interface TestServerOptions {
  readonly databaseUrl?: string;
  /** Run on the tenants, data and port of a server before. */
  readonly again?: TestServer;
  /** Changes the copied tenants before the start; `url` is where the server will be. */
  readonly prepare?: (config: string, url: string) => Promise<void>;
  /** Further variables of the server's environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A port nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Copies the demo tenants and moves them to another origin. */
export async function copyTenants(url: string): Promise<string> {
  const config = await mkdtemp(join(tmpdir(), 'sallyport-config-'));
  await cp(join(root, 'scripts-examples'), config, { recursive: true });
  for (const file of await readdir(config, { recursive: true })) {
    if (!/\.(json|js)$/.test(file)) continue;
    const path = join(config, file);
    const text = await readFile(path, 'utf8');
    await writeFile(
      path,
      text.replaceAll('http://localhost:9200', url).replaceAll('localhost:9200', new URL(url).host),
    );
  }
  return config;
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const port = options.again?.port ?? (await freePort());
  const url = `http://localhost:${port}`;
  const config = options.again?.config ?? (await copyTenants(url));
  const data = options.again?.data ?? (await mkdtemp(join(tmpdir(), 'sallyport-data-')));
  if (!options.again && !options.databaseUrl) await placeStore(data);
  await options.prepare?.(config, url);
  const environment = {
    ...inherited,
    SALLYPORT_CONFIG: config,
    SALLYPORT_DATA: data,
    PORT: String(port),
    LOG_LEVEL: 'warn',
    ...(options.databaseUrl ? { DATABASE_URL: options.databaseUrl } : {}),
    ...options.environment,
  };
  const child = spawn(process.execPath, [join(root, 'tools/cli/main.ts'), 'serve'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await ready(url, child, () => output);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  };
  return {
    url,
    issuer: `${url}/demo`,
    config,
    data,
    port,
    kill: () => end('SIGKILL'),
    async close() {
      await end('SIGTERM');
      await rm(config, { recursive: true, force: true });
      await rm(data, { recursive: true, force: true });
    },
  };
}

async function ready(url: string, child: ChildProcess, output: () => string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`the server ended: ${output()}`);
    const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the server did not become ready: ${output()}`);
}
