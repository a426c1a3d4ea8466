/**
 * Finds a callback that uses its first parameter without asking whether it is null, as `theUserSession` of
 * `onTokenGenerating` is where a client acts for itself. It reads the text only, so it may miss one; what it finds is real.
 */
import type { AnyNode, ArrowFunctionExpression, FunctionDeclaration, FunctionExpression, Program } from 'acorn';
import { ancestor } from 'acorn-walk';

type FunctionNode = FunctionDeclaration | FunctionExpression | ArrowFunctionExpression;
type Functions = ReadonlyMap<string, FunctionNode>;

function isFunction(node: AnyNode | null | undefined): node is FunctionNode {
  return (
    node?.type === 'FunctionDeclaration' ||
    node?.type === 'FunctionExpression' ||
    node?.type === 'ArrowFunctionExpression'
  );
}

/** The functions at the top of a file by name, however they are written. */
export function topFunctions(tree: Program): Functions {
  const found = new Map<string, FunctionNode>();
  const take = (node: AnyNode): void => {
    if (node.type === 'FunctionDeclaration' && node.id) found.set(node.id.name, node as FunctionDeclaration);
    else if (node.type === 'ExportNamedDeclaration' && node.declaration) take(node.declaration);
    else if (node.type === 'VariableDeclaration') {
      for (const { id, init } of node.declarations)
        if (id.type === 'Identifier' && isFunction(init)) found.set(id.name, init);
    } else if (node.type === 'ExpressionStatement' && node.expression.type === 'AssignmentExpression') {
      const { left, right } = node.expression;
      if (left.type === 'Identifier' && isFunction(right)) found.set(left.name, right);
    }
  };
  tree.body.forEach(take);
  return found;
}

/** Whether the value itself is tested here, so that what follows knows whether it is null. */
function isGuard(node: AnyNode, parent: AnyNode): boolean {
  switch (parent.type) {
    case 'UnaryExpression':
      return parent.operator === '!';
    case 'BinaryExpression':
      return ['==', '!=', '===', '!==', 'instanceof'].includes(parent.operator);
    case 'LogicalExpression':
      return parent.left === node;
    case 'IfStatement':
    case 'ConditionalExpression':
    case 'WhileStatement':
      return parent.test === node;
    case 'SwitchStatement':
      return parent.discriminant === node;
    case 'CallExpression':
      return parent.callee.type === 'Identifier' && parent.callee.name === 'Boolean';
    default:
      return false;
  }
}

/** Whether null would throw here. */
function isUse(node: AnyNode, parent: AnyNode): boolean {
  switch (parent.type) {
    case 'MemberExpression':
      return parent.object === node && !parent.optional;
    case 'VariableDeclarator':
      return parent.init === node && parent.id.type === 'ObjectPattern';
    case 'AssignmentExpression':
      return parent.right === node && parent.left.type === 'ObjectPattern';
    default:
      return false;
  }
}

function parameterName(found: FunctionNode, index: number): string | { readonly takenApartAt: number } | undefined {
  const parameter = found.params[index];
  // A default stands in for undefined, not for null.
  const pattern = parameter?.type === 'AssignmentPattern' ? parameter.left : parameter;
  if (pattern?.type === 'Identifier') return pattern.name;
  return pattern?.type === 'ObjectPattern' ? { takenApartAt: pattern.start } : undefined;
}

/** Whether an inner function has a parameter of that name, or a failure is caught. */
function isElsewhere(path: readonly AnyNode[], name: string): boolean {
  return path.some(
    (node, index) =>
      (isFunction(node) &&
        node.params.some((parameter) => parameter.type === 'Identifier' && parameter.name === name)) ||
      (node.type === 'TryStatement' && node.handler && node.block === path[index + 1]),
  );
}

/**
 * The offset of the first use of a function's parameter that no test of it goes before, followed into the file's other
 * functions that it is passed to.
 */
export function firstUnguardedUse(
  found: FunctionNode,
  functions: Functions,
  index = 0,
  seen: ReadonlySet<FunctionNode> = new Set(),
): number | undefined {
  const name = parameterName(found, index);
  if (typeof name === 'object') return name.takenApartAt;
  if (name === undefined || seen.has(found)) return undefined;
  let guard = Number.POSITIVE_INFINITY;
  const uses: { readonly at: number; readonly offset: number }[] = [];
  ancestor(found.body, {
    Identifier(node, _state, path) {
      const parent = path.at(-2) as AnyNode | undefined;
      if (node.name !== name || !parent || isElsewhere(path as AnyNode[], name)) return;
      if (isGuard(node, parent)) guard = Math.min(guard, node.start);
      else if (isUse(node, parent)) uses.push({ at: node.start, offset: node.start });
      else if (parent.type === 'CallExpression' && parent.callee.type === 'Identifier') {
        const called = functions.get(parent.callee.name);
        const position = parent.arguments.indexOf(node);
        const offset = called && firstUnguardedUse(called, functions, position, new Set([...seen, found]));
        if (offset !== undefined) uses.push({ at: node.start, offset });
      }
    },
  });
  return uses.toSorted((left, right) => left.at - right.at).find(({ at }) => at < guard)?.offset;
}
