/** What the web's standards know by these names, as far as callbacks have it. */
import type { GlobalName, Model, Signature } from '../entry.ts';
import { method, model, ours, property, signature } from '../make.ts';

const pairs = 'Iterable<readonly [name: string, value: string]>';
const named = `{ readonly [name: string]: string } | ${pairs}`;
const iteration = (of: string) => [
  method(
    'forEach',
    `action: (value: string, name: string, all: ${of}) => void, self?: any`,
    'void',
    ours,
    'Calls a function for each entry.',
  ),
  method('entries', '', 'Generator<[name: string, value: string], void>', ours, 'The entries.'),
  method('keys', '', 'Generator<string, void>', ours, 'The names.'),
  method('values', '', 'Generator<string, void>', ours, 'The values.'),
  method('[Symbol.iterator]', '', 'Generator<[name: string, value: string], void>', ours, 'The entries.'),
];

const part = (name: string, documentation: string, readonly = false) =>
  property(name, 'string', ours, documentation, { readonly });
const urlParts: readonly (readonly [name: string, documentation: string])[] = [
  ['protocol', 'The scheme with its colon.'],
  ['username', 'The user before the `@`.'],
  ['password', 'The password before the `@`.'],
  ['host', 'Host and port.'],
  ['hostname', 'The host without its port.'],
  ['port', 'The port; empty where it is the scheme’s own.'],
  ['pathname', 'The path.'],
  ['search', 'The query with its question mark.'],
  ['hash', 'The fragment with its number sign.'],
];

const bytes = 'ArrayBuffer | ArrayBufferView';
const algorithm = '"HMAC" | "RSASSA-PKCS1-v1_5" | "RSA-PSS" | "ECDSA"';
const keyAlgorithm = `${algorithm} | { name: ${algorithm}; hash?: string | { name: string }; namedCurve?: string; saltLength?: number }`;

const constructed = (parameters: string, result: string): readonly Signature[] => [signature(parameters, result)];

export const standardModels: readonly Model[] = [
  model('FetchOptions', ours, 'How `fetch` calls.', [
    property('method', 'string', ours, '`GET` unless given.', { optional: true }),
    property('headers', `Headers | ${named}`, ours, 'Headers to send.', { optional: true }),
    property('body', 'string | URLSearchParams | null', ours, 'What to send.', { optional: true }),
  ]),
  model('FetchResponse', ours, 'What `fetch` got.', [
    property('ok', 'boolean', ours, 'Whether the status is 2xx.', { readonly: true }),
    property('status', 'number', ours, 'The HTTP status.', { readonly: true }),
    property('url', 'string', ours, 'What was called.', { readonly: true }),
    property('headers', 'Headers', ours, 'The headers of the answer.', { readonly: true }),
    method('text', '', 'Promise<string>', ours, 'The body as a text.'),
    method('json', '', 'Promise<any>', ours, 'The body, read as JSON.'),
  ]),
  model(
    'Headers',
    ours,
    'Headers of HTTP, by their names in any case.',
    [
      method('append', 'name: string, value: string', 'void', ours, 'Adds a value beside those there are.'),
      method('set', 'name: string, value: string', 'void', ours, 'Sets the only value.'),
      method('get', 'name: string', 'string | null', ours, 'The value; null where there is none.'),
      method('has', 'name: string', 'boolean', ours, 'Whether there is one.'),
      method('delete', 'name: string', 'void', ours, 'Takes it out.'),
      ...iteration('Headers'),
    ],
    { construct: constructed(`init?: Headers | ${named}`, 'Headers') },
  ),
  model(
    'URL',
    ours,
    'An address, read as the WHATWG URL standard says.',
    [
      part('href', 'The whole address.'),
      part('origin', 'Scheme, host and port.', true),
      ...urlParts.map(([name, documentation]) => part(name, documentation)),
      property('searchParams', 'URLSearchParams', ours, 'The query by its names. Changing it changes the address.', {
        readonly: true,
      }),
      method('toString', '', 'string', ours, 'The whole address.'),
      method('toJSON', '', 'string', ours, 'The whole address.'),
    ],
    {
      construct: constructed('address: string | URL, base?: string | URL', 'URL'),
      statics: [
        method('canParse', 'address: string | URL, base?: string | URL', 'boolean', ours, 'Whether it is an address.'),
        method(
          'parse',
          'address: string | URL, base?: string | URL',
          'URL | null',
          ours,
          'The address; null where it is none.',
        ),
      ],
    },
  ),
  model(
    'URLSearchParams',
    ours,
    'A query, or the body of a form.',
    [
      property('size', 'number', ours, 'How many entries there are.', { readonly: true }),
      method('append', 'name: string, value: string', 'void', ours, 'Adds an entry.'),
      method('delete', 'name: string, value?: string', 'void', ours, 'Takes entries of a name out.'),
      method('get', 'name: string', 'string | null', ours, 'The first value of a name; null where there is none.'),
      method('getAll', 'name: string', 'string[]', ours, 'All values of a name.'),
      method('has', 'name: string, value?: string', 'boolean', ours, 'Whether there is an entry of a name.'),
      method('set', 'name: string, value: string', 'void', ours, 'Sets the only value of a name.'),
      method('sort', '', 'void', ours, 'Puts the entries into the order of their names.'),
      ...iteration('URLSearchParams'),
      method('toString', '', 'string', ours, 'As it stands in an address or a form.'),
    ],
    { construct: constructed(`init?: string | URLSearchParams | ${named}`, 'URLSearchParams') },
  ),
  model(
    'TextEncoder',
    ours,
    'Texts to bytes.',
    [
      property('encoding', '"utf-8"', ours, 'Always `utf-8`.', { readonly: true }),
      method('encode', 'text?: string', 'Uint8Array<ArrayBuffer>', ours, 'The UTF-8 of a text.'),
    ],
    { construct: constructed('', 'TextEncoder') },
  ),
  model(
    'TextDecoder',
    ours,
    'Bytes to texts.',
    [
      property('encoding', '"utf-8"', ours, 'Always `utf-8`; others are not there.', { readonly: true }),
      property('fatal', 'boolean', ours, 'Whether bytes that are no UTF-8 throw.', { readonly: true }),
      method('decode', `data?: ${bytes}`, 'string', ours, 'The text.'),
    ],
    { construct: constructed('label?: "utf-8" | "utf8", options?: { readonly fatal?: boolean }', 'TextDecoder') },
  ),
  model('Crypto', ours, 'Randomness and cryptography.', [
    property('subtle', 'SubtleCrypto', ours, 'Digests and signatures.', { readonly: true }),
    method('randomUUID', '', 'string', ours, 'A random UUID (version 4).'),
    method('getRandomValues', 'view: T', 'T', ours, 'Fills a typed array, of at most 65536 bytes, with random bytes.', {
      generics: '<T extends ArrayBufferView>',
    }),
  ]),
  model('SubtleCrypto', ours, 'Digests, HMAC, and signatures of others, which it checks.', [
    method(
      'digest',
      `algorithm: string | { name: string }, data: ${bytes}`,
      'Promise<ArrayBuffer>',
      ours,
      'SHA-1, SHA-256, SHA-384 or SHA-512.',
    ),
    method(
      'importKey',
      `format: "raw" | "spki" | "jwk", data: ${bytes} | object, algorithm: ${keyAlgorithm}, extractable: boolean, usages: readonly ("sign" | "verify")[]`,
      'Promise<CryptoKey>',
      ours,
      'Reads a key: of HMAC, or a public one of RSA or of an elliptic curve. It can never be taken out again.',
    ),
    method(
      'sign',
      `algorithm: ${keyAlgorithm}, key: CryptoKey, data: ${bytes}`,
      'Promise<ArrayBuffer>',
      ours,
      'Signs, with HMAC only.',
    ),
    method(
      'verify',
      `algorithm: ${keyAlgorithm}, key: CryptoKey, signature: ${bytes}, data: ${bytes}`,
      'Promise<boolean>',
      ours,
      'Whether a signature is right: HMAC, RSASSA-PKCS1-v1_5, RSA-PSS or ECDSA.',
    ),
  ]),
  model('CryptoKey', ours, 'A key that was read.', [
    property('type', '"public" | "private" | "secret"', ours, 'What it is.', { readonly: true }),
    property('extractable', 'false', ours, 'Always false.', { readonly: true }),
    property('algorithm', '{ readonly name: string }', ours, 'What it is for.', { readonly: true }),
    property('usages', 'readonly string[]', ours, 'What it may be used for.', { readonly: true }),
  ]),
];

const standardClass = (name: string, documentation: string): GlobalName => ({
  kind: 'global',
  name,
  model: name,
  documentation,
  ...ours,
});
const standardFunction = (
  name: string,
  parameters: string,
  result: string,
  documentation: string,
  generics?: string,
): GlobalName => ({
  kind: 'global',
  name,
  signatures: [signature(parameters, result)],
  ...(generics === undefined ? {} : { generics }),
  documentation,
  ...ours,
});

export const standardGlobals: readonly GlobalName[] = [
  standardFunction(
    'fetch',
    'address: string | URL, options?: FetchOptions',
    'Promise<FetchResponse>',
    'Calls a host that the tenant allows. Redirects are not followed: they come as answers. Streams and signals are not there. Rejects with a TypeError where there is no answer.',
  ),
  standardClass('Headers', 'Headers of HTTP.'),
  standardClass('URL', 'An address.'),
  standardClass('URLSearchParams', 'A query, or the body of a form.'),
  standardClass('TextEncoder', 'Texts to bytes.'),
  standardClass('TextDecoder', 'Bytes to texts.'),
  { kind: 'global', name: 'crypto', model: 'Crypto', documentation: 'Randomness and cryptography.', ...ours },
  standardFunction(
    'structuredClone',
    'value: T',
    'T',
    'A deep copy of plain values, dates, maps, sets, buffers and errors, with their circles.',
    '<T>',
  ),
  standardFunction('atob', 'text: string', 'string', 'The bytes of base64, one character each.'),
  standardFunction('btoa', 'bytes: string', 'string', 'Base64 of bytes, one character each.'),
  standardFunction(
    'queueMicrotask',
    'action: () => void',
    'void',
    'Runs a function as soon as the one running has ended.',
  ),
];
