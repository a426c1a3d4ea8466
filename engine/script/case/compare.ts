/** How what a case expects is held against what came. */
import type { Json } from '../runner.ts';

type Tree = { readonly [name: string]: Json };

function isTree(value: Json | undefined): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: Json | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

/** Where a value does not agree with what is expected of it; only what is expected is looked at. Null also stands for nothing. */
export function disagreements(expected: Json, found: Json | undefined, at = ''): readonly string[] {
  if (expected === null && found === undefined) return [];
  if (Array.isArray(expected) && Array.isArray(found)) {
    if (expected.length !== found.length)
      return [`${at || '/'}: expected ${expected.length} items, found ${found.length}: ${show(found)}`];
    return expected.flatMap((each: Json, index) =>
      disagreements(each, (found as readonly Json[])[index], `${at}/${index}`),
    );
  }
  if (isTree(expected) && isTree(found))
    return Object.entries(expected).flatMap(([name, each]) => disagreements(each, found[name], `${at}/${name}`));
  return JSON.stringify(expected) === JSON.stringify(found)
    ? []
    : [`${at || '/'}: expected ${show(expected)}, found ${show(found)}`];
}

/** The parts that do not occur in the lines in this order. */
export function missingParts(parts: readonly string[], lines: readonly string[]): readonly string[] {
  let from = 0;
  return parts.filter((part) => {
    const place = lines.findIndex((line, index) => index >= from && line.includes(part));
    if (place < 0) return true;
    from = place + 1;
    return false;
  });
}
