// Standard names of the web that a bare isolate lacks. Made once and frozen; what an instance holds is the invocation's own.
// `local` asks the sandbox process itself for what needs no engine: addresses, digests, randomness.

// --- text and bytes ---------------------------------------------------------------------------------------------------
function utf8Bytes(text) {
  const binary = utf8(StringType(text).toWellFormed());
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
function binaryOf(bytes) {
  let binary = '';
  for (let index = 0; index < bytes.length; index += 1) binary += StringType.fromCharCode(bytes[index]);
  return binary;
}
/** Any view or buffer as its own bytes. */
function bytesOf(data) {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw new TypeError('an ArrayBuffer or a view of one is needed');
}
function binaryToBase64(binary) {
  let text = '';
  for (let index = 0; index < binary.length; index += 3) {
    const [a, b, c] = [binary.charCodeAt(index), binary.charCodeAt(index + 1), binary.charCodeAt(index + 2)];
    if (a > 255 || b > 255 || c > 255) throw new TypeError('btoa takes characters up to U+00FF');
    text +=
      digits[a >> 2] +
      digits[((a & 3) << 4) | (b >> 4)] +
      (b !== b ? '=' : digits[((b & 15) << 2) | (c >> 6)]) +
      (c !== c ? '=' : digits[c & 63]);
  }
  return text;
}
function base64ToBinary(value) {
  const text = StringType(value)
    .replace(/[\t\n\f\r ]/g, '')
    .replace(/={1,2}$/, '');
  let binary = '';
  let bits = 0;
  let held = 0;
  for (const digit of text) {
    const number = digits.indexOf(digit);
    if (number < 0) throw new TypeError('atob takes base64');
    bits = ((bits << 6) | number) & 0xffffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      binary += StringType.fromCharCode((bits >> held) & 255);
    }
  }
  return binary;
}
const bytesToBase64 = (bytes) => binaryToBase64(binaryOf(bytes));
function base64ToBuffer(text) {
  const binary = base64ToBinary(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes.buffer;
}

class TextEncoder {
  get encoding() {
    return 'utf-8';
  }
  encode(text = '') {
    return utf8Bytes(text);
  }
}
class TextDecoder {
  #fatal;
  constructor(label = 'utf-8', { fatal = false } = {}) {
    if (!/^utf-?8$/i.test(StringType(label))) throw new RangeError('TextDecoder knows utf-8 only');
    this.#fatal = fatal === true;
  }
  get encoding() {
    return 'utf-8';
  }
  get fatal() {
    return this.#fatal;
  }
  decode(data = new Uint8Array()) {
    const bytes = bytesOf(data);
    let text = '';
    for (let index = 0; index < bytes.length;) {
      const lead = bytes[index];
      const length =
        lead < 0x80
          ? 1
          : lead >= 0xc2 && lead < 0xe0
            ? 2
            : lead >= 0xe0 && lead < 0xf0
              ? 3
              : lead >= 0xf0 && lead < 0xf5
                ? 4
                : 0;
      let point = length === 1 ? lead : length === 2 ? lead & 31 : length === 3 ? lead & 15 : lead & 7;
      let taken = 1;
      while (taken < length && (bytes[index + taken] & 0xc0) === 0x80) {
        point = (point << 6) | (bytes[index + taken] & 63);
        taken += 1;
      }
      const least = [0, 0, 0x80, 0x800, 0x10000][length];
      if (length === 0 || taken < length || point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
        if (this.#fatal) throw new TypeError('these bytes are not UTF-8');
        text += '\ufffd';
        index += taken;
      } else {
        text += StringType.fromCodePoint(point);
        index += length;
      }
    }
    return text.replace(/^\ufeff/, '');
  }
}

// --- addresses ----------------------------------------------------------------------------------------------------------
const formEncode = (text) =>
  encodeURIComponent(StringType(text).toWellFormed())
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, '+');
function formDecode(text) {
  const spaced = text.replace(/\+/g, ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced.replace(/(%[0-9a-f]{2})+/gi, (found) => {
      const bytes = found
        .slice(1)
        .split('%')
        .map((pair) => parseInt(pair, 16));
      return new TextDecoder().decode(new Uint8Array(bytes));
    });
  }
}

class URLSearchParams {
  #pairs = [];
  #changed;
  constructor(init = '', changed = undefined) {
    this.#changed = typeof changed === 'function' ? changed : undefined;
    if (typeof init === 'object' && init !== null) {
      const pairs = typeof init[Symbol.iterator] === 'function' ? [...init] : Object.entries(init);
      for (const pair of pairs) {
        const [name, value, ...more] = [...pair];
        if (value === undefined || more.length > 0) throw new TypeError('each pair is a name and a value');
        this.#pairs.push([StringType(name), StringType(value)]);
      }
    } else this.#read(StringType(init));
  }
  #read(text) {
    for (const part of text.replace(/^\?/, '').split('&')) {
      if (part === '') continue;
      const at = part.indexOf('=');
      this.#pairs.push(
        at < 0 ? [formDecode(part), ''] : [formDecode(part.slice(0, at)), formDecode(part.slice(at + 1))],
      );
    }
  }
  #tell() {
    this.#changed?.(this.toString());
  }
  get size() {
    return this.#pairs.length;
  }
  append(name, value) {
    this.#pairs.push([StringType(name), StringType(value)]);
    this.#tell();
  }
  delete(name, value) {
    this.#pairs = this.#pairs.filter(
      (pair) => pair[0] !== StringType(name) || (value !== undefined && pair[1] !== StringType(value)),
    );
    this.#tell();
  }
  get(name) {
    return this.#pairs.find((pair) => pair[0] === StringType(name))?.[1] ?? null;
  }
  getAll(name) {
    return this.#pairs.filter((pair) => pair[0] === StringType(name)).map((pair) => pair[1]);
  }
  has(name, value) {
    return this.#pairs.some(
      (pair) => pair[0] === StringType(name) && (value === undefined || pair[1] === StringType(value)),
    );
  }
  set(name, value) {
    const first = this.#pairs.findIndex((pair) => pair[0] === StringType(name));
    if (first < 0) return this.append(name, value);
    this.#pairs = this.#pairs.filter((pair, index) => pair[0] !== StringType(name) || index === first);
    this.#pairs[first][1] = StringType(value);
    this.#tell();
  }
  sort() {
    this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#tell();
  }
  forEach(action, self) {
    for (const [name, value] of this.#pairs) action.call(self, value, name, this);
  }
  *entries() {
    for (const [name, value] of this.#pairs) yield [name, value];
  }
  *keys() {
    for (const [name] of this.#pairs) yield name;
  }
  *values() {
    for (const [, value] of this.#pairs) yield value;
  }
  [Symbol.iterator]() {
    return this.entries();
  }
  toString() {
    return this.#pairs.map(([name, value]) => `${formEncode(name)}=${formEncode(value)}`).join('&');
  }
}

class URL {
  #parts;
  #search;
  constructor(address, base) {
    const found = askLocal('url', {
      address: StringType(address),
      ...(base === undefined ? {} : { base: StringType(base) }),
    });
    if (!found) throw new TypeError(`Invalid URL: ${StringType(address).slice(0, 200)}`);
    this.#parts = found;
  }
  static canParse(address, base) {
    return (
      askLocal('url', { address: StringType(address), ...(base === undefined ? {} : { base: StringType(base) }) }) !==
      null
    );
  }
  static parse(address, base) {
    return URL.canParse(address, base) ? new URL(address, base) : null;
  }
  #change(member, value) {
    this.#parts = askLocal('url', { address: this.#parts.href, member, value: StringType(value) }) ?? this.#parts;
  }
  get origin() {
    return this.#parts.origin;
  }
  get href() {
    return this.#parts.href;
  }
  set href(value) {
    this.#parts = new URL(value).#parts;
    this.#search = undefined;
  }
  get searchParams() {
    this.#search ??= new URLSearchParams(this.#parts.search, (text) => this.#change('search', text));
    return this.#search;
  }
  get search() {
    return this.#parts.search;
  }
  set search(value) {
    this.#change('search', value);
    this.#search = undefined;
  }
  toString() {
    return this.#parts.href;
  }
  toJSON() {
    return this.#parts.href;
  }
  static {
    for (const name of ['protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'hash']) {
      defineProperty(URL.prototype, name, {
        get() {
          return this.#parts[name];
        },
        set(value) {
          this.#change(name, value);
        },
        enumerable: true,
      });
    }
  }
}

// --- headers ------------------------------------------------------------------------------------------------------------
class Headers {
  #values = new Map();
  constructor(init = {}) {
    const pairs = init && typeof init[Symbol.iterator] === 'function' ? [...init] : Object.entries(init ?? {});
    for (const [name, value] of pairs) this.append(name, value);
  }
  #key(name) {
    const key = StringType(name).toLowerCase();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(key)) throw new TypeError('this is no name of a header');
    return key;
  }
  append(name, value) {
    const key = this.#key(name);
    const before = this.#values.get(key);
    this.#values.set(key, before === undefined ? StringType(value).trim() : `${before}, ${StringType(value).trim()}`);
  }
  set(name, value) {
    this.#values.set(this.#key(name), StringType(value).trim());
  }
  get(name) {
    return this.#values.get(this.#key(name)) ?? null;
  }
  has(name) {
    return this.#values.has(this.#key(name));
  }
  delete(name) {
    this.#values.delete(this.#key(name));
  }
  forEach(action, self) {
    for (const [name, value] of this) action.call(self, value, name, this);
  }
  *entries() {
    for (const name of [...this.#values.keys()].sort()) yield [name, this.#values.get(name)];
  }
  *keys() {
    for (const [name] of this.entries()) yield name;
  }
  *values() {
    for (const [, value] of this.entries()) yield value;
  }
  [Symbol.iterator]() {
    return this.entries();
  }
}

// --- copies -------------------------------------------------------------------------------------------------------------
function structuredClone(value) {
  const copies = new Map();
  function copy(from) {
    if (typeof from === 'function' || typeof from === 'symbol')
      throw new TypeError('functions and symbols cannot be cloned');
    if (typeof from !== 'object' || from === null) return from;
    const known = copies.get(from);
    if (known) return known;
    const keep = (made) => {
      copies.set(from, made);
      return made;
    };
    if (Array.isArray(from)) {
      const made = keep([]);
      for (let index = 0; index < from.length; index += 1) made[index] = copy(from[index]);
      return made;
    }
    if (from instanceof Date) return keep(new Date(from.getTime()));
    if (from instanceof RegExp) return keep(new RegExp(from.source, from.flags));
    if (from instanceof Map) {
      const made = keep(new Map());
      for (const [key, entry] of from) made.set(copy(key), copy(entry));
      return made;
    }
    if (from instanceof Set) {
      const made = keep(new Set());
      for (const entry of from) made.add(copy(entry));
      return made;
    }
    if (from instanceof ArrayBuffer) return keep(from.slice(0));
    if (ArrayBuffer.isView(from)) {
      const bytes = bytesOf(from).slice();
      return keep(from instanceof DataView ? new DataView(bytes.buffer) : new from.constructor(bytes.buffer));
    }
    if (from instanceof ErrorType) {
      const made = keep(new ErrorType(from.message));
      made.name = from.name;
      return made;
    }
    const made = keep({});
    for (const name of Object.keys(from)) made[name] = copy(from[name]);
    return made;
  }
  return copy(value);
}

// --- cryptography -------------------------------------------------------------------------------------------------------
class CryptoKey {
  #material;
  constructor(material, secret) {
    if (secret !== keySecret) throw new TypeError('Illegal constructor');
    this.#material = material;
  }
  get type() {
    return this.#material.type;
  }
  get extractable() {
    return false;
  }
  get algorithm() {
    return { ...this.#material.algorithm };
  }
  get usages() {
    return [...this.#material.usages];
  }
  static material(key) {
    return key.#material;
  }
}
const keySecret = {};
const materialOf = CryptoKey.material;
delete CryptoKey.material;

const nameOfAlgorithm = (algorithm) => (typeof algorithm === 'string' ? { name: algorithm } : { ...algorithm });
function plainAlgorithm(algorithm) {
  const named = nameOfAlgorithm(algorithm);
  return {
    name: StringType(named.name),
    ...(named.hash === undefined ? {} : { hash: nameOfAlgorithm(named.hash).name }),
    ...(named.namedCurve === undefined ? {} : { namedCurve: StringType(named.namedCurve) }),
    ...(named.saltLength === undefined ? {} : { saltLength: Number(named.saltLength) }),
  };
}
function subtleCrypto() {
  return {
    async digest(algorithm, data) {
      const { name } = plainAlgorithm(algorithm);
      return base64ToBuffer(await askLocalLater('digest', { name, data: bytesToBase64(bytesOf(data)) }));
    },
    async importKey(format, data, algorithm, extractable, usages) {
      const wanted = plainAlgorithm(algorithm);
      const key = {
        format: StringType(format),
        data: format === 'jwk' ? plain(data) : bytesToBase64(bytesOf(data)),
        algorithm: wanted,
        usages: [...usages].map(StringType),
      };
      const type = await askLocalLater('importKey', key);
      return new CryptoKey({ ...key, type }, keySecret);
    },
    async sign(algorithm, key, data) {
      const call = { algorithm: plainAlgorithm(algorithm), key: materialOf(key), data: bytesToBase64(bytesOf(data)) };
      return base64ToBuffer(await askLocalLater('sign', call));
    },
    async verify(algorithm, key, signature, data) {
      return askLocalLater('verify', {
        algorithm: plainAlgorithm(algorithm),
        key: materialOf(key),
        signature: bytesToBase64(bytesOf(signature)),
        data: bytesToBase64(bytesOf(data)),
      });
    },
  };
}
function cryptoHelper() {
  return {
    subtle: subtleCrypto(),
    randomUUID: () => askLocal('randomUUID', {}),
    getRandomValues(view) {
      const bytes = bytesOf(view);
      if (bytes.length > 65_536) throw new RangeError('getRandomValues fills at most 65536 bytes');
      bytes.set(new Uint8Array(base64ToBuffer(askLocal('randomBytes', { length: bytes.length }))));
      return view;
    },
  };
}

function webHelpers() {
  return {
    Headers,
    URL,
    URLSearchParams,
    TextEncoder,
    TextDecoder,
    structuredClone,
    crypto: cryptoHelper(),
    atob: (text) => base64ToBinary(text),
    btoa: (text) => binaryToBase64(StringType(text)),
    queueMicrotask(action) {
      if (typeof action !== 'function') throw new TypeError('queueMicrotask takes a function');
      void Promise.resolve().then(() => void action());
    },
  };
}
const webIntrinsics = [TextEncoder, TextDecoder, URLSearchParams, URL, Headers, CryptoKey, structuredClone];
