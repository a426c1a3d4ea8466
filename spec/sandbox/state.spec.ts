/** No state survives an invocation: whatever one stores, wherever it can, the next finds the world as it was. */
import { expect } from 'chai';
import { array, asyncProperty, assert as assertProperty, constantFrom, record, shuffledSubarray } from 'fast-check';
import { createScriptRunner } from '../../engine/script/pool.ts';
import { compileScript } from '../../engine/script/compile/compile.ts';
import { libraryNames } from '../../engine/script/compile/library.ts';
import { makeScript } from '../../engine/script/script.ts';
import type { HookName, ScriptRunner } from '../../engine/script/runner.ts';
import { crawler } from './crawl.ts';
import { ways } from './state-ways.ts';
import { answerOf, inputs, invocationOf, kindOf, stubOutbound, wait, describeLanes } from './support.ts';
import { isThorough } from '../support/thorough.ts';

/** Generous: a walk over everything takes its time. One at a time, so that the same isolate serves all. */
const limits = { cpuMilliseconds: 5000, wallMilliseconds: 20_000, concurrency: 1, outputBytes: 1_000_000 };
const names = Object.keys(ways);

/** How an invocation may end after it stored something. */
const endings = {
  returns: '',
  throws: "throw new Error('end')",
  denies: "deny('end')",
  rejects: "return Promise.reject(new Error('end'))",
  'leaves a promise': 'void new Promise(() => {}).then(() => secret); return',
  'leaves a microtask': 'void Promise.resolve().then(() => { carry = secret }); return',
  'leaves a call': "void fetch('http://localhost/left').then(() => { carry = secret }); return",
  'leaves a generator':
    'const left = (function* () { try { yield secret } finally { carry = secret } })(); left.next(); return',
} as const;
type Ending = keyof typeof endings;

const intrinsics = (
  'Object Function Array String Map Math JSON Reflect Intl Date RegExp Symbol Promise Error Proxy ArrayBuffer Temporal ' +
  'Iterator URL Headers'
).split(' ');

/** The client's id says what to do, as JSON: `{store: [names], secret, ending}` or `{}` to look for what is left. */
function sourceOf(write: (code: string) => string): string {
  const list = (part: 'store' | 'read') =>
    names.map((name) => `${JSON.stringify(name)}: function () { ${write(ways[name]?.[part] ?? '')} }`).join(',\n');
  return `
const $ = { ${intrinsics.join(', ')} };
${names.map((name) => write(ways[name]?.top ?? '')).join('\n')}
var carry = null;
function onTokenGenerating(user, request, client) {
  const { store = [], secret, ending, together } = JSON.parse(request.clientId);
  const { parse, stringify } = JSON;
  const writers = { ${list('store')} };
  const readers = { ${list('read')} };
  const found = {};
  for (const name in readers) {
    let value;
    try { value = readers[name]() } catch { continue }
    if (value !== undefined && value !== null && value !== '') found[name] = String(value);
  }
  if (carry !== null) found.carry = carry;
  request.addAccessTokenClaim('answer', found);
  const stored = {};
  for (const name of store) {
    try { writers[name]() } catch {}
    if (!together) continue;
    try { stored[name] = readers[name]() === secret } catch { stored[name] = false }
  }
  if (together) request.addAccessTokenClaim('answer', stored);
  ${Object.entries(endings)
    .map(([name, code]) => `if (ending === '${name}') { ${code} }`)
    .join('\n  ')}
}`;
}

/** The same ways twice: where all invocations share one frozen context, and where a script's writing gave it its own. */
const modes = {
  // Written so that nobody sees from outside what is changed.
  'a shared context': {
    source: sourceOf((code) => code.replace(new RegExp(`(?<![.$\\w])(${intrinsics.join('|')})(?=\\.)`, 'g'), '$$.$1')),
    ownContext: false,
  },
  'contexts of their own': { source: sourceOf((code) => code), ownContext: true },
};

for (const [mode, { source, ownContext }] of Object.entries(modes)) {
  describeLanes(
    `no state survives an invocation in ${mode}`,
    (quickAfter) => {
      let runner: ScriptRunner;
      let secrets = 0;
      before(() => {
        runner = createScriptRunner({ outbound: stubOutbound(), processes: 1, quickAfter });
      });
      after(() => runner.close());

      const plan = (wanted: { store?: readonly string[]; ending?: Ending; together?: boolean }) => {
        secrets += 1;
        const base = inputs.onTokenGenerating as { request: object };
        const clientId = JSON.stringify({ ...wanted, secret: `secret-${secrets}-of-somebody-else` });
        return invocationOf(source, { limits, input: { ...base, request: { ...base.request, clientId } } });
      };

      it('the script is one for such a context', () => {
        const compiled = compileScript(makeScript('callbacks.js', source));
        expect(compiled).to.have.property('ok', true);
        expect(compiled.ok && compiled.program.ownContext).to.equal(ownContext);
      });

      it('ways to store that are open within one invocation are so, or the rest would prove nothing', async () => {
        for (const name of names) {
          const result = await runner.run(plan({ store: [name], together: true }));
          // A script that breaks what the realm is made of gets no result.
          if (ownContext && !result.ok) continue;
          const works = (answerOf(result) as Record<string, boolean>)[name];
          // What is shut where all share a context may be open where nobody does.
          if (!ownContext || ways[name]?.works) expect(works, name).to.equal(ways[name]?.works);
        }
      });

      for (const name of names)
        it(`${name} is as it was`, async () => {
          const stored = await runner.run(plan({ store: [name] }));
          if (!ownContext) expect(kindOf(stored)).to.equal('ok');
          expect(answerOf(await runner.run(plan({})))).to.deep.equal({});
        });

      it('nor do any of them together, in any order, however the invocations end', async function () {
        this.timeout(120_000);
        await assertProperty(
          asyncProperty(
            array(
              record({ store: shuffledSubarray(names), ending: constantFrom(...(Object.keys(endings) as Ending[])) }),
              { minLength: 1, maxLength: 5 },
            ),
            async (invocations) => {
              for (const each of invocations) await runner.run(plan(each));
              expect(answerOf(await runner.run(plan({})))).to.deep.equal({});
            },
          ),
          { numRuns: (ownContext ? 20 : 60) / (isThorough ? 1 : 2) },
        );
      });
    },
    ownContext ? 'if thorough' : 'always',
  );
}

describeLanes('no state survives an invocation', (quickAfter) => {
  let runner: ScriptRunner;
  before(() => {
    runner = createScriptRunner({ outbound: stubOutbound(), processes: 1, quickAfter });
  });
  after(() => runner.close());

  for (const hook of Object.keys(inputs) as HookName[]) {
    it(`${hook}: what is planted at every object within reach is found at none`, async () => {
      const walk = `${crawler}
        function ${hook}(first, second, third) {
          const { secret, other } = Environment.getEnv('DEPARTMENT') ? { secret: 'planted-by-one', other: 'planted-' + 'by-one' } : {};
          const roots = rootsOf([first, second, third]);
          const before = find(roots, other);
          const size = plant(roots, secret);
          println(JSON.stringify({ size, before, after: find(roots, secret).length }));
        }`;
      for (let round = 0; round < 3; round += 1) {
        const result = await runner.run(invocationOf(walk, { hook, limits }));
        const { size, before, after } = JSON.parse(result.logs[0]?.message ?? '{}') as Record<string, unknown>;
        // The walk sees the whole realm, and finds what it has just planted.
        expect(size).to.be.above(1000);
        expect(after).to.be.above(10);
        expect(before).to.deep.equal([]);
      }
    });
  }

  it('nor at anything the library exports, nor at what it hands out', async () => {
    const imports = libraryNames.map((name, n) => `import * as library${n} from '${name}';`).join('\n');
    const namespaces = libraryNames.map((name, n) => `'${name}': library${n}`).join(', ');
    // Modules are strict, where a function does not know its callers.
    const strict = crawler.replaceAll(/function \(\) \{ return arguments\.callee[^}]*\}/g, 'function () {}');
    const walk = `${imports}
      ${strict}
      export async function onTokenGenerating(user, request) {
        const made = await Promise.allSettled([
          library0, ...Object.values({ ${namespaces} }).flatMap((namespace) => Object.values(namespace)
            .filter((each) => typeof each === 'function').map((each) => { try { return each('a', 'b') } catch (error) { return error } })),
        ]);
        const roots = { ...rootsOf([user, request]), ${namespaces}, made };
        const before = find(roots, 'planted-' + 'by-one');
        const size = plant(roots, 'planted-by-one');
        println(JSON.stringify({ size, before, after: find(roots, 'planted-by-one').length }));
      }`;
    for (let round = 0; round < 3; round += 1) {
      const result = await runner.run(invocationOf(walk, { limits }));
      const said = JSON.parse(result.logs.at(-1)?.message ?? '{}') as Record<string, unknown>;
      expect(said['size'], JSON.stringify(result)).to.be.above(1000);
      expect(said['after']).to.be.above(10);
      expect(said['before']).to.deep.equal([]);
    }
  });

  it('what a microtask after the answer does is over before the next begins', async () => {
    const late = `
      var seen = 0;
      async function onTokenGenerating(user, request) {
        Promise.resolve().then(() => Promise.resolve()).then(() => { for (let n = 0; n < 1e6; n += 1) seen += 1; Log.info('late') });
        request.addAccessTokenClaim('answer', seen);
      }`;
    for (let round = 0; round < 3; round += 1) {
      const result = await runner.run(invocationOf(late, { limits }));
      expect(answerOf(result)).to.equal(0);
    }
  });

  describe('calls that nobody awaits', () => {
    const visit = (url: string) => `http://localhost${url}`;
    /** The first of them ends while its second call is answered; what goes on then would speak in the next. */
    const stray = `
      async function onTokenGenerating(user, request) {
        const ask = (path) => fetch('${visit('/')}' + request.clientId + path);
        if (request.clientId === 'first') {
          (async () => { for (;;) { try { await ask('/stray'); Log.info('a stray of the first') } catch {} } })();
          (async () => { for (;;) { try { await crypto.subtle.digest('SHA-256', new Uint8Array(1)); Log.info('a digest of the first') } catch {} } })();
          await ask('/own');
          return;
        }
        for (let n = 0; n < 3; n += 1) await ask('/own');
        request.addAccessTokenClaim('answer', 'fine');
      }`;
    const from = (clientId: string) => {
      const base = inputs.onTokenGenerating as { request: object };
      return invocationOf(stray, { limits, input: { ...base, request: { ...base.request, clientId } } });
    };

    it('are not counted, logged or continued in the next invocation', async () => {
      const first = await runner.run(from('first'));
      expect(kindOf(first)).to.equal('ok');
      for (let round = 0; round < 3; round += 1) {
        const next = await runner.run(from('second'));
        expect(answerOf(next)).to.equal('fine');
        expect(next.logs).to.deep.equal([]);
        expect(next.calls.map(({ target }) => target.replace(/^.*localhost/, ''))).to.deep.equal(
          Array.from({ length: 3 }, () => '/second/own'),
        );
      }
    });

    it('are in the record of the invocation that made them', async () => {
      const slow = createScriptRunner({
        outbound: stubOutbound(async () => {
          await wait(300);
          return { ok: true, response: { status: 200, headers: {}, body: '' } };
        }),
        processes: 1,
      });
      try {
        const forgetful = "function onTokenGenerating() { fetch('http://localhost/audit?secret=1'); }";
        const result = await slow.run(invocationOf(forgetful));
        expect(kindOf(result)).to.equal('ok');
        expect(result.calls).to.have.length(1);
        expect(result.calls[0]?.target).to.include('localhost/audit').and.not.include('secret');
        expect(result.calls[0]?.outcome).to.equal('unanswered');
      } finally {
        await slow.close();
      }
    });
  });
});
