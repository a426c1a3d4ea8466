/** Reads a script with the files it imports, as the admin API takes them. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { importsOf } from '../../../engine/script/compile/imports.ts';
import { UsageError } from './body.ts';

export interface ScriptBody {
  readonly entry: string;
  readonly files: readonly { readonly name: string; readonly source: string }[];
}

/** Imports are read below the entry's own folder. @throws UsageError when one of the files cannot be read. */
export async function readScript(path: string): Promise<ScriptBody> {
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
  return { entry, files: [...files].map(([name, source]) => ({ name, source })) };
}
