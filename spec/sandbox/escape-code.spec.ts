/** Attempts to make code out of text, to reach the world around the isolate, or to get at what the realm is made of. */
import { expect } from 'chai';
import { createScriptRunner } from '../../engine/script/pool.ts';
import type { ScriptRunner } from '../../engine/script/runner.ts';
import { crawler } from './crawl.ts';
import { answerOf, asyncCallback, callback, invocationOf, kindOf, stubOutbound, describeLanes } from './support.ts';

const code = `'return "escaped"'`;

/** Expressions that would be a function making functions of text, were they not cut off. */
const makers: readonly string[] = [
  'Function',
  'globalThis.Function',
  'Function.prototype.constructor',
  "Object.getOwnPropertyDescriptor(Function.prototype, 'constructor').value",
  '(function () {}).constructor',
  '(() => {}).constructor',
  '(async () => {}).constructor',
  '(async function () {}).constructor',
  '(function* () {}).constructor',
  '(async function* () {}).constructor',
  '(class {}).constructor',
  '(class { static m() {} }).m.constructor',
  '({ get x() { return 1 } }).__lookupGetter__("x").constructor',
  '(function () {}).bind().constructor',
  'new Proxy(function () {}, {}).constructor',
  'Object.getPrototypeOf(function () {}).constructor',
  'Object.getPrototypeOf(async function () {}).constructor',
  'Object.getPrototypeOf(Object.getPrototypeOf(async function () {}).constructor)',
  'Object.getPrototypeOf((function* () {}).constructor).constructor',
  'Math.max.constructor',
  'Array.constructor',
  'Reflect.apply.constructor',
  'Proxy.constructor',
  'Promise.resolve().then.constructor',
  'Promise.withResolvers().resolve.constructor',
  'Proxy.revocable({}, {}).revoke.constructor',
  "Object.getOwnPropertyDescriptor(Map.prototype, 'size').get.constructor",
  "Object.getOwnPropertyDescriptor(new Error('x'), 'stack').get.constructor",
  "Object.getOwnPropertyDescriptor((function () { 'use strict'; return arguments })(), 'callee').get.constructor",
  '[].constructor.constructor',
  "''.constructor.constructor",
  '(1n).constructor.constructor',
  'Symbol().constructor.constructor',
  "JSON.parse('{}').constructor.constructor",
  'new Date().constructor.constructor',
  '/x/.constructor.constructor',
  'new Intl.NumberFormat().format.constructor',
  'Temporal.Now.instant.constructor',
  'arguments.callee.constructor',
  'arguments.callee.caller.constructor',
  // What the realm gives.
  'Log.info.constructor',
  'console.log.constructor',
  'println.constructor',
  'deny.constructor',
  'fetch.constructor',
  'Http.get.constructor',
  "Http.get('http://localhost/').execute.constructor",
  "Http.get('http://localhost/').execute().isSuccess.constructor",
  'Environment.getEnv.constructor',
  'Base64.encode.constructor',
  'URL.constructor',
  'URL.prototype.toString.constructor',
  'crypto.subtle.digest.constructor',
  'queueMicrotask.constructor',
  'structuredClone.constructor',
  'user.hasAuthority.constructor',
  'user.constructor.constructor',
  'user.authorities.get.constructor',
  'request.addScope.constructor',
  "Object.getOwnPropertyDescriptor(request, 'launch').get.constructor",
  'client.constructor.constructor',
  // Errors, of the language and of calls.
  '(() => { try { null.x } catch (error) { return error.constructor.constructor } })()',
  '(() => { try { deny() } catch (error) { return error.constructor.constructor } })()',
  "(() => { try { new URL('x') } catch (error) { return error.constructor.constructor } })()",
  '(() => { try { (function again() { again() })() } catch (error) { return error.constructor.constructor } })()',
  "(() => { try { Function('') } catch (error) { return error.constructor.constructor } })()",
  "(await fetch('http://elsewhere.example/').catch((error) => error)).constructor.constructor",
  "(await fetch('http://localhost/')).text.constructor",
  "fetch('http://localhost/').constructor.constructor",
];

const evaluations: Readonly<Record<string, string>> = {
  eval: `return eval('"escaped"')`,
  'indirect eval': `return (0, eval)('"escaped"')`,
  'eval of the global object': `return globalThis.eval('"escaped"')`,
  'eval as a callback': `return ['"escaped"'].map(eval)[0]`,
  'Function as a callback': `return [${code}].map(Function)[0]()`,
  'eval by Reflect': `return Reflect.apply(eval, null, ['"escaped"'])`,
  'a subclass of Function': `return new (class extends Function { constructor() { super(${code}) } })()()`,
  'Reflect.construct': `return Reflect.construct(Function, [${code}])()`,
  'Reflect.construct with a target': `return Reflect.construct(Object, [], Function).constructor(${code})()`,
  'a proxy of Function': `return new (new Proxy(Function, {}))(${code})()`,
  'a timer of text': `setTimeout('globalThis.late = "escaped"', 0); await null; return globalThis.late`,
  'a replacement function': `return '"escaped"'.replace(/.*/s, eval)`,
  'a reviver': `return JSON.parse('{"a":1}', Function)`,
  'a stack prepared': `Error.prepareStackTrace = (error, sites) => sites.map((site) => site.getFunction() || site.getThis()).filter(Boolean).length ? 'escaped' : 'none'; return new Error('x').stack.slice(0, 7)`,
  'a stack prepared by definition': `Object.defineProperty(Error, 'prepareStackTrace', { value: () => 'escaped' }); return new Error('x').stack`,
  'a stack prepared in a subclass': `class Own extends Error { static prepareStackTrace() { return 'escaped' } } return new Own('x').stack`,
  'a stack captured on a subclass': `class Own extends Error { static prepareStackTrace() { return 'escaped' } } const o = {}; Own.captureStackTrace(o); return o.stack`,
};

/** Names that mean something elsewhere, or within the realm and the wrapper around a script. */
const absent: readonly string[] = (
  'process require module exports global Buffer __dirname __filename setTimeout setInterval setImmediate clearTimeout ' +
  'WebAssembly SharedArrayBuffer Atomics WeakRef FinalizationRegistry ShadowRealm XMLHttpRequest Worker WebSocket ' +
  'EventSource Deno Bun window self document navigator performance MessageChannel BroadcastChannel ReadableStream Response ' +
  'Request localStorage indexedDB caches gc load print read quit ivm isolate $0 $1 $2 __scope __import __globals engine ' +
  'tell local ask askNow askLater askLocal program current harden mend freeze parse stringify factory hooks helpers scopeOf ' +
  'globalOf evaluate noCode FixedBuffer sharedHelpers webIntrinsics asked'
).split(' ');

/** A walk over everything within reach, which lets a mark of isolated-vm's own objects be seen. */
const handles = `${crawler}
function handlesIn(roots) {
  const found = [];
  walk(roots, (path, value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return;
    try {
      if (['applySync', 'applySyncPromise', 'derefInto', 'copySync'].some((name) => typeof value[name] === 'function')) found.push(path);
    } catch {}
    try {
      if (/Reference|ExternalCopy|Isolate|Callback/.test(Object.prototype.toString.call(value))) found.push(path);
    } catch {}
  });
  return found;
}`;

describeLanes(
  'escapes by code',
  (quickAfter) => {
    let runner: ScriptRunner;
    before(() => {
      runner = createScriptRunner({ outbound: stubOutbound(), processes: 1, quickAfter });
    });
    after(() => runner.close());

    const limits = { cpuMilliseconds: 5000, wallMilliseconds: 20_000, outputBytes: 1_000_000 };
    const attempt = async (body: string, top = '') => {
      const source = /\bawait\b/.test(body) ? asyncCallback(body, top) : callback(body, top);
      return runner.run(invocationOf(source, { limits }));
    };

    for (const maker of makers)
      it(`${maker} makes no code`, async () => {
        // Whoever denies on the way has denied.
        const kinds = maker.includes('deny()') ? ['denied'] : ['runtime'];
        for (const call of [
          `(${maker})(${code})()`,
          `new (${maker})(${code})()`,
          `Reflect.construct(${maker}, [${code}])()`,
        ]) {
          const result = await attempt(`return ${call}`);
          if (result.ok) expect(answerOf(result)).not.to.equal('escaped');
          else expect(kinds).to.include(kindOf(result));
        }
        // Where it is there at all, it says why.
        const said = await attempt(`const maker = ${maker}; try { maker('') } catch (error) { return error.message }`);
        if (said.ok)
          expect(String(answerOf(said))).to.match(/making code from text is not allowed|^null$|without 'new'/);
      });

    for (const [name, body] of Object.entries(evaluations))
      it(`${name} makes no code`, async () => {
        const result = await attempt(body);
        if (result.ok) expect(answerOf(result)).not.to.equal('escaped');
        else expect(kindOf(result)).to.equal('runtime');
      });

    for (const text of [
      "import('x')",
      "import('node:fs')",
      "import('data:text/javascript,1')",
      'import.meta',
      "import x from 'node:fs'",
      "import 'sallyport:host'",
      "export * from 'sallyport:host'",
      "import x from 'file:///etc/passwd'",
      "import x from 'https://x.example/x.js'",
    ])
      it(`${text} is refused before it runs`, async () => {
        const result = await runner.run(invocationOf(`${text};\nfunction onTokenGenerating() {}`));
        expect(result).to.deep.include({ ok: false, kind: 'syntax' });
        expect(result.ok ? undefined : result.location).to.include({ file: 'callbacks.js', line: 1 });
      });

    for (const style of ['script', 'module'])
      it(`a ${style} knows no name of another world`, async () => {
        const types = absent.map((name) => `['${name}', typeof ${name}]`).join(',');
        const declaration = `function onTokenGenerating(user, request) { request.addAccessTokenClaim('answer', [${types}].filter(([, type]) => type !== 'undefined')) }`;
        const result = await runner.run(invocationOf(style === 'module' ? `export ${declaration}` : declaration));
        const known = answerOf(result) as [string, string][];
        // Of the function around a module two names are seen, which lead to what it imports and to its globals.
        expect(known.map(([name]) => name)).to.deep.equal(style === 'module' ? ['__import', '__globals'] : []);
        const members = await attempt(
          `return ${JSON.stringify(absent)}.filter((name) => name in globalThis || globalThis[name] !== undefined)`,
        );
        expect(answerOf(members)).to.deep.equal([]);
      });

    it('no handle of the isolate is within reach, nor in what an answer of the engine leads to', async () => {
      for (const top of ['', 'Array.prototype.own = 1;']) {
        const result = await attempt(
          `const response = await fetch('http://localhost/a'); const failure = await fetch('http://elsewhere.example/').catch((error) => error);
         const pending = fetch('http://localhost/b'); const digest = crypto.subtle.digest('SHA-256', new Uint8Array(1));
         const found = handlesIn({ ...rootsOf([user, request, client]), response, failure, pending, digest }); await pending; await digest; println(JSON.stringify(found))`,
          handles + top,
        );
        expect(result.logs.map(({ message }) => message)).to.deep.equal(['[]']);
      }
    });

    it('what is around a module leads to its own imports only', async () => {
      const module = `import { sha256 } from 'sallyport/crypto';
      export function onTokenGenerating(user, request) {
        const odd = [-1, 1, 2, 0.5, NaN, '0', 'length', 'constructor', '__proto__', {}, undefined];
        request.addAccessTokenClaim('answer', [typeof __import(0).sha256, ...odd.map((number) => typeof __import(number))]);
      }`;
      const [first, ...others] = answerOf(await runner.run(invocationOf(module))) as string[];
      expect(first).to.equal('function');
      expect([...new Set(others)]).to.deep.equal(['undefined']);
    });

    it('no function of the realm is found among the callers of a hook', async () => {
      const source = `function onTokenGenerating(user, request) {
      const seen = [];
      for (let caller = arguments.callee; caller && seen.length < 20; caller = caller.caller) seen.push(caller.name);
      request.addAccessTokenClaim('answer', seen);
    }`;
      expect(answerOf(await runner.run(invocationOf(source)))).to.deep.equal(['onTokenGenerating']);
    });

    it('a script that patches everything the realm could use still gets no handle', async () => {
      const spies = `
      const seen = [];
      const spy = (object) => {
        for (const key of Reflect.ownKeys(object)) {
          const found = Object.getOwnPropertyDescriptor(object, key);
          if (!found.configurable || key === 'constructor') continue;
          const note = (original) => function () { 'use strict'; const given = arguments; seen.length < 20000 && (seen[seen.length] = this, seen[seen.length] = given); return Reflect_apply(original, this, given) };
          if (typeof found.value === 'function') defineProperty(object, key, { ...found, value: note(found.value) });
          else if (found.get) defineProperty(object, key, { ...found, get: note(found.get) });
        }
      };
      const { apply: Reflect_apply } = Reflect; const { defineProperty } = Object;
      for (const type of [Function, String, Promise, Map, Error]) spy(type.prototype);
      for (const name of ['reference', 'copy', 'promise', 'externalCopy', 'timeout', 'result', 'arguments', 'unsafeInherit', 'filename', 'applySync', 'getSync', 'apply_'])
        defineProperty(Object.prototype, name, { get() { 'use strict'; seen[seen.length] = this; return true }, configurable: true });
      spy(Array.prototype);`;
      const source = `${handles}
      ${spies}
      async function onTokenGenerating(user, request) {
        Log.info({ a: 1 }, [2], new Error('x'));
        const text = await (await fetch('http://localhost/a')).text();
        Http.get('http://localhost/b').execute().getResponseString();
        new URL('https://example.com/');
        await crypto.subtle.digest('SHA-256', new Uint8Array(1));
        const found = [];
        for (let n = 0; n < seen.length; n += 1) {
          const one = seen[n];
          if (one !== null && typeof one === 'object' && typeof one.applySyncPromise === 'function') found[found.length] = 'object';
          const list = one !== null && typeof one === 'object' && typeof one.length === 'number' ? one : [];
          for (let m = 0; m < list.length; m += 1) if (list[m] !== null && typeof list[m] === 'object' && typeof list[m].applySyncPromise === 'function') found[found.length] = 'given';
        }
        request.addAccessTokenClaim('answer', JSON.stringify({ found, text, spied: seen.length > 10 }));
      }`;
      const result = await runner.run(invocationOf(source, { limits }));
      expect(JSON.parse(String(answerOf(result)))).to.deep.equal({ found: [], text: '/a', spied: true });
    });

    it('what one tenant patches, another never sees, in the same process', async () => {
      const patch =
        "Array.prototype.map = String.prototype.trim = JSON.parse = () => 'patched'; Object.prototype.seen = 'patched';";
      await runner.run(invocationOf(callback('return 1', patch), { tenantId: 'one' }));
      const other = callback("return [[1].map((n) => n + 1), ' x '.trim(), JSON.parse('2'), ({}).seen === undefined]");
      expect(answerOf(await runner.run(invocationOf(other, { tenantId: 'two' })))).to.deep.equal([[2], 'x', 2, true]);
      const same = callback('return [[1].map((n) => n + 1), ({}).seen === undefined]');
      expect(answerOf(await runner.run(invocationOf(same, { tenantId: 'one' })))).to.deep.equal([[2], true]);
    });

    it('the same text is another isolate for another tenant', async () => {
      const source = asyncCallback("if (typeof made === 'undefined') made = 0; made += 1; return made");
      for (const tenantId of ['x', 'y', 'x', 'y'])
        expect(answerOf(await runner.run(invocationOf(source, { tenantId })))).to.equal(1);
    });
  },
  'if thorough',
);
