/**
 * Ways by which a script may try to hand a value to its next invocation. `store` runs with the value in `secret`, `read`
 * answers whatever it finds there. `top` stands at the top of the script.
 */
export interface Way {
  readonly top?: string;
  readonly store: string;
  readonly read: string;
  /** Whether the same invocation can read what it stored; a way that is shut throws, or does nothing. */
  readonly works: boolean;
}

const open = (store: string, read: string, top = ''): Way => ({ store, read, top, works: true });
const shut = (store: string, read: string, top = ''): Way => ({ store, read, top, works: false });

/** `object.planted = secret` on an object that all invocations share. */
const onShared = (object: string): Way => shut(`${object}.planted = secret`, `return ${object}.planted`);

export const ways: Readonly<Record<string, Way>> = {
  // Variables.
  'an implicit global': open('leaked = secret', "return typeof leaked === 'undefined' ? null : leaked"),
  'an implicit global by destructuring': open(
    '[leakedToo] = [secret]',
    "return typeof leakedToo === 'undefined' ? null : leakedToo",
  ),
  'a variable of the module': open('kept = secret', 'return kept', 'var kept = null;'),
  'a let of the module': open('letKept = secret', 'return letKept', 'let letKept = null;'),
  'a list of the module': open('listKept.push(secret)', 'return listKept[0]', 'const listKept = [];'),
  'a closure': open(
    'remember.set(secret)',
    'return remember.get()',
    'const remember = (() => { let inner; return { set(v) { inner = v }, get: () => inner } })();',
  ),
  'a static of a class': open('Keeper.kept = secret', 'return Keeper.kept', 'class Keeper { static kept = null }'),
  'a private static of a class': open(
    'Hidden.set(secret)',
    'return Hidden.get()',
    'class Hidden { static #kept; static set(v) { Hidden.#kept = v } static get() { return Hidden.#kept } }',
  ),
  'a property of a function': open('holder.kept = secret', 'return holder.kept', 'function holder() {}'),
  'a default parameter': open(
    'cacheOf().now = secret',
    'return cacheOf().now',
    'function cacheOf(cache = (cacheOf.cache ??= {})) { return cache }',
  ),
  'a generator left in the middle': open(
    'steps.next(); steps.next(secret)',
    'return steps.next().value',
    'const steps = (function* () { let held = yield; for (;;) held = (yield held) ?? held })();',
  ),
  'a hook replaced': open(
    'onPostAuthorize = () => secret',
    "return typeof onPostAuthorize === 'function' ? onPostAuthorize() : null",
    'var onPostAuthorize;',
  ),
  'this at the top': open('top.kept = secret', 'return top.kept', 'var top = this;'),
  globalThis: open('globalThis.planted = secret', 'return globalThis.planted'),
  'a property of globalThis that is defined': open(
    "Object.defineProperty(globalThis, 'defined', { value: secret })",
    'return globalThis.defined',
  ),
  'the this of a plain call': shut(
    '(function () { this.plain = secret })()',
    'return (function () { return this.plain })()',
  ),
  'a global put in place of an intrinsic': open('Math = { ...Math, kept: secret }', 'return (Math).kept'),
  'a parameter of the scope': shut('__scope.kept = secret', 'return __scope.kept'),
  // Objects that all invocations share.
  ...Object.fromEntries(
    [
      'Object.prototype',
      'Array.prototype',
      'String.prototype',
      'Map.prototype',
      'Object',
      'Math',
      'JSON',
      'Reflect',
      'Intl',
      'Intl.DateTimeFormat',
      'Intl.DateTimeFormat.prototype',
      'Date',
      'Date.prototype',
      'RegExp',
      'Symbol',
      'Promise.prototype',
      'Error',
      'Proxy',
      'ArrayBuffer',
      'Temporal',
      'Object.prototype.toString',
      'Function.prototype.call',
      'Error.prototype.toString',
      'fetch',
      'Base64.encode',
      'Converter.base64Decode',
      'URL',
      'URL.prototype',
      'Headers.prototype.get',
      'structuredClone',
      'Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))',
      'Object.getPrototypeOf([].values().map((x) => x))',
      'Object.getPrototypeOf(Iterator.from({ next() {} }))',
      "Object.getPrototypeOf(new Intl.Segmenter().segment(''))",
      'Object.getPrototypeOf(function* () {})',
      "Object.getPrototypeOf(async function* () {})['proto' + 'type']",
      'Object.getPrototypeOf(async function () {})',
      "Object.getOwnPropertyDescriptor(Map.prototype, 'size').get",
      "Object.getOwnPropertyDescriptor(new Error('x'), 'stack').get",
      "Object.getOwnPropertyDescriptor(Object.prototype, 'toString').get",
      "Object.getOwnPropertyDescriptor(Object.prototype, '__proto__').set",
      "Object.getOwnPropertyDescriptor((function () { 'use strict'; return arguments })(), 'callee').get",
    ].map((object) => [`a property of ${object}`, onShared(object)]),
  ),
  'the function around the script': open(
    'around.kept = secret',
    'return around.kept',
    'var around = arguments.callee;',
  ),
  'the caller of the script': shut(
    'caller.kept = secret',
    'return caller && caller.kept',
    'var caller = arguments.callee.caller;',
  ),
  'the prototype of the caller': shut(
    'callerToo.prototype.kept = secret',
    'return callerToo && callerToo.prototype.kept',
    'var callerToo = arguments.callee.caller;',
  ),
  // Slots that are not properties.
  'RegExp.$1': open('/(.*)/.exec(secret)', 'return RegExp.$1'),
  'RegExp.lastMatch': open("secret.replace(/^.*$/, '')", "return RegExp['$&']"),
  'RegExp.input, assigned': open('RegExp.input = secret', 'return RegExp.input'),
  'RegExp.leftContext': open("(secret + '!').match(/!/)", 'return RegExp.leftContext'),
  'lastIndex of a regular expression': open(
    'sticky.lastIndex = secret',
    'return sticky.lastIndex || null',
    'const sticky = /a/g;',
  ),
  'Error.stackTraceLimit': shut(
    'Error.stackTraceLimit = secret',
    "return typeof Error.stackTraceLimit === 'string' ? Error.stackTraceLimit : null",
  ),
  'Error.prepareStackTrace': shut(
    'Error.prepareStackTrace = () => secret',
    "return new Error('x').stack.startsWith('Error') ? null : new Error('x').stack",
  ),
  'Array[Symbol.species]': shut(
    'Object.defineProperty(Array, Symbol.species, { value: { kept: secret } })',
    'return Array[Symbol.species].kept',
  ),
  'Symbol.unscopables': shut(
    'Array.prototype[Symbol.unscopables].kept = secret',
    'return Array.prototype[Symbol.unscopables].kept',
  ),
  'a patched method': shut(
    'Array.prototype.push = function () { return secret }',
    'const found = [].push(1); return found === 1 ? null : found',
  ),
  'a patched accessor': shut(
    "Object.defineProperty(Map.prototype, 'size', { get: () => secret })",
    'const found = new Map().size; return found === 0 ? null : found',
  ),
  'a getter on a shared object': shut(
    "Object.defineProperty(Object.prototype, 'kept', { get: () => secret })",
    'return ({}).kept',
  ),
  __defineGetter__: shut("Object.prototype.__defineGetter__('keptToo', () => secret)", 'return ({}).keptToo'),
  'a prototype exchanged': shut('Object.setPrototypeOf(Array.prototype, { kept: secret })', 'return [].kept'),
  'the prototype of a prototype': shut('Object.prototype.__proto__ = { kept: secret }', 'return ({}).kept'),
  'a proxy in place of an intrinsic': open(
    'JSON = new Proxy(JSON, { get: () => secret })',
    "return typeof (JSON).planted === 'string' ? (JSON).planted : null",
  ),
  'a proxy around an intrinsic': shut('new Proxy(Math, {}).planted = secret', 'return Math.planted'),
  'the strings of a template': shut(
    'mark(secret)',
    'return strings().kept',
    'const tag = (parts) => parts; const strings = () => tag`a${1}b`; function mark(secret) { strings().kept = secret }',
  ),
  'the raw strings of a template': shut(
    'markRaw(secret)',
    'return rawStrings()[2]',
    'const rawTag = (parts) => parts.raw; const rawStrings = () => rawTag`a${1}b`; function markRaw(secret) { rawStrings().push(secret) }',
  ),
  'a weak map keyed by an intrinsic': open(
    'weak.set(Array.prototype, secret)',
    'return weak.get(Array.prototype)',
    'const weak = new WeakMap();',
  ),
  'a registered symbol': open(
    "registered[Symbol.for('kept')] = secret",
    "return registered[Symbol.for('kept')]",
    'const registered = {};',
  ),
  'a property by a registered symbol': shut(
    "Object.prototype[Symbol.for('kept')] = secret",
    "return ({})[Symbol.for('kept')]",
  ),
  'a private name stamped on a shared object': open(
    'Stamp.put(Array.prototype, secret)',
    'return Stamp.take(Array.prototype)',
    'const Stamp = (() => { class Give { constructor(o) { return o } } return class Stamp extends Give { #kept; constructor(o, v) { super(o); this.#kept = v } static put(o, v) { new Stamp(o, v) } static take(o) { return #kept in o ? o.#kept : null } } })();',
  ),
  // What an invocation is given.
  'the session': open('user.kept = secret', 'return user.kept'),
  'user data': open("user.setUserData('kept', secret)", "return user.getUserData('kept')"),
  'a list of the session': open('user.authorities.kept = secret', 'return user.authorities.kept'),
  'a method of the request': open('request.addScope.kept = secret', 'return request.addScope.kept'),
  'the logger': open('Log.kept = secret', 'return Log.kept'),
  'a method of the logger': open('Log.info.kept = secret', 'return Log.info.kept'),
  'the environment': open('Environment.kept = secret', 'return Environment.kept'),
  deny: open('deny.kept = secret', 'return deny.kept'),
  'the crypto helper': open('crypto.subtle.kept = secret', 'return crypto.subtle.kept'),
  'an object of an address': open(
    'address.kept = secret',
    'return address.kept',
    "const address = new URL('https://example.com/');",
  ),
};
