/** Pages of a list that is in memory, in the order of a key. */

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next?: string;
}

/** @param query `limit` and `after`, as `pageQuery` of `schema.ts` describes them. */
export function pageOf<Item>(
  all: readonly Item[],
  keyOf: (item: Item) => string,
  query: Readonly<Record<string, string>>,
): Page<Item> {
  const { after } = query;
  const sorted = [...all].sort((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1));
  return cut(
    sorted.filter((item) => after === undefined || keyOf(item) > after),
    keyOf,
    Number(query['limit']),
  );
}

/** Cuts a list that may hold more than a page. */
export function cut<Item>(items: readonly Item[], keyOf: (item: Item) => string, limit: number): Page<Item> {
  const shown = items.slice(0, limit);
  const last = shown.at(-1);
  return items.length > limit && last !== undefined ? { items: shown, next: keyOf(last) } : { items: shown };
}
