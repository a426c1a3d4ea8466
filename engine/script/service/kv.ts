/** The tenant's key-value store: small, bounded, and everything in it expires. */
import type { Json } from '../runner.ts';
import { refusal, type Service, type ServiceAnswer } from './context.ts';

const longestKey = 200;
const longestValue = 16_384;
const standardLifetime = 86_400;
const longestLifetime = 30 * 86_400;

/** `{service: 'kv', operation: 'get'|'set'|'remove'|'increment', key, value?, by?, ttlSeconds?}`. */
export const kvService: Service = async (request, context): Promise<ServiceAnswer> => {
  const { operation, key, value = null, by = 1, ttlSeconds = standardLifetime } = request;
  const target = `kv ${String(operation)}`;
  const { values } = context.services;
  const { tenantId, limits, suppressWrites } = context.invocation;
  if (!values) return refusal(target, 'unavailable', 'there is no key-value store here');
  if (typeof key !== 'string' || key === '' || key.length > longestKey || /\p{Cc}/u.test(key))
    return refusal(target, 'key', `a key is a text of 1 to ${longestKey} characters`);
  if (!Number.isInteger(ttlSeconds) || Number(ttlSeconds) < 1 || Number(ttlSeconds) > longestLifetime)
    return refusal(target, 'ttl', `ttlSeconds is a whole number from 1 to ${longestLifetime}`);
  const now = Date.now();
  const done = (answer: Json): ServiceAnswer => ({ target, outcome: 'done', body: { ok: true, value: answer } });
  if (operation === 'get') return done(((await values.get(tenantId, key, now)) ?? null) as Json);
  if (suppressWrites) return { target, outcome: 'suppressed', body: { ok: true, suppressed: true, value: null } };
  const bounds = { keys: limits.kvKeys, bytes: limits.kvBytes };
  const expiresAt = now + Number(ttlSeconds) * 1000;
  switch (operation) {
    case 'set': {
      const text = JSON.stringify(value);
      if (Buffer.byteLength(text) > longestValue)
        return refusal(target, 'value', `a value may have ${longestValue} bytes`);
      const stored = await values.set(tenantId, key, value, { expiresAt, now, bounds });
      return stored ? done(null) : refusal(target, 'full', 'the key-value store of the tenant is full');
    }
    case 'remove':
      await values.remove(tenantId, key);
      return done(null);
    case 'increment': {
      if (typeof by !== 'number' || !Number.isSafeInteger(by))
        return refusal(target, 'value', 'a number is increased by a whole number');
      const sum = await values.increment(tenantId, key, by, { expiresAt, now, bounds });
      if (sum === 'full') return refusal(target, 'full', 'the key-value store of the tenant is full');
      return sum === 'no-number' ? refusal(target, 'value', 'the value is no number') : done(sum);
    }
    default:
      return refusal(target, 'malformed', 'the request is malformed');
  }
};
