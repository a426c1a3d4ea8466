/** The five sections of the bench. Each starts what it measures, ends it, and answers printed lines. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { copyTenants } from '../../spec/support/server.ts';
import { memoryOf, runChild } from './child.ts';
import type { HookCost } from './hook-child.ts';
import { alternate, load, loadAnyhow, type LoadResult, ratios, summarize } from './load.ts';
import type { BenchOptions } from './options.ts';
import { inspectToken, startPeer } from './peer.ts';
import { type BenchServer, startSallyport } from './sallyport.ts';
import { figure, median, table } from './statistics.ts';
import { targetOf, type TenantName, writeTenants } from './tenants.ts';

export interface Databases {
  /** The URL of a fresh database. */
  fresh(): Promise<string>;
}

export type Measure = (options: BenchOptions, databases: Databases) => Promise<string>;

const row = (name: string, results: readonly LoadResult[]) => {
  const { requestsPerSecond, p50, p99 } = summarize(results);
  return [name, figure(requestsPerSecond), figure(p50), figure(p99)];
};
const head = ['', 'requests/s', 'p50 ms', 'p99 ms'];
const within = (value: number, budget: number) => (value < budget ? 'kept' : 'MISSED');
const budgetHead = ['', 'measured', 'budget', ''];

async function serve(databases: Databases, options: BenchOptions): Promise<BenchServer> {
  return startSallyport({
    databaseUrl: await databases.fresh(),
    config: writeTenants,
    ...(options.profile === undefined ? {} : { profile: options.profile }),
  });
}

/** Throughput against the peer, with and without scripts. */
export const comparePeer: Measure = async (options, databases) => {
  await using resources = new AsyncDisposableStack();
  const sallyport = resources.adopt(await serve(databases, options), (server) => server.close());
  const peer = resources.adopt(await startPeer(), (server) => server.close());
  const contestants = {
    scripted: targetOf(sallyport.url, 'scripted'),
    plain: targetOf(sallyport.url, 'plain'),
    peer: peer.target,
  };
  for (const [name, target] of Object.entries(contestants)) {
    const { header, claims } = await inspectToken(target);
    const same = header['alg'] === 'RS256' && header['typ'] === 'at+jwt' && claims['scope'] === 'system/*.rs';
    if (!same || (name !== 'plain' && claims['department'] !== 'Cardiology'))
      throw new Error(`${name} issues something else: ${JSON.stringify({ header, claims })}`);
  }
  const { connections, seconds } = options;
  const under = (target: (typeof contestants)['peer']) => () => load({ target, connections, seconds });
  const results = await alternate(
    { scripted: under(contestants.scripted), peer: under(contestants.peer), plain: under(contestants.plain) },
    options.rounds,
  );
  const versus = (name: 'scripted' | 'plain', other: 'peer' | 'plain') => {
    const { median: middle, lowest, highest } = ratios(results[name], results[other]);
    return `${middle.toFixed(2)} (rounds from ${lowest.toFixed(2)} to ${highest.toFixed(2)})`;
  };
  const { median: ratio } = ratios(results.scripted, results.peer);
  return [
    table([
      head,
      row('Sallyport, two scripted hooks, PostgreSQL', results.scripted),
      row('Sallyport, no script, PostgreSQL', results.plain),
      row('oidc-provider, no script, in memory', results.peer),
    ]),
    '',
    `  Sallyport scripted / oidc-provider: ${versus('scripted', 'peer')}; budget at least 1: ${ratio >= 1 ? 'kept' : 'MISSED'}`,
    `  Sallyport unscripted / oidc-provider: ${versus('plain', 'peer')}`,
    `  Sallyport scripted / unscripted: ${versus('scripted', 'plain')}`,
  ].join('\n');
};

/** What one scripted hook costs. */
export const measureHook: Measure = async ({ seconds }) => {
  const cost = await runChild<HookCost>(join(import.meta.dirname, 'hook-child.ts'), { seconds });
  return table([
    budgetHead,
    ['wall, idle, p50', `${figure(cost.idleP50)} µs`, '150 µs', within(cost.idleP50, 150)],
    ['wall, idle, p99', `${figure(cost.idleP99)} µs`, '1000 µs', within(cost.idleP99, 1000)],
    ['first invocation in a new isolate', `${figure(cost.cold)} ms`, '50 ms', within(cost.cold, 50)],
    ['engine CPU at load', `${figure(cost.engineCpu)} µs`, '40 µs', within(cost.engineCpu, 40)],
    ['CPU of the script itself at load', `${figure(cost.scriptCpu)} µs`, '', ''],
    ['invocations per second, one tenant', figure(cost.invocationsPerSecond), '', ''],
  ]);
};

/** What a tenant with a hostile script does to others, who ask at a steady rate. */
export const measureNeighbour: Measure = async (options, databases) => {
  await using resources = new AsyncDisposableStack();
  const sallyport = resources.adopt(await serve(databases, options), (server) => server.close());
  const { seconds } = options;
  const steady = (name: TenantName) =>
    load({ target: targetOf(sallyport.url, name), connections: 4, seconds, rate: 100 });
  const beside = async (name: TenantName, neighbour: TenantName) => {
    const hostile = loadAnyhow({ target: targetOf(sallyport.url, neighbour), connections: 4, seconds: seconds + 1 });
    const result = await steady(name);
    await hostile;
    return result;
  };
  const results = await alternate(
    {
      alone: () => steady('bystander'),
      looping: () => beside('bystander', 'looping'),
      hoarding: () => beside('bystander', 'hoarding'),
      apart: () => beside('apart', 'looping'),
    },
    options.rounds,
  );
  const alone = summarize(results.alone);
  const line = (name: string, all: readonly LoadResult[]) => {
    const { p50, p99 } = summarize(all);
    const factor = p99 / alone.p99;
    return [name, figure(p50), figure(p99), factor.toFixed(2), within(factor, 2)];
  };
  return table([
    ['100 requests/s of another tenant', 'p50 ms', 'p99 ms', 'p99 ratio', 'budget 2'],
    ['no neighbour', figure(alone.p50), figure(alone.p99), '1', ''],
    line('a looping neighbour in the same sandbox process', results.looping),
    line('a neighbour eating memory in the same process', results.hoarding),
    line('a looping neighbour in the other process', results.apart),
  ]);
};

/** Puts live tokens of other grants beside those that the load makes. */
async function fill(databaseUrl: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const now = Date.now();
    await client.query(
      `insert into token (tenant_id, hash, kind, grant_id, client_id, scope, details, issued_at, expires_at)
       select 'scripted', encode(sha256(('hash' || n)::bytea), 'base64'), 'access',
         encode(sha256(('grant' || n)::bytea), 'base64'), 'bench', 'system/*.rs',
         jsonb_build_object('claims', jsonb_build_object('jti', n::text, 'iss', 'bench', 'sub', 'bench')), $1::bigint, $2::bigint
       from generate_series(1, $3::integer) as n`,
      [now, now + 86_400_000, count],
    );
    await client.query('vacuum analyze token');
  } finally {
    await client.end();
  }
}

/** Throughput beside more and more stored tokens: a database and a server for each number, measured in turn. */
export const measureStored: Measure = async (options, databases) => {
  await using resources = new AsyncDisposableStack();
  const counts: number[] = [];
  for (let count = 1000; count < options.tokens; count *= 10) counts.push(count);
  counts.push(options.tokens);
  const { connections, seconds } = options;
  const contestants: Record<string, () => Promise<LoadResult>> = {};
  for (const count of counts) {
    const databaseUrl = await databases.fresh();
    const server = resources.adopt(await startSallyport({ databaseUrl, config: writeTenants }), (started) =>
      started.close(),
    );
    await fill(databaseUrl, count);
    const target = targetOf(server.url, 'scripted');
    contestants[`${count} tokens`] = () => load({ target, connections, seconds });
  }
  const results = await alternate(contestants, options.rounds);
  const first = results[`${counts[0]} tokens`] ?? [];
  return table([
    [...head, 'throughput ratio'],
    ...Object.entries(results).map(([name, all]) => [...row(name, all), ratios(all, first).median.toFixed(2)]),
  ]);
};

/** Start-up time and idle memory of the demo. */
export const measureFootprint: Measure = async (options, databases) => {
  const databaseUrl = await databases.fresh();
  const starts: number[] = [];
  let memory: Awaited<ReturnType<typeof memoryOf>> | undefined;
  for (let round = 0; round <= Math.min(options.rounds, 5); round += 1) {
    const server = await startSallyport({ databaseUrl, config: copyTenants });
    try {
      starts.push(server.startMilliseconds);
      if (round === 0) {
        // What the start left behind is collected in the first seconds.
        await new Promise((resolve) => setTimeout(resolve, 5000));
        memory = await memoryOf(server.child.process.pid ?? 0);
      }
    } finally {
      await server.close();
    }
  }
  const { resident = Number.NaN, processes = 0, proportional } = memory ?? {};
  const [first = Number.NaN, ...later] = starts;
  return table([
    budgetHead,
    ['first start of the demo on a new database', `${figure(first)} ms`, '', ''],
    ['later starts', `${figure(median(later))} ms`, '', ''],
    [`idle memory, ${processes} processes, resident`, `${figure(resident)} MiB`, '250 MiB', within(resident, 250)],
    ...(proportional === undefined
      ? []
      : [['  of that, pages shared by processes counted once', `${figure(proportional)} MiB`, '', '']]),
  ]);
};

/** Databases of one PostgreSQL server. */
export function databasesOf(url: (name: string) => Promise<string>): Databases {
  return { fresh: () => url(`bench_${randomUUID().replaceAll('-', '')}`) };
}
