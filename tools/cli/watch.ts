/** `--watch`: does it again whenever a file changes, until the process is ended. */
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { watchTree } from '../../engine/tenant/watch-tree.ts';
import { paint } from './simulate/paint.ts';

/**
 * @param paths folders, or files, whose folders are watched.
 * @param again never runs twice at one time.
 * @param ended ends the waiting; a signal to the process unless given.
 */
export async function watchForEver(
  paths: readonly string[],
  again: () => Promise<unknown>,
  write: (line: string) => void,
  ended: Promise<unknown> = new Promise((done) => process.once('SIGINT', done).once('SIGTERM', done)),
): Promise<void> {
  let running: Promise<unknown> = Promise.resolve();
  const changed = async () => {
    const began = performance.now();
    write(paint('dim', `— ${new Date().toLocaleTimeString()}`));
    // A file may be gone between two looks at it; the next change finds it as it is then.
    await again().catch((error: unknown) => write(`It could not run again: ${String(error)}`));
    write(paint('dim', `again after ${Math.round(performance.now() - began)} ms; waiting for changes, Ctrl+C ends it`));
  };
  const roots = new Set<string>();
  for (const path of paths) roots.add((await stat(path)).isDirectory() ? resolve(path) : dirname(resolve(path)));
  const watchers = await Promise.all(
    [...roots].map((root) =>
      watchTree(
        root,
        () => (running = running.then(changed)),
        (reason) => write(`Not all of ${root} is watched: ${reason}`),
      ),
    ),
  );
  write(paint('dim', 'waiting for changes, Ctrl+C ends it'));
  await ended;
  for (const watcher of watchers) watcher.close();
  await running;
}
