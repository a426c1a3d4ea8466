/** Reads a script with the files it imports, as the admin API takes them. */
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { importsOf } from '../../../engine/script/compile/imports.ts';
import { UsageError } from './body.ts';

export interface ScriptBody {
  readonly entry: string;
  readonly files: readonly { readonly name: string; readonly source: string }[];
  /** The cases of the slot that lie in the folder `cases` beside the entry. */
  readonly cases?: readonly object[];
}

/** @throws UsageError when a case cannot be read. */
async function casesBeside(folder: string, slot: string): Promise<readonly object[]> {
  const place = join(folder, 'cases');
  const names = await readdir(place).catch(() => []);
  const cases: object[] = [];
  for (const name of names.filter((each) => each.endsWith('.case.json')).sort()) {
    const text = await readFile(join(place, name), 'utf8');
    try {
      const read = JSON.parse(text) as { readonly slot?: string; readonly given?: unknown };
      // Cases of whole flows are those of the tenant, not of one script.
      if (read.given === undefined && (read.slot ?? 'callbacks') === slot) cases.push(read);
    } catch {
      throw new UsageError(`The case ${join(place, name)} is not well-formed JSON.`);
    }
  }
  return cases;
}

/** Imports are read below the entry's own folder. @throws UsageError when one of the files cannot be read. */
export async function readScript(path: string, slot: string): Promise<ScriptBody> {
  const folder = dirname(path);
  const entry = basename(path);
  const files = new Map<string, string>();
  const wanted = [entry];
  for (let name = wanted.shift(); name !== undefined; name = wanted.shift()) {
    if (files.has(name)) continue;
    const place = join(folder, name);
    const source = await readFile(place, 'utf8').catch(() => {
      throw new UsageError(`The file ${place} cannot be read.`);
    });
    files.set(name, source);
    wanted.push(...importsOf(name, source));
  }
  const cases = await casesBeside(folder, slot);
  return {
    entry,
    files: [...files].map(([name, source]) => ({ name, source })),
    ...(cases.length > 0 ? { cases } : {}),
  };
}
