/** The load generator, a process of its own: argument and answer are JSON. */
import autocannon from 'autocannon';
import type { Load, LoadResult } from './load.ts';
import { percentile } from './statistics.ts';

const { loads, startAt } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly loads: readonly Load[];
  readonly startAt: number;
};
// autocannon's own percentiles are whole milliseconds, too coarse here.
const latencies: number[] = [];
// Starting this process costs processor time that is not the server's.
await new Promise((resolve) => setTimeout(resolve, startAt - Date.now()));
const results = await Promise.all(
  loads.map(({ target, connections, seconds, rate }) => {
    const running = autocannon({
      url: target.url,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: target.authorization },
      body: target.body,
      connections,
      duration: seconds,
      timeout: 30,
      ...(rate === undefined ? {} : { overallRate: rate }),
    });
    running.on('response', (_client, _status, _bytes, milliseconds) => latencies.push(milliseconds));
    return running;
  }),
);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const answer: LoadResult = {
  requestsPerSecond: sum(results.map((result) => result['2xx'] / result.duration)),
  p50: latencies.length > 0 ? percentile(latencies, 0.5) : 0,
  p99: latencies.length > 0 ? percentile(latencies, 0.99) : 0,
  answered: sum(results.map((result) => result['2xx'])),
  refused: sum(results.map((result) => result.non2xx + result.errors)),
};
process.stdout.write(JSON.stringify(answer));
