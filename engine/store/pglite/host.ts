/** The main thread's end of the PGlite worker: sends queries, matches replies, reports its death. */
import { Worker } from 'node:worker_threads';
import { StoreError } from '../error.ts';
import type { DatabaseFault, QueryResult, WorkerReply, WorkerRequest } from './message.ts';

export interface PgliteHost {
  query(sql: string, parameters: readonly unknown[]): Promise<QueryResult>;
  /** Closes the database in good order, then ends the worker. */
  close(): Promise<void>;
}

interface Waiting {
  resolve(result: QueryResult): void;
  reject(error: Error): void;
}

function toError(fault: DatabaseFault): Error {
  return Object.assign(new Error(fault.message), fault);
}

/**
 * Starts PGlite over a folder of its own.
 * @param dataFolder the PostgreSQL data folder; made when it does not exist.
 * @throws StoreError `store-unavailable` when the database cannot start.
 */
export async function startPglite(dataFolder: string): Promise<PgliteHost> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: { dataFolder } });
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let ended: StoreError | undefined;

  function end(reason: string): void {
    ended ??= new StoreError('store-unavailable', `The embedded database ended: ${reason}`);
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  }

  function ask(request: (id: number) => WorkerRequest): Promise<QueryResult> {
    if (ended !== undefined) return Promise.reject(ended);
    return new Promise((resolve, reject) => {
      const id = nextId++;
      waiting.set(id, { resolve, reject });
      worker.postMessage(request(id));
    });
  }

  const ready = new Promise<void>((resolve, reject) => {
    worker.on('message', (reply: WorkerReply) => {
      if (reply.type === 'ready') return resolve();
      if (reply.type === 'failed') return reject(toError(reply.fault));
      const caller = waiting.get(reply.id);
      waiting.delete(reply.id);
      if (reply.type === 'result') caller?.resolve(reply.result);
      else caller?.reject(toError(reply.fault));
    });
    worker.on('error', (error) => {
      end(error instanceof Error ? error.message : String(error));
      reject(error);
    });
    worker.on('exit', (code) => {
      end(`its thread left with code ${code}`);
      reject(ended);
    });
  });

  try {
    await ready;
  } catch (error) {
    await worker.terminate();
    throw new StoreError(
      'store-unavailable',
      `The embedded database in ${dataFolder} did not start: ${error instanceof Error ? error.message : error}`,
      'Check that the folder is writable and whole, or name a PostgreSQL server in DATABASE_URL.',
      error,
    );
  }

  return {
    query: (sql, parameters) => ask((id) => ({ id, type: 'query', sql, parameters })),
    async close() {
      if (ended !== undefined) return;
      await ask((id) => ({ id, type: 'close' })).finally(() => worker.terminate());
    },
  };
}
