/** What a callback hands back, made to deceive: the engine sees plain JSON, or a failure; another tenant sees nothing. */
import { expect } from 'chai';
import { validateEffect } from '../../engine/flow/effect.ts';
import { createScriptRunner } from '../../engine/script/pool.ts';
import type { HookName, InvocationResult, ScriptRunner } from '../../engine/script/runner.ts';
import { answerOf, callback, invocationOf, kindOf, stubOutbound, describeLanes } from './support.ts';

interface Deceit {
  readonly does: string;
  /** What the claim is, or the kinds of failure it may end in. */
  readonly answer?: unknown;
  readonly kinds?: readonly string[];
}

const gives = (does: string, answer: unknown): Deceit => ({ does, answer });
const fails = (does: string, ...kinds: readonly string[]): Deceit => ({ does, kinds });

/** Done in `onTokenGenerating(user, request, client)`; `claim(value)` adds the claim that is looked at. */
const claims: Readonly<Record<string, Deceit>> = {
  'a proxy': gives('claim(new Proxy({ a: 1 }, {}))', { a: 1 }),
  'a proxy with members it does not have': gives(
    "claim(new Proxy({}, { ownKeys: () => ['a'], getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }), get: () => 'made up' }))",
    { a: 'made up' },
  ),
  'a proxy with members without end': fails(
    "const many = { *[Symbol.iterator]() { for (;;) yield 'x' } }; claim(new Proxy({}, { ownKeys: () => { const keys = []; for (const key of many) keys.push(key + keys.length); return keys } }))",
    'timeout',
    'memory',
  ),
  'a proxy that throws at every touch': fails(
    'claim(new Proxy({}, new Proxy({}, { get() { throw new Error("touched") } })))',
    'runtime',
  ),
  'a revoked proxy': fails('const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); claim(proxy)', 'runtime'),
  'a getter': gives('let n = 0; claim({ get a() { return (n += 1) } })', { a: 1 }),
  'a getter that throws': fails("claim({ get a() { throw new Error('x') } })", 'runtime'),
  'a getter that loops': fails('claim({ get a() { for (;;) {} } })', 'timeout'),
  'a toJSON that denies and keeps it to itself': fails(
    "claim({ a: 1 }); user.setUserData('x', { toJSON() { try { deny('no') } catch {} return 1 } })",
    'denied',
  ),
  'a getter that denies': fails("claim({ get a() { deny('no') } })", 'denied'),
  'a toJSON': gives("claim({ toJSON: () => 'json' })", 'json'),
  'a toJSON that throws': fails("claim({ toJSON() { throw new Error('x') } })", 'runtime'),
  'a toJSON that answers itself': gives('claim({ toJSON() { return this }, a: 1 })', { a: 1 }),
  'a toJSON that answers another': gives('claim({ toJSON: () => ({ toJSON: () => 1 }) })', {}),
  'a toJSON without end': fails(
    'claim({ toJSON: () => [{ toJSON: function again() { return [{ toJSON: again }] } }] })',
    'runtime',
    'timeout',
  ),
  'a circle': fails('const round = []; round.push(round); claim(round)', 'runtime'),
  'a function': fails('claim(() => 1)', 'runtime'),
  'a symbol': fails("claim(Symbol('x'))", 'runtime'),
  undefined: gives('claim(undefined)', null),
  'a big number': fails('claim(1n)', 'runtime'),
  'no number': gives('claim([NaN, Infinity, -0])', [null, null, 0]),
  'a date, a map, a set and a regular expression': gives('claim([new Date(0), new Map([[1, 2]]), new Set([1]), /x/])', [
    '1970-01-01T00:00:00.000Z',
    {},
    {},
    {},
  ]),
  'boxed values': gives("claim([Object(1), Object('x'), Object(true)])", [1, 'x', true]),
  'a class instance with private parts': gives('claim(new (class { #a = 1; b = 2 })())', { b: 2 }),
  'an array with members': gives('const list = [1]; list.evil = 1; claim(list)', [1]),
  'an array that says it is long': fails(
    'const list = []; list.length = 4e9; claim(list)',
    'memory',
    'timeout',
    'runtime',
    'shape',
    'crashed',
  ),
  'an object like an array': gives('claim({ length: 2 ** 31, 0: 1 })', { length: 2 ** 31, 0: 1 }),
  'a name that is a prototype': gives("request.addAccessTokenClaim('__proto__', { admin: true }); claim(1)", 1),
  'a member that is a prototype': fails('claim(JSON.parse(\'{"__proto__":{"admin":true}}\'))', 'shape'),
  'a member that is a prototype, deep down': fails(
    'claim([[JSON.parse(\'{"a":{"__proto__":{"admin":true}}}\')]])',
    'shape',
  ),
  'the text of it': gives("claim('__proto__')", '__proto__'),
  'names like members of objects': gives('claim({ constructor: 1, toString: 2, hasOwnProperty: 3 })', {
    constructor: 1,
    toString: 2,
    hasOwnProperty: 3,
  }),
  'a name that throws': fails("request.addAccessTokenClaim({ toString() { throw new Error('x') } }, 1)", 'runtime'),
  'a name that loops': fails('request.addAccessTokenClaim({ toString() { for (;;) {} } }, 1)', 'timeout'),
  'a name that is an object': gives("request.addAccessTokenClaim({ [Symbol.toPrimitive]: () => 'answer' }, 1)", 1),
  'a result that is no claim': gives(
    'claim(1); return { accessTokenClaims: { answer: 2 }, defined: false, ok: false }',
    1,
  ),
  'the request put in its place': gives('claim(1); request.approvedScopes = null; request = null; user = null', 1),
};

/** Done in each hook; what comes of it is that hook's own, valid or refused. */
const answers: Readonly<Record<string, readonly [does: string, ...kinds: string[]]>> = {
  'a thenable': ['return { then(resolve) { resolve(undefined) } }', 'ok', 'shape'],
  'a thenable that answers twice': [
    "return { then(resolve, reject) { resolve(undefined); resolve({}); reject(new Error('x')) } }",
    'ok',
    'shape',
  ],
  'a thenable that throws afterwards': [
    "return { then(resolve) { resolve(undefined); throw new Error('x') } }",
    'ok',
    'shape',
  ],
  'a thenable that throws': ["return { then() { throw new Error('x') } }", 'runtime'],
  'a thenable that refuses': ["return { then(_, reject) { reject(new Error('x')) } }", 'runtime'],
  'a thenable of thenables': [
    'const nest = (n) => n ? { then: (resolve) => resolve(nest(n - 1)) } : undefined; return nest(100)',
    'ok',
    'shape',
  ],
  'a thenable that answers itself': [
    'const self = { then: (resolve) => resolve(self) }; return self',
    'timeout',
    'runtime',
  ],
  'a then that throws when it is read': ["return { get then() { throw new Error('x') } }", 'runtime', 'shape'],
  'a then that is another each time': [
    'let n = 0; return { get then() { n += 1; return n % 2 ? (resolve) => resolve(undefined) : undefined } }',
    'ok',
    'shape',
    'runtime',
  ],
  'a function with a then': ['return Object.assign(() => 1, { then: (resolve) => resolve(undefined) })', 'ok', 'shape'],
  'a promise with another then': [
    'const p = Promise.resolve(undefined); p.then = (resolve) => resolve(undefined); return p',
    'ok',
    'shape',
  ],
  'a promise of another kind': [
    'class Own extends Promise { then(a, b) { return super.then(a, b) } } return Own.resolve(undefined)',
    'ok',
    'shape',
  ],
  'a promise that takes the constructor away': [
    'const p = Promise.resolve(undefined); p.constructor = undefined; return p',
    'ok',
    'shape',
  ],
  'a rejection of nothing': ['return Promise.reject()', 'runtime'],
  'a rejection that throws': [
    'return Promise.reject({ get message() { throw 1 }, get name() { throw 2 }, get stack() { throw 3 } })',
    'runtime',
  ],
  'a proxy of what it was given': ['return new Proxy(arguments[0], {})', 'ok', 'shape'],
  'a copy of what it was given': ['return { ...arguments[0] }', 'ok', 'shape'],
  'what throws when it is turned into text': [
    'return { toString() { throw new Error("x") } }',
    'ok',
    'shape',
    'runtime',
  ],
  'a symbol': ["return Symbol('x')", 'ok', 'shape', 'runtime'],
  'the global object': ['return globalThis', 'ok', 'shape'],
  'a generator': ['return (function* () { yield 1 })()', 'ok', 'shape'],
  'its own function': ['return arguments.callee', 'ok', 'shape'],
};

/** Done to what a hook is given first; the effect is valid, or refused. */
const models: Readonly<Record<string, string>> = {
  'lists that are none':
    'for (const name in given) if (Array.isArray(given[name])) given[name] = { length: 1, map: () => "x", filter: () => 1, some: () => true }',
  'lists that are proxies':
    'for (const name in given) if (Array.isArray(given[name])) given[name] = new Proxy(given[name], { get: (list, name) => name === "length" ? 1e9 : list[name] })',
  'lists full of nothing':
    'for (const name in given) if (Array.isArray(given[name])) given[name].push(null, undefined, 1, "x", {}, [])',
  'lists without end': 'for (const name in given) if (Array.isArray(given[name])) given[name].length = 4e9',
  'texts that are objects':
    'for (const name in given) if (typeof given[name] === "string") given[name] = { toString: () => "evil" }',
  'texts that are long': 'for (const name in given) if (typeof given[name] === "string") given[name] = "x".repeat(1e6)',
  'getters everywhere':
    'for (const name in given) Object.defineProperty(given, name, { get() { throw new Error("x") } })',
  'nothing anywhere': 'for (const name of Object.getOwnPropertyNames(given)) try { delete given[name] } catch {}',
  'another prototype': 'Object.setPrototypeOf(given, new Proxy({}, { get: () => { throw new Error("x") } }))',
  'a prototype as a member':
    "for (const name in given) if (given[name] && typeof given[name] === 'object') Object.defineProperty(given[name], '__proto__', { value: { admin: true }, enumerable: true })",
  frozen: 'Object.freeze(given); for (const name in given) Object.freeze(given[name])',
  'its methods replaced':
    'for (const name of Object.getOwnPropertyNames(given)) try { given[name] = () => ({ admin: true }) } catch {}',
};

const hookNames: readonly HookName[] = [
  'onAuthenticateSuccess',
  'getUserName',
  'authenticate',
  'onSmartLoginPreContextSelection',
  'onTokenGenerating',
  'onPostAuthorize',
  'onSelfRegistration',
];

describeLanes(
  'results that deceive',
  (quickAfter) => {
    let runner: ScriptRunner;
    before(() => {
      runner = createScriptRunner({ outbound: stubOutbound(), processes: 1, quickAfter });
    });
    after(() => runner.close());

    const limits = { cpuMilliseconds: 1000, memoryMebibytes: 16 };
    const expectUntouched = async () => {
      const other = callback('return [({}).admin === undefined, user.username, request.approvedScopes]');
      const result = await runner.run(invocationOf(other, { tenantId: 'other' }));
      expect(answerOf(result)).to.deep.equal([true, 'jane', ['openid', 'patient/*.rs']]);
    };
    const expectPlain = (result: InvocationResult) => {
      if (!result.ok) return;
      const text = JSON.stringify(result.value);
      expect(JSON.parse(text)).to.deep.equal(result.value);
      expect(text).not.to.include('"__proto__":');
      expect(({} as Record<string, unknown>)['admin']).to.equal(undefined);
    };

    for (const [what, { does, answer, kinds }] of Object.entries(claims))
      it(`${what} as a claim`, async () => {
        const source = `function onTokenGenerating(user, request, client) { const claim = (value) => request.addAccessTokenClaim('answer', value); ${does} }`;
        const result = await runner.run(invocationOf(source, { tenantId: what, limits }));
        if (kinds) expect(kinds, JSON.stringify(result).slice(0, 300)).to.include(kindOf(result));
        else expect(answerOf(result)).to.deep.equal(answer);
        expectPlain(result);
        await expectUntouched();
      });

    // What becomes of a result is the same in both; on the process's thread the hooks stand for each other.
    for (const hook of quickAfter === 0 ? (['onTokenGenerating', 'authenticate'] as const) : hookNames) {
      for (const [what, [does, ...kinds]] of Object.entries(answers))
        it(`${hook} answers ${what}`, async () => {
          const result = await runner.run(
            invocationOf(`function ${hook}() { ${does} }`, {
              hook,
              tenantId: `${hook} ${what}`,
              limits: { ...limits, cpuMilliseconds: 200, wallMilliseconds: 2000 },
            }),
          );
          expect(kinds, JSON.stringify(result).slice(0, 300)).to.include(kindOf(result));
          expectPlain(result);
          // What decides about a person is decided by the objects of the factory and by nothing that looks like them.
          if (result.ok && hook === 'authenticate') expect(result.value).to.deep.equal({ failure: {} });
          if (result.ok && (hook === 'onAuthenticateSuccess' || hook === 'onSelfRegistration'))
            expect(result.value).not.to.have.property('failure');
          if (hook === 'getUserName') expect(kindOf(result)).not.to.equal('ok');
          await expectUntouched();
        });

      for (const [what, does] of Object.entries(models))
        it(`${hook} makes of what it is given: ${what}`, async () => {
          const source = `function ${hook}(given) { ${does} }`;
          const result = await runner.run(invocationOf(source, { hook, tenantId: `${hook} ${what}`, limits }));
          expect(kindOf(result)).to.be.oneOf(['ok', 'shape', 'runtime', 'memory', 'timeout', 'crashed']);
          expectPlain(result);
          if (result.ok) {
            const problem = validateEffect(hook, result.value);
            // Whatever is not refused here is in the form of an effect, or refused by its schema.
            if (problem !== undefined) expect(problem).to.match(/^the result of /);
          }
          await expectUntouched();
        });
    }

    it('an answer that is no object of the factory is refused where one is needed', async () => {
      const bodies = [
        'return { success: true }',
        'return new Proxy(factory.newFailure(), {})',
        'return Object.create(factory.newSuccess())',
        'return structuredClone({ message: null })',
        'return factory.newFailure',
        'return [factory.newSuccess()]',
        'return true',
        "return 'success'",
      ];
      for (const body of bodies)
        for (const hook of ['onAuthenticateSuccess', 'authenticate'] as const) {
          const result = await runner.run(invocationOf(`function ${hook}(first, factory) { ${body} }`, { hook }));
          expect(kindOf(result), `${hook}: ${body}`).to.equal('shape');
        }
    });

    describe('in a script that changes what all share', () => {
      const patches: Readonly<Record<string, string>> = {
        'toJSON of objects': "Object.prototype.toJSON = () => 'x'",
        'toJSON that looks like a result':
          'Object.prototype.toJSON = () => ({ ok: true, defined: false, value: null })',
        'toJSON of arrays': 'Array.prototype.toJSON = () => ({})',
        'toJSON of texts': "String.prototype.toJSON = () => 'x'",
        'ok of objects': 'Object.prototype.ok = true; Object.prototype.defined = false',
        'a getter of kind': "Object.defineProperty(Object.prototype, 'kind', { get: () => 'ok' })",
        'then of objects': 'Object.prototype.then = function (resolve) { resolve(1) }',
        'then of promises': 'Promise.prototype.then = function () { return this }',
        stringify: "JSON.stringify = () => '{}'",
        includes: 'Array.prototype.includes = () => true',
        map: 'Array.prototype.map = () => [1]',
        iteration: 'Array.prototype[Symbol.iterator] = function* () {}',
        'slice of texts': 'String.prototype.slice = () => ({})',
        'the constructor of errors':
          'Error = class { constructor() { this.message = {} } }; Error.prototype.name = "x"; Object.assign(Error.prototype, {})',
        species: 'Object.defineProperty(Array, Symbol.species, { value: class { constructor() { return [] } } })',
        hasOwn: 'Object.hasOwn = () => true',
        freezing:
          'Object.freeze = () => ({}); Object.defineProperty = () => ({}); Object.defineProperty(Object.prototype, "y", {})',
        parse: 'JSON.parse = () => ({ ok: true })',
      };
      for (const [what, patch] of Object.entries(patches)) {
        it(`${what}: a denial stays one, or the invocation fails`, async () => {
          const result = await runner.run(
            invocationOf(`${patch};\nfunction onTokenGenerating() { deny('no') }`, { tenantId: what }),
          );
          expect(kindOf(result), JSON.stringify(result).slice(0, 300)).to.be.oneOf([
            'denied',
            'shape',
            'runtime',
            'timeout',
          ]);
          await expectUntouched();
        });
        it(`${what}: a failure stays one`, async () => {
          const result = await runner.run(
            invocationOf(`${patch};\nfunction onTokenGenerating() { throw new TypeError('x') }`, { tenantId: what }),
          );
          expect(kindOf(result)).to.be.oneOf(['shape', 'runtime', 'timeout']);
        });
        it(`${what}: a script that works does not count as one without the hook`, async () => {
          const source = `${patch};\nfunction onTokenGenerating(user, request) { request.addAccessTokenClaim('answer', 1); Log.info('x', {}) }`;
          const result = await runner.run(invocationOf(source, { tenantId: what }));
          if (result.ok) expect(result.defined).to.equal(true);
          expectPlain(result);
          for (const { message } of result.logs) expect(message).to.be.a('string');
          await expectUntouched();
        });
      }
    });
  },
  'if thorough',
);
