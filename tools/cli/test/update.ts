/** `sallyport test --update`: what a case expects becomes what was found, as far as it says anything of it. */
import { disagreements } from '../../../engine/script/case/compare.ts';
import type { Json } from '../../../engine/script/runner.ts';

type Tree = Readonly<Record<string, Json>>;

function isTree(value: Json | undefined): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What agrees stays as it is written, matchers too; of an object only the named members are looked at. */
function renewed(expected: Json, found: Json | undefined): Json {
  if (disagreements(expected, found).length === 0) return expected;
  if (isTree(expected) && isTree(found) && !Object.keys(expected).some((name) => name.startsWith('$')))
    return Object.fromEntries(Object.entries(expected).map(([name, each]) => [name, renewed(each, found[name])]));
  return found ?? null;
}

/**
 * @param document a case as its file says it.
 * @param found what was found, by the names of `expect`; members that are not in it stay.
 */
export function renewedCase(document: Tree, found: Tree): Tree {
  const expect = (document['expect'] ?? {}) as Tree;
  const said = Object.entries(expect).filter(([name]) => name !== 'outcome');
  const usual = 'given' in document ? 'success' : 'ok';
  const outcome = found['outcome'] ?? usual;
  return {
    ...document,
    expect: {
      ...(outcome === usual && expect['outcome'] === undefined ? {} : { outcome }),
      ...Object.fromEntries(
        said.map(([name, each]) => [name, Object.hasOwn(found, name) ? renewed(each, found[name]) : each]),
      ),
    },
  };
}
