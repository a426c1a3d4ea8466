/** An empty embedded store, made once and copied for each server: making one takes more CPU than everything else in a start. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openStore } from '../../engine/store/open.ts';

const root = join(import.meta.dirname, '../..');
let made: Promise<string> | undefined;

/** What the store is made of: other migrations, or another PGlite, make another one. */
async function nameOf(): Promise<string> {
  const migrations = join(root, 'engine/store/migration');
  const files = [
    ...(await readdir(migrations)).sort().map((file) => join(migrations, file)),
    join(root, 'package-lock.json'),
  ];
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(file));
  return `sallyport-store-${hash.digest('hex').slice(0, 16)}-${process.getuid?.() ?? 0}`;
}

async function make(): Promise<string> {
  const folder = join(tmpdir(), await nameOf());
  if (existsSync(folder)) return folder;
  const draft = await mkdtemp(join(tmpdir(), 'sallyport-store-'));
  const store = await openStore({ dataFolder: draft });
  await store.close();
  // Another process may have been quicker; both made the same.
  await rename(join(draft, 'postgres'), folder).catch((error: unknown) => {
    if (!existsSync(folder)) throw error;
  });
  await rm(draft, { recursive: true, force: true });
  return folder;
}

/** Puts an empty store of this version into a server's data folder. */
export async function placeStore(data: string): Promise<void> {
  made ??= make();
  await mkdir(data, { recursive: true });
  await promisify(execFile)('cp', ['-a', await made, join(data, 'postgres')]);
}
