/** How what a case expects is held against what came. */
import type { Json } from '../runner.ts';

type Tree = { readonly [name: string]: Json };

function isTree(value: Json | undefined): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: Json | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

/** What stands for values that differ from run to run; each answers whether a value is one of them. */
const matchers: Readonly<Record<string, (argument: Json, found: Json | undefined) => boolean>> = {
  $match: (pattern, found) => typeof found === 'string' && fits(String(pattern), found),
  $type: (kind, found) => kindOf(found) === kind,
  $any: (_always, found) => found !== undefined,
};

function fits(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(text);
  } catch {
    return false;
  }
}

function kindOf(value: Json | undefined): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** Undefined where the value is no matcher. */
function matches(expected: Tree, found: Json | undefined): boolean | undefined {
  const [[name, argument] = ['', null], ...others] = Object.entries(expected);
  const matcher = others.length === 0 && Object.hasOwn(matchers, name) ? matchers[name] : undefined;
  return matcher?.(argument, found);
}

/**
 * Where a value does not agree with what is expected of it; only what is expected is looked at. Null also stands for
 * nothing, `{"$match": "…"}` for a text that the expression fits, `{"$type": "number"}` for a value of a kind, and
 * `{"$any": true}` for any.
 */
export function disagreements(expected: Json, found: Json | undefined, at = ''): readonly string[] {
  if (expected === null && found === undefined) return [];
  const matched = isTree(expected) ? matches(expected, found) : undefined;
  if (matched !== undefined) return matched ? [] : [`${at || '/'}: expected ${show(expected)}, found ${show(found)}`];
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
