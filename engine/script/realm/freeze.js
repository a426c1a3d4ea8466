// --- freeze all that invocations share -------------------------------------------------------------------------------
function mend(object, names) {
  // A frozen property forbids objects that inherit it to have their own by assignment; an accessor allows it.
  for (const name of names) {
    const found = getOwnPropertyDescriptor(object, name);
    if (!found || !('value' in found) || !found.configurable) continue;
    const { value } = found;
    defineProperty(object, name, {
      configurable: false,
      enumerable: found.enumerable,
      get: () => value,
      set(own) {
        if (this === object) throw new TypeError(`${StringType(name)} of a shared object cannot be changed`);
        defineProperty(this, name, { value: own, writable: true, enumerable: true, configurable: true });
      },
    });
  }
}
mend(
  Object.prototype,
  ownKeys(Object.prototype).filter((name) => name !== '__proto__'),
);
for (const type of [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError])
  mend(type.prototype, ['name', 'message', 'toString', 'constructor']);
mend(Function.prototype ?? getPrototypeOf(noCode), ['name', 'toString', 'bind', 'call', 'apply']);
mend(Array.prototype, ['toString', 'constructor']);
mend(Date.prototype, ['toString', 'toJSON']);
mend(Promise.prototype, ['constructor']);
ErrorType.stackTraceLimit = 20;
defineProperty(ErrorType, 'prepareStackTrace', { value: undefined, writable: false, configurable: false });
const seen = new Set();
function harden(value) {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return;
  seen.add(value);
  if (value !== globalThis) freeze(value);
  harden(getPrototypeOf(value));
  for (const name of ownKeys(value)) {
    const found = getOwnPropertyDescriptor(value, name);
    for (const part of [found.value, found.get, found.set]) harden(part);
  }
}
harden(globalThis);
for (const made of webIntrinsics) harden(made);
for (const sample of [
  async function () {},
  function* () {},
  async function* () {},
  [][Symbol.iterator](),
  new Map()[Symbol.iterator](),
  new Set()[Symbol.iterator](),
  ''[Symbol.iterator](),
  /a/[Symbol.matchAll](''),
]) {
  let object = sample;
  while (object !== null) {
    harden(object);
    object = getPrototypeOf(object);
  }
}
