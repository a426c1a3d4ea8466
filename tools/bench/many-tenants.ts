/** What tenants do to each other when there are many of them, and what a thousand of them cost. */
import { memoryOf } from './child.ts';
import { alternate, load, loadAnyhow, summarize } from './load.ts';
import type { Measure } from './measure.ts';
import { startSallyport } from './sallyport.ts';
import { figure, percentile, table } from './statistics.ts';
import { type BenchTenant, bothHooks, hoardingHook, loopingHook, targetAt, writeFolders } from './tenants.ts';

const quiet = ['t0', 't1', 't2', 't3', 't4', 't5', 't6', 't7'];
const ten: readonly BenchTenant[] = [
  ...quiet.map((id) => ({ id, script: bothHooks })),
  { id: 'looping', script: loopingHook },
  { id: 'hoarding', script: hoardingHook },
];
const within = (value: number, budget: number) => (value < budget ? 'kept' : 'MISSED');

/** Eight tenants ask at a steady rate while one loops for ever and one eats memory. */
export const measureFairness: Measure = async (options, databases) => {
  await using resources = new AsyncDisposableStack();
  const databaseUrl = await databases.fresh();
  const server = resources.adopt(
    await startSallyport({ databaseUrl, config: (url) => writeFolders(url, ten, 'RS256') }),
    (started) => started.close(),
  );
  const { seconds } = options;
  const each = quiet.map((id) => ({ target: targetAt(server.url, id), connections: 1, seconds, rate: 15 }));
  const steady = () => load(...each);
  const beside = async () => {
    const hostile = ['looping', 'hoarding'].map((id) =>
      loadAnyhow({ target: targetAt(server.url, id), connections: 2, seconds: seconds + 1 }),
    );
    const result = await steady();
    await Promise.all(hostile);
    return result;
  };
  const results = await alternate({ alone: steady, beside }, options.rounds);
  const [alone, hurt] = [summarize(results.alone), summarize(results.beside)];
  const failed = results.beside.reduce((sum, { refused }) => sum + refused, 0);
  const answered = results.beside.reduce((sum, result) => sum + result.answered, 0);
  const factor = hurt.p99 / alone.p99;
  return [
    table([
      ['eight tenants, 15 requests/s each', 'p50 ms', 'p99 ms', 'p99 ratio', 'budget 2'],
      ['the other two are quiet', figure(alone.p50), figure(alone.p99), '1', ''],
      ['one loops, one eats memory', figure(hurt.p50), figure(hurt.p99), factor.toFixed(2), within(factor, 2)],
    ]),
    '',
    `  Flows of the eight that failed beside the two: ${failed} of ${answered}`,
  ].join('\n');
};

const thousand = 1_000;

/** Memory with every tenant's script used once, and the time of each first use. */
export const measureMany: Measure = async (_options, databases) => {
  await using resources = new AsyncDisposableStack();
  const databaseUrl = await databases.fresh();
  const all = Array.from({ length: thousand }, (_, index) => ({
    id: `tenant-${index}`,
    script: `${bothHooks}// ${index}\n`,
  }));
  const server = resources.adopt(
    await startSallyport({ databaseUrl, config: (url) => writeFolders(url, all, 'ES256') }),
    (started) => started.close(),
  );
  const root = server.child.process.pid ?? 0;
  const before = await memoryOf(root);
  const ask = async (id: string): Promise<number> => {
    const { url, authorization, body } = targetAt(server.url, id);
    const began = performance.now();
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
      body,
    });
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`${id} answered ${answer.status}`);
    return performance.now() - began;
  };
  // Everything that is not the script's is warm before the clock runs.
  for (let round = 0; round < 50; round += 1) await ask('tenant-0');
  const cold: number[] = [];
  for (const { id } of all.slice(1)) cold.push(await ask(id));
  const after = await memoryOf(root);
  // Long out of memory by now.
  const again: number[] = [];
  for (const { id } of all.slice(1, 101)) again.push(await ask(id));
  return table([
    ['', 'measured', 'budget', ''],
    ['start with a thousand tenants, first time', `${figure(server.startMilliseconds / 1000)} s`, '', ''],
    ['memory before any script ran, resident', `${figure(before.resident)} MiB`, '', ''],
    [
      'memory after every script ran, resident',
      `${figure(after.resident)} MiB`,
      '1536 MiB',
      within(after.resident, 1536),
    ],
    ["a tenant's first token, p50", `${figure(percentile(cold, 0.5))} ms`, '50 ms', within(percentile(cold, 0.5), 50)],
    [
      "a tenant's first token, p99",
      `${figure(percentile(cold, 0.99))} ms`,
      '50 ms',
      within(percentile(cold, 0.99), 50),
    ],
    [
      'a token after the isolate left memory, p99',
      `${figure(percentile(again, 0.99))} ms`,
      '50 ms',
      within(percentile(again, 0.99), 50),
    ],
  ]);
};
