// --- freeze all that invocations share -------------------------------------------------------------------------------
/** What stands behind the accessors made here, which no walk over properties meets. */
const mended = [];
function mend(object, names) {
  // A frozen property forbids objects that inherit it to have their own by assignment; an accessor allows it.
  for (const name of names) {
    const found = getOwnPropertyDescriptor(object, name);
    if (!found || !('value' in found) || !found.configurable) continue;
    const { value } = found;
    mended.push(value);
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
for (const type of [
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
  AggregateError,
  SuppressedError,
])
  mend(type.prototype, ['name', 'message', 'toString', 'constructor']);
mend(FunctionPrototype, ['name', 'toString', 'bind', 'call', 'apply']);
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
for (const made of [...mended, ...webIntrinsics, ...sharedHelpers, ...sharedModels]) harden(made);
// No property of a global leads to these prototypes and accessors.
for (const sample of [
  async function () {},
  function* () {},
  async function* () {},
  [][Symbol.iterator](),
  new Map()[Symbol.iterator](),
  new Set()[Symbol.iterator](),
  ''[Symbol.iterator](),
  /a/[Symbol.matchAll](''),
  [].values().map(show),
  Iterator.from({ next: show }),
  new Intl.Segmenter().segment(''),
  new Intl.Segmenter().segment('')[Symbol.iterator](),
  new ErrorType(),
  noCode,
]) {
  let object = sample;
  while (object !== null) {
    harden(object);
    object = getPrototypeOf(object);
  }
}
const sealGlobal = () => freeze(globalThis);
