/** The load generator, a process of its own: argument and answer are JSON. */
import autocannon from 'autocannon';
import type { Load, LoadResult } from './load.ts';
import { percentile } from './statistics.ts';

const { target, connections, seconds, rate } = JSON.parse(process.argv[2] ?? '{}') as Load;
// autocannon's own percentiles are whole milliseconds, too coarse here.
const latencies: number[] = [];
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
const result = await running;
const answer: LoadResult = {
  requestsPerSecond: result['2xx'] / result.duration,
  p50: latencies.length > 0 ? percentile(latencies, 0.5) : 0,
  p99: latencies.length > 0 ? percentile(latencies, 0.99) : 0,
  answered: result['2xx'],
  refused: result.non2xx + result.errors,
};
process.stdout.write(JSON.stringify(answer));
