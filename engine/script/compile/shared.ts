/**
 * Whether a script changes what all scripts share: `Array.prototype.last = …`, `Object.assign(String.prototype, …)`,
 * `Math.sum = …`. Such a script gets a context of its own for each invocation, which costs about a millisecond; missing
 * a way to do it costs an error, for shared objects are frozen. So names are taken at their word, whatever shadows them.
 */
import type { AnyNode, Expression, MemberExpression, Pattern, Program, Super } from 'acorn';
import { fullAncestor } from 'acorn-walk';

const sharedNames = new Set(
  (
    'Object Function Array Number Boolean String Symbol Date Promise RegExp BigInt JSON Math Intl Reflect Proxy Map Set ' +
    'WeakMap WeakSet Iterator Temporal Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError ' +
    'URIError ArrayBuffer DataView Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array Float32Array ' +
    'Float64Array BigInt64Array BigUint64Array Uint8ClampedArray URL URLSearchParams Headers TextEncoder TextDecoder'
  ).split(' '),
);
/** Functions that change what they are given first. */
const changers = new Set([
  'Object.defineProperty',
  'Object.defineProperties',
  'Object.assign',
  'Object.setPrototypeOf',
  'Reflect.defineProperty',
  'Reflect.set',
  'Reflect.setPrototypeOf',
  'Reflect.deleteProperty',
]);
/** Functions that only look at what they are given, or, as the last does, at all but the first. */
const lookers = new Set([
  'Object.create',
  'Object.keys',
  'Object.values',
  'Object.entries',
  'Object.getOwnPropertyNames',
  'Object.getOwnPropertyDescriptor',
  'Object.getOwnPropertyDescriptors',
  'Object.getPrototypeOf',
  'Object.hasOwn',
  'Object.isFrozen',
  'Object.prototype.hasOwnProperty.call',
  'Reflect.ownKeys',
  'Reflect.has',
  'Reflect.get',
  'Object.setPrototypeOf',
]);

type Node = Expression | Super | Pattern | AnyNode;

/** `a.b.c` as text; undefined for what is no such chain. Literals stand for what they inherit from. */
function chainOf(node: Node): string | undefined {
  if (node.type === 'Identifier') return node.name;
  if (node.type === 'ParenthesizedExpression') return chainOf(node.expression);
  if (node.type !== 'MemberExpression') return undefined;
  const object = chainOf(node.object);
  return object === undefined ? undefined : `${object}.${memberOf(node) ?? '*'}`;
}

function memberOf({ property, computed }: MemberExpression): string | undefined {
  if (!computed && property.type === 'Identifier') return property.name;
  return computed && property.type === 'Literal' ? String(property.value) : undefined;
}

/** Whether an expression stands for an object that all scripts share. */
function isShared(node: Node): boolean {
  if (node.type === 'Identifier') return sharedNames.has(node.name);
  if (node.type === 'CallExpression') return /^(Object|Reflect)\.getPrototypeOf$/.test(chainOf(node.callee) ?? '');
  if (node.type !== 'MemberExpression') return false;
  const member = memberOf(node);
  if (member === '__proto__') return true;
  // `Intl.NumberFormat.prototype` as well as `''.constructor.prototype`.
  return isShared(node.object) || (member === 'prototype' && chainOf(node.object) === undefined);
}

/** Whether assigning to this changes a shared object. */
function writesShared(target: Node): boolean {
  switch (target.type) {
    case 'MemberExpression':
      return isShared(target.object);
    case 'ObjectPattern':
      return target.properties.some((property) =>
        writesShared(property.type === 'RestElement' ? property.argument : property.value),
      );
    case 'ArrayPattern':
      return target.elements.some((element) => element !== null && writesShared(element));
    case 'AssignmentPattern':
      return writesShared(target.left);
    case 'RestElement':
      return writesShared(target.argument);
    default:
      return false;
  }
}

/** `X.prototype` handed on, so that whoever gets it may change it. */
function handsOn(node: MemberExpression, parent: AnyNode | undefined): boolean {
  if (memberOf(node) !== 'prototype' || !isShared(node.object)) return false;
  switch (parent?.type) {
    case 'MemberExpression':
      return parent.object !== node;
    case 'BinaryExpression':
      return false;
    case 'VariableDeclarator':
      // `const { hasOwnProperty } = Object.prototype` only reads.
      return parent.id.type === 'Identifier';
    case 'CallExpression':
      // What inherits from an array writes its `length`, which a frozen one would forbid.
      if (chainOf(node) === 'Array.prototype' && chainOf(parent.callee) === 'Object.create') return true;
      if (changers.has(chainOf(parent.callee) ?? '') && parent.arguments[0] === node) return true;
      return !lookers.has(chainOf(parent.callee) ?? '');
    case 'AssignmentExpression':
      // `Own.prototype.__proto__ = Error.prototype` inherits, it does not change.
      return parent.left.type === 'Identifier';
    default:
      return true;
  }
}

export function changesShared(tree: Program): boolean {
  let found = false;
  fullAncestor(tree, (visited, _state, ancestors) => {
    if (found) return;
    const node = visited as AnyNode;
    const parent = ancestors.at(-2) as AnyNode | undefined;
    if (node.type === 'AssignmentExpression') found = writesShared(node.left);
    else if (node.type === 'UpdateExpression') found = writesShared(node.argument);
    else if (node.type === 'UnaryExpression') found = node.operator === 'delete' && writesShared(node.argument);
    else if (node.type === 'ForInStatement' || node.type === 'ForOfStatement')
      found = node.left.type !== 'VariableDeclaration' && writesShared(node.left);
    else if (node.type === 'MemberExpression') found = handsOn(node, parent);
    else if (node.type === 'CallExpression') {
      const [first] = node.arguments;
      const name = chainOf(node.callee) ?? '';
      found = first !== undefined && first.type !== 'SpreadElement' && changers.has(name) && isShared(first);
      if (/\.__define[GS]etter__$/.test(name) && node.callee.type === 'MemberExpression')
        found ||= isShared(node.callee.object);
    }
  });
  return found;
}
