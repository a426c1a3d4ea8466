/**
 * Tells the type check what hooks are called with, so that their author need not. Comments and types are put into a copy of
 * the script, on the lines that are there; places found in the copy are led back.
 */
import type { AnyNode, Function as FunctionNode, Node, VariableDeclarator } from 'acorn';
import { hooks } from '../../../engine/script/api/catalogue.ts';
import type { ParsedFile } from '../../../engine/script/compile/parse.ts';

export interface Annotated {
  readonly text: string;
  /** The offset in the author's text for one in the copy. */
  origin(offset: number): number;
}

interface Insertion {
  readonly at: number;
  readonly text: string;
}

interface Found {
  readonly hook: string;
  readonly function: FunctionNode;
  /** Where its statement begins. */
  readonly start: number;
  readonly declarator?: VariableDeclarator;
}

/** The hooks among the statements at the top of a file. */
function hookFunctions(parsed: ParsedFile): readonly Found[] {
  const found: Found[] = [];
  const take = (node: AnyNode, start: number): void => {
    if (node.type === 'FunctionDeclaration' && node.id) found.push({ hook: node.id.name, function: node, start });
    if (node.type === 'VariableDeclaration' && node.declarations.length === 1)
      for (const declarator of node.declarations)
        if (
          declarator.id.type === 'Identifier' &&
          (declarator.init?.type === 'ArrowFunctionExpression' || declarator.init?.type === 'FunctionExpression')
        )
          found.push({ hook: declarator.id.name, function: declarator.init, start, declarator });
    if (node.type === 'ExportNamedDeclaration' && node.declaration) take(node.declaration as AnyNode, start);
  };
  for (const statement of parsed.tree.body as readonly (AnyNode & Node)[]) take(statement, statement.start);
  return found.filter(({ hook }) => hooks.some(({ name }) => name === hook));
}

/** Whether the author said what it takes, in the comment right above. */
function isDescribed(source: string, start: number): boolean {
  const [comment = ''] = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*$/.exec(source.slice(0, start)) ?? [];
  // A star says nothing: `@param {*} theDetails`.
  return /@(type|param)\s*\{(?!\s*\*\s*\})/.test(comment);
}

/** Annotations go behind the names that have none; where the author wrote a type, the blanked text has a gap. */
function typedParameters(source: string, { function: node, hook }: Found, type: string): readonly Insertion[] {
  // A lone parameter of an arrow function without parentheses cannot have a type.
  const arrow =
    node.type === 'ArrowFunctionExpression' && !/^\s*(async\s*)?(<[^>]*>\s*)?\(/.test(source.slice(node.start));
  if (arrow) return [];
  return node.params.flatMap((parameter, index): Insertion[] => {
    if (parameter.type !== 'Identifier' || /^\s*[?:]/.test(source.slice(parameter.end))) return [];
    const known = hooks.find(({ name }) => name === hook)?.signature.parameters.length ?? 0;
    return index < known ? [{ at: parameter.end, text: `: Parameters<import('sallyport').${type}>[${index}]` }] : [];
  });
}

export function annotate(parsed: ParsedFile, source: string): Annotated {
  const insertions: Insertion[] = [];
  for (const found of hookFunctions(parsed)) {
    const { type = '' } = hooks.find(({ name }) => name === found.hook) ?? {};
    if (parsed.file.endsWith('.ts')) {
      const typed = found.declarator && /^\s*:/.test(source.slice(found.declarator.id.end));
      if (!typed) insertions.push(...typedParameters(source, found, type));
    } else if (!isDescribed(source, found.start))
      insertions.push({ at: found.start, text: `/** @type {import('sallyport').${type}} */ ` });
  }
  insertions.sort((a, b) => a.at - b.at);
  let text = '';
  let from = 0;
  for (const insertion of insertions) {
    text += source.slice(from, insertion.at) + insertion.text;
    from = insertion.at;
  }
  text += source.slice(from);
  return {
    text,
    origin(offset) {
      let moved = 0;
      for (const insertion of insertions) {
        if (offset < insertion.at + moved) break;
        if (offset < insertion.at + moved + insertion.text.length) return insertion.at;
        moved += insertion.text.length;
      }
      return offset - moved;
    },
  };
}
