/** What is known to go wrong with isolates over time and in numbers, and at the edges of their limits. */
import { expect } from 'chai';
import { createScriptRunner } from '../../engine/script/pool.ts';
import type { ScriptRunner } from '../../engine/script/runner.ts';
import {
  answerOf,
  asyncCallback,
  callback,
  inputs,
  invocationOf,
  kindOf,
  sandboxProcesses,
  stubOutbound,
  wait,
} from './support.ts';
import { isThorough } from '../support/thorough.ts';

const largest = () => Math.max(...sandboxProcesses().map(({ residentMebibytes }) => residentMebibytes()));
const mebibyte = 2 ** 20;
/** How often something is repeated: a fourth of it unless asked for, for what leaks does so at once. */
const times = (count: number) => (isThorough ? count : count / 4);

describe('pitfalls of isolates', function () {
  this.timeout(240_000);
  let runner: ScriptRunner;
  beforeEach(() => {
    runner = createScriptRunner({ outbound: stubOutbound(), processes: 1 });
  });
  afterEach(() => runner.close());

  describe('memory over time', () => {
    it('thousands of invocations leave nothing in an isolate of 8 MiB', async () => {
      const source = callback("return Array.from({ length: 100 }, (_, n) => ({ n, text: 'x'.repeat(100) })).length");
      const heaps: number[] = [];
      for (let round = 0; round < times(6000); round += 1) {
        const result = await runner.run(invocationOf(source, { limits: { memoryMebibytes: 8 } }));
        expect(kindOf(result), JSON.stringify(result)).to.equal('ok');
        heaps.push((result.heapBytes ?? 0) / mebibyte);
      }
      expect(Math.max(...heaps)).to.be.below(8);
      // The lowest of the last third is not above the lowest of the first by what a leak would make of it.
      expect(Math.min(...heaps.slice(-times(2000))) - Math.min(...heaps.slice(0, times(2000)))).to.be.below(1);
    });

    it('nor do contexts of their own, each with its script', async () => {
      const source = callback('return [1].own()', 'Array.prototype.own = function () { return this.length };');
      for (let round = 0; round < times(800); round += 1) {
        const result = await runner.run(invocationOf(source, { limits: { memoryMebibytes: 16 } }));
        expect(kindOf(result), `${round}: ${JSON.stringify(result)}`).to.equal('ok');
      }
    });

    it('thousands of invocations of all kinds leave the process as large as it was', async () => {
      const kinds = [
        'Log.info("x", { a: [1] })',
        "throw new Error('x')",
        "deny('no')",
        "return (await fetch('http://localhost/a')).text()",
        "return Http.get('http://localhost/a').execute().getResponseString()",
        "return new Intl.NumberFormat('de').format(1234.5)",
        "return new URL('https://example.com/a?b=c').searchParams.get('b')",
        "return 'x'.repeat(1e5).length",
        "return new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(9))).length",
        'return new Uint8Array(1e5).length',
      ];
      // One script and one isolate for all, so that this is soon as large as it gets.
      const source = `async function onTokenGenerating(user, request) {
        switch (request.clientId) { ${kinds.map((code, n) => `case '${n}': ${code}; break;`).join('\n')} }
      }`;
      const base = inputs.onTokenGenerating as { request: object };
      // Generous, so that a busy machine fails none of them: the question is memory.
      const limits = { cpuMilliseconds: 5000, wallMilliseconds: 20_000 };
      const run = async (count: number) => {
        for (let round = 0; round < count; round += 1) {
          const input = { ...base, request: { ...base.request, clientId: String(round % kinds.length) } };
          const result = await runner.run(invocationOf(source, { input, limits }));
          expect(kindOf(result)).to.equal(['ok', 'runtime', 'denied'][round % kinds.length] ?? 'ok');
        }
      };
      await run(times(2500));
      const before = largest();
      await run(times(5000));
      expect(largest() - before).to.be.below(60);
    });

    it('hundreds of scripts leave room for each other', async () => {
      const run = async (from: number, to: number) => {
        for (let n = from; n < to; n += 1)
          expect(
            answerOf(
              await runner.run(
                invocationOf(callback(`return ${n}`), { tenantId: `tenant ${n}`, limits: { cpuMilliseconds: 2000 } }),
              ),
            ),
          ).to.equal(n);
      };
      await run(0, times(600));
      const before = largest();
      await run(times(600), times(1200));
      expect(largest() - before).to.be.below(100);
      // The first comes back as if it had never left.
      expect(answerOf(await runner.run(invocationOf(callback('return 0'), { tenantId: 'tenant 0' })))).to.equal(0);
    });

    it('isolates that time out again and again leave nothing', async () => {
      const run = async (count: number) => {
        for (let round = 0; round < count; round += 1)
          expect(
            kindOf(
              await runner.run(
                invocationOf(callback('for (;;);'), { limits: { cpuMilliseconds: 5, wallMilliseconds: 20_000 } }),
              ),
            ),
          ).to.equal('timeout');
      };
      await run(times(80));
      const before = largest();
      await run(times(160));
      expect(largest() - before).to.be.below(100);
    });

    it('memory that no isolate counts is bounded by the number of what takes it', async () => {
      const greedy: Readonly<Record<string, string>> = {
        formats: "new Intl.DateTimeFormat('ar-u-nu-arab', { dateStyle: 'full', timeStyle: 'full' })",
        'formats by their old name': "Intl.NumberFormat('zh')",
        'formats by the prototype': "new (Intl.Collator.prototype.constructor)('de')",
        'formats by Reflect': "Reflect.construct(Intl.DateTimeFormat, ['th'], Object)",
        'formats of a subclass': "new (class extends Intl.PluralRules {})('ru')",
        segments: "segmenter.segment('x')",
        'segments in their order': 'segments[Symbol.iterator]()',
      };
      await runner.run(invocationOf(callback('return 1')));
      const before = largest();
      for (const [what, one] of Object.entries(greedy)) {
        const source = callback(
          `const segmenter = new Intl.Segmenter('th', { granularity: 'word' }); const segments = segmenter.segment('x');
           const kept = []; for (;;) kept.push(${one})`,
        );
        for (let round = 0; round < times(32); round += 1) {
          const result = await runner.run(invocationOf(source, { limits: { cpuMilliseconds: 2000 } }));
          expect(result.ok ? '' : result.message, what).to.match(
            /^RangeError: a callback may make 200 objects of Intl/,
          );
        }
      }
      expect(largest() - before).to.be.below(250);
      // What a callback needs, it may make, again and again.
      const modest = callback(
        "return new Intl.NumberFormat('de').format(1.5) + new Intl.DateTimeFormat('de', { timeZone: 'UTC' }).format(0)",
      );
      for (let round = 0; round < times(1000); round += 1)
        expect(answerOf(await runner.run(invocationOf(modest)))).to.equal('1,51.1.1970');
      expect(largest() - before).to.be.below(350);
    });
  });

  describe('floods', () => {
    it('calls without end: the engine hears of as many as are allowed, and one more', async () => {
      const outbound = stubOutbound();
      const other = createScriptRunner({ outbound, processes: 1 });
      try {
        for (const flood of [
          "for (;;) fetch('http://localhost/')",
          "for (;;) try { await fetch('http://localhost/') } catch {}",
          "for (;;) Http.get('http://localhost/').execute()",
        ]) {
          outbound.requests.length = 0;
          const result = await other.run(
            invocationOf(asyncCallback(flood), { tenantId: flood, limits: { wallMilliseconds: 3000 } }),
          );
          expect(kindOf(result)).to.be.oneOf(['timeout', 'memory']);
          expect(outbound.requests.length).to.be.at.most(10);
          expect(result.calls.length).to.be.at.most(51);
        }
      } finally {
        await other.close();
      }
    });

    it('a body that is too large is a failed call, and ends no process', async () => {
      await runner.run(invocationOf(callback('return 1')));
      while (sandboxProcesses().length > 1) await wait(20);
      const before = sandboxProcesses().map(({ id }) => id);
      for (const body of ["'x'.repeat(5e6)", "'\\\\u0000'.repeat(1e6)", `'"'.repeat(1048570)`, "'\\\\'.repeat(1e6)"]) {
        const source = asyncCallback(
          `try { return (await fetch('http://localhost/a', { method: 'POST', body: ${body} })).status } catch (error) { return error.message }`,
        );
        const result = await runner.run(invocationOf(source, { limits: { cpuMilliseconds: 2000 } }));
        expect(String(answerOf(result))).to.match(/^200$|too large|malformed/);
      }
      expect(sandboxProcesses().map(({ id }) => id)).to.deep.equal(before);
    });

    it('log lines without end are cut off, and long ones shortened', async () => {
      const result = await runner.run(
        invocationOf(callback("for (let n = 0; n < 1e4; n += 1) Log.info('x'.repeat(5000)); return 1")),
      );
      expect(answerOf(result)).to.equal(1);
      expect(result.logs).to.have.length(200);
      expect(result.logs.every(({ message }) => message.length === 2000)).to.equal(true);
    });

    it('questions to the process itself are bounded: it serves others, too', async () => {
      const floods = [
        "for (;;) new URL('https://example.com/')",
        "for (;;) try { new URL('https://example.com/' + 'x'.repeat(1e6)) } catch {}",
        'for (;;) crypto.getRandomValues(new Uint8Array(65536))',
        "for (;;) try { await crypto.subtle.digest('SHA-512', new Uint8Array(1e6)) } catch {}",
      ];
      const limits = { cpuMilliseconds: 2000, wallMilliseconds: 4000 };
      await runner.run(invocationOf(callback('return 1'), { tenantId: 'calm' }));
      for (const flood of floods) {
        const under = runner.run(invocationOf(asyncCallback(flood), { tenantId: flood, limits }));
        await wait(100);
        const waits: number[] = [];
        for (let round = 0; round < 10; round += 1) {
          const began = performance.now();
          expect(answerOf(await runner.run(invocationOf(callback('return 1'), { tenantId: 'calm' })))).to.equal(1);
          waits.push(performance.now() - began);
        }
        expect(waits.sort((a, b) => a - b)[5], flood).to.be.below(300);
        expect(kindOf(await under)).to.be.oneOf(['timeout', 'runtime', 'memory']);
      }
    });
  });

  describe('time', () => {
    it('waiting for an answer is no CPU', async () => {
      const slow = createScriptRunner({
        outbound: stubOutbound(async () => {
          await wait(700);
          return { ok: true, response: { status: 200, headers: {}, body: 'x' } };
        }),
        processes: 1,
      });
      try {
        for (const call of [
          "(await fetch('http://localhost/')).status",
          "Http.get('http://localhost/').execute().getStatusCode()",
        ]) {
          const result = await slow.run(
            invocationOf(asyncCallback(`return ${call}`), { limits: { cpuMilliseconds: 100 } }),
          );
          expect(answerOf(result), call).to.equal(200);
          expect(result.wallMicroseconds).to.be.above(600_000);
          expect(result.cpuMicroseconds).to.be.below(150_000);
        }
      } finally {
        await slow.close();
      }
    });

    it('CPU and wall clock are told in whole microseconds', async () => {
      const result = await runner.run(
        invocationOf(callback('const until = Date.now() + 50; while (Date.now() < until); return 1')),
      );
      expect(Number.isSafeInteger(result.cpuMicroseconds) && Number.isSafeInteger(result.wallMicroseconds)).to.equal(
        true,
      );
      expect(result.cpuMicroseconds).to.be.within(5000, result.wallMicroseconds);
    });

    it('errors cross as name, message and place, whatever was thrown', async () => {
      const thrown: readonly (readonly [string, RegExp])[] = [
        [
          "class Own extends Error { constructor() { super('m'); this.name = 'Own'; this.secret = 'x' } } throw new Own()",
          /^Own: m$/,
        ],
        ["throw new Error('x'.repeat(5000))", /^x{1000}$/],
        ['throw null', /null/],
        ['throw undefined', /undefined/],
        ["throw 'text'", /text/],
        ['throw { get message() { throw 1 } }', /.*/],
        ['throw Object.create(null)', /.*/],
        ["throw new AggregateError([new Error('a')], 'many')", /many/],
        ["throw Symbol('s')", /s/],
        ['throw 10n', /10/],
        ["const e = new Error('m'); e.stack = 5; throw e", /m/],
      ];
      for (const [code, message] of thrown) {
        const result = await runner.run(invocationOf(callback(code)));
        expect(result, code).to.deep.include({ ok: false, kind: 'runtime' });
        expect(result.ok ? '' : result.message, code).to.match(message);
        expect(JSON.stringify(result)).not.to.include('secret');
      }
    });
  });

  describe('a process that is killed in the middle of a call', () => {
    it('ends the invocation that had called, and runs another once more', async () => {
      let asked = 0;
      const slow = createScriptRunner({
        outbound: stubOutbound(async () => {
          asked += 1;
          await wait(1500);
          return { ok: true, response: { status: 200, headers: {}, body: '' } };
        }),
        processes: 1,
      });
      try {
        const limits = { cpuMilliseconds: 5000, wallMilliseconds: 20_000 };
        const calling = slow.run(
          invocationOf(asyncCallback("await fetch('http://localhost/')"), { tenantId: 'calling', limits }),
        );
        const computing = slow.run(
          invocationOf(callback('const until = Date.now() + 800; while (Date.now() < until); return 1'), {
            tenantId: 'computing',
            limits,
          }),
        );
        while (asked === 0) await wait(10);
        for (const { id } of sandboxProcesses()) process.kill(id, 'SIGKILL');
        expect(kindOf(await calling)).to.equal('crashed');
        expect(answerOf(await computing)).to.equal(1);
        expect(asked).to.equal(1);
      } finally {
        await slow.close();
      }
    });
  });
});
