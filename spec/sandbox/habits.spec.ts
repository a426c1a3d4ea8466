/** Common habits of scripts, old and new: each works as everywhere, twice in a row, and leaves nothing behind. */
import { expect } from 'chai';
import { createScriptRunner } from '../../engine/script/pool.ts';
import type { ScriptRunner } from '../../engine/script/runner.ts';
import { answerOf, asyncCallback, callback, invocationOf, kindOf, stubOutbound, describeLanes } from './support.ts';

interface Habit {
  readonly top?: string;
  readonly does: string;
  readonly answer: unknown;
}

const own = (does: string, answer: unknown, top = ''): Habit => ({ does, answer, top });

const objects: Readonly<Record<string, Habit>> = {
  'toString of an own object': own("const o = {}; o.toString = () => 'own'; return String(o)", 'own'),
  'toString of an own prototype': own(
    "function Own() {} Own.prototype.toString = function () { return 'proto' }; return `${new Own()}`",
    'proto',
  ),
  'valueOf, hasOwnProperty and constructor': own(
    'const o = {}; o.valueOf = () => 7; o.hasOwnProperty = () => true; o.constructor = 1; return [o + 1, o.hasOwnProperty("x"), o.constructor]',
    [8, true, 1],
  ),
  'a bare name of Object.prototype': own("toString = function () { return 'mine' }; return toString()", 'mine'),
  'a subclass by prototype': own(
    "function Own(message) { this.message = message } Own.prototype = Object.create(Error.prototype); Own.prototype.constructor = Own; Own.prototype.name = 'Own'; const e = new Own('m'); return [String(e), e instanceof Error, e instanceof Own]",
    ['Own: m', true, true],
  ),
  'a subclass of Array by prototype': own(
    'function Stack() {} Stack.prototype = Object.create(Array.prototype); Stack.prototype.constructor = Stack; const s = new Stack(); s.push(1, 2); return [s.length, s.pop(), s.constructor === Stack]',
    [2, 2, true],
  ),
  'a subclass of Error': own(
    "class Own extends Error { constructor(m) { super(m); this.name = 'Own'; this.code = 5 } } try { throw new Own('m') } catch (e) { return [e.name, e.message, e.code, e instanceof Own, /Own/.test(e.stack)] }",
    ['Own', 'm', 5, true, true],
  ),
  'errors of every kind take names': own(
    "return [TypeError, RangeError, AggregateError].map((Type) => { const e = new Type([]); e.name = 'Mine'; e.message = 'm'; e.toString = () => 'x'; return e.name + e })",
    ['Minex', 'Minex', 'Minex'],
  ),
  'getters and setters': own(
    'let n = 1; const o = { get x() { return n }, set x(v) { n = v * 2 } }; o.x = 5; return o.x',
    10,
  ),
  'defineProperty on own objects': own(
    "const o = {}; Object.defineProperty(o, 'x', { value: 1, enumerable: true }); return JSON.stringify(o)",
    '{"x":1}',
  ),
  'classes with private parts': own(
    'class C { #n = 1; static made = 0; constructor() { C.made += 1 } get n() { return this.#n } } new C(); return [new C().n, C.made]',
    [1, 2],
  ),
  'a subclass of Map': own(
    "class Counter extends Map { add(k) { return this.set(k, (this.get(k) ?? 0) + 1) } } return [...new Counter().add('a').add('a')]",
    [['a', 2]],
  ),
  'an own name property': own(
    "const f = function () {}; f.kind = 'x'; f.toString = () => 'f'; return f.kind + f",
    'xf',
  ),
  'instanceof of everything': own(
    'return [(() => 1) instanceof Function, [] instanceof Array, {} instanceof Object, /x/ instanceof RegExp, new ArrayBuffer(1) instanceof ArrayBuffer, typeof Function, Function.prototype.call === (() => 1).call]',
    [true, true, true, true, true, 'function', true],
  ),
  'an array with own methods': own(
    'const list = [1, 2]; list.get = (n) => list[n]; list.toString = () => "l"; return [list.get(1), String(list)]',
    [2, 'l'],
  ),
  'a date with an own toString': own(
    "const d = new Date(0); d.toString = () => 'epoch'; d.toJSON = () => 'json'; return [String(d), JSON.stringify(d)]",
    ['epoch', '"json"'],
  ),
  'a proxy of an own object': own('return new Proxy({}, { get: (t, n) => `got ${String(n)}` }).x', 'got x'),
  'JSON with a reviver and toJSON': own(
    "return [JSON.parse('{\"a\":1,\"b\":[2]}', (k, v) => typeof v === 'number' ? v + 1 : v), JSON.stringify({ a: { toJSON: () => 'x' } }, null, 1)]",
    [{ a: 2, b: [3] }, '{\n "a": "x"\n}'],
  ),
  'Symbol.toPrimitive and Symbol.iterator': own(
    'const o = { [Symbol.toPrimitive]: () => 42, *[Symbol.iterator]() { yield 1; yield 2 } }; return [+o, [...o]]',
    [42, [1, 2]],
  ),
};

const language: Readonly<Record<string, Habit>> = {
  'implicit globals': own('function set() { counter = 5 } set(); counter += 1; return counter', 6),
  'implicit globals in loops': own(
    'let sum = 0; for (i = 0; i < 3; i++) sum += i; for (k in { a: 1 }) sum += k; for (x of [1]) sum += x; return [sum, i]',
    ['3a1', 3],
  ),
  'implicit globals by destructuring': own('[a1, { b1 }] = [1, { b1: 2 }]; ({ c1 = 3 } = {}); return a1 + b1 + c1', 6),
  'an implicit global that a typeof guards': own(
    "if (typeof cache === 'undefined') cache = {}; cache.x = (cache.x || 0) + 1; return cache.x",
    1,
  ),
  'this at the top': own(
    'return [top === globalThis, fromThis, globalThis.fromThis]',
    [true, 'x', 'x'],
    "var top = this; this.fromThis = 'x';",
  ),
  'globalThis is the global object': own(
    "globalThis.later = 4; return [later, 'Math' in globalThis, typeof globalThis.fetch, globalThis.Array === Array, delete globalThis.later, typeof later]",
    [4, true, 'function', true, true, 'undefined'],
  ),
  hoisting: own('return [early(), typeof late]; function early() { return 1 } var late = 2', [1, 'undefined']),
  'var declared twice': own('var n = 1; var n; var n = n + 1; return n', 2),
  'functions in blocks': own('if (true) { function inner() { return 3 } } return inner()', 3),
  closures: own(
    'const made = []; for (let n = 0; n < 3; n += 1) made.push(() => n); return made.map((f) => f())',
    [0, 1, 2],
  ),
  recursion: own('const fib = (n) => n < 2 ? n : fib(n - 1) + fib(n - 2); return fib(15)', 610),
  'labelled loops': own(
    'let n = 0; outer: for (;;) { for (;;) { n += 1; if (n === 3) break outer; continue outer } } return n',
    3,
  ),
  arguments: own('return (function () { return [].slice.call(arguments, 1).join() })(1, 2, 3)', '2,3'),
  'arguments.callee': own('return (function (n) { return n < 2 ? 1 : n * arguments.callee(n - 1) })(5)', 120),
  with: own('with ({ a: 1 }) { return a + 1 }', 2),
  'octal numbers and old escapes': own("return [010, '\\101', escape('ä'), 'x'.anchor('y')]", [
    8,
    'A',
    '%E4',
    '<a name="y">x</a>',
  ]),
  'a script in strict mode': own(
    'try { undeclared.x = 1 } catch (e) { return [e.name, (function () { return this })() === undefined] }',
    ['ReferenceError', true],
    "'use strict';",
  ),
  'spread, rest and defaults': own(
    'const f = (a, { b = 2, ...c } = {}, ...d) => [a, b, c, d]; return f(...[1, { x: 3 }, 4, 5])',
    [1, 2, { x: 3 }, [4, 5]],
  ),
  'optional chaining and nullish assignment': own(
    'let o = { a: null }; o.a ??= 1; o.b ||= 2; o.c?.d.e; return [o, o.c?.d, o.f?.()]',
    [{ a: 1, b: 2 }, null, null],
  ),
  'tagged templates': own(
    'const tag = (s, ...v) => s.raw.join("|") + v.join(); return tag`a${1}\\n${2}c`',
    'a|\\n|c1,2',
  ),
  generators: own(
    'function* g() { const x = yield 1; yield x * 2 } const it = g(); it.next(); return [it.next(21).value, [...g()]]',
    [42, [1, null]],
  ),
  'async iteration': own(
    'async function* g() { yield 1; yield 2 } let sum = 0; for await (const n of g()) sum += n; return sum',
    3,
  ),
  'promises in every combination': own(
    "const all = await Promise.allSettled([1, Promise.reject(new Error('x'))]); const any = await Promise.any([Promise.reject(0), 2]); const race = await Promise.race([new Promise(() => {}), 3]); return [all.map((r) => r.status), any, race, await Promise.all([4])]",
    [['fulfilled', 'rejected'], 2, 3, [4]],
  ),
  'then, catch and finally': own(
    "const seen = []; await Promise.reject(1).catch((e) => seen.push(e)).finally(() => seen.push('f')).then((n) => seen.push(n)); return seen",
    [1, 'f', 1],
  ),
  'try, catch and finally': own(
    "const seen = []; try { try { null.x } finally { seen.push('f') } } catch ({ name }) { seen.push(name) } return seen",
    ['f', 'TypeError'],
  ),
  'switch, do and comma': own(
    'let n = 0; do { switch (n) { case 0: n = 5; break; default: n += (1, 2) } } while (n < 6); return n',
    7,
  ),
};

const library: Readonly<Record<string, Habit>> = {
  'dates and their arithmetic': own(
    "const d = new Date('2026-02-28T12:00:00Z'); d.setUTCDate(d.getUTCDate() + 1); return [d.toISOString(), new Date(2020, 1, 29) - new Date(2020, 1, 28), Date.UTC(2020, 0), typeof Date.now()]",
    ['2026-03-01T12:00:00.000Z', 86_400_000, 1_577_836_800_000, 'number'],
  ),
  Intl: own(
    "return [new Intl.NumberFormat('de').format(1234.5), new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC' }).format(0), (5).toLocaleString('en'), ['b', 'ä', 'a'].sort(new Intl.Collator('de').compare)]",
    ['1.234,5', '01/01/1970', '5', ['a', 'ä', 'b']],
  ),
  'sort with a comparator': own('return [[3, 1, 2].sort((a, b) => b - a), [3, 1, 2].toSorted(), [10, 9].sort()]', [
    [3, 2, 1],
    [1, 2, 3],
    [10, 9],
  ]),
  'arrays from anything': own(
    "return [Array.from({ length: 2 }, (_, n) => n), Array.from('ab'), Array.of(1), [...new Set([1, 1])], [1, [2, [3]]].flat(9), [1, 2].includes(2)]",
    [[0, 1], ['a', 'b'], [1], [1], [1, 2, 3], true],
  ),
  'regular expressions, sticky and global': own(
    "const r = /a(?<n>\\d)/gy; r.lastIndex = 1; const m = r.exec('xa1a2'); return [m.groups.n, r.lastIndex, 'a1a2'.replace(/a(\\d)/g, '<$1>'), [...'a1a2'.matchAll(/a/g)].length, /(b)/.test('b') && RegExp.$1]",
    ['1', 3, '<1><2>', 2, 'b'],
  ),
  'RegExp.$1 after a test': own("return /(\\d+)-(\\d+)/.test('12-34') ? RegExp.$1 + RegExp.$2 : ''", '1234'),
  'maps, sets and weak maps': own(
    'const m = new Map([[1, 2]]); const w = new WeakMap(); const k = {}; w.set(k, 1); return [m.get(1), m.size, w.get(k), new Set([1]).has(1), new WeakSet([k]).has(k)]',
    [2, 1, 1, true, true],
  ),
  'typed arrays': own(
    'const b = new Uint8Array([1, 2, 300]); const v = new DataView(b.buffer); return [[...b], v.getUint16(0), [...new Float64Array(2)], b.buffer instanceof ArrayBuffer, new ArrayBuffer(8).slice(2).byteLength]',
    [[1, 2, 44], 258, [0, 0], true, 6],
  ),
  BigInt: own('return [(2n ** 64n).toString(), BigInt(10) / 3n === 3n, typeof 1n]', [
    '18446744073709551616',
    true,
    'bigint',
  ]),
  'Math, Number and String': own(
    "return [Math.max(...[1, 2]), Number('0x10'), parseInt('12px'), (255).toString(16), 'a-b'.split('-'), ' x '.trim(), 'x'.padStart(3, '0'), isNaN('x')]",
    [2, 16, 12, 'ff', ['a', 'b'], 'x', '00x', true],
  ),
  'Reflect and Symbol': own(
    "const s = Symbol.for('k'); return [Reflect.ownKeys({ a: 1, [s]: 2 }).length, Symbol.keyFor(s), Reflect.has([], 'map')]",
    [2, 'k', true],
  ),
  'Object helpers': own(
    "return [Object.entries({ a: 1 }), Object.fromEntries([['b', 2]]), Object.assign({}, { c: 3 }), Object.keys(Object.freeze({ d: 4 }))]",
    [[['a', 1]], { b: 2 }, { c: 3 }, ['d']],
  ),
  encodings: own(
    "return [encodeURIComponent('ä/'), btoa('x'), atob('eA=='), Base64.decode(Base64.encode('ä')), new TextDecoder().decode(new TextEncoder().encode('ü'))]",
    ['%C3%A4%2F', 'eA==', 'x', 'ä', 'ü'],
  ),
  'queueMicrotask and structuredClone': own(
    'const o = { a: [1] }; const c = structuredClone(o); c.a.push(2); await new Promise((resolve) => queueMicrotask(resolve)); return [o.a.length, c.a.length]',
    [1, 2],
  ),
};

/** These change what all scripts share, which is theirs for one invocation. */
const polyfills: Readonly<Record<string, Habit>> = {
  'a missing method of arrays': own(
    'return [3, 1].lastOne()',
    1,
    'if (!Array.prototype.lastOne) Array.prototype.lastOne = function () { return this[this.length - 1] };',
  ),
  'a missing method of strings, by defineProperty': own(
    "return 'ab'.backwards()",
    'ba',
    "Object.defineProperty(String.prototype, 'backwards', { value: function () { return this.split('').reverse().join('') } });",
  ),
  'a method that exists': own(
    "return 'abab'.replaceAll('a', 'x')",
    'mine',
    "String.prototype.replaceAll = function () { return 'mine' };",
  ),
  'methods by Object.assign': own(
    'return (5).double()',
    10,
    'Object.assign(Number.prototype, { double() { return this * 2 } });',
  ),
  'a function of Object': own(
    'return Object.size({ a: 1 })',
    1,
    'Object.size = Object.size || function (o) { return Object.keys(o).length };',
  ),
  'a function of Math': own(
    'return Math.sum(1, 2)',
    3,
    "'use strict'; Math.sum = (...n) => n.reduce((a, b) => a + b);",
  ),
  'a property of every object': own(
    'return ({ a: 1 }).describe() + [].describe()',
    'ao',
    'Object.prototype.describe = function () { return Array.isArray(this) ? "o" : Object.keys(this)[0] };',
  ),
  'a function handed the prototype': own(
    'return [1].first()',
    1,
    '(function (proto) { proto.first = function () { return this[0] } })(Array.prototype);',
  ),
  'a variable for the prototype': own('return [1].second', 'x', "var proto = Array.prototype; proto.second = 'x';"),
  'a getter of dates': own(
    'return new Date(0).year',
    1970,
    "Object.defineProperty(Date.prototype, 'year', { get() { return this.getUTCFullYear() } });",
  ),
  'lists of the models have it, too': own(
    'return [user.authorities.lastOne().permission, request.requestedScopes.lastOne()]',
    ['ROLE_FHIR_CLIENT', 'patient/*.rs'],
    'Array.prototype.lastOne = function () { return this[this.length - 1] };',
  ),
  'a stack as long as one likes': own(
    "return new Error('x').stack.split('\\n').length",
    2,
    'Error.stackTraceLimit = 1;',
  ),
};

describeLanes(
  'habits of scripts',
  (quickAfter) => {
    let runner: ScriptRunner;
    before(() => {
      runner = createScriptRunner({ outbound: stubOutbound(), processes: 1, quickAfter });
    });
    after(() => runner.close());

    const groups = { objects, language, library, polyfills };
    for (const [group, habits] of Object.entries(groups)) {
      describe(group, () => {
        for (const [name, { does, answer, top = '' }] of Object.entries(habits))
          it(name, async () => {
            // What must not be in an asynchronous function, such as `arguments.callee`, is in a plain one.
            const source = /\bawait\b/.test(does) ? asyncCallback(does, top) : callback(does, top);
            for (let round = 0; round < 3; round += 1)
              expect(answerOf(await runner.run(invocationOf(source)))).to.deep.equal(answer);
          });
      });
    }

    it('a change that cannot be seen from outside meets frozen objects: in strict mode an error with its place', async () => {
      const source = `'use strict';\nconst $ = { Array };\nfunction onTokenGenerating() {\n  $.Array.prototype.hidden = 1;\n}`;
      const result = await runner.run(invocationOf(source));
      expect(result).to.include({ ok: false, kind: 'runtime' });
      expect(result.ok ? '' : result.message).to.match(/Cannot add property hidden, object is not extensible/);
      expect(result.ok ? undefined : result.location).to.deep.equal({ file: 'callbacks.js', line: 4, column: 28 });
    });

    it('modules may polyfill as well, and a tenant’s other scripts see nothing of it', async () => {
      const module = `Array.prototype.lastOne = function () { return this[this.length - 1] };
      export function onTokenGenerating(user, request) { request.addAccessTokenClaim('answer', [1, 2].lastOne()) }`;
      expect(answerOf(await runner.run(invocationOf(module)))).to.equal(2);
      const other = callback("return 'lastOne' in [] || Array.prototype.lastOne || null");
      expect(answerOf(await runner.run(invocationOf(other)))).to.equal(null);
    });

    it('polyfills in a thousand invocations leave no memory behind', async function () {
      this.timeout(120_000);
      const source = callback(
        'return [1, 2].lastOne()',
        'Array.prototype.lastOne = function () { return this[this.length - 1] };',
      );
      let last = 0;
      for (let round = 0; round < 1000; round += 1) {
        const result = await runner.run(invocationOf(source, { tenantId: 'thousand' }));
        expect(kindOf(result), JSON.stringify(result)).to.equal('ok');
        last = result.heapBytes ?? 0;
      }
      expect(last / 2 ** 20).to.be.below(24);
    });
  },
  'if thorough',
);
