/**
 * knex's PostgreSQL dialect over the embedded database. The dialect asks of a connection only `query`, `on` and `end`;
 * the pool holds exactly one, so that a transaction has the single PGlite session to itself.
 */
import { createRequire } from 'node:module';
import type { Knex } from 'knex';
import type { PgliteHost } from './host.ts';
import type { QueryResult } from './message.ts';

type Callback = (error: unknown, result?: QueryResult) => void;
type QueryInput = string | { readonly text: string; readonly values?: readonly unknown[] };

interface Connection {
  query(input: QueryInput, callback: Callback): void;
  end(callback: () => void): void;
}

// The dialect has no type declarations of its own; it extends `Knex.Client`.
const PostgresDialect: typeof Knex.Client = createRequire(import.meta.url)('knex/lib/dialects/postgres/index.js');

function connectionOf(host: PgliteHost): Connection {
  return {
    query(input, callback) {
      const text = typeof input === 'string' ? input : input.text;
      const values = typeof input === 'string' ? [] : (input.values ?? []);
      host.query(text, values).then((result) => callback(undefined, result), callback);
    },
    // The host outlives its pooled connection: the store closes it itself.
    end: (callback) => callback(),
  };
}

/** A dialect class, as knex wants its `client` setting, bound to one running database. */
export function pgliteDialect(host: PgliteHost): typeof Knex.Client {
  return class PgliteDialect extends PostgresDialect {
    override async acquireRawConnection(): Promise<Connection> {
      return connectionOf(host);
    }
  };
}
