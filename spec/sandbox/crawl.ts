/**
 * Source for scripts: a walk over everything a callback can reach, which plants a value at every object or looks for one.
 * What one invocation plants, no later one may find, whichever object it was planted at.
 */

/** Expressions for objects that no property of a global leads to; their prototypes and accessors may be shared. */
const producers: readonly string[] = [
  '[].values()',
  'new Map().entries()',
  'new Set().values()',
  "''[Symbol.iterator]()",
  "'a'.matchAll(/a/g)",
  '[].values().map((x) => x)',
  '[].values().filter((x) => x)',
  '[].values().flatMap((x) => [x])',
  'Iterator.from({ next() {} })',
  'Iterator.from([1])',
  "new Intl.Segmenter('en').segment('a')",
  "new Intl.Segmenter('en').segment('a')[Symbol.iterator]()",
  "new Intl.NumberFormat('en').format",
  "new Intl.DateTimeFormat('en').format",
  "new Intl.Collator('en').compare",
  "new Intl.Locale('en')",
  "new Intl.PluralRules('en')",
  "new Intl.DurationFormat('en')",
  "new Intl.DateTimeFormat('en').resolvedOptions()",
  '(function* () {})()',
  '(function* () {})',
  '(async function* () {})()',
  '(async function* () {})',
  'async function () {}',
  'async () => {}',
  '(() => {})',
  '(async function () {})()',
  '(class { static #hidden = 1; static read() { return this.#hidden } })',
  '(class extends Map {})',
  'Promise.resolve()',
  'Promise.withResolvers()',
  'Proxy.revocable({}, {})',
  "new Error('x')",
  '(() => { try { null.x } catch (error) { return error } })()',
  "(() => { try { deny('x') } catch (error) { return error } })()",
  "(() => { try { JSON.parse('{') } catch (error) { return error } })()",
  "(() => { try { new RegExp('(') } catch (error) { return error } })()",
  '(() => { const o = {}; Error.captureStackTrace(o); return o })()',
  '(function () { return arguments })()',
  "(function () { 'use strict'; return arguments })()",
  'arguments.callee',
  'arguments.callee.caller',
  'arguments.callee.caller && arguments.callee.caller.arguments',
  "/(x)/d.exec('x')",
  'Object.groupBy([1], () => 1)',
  'Map.groupBy([1], () => 1)',
  "JSON.rawJSON('1')",
  '((strings) => strings)`a${1}b`',
  'Object(1n)',
  "Object('x')",
  'Object(Symbol.iterator)',
  'new Date(0)',
  'new Uint8Array(1)',
  'new DataView(new ArrayBuffer(1))',
  'new WeakMap()',
  'new DisposableStack()',
  'new AsyncDisposableStack()',
  'new AggregateError([])',
  'Temporal.Now.instant()',
  "Temporal.PlainDate.from('2026-01-01')",
  'Array.fromAsync([1])',
  "fetch('http://localhost/a')",
  "Http.get('http://localhost/a')",
  "Http.get('http://localhost/a').execute()",
  'Object.getOwnPropertyDescriptor(Map.prototype, "size")',
  'this',
  'globalThis',
  '(function () { return this })()',
];

const names: readonly string[] = [
  'Log',
  'console',
  'println',
  'Http',
  'fetch',
  'Base64',
  'Converter',
  'Environment',
  'deny',
  'Fhir',
  'FhirClientFactory',
  'ResourceBuilder',
  'Uuid',
  'Secrets',
  'Headers',
  'URL',
  'URLSearchParams',
  'TextEncoder',
  'TextDecoder',
  'crypto',
  'structuredClone',
  'atob',
  'btoa',
  'queueMicrotask',
];

/**
 * Declares `walk(roots, visit)`, `rootsOf(given)`, `plant(roots, secret)` and `find(roots, secret)`, which answers the paths
 * at which the secret was found.
 */
export const crawler = `
function rootsOf(given) {
  const roots = { given };
  const produce = [${producers.map((text) => `[${JSON.stringify(text)}, function () { return ${text} }]`).join(',\n')}];
  for (const [text, make] of produce) try { roots[text] = make() } catch (error) { roots['error of ' + text] = error }
  ${names.map((name) => `if (typeof ${name} !== 'undefined') roots['${name}'] = ${name};`).join('\n  ')}
  return roots;
}
function walk(roots, visit) {
  const seen = new Set([roots]);
  const waiting = Object.keys(roots).map((name) => [name, roots[name]]);
  const offer = (path, value) => {
    if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
      if (!seen.has(value)) { seen.add(value); waiting.push([path, value]) }
    } else visit(path, value);
  };
  for (const [path, value] of waiting.splice(0)) offer(path, value);
  while (waiting.length > 0) {
    const [path, object] = waiting.pop();
    let keys = [];
    try { keys = Reflect.ownKeys(object) } catch {}
    for (const key of keys) {
      const name = path + '.' + String(key);
      visit(name, key);
      let found;
      try { found = Reflect.getOwnPropertyDescriptor(object, key) } catch {}
      if (!found) continue;
      if ('value' in found) offer(name, found.value);
      else {
        offer('get ' + name, found.get);
        offer('set ' + name, found.set);
        try { offer(name + '()', object[key]) } catch {}
      }
    }
    try { offer(path + '.[[Prototype]]', Reflect.getPrototypeOf(object)) } catch {}
    visit(path, object);
  }
  return seen.size;
}
function plant(roots, secret) {
  return walk(roots, (path, object) => {
    if (typeof object !== 'object' && typeof object !== 'function') return;
    if (object === null) return;
    const tries = [
      () => Reflect.set(object, 'planted', secret),
      () => { object[Symbol.for('planted')] = secret },
      () => Reflect.defineProperty(object, 'plantedToo', { value: secret, configurable: true }),
      () => Reflect.defineProperty(object, 'plantedGetter', { get: () => secret, configurable: true }),
      () => Object.assign(object, { plantedThree: { inside: secret } }),
      () => { object.name = secret },
      () => { object.input = secret },
      () => { object[0] = secret },
      () => Array.prototype.push.call(object, secret),
      () => Map.prototype.set.call(object, 'key', secret),
      () => Set.prototype.add.call(object, secret),
      () => Object.setPrototypeOf(object, { __proto__: Reflect.getPrototypeOf(object), plantedFour: secret }),
    ];
    for (const attempt of tries) try { attempt() } catch {}
  });
}
function find(roots, secret) {
  const places = [];
  walk(roots, (path, value) => {
    if (typeof value === 'string' && value.includes(secret)) places.push(path);
    if (typeof value === 'symbol' && String(value).includes(secret)) places.push(path);
    if (typeof value === 'object' && value !== null) {
      try { if (value instanceof Map && [...Map.prototype.values.call(value)].includes(secret)) places.push(path) } catch {}
      try { if (value instanceof Set && Set.prototype.has.call(value, secret)) places.push(path) } catch {}
    }
  });
  return [...new Set(places.map((path) => path.replace(/\\.[^.]*$/, '')))].slice(0, 40);
}
`;
