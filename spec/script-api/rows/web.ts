import { does, type Row, type Rows } from './row.ts';

const at = (run: string, expected: unknown): Row => does('onPostAuthorize', run, expected);
const echo = `'https://api.example/echo'`;
const sent = (options: string) => `(await (await fetch(${echo}, ${options})).json())`;
const headers = `new Headers({ 'X-B': '2', 'x-a': '1' })`;
const query = `new URLSearchParams('b=2&a=1&a=3')`;
const url = `new URL('https://me:pass@host.example:8443/path/x?q=1#frag')`;
const part = (name: string, value: string, changed: string, whole: string): Rows => ({
  [`URL.${name}`]: at(
    `{ const url = ${url}; const before = url.${name}; url.${name} = '${changed}'; return [before, url.href]; }`,
    [value, whole],
  ),
});
const key = `await crypto.subtle.importKey('raw', new TextEncoder().encode('key'), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])`;
const hex = (buffer: string) =>
  `Array.from(new Uint8Array(${buffer}), (byte) => byte.toString(16).padStart(2, '0')).join('')`;
const data = `new TextEncoder().encode('text')`;

const walks = (name: string, made: string, keys: readonly string[], values: readonly string[]): Rows => {
  const entries = keys.map((each, index) => [each, values[index]]);
  return {
    [`${name}.forEach`]: at(
      `{ const seen = []; ${made}.forEach((value, key) => seen.push([key, value])); return seen; }`,
      entries,
    ),
    [`${name}.entries`]: at(`[...${made}.entries()]`, entries),
    [`${name}.keys`]: at(`[...${made}.keys()]`, keys),
    [`${name}.values`]: at(`[...${made}.values()]`, values),
    [`${name}.[Symbol.iterator]`]: at(`[...${made}]`, entries),
  };
};

export const webRows: Rows = {
  'FetchOptions.method': at(`${sent(`{ method: 'post' }`)}.method`, 'POST'),
  'FetchOptions.headers': at(
    `[${sent(`{ headers: { 'X-A': '1' } }`)}.headers, ${sent(`{ headers: new Headers([['X-B', '2']]) }`)}.headers]`,
    [{ 'x-a': '1' }, { 'x-b': '2' }],
  ),
  'FetchOptions.body': at(
    `{ const form = ${sent(`{ method: 'POST', body: new URLSearchParams({ a: 'b c' }) }`)}; return [form.body, form.headers['content-type']]; }`,
    ['a=b+c', 'application/x-www-form-urlencoded;charset=UTF-8'],
  ),
  'FetchResponse.ok': at(`[(await fetch(${echo})).ok, (await fetch('https://api.example/missing')).ok]`, [true, false]),
  'FetchResponse.status': at(`(await fetch('https://api.example/missing')).status`, 404),
  'FetchResponse.url': at(`(await fetch(${echo})).url`, 'https://api.example/echo'),
  'FetchResponse.headers': at(`(await fetch(${echo})).headers.get('X-Test')`, 'Yes'),
  'FetchResponse.text': at(`(await fetch('https://api.example/missing')).text()`, 'nothing here'),
  'FetchResponse.json': at(
    `{ let rejected = ''; try { await fetch('https://other.example/'); } catch (error) { rejected = error.name; }
      return [(await (await fetch(${echo})).json()).method, rejected]; }`,
    ['GET', 'TypeError'],
  ),
  'Headers.append': at(`{ const h = ${headers}; h.append('X-A', 'x'); return h.get('x-a'); }`, '1, x'),
  'Headers.set': at(`{ const h = ${headers}; h.set('X-A', 'x'); return h.get('x-a'); }`, 'x'),
  'Headers.get': at(`[${headers}.get('x-b'), ${headers}.get('none')]`, ['2', null]),
  'Headers.has': at(`[${headers}.has('X-A'), ${headers}.has('none')]`, [true, false]),
  'Headers.delete': at(`{ const h = ${headers}; h.delete('X-A'); return [...h.keys()]; }`, ['x-b']),
  ...walks('Headers', headers, ['x-a', 'x-b'], ['1', '2']),
  ...part('href', 'https://me:pass@host.example:8443/path/x?q=1#frag', 'https://b.example/', 'https://b.example/'),
  'URL.origin': at(`${url}.origin`, 'https://host.example:8443'),
  ...part('protocol', 'https:', 'http:', 'http://me:pass@host.example:8443/path/x?q=1#frag'),
  ...part('username', 'me', 'you', 'https://you:pass@host.example:8443/path/x?q=1#frag'),
  ...part('password', 'pass', 'other', 'https://me:other@host.example:8443/path/x?q=1#frag'),
  ...part('host', 'host.example:8443', 'b.example:1', 'https://me:pass@b.example:1/path/x?q=1#frag'),
  ...part('hostname', 'host.example', 'b.example', 'https://me:pass@b.example:8443/path/x?q=1#frag'),
  ...part('port', '8443', '', 'https://me:pass@host.example/path/x?q=1#frag'),
  ...part('pathname', '/path/x', '/y', 'https://me:pass@host.example:8443/y?q=1#frag'),
  ...part('search', '?q=1', '?r=2', 'https://me:pass@host.example:8443/path/x?r=2#frag'),
  ...part('hash', '#frag', '', 'https://me:pass@host.example:8443/path/x?q=1'),
  'URL.searchParams': at(
    `{ const u = ${url}; u.searchParams.set('q', 'a b'); return [u.search, u.searchParams.get('q')]; }`,
    ['?q=a+b', 'a b'],
  ),
  'URL.toString': at(`new URL('HTTPS://A.example').toString()`, 'https://a.example/'),
  'URL.toJSON': at(`JSON.stringify({ u: new URL('https://a.example') })`, '{"u":"https://a.example/"}'),
  'URL.canParse': at(
    `[URL.canParse('https://a.example'), URL.canParse('/x'), URL.canParse('/x', 'https://a.example')]`,
    [true, false, true],
  ),
  'URL.parse': at(`[URL.parse('nonsense'), URL.parse('/x', 'https://a.example')?.href]`, [null, 'https://a.example/x']),
  'URLSearchParams.size': at(`${query}.size`, 3),
  'URLSearchParams.append': at(
    `{ const q = ${query}; q.append('c', 'ä &'); return q.toString(); }`,
    'b=2&a=1&a=3&c=%C3%A4+%26',
  ),
  'URLSearchParams.delete': at(
    `{ const q = ${query}; q.delete('a', '1'); const one = q.toString(); q.delete('a'); return [one, q.toString()]; }`,
    ['b=2&a=3', 'b=2'],
  ),
  'URLSearchParams.get': at(`[${query}.get('a'), ${query}.get('none')]`, ['1', null]),
  'URLSearchParams.getAll': at(`[${query}.getAll('a'), ${query}.getAll('none')]`, [['1', '3'], []]),
  'URLSearchParams.has': at(`[${query}.has('a'), ${query}.has('a', '2'), ${query}.has('none')]`, [true, false, false]),
  'URLSearchParams.set': at(
    `{ const q = ${query}; q.set('a', '9'); q.set('d', '4'); return q.toString(); }`,
    'b=2&a=9&d=4',
  ),
  'URLSearchParams.sort': at(`{ const q = ${query}; q.sort(); return q.toString(); }`, 'a=1&a=3&b=2'),
  ...walks('URLSearchParams', query, ['b', 'a', 'a'], ['2', '1', '3']),
  'URLSearchParams.toString': at(`new URLSearchParams({ a: 'b c', d: '=' }).toString()`, 'a=b+c&d=%3D'),
  'TextEncoder.encoding': at(`new TextEncoder().encoding`, 'utf-8'),
  'TextEncoder.encode': at(`[Array.from(new TextEncoder().encode('€')), new TextEncoder().encode().length]`, [
    [226, 130, 172],
    0,
  ]),
  'TextDecoder.encoding': at(`new TextDecoder().encoding`, 'utf-8'),
  'TextDecoder.fatal': at(`[new TextDecoder().fatal, new TextDecoder('utf-8', { fatal: true }).fatal]`, [false, true]),
  'TextDecoder.decode': at(
    `{ let thrown = ''; try { new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([255])); } catch (error) { thrown = error.name; }
      return [new TextDecoder().decode(new Uint8Array([226, 130, 172]).buffer), new TextDecoder().decode(new Uint8Array([255])), thrown]; }`,
    ['€', '\ufffd', 'TypeError'],
  ),
  'Crypto.subtle': at(`typeof crypto.subtle.digest`, 'function'),
  'Crypto.randomUUID': at(`crypto.randomUUID() === crypto.randomUUID()`, false),
  'Crypto.getRandomValues': at(
    `{ const bytes = new Uint8Array(32); const same = crypto.getRandomValues(bytes) === bytes; return [same, bytes.some((byte) => byte !== 0)]; }`,
    [true, true],
  ),
  'SubtleCrypto.digest': at(
    hex(`await crypto.subtle.digest('SHA-256', ${data})`),
    '982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1',
  ),
  'SubtleCrypto.importKey': at(`(${key}).type`, 'secret'),
  'SubtleCrypto.sign': at(
    `{ const key = ${key}; return ${hex(`await crypto.subtle.sign('HMAC', key, ${data})`)}; }`,
    '6afa9046a9579cad143a384c1b564b9a250d27d6f6a63f9f20bf3a7594c9e2c6',
  ),
  'SubtleCrypto.verify': at(
    `{ const key = ${key}; const signature = await crypto.subtle.sign('HMAC', key, ${data});
      return [await crypto.subtle.verify('HMAC', key, signature, ${data}), await crypto.subtle.verify('HMAC', key, signature, new Uint8Array(1))]; }`,
    [true, false],
  ),
  'CryptoKey.type': at(`(${key}).type`, 'secret'),
  'CryptoKey.extractable': at(`(${key}).extractable`, false),
  'CryptoKey.algorithm': at(`(${key}).algorithm.name`, 'HMAC'),
  'CryptoKey.usages': at(`(${key}).usages`, ['sign', 'verify']),
};
