/** `npm run bench`: what a token costs, beside `oidc-provider` in the same run. The method is in docs/benchmarks.md. */
import { availableParallelism, cpus, totalmem } from 'node:os';
import { startPostgres } from '../../spec/support/postgres.ts';
import { measureFairness, measureMany } from './many-tenants.ts';
import { comparePeer, databasesOf, measureFootprint, measureHook, measureNeighbour, measureStored } from './measure.ts';
import { readOptions, type Section, usage } from './options.ts';

const titles: Record<Section, string> = {
  peer: 'Client credentials, RS256 JWT access tokens, client_secret_basic',
  hook: 'One scripted hook',
  neighbour: 'A hostile neighbour',
  fairness: 'Ten tenants on two sandbox processes',
  many: 'A thousand tenants with a script each',
  stored: 'Client credentials beside stored tokens',
  footprint: 'The demo on PostgreSQL, idle',
};
const measures = {
  peer: comparePeer,
  hook: measureHook,
  neighbour: measureNeighbour,
  fairness: measureFairness,
  many: measureMany,
  stored: measureStored,
  footprint: measureFootprint,
};

const write = (line: string) => void process.stdout.write(`${line}\n`);
const read = readOptions(process.argv.slice(2));
if (!read.ok) {
  process.stderr.write(`${read.message}\n${usage}\n`);
  process.exit(2);
}
const { options } = read;
write(
  `Node ${process.version}, ${process.platform} ${process.arch}, ${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB.`,
);
write(
  'Servers, PostgreSQL (fsync off), sandboxes and the load generator share these cores: compare ratios, not absolute figures.',
);
write(
  `${options.rounds} rounds of ${options.seconds} s for each contestant, in turn, ${options.connections} connections, medians over rounds.`,
);
const postgres = await startPostgres();
try {
  for (const section of options.only) {
    write(`\n${titles[section]}`);
    write(await measures[section](options, databasesOf(postgres.url)));
  }
} finally {
  await postgres.stop();
}
process.exit(0);
