/**
 * What a type check says of scripts whose author did not ask for one: only what is about the script API, for plain
 * JavaScript may do much that TypeScript would not.
 */
import type { AnyNode, CallExpression, Program } from 'acorn';
import { full } from 'acorn-walk';
import { didYouMean } from '../../../engine/tenant/problem.ts';
import type { Diagnostic } from './compiler.ts';
import { hasMember, isOwnGlobal, isOwnType, noteOf, ownGlobals } from './standing.ts';

export interface Lenient extends Diagnostic {
  /** In the author's text. */
  readonly start: number;
  readonly tree: Program;
  /** Names that a classic script assigns without declaring them. */
  readonly assignedNames: readonly string[];
}

const noSuchProperty = [2339, 2551];
const noSuchName = [2304, 2552, 2580, 2583, 2584, 2591, 2592, 2593];
/** Only `require` leads here: what imports cannot find, compiling a script tells. */
const noSuchModule = 2307;
const wrongCall = [2345, 2554, 2555];
const readOnly = 2540;
const possiblyNull = [18047, 2531];

/** The property and the type that a message about a missing property names. */
function propertyIn(message: string): { readonly name: string; readonly type: string } | undefined {
  const [, name, type] = /^Property '([^']+)' does not exist on type '(?:typeof )?(\w+)/.exec(message) ?? [];
  return name === undefined || type === undefined ? undefined : { name, type };
}

function nameIn(message: string): string | undefined {
  return /^Cannot find name '([^']+)'/.exec(message)?.[1];
}

/** The innermost call whose arguments or name stand at a place. */
function callAt(tree: Program, offset: number): CallExpression | undefined {
  let found: CallExpression | undefined;
  full(tree, (each) => {
    const node = each as AnyNode;
    if (node.type !== 'CallExpression' || node.start > offset || node.end <= offset) return;
    if (!found || node.end - node.start < found.end - found.start) found = node;
  });
  return found;
}

/** Whether a call is not one of a function that the script itself has. */
function callsUs(tree: Program, offset: number): boolean {
  const callee = callAt(tree, offset)?.callee;
  if (callee?.type === 'MemberExpression') return true;
  return callee?.type === 'Identifier' && isOwnGlobal(callee.name);
}

export function isRelevant({ code, message, start, tree, assignedNames }: Lenient): boolean {
  if (noSuchProperty.includes(code)) {
    const { name = '', type = '' } = propertyIn(message) ?? {};
    // What is there, but for a session that may be null, other advice is about.
    return isOwnType(type) && !hasMember(type, name);
  }
  if (noSuchName.includes(code)) return !assignedNames.includes(nameIn(message) ?? '');
  // What may be absent is the author's to know.
  if (wrongCall.includes(code)) return callsUs(tree, start) && !/'(undefined|null)' is not assignable/.test(message);
  return code === readOnly || code === noSuchModule;
}

const unguarded = 'theUserSession is null where there is no user, as for client credentials: test it first.';

/** The message, with what the catalogue knows of a name that is not there. */
export function sentenceOf({ code, message }: Pick<Diagnostic, 'code' | 'message'>): string {
  if (noSuchProperty.includes(code)) {
    const { name = '', type = '' } = propertyIn(message) ?? {};
    const note = noteOf({ owner: type || '?', name });
    if (note?.compatibility === 'missing') return `${note.name} is not supported. ${note.note}`;
    return type === 'UserSessionDetails' && hasMember(type, name) ? unguarded : message;
  }
  if (noSuchName.includes(code) || code === noSuchModule) {
    const name = code === noSuchModule ? 'require' : (nameIn(message) ?? '');
    const note = noteOf({ owner: '', name });
    if (note?.compatibility === 'missing') return `${name} is not supported. ${note.note}`;
    const hint = code === 2552 ? '' : didYouMean(name, ownGlobals);
    return hint ? `${message} D${hint.slice(1)}` : message;
  }
  return possiblyNull.includes(code) && message.startsWith("'theUserSession'") ? unguarded : message;
}
