/** Checks the types of a tenant's scripts, and lists where they use what Smile CDR means otherwise. */
import type { AnyNode, Identifier } from 'acorn';
import { full, fullAncestor } from 'acorn-walk';
import { globals } from '../../../engine/script/api/catalogue.ts';
import { compileScript } from '../../../engine/script/compile/compile.ts';
import { locate, type ParsedFile, parseFile } from '../../../engine/script/compile/parse.ts';
import type { Script } from '../../../engine/tenant/tenant.ts';
import { type Annotated, annotate } from './annotate.ts';
import { type Compilation, type Diagnostic, type SourceText, withCompilation } from './compiler.ts';
import { isRelevant, type Lenient, sentenceOf, unguarded } from './lenient.ts';
import { notedMembers, noteOf, tellingMethods } from './standing.ts';

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

/** A place where a script uses what is otherwise in Smile CDR, or is not there. */
export interface NotedUse {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `UserSessionDetails.addAuthority`, or the name of a global. */
  readonly name: string;
  readonly compatibility: 'different' | 'missing';
  readonly note: string;
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
    problems: withoutRepeats(compilation.diagnostics.flatMap((diagnostic) => problemOf(diagnostic, files))),
    uses: (await Promise.all([...files].map(([name, file]) => usesIn(name, file, compilation)))).flat(),
  }));
}

/** A script that does not ask for the user at all is told once. */
function withoutRepeats(problems: readonly TypeProblem[]): readonly TypeProblem[] {
  return problems.filter(
    (problem, index) =>
      problem.severity === 'error' ||
      problem.message !== unguarded ||
      problems.findIndex(({ file, message }) => file === problem.file && message === unguarded) === index,
  );
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

interface Candidate {
  readonly node: Identifier;
  /** A call of a member whose receiver the checker may not know. */
  readonly called: boolean;
  readonly member: boolean;
}

async function usesIn(name: string, file: CheckedFile, compilation: Compilation): Promise<readonly NotedUse[]> {
  const candidates: Candidate[] = [];
  const differentGlobals = globals.filter(({ compatibility }) => compatibility === 'different');
  fullAncestor(file.parsed.tree, (found, _state, ancestors) => {
    const node = found as AnyNode;
    const parent = ancestors.at(-2) as AnyNode | undefined;
    if (node.type === 'MemberExpression' && !node.computed && node.property.type === 'Identifier') {
      const called = parent?.type === 'CallExpression' && parent.callee === node;
      if (notedMembers.has(node.property.name)) candidates.push({ node: node.property, called, member: true });
    } else if (node.type === 'Identifier' && differentGlobals.some((each) => each.name === node.name))
      candidates.push({ node, called: false, member: false });
  });
  const destructured: Identifier[] = [];
  full(file.parsed.tree, (found) => {
    const node = found as AnyNode;
    if (node.type === 'ObjectPattern')
      for (const property of node.properties)
        if (property.type === 'Property' && property.key.type === 'Identifier' && notedMembers.has(property.key.name))
          destructured.push(property.key);
  });
  candidates.push(...destructured.map((node) => ({ node, called: false, member: true })));
  const unique = [...new Map(candidates.map((candidate) => [candidate.node.start, candidate])).values()];
  const places = unique.map(({ node }) => forward(file.annotated, node.start));
  const members = await compilation.membersAt(name, places);
  return unique
    .flatMap(({ node, called, member }, index): NotedUse[] => {
      const used = members[index];
      const noted = used ? noteOf(used) : member && called ? tellingMethods.get(node.name) : undefined;
      if (!noted) return [];
      const { line, column } = locate(name, file.source, node.start);
      return [{ file: name, line, column, ...noted }];
    })
    .toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** The offset in the checked copy for one in the author's text. */
function forward(annotated: Annotated, offset: number): number {
  let place = offset;
  for (let back = annotated.origin(place); back < offset; back = annotated.origin(place)) place += offset - back;
  return place;
}
