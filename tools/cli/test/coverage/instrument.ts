/**
 * A file of a script that tells which of its statements and branches run. Only text is put in, never a line end, so that
 * what goes wrong keeps its line, and its column can be told.
 *
 * V8's own counts would need an inspector in each isolate, and a way out of the sandbox for what it says; other tools that
 * put counters in print the whole file anew.
 */
import type { AnyNode, Expression, IfStatement, Program, Statement } from 'acorn';
import { full } from 'acorn-walk';
import type { ParsedFile } from '../../../../engine/script/compile/parse.ts';

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** One way of several that go on from one place. */
export interface Branch extends Place {
  /** Ways of one place have one number. */
  readonly fork: number;
  /** `then`, `else`, `case`, `default`, `?`, `:`, `&&`, `||`, `??` or `=`. */
  readonly way: string;
  readonly point: number;
}

export interface InstrumentedFile {
  readonly text: string;
  /** The statements' places, by their points. */
  readonly statements: ReadonlyMap<number, Place>;
  readonly branches: readonly Branch[];
  /** Where in the author's text a place of this text is. */
  original(place: Place): Place;
}

interface Insertion {
  readonly at: number;
  readonly text: string;
  /** Whether it stands before what begins here; else behind what ends here. */
  readonly opens: boolean;
}

/** What scripts count by; no script has this name by chance. */
const counter = '__sallyportCovered';

/** @param told the words that say that a point was reached for the first time; its number is put after them. */
export function instrument({ style, text, tree }: ParsedFile, told: string): InstrumentedFile {
  const insertions: Insertion[] = [];
  const statements = new Map<number, Place>();
  const branches: Branch[] = [];
  const placeAt = createPlaces(text);
  let points = 0;
  let forks = 0;
  const open = (at: number, inserted: string) => insertions.push({ at, text: inserted, opens: true });
  const close = (at: number, inserted: string) => insertions.push({ at, text: inserted, opens: false });
  const count = (point: number) => `${counter}(${point})`;

  function statement(at: number): number {
    statements.set((points += 1), placeAt(at));
    return points;
  }

  function branch(fork: number, way: string, at: number): number {
    points += 1;
    branches.push({ fork, way, point: points, ...placeAt(at) });
    return points;
  }

  /** Counts each statement of a list, but for what is only declared or directs. */
  function list(body: readonly (Statement | Program['body'][number])[]): void {
    for (const node of body) if (runs(node)) open(node.start, `${count(statement(node.start))};`);
  }

  /** An expression that is counted before it is evaluated. */
  function expression(node: Expression, point: number): void {
    open(node.start, `(${count(point)},`);
    close(node.end, ')');
  }

  /** The body of an `if` or a loop, which may lack its braces. */
  function body(node: Statement, point?: number): void {
    const first = point === undefined ? '' : `${count(point)};`;
    if (node.type === 'BlockStatement') {
      if (first !== '') open(node.start + 1, first);
      return;
    }
    open(node.start, `{${first}${runs(node) ? `${count(statement(node.start))};` : ''}`);
    close(node.end, '}');
  }

  function condition(node: IfStatement): void {
    const fork = (forks += 1);
    body(node.consequent, branch(fork, 'then', node.consequent.start));
    const other = branch(fork, 'else', node.alternate?.start ?? node.start);
    if (node.alternate) body(node.alternate, other);
    else close(node.end, ` else {${count(other)}}`);
  }

  full(tree, (found) => {
    const node = found as AnyNode;
    switch (node.type) {
      case 'Program':
      case 'BlockStatement':
      case 'StaticBlock':
        return list(node.body);
      case 'IfStatement':
        return condition(node);
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
      case 'WhileStatement':
      case 'DoWhileStatement':
      case 'WithStatement':
        return body(node.body);
      case 'SwitchStatement': {
        const fork = (forks += 1);
        for (const each of node.cases) {
          list(each.consequent);
          const point = branch(fork, each.test ? 'case' : 'default', each.start);
          open(each.consequent[0]?.start ?? each.end, `${count(point)};`);
        }
        return;
      }
      case 'ConditionalExpression': {
        const fork = (forks += 1);
        expression(node.consequent, branch(fork, '?', node.consequent.start));
        return expression(node.alternate, branch(fork, ':', node.alternate.start));
      }
      case 'LogicalExpression':
        return expression(node.right, branch((forks += 1), node.operator, node.right.start));
      case 'AssignmentPattern':
        // Functions take their name from here.
        if (!/Function|Class/.test(node.right.type))
          expression(node.right, branch((forks += 1), '=', node.right.start));
        return;
      case 'ArrowFunctionExpression':
        if (node.body.type !== 'BlockStatement') expression(node.body, statement(node.body.start));
        return;
      default:
    }
  });
  const begin = tree.body.find((node) => !('directive' in node));
  // A classic script may have a name of its own for `console`.
  const log = style === 'classic' ? 'this' : '__globals';
  if (begin)
    open(
      begin.start,
      `var ${counter}=(function(t,s){return function(n){if(!s[n]){s[n]=1;t(${JSON.stringify(told)}+n)}}})(${log}.console.debug,{__proto__:null});`,
    );
  const ordered = inOrder(insertions);
  branches.sort((a, b) => a.line - b.line || a.column - b.column || a.point - b.point);
  return { text: inserted(text, ordered), statements, branches, original: originals(text, ordered) };
}

/** Whether anything happens where a statement stands. */
function runs(node: Statement | Program['body'][number]): boolean {
  switch (node.type) {
    case 'ExportNamedDeclaration':
      return node.declaration?.type === 'VariableDeclaration';
    case 'ExportDefaultDeclaration':
      return !/^(Function|Class)/.test(node.declaration.type);
    case 'BlockStatement':
    case 'EmptyStatement':
    case 'FunctionDeclaration':
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
      return false;
    default:
      return !('directive' in node);
  }
}

/** At one place what closes comes before what opens; the inner closes first, the outer opens first. */
function inOrder(insertions: readonly Insertion[]): readonly Insertion[] {
  return insertions
    .map((insertion, index) => ({ ...insertion, index }))
    .sort(
      (a, b) => a.at - b.at || Number(a.opens) - Number(b.opens) || (a.opens ? b.index - a.index : a.index - b.index),
    );
}

function inserted(text: string, insertions: readonly Insertion[]): string {
  let made = '';
  let from = 0;
  for (const { at, text: each } of insertions) {
    made += text.slice(from, at) + each;
    from = at;
  }
  return made + text.slice(from);
}

const lineEnd = /\r\n|[\n\r\u2028\u2029]/g;

function startsOf(text: string): readonly number[] {
  return [0, ...[...text.matchAll(lineEnd)].map(({ index, 0: end }) => index + end.length)];
}

/** Line and column, from 1, of offsets. */
function createPlaces(text: string): (at: number) => Place {
  const starts = startsOf(text);
  return (at) => {
    const line = starts.findLastIndex((start) => start <= at);
    return { line: line + 1, column: at - (starts[line] ?? 0) + 1 };
  };
}

function originals(text: string, insertions: readonly Insertion[]): (place: Place) => Place {
  const starts = startsOf(text);
  return ({ line, column }) => {
    const from = starts[line - 1] ?? 0;
    const until = starts[line] ?? text.length + 1;
    let shift = 0;
    for (const { at, text: each } of insertions) {
      if (at < from || at >= until) continue;
      const begins = at - from + 1 + shift;
      if (begins >= column) break;
      shift += Math.min(each.length, column - begins);
    }
    return { line, column: column - shift };
  };
}
