/**
 * The built-in modules a script may import, and what of the engine they are made of. They are modules like a tenant's own,
 * evaluated afresh like these; their parts are named `sallyport:` and their path, which no tenant's file can be.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const engine = join(import.meta.dirname, '../..');
const folder = 'script/library';

const files = readdirSync(join(engine, folder)).filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
const sources: ReadonlyMap<string, string> = new Map(
  [...files.map((file) => `${folder}/${file}`), 'smart/scope.ts', 'smart/scope-notation.ts', 'smart/scope-set.ts'].map(
    (path) => [`sallyport:${path}`, readFileSync(join(engine, path), 'utf8')],
  ),
);

/** As scripts write them: `sallyport/http`. */
export const libraryNames: readonly string[] = files.map((file) => `sallyport/${file.slice(0, -3)}`);

/** What only library modules may import: the realm's own way to the engine. */
export const hostModule = 'sallyport:host';

/** The part that stands for `sallyport/<name>`. */
export function libraryPart(specifier: string): string {
  return `sallyport:${folder}/${specifier.slice('sallyport/'.length)}.ts`;
}

/** The source of a part of the library, or undefined. */
export function librarySource(part: string): string | undefined {
  return sources.get(part);
}
