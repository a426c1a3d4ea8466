/** Reads one file of a script: strips types, finds out its style, and says where it is wrong. */
import { type Node, parse as parseText, type Program as Tree } from 'acorn';
import { stripTypes } from './strip-types.ts';
import type { ScriptProblem } from './program.ts';

export interface ParsedFile {
  readonly file: string;
  /** JavaScript, of the same length and lines as what the author wrote. */
  readonly text: string;
  readonly style: 'classic' | 'module';
  readonly tree: Tree;
}

export type ParseResult =
  { readonly ok: true; readonly parsed: ParsedFile } | { readonly ok: false; readonly problem: ScriptProblem };

const ecmaVersion = 2024;

/** Where an offset lies; line and column count from 1. */
export function locate(file: string, text: string, offset: number) {
  const before = text.slice(0, offset).split('\n');
  return { file, line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

function parse(text: string, sourceType: 'script' | 'module'): Tree {
  return parseText(text, { ecmaVersion, sourceType, allowHashBang: true, allowAwaitOutsideFunction: false });
}

/** Whether a tree has what only a module has. */
function isModule(tree: Tree): boolean {
  return tree.body.some(({ type }: Node) => /^(Import|Export)/.test(type));
}

/**
 * @param forced What imports a file makes it a module, whatever it holds.
 */
export function parseFile(file: string, source: string, forced = false): ParseResult {
  let text = source;
  if (file.endsWith('.ts')) {
    const stripped = stripTypes(file, source);
    if (!stripped.ok) return stripped;
    text = stripped.text;
  }
  // A hashbang may stand at the very beginning only, which is no longer there once the text is wrapped.
  const wrapped = text.replace(/^#!/, '//');
  try {
    const tree = parse(text, 'module');
    if (forced || /\.(ts|mjs)$/.test(file) || isModule(tree))
      return { ok: true, parsed: { file, text: wrapped, style: 'module', tree } };
  } catch (error) {
    const asModule = describe(file, text, error);
    if (forced || /\.(ts|mjs)$/.test(file) || /^\s*(import\b(?!\s*\()|export\b)/m.test(text))
      return { ok: false, problem: asModule };
  }
  try {
    return { ok: true, parsed: { file, text: wrapped, style: 'classic', tree: parse(text, 'script') } };
  } catch (error) {
    return { ok: false, problem: describe(file, text, error) };
  }
}

function describe(file: string, text: string, error: unknown): ScriptProblem {
  const { message = 'the script cannot be read', pos = 0 } = error as { message?: string; pos?: number };
  const sentence = message.replace(/ \(\d+:\d+\)$/, '');
  const location = locate(file, text, pos);
  const hint = /\bawait\b/.test(sentence) ? 'await belongs inside an async function' : '';
  return { code: 'syntax', message: sentence, hint, location };
}
