/** Reads the files a document names, never outside its folder, and remembers every byte for the version. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { compileScript } from '../script/compile/compile.ts';
import { importsOf } from '../script/compile/imports.ts';
import { makeScript } from '../script/script.ts';
import { problem, type Problem, scriptProblem } from './problem.ts';
import type { Jwk, Script } from './tenant.ts';

type SecretDocument = string | { readonly env: string } | { readonly file: string };

/** Where secrets come from that the document does not hold. */
export interface SecretSource {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What stands for a file that is not there; it is an error where absent. */
  readonly fileStandIn?: (name: string) => string;
}

export interface SecretRules extends SecretSource {
  readonly inlineAllowed: boolean;
}

const PRIVATE_MEMBERS = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']);

/** The key without its private members (RFC 7518 section 6). */
export function publicPart(key: Jwk): Jwk {
  return Object.fromEntries(Object.entries(key).filter(([name]) => !PRIVATE_MEMBERS.has(name))) as Jwk;
}

export class TenantFiles {
  readonly problems: Problem[] = [];
  /** What works, but probably not as it was meant. */
  readonly warnings: Problem[] = [];
  readonly #folder: string;
  readonly #document: string;
  readonly #version = createHash('sha256');
  readonly #scripts = new Map<string, Script>();
  readonly #texts: ReadonlyMap<string, string>;

  /** @param texts what stands for the content of files of these names. */
  constructor(folder: string, document: string, texts: ReadonlyMap<string, string> = new Map()) {
    this.#folder = folder;
    this.#document = document;
    this.#texts = texts;
  }

  /** SHA-256, hex, over all that was read so far, each part with its name and length. */
  version(): string {
    return this.#version.copy().digest('hex');
  }

  remember(name: string, content: string): void {
    this.#version.update(`${name.length}:${name}:${Buffer.byteLength(content)}:`).update(content);
  }

  report(code: string, pointer: string, found: string, expected: string, hint = ''): void {
    this.problems.push(problem(code, this.#document, pointer, found, expected, hint));
  }

  warn(code: string, pointer: string, found: string, expected: string, hint = ''): void {
    this.warnings.push(problem(code, this.#document, pointer, found, expected, hint));
  }

  async read(name: string, pointer: string): Promise<string | undefined> {
    try {
      const root = await realpath(this.#folder);
      const lexical = relative(root, resolve(root, name));
      const outside = (path: string): boolean => path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path);
      // The link's target counts too, else a symbolic link would lead out of the folder.
      if (isAbsolute(name) || outside(lexical) || outside(relative(root, await realpath(resolve(root, name))))) {
        this.report('file-outside', pointer, `"${name}"`, "a file inside the tenant's folder");
        return undefined;
      }
      const content = this.#texts.get(name) ?? (await readFile(resolve(root, name), 'utf8'));
      this.remember(name, content);
      return content;
    } catch {
      this.report(
        'file-unreadable',
        pointer,
        `"${name}", which cannot be read`,
        'a readable file',
        'check the name and its permissions',
      );
      return undefined;
    }
  }

  /** The script with all it imports; what is wrong with its text is reported once, wherever it is named. */
  async script(name: string | undefined, pointer: string): Promise<Script | undefined> {
    if (name === undefined) return undefined;
    const script = this.#scripts.get(name) ?? (await this.#readScript(name, pointer));
    if (script === undefined || this.#scripts.has(name)) return script;
    this.#scripts.set(name, script);
    const compiled = compileScript(script);
    for (const found of compiled.ok ? [] : compiled.problems)
      this.problems.push(scriptProblem(join(this.#folder, found.location.file), found));
    return script;
  }

  async #readScript(name: string, pointer: string): Promise<Script | undefined> {
    const source = await this.read(name, pointer);
    if (source === undefined) return undefined;
    const modules = new Map<string, string>();
    const wanted = [...importsOf(name, source)];
    for (let next = wanted.shift(); next !== undefined; next = wanted.shift()) {
      if (next === name || modules.has(next)) continue;
      const text = await this.read(next, pointer);
      if (text === undefined) return undefined;
      modules.set(next, text);
      wanted.push(...importsOf(next, text));
    }
    return makeScript(
      name,
      source,
      [...modules].map(([file, text]) => ({ name: file, source: text })),
    );
  }

  async jwks(name: string, pointer: string): Promise<readonly Jwk[] | undefined> {
    const text = await this.read(name, pointer);
    if (text === undefined) return undefined;
    try {
      const keys: unknown = (JSON.parse(text) as { keys?: unknown }).keys;
      const isKey = (key: unknown): key is Jwk =>
        typeof key === 'object' && key !== null && typeof (key as { kty?: unknown }).kty === 'string';
      if (Array.isArray(keys) && keys.length > 0 && keys.every(isKey)) return keys;
    } catch {
      // Reported below like any other malformed file.
    }
    this.report('jwks-malformed', pointer, `"${name}", which is no JWKS`, 'a JSON Web Key Set (RFC 7517)');
    return undefined;
  }

  async secret(secret: SecretDocument, pointer: string, rules: SecretRules): Promise<string | undefined> {
    if (typeof secret === 'string') {
      if (rules.inlineAllowed) return secret;
      this.report(
        'secret-inline',
        pointer,
        'an inline secret',
        '{"env": …} or {"file": …}',
        'only demo tenants may hold secrets inline',
      );
      return undefined;
    }
    if ('file' in secret) {
      if (rules.fileStandIn && !existsSync(resolve(this.#folder, secret.file))) return rules.fileStandIn(secret.file);
      const text = (await this.read(secret.file, `${pointer}/file`))?.replace(/\r?\n$/, '');
      if (text === '') this.report('secret-empty', `${pointer}/file`, 'an empty file', 'a secret');
      return text === '' ? undefined : text;
    }
    const value = rules.environment[secret.env];
    if (value === undefined || value === '') {
      this.report(
        'secret-missing',
        `${pointer}/env`,
        `no variable ${secret.env}`,
        'a variable with a value',
        `set ${secret.env} in the server's environment`,
      );
      return undefined;
    }
    this.remember(`env ${secret.env}`, value);
    return value;
  }
}
