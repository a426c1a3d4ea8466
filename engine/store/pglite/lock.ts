/** Keeps a second process away from an embedded database: two writers would destroy it. */
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StoreError } from '../error.ts';

export interface FolderLock {
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  /** When the process started, in clock ticks since boot (proc(5), `stat` field 22); empty where /proc is missing. */
  readonly started: string;
}

const heldHere = new Set<string>();

function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}

function exists(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EEXIST';
}

async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field, the command in parentheses, may itself hold blanks: count from behind it.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** A pid alone does not identify a process: containers restart with the same small numbers. */
async function isAlive(holder: Holder): Promise<boolean> {
  if (holder.pid === process.pid) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM means that the process exists and belongs to somebody else.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  const started = await startOf(holder.pid);
  return started === '' || holder.started === '' || started === holder.started;
}

async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const [pid = '', started = ''] = text.trim().split(' ');
  return { pid: Number.parseInt(pid, 10), started };
}

/** Writes the whole file before it gets its name, so that nobody reads half a lock. False when the name is taken. */
async function claim(path: string): Promise<boolean> {
  const draft = `${path}.${process.pid}.draft`;
  const file = await open(draft, 'w', 0o600);
  await file.writeFile(`${process.pid} ${await startOf(process.pid)}\n`);
  await file.close();
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (exists(error)) return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Takes a dead holder's lock away. When another process was quicker, what was taken is its lock: it is put back. */
async function removeStale(path: string, stale: Holder): Promise<void> {
  const aside = `${path}.${process.pid}.stale`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  const taken = await readHolder(aside);
  if (taken?.pid !== stale.pid || taken.started !== stale.started) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

/**
 * Locks a folder for this process by a file beside it.
 * @param path the lock file; its folder is made when it does not exist.
 * @throws StoreError `store-locked` while a living process, or this one, holds it.
 */
export async function lockFolder(path: string): Promise<FolderLock> {
  const name = resolve(path);
  const locked = (pid: number | string): StoreError =>
    new StoreError(
      'store-locked',
      `The data folder is in use by process ${pid}.`,
      'Stop that process, choose another data folder, or name a PostgreSQL server in DATABASE_URL to run many nodes.',
    );
  if (heldHere.has(name)) throw locked(process.pid);
  heldHere.add(name);
  try {
    await mkdir(dirname(name), { recursive: true, mode: 0o700 });
    for (let attempt = 0; attempt < 5; attempt++) {
      if (await claim(name)) {
        return {
          async release() {
            await rm(name, { force: true });
            heldHere.delete(name);
          },
        };
      }
      const holder = await readHolder(name);
      if (holder === undefined) continue;
      if (await isAlive(holder)) throw locked(holder.pid);
      await removeStale(name, holder);
    }
    throw locked('another one that is starting');
  } catch (error) {
    heldHere.delete(name);
    throw error;
  }
}
