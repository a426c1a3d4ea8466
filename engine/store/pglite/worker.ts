/**
 * Runs PGlite (PostgreSQL compiled to WebAssembly) in a worker thread: each of its queries is one synchronous
 * computation, which would stop every request of the main thread while it runs.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import type { DatabaseFault, QueryResult, WorkerReply, WorkerRequest } from './message.ts';

const port = parentPort;
if (port === null) throw new Error('This file runs only as a worker thread.');

function send(reply: WorkerReply): void {
  port?.postMessage(reply);
}

/** Only these members of an error cross the thread; parameters, which may be secret, stay behind. */
function describeFault(error: unknown): DatabaseFault {
  if (!(error instanceof Error)) return { message: 'unknown failure' };
  const known: Error & { code?: unknown; detail?: unknown; constraint?: unknown } = error;
  return {
    message: error.message,
    ...(typeof known.code === 'string' ? { code: known.code } : {}),
    ...(typeof known.detail === 'string' ? { detail: known.detail } : {}),
    ...(typeof known.constraint === 'string' ? { constraint: known.constraint } : {}),
  };
}

async function run(database: PGlite, sql: string, parameters: readonly unknown[]): Promise<QueryResult> {
  const result = await database.query(sql, [...parameters]);
  return {
    command: result.command ?? '',
    rowCount: result.rowCount ?? result.rows.length,
    rows: result.rows,
  };
}

async function serve(dataFolder: string): Promise<void> {
  const database = await PGlite.create(dataFolder);
  port?.on('message', (request: WorkerRequest) => {
    if (request.type === 'close') {
      database.close().then(
        () => send({ type: 'result', id: request.id, result: { command: 'CLOSE', rowCount: 0, rows: [] } }),
        (error: unknown) => send({ type: 'fault', id: request.id, fault: describeFault(error) }),
      );
      return;
    }
    run(database, request.sql, request.parameters).then(
      (result) => send({ type: 'result', id: request.id, result }),
      (error: unknown) => send({ type: 'fault', id: request.id, fault: describeFault(error) }),
    );
  });
  send({ type: 'ready' });
}

const { dataFolder }: { dataFolder: string } = workerData;
serve(dataFolder).catch((error: unknown) => send({ type: 'failed', fault: describeFault(error) }));
