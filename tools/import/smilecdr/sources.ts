/** The files an import is given, and those it finds where Smile CDR's `file:` and `classpath:` references point. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';

export interface Source {
  /** As it is named in the report: as it was given, or where it was found. */
  readonly name: string;
  readonly path: string;
  readonly bytes: Buffer;
}

export type Found = { readonly ok: true; readonly source: Source } | { readonly ok: false; readonly why: string };

/** Folders that a node of Smile CDR looks into, seen from the one that holds its properties file. */
const placesBeside = ['.', 'classes', '../classes', 'customerlib', '../customerlib', '..'];
/** A folder is given for what it holds of the configuration, not for everything below some root. */
const mostFiles = 5_000;

function isBelow(path: string, wanted: string): boolean {
  return path === wanted || path.endsWith(`/${wanted}`);
}

export class Sources {
  readonly given: Source[] = [];
  /** Sources that a reference led to. */
  readonly used = new Set<Source>();
  readonly #folders: string[] = [];
  readonly #inFolders: string[] = [];

  /** @returns why a file or folder cannot be read, or undefined. */
  async add(name: string): Promise<string | undefined> {
    const path = resolve(name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) return 'there is no such file or folder';
    if (!found.isDirectory()) {
      const bytes = await readFile(path).catch(() => undefined);
      if (bytes === undefined) return 'the file cannot be read';
      if (!this.given.some((source) => source.path === path)) this.given.push({ name, path, bytes });
      return undefined;
    }
    const files = await readdir(path, { recursive: true, withFileTypes: true });
    if (files.length > mostFiles)
      return `the folder holds more than ${mostFiles} files; name the one of the configuration`;
    this.#folders.push(path);
    this.#inFolders.push(...files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name)));
    return undefined;
  }

  ofKind(ending: string): readonly Source[] {
    return this.given.filter(({ name }) => name.toLowerCase().endsWith(ending));
  }

  /**
   * What `file:…` or `classpath:…` stands for: the path itself, a given file that ends like it, a file beside the one that
   * names it or in a given folder, or, at last, the only given file of its name.
   */
  async find(reference: string, from: Source): Promise<Found> {
    const isFile = /^file:/i.test(reference);
    const wanted = reference
      .trim()
      .replace(/^(file|classpath):/i, '')
      .replace(/^\/\/(?=\/)/, '')
      .replaceAll('\\', '/');
    const tail = wanted.replace(/^[./]+/, '');
    const candidates = [
      ...(isFile ? [resolve(wanted)] : []),
      ...this.given.map(({ path }) => path).filter((path) => isBelow(path, tail)),
      ...placesBeside.map((place) => join(dirname(from.path), place, tail)),
      ...this.#folders.map((folder) => join(folder, tail)),
      ...this.#inFolders.filter((path) => isBelow(path, tail)),
    ];
    for (const path of candidates) {
      const source = await this.#read(path);
      if (source) return { ok: true, source };
    }
    const name = basename(tail);
    const alike = [...new Set([...this.given.map(({ path }) => path), ...this.#inFolders])].filter(
      (path) => basename(path) === name,
    );
    const source = alike.length === 1 ? await this.#read(alike[0] ?? '') : undefined;
    if (source) return { ok: true, source };
    return {
      ok: false,
      why: alike.length > 1 ? `several of the given files are called ${name}` : 'it was not found; give the file, too',
    };
  }

  async #read(path: string): Promise<Source | undefined> {
    const known = [...this.given, ...this.used].find((source) => source.path === path);
    const bytes = known?.bytes ?? (await readFile(path).catch(() => undefined));
    if (bytes === undefined) return undefined;
    const here = relative('', path);
    const source = known ?? { name: here.startsWith('..') ? path : here, path, bytes };
    this.used.add(source);
    return source;
  }
}
