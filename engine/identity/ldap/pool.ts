/** Connections of one directory that are bound as the service account, kept for the next search. */
import type { DirectoryConnection } from './connection.ts';
import { DirectoryError } from './socket.ts';

export interface DirectoryPool {
  /** Lends a connection; one that fails at work is not used again. @throws DirectoryError */
  use<Value>(work: (connection: DirectoryConnection) => Promise<Value>): Promise<Value>;
}

/** Connections at one time; more searches wait for one of them. */
const mostConnections = 8;
const mostWaiting = 200;
/** Milliseconds after which an idle one is closed: before most directories do it themselves. */
const idleFor = 60_000;

interface Idle {
  readonly connection: DirectoryConnection;
  readonly timer: NodeJS.Timeout;
}

/** @param open makes a connection that is ready for searches. */
export function createPool(open: () => Promise<DirectoryConnection>): DirectoryPool {
  const idle: Idle[] = [];
  const waiting: (() => void)[] = [];
  let lent = 0;

  function keep(connection: DirectoryConnection): void {
    const timer = setTimeout(() => {
      idle.splice(
        idle.findIndex((one) => one.connection === connection),
        1,
      );
      connection.close();
    }, idleFor).unref();
    idle.push({ connection, timer });
  }

  function kept(): DirectoryConnection | undefined {
    for (let last = idle.pop(); last; last = idle.pop()) {
      clearTimeout(last.timer);
      if (last.connection.usable) return last.connection;
      last.connection.close();
    }
    return undefined;
  }

  return {
    async use(work) {
      if (lent >= mostConnections) {
        if (waiting.length >= mostWaiting) throw new DirectoryError('busy', 'too many searches wait');
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
      lent += 1;
      let connection: DirectoryConnection | undefined;
      try {
        connection = kept();
        if (connection) {
          try {
            return await work(connection);
          } catch (error) {
            // It may have been closed while it was idle: that says nothing of the directory. A slow one is not asked twice.
            if (connection.usable || (error instanceof DirectoryError && error.problem === 'timeout')) throw error;
            connection.close();
          }
        }
        connection = undefined;
        connection = await open();
        return await work(connection);
      } finally {
        if (connection?.usable) keep(connection);
        else connection?.close();
        lent -= 1;
        waiting.shift()?.();
      }
    },
  };
}
