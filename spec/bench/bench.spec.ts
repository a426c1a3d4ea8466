/** The bench's own parts: that it measures, refuses to measure failures, and that both contestants do the same work. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { memoryOf } from '../../tools/bench/child.ts';
import { alternate, load, type LoadResult, ratios, summarize } from '../../tools/bench/load.ts';
import { readOptions } from '../../tools/bench/options.ts';
import { inspectToken, startPeer } from '../../tools/bench/peer.ts';
import { startSallyport } from '../../tools/bench/sallyport.ts';
import { median, percentile, table } from '../../tools/bench/statistics.ts';
import { targetOf, writeTenants } from '../../tools/bench/tenants.ts';
import { sharedPostgres } from '../support/databases.ts';

const result = (requestsPerSecond: number): LoadResult => ({
  requestsPerSecond,
  p50: 1,
  p99: 2,
  answered: 1,
  refused: 0,
});

describe('bench', () => {
  it('takes the middle and the nearest rank, and nothing of nothing', () => {
    expect(median([5, 1, 3])).to.equal(3);
    expect(median([4, 1, 3, 2])).to.equal(2.5);
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(percentile(hundred, 0.99)).to.equal(99);
    expect(percentile(hundred, 0.5)).to.equal(50);
    expect(() => percentile([], 0.5)).to.throw(RangeError);
    expect(() => median([])).to.throw(RangeError);
  });

  it('prints tables with figures to the right', () => {
    expect(
      table([
        ['', 'ms'],
        ['long name', '1'],
        ['x', '100'],
      ]),
    ).to.equal('              ms\n  ---------  ---\n  long name    1\n  x          100');
  });

  it('reads its options and refuses others', () => {
    const read = readOptions(['--rounds', '2', '--only', 'hook,peer']);
    expect(read).to.deep.include({ ok: true });
    expect(read.ok && read.options).to.deep.include({ rounds: 2, seconds: 4, only: ['peer', 'hook'] });
    for (const wrong of [['--rounds', '0'], ['--only', 'everything'], ['--fast'], ['more']])
      expect(readOptions(wrong).ok, wrong.join(' ')).to.equal(false);
  });

  it('alternates contestants, begins each turn with another one and does not count the first', async () => {
    const order: string[] = [];
    const contestant = (name: string) => async () => {
      order.push(name);
      return result(order.length);
    };
    const results = await alternate({ a: contestant('a'), b: contestant('b') }, 2);
    expect(order.join('')).to.equal('abbaab');
    expect(results.a.map(({ requestsPerSecond }) => requestsPerSecond)).to.deep.equal([4, 5]);
    expect(results.b.map(({ requestsPerSecond }) => requestsPerSecond)).to.deep.equal([3, 6]);
    expect(summarize(results.b)).to.deep.equal({ requestsPerSecond: 4.5, p50: 1, p99: 2 });
    expect(ratios([result(4), result(9)], [result(2), result(3)])).to.deep.equal({
      median: 2.5,
      lowest: 2,
      highest: 3,
    });
  });

  it('measures the memory of a process and its children', async () => {
    const { processes, resident } = await memoryOf(process.pid);
    expect(processes).to.be.greaterThan(0);
    expect(resident).to.be.greaterThan(10);
    expect((await memoryOf(2 ** 30)).processes).to.equal(0);
  });

  it('refuses a figure of requests that failed', async () => {
    const server: Server = createServer((_request, response) => response.writeHead(500).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const target = { url: `http://127.0.0.1:${port}/token`, authorization: 'Basic eDp5', body: 'a=b' };
      const message = await load({ target, connections: 1, seconds: 1 }).then(String, String);
      expect(message).to.match(/requests failed/);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('compares like with like: both sign RS256 JWT access tokens of the same scope and claim, and answer load', async () => {
    const databaseUrl = await (await sharedPostgres()).url(`bench_${randomUUID().replaceAll('-', '')}`);
    const peer = await startPeer();
    const sallyport = await startSallyport({ databaseUrl, config: writeTenants });
    try {
      const tokens = [await inspectToken(peer.target), await inspectToken(targetOf(sallyport.url, 'scripted'))];
      for (const { header, claims } of tokens) {
        expect(header).to.include({ alg: 'RS256', typ: 'at+jwt' });
        expect(claims).to.include({ scope: 'system/*.rs', department: 'Cardiology', client_id: 'bench' });
      }
      expect((await inspectToken(targetOf(sallyport.url, 'plain'))).claims).not.to.have.property('department');
      const answered = await load({ target: targetOf(sallyport.url, 'scripted'), connections: 2, seconds: 1 });
      expect(answered.requestsPerSecond).to.be.greaterThan(0);
      expect(answered.p99).to.be.at.least(answered.p50);
    } finally {
      await sallyport.close();
      await peer.close();
    }
  });

  it('is the command that package.json names', async () => {
    const root = join(import.meta.dirname, '../..');
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      scripts: { bench: string };
    };
    expect(scripts.bench).to.equal('node tools/bench/token.ts');
  });
});
