/**
 * TypeScript's own checker over a few texts in memory. Its programming interface is called unstable, so nothing else here
 * knows it; the version is pinned.
 */
import { readFileSync } from 'node:fs';
import type {
  API as Api,
  Diagnostic as TypeScriptDiagnostic,
  Symbol as TypeScriptSymbol,
} from 'typescript/unstable/async';

export interface SourceText {
  /** Below the tenant's folder, with `/`. */
  readonly name: string;
  readonly text: string;
}

export interface Diagnostic {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  /** TypeScript's number, as in TS2339. */
  readonly code: number;
  readonly message: string;
}

/** A member of a model as a place in a script uses it, by its name and that of its interface. */
export interface UsedMember {
  readonly owner: string;
  readonly name: string;
}

export interface Compilation {
  readonly diagnostics: readonly Diagnostic[];
  /** Which of our own members or globals stand at these places; `owner` is empty for a global. */
  membersAt(file: string, offsets: readonly number[]): Promise<readonly (UsedMember | undefined)[]>;
  /** The member of that name which the value at a place has, if it is one of ours. */
  memberOf(file: string, offset: number, name: string): Promise<UsedMember | undefined>;
}

/** Not a folder of any machine: nothing is read from or written to it. */
const folder = '/sallyport-check';
const declarations = `${folder}/callbacks.d.ts`;

/** What the sandbox has of JavaScript: ES2024 without shared memory and weak references, and without a browser's or Node's names. */
const languageParts = [
  'es5',
  ...['core', 'collection', 'iterable', 'generator', 'promise', 'proxy', 'reflect', 'symbol', 'symbol.wellknown'].map(
    (part) => `es2015.${part}`,
  ),
  ...['array.include', 'intl'].map((part) => `es2016.${part}`),
  ...['arraybuffer', 'date', 'intl', 'object', 'string', 'typedarrays'].map((part) => `es2017.${part}`),
  ...['asyncgenerator', 'asynciterable', 'intl', 'promise', 'regexp'].map((part) => `es2018.${part}`),
  ...['array', 'intl', 'object', 'string', 'symbol'].map((part) => `es2019.${part}`),
  ...['bigint', 'date', 'intl', 'number', 'promise', 'string', 'symbol.wellknown'].map((part) => `es2020.${part}`),
  ...['intl', 'promise', 'string'].map((part) => `es2021.${part}`),
  ...['array', 'error', 'intl', 'object', 'regexp', 'string'].map((part) => `es2022.${part}`),
  ...['array', 'collection', 'intl'].map((part) => `es2023.${part}`),
  ...['arraybuffer', 'collection', 'object', 'promise', 'regexp', 'string'].map((part) => `es2024.${part}`),
];

/** The options that an editor gets by the `jsconfig.json` in docs/script-api.md, but for the parts of the language. */
export const compilerOptions = {
  target: 'ES2024',
  lib: languageParts,
  types: [] as readonly string[],
  allowJs: true,
  checkJs: true,
  strict: true,
  noImplicitAny: false,
  useUnknownInCatchVariables: false,
  module: 'Preserve',
  moduleResolution: 'Bundler',
  // Each file is its own: classic scripts define the same hooks.
  moduleDetection: 'force',
  allowImportingTsExtensions: true,
  noEmit: true,
};

/**
 * Checks the texts together and answers what `use` makes of the result, which is gone afterwards.
 * @returns undefined where TypeScript is not installed.
 */
export async function withCompilation<Value>(
  sources: readonly SourceText[],
  use: (compilation: Compilation) => Value | Promise<Value>,
): Promise<Value | undefined> {
  const loaded = await load();
  if (!loaded) return undefined;
  const files = new Map(sources.map(({ name, text }) => [`${folder}/${name}`, text]));
  files.set(declarations, readFileSync(new URL('../../../engine/script/callbacks.d.ts', import.meta.url), 'utf8'));
  const config = `${folder}/tsconfig.json`;
  files.set(config, JSON.stringify({ compilerOptions, files: [...files.keys()] }));
  const isOurs = (path: string) => path === folder || path.startsWith(`${folder}/`);
  const api = new loaded({
    cwd: folder,
    fs: {
      readFile: (path) => files.get(path) ?? (isOurs(path) ? null : undefined),
      fileExists: (path) => (isOurs(path) ? files.has(path) : undefined),
      directoryExists: (path) =>
        isOurs(path) ? path === folder || [...files.keys()].some((name) => name.startsWith(`${path}/`)) : undefined,
      getAccessibleEntries: (path) => (isOurs(path) ? { files: [], directories: [] } : undefined),
    },
  });
  try {
    const snapshot = await api.updateSnapshot({ openProject: config });
    const project = snapshot.getProject(config);
    if (!project) throw new Error('the type check could not begin');
    const { program, checker } = project;
    const found = await Promise.all([
      program.getConfigFileParsingDiagnostics(),
      program.getProgramDiagnostics(),
      ...sources.flatMap(({ name }) => [
        program.getSyntacticDiagnostics(`${folder}/${name}`),
        program.getSemanticDiagnostics(`${folder}/${name}`),
      ]),
    ]);
    return await use({
      diagnostics: found.flat().map(plain),
      async membersAt(file, offsets) {
        const symbols = await checker.getSymbolAtPosition(`${folder}/${file}`, offsets);
        return Promise.all(symbols.map(usedMember));
      },
      async memberOf(file, offset, name) {
        const type = await checker.getTypeAtPosition(`${folder}/${file}`, offset);
        const present = type && (await checker.getNonNullableType(type));
        return usedMember(present && (await checker.getPropertyOfType(present, name)));
      },
    });
  } finally {
    await api.close();
  }
}

async function usedMember(symbol: TypeScriptSymbol | undefined): Promise<UsedMember | undefined> {
  if (!symbol?.declarations.some(({ path }) => path === declarations)) return undefined;
  const owner = (await symbol.getParent())?.name ?? '';
  return { owner: owner.startsWith('"') ? '' : owner, name: symbol.name };
}

async function load(): Promise<typeof Api | undefined> {
  try {
    // The checker itself comes in a package of its own for each kind of machine.
    import.meta.resolve(`@typescript/typescript-${process.platform}-${process.arch}/package.json`);
    return (await import('typescript/unstable/async')).API;
  } catch {
    return undefined;
  }
}

function plain({ fileName = '', pos, end, code, text, messageChain = [] }: TypeScriptDiagnostic): Diagnostic {
  const sentences = [text, ...messageChain.map((message) => message.text)];
  return {
    file: fileName.startsWith(`${folder}/`) ? fileName.slice(folder.length + 1) : fileName,
    start: pos,
    end,
    code,
    message: sentences.join(' '),
  };
}
