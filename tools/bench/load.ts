/** Load on a token endpoint, and rounds that alternate between contestants. */
import { join } from 'node:path';
import { runChild } from './child.ts';
import { median } from './statistics.ts';

export interface Target {
  readonly url: string;
  readonly authorization: string;
  /** The form. */
  readonly body: string;
}

export interface Load {
  readonly target: Target;
  readonly connections: number;
  readonly seconds: number;
  /** Requests per second; as many as the server answers where absent. */
  readonly rate?: number;
}

export interface LoadResult {
  /** Successful answers. */
  readonly requestsPerSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  /** Milliseconds. */
  readonly p99: number;
  readonly answered: number;
  /** Answers other than success, and connections that failed. */
  readonly refused: number;
}

/** A process has started by then, milliseconds after it was asked for. */
export const headStart = 1500;

/** Runs the loads together in a process of their own, whatever the answers are, and counts them as one. */
export function loadAnyhow(...loads: readonly Load[]): Promise<LoadResult> {
  const startAt = Date.now() + headStart;
  return runChild<LoadResult>(join(import.meta.dirname, 'load-child.ts'), { loads, startAt });
}

/** Runs the loads. @throws when any request was not answered with success: such a figure would say nothing. */
export async function load(...loads: readonly Load[]): Promise<LoadResult> {
  const result = await loadAnyhow(...loads);
  if (result.refused > 0 || result.answered === 0)
    throw new Error(`${loads[0]?.target.url}: ${result.refused} requests failed, ${result.answered} were answered`);
  return result;
}

export type Rounds<Name extends string> = Readonly<Record<Name, readonly LoadResult[]>>;

/**
 * Measures contestants in turn (A B A B …), so that what else happens on the machine meets all of them; the first turn
 * of each warms up and is not counted. Each turn begins with another contestant.
 */
export async function alternate<Name extends string>(
  contestants: Readonly<Record<Name, () => Promise<LoadResult>>>,
  rounds: number,
): Promise<Rounds<Name>> {
  const names = Object.keys(contestants) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, [] as LoadResult[]])) as Record<Name, LoadResult[]>;
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(turn + round) % names.length] as Name;
      const result = await contestants[name]();
      if (round > 0) results[name].push(result);
    }
  }
  return results;
}

export interface Summary {
  readonly requestsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/** The median of each figure over the rounds. */
export function summarize(results: readonly LoadResult[]): Summary {
  return {
    requestsPerSecond: median(results.map((result) => result.requestsPerSecond)),
    p50: median(results.map((result) => result.p50)),
    p99: median(results.map((result) => result.p99)),
  };
}

/** The median, lowest and highest of the ratios of throughput, round by round. */
export function ratios(
  results: readonly LoadResult[],
  others: readonly LoadResult[],
): { readonly median: number; readonly lowest: number; readonly highest: number } {
  const all = results.map(
    (result, round) => result.requestsPerSecond / (others[round]?.requestsPerSecond ?? Number.NaN),
  );
  return { median: median(all), lowest: Math.min(...all), highest: Math.max(...all) };
}
