/** The isolates of one process: idle ones serve again, busy ones are waited for, and those nobody uses leave memory. */
import type { Program } from '../compile/program.ts';
import type { Cell } from './cell.ts';
import { createQuickHooks, type QuickHooks } from './quick.ts';

/** Isolates of one script that may compute at one time, and that are kept idle; isolates of all scripts. */
const mostAtOnce = 4;
const mostCells = 120;
const idleMilliseconds = 300_000;

export interface Loaded {
  readonly program: Program;
  readonly quickHooks: QuickHooks;
  readonly cells: Set<Cell>;
  readonly waiting: (() => void)[];
  /** Isolates being made. */
  making: number;
  /** Unloaded while its isolates were at work: they end when they are done. */
  gone: boolean;
}

export interface Shelf {
  load(key: string, program: Program): void;
  unload(key: string): void;
  find(key: string): Loaded | undefined;
  /** An idle isolate of the script, a new one, or the next to become idle; undefined when none did by `until`. */
  take(key: string, loaded: Loaded, memoryMebibytes: number, until: number): Promise<Cell | undefined>;
  release(loaded: Loaded, cell: Cell): void;
  /** One of the script's isolates waits for an answer: another may compute meanwhile. */
  parked(loaded: Loaded): void;
  /** @param unusedSince Gives up isolates that nobody used since then. */
  dropIdle(unusedSince?: number): void;
  busy(): number;
}

/** @param quickAfter Quick invocations in a row before a hook may run on the process's own thread. */
export function createShelf(
  make: (program: Program, memoryMebibytes: number) => Promise<Cell>,
  quickAfter: number,
): Shelf {
  const scripts = new Map<string, Loaded>();
  let cellCount = 0;

  function drop(loaded: Loaded, cell: Cell): void {
    loaded.cells.delete(cell);
    cellCount -= 1;
    cell.dispose();
  }

  /** The script used longest ago gives up an isolate. */
  function makeRoom(): void {
    if (cellCount < mostCells) return;
    for (const loaded of scripts.values()) for (const cell of loaded.cells) if (!cell.busy) return drop(loaded, cell);
  }

  async function makeCell(loaded: Loaded, memoryMebibytes: number): Promise<Cell> {
    makeRoom();
    loaded.making += 1;
    cellCount += 1;
    try {
      const cell = await make(loaded.program, memoryMebibytes);
      cell.busy = true;
      loaded.cells.add(cell);
      return cell;
    } catch (error) {
      cellCount -= 1;
      throw error;
    } finally {
      loaded.making -= 1;
    }
  }

  function computing(loaded: Loaded): number {
    let count = loaded.making;
    for (const cell of loaded.cells) if (cell.busy && !cell.parked) count += 1;
    return count;
  }

  return {
    load(key, program) {
      const quickHooks = createQuickHooks(quickAfter);
      scripts.set(key, { program, quickHooks, cells: new Set(), waiting: [], making: 0, gone: false });
    },
    unload(key) {
      const loaded = scripts.get(key);
      if (!loaded) return;
      scripts.delete(key);
      loaded.gone = true;
      for (const cell of loaded.cells) if (!cell.busy) drop(loaded, cell);
    },
    find: (key) => scripts.get(key),
    async take(key, loaded, memoryMebibytes, until) {
      for (;;) {
        for (const cell of loaded.cells) {
          if (cell.busy) continue;
          cell.busy = true;
          // The order of the map is the order of use.
          if (scripts.delete(key)) scripts.set(key, loaded);
          return cell;
        }
        if (computing(loaded) < mostAtOnce) return makeCell(loaded, memoryMebibytes);
        if (!(await turn(loaded.waiting, until - performance.now()))) return undefined;
      }
    },
    release(loaded, cell) {
      cell.usedAt = performance.now();
      cell.busy = false;
      if (cell.dead || loaded.gone || loaded.cells.size > mostAtOnce) drop(loaded, cell);
      loaded.waiting.shift()?.();
    },
    parked: (loaded) => loaded.waiting.shift()?.(),
    dropIdle(unusedSince = performance.now() - idleMilliseconds) {
      for (const loaded of scripts.values())
        for (const cell of loaded.cells) if (!cell.busy && cell.usedAt <= unusedSince) drop(loaded, cell);
    },
    busy: () => [...scripts.values()].reduce((sum, { cells }) => sum + [...cells].filter(({ busy }) => busy).length, 0),
  };
}

/** Waits in a line until called, or until the time is up, which answers false. */
function turn(line: (() => void)[], milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const called = () => {
      clearTimeout(timer);
      resolve(true);
    };
    const timer = setTimeout(
      () => {
        line.splice(line.indexOf(called), 1);
        resolve(false);
      },
      Math.max(0, milliseconds),
    );
    line.push(called);
  });
}
