/** The few things every repository needs to speak to PostgreSQL through knex. */
import type { Knex } from 'knex';

export type Database = Knex;

/** A value of an SQL parameter. Objects travel as JSON text through `encodeJson`. */
export type Parameter = string | number | boolean | null;

/** Runs one SQL statement; `?` marks the parameters. Answers its rows. */
export async function rows<Row>(
  database: Database | Knex.Transaction,
  sql: string,
  parameters: readonly Parameter[] = [],
): Promise<readonly Row[]> {
  const result: { readonly rows: readonly Row[] } = await database.raw(sql, parameters);
  return result.rows;
}

/**
 * Like `rows`, for a statement of the hot path: each connection has the server parse and plan it once. A pooler between
 * must keep prepared statements (PgBouncer does so since 1.21).
 * @param name unlike that of any other statement.
 */
export async function preparedRows<Row>(
  database: Database,
  name: string,
  sql: string,
  parameters: readonly Parameter[],
): Promise<readonly Row[]> {
  const result: { readonly rows: readonly Row[] } = await database.raw(sql, parameters).options({ name });
  return result.rows;
}

/** Like `rows`, for a statement that answers one row or none. */
export async function firstRow<Row>(
  database: Database | Knex.Transaction,
  sql: string,
  parameters: readonly Parameter[] = [],
): Promise<Row | undefined> {
  return (await rows<Row>(database, sql, parameters))[0];
}

// JSON.stringify escapes exactly NUL this way, and surrogates only where they stand alone.
const UNSTORABLE_ESCAPE = /\\u(?:0000|d[89a-f])/i;

/**
 * JSON text for a `jsonb` parameter. PostgreSQL stores neither NUL nor lone surrogates (section 8.14), which a request
 * may contain; they become U+FFFD, so that no request can make an audit or flow write fail.
 */
export function encodeJson(value: unknown): string {
  const text = JSON.stringify(value ?? null) ?? 'null';
  return UNSTORABLE_ESCAPE.test(text) ? JSON.stringify(storable(JSON.parse(text))) : text;
}

function storable(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [storableText(name), storable(member)]));
}

/** The text with NUL and lone surrogates replaced by U+FFFD, as PostgreSQL's `text` type refuses both. */
export function storableText(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}

/** An instant or count from a `bigint` column: `pg` answers text there, PGlite a number. */
export function instant(value: string | number): number {
  return Number(value);
}
