/** Where scripts use what is otherwise in Smile CDR, or is not there. */
import type { AnyNode, Identifier } from 'acorn';
import { fullAncestor } from 'acorn-walk';
import { globals } from '../../../engine/script/api/catalogue.ts';
import { locate, type ParsedFile } from '../../../engine/script/compile/parse.ts';
import type { Annotated } from './annotate.ts';
import type { Compilation, UsedMember } from './compiler.ts';
import { type Noted, notedMembers, noteOf, tellingMethods } from './standing.ts';

export interface NotedUse extends Noted {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

interface Candidate {
  readonly node: Identifier;
  /** What it is, if it is one of ours. */
  readonly used: Promise<UsedMember | undefined>;
  /** What its name says where nobody knows what the object is. */
  readonly told: Noted | undefined;
}

/** In a classic script both; in a module only what is not there, for who writes one does not come from Smile CDR. */
export async function usesIn(
  file: { readonly source: string; readonly parsed: ParsedFile; readonly annotated: Annotated },
  compilation: Compilation,
): Promise<readonly NotedUse[]> {
  const { parsed, source, annotated } = file;
  const name = parsed.file;
  const candidates: Candidate[] = [];
  const take = (node: Identifier, told: Noted | undefined): void => {
    const used = compilation.membersAt(name, [forward(annotated, node.start)]).then(([found]) => found);
    candidates.push({ node, used, told });
  };
  fullAncestor(parsed.tree, (found, _state, ancestors) => {
    const node = found as AnyNode;
    const parent = ancestors.at(-2) as AnyNode | undefined;
    if (node.type === 'MemberExpression' && !node.computed && node.property.type === 'Identifier') {
      const called = parent?.type === 'CallExpression' && parent.callee === node;
      const { property } = node;
      if (notedMembers.has(property.name)) take(property, called ? tellingMethods.get(property.name) : undefined);
    } else if (node.type === 'Identifier' && isDifferentGlobal(node.name)) take(node, undefined);
    else if (node.type === 'VariableDeclarator' && node.id.type === 'ObjectPattern' && node.init?.type === 'Identifier')
      for (const property of node.id.properties)
        if (property.type === 'Property' && property.key.type === 'Identifier' && notedMembers.has(property.key.name)) {
          const used = compilation.memberOf(name, forward(annotated, node.init.start), property.key.name);
          candidates.push({ node: property.key, used, told: undefined });
        }
  });
  const noted = candidates.map(async ({ node, used, told }): Promise<NotedUse[]> => {
    const member = await used;
    const note = member ? noteOf(member) : told;
    if (!note || (note.compatibility === 'different' && parsed.style === 'module')) return [];
    const { line, column } = locate(name, source, node.start);
    return [{ file: name, line, column, ...note }];
  });
  return (await Promise.all(noted)).flat().toSorted((a, b) => a.line - b.line || a.column - b.column);
}

function isDifferentGlobal(name: string): boolean {
  return globals.some((global) => global.name === name && global.compatibility === 'different');
}

/** The offset in the checked copy for one in the author's text. */
function forward(annotated: Annotated, offset: number): number {
  let place = offset;
  for (let back = annotated.origin(place); back < offset; back = annotated.origin(place)) place += offset - back;
  return place;
}
