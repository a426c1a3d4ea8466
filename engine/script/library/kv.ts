/** `sallyport/kv`: a small store of the tenant's own, shared by its hooks, flows and nodes. Everything in it expires. */
import { ask } from 'sallyport:host';

export interface KeepOptions {
  /** A day unless given, at most thirty. */
  readonly ttlSeconds?: number;
}

/** A key or value out of bounds, or the tenant's store is full. */
export class KvError extends Error {
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.name = 'KvError';
    this.code = code;
  }
}

async function call(request: Readonly<Record<string, unknown>>): Promise<unknown> {
  const answer = await ask({ service: 'kv', ...request });
  if (!answer.ok) throw new KvError(answer.message ?? 'the store did not answer', answer.code ?? 'unavailable');
  return answer['value'];
}

/** @returns undefined where there is nothing, or no longer. */
export async function get(key: string): Promise<unknown> {
  return (await call({ operation: 'get', key })) ?? undefined;
}

/** Any value that is JSON, up to 16 KiB; keys up to 200 characters. */
export async function set(key: string, value: unknown, options: KeepOptions = {}): Promise<void> {
  await call({ operation: 'set', key, value, ...options });
}

export async function remove(key: string): Promise<void> {
  await call({ operation: 'remove', key });
}

/** Adds to a number that starts at 0, in one step even between nodes. @returns the sum. */
export async function increment(key: string, by = 1, options: KeepOptions = {}): Promise<number> {
  return Number(await call({ operation: 'increment', key, by, ...options }));
}
