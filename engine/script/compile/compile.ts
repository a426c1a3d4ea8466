/** Turns a script into the program a sandbox evaluates: reads its files, links its imports, writes its functions. */
import { full } from 'acorn-walk';
import type { AnyNode, Pattern } from 'acorn';
import type { Script } from '../../tenant/tenant.ts';
import { didYouMean } from '../../tenant/problem.ts';
import { globalNames } from './globals.ts';
import { hostModule, libraryNames, libraryPart, librarySource } from './library.ts';
import { changesShared } from './shared.ts';
import { declaredFunctions, forbiddenSyntax, readModule, type ReadModule } from './module.ts';
import { locate, type ParsedFile, parseFile } from './parse.ts';
import type { CompileResult, Program, ProgramPart, ScriptProblem } from './program.ts';

/** No script may be longer, all its files together, characters. */
const longestSource = 1_048_576;
const known = new WeakMap<Script, CompileResult>();

/** The program of a script, or everything that is wrong with it. Each script is compiled once. */
export function compileScript(script: Script): CompileResult {
  const before = known.get(script);
  if (before) return before;
  const result = compile(script);
  known.set(script, result);
  return result;
}

function compile(script: Script): CompileResult {
  const size = script.modules.reduce((sum, { source }) => sum + source.length, script.source.length);
  if (size > longestSource)
    return failed({
      code: 'too-large',
      message: `the script has ${size} characters, more than ${longestSource}`,
      hint: 'keep data in the key-value store or on a server',
      location: { file: script.name, line: 1, column: 1 },
    });
  const entry = parseFile(script.name, script.source);
  if (!entry.ok) return failed(entry.problem);
  return entry.parsed.style === 'classic' ? classicProgram(entry.parsed) : moduleProgram(script, entry.parsed);
}

function failed(...problems: readonly ScriptProblem[]): CompileResult {
  return { ok: false, problems };
}

// --- classic ---------------------------------------------------------------------------------------------------------

/** Stands before the source on its first line, so that all other lines keep their numbers. */
const classicPrefix = '(function(__scope){with(__scope){return (function(){';
const hookNames = [
  'onAuthenticateSuccess',
  'getUserName',
  'authenticate',
  'onSmartLoginPreContextSelection',
  'onTokenGenerating',
  'onPostAuthorize',
  'onSelfRegistration',
];

function classicProgram(parsed: ParsedFile): CompileResult {
  const problems = forbiddenSyntax(parsed);
  if (problems.length > 0) return failed(...problems);
  const found = hookNames.map((name) => `${name}: typeof ${name} === 'function' ? ${name} : undefined`).join(',');
  const part: ProgramPart = {
    file: parsed.file,
    code: `${classicPrefix}${parsed.text}\n;return {${found}}}).call(this)}})`,
    shift: classicPrefix.length,
    imports: [],
  };
  return {
    ok: true,
    program: {
      style: 'classic',
      parts: [part],
      functions: declaredFunctions(parsed, parsed.tree.body),
      assignedNames: assignedNames(parsed),
      ownContext: changesShared(parsed.tree),
    },
  };
}

/** Names that are assigned anywhere, declared or not. */
function assignedNames(parsed: ParsedFile): readonly string[] {
  const names = new Set<string>();
  const take = (node: Pattern | AnyNode | null): void => {
    if (node?.type === 'Identifier') names.add(node.name);
    else if (node?.type === 'ObjectPattern')
      for (const property of node.properties)
        take(property.type === 'RestElement' ? property.argument : property.value);
    else if (node?.type === 'ArrayPattern') node.elements.forEach(take);
    else if (node?.type === 'AssignmentPattern') take(node.left);
    else if (node?.type === 'RestElement') take(node.argument);
  };
  full(parsed.tree, (found) => {
    const node = found as AnyNode;
    if (node.type === 'AssignmentExpression') take(node.left);
    else if (node.type === 'UpdateExpression') take(node.argument);
    else if (
      (node.type === 'ForInStatement' || node.type === 'ForOfStatement') &&
      node.left.type !== 'VariableDeclaration'
    )
      take(node.left);
  });
  return [...names];
}

// --- modules ---------------------------------------------------------------------------------------------------------

const ours = 'sallyport:';

/** The path of an import, seen from the file that imports it; undefined where it leaves the tenant's folder. */
export function resolveImport(from: string, specifier: string): string | undefined {
  if (!/^\.{1,2}\//.test(specifier) || specifier.includes(':')) return undefined;
  const path = from.split('/').slice(0, -1);
  for (const step of specifier.split('/')) {
    if (step === '..') {
      if (path.length === 0) return undefined;
      path.pop();
    } else if (step !== '.' && step !== '') path.push(step);
  }
  return path.join('/');
}

function moduleProgram(script: Script, entry: ParsedFile): CompileResult {
  const problems: ScriptProblem[] = [];
  const read = new Map<string, ReadModule>();
  const ordered: string[] = [];

  /** The name of the part that a specifier stands for. */
  function targetOf(from: ReadModule, specifier: string): string | undefined {
    const { file } = from.parsed;
    if (file.startsWith(ours)) {
      if (specifier === hostModule) return specifier;
      const path = resolveImport(file.slice(ours.length), specifier);
      return path === undefined ? undefined : ours + path;
    }
    return libraryNames.includes(specifier) ? libraryPart(specifier) : resolveImport(file, specifier);
  }

  function load(name: string, importer: ReadModule | undefined, offset: number, path: readonly string[]): void {
    const report = (code: ScriptProblem['code'], message: string, hint: string) =>
      problems.push({
        code,
        message,
        hint,
        location: importer
          ? locate(importer.parsed.file, importer.parsed.text, offset)
          : { file: name, line: 1, column: 1 },
      });
    if (path.includes(name))
      return void report(
        'import-cycle',
        `${[...path.slice(path.indexOf(name)), name].join(' imports ')}`,
        'move what both need into a third file',
      );
    if (read.has(name)) return;
    const source =
      name === entry.file
        ? undefined
        : (librarySource(name) ?? script.modules.find((module) => module.name === name)?.source);
    if (name !== entry.file && source === undefined)
      return void report(
        'import-missing',
        `there is no file ${name}`,
        didYouMean(
          name,
          script.modules.map((module) => module.name),
        ),
      );
    const parsed = source === undefined ? { ok: true as const, parsed: entry } : parseFile(name, source, true);
    if (!parsed.ok) return void problems.push(parsed.problem);
    const module = readModule(parsed.parsed);
    read.set(name, module);
    problems.push(...module.problems);
    for (const specifier of module.specifiers) {
      if (specifier === hostModule && name.startsWith(ours)) continue;
      const target = targetOf(module, specifier);
      const at = Math.max(0, module.parsed.text.indexOf(specifier) - 1);
      if (target === undefined) {
        problems.push({
          code: 'import-unknown',
          message: `"${specifier}" cannot be imported`,
          hint:
            didYouMean(specifier, libraryNames) ||
            `import files of the tenant's folder by "./name.js", or ${libraryNames.join(', ')}`,
          location: locate(name, module.parsed.text, at),
        });
      } else load(target, module, at, [...path, name]);
    }
    ordered.push(name);
  }

  load(entry.file, undefined, 0, []);
  const exportsOf = (name: string, seen: readonly string[] = []): ReadonlyMap<string, string> => {
    const module = read.get(name);
    const all = new Map(module?.exports);
    if (!module || seen.includes(name)) return all;
    for (const specifier of module.starred) {
      const target = targetOf(module, specifier);
      if (target === undefined) continue;
      for (const each of exportsOf(target, [...seen, name]).keys())
        if (each !== 'default' && !all.has(each))
          all.set(each, `__import(${module.specifiers.indexOf(specifier)})[${JSON.stringify(each)}]`);
    }
    return all;
  };
  for (const module of read.values()) {
    for (const { from, name, offset } of module.wanted) {
      const target = targetOf(module, from);
      if (target === undefined || !read.has(target)) continue;
      const exported = exportsOf(target);
      if (exported.has(name)) continue;
      problems.push({
        code: 'export-unknown',
        message: `"${from}" does not export ${name}`,
        hint:
          didYouMean(name, [...exported.keys()]) ||
          (module.parsed.file.endsWith('.ts')
            ? 'is it a type? then write `import type`'
            : `it exports ${[...exported.keys()].join(', ') || 'nothing'}`),
        location: locate(module.parsed.file, module.parsed.text, offset),
      });
    }
  }
  if (problems.length > 0) return failed(...problems);
  const parts = ordered.map((name) => partOf(read.get(name) as ReadModule, exportsOf(name), targetOf));
  const program: Program = {
    style: 'module',
    parts,
    functions: read.get(entry.file)?.functions ?? [],
    assignedNames: [],
    ownContext: [...read.values()].some(({ parsed }) => !parsed.file.startsWith(ours) && changesShared(parsed.tree)),
  };
  return { ok: true, program };
}

function partOf(
  module: ReadModule,
  exports: ReadonlyMap<string, string>,
  targetOf: (from: ReadModule, specifier: string) => string | undefined,
): ProgramPart {
  const constants = module.constants.length > 0 ? `const ${module.constants.join(',')};` : '';
  // The globals stand one function further out, so that a module may have names of its own for them.
  const prefix = `(function(__import,__globals){"use strict";const {${globalNames.join(',')}}=__globals;return (function(){${constants}`;
  const getters = [...exports].map(([name, read]) => `get ${JSON.stringify(name)}(){return ${read}}`).join(',');
  return {
    file: module.parsed.file,
    code: `${prefix}${module.body}\n;return {__proto__:null,${getters}}})()})`,
    shift: prefix.length,
    imports: module.specifiers.map((specifier) => targetOf(module, specifier) ?? specifier),
  };
}
