/** `sallyport new`: a tenant's folder to begin with, with a typed callback and a case that holds. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';

const template = join(import.meta.dirname, 'template');
const root = join(import.meta.dirname, '../..');

/** @returns the exit code: 0 when the folder was made, 1 where it holds something already or cannot be made. */
export async function newTenant(folder: string, write: (line: string) => void): Promise<number> {
  const place = resolve(folder);
  const name = basename(place);
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) {
    write(`The folder's name becomes the tenant's: letters, digits, '.', '-' and '_', not ${JSON.stringify(name)}.`);
    return 1;
  }
  const held = await readdir(place).catch(() => []);
  if (held.length > 0) {
    write(`${folder} holds files already; name a folder that is new or empty.`);
    return 1;
  }
  for (const file of await readdir(template, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const source = join(file.parentPath, file.name);
    const target = join(place, relative(template, source));
    const to = (path: string) => relative(dirname(target), join(root, path)).replaceAll('\\', '/');
    const text = (await readFile(source, 'utf8'))
      .replaceAll('{{name}}', name)
      .replaceAll('{{schema}}', to('schemas/tenant.schema.json'))
      .replaceAll('{{case-schema}}', to('schemas/case.schema.json'))
      .replaceAll('{{types}}', to('engine/script/callbacks.d.ts'));
    try {
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, text, { flag: 'wx' });
    } catch (error) {
      write(`${target} cannot be written: ${(error as Error).message}`);
      return 1;
    }
  }
  write(`${folder} is a tenant with a callback of its own. Next:`);
  write(`  npx sallyport check ${folder}`);
  write(`  npx sallyport test ${folder}`);
  write(`  SALLYPORT_CONFIG=${folder} npx sallyport serve`);
  return 0;
}
