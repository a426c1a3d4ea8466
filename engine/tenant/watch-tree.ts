/**
 * Tells when anything below a folder changes. Node's own recursive watching loses folders that are replaced by another
 * of their name, so each folder is watched by itself, and the tree is looked through again after every change.
 */
import { type FSWatcher, watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Editors and copies write in several steps: what comes within this time of each other is told once. */
const settleMilliseconds = 150;
/** How often it is looked whether the root itself was replaced, which its own watcher cannot tell. */
const rootEvery = 2_000;
const mostFolders = 20_000;
const ignored = new Set(['node_modules', '.git']);

interface Watched {
  readonly watcher: FSWatcher;
  /** What the folder is, whatever its name. */
  readonly identity: string;
}

export interface TreeWatcher {
  close(): void;
}

/**
 * @param changed is called after each change, when everything that exists by then is watched. It never runs twice at one time.
 * @param failed is told why something cannot be watched.
 */
export function watchTree(
  root: string,
  changed: () => Promise<unknown>,
  failed: (reason: string) => void,
): Promise<TreeWatcher> {
  const watched = new Map<string, Watched>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();
  let closed = false;

  function schedule(): void {
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = running
        .then(lookThrough)
        .then(() => (closed ? undefined : changed()))
        .catch((error: unknown) => failed(String(error)));
    }, settleMilliseconds);
  }

  function unwatch(path: string): void {
    watched.get(path)?.watcher.close();
    watched.delete(path);
  }

  function watchFolder(path: string, identity: string): void {
    const known = watched.get(path);
    if (known?.identity === identity) return;
    unwatch(path);
    try {
      const watcher = watch(path, schedule);
      // A folder that goes away ends its watcher; its parent tells of that.
      watcher.on('error', () => unwatch(path));
      watched.set(path, { watcher, identity });
    } catch (error) {
      failed(String(error));
    }
  }

  /** Watches every folder there is, and no other. */
  async function lookThrough(): Promise<void> {
    const seen = new Set<string>();
    const present = new Set<string>();
    const waiting = [root];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const found = await stat(path).catch(() => undefined);
      if (!found?.isDirectory() || closed) continue;
      const identity = `${found.dev}:${found.ino}`;
      // Links may lead in a circle.
      if (seen.has(identity) || present.size >= mostFolders) continue;
      seen.add(identity);
      present.add(path);
      watchFolder(path, identity);
      const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
      for (const entry of entries)
        if (!entry.isFile() && !ignored.has(entry.name)) waiting.push(join(path, entry.name));
    }
    for (const path of watched.keys()) if (!present.has(path)) unwatch(path);
  }

  async function lookAtRoot(): Promise<void> {
    const found = await stat(root).catch(() => undefined);
    if (found && watched.get(root)?.identity !== `${found.dev}:${found.ino}`) schedule();
  }

  const rootTimer = setInterval(() => void lookAtRoot(), rootEvery);
  rootTimer.unref();
  return lookThrough().then(() => ({
    close() {
      closed = true;
      clearTimeout(timer);
      clearInterval(rootTimer);
      for (const path of watched.keys()) unwatch(path);
    },
  }));
}
