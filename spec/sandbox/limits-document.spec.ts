/** Limits are validated where they are written: what an isolate would round, ignore or take for none is refused. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { createScriptRunner } from '../../engine/script/pool.ts';
import { loadTenant } from '../../engine/tenant/load.ts';
import { copyTenants } from '../support/server.ts';
import { answerOf, asyncCallback, callback, invocationOf, stubOutbound } from './support.ts';

describe('limits in a tenant’s document', () => {
  let config: string;
  before(async () => {
    config = await copyTenants('http://localhost:9200');
  });
  after(() => rm(config, { recursive: true, force: true }));

  const problemsOf = async (limits: unknown) => {
    const path = join(config, 'partner/tenant.json');
    const document = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    await writeFile(path, JSON.stringify({ ...document, scriptLimits: limits }));
    const result = await loadTenant(join(config, 'partner'));
    return result.ok ? [] : [...new Set(result.problems.map(({ pointer }) => pointer))];
  };

  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    cpuMilliseconds: [0, -1, 0.5, 250.5, '250', null, true, 5001, 2 ** 32, [250]],
    wallMilliseconds: [0, -1, 0.5, '5000', null, 60_001, 2 ** 31],
    // In bytes, as is often thought.
    memoryMebibytes: [0, -1, 7, 8.5, '32', null, 257, 33_554_432],
    httpCalls: [-1, 0.5, '10', null, 101],
    httpResponseBytes: [0, -1, 0.5, 16_777_217],
    outputBytes: [0, -1, 1.5, 1_048_577],
    logLines: [-1, 0.5, 2001],
    hostCalls: [-1, 0.5, '1'],
    concurrency: [0, -1, 1.5, 257],
    queue: [-1, 0.5],
  };
  for (const [name, values] of Object.entries(wrong))
    for (const value of values)
      it(`${name} of ${JSON.stringify(value)} is refused`, async () => {
        expect(await problemsOf({ [name]: value })).to.deep.equal([`/scriptLimits/${name}`]);
      });

  it('limits within bounds are taken, unknown ones refused', async () => {
    expect(
      await problemsOf({ cpuMilliseconds: 1, wallMilliseconds: 60_000, memoryMebibytes: 8, concurrency: 256 }),
    ).to.deep.equal([]);
    expect(await problemsOf({ cpuMillisecond: 1 })).to.deep.equal(['/scriptLimits/cpuMillisecond']);
  });

  it('the smallest limits still let a small callback run', async () => {
    const runner = createScriptRunner({ outbound: stubOutbound(), processes: 1 });
    try {
      const limits = { memoryMebibytes: 8, concurrency: 1, queue: 0, logLines: 0, httpCalls: 0, hostCalls: 0 };
      const result = await runner.run(invocationOf(callback('Log.info("x"); return 1'), { limits }));
      expect(answerOf(result)).to.equal(1);
      expect(result.logs).to.deep.equal([]);
      const calling = await runner.run(invocationOf(asyncCallback("await fetch('http://localhost/')"), { limits }));
      expect(calling).to.deep.include({ ok: false, kind: 'runtime' });
      expect(calling.ok ? '' : calling.message).to.match(/more than 0 calls/);
    } finally {
      await runner.close();
    }
  });
});
