/**
 * One ES module turned into a function: imports become constants on its first line, `export` is blanked out, and what is
 * exported is answered as an object of getters. Lines and columns stay, but for the first line's.
 */
import type {
  AnyNode,
  ExportNamedDeclaration,
  FunctionDeclaration,
  Identifier,
  Literal,
  ModuleDeclaration,
  Pattern,
  Statement,
} from 'acorn';
import { fullAncestor, simple } from 'acorn-walk';
import { locate, type ParsedFile } from './parse.ts';
import type { DeclaredFunction, ScriptProblem } from './program.ts';

/** A name taken from another file; `*` is all of them. */
export interface Wanted {
  readonly from: string;
  readonly name: string;
  readonly offset: number;
}

export interface ReadModule {
  readonly parsed: ParsedFile;
  /** The specifiers it imports, each once, in the order of their numbers. */
  readonly specifiers: readonly string[];
  readonly wanted: readonly Wanted[];
  /** Exported name to the expression that reads it. */
  readonly exports: ReadonlyMap<string, string>;
  /** Specifiers of `export * from`. */
  readonly starred: readonly string[];
  readonly functions: readonly DeclaredFunction[];
  readonly problems: readonly ScriptProblem[];
  /** The body with imports and exports blanked out, and the constants that stand for its imports. */
  readonly body: string;
  readonly constants: readonly string[];
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

type Top = Statement | ModuleDeclaration;

/** Blanks a stretch out, keeping its line ends. */
function blank(text: string): string {
  return text.replace(/[^\r\n]/g, ' ');
}

function nameOf(node: Identifier | Literal): string {
  return node.type === 'Identifier' ? node.name : String(node.value);
}

/** The names a pattern binds. */
function boundNames(pattern: Pattern | null): readonly string[] {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) =>
        boundNames(property.type === 'RestElement' ? property.argument : property.value),
      );
    case 'ArrayPattern':
      return pattern.elements.flatMap(boundNames);
    case 'RestElement':
      return boundNames(pattern.argument);
    case 'AssignmentPattern':
      return boundNames(pattern.left);
    default:
      return [];
  }
}

/** Parameters that a caller must give, as a function's `length` counts them. */
function lengthOf(parameters: readonly Pattern[]): number {
  const cut = parameters.findIndex(({ type }) => type === 'AssignmentPattern' || type === 'RestElement');
  return cut < 0 ? parameters.length : cut;
}

/** The functions that statements at the top of a file declare. */
export function declaredFunctions(parsed: ParsedFile, statements: readonly Top[]): readonly DeclaredFunction[] {
  return statements.flatMap((statement): DeclaredFunction[] => {
    const at = (node: { readonly start: number }) => locate(parsed.file, parsed.text, node.start);
    if (statement.type === 'FunctionDeclaration' && statement.id)
      return [{ name: statement.id.name, parameters: lengthOf(statement.params), location: at(statement) }];
    if (statement.type === 'VariableDeclaration')
      return statement.declarations.flatMap(({ id, init }) => {
        if (id.type !== 'Identifier') return [];
        const isFunction = init?.type === 'FunctionExpression' || init?.type === 'ArrowFunctionExpression';
        return [{ name: id.name, parameters: isFunction ? lengthOf(init.params) : undefined, location: at(id) }];
      });
    if (statement.type === 'ExportNamedDeclaration' && statement.declaration)
      return [...declaredFunctions(parsed, [statement.declaration])];
    return [];
  });
}

/** What no callback may use, wherever it stands. */
export function forbiddenSyntax(parsed: ParsedFile): readonly ScriptProblem[] {
  const problems: ScriptProblem[] = [];
  const report = (code: ScriptProblem['code'], node: AnyNode, message: string, hint: string) =>
    problems.push({ code, message, hint, location: locate(parsed.file, parsed.text, node.start) });
  simple(parsed.tree, {
    ImportExpression: (node) =>
      report('dynamic-import', node, 'import() is not available', 'use an import declaration at the top of the file'),
    MetaProperty(node) {
      if (node.meta.name === 'import')
        report('import-meta', node, 'import.meta is not available', 'a callback has no address');
    },
  });
  fullAncestor(parsed.tree, (node, _state, ancestors) => {
    const { type, await: isAwaited } = node as AnyNode & { readonly await?: boolean };
    if (type !== 'AwaitExpression' && !(type === 'ForOfStatement' && isAwaited)) return;
    if (!ancestors.some((ancestor) => /Function/.test(ancestor.type)))
      report(
        'top-level-await',
        node as AnyNode,
        'await stands outside an async function',
        'write it inside an async hook function',
      );
  });
  return problems;
}

/** Reads a module's imports and exports and blanks them out. */
export function readModule(parsed: ParsedFile): ReadModule {
  const { text, tree } = parsed;
  const specifiers: string[] = [];
  const wanted: Wanted[] = [];
  const exports = new Map<string, string>();
  const starred: string[] = [];
  const constants: string[] = [];
  const edits: Edit[] = [];

  const numberOf = (specifier: string) => {
    if (!specifiers.includes(specifier)) specifiers.push(specifier);
    return specifiers.indexOf(specifier);
  };
  const drop = (start: number, end: number) => edits.push({ start, end, text: blank(text.slice(start, end)) });
  const exportLocal = (name: string) => exports.set(name, name);

  function readNamed(node: ExportNamedDeclaration): void {
    if (node.declaration) {
      drop(node.start, node.declaration.start);
      const { declaration } = node;
      if (declaration.type === 'VariableDeclaration')
        for (const { id } of declaration.declarations) boundNames(id).forEach(exportLocal);
      else if (declaration.id) exportLocal(declaration.id.name);
      return;
    }
    drop(node.start, node.end);
    const from = node.source ? String(node.source.value) : undefined;
    const number = from === undefined ? undefined : numberOf(from);
    for (const { local, exported, start } of node.specifiers) {
      if (from === undefined) exports.set(nameOf(exported), nameOf(local));
      else {
        wanted.push({ from, name: nameOf(local), offset: start });
        exports.set(nameOf(exported), `__import(${number})[${JSON.stringify(nameOf(local))}]`);
      }
    }
  }

  for (const node of tree.body as readonly Top[]) {
    switch (node.type) {
      case 'ImportDeclaration': {
        const from = String(node.source.value);
        const number = numberOf(from);
        for (const specifier of node.specifiers) {
          const local = specifier.local.name;
          if (specifier.type === 'ImportNamespaceSpecifier') constants.push(`${local}=__import(${number})`);
          else {
            const name = specifier.type === 'ImportDefaultSpecifier' ? 'default' : nameOf(specifier.imported);
            wanted.push({ from, name, offset: specifier.start });
            constants.push(`${local}=__import(${number})[${JSON.stringify(name)}]`);
          }
        }
        drop(node.start, node.end);
        break;
      }
      case 'ExportNamedDeclaration':
        readNamed(node);
        break;
      case 'ExportAllDeclaration': {
        const from = String(node.source.value);
        const number = numberOf(from);
        if (node.exported) exports.set(nameOf(node.exported), `__import(${number})`);
        else starred.push(from);
        drop(node.start, node.end);
        break;
      }
      case 'ExportDefaultDeclaration': {
        const { declaration } = node;
        const named =
          (declaration.type === 'FunctionDeclaration' || declaration.type === 'ClassDeclaration') && declaration.id;
        if (named) {
          drop(node.start, declaration.start);
          exports.set('default', (declaration as FunctionDeclaration).id.name);
          break;
        }
        // As long as `export default`, so that columns stay.
        edits.push({ start: node.start, end: node.start + 14, text: 'var $default =' });
        edits.push({ start: node.end, end: node.end, text: ';' });
        exports.set('default', '$default');
        break;
      }
      default:
    }
  }

  let body = text;
  for (const edit of edits.toSorted((a, b) => b.start - a.start))
    body = body.slice(0, edit.start) + edit.text + body.slice(edit.end);
  const functions = declaredFunctions(parsed, tree.body as readonly Top[]).filter(
    ({ name }) => exports.get(name) === name,
  );
  return {
    parsed,
    specifiers,
    wanted,
    exports,
    starred,
    functions,
    problems: forbiddenSyntax(parsed),
    body,
    constants,
  };
}
