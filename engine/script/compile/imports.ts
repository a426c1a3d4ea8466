/** Which of a tenant's own files a file imports, found before any of them is linked. */
import { resolveImport } from './compile.ts';
import { readModule } from './module.ts';
import { parseFile } from './parse.ts';

/** Paths below the tenant's folder; none where the file cannot be read as a script, which compiling it will tell. */
export function importsOf(file: string, source: string): readonly string[] {
  const parsed = parseFile(file, source);
  if (!parsed.ok || parsed.parsed.style === 'classic') return [];
  return readModule(parsed.parsed)
    .specifiers.map((specifier) => resolveImport(file, specifier))
    .filter((path) => path !== undefined);
}
