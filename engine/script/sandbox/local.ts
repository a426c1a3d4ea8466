/**
 * What a script gets from the sandbox process itself, for it needs nothing that the process does not hold: addresses read,
 * digests, signatures checked, randomness. Everything is text; a wrong request is an error for the script.
 */
import { randomBytes, randomUUID, webcrypto } from 'node:crypto';

interface KeyText {
  readonly format: string;
  readonly data: unknown;
  readonly algorithm: Algorithm;
  readonly usages: readonly string[];
}

interface Algorithm {
  readonly name: string;
  readonly hash?: string;
  readonly namedCurve?: string;
  readonly saltLength?: number;
}

type Request = Readonly<Record<string, unknown>>;
type Json = null | boolean | string | Readonly<Record<string, string>>;

const urlMembers = [
  'href',
  'origin',
  'protocol',
  'username',
  'password',
  'host',
  'hostname',
  'port',
  'pathname',
  'search',
  'hash',
] as const;

/** Signing is for HMAC only: a script holds no private key of anybody's. */
const signing = ['HMAC'];
const verifying = ['HMAC', 'RSASSA-PKCS1-v1_5', 'RSA-PSS', 'ECDSA'];
const digests = ['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'];

function bytes(value: unknown): Buffer<ArrayBuffer> {
  return Buffer.from(String(value), 'base64');
}

function among(names: readonly string[], name: unknown, what: string): string {
  const found = names.find((each) => each.toLowerCase() === String(name).toLowerCase());
  if (found === undefined) throw new TypeError(`${what} must be one of ${names.join(', ')}`);
  return found;
}

function importKey({ format, data, algorithm, usages }: KeyText): Promise<webcrypto.CryptoKey> {
  among(verifying, algorithm.name, 'the algorithm');
  among(['raw', 'jwk', 'spki'], format, 'the format');
  const material = format === 'jwk' ? (data as webcrypto.JsonWebKey) : bytes(data);
  return webcrypto.subtle.importKey(
    format as 'raw',
    material as Buffer<ArrayBuffer>,
    algorithm as webcrypto.AlgorithmIdentifier,
    false,
    usages as webcrypto.KeyUsage[],
  );
}

const services: Readonly<Record<string, (request: Request) => Json | Promise<Json>>> = {
  url({ address, base, member, value }) {
    if (!URL.canParse(String(address), base as string | undefined)) return null;
    const url = new URL(String(address), base as string | undefined);
    const changed = urlMembers.find((name) => name === member && name !== 'origin');
    if (changed) (url as unknown as Record<string, string>)[changed] = String(value);
    return Object.fromEntries(urlMembers.map((name) => [name, url[name]]));
  },
  async digest({ name, data }) {
    return Buffer.from(await webcrypto.subtle.digest(among(digests, name, 'the digest'), bytes(data))).toString(
      'base64',
    );
  },
  async importKey(request) {
    return (await importKey(request as unknown as KeyText)).type;
  },
  async sign({ algorithm, key, data }) {
    among(signing, (algorithm as Algorithm).name, 'the algorithm of a signature');
    const imported = await importKey(key as KeyText);
    const signature = await webcrypto.subtle.sign(algorithm as Algorithm, imported, bytes(data));
    return Buffer.from(signature).toString('base64');
  },
  async verify({ algorithm, key, signature, data }) {
    among(verifying, (algorithm as Algorithm).name, 'the algorithm of a signature');
    const imported = await importKey(key as KeyText);
    return webcrypto.subtle.verify(algorithm as Algorithm, imported, bytes(signature), bytes(data));
  },
  randomUUID: () => randomUUID(),
  randomBytes: ({ length }) => randomBytes(Math.min(65_536, Math.max(0, Number(length) || 0))).toString('base64'),
};

/** @returns JSON: `{value}`, or `{error}` with a sentence for the script. Never rejects. */
export async function answerLocally(name: string, request: string): Promise<string> {
  try {
    const service = Object.hasOwn(services, name) ? services[name] : undefined;
    if (!service) throw new TypeError('this is not available');
    return JSON.stringify({ value: await service(JSON.parse(request) as Request) });
  } catch (error) {
    return JSON.stringify({ error: error instanceof Error ? error.message.slice(0, 300) : 'this did not work' });
  }
}
