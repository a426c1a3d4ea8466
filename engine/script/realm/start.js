// The realm runs once in each isolate, before any tenant's code: these files one after the other, in one function.
// `$0` asks the engine, `$1` logs, `$2` asks the sandbox process itself. Everything a script sees is made here, from JSON,
// and all of it is gone after the invocation.
'use strict';
const engine = $0;
const tell = $1;
const local = $2;
const { parse, stringify } = JSON;
const { create, defineProperty, freeze, getOwnPropertyDescriptor, getPrototypeOf } = Object;
const { apply, construct, ownKeys } = Reflect;
const ErrorType = Error;
const StringType = String;
const DateType = Date;
const MathObject = Math;

// --- what scripts must not have -------------------------------------------------------------------------------
for (const name of ['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'FinalizationRegistry', 'WeakRef', 'console'])
  delete globalThis[name];
const noCode = function () {
  throw new TypeError('making code from text is not allowed in callbacks');
};
const FunctionPrototype = getPrototypeOf(noCode);
// So that `instanceof Function` still tells a function.
defineProperty(noCode, 'prototype', { value: FunctionPrototype, writable: false });
for (const sample of [function () {}, async function () {}, function* () {}, async function* () {}]) {
  defineProperty(getPrototypeOf(sample), 'constructor', { value: noCode });
}
globalThis.Function = noCode;
globalThis.eval = noCode;
// A buffer that may grow is reserved past the isolate's allocator, so that nothing would count its memory.
const FixedBuffer = new Proxy(ArrayBuffer, {
  construct(type, given, newTarget) {
    if (given[1]?.maxByteLength !== undefined) throw new TypeError('resizable buffers are not available in callbacks');
    return construct(type, [given[0]], newTarget);
  },
});
defineProperty(ArrayBuffer.prototype, 'constructor', { value: FixedBuffer });
globalThis.ArrayBuffer = FixedBuffer;

// What the formats of Intl hold lies outside of the isolate's heap as well, some 30 kB each; so they are counted.
const mostFormats = 200;
const mostFormatsOfIsolate = 600;
let formats = 0;
let formatsBefore = 0;
function countFormat() {
  formats += 1;
  if (formats - formatsBefore > mostFormats)
    throw new RangeError(`a callback may make ${mostFormats} objects of Intl: make those once that it uses often`);
}
const counted = (type) =>
  new Proxy(type, {
    construct(target, given, newTarget) {
      countFormat();
      return construct(target, given, newTarget);
    },
    apply(target, self, given) {
      countFormat();
      return apply(target, self, given);
    },
  });
for (const name of ownKeys(Intl)) {
  const type = Intl[name];
  if (typeof type !== 'function' || type.prototype === undefined) continue;
  const wrapped = counted(type);
  defineProperty(Intl, name, { value: wrapped });
  defineProperty(type.prototype, 'constructor', { value: wrapped });
}
{
  const { prototype } = Intl.Segmenter;
  const segments = getPrototypeOf(new Intl.Segmenter().segment(''));
  defineProperty(prototype, 'segment', { value: counted(prototype.segment) });
  defineProperty(segments, Symbol.iterator, { value: counted(segments[Symbol.iterator]) });
}

// --- one invocation's own state ---------------------------------------------------------------------------------
let program;
let current;

/**
 * On the process's own thread nothing can be asked. The invocation runs again elsewhere, so that whatever the script makes of
 * this error comes to nothing.
 */
function mustNotAskHere() {
  if (!current?.kept) return;
  current.asked = true;
  throw new ErrorType('not here');
}
/** Asks a service of the engine and waits, so that the call looks synchronous. */
function askNow(request) {
  mustNotAskHere();
  return parse(engine.applySyncPromise(undefined, [stringify(request)]));
}
/** Calls that are under way. */
let asked = 0;
// Without a prototype, so that no script can add to it.
const laterText = freeze({ __proto__: null, result: freeze({ __proto__: null, promise: true, copy: true }) });
async function later(door, given) {
  mustNotAskHere();
  asked += 1;
  try {
    return parse(await door.apply(undefined, given, laterText));
  } finally {
    asked -= 1;
  }
}
const askLater = (request) => later(engine, [stringify(request)]);
function valueOf({ value, error }) {
  if (error !== undefined) throw new TypeError(error);
  return value;
}
function askLocal(name, request) {
  mustNotAskHere();
  return valueOf(parse(local.applySyncPromise(undefined, [name, stringify(request)])));
}
async function askLocalLater(name, request) {
  return valueOf(await later(local, [name, stringify(request)]));
}

function log(level, parts) {
  if (!current || current.lines >= current.logLines) return;
  current.lines += 1;
  const message = parts
    .map((part) => (typeof part === 'string' ? part : show(part)))
    .join(' ')
    .slice(0, 2000);
  if (current.kept) current.kept.push([level, message]);
  else tell.applyIgnored(undefined, [level, message]);
}
function show(value) {
  try {
    return typeof value === 'object' && value !== null ? stringify(value) : StringType(value);
  } catch {
    return '[object]';
  }
}
const levels = { debug: 'debug', info: 'info', log: 'info', warn: 'warn', error: 'error' };
function logger() {
  const made = {};
  for (const name in levels) made[name] = (...parts) => log(levels[name], parts);
  return made;
}
