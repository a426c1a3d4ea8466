/** Every limit of an invocation, reached in each of the ways that are known to slip past one of its guards. */
import { expect } from 'chai';
import type { ScriptRunner } from '../../engine/script/runner.ts';
import { createScriptRunner } from '../../engine/script/pool.ts';
import type { ScriptLimits } from '../../engine/tenant/tenant.ts';
import {
  answerOf,
  asyncCallback,
  callback,
  invocationOf,
  kindOf,
  sandboxProcesses,
  stubOutbound,
  describeLanes,
} from './support.ts';

interface Attempt {
  readonly does: string;
  readonly kinds: readonly string[];
  readonly limits?: Partial<ScriptLimits>;
}

const short = { cpuMilliseconds: 100, wallMilliseconds: 1500 };

const endless: Readonly<Record<string, Attempt>> = {
  'a loop': { does: 'for (;;) {}', kinds: ['timeout'] },
  'a loop in an awaited function': { does: 'await 0; for (;;) {}', kinds: ['timeout'] },
  'an endless chain of awaits': { does: 'for (;;) await 0', kinds: ['timeout'] },
  'an endless chain of awaited rejections': {
    does: 'for (;;) try { await Promise.reject(1) } catch {}',
    kinds: ['timeout'],
  },
  'a microtask that loops': { does: 'Promise.resolve().then(() => { for (;;) {} }); return 1', kinds: ['timeout'] },
  'microtasks that make microtasks': {
    does: '(function again() { Promise.resolve().then(again) })(); return 1',
    kinds: ['timeout'],
  },
  'microtasks that double': {
    does: '(function again() { Promise.resolve().then(again); Promise.resolve().then(again) })(); return 1',
    kinds: ['timeout', 'memory'],
  },
  'a loop after a call was answered': { does: "await fetch('http://localhost/a'); for (;;) {}", kinds: ['timeout'] },
  'a loop after three calls were answered': {
    does: "for (let n = 0; n < 3; n += 1) await fetch('http://localhost/a'); for (;;) {}",
    kinds: ['timeout'],
  },
  'awaits without end after a call was answered': {
    does: "await fetch('http://localhost/a'); for (;;) await 0",
    kinds: ['timeout'],
  },
  'microtasks that outlive the answer': {
    does: "await fetch('http://localhost/a'); (function again() { Promise.resolve().then(again) })(); return 1",
    kinds: ['timeout'],
  },
  'a loop after a synchronous call': {
    does: "Http.get('http://localhost/a').execute(); for (;;) {}",
    kinds: ['timeout'],
  },
  'a promise that never settles': { does: 'await new Promise(() => {})', kinds: ['timeout'] },
  'a thenable that never answers': { does: 'return { then() {} }', kinds: ['timeout'] },
  'a thenable that answers with itself for ever': {
    does: 'const self = { then(resolve) { resolve(self) } }; return self',
    kinds: ['timeout'],
  },
  'a generator that never ends': {
    does: 'for (const n of (function* () { for (;;) yield 1 })()) n + 1',
    kinds: ['timeout'],
  },
  'an asynchronous generator that never ends': {
    does: 'for await (const n of (async function* () { for (;;) yield 1 })()) n + 1',
    kinds: ['timeout'],
  },
  'a regular expression': { does: "return /^(a+)+$/.test('a'.repeat(60) + 'b')", kinds: ['timeout'] },
  'a replacement by a regular expression': {
    does: "return ('a'.repeat(60) + 'b').replace(/^(a|aa)+$/, '')",
    kinds: ['timeout'],
  },
  'a split by a regular expression': { does: "return 'x'.repeat(5e4).split(/(.*)*y/)", kinds: ['timeout'] },
  'a sort whose comparator loops': { does: 'return [2, 1].sort(() => { for (;;) {} })', kinds: ['timeout'] },
  'a getter of the answer': { does: 'return { get x() { for (;;) {} } }', kinds: ['timeout'] },
  'a toJSON of the answer': { does: 'return { toJSON() { for (;;) {} } }', kinds: ['timeout'] },
  'a message that is read': { does: 'throw { get message() { for (;;) {} } }', kinds: ['timeout'] },
  'a value that is logged': {
    does: 'Log.info({ toString() { for (;;) {} }, toJSON() { for (;;) {} } })',
    kinds: ['timeout'],
  },
  'a finally that loops': { does: 'try { return 1 } finally { for (;;) {} }', kinds: ['timeout'] },
  'a handler that takes every error for its own': { does: 'for (;;) try { for (;;) {} } catch {}', kinds: ['timeout'] },
  'powers of a large number': {
    does: 'let n = 3n; for (;;) n = n * n % (2n ** 4000000n)',
    kinds: ['timeout', 'memory'],
  },
  'an array-like that says it is long': {
    does: 'return Array.from({ length: 2 ** 31 }, () => 0).length',
    kinds: ['timeout', 'memory'],
  },
};

const greedy: Readonly<Record<string, Attempt>> = {
  'objects without end': { does: 'const kept = []; for (;;) kept.push({ n: kept.length })', kinds: ['memory'] },
  'closures without end': {
    does: 'const kept = []; for (;;) { const n = kept.length; kept.push(() => n) }',
    kinds: ['memory'],
  },
  'a map without end': { does: 'const kept = new Map(); for (;;) kept.set({}, {})', kinds: ['memory', 'runtime'] },
  'arrays of the largest size': { does: 'return new Array(1e9).fill(0).length', kinds: ['memory', 'crashed'] },
  'an array that is spread': { does: "return [...'.'.repeat(5e8)].length", kinds: ['memory', 'crashed', 'runtime'] },
  'a text that is split': { does: "return 'x'.repeat(2 ** 28).split('').length", kinds: ['memory', 'crashed'] },
  'a text that doubles': { does: "let text = 'x'; for (;;) text += text", kinds: ['runtime'] },
  'a text that is padded': { does: "return 'x'.padEnd(2 ** 30, 'y').length", kinds: ['runtime'] },
  'texts that are made flat': {
    does: "const kept = []; for (;;) { const text = ('x' + kept.length).repeat(1e6); text.charCodeAt(5); kept.push(text.toUpperCase()) }",
    kinds: ['memory', 'crashed'],
  },
  'deep JSON that is read': {
    does: "return JSON.parse('['.repeat(5e6) + ']'.repeat(5e6)).length",
    kinds: ['memory', 'crashed', 'runtime'],
  },
  'broad JSON that is read': {
    does: "return JSON.parse('[' + '{},'.repeat(3e6) + '0]').length",
    kinds: ['memory', 'crashed'],
  },
  'deep JSON that is written': {
    does: 'let deep = []; for (;;) deep = [deep, JSON.stringify(deep).length]',
    kinds: ['runtime', 'memory', 'timeout'],
  },
  'a sort of millions': {
    does: 'for (;;) Array.from({ length: 3e6 }, (_, n) => -n).sort((a, b) => a - b)',
    kinds: ['memory', 'crashed', 'timeout'],
  },
  'typed arrays without end': {
    does: 'const kept = []; for (;;) kept.push(new Uint8Array(1e6).fill(1))',
    kinds: ['memory'],
  },
  'one typed array of a gigabyte': { does: 'return new Uint8Array(2 ** 30).length', kinds: ['memory'] },
  'buffers that grow': {
    does: 'const kept = []; for (;;) { const one = new ArrayBuffer(0, { maxByteLength: 2 ** 30 }); one.resize(2 ** 28); kept.push(new Uint8Array(one).fill(1)) }',
    kinds: ['runtime'],
  },
  'buffers that are moved to larger ones': {
    does: 'const kept = []; for (;;) kept.push(new ArrayBuffer(8).transfer(4e6))',
    kinds: ['memory'],
  },
  'a promise flood': {
    does: 'const kept = []; for (;;) kept.push(new Promise(() => {}).then(() => 1))',
    kinds: ['memory'],
  },
  'recursion without end': { does: 'return (function again(n) { return again(n + 1) + 1 })(0)', kinds: ['runtime'] },
  'recursion through toJSON': {
    does: 'return JSON.stringify({ toJSON() { return JSON.parse(JSON.stringify(this)) } })',
    kinds: ['runtime'],
  },
  'recursion through a proxy': {
    does: 'const round = new Proxy({}, { get: (target, name, self) => self[name] }); return round.x',
    kinds: ['runtime'],
  },
  'recursion that is caught and begun anew': {
    does: '(function again() { try { again() } catch { again() } })()',
    kinds: ['timeout', 'runtime'],
  },
};

const talkative: Readonly<Record<string, Attempt>> = {
  'an answer above the limit': { does: "return 'x'.repeat(70000)", kinds: ['shape'] },
  'an answer of a hundred megabytes': {
    does: "return 'x'.repeat(1e8)",
    kinds: ['shape', 'memory', 'crashed', 'timeout'],
  },
  'an answer nested too deeply': {
    does: 'let deep = 1; for (let n = 0; n < 100; n += 1) deep = [deep]; return deep',
    kinds: ['shape'],
  },
  'an answer in a circle': { does: 'const round = []; round.push(round); return round', kinds: ['runtime'] },
};

describeLanes(
  'limits of an invocation',
  (quickAfter) => {
    let runner: ScriptRunner;
    before(() => {
      runner = createScriptRunner({ outbound: stubOutbound(), processes: 2, quickAfter });
    });
    after(() => runner.close());

    /** Runs it, then another invocation of the same tenant and one of another, which must know nothing of it. */
    async function attempt(title: string, { does, kinds, limits = {} }: Attempt): Promise<void> {
      const began = performance.now();
      const result = await runner.run(invocationOf(asyncCallback(does), { tenantId: title, limits }));
      expect(kinds, JSON.stringify(result)).to.include(kindOf(result));
      if (!result.ok) expect(result.message).not.to.match(/undefined|\[object/);
      expect(performance.now() - began).to.be.below(20_000);
      for (const { residentMebibytes } of sandboxProcesses()) expect(residentMebibytes()).to.be.below(1024);
      const other = await runner.run(invocationOf(callback('return 7'), { tenantId: 'other' }));
      expect(answerOf(other)).to.equal(7);
    }

    for (const [title, one] of Object.entries(endless))
      it(`${title} is stopped`, () => attempt(title, { ...one, limits: { ...short, ...one.limits } }));
    // Begun on the process's thread it is soon run again on one of the isolate, which the other suite has tried in full.
    for (const [title, one] of Object.entries(greedy).filter((_one, index) => quickAfter > 0 || index % 3 === 0))
      it(`${title}: memory is bounded`, () =>
        // Where the machine is busy, time may be up before memory is.
        attempt(title, {
          does: one.does,
          kinds: [...one.kinds, 'timeout'],
          limits: { cpuMilliseconds: 3000, memoryMebibytes: 16 },
        }));
    for (const [title, one] of Object.entries(talkative))
      it(`${title} is refused`, () => attempt(title, { ...one, limits: { cpuMilliseconds: 1000 } }));

    it('what was stopped is started afresh: the same script goes on afterwards', async () => {
      const source = asyncCallback("if (request.clientId === 'loop') for (;;) {} return 'fine'").replace(
        'const answer',
        "if (request.clientId === 'loop') for (;;) {}\nconst answer",
      );
      const input = {
        ...(invocationOf(source).input as object),
        request: { clientId: 'loop', grantType: 'x', requestedScopes: [], approvedScopes: [], requestParameters: {} },
      };
      expect(kindOf(await runner.run(invocationOf(source, { input, limits: short })))).to.equal('timeout');
      expect(answerOf(await runner.run(invocationOf(source, { limits: short })))).to.equal('fine');
    });
  },
  'if thorough',
);
