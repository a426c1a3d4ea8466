/** Sources that try to break out of the text around them, and oddities of the language at the top of a script. */
import { expect } from 'chai';
import { createScriptRunner } from '../../engine/script/pool.ts';
import type { ScriptRunner } from '../../engine/script/runner.ts';
import { makeScript } from '../../engine/script/script.ts';
import { answerOf, callback, invocationOf, kindOf, stubOutbound, describeLanes } from './support.ts';

const hook = (answer: string) =>
  `function onTokenGenerating(user, request) { request.addAccessTokenClaim('answer', ${answer}) }`;
const evil = "globalThis.evil = 'out'";

/** Refused while the script is read; the place lies in it. */
const refused: Readonly<Record<string, string>> = {
  'closes the function around it': `}}})(); ${evil}; (function(){with({}){return (function(){`,
  'closes one function more than it opened': `} ${evil}; {`,
  'closes and opens in the right number': `}).call(this)}}); ${evil}; (function(a){with(a){return (function(){`,
  'closes a module’s function': `})()}); ${evil}; (function(){return (function(){`,
  'closes a parenthesis': `); ${evil}; (`,
  'ends in an open function': `${hook('1')} function x() {`,
  'ends in an open comment': `${hook('1')} /*`,
  'ends in an open text': `${hook('1')} 'x`,
  'ends in an open template': `${hook('1')} \`\${`,
  'ends in an open regular expression': `${hook('1')} /x`,
  'ends in a backslash': `${hook('1')} \\`,
  'ends in half an expression': `${hook('1')} var x =`,
  'ends in a label': `${hook('1')} label:`,
  'ends in an if': `${hook('1')} if (1)`,
  'closes a comment that is none': `${hook('1')} */`,
  'closes an HTML comment in the middle of a line': 'var x = 1; --> x',
  'returns at the top': `${evil}; return 1`,
  'yields at the top': 'yield 1',
  'awaits at the top': 'await 1',
  'awaits at the top in a loop': 'for await (const x of []) {}',
  'breaks at the top': 'break',
  'continues at the top': 'continue',
  'asks for new.target at the top': 'new.target',
  'asks for super at the top': 'super.x',
  'calls super at the top': 'super()',
  'has with in strict mode': `'use strict'; with ({}) {}`,
  'has octal numbers in strict mode': `'use strict'; 010`,
  'deletes a name in strict mode': `'use strict'; var x; delete x`,
  'has with in a module': `with ({}) {} export ${hook('1')}`,
  'has an HTML comment in a module': `<!-- x\nexport ${hook('1')}`,
  'has a private name of no class': 'x.#y',
  'declares one name twice': 'let x; let x',
  'has a number that is none': '3in []',
  'has a null byte': `${hook('1')}\0`,
  'has a hashbang in the middle': `${hook('1')}\n#!/bin/sh`,
  'is a lone brace': '}',
  'is TypeScript': 'function onTokenGenerating(user: string) {}',
};

/** Read and run as everywhere. */
const accepted: Readonly<Record<string, readonly [source: string, answer: unknown]>> = {
  'ends in a comment': [`${hook('1')} // x`, 1],
  'ends in an HTML comment': [`${hook('1')} <!-- x`, 1],
  'begins with an HTML comment': [`<!-- x\n${hook('1')}`, 1],
  'has a line that begins with the end of an HTML comment': [`${hook('1')}\n--> x`, 1],
  'begins with a hashbang': [`#!/usr/bin/env node\n${hook('1')}`, 1],
  'begins with a byte order mark': [`\ufeff${hook('1')}`, 1],
  'has carriage returns': [`// x\r\n${hook('1')}\r\n`, 1],
  'has line separators': [`var a = 1;\u2028var b = 2;\u2029${hook('a + b')}`, 3],
  'has line separators in texts': [hook("'a\u2028b'.length"), 3],
  'ends without a semicolon': [`${hook('x')}\nvar x = 5`, 5],
  'ends in a function call on the next line': [`${hook('1')}\nvar f = function () {}\n(function () {})`, 1],
  'ends in a template': [`${hook('x')}; var x = \`\${1 + 1}\``, '2'],
  'is strict': [`'use strict'; ${hook('this === undefined')}`, true],
  'is sloppy': [hook('(function () { return typeof this })()'), 'object'],
  'names what the wrapper names': [`var __scope = 1, $0 = 2; ${hook('[__scope, $0]')}`, [1, 2]],
  'assigns what the wrapper names': [`__scope = 1; ${hook('__scope')}`, 1],
  'asks for what the wrapper names': [
    hook('[typeof __scope, typeof $0, typeof $1]'),
    ['undefined', 'undefined', 'undefined'],
  ],
  'has arguments at the top': [`var n = arguments.length; ${hook('n')}`, 0],
  'declares arguments': [`var arguments = 7; ${hook('arguments.length')}`, 3],
  'uses let, yield, await, async and static as names': [
    `var let_ = 1; var yield = 2, await = 3, async = 4, static = 5; ${hook('[yield, await, async, static]')}`,
    [2, 3, 4, 5],
  ],
  'has a label': [`outer: for (;;) { break outer } ${hook('1')}`, 1],
  'has a block of its own name': [
    `{ function onTokenGenerating(user, request) { request.addAccessTokenClaim('answer', 2) } }`,
    2,
  ],
  'has two functions of one name': [`${hook('1')} ${hook('2')}`, 2],
  'has the hook as a variable': [
    `var onTokenGenerating = (user, request) => request.addAccessTokenClaim('answer', 3)`,
    3,
  ],
  'has the hook as a constant': [
    `const onTokenGenerating = async (user, request) => { request.addAccessTokenClaim('answer', 4) }`,
    4,
  ],
  'has the hook as an implicit global': [
    `onTokenGenerating = function (user, request) { request.addAccessTokenClaim('answer', 5) }`,
    5,
  ],
  'has the hook on this': [
    `this.onTokenGenerating = function (user, request) { request.addAccessTokenClaim('answer', 6) }`,
    6,
  ],
  'exports in the style of modules': [`export ${hook('7')}`, 7],
  'exports in the style of CommonJS, guarded': [
    `${hook('8')} if (typeof module !== 'undefined') module.exports = { onTokenGenerating }`,
    8,
  ],
  'has a debugger statement': [`debugger; ${hook('1')}`, 1],
  'has an unpaired surrogate': [hook("'\ud800'.length"), 1],
  'has names in other alphabets': [`var größe = 1, ñ = 2, 变量 = 3; ${hook('größe + ñ + 变量')}`, 6],
  'has names in escapes': [`var \\u0061b = 1; ${hook('ab')}`, 1],
  'throws away what the wrapper would answer': [`var Object = 1, undefined; ${hook('typeof Object')}`, 'number'],
  'overwrites typeof’s neighbours': [`function hasOwnProperty() {} function toString() {} ${hook('1')}`, 1],
};

describeLanes(
  'the wrapper around a script',
  (quickAfter) => {
    let runner: ScriptRunner;
    before(() => {
      runner = createScriptRunner({ outbound: stubOutbound(), processes: 1, quickAfter });
    });
    after(() => runner.close());

    /** Whether anything of it is seen by the next invocation of the tenant. */
    const expectNoTrace = async () => {
      const look = callback("return typeof evil === 'undefined' && globalThis.evil === undefined");
      expect(answerOf(await runner.run(invocationOf(look)))).to.equal(true);
    };

    for (const [what, source] of Object.entries(refused))
      it(`${what}: a syntax error with its place`, async () => {
        const result = await runner.run(invocationOf(source));
        expect(result, JSON.stringify(result)).to.deep.include({ ok: false, kind: 'syntax' });
        const { location, message } = result as {
          location?: { file: string; line: number; column: number };
          message: string;
        };
        expect(location?.file).to.equal('callbacks.js');
        expect(location?.line).to.be.within(1, source.split('\n').length);
        expect(location?.column).to.be.within(1, source.length + 1);
        expect(message).not.to.match(/__scope|\bwith\(|sallyport/);
        await expectNoTrace();
      });

    for (const [what, [source, answer]] of Object.entries(accepted))
      it(`${what}: runs`, async () => {
        for (let round = 0; round < 2; round += 1) {
          const result = await runner.run(invocationOf(source));
          expect(answerOf(result)).to.deep.equal(answer);
        }
        await expectNoTrace();
      });

    const bombs: Readonly<Record<string, string>> = {
      'a hundred thousand parentheses': `var x = ${'('.repeat(100_000)}1${')'.repeat(100_000)}; ${hook('1')}`,
      'a hundred thousand lists': `var x = ${'['.repeat(100_000)}${']'.repeat(100_000)}; ${hook('1')}`,
      'a hundred thousand blocks': `${'{'.repeat(100_000)}${'}'.repeat(100_000)} ${hook('1')}`,
      'a hundred thousand functions': `${'function f(){'.repeat(50_000)}${'}'.repeat(50_000)} ${hook('1')}`,
      'a hundred thousand templates': `var x = ${'`${'.repeat(100_000)}1${'}`'.repeat(100_000)}; ${hook('1')}`,
      'a hundred thousand operators': `var x = ${'-'.repeat(1)}${' - 1'.repeat(100_000)}; ${hook('1')}`,
      'a name of a megabyte': `var ${'x'.repeat(1_000_000)} = 1; ${hook('1')}`,
      'a regular expression of a megabyte': `var x = /${'(a'.repeat(200_000)}${')'.repeat(200_000)}/; ${hook('1')}`,
      'a text of two megabytes': `var x = '${'x'.repeat(2_000_000)}'; ${hook('1')}`,
      'a million statements': `${';'.repeat(900_000)} ${hook('1')}`,
      'a hundred thousand variables': `${Array.from({ length: 50_000 }, (_, n) => `var a${n}=1;`).join('')} ${hook('1')}`,
    };
    for (const [what, source] of Object.entries(bombs))
      it(`${what}: refused or run, and others go on`, async () => {
        const began = performance.now();
        const result = await runner.run(invocationOf(source, { tenantId: what }));
        expect(kindOf(result)).to.be.oneOf(['ok', 'syntax', 'memory', 'runtime', 'timeout']);
        expect(performance.now() - began).to.be.below(15_000);
        expect(answerOf(await runner.run(invocationOf(callback('return 1'), { tenantId: 'other' })))).to.equal(1);
      });

    for (const name of [
      'a.js:1:1',
      '(.*).js',
      'a b.js',
      '../x.js',
      "'.js",
      'ünï.js',
      '__proto__',
      'sallyport:realm',
      'x\ny.js',
    ])
      it(`a file named ${JSON.stringify(name)} is a file like others`, async () => {
        const script = makeScript(name, callback('return 1'));
        expect(answerOf(await runner.run({ ...invocationOf(''), script }))).to.equal(1);
        const failing = makeScript(name, callback('return null.x'));
        const result = await runner.run({ ...invocationOf(''), script: failing });
        expect(kindOf(result)).to.equal('runtime');
        // The engine's own names are none of the tenant's.
        if (name.startsWith('sallyport:')) expect(result).not.to.have.property('location');
        else expect(result.ok ? undefined : result.location).to.include({ file: name, line: 4 });
      });

    it('a message that names places decides no more than its own place', async () => {
      for (const text of [
        'callbacks.js:99999999999999999999:1',
        'callbacks.js:0:0',
        'callbacks.js:2:1',
        '/etc/passwd:1:1',
      ]) {
        const result = await runner.run(invocationOf(callback(`throw new Error('${text}')`)));
        expect(kindOf(result)).to.equal('runtime');
        const lines = callback('x').split('\n').length;
        if (!result.ok && result.location) expect(result.location.line).to.be.within(1, lines);
      }
    });
  },
  'if thorough',
);
