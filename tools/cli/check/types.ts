/** Checks the types of a tenant's scripts, and lists where they use what Smile CDR means otherwise. */
import { compileScript } from '../../../engine/script/compile/compile.ts';
import { locate, type ParsedFile, parseFile } from '../../../engine/script/compile/parse.ts';
import type { Script } from '../../../engine/tenant/tenant.ts';
import { type Annotated, annotate } from './annotate.ts';
import { type Diagnostic, type SourceText, withCompilation } from './compiler.ts';
import { isRelevant, type Lenient, sentenceOf } from './lenient.ts';
import { type NotedUse, usesIn } from './uses.ts';

export type { NotedUse };

export interface TypeProblem {
  /** Of a TypeScript file, or of one under `// @ts-check`, an error; else a warning about names of the script API. */
  readonly severity: 'error' | 'warning';
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** As in `TS2339`. */
  readonly code: string;
  readonly message: string;
}

export interface TypeReport {
  readonly problems: readonly TypeProblem[];
  readonly uses: readonly NotedUse[];
}

interface CheckedFile {
  readonly source: string;
  readonly parsed: ParsedFile;
  readonly annotated: Annotated;
  readonly strict: boolean;
  readonly assignedNames: readonly string[];
}

/**
 * @param scripts of one tenant, so that their files have different names. Those that do not compile are left out, for their
 *   problems are told elsewhere.
 * @returns undefined where TypeScript is not installed.
 */
export async function checkTypes(scripts: readonly Script[]): Promise<TypeReport | undefined> {
  const files = new Map<string, CheckedFile>();
  for (const script of scripts) readScript(script, files);
  const sources: SourceText[] = [...files].map(([name, { annotated }]) => ({ name, text: annotated.text }));
  if (sources.length === 0) return { problems: [], uses: [] };
  return withCompilation(sources, async (compilation) => ({
    problems: compilation.diagnostics.flatMap((diagnostic) => problemOf(diagnostic, files)),
    uses: (await Promise.all([...files.values()].map((file) => usesIn(file, compilation)))).flat(),
  }));
}

function readScript(script: Script, files: Map<string, CheckedFile>): void {
  const compiled = compileScript(script);
  if (!compiled.ok) return;
  const { assignedNames } = compiled.program;
  const entry = { name: script.name, source: script.source };
  for (const { name, source } of [entry, ...script.modules]) {
    const isEntry = name === script.name;
    const result = files.has(name) ? undefined : parseFile(name, source, !isEntry);
    if (!result?.ok) continue;
    const { parsed } = result;
    files.set(name, {
      source,
      parsed,
      annotated: isEntry ? annotate(parsed, source) : { text: source, origin: (offset) => offset },
      strict: name.endsWith('.ts') || isChecked(source),
      assignedNames,
    });
  }
}

/** Whether the comments before the first statement ask for the check. */
function isChecked(source: string): boolean {
  const [head = ''] = /^(?:\s|\/\/[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(source.replace(/^#!.*/, '')) ?? [];
  return /^\s*\/\/\s*@ts-check\b/m.test(head);
}

function problemOf(diagnostic: Diagnostic, files: ReadonlyMap<string, CheckedFile>): readonly TypeProblem[] {
  const file = files.get(diagnostic.file);
  if (!file) throw new Error(`the type check is broken: TS${diagnostic.code} ${diagnostic.message}`);
  const start = file.annotated.origin(diagnostic.start);
  const lenient: Lenient = { ...diagnostic, start, tree: file.parsed.tree, assignedNames: file.assignedNames };
  if (!file.strict && !isRelevant(lenient)) return [];
  const { line, column } = locate(diagnostic.file, file.source, start);
  return [
    {
      severity: file.strict ? 'error' : 'warning',
      file: diagnostic.file,
      line,
      column,
      code: `TS${diagnostic.code}`,
      message: sentenceOf(diagnostic),
    },
  ];
}
