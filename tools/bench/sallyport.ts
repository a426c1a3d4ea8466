/** Sallyport as `npm start` starts it, on PostgreSQL. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, freePort, startChild, untilReady } from './child.ts';

export interface BenchServer {
  readonly url: string;
  readonly child: Child;
  /** From the start of the process to its first ready answer, milliseconds. */
  readonly startMilliseconds: number;
  close(): Promise<void>;
}

const main = join(import.meta.dirname, '../cli/main.ts');

// Servers of one run may follow each other on one database, whose keys are sealed with it.
const masterKey = randomBytes(32).toString('base64url');

/** @param options.config makes the folder of tenants for an address. It is removed with the server. */
export async function startSallyport(options: {
  readonly databaseUrl: string;
  readonly config: (url: string) => Promise<string>;
  readonly profile?: string;
}): Promise<BenchServer> {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const config = await options.config(url);
  const data = await mkdtemp(join(tmpdir(), 'sallyport-bench-data-'));
  const began = performance.now();
  const child = startChild(main, {
    arguments: ['serve'],
    nodeArguments: options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`],
    environment: {
      SALLYPORT_CONFIG: config,
      SALLYPORT_DATA: data,
      SALLYPORT_MASTER_KEY: masterKey,
      DATABASE_URL: options.databaseUrl,
      PORT: String(port),
      LOG_LEVEL: 'warn',
    },
  });
  const remove = () => Promise.all([config, data].map((folder) => rm(folder, { recursive: true, force: true })));
  try {
    await untilReady(`${url}/health/ready`, child);
  } catch (error) {
    await child.stop();
    await remove();
    throw error;
  }
  return {
    url,
    child,
    startMilliseconds: performance.now() - began,
    async close() {
      await child.stop();
      await remove();
    },
  };
}
