/** What a callback changed, found by comparing what it saw with what it answered. */

/** One place that differs. `removed` and `added` are what stood there and what stands there now, as short text. */
export interface Change {
  readonly path: string;
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Nothing to a reader: what is absent, null, or has nothing in it. */
function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === undefined || value === null || (isFields(value) && Object.keys(value).length === 0);
}

function ownOf(fields: Fields | undefined, name: string): unknown {
  return fields && Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** An answer names some things at the top that stand within the request where the callback sees them. */
function seenAs(before: unknown, name: string): unknown {
  if (!isFields(before)) return undefined;
  if (Object.hasOwn(before, name)) return before[name];
  const { request } = before;
  return isFields(request) ? ownOf(request, name) : undefined;
}

/** A value on one line, without the ornament of JSON. */
export function brief(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(brief).join(', ')}]`;
  if (isFields(value))
    return Object.entries(value)
      .map(([name, one]) => `${name}: ${isFields(one) ? `{ ${brief(one)} }` : brief(one)}`)
      .join(', ');
  return typeof value === 'string' && value !== '' && value.trim() === value ? value : JSON.stringify(value);
}

function compareLists(path: string, before: readonly unknown[], after: readonly unknown[]): Change[] {
  const gone = before.map((one) => JSON.stringify(one));
  const added = after.filter((one) => {
    const at = gone.indexOf(JSON.stringify(one));
    if (at >= 0) gone.splice(at, 1);
    return at < 0;
  });
  const removed = gone.map((text) => brief(JSON.parse(text)));
  return removed.length + added.length > 0 ? [{ path, removed, added: added.map(brief) }] : [];
}

function compare(path: string, before: unknown, after: unknown): Change[] {
  if ((isEmpty(before) && isEmpty(after)) || JSON.stringify(before) === JSON.stringify(after)) return [];
  const [old, now] = [before ?? undefined, after ?? undefined];
  if ((isFields(old) || old === undefined) && isFields(now))
    return [...new Set([...Object.keys(old ?? {}), ...Object.keys(now)])].flatMap((name) =>
      compare(`${path}.${name}`, ownOf(old, name), ownOf(now, name)),
    );
  if ((Array.isArray(old) || old === undefined) && Array.isArray(now)) return compareLists(path, old ?? [], now);
  return [{ path, removed: isEmpty(old) ? [] : [brief(old)], added: isEmpty(now) ? [] : [brief(now)] }];
}

/** The places where an answer differs from what the callback was given; what it left out did not change. */
export function changesOf(before: unknown, after: unknown): readonly Change[] {
  if (!isFields(after)) return [];
  return Object.entries(after).flatMap(([name, value]) => compare(name, seenAs(before, name), value));
}
