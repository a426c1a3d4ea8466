/** What differs between two JSON values, place by place. */

export interface Change {
  /** JSON pointer (RFC 6901). */
  readonly path: string;
  /** Absent where there was nothing. */
  readonly before?: unknown;
  /** Absent where nothing is left. */
  readonly after?: unknown;
}

type Tree = Readonly<Record<string, unknown>>;

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function same(left: unknown, right: unknown): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}

function join(path: string, name: string): string {
  return `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** Lists of scopes and the like: what came and what went, each named by its value. */
function membersOf(before: readonly unknown[], after: readonly unknown[], path: string): readonly Change[] {
  const texts = (list: readonly unknown[]) => new Set(list.map((each) => JSON.stringify(each)));
  const [old, young] = [texts(before), texts(after)];
  const gone = before.filter((each) => !young.has(JSON.stringify(each)));
  const added = after.filter((each) => !old.has(JSON.stringify(each)));
  // The same members in another order, or another number of them.
  if (gone.length + added.length === 0) return [{ path, before, after }];
  return [
    ...gone.map((each) => ({ path: `${path}/-`, before: each })),
    ...added.map((each) => ({ path: `${path}/-`, after: each })),
  ];
}

/** @returns nothing where the two are alike. Of lists the members that came and went stand at `/-`. */
export function changesBetween(before: unknown, after: unknown, path = ''): readonly Change[] {
  if (same(before, after)) return [];
  if (isTree(before) && isTree(after))
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) =>
      changesBetween(before[name], after[name], join(path, name)),
    );
  if (Array.isArray(before) && Array.isArray(after)) return membersOf(before, after, path);
  // A tree that appears is told by its members, so that each stands on a line.
  if (before === undefined && isTree(after) && Object.keys(after).length > 0)
    return Object.keys(after).flatMap((name) => changesBetween(undefined, after[name], join(path, name)));
  return [{ path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }];
}
