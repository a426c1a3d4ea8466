/** TypeScript to JavaScript by blanking its types out, so that every line and column stays where it was. */
import { stripTypeScriptTypes } from 'node:module';
import type { ScriptProblem } from './program.ts';

/** Syntax that would have to be turned into code (`enum`, `namespace`, parameter properties) is refused, as Node does. */
export function stripTypes(
  file: string,
  source: string,
): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: ScriptProblem } {
  try {
    return { ok: true, text: quietly(() => stripTypeScriptTypes(source)) };
  } catch (error) {
    const { message, code, stack = '' } = error as Error & { code?: string };
    // Node puts the place before the message: `:2`, the line itself, and carets below the offence.
    const [place = '', , carets = ''] = stack.split('\n');
    const line = Number(/:(\d+)$/.exec(place)?.[1] ?? 1);
    const erasable = code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX';
    return {
      ok: false,
      problem: {
        code: 'typescript',
        message: message.replace(' in strip-only mode', ''),
        hint: erasable
          ? 'use TypeScript that vanishes when its types are taken out: no enum, namespace or parameter properties'
          : '',
        location: { file, line, column: Math.max(1, carets.search(/\^/) + 1) },
      },
    };
  }
}

/** Node calls the function experimental and says so on the console; the runtime is pinned, so it cannot change unseen. */
function quietly<Value>(action: () => Value): Value {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return action();
  } finally {
    process.emitWarning = emitWarning;
  }
}
