/** The command line of the bench. */
import { parseArgs } from 'node:util';

export const sections = ['peer', 'hook', 'neighbour', 'fairness', 'many', 'stored', 'footprint'] as const;
export type Section = (typeof sections)[number];

export interface BenchOptions {
  /** Measured rounds of each contestant; one more is thrown away to warm up. */
  readonly rounds: number;
  /** Length of one round. */
  readonly seconds: number;
  readonly connections: number;
  readonly only: readonly Section[];
  /** The largest number of stored tokens that is measured. */
  readonly tokens: number;
  /** A folder for CPU profiles of Sallyport's engine. */
  readonly profile?: string;
}

export const usage = `npm run bench -- [options]
  --rounds N       measured rounds of each contestant (5)
  --seconds N      length of a round (4)
  --connections N  connections of the load (16)
  --only a,b       of ${sections.join(', ')} (all)
  --tokens N       most stored tokens (100000)
  --profile DIR    write CPU profiles of Sallyport's engine into DIR`;

/** Answers the options, or a sentence saying what is wrong with them. */
export function readOptions(
  arguments_: readonly string[],
): { readonly ok: true; readonly options: BenchOptions } | { readonly ok: false; readonly message: string } {
  let values: Partial<Record<'rounds' | 'seconds' | 'connections' | 'only' | 'tokens' | 'profile', string>>;
  try {
    const text = { type: 'string' } as const;
    const options = { rounds: text, seconds: text, connections: text, only: text, tokens: text, profile: text };
    ({ values } = parseArgs({ args: [...arguments_], options, strict: true }));
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
  const numbers = { rounds: 5, seconds: 4, connections: 16, tokens: 100_000 };
  for (const name of ['rounds', 'seconds', 'connections', 'tokens'] as const) {
    const value = values[name];
    if (value === undefined) continue;
    if (!/^[1-9]\d{0,8}$/.test(value)) return { ok: false, message: `--${name} must be a whole number above 0` };
    numbers[name] = Number(value);
  }
  const only = values.only?.split(',') ?? sections;
  const unknown = only.find((name) => !sections.some((section) => section === name));
  if (unknown !== undefined) return { ok: false, message: `--only knows ${sections.join(', ')}, not "${unknown}"` };
  return {
    ok: true,
    options: {
      ...numbers,
      only: sections.filter((section) => only.includes(section)),
      ...(values.profile === undefined ? {} : { profile: values.profile }),
    },
  };
}
