/** What is wrong with a configuration document, told so that a person can mend it. */
import { firstFault } from './json-fault.ts';

export interface Problem {
  readonly code: string;
  readonly file: string;
  /** JSON pointer (RFC 6901) into the file; empty for the whole document. */
  readonly pointer: string;
  /** Never the value of a secret. */
  readonly found: string;
  readonly expected: string;
  readonly hint: string;
  readonly message: string;
}

/** A name as it stands in a JSON pointer (RFC 6901). */
export function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Builds a problem whose message is a sentence of its parts. */
export function problem(
  code: string,
  file: string,
  pointer: string,
  found: string,
  expected: string,
  hint = '',
): Problem {
  const message = `${file}${pointer === '' ? '' : ` at ${pointer}`}: found ${found}, expected ${expected}.`;
  return { code, file, pointer, found, expected, hint, message };
}

/** @param text what cannot be parsed; it is not quoted, as it may hold secrets. */
export function malformedJson(file: string, text: string): Problem {
  const before = text.slice(0, firstFault(text) ?? text.length).split('\n');
  const place = `line ${before.length} column ${(before.at(-1) ?? '').length + 1}`;
  return problem('json', file, '', `malformed JSON (${place})`, 'JSON');
}

/** What is wrong with a script, at line and column of its file. */
export function scriptProblem(
  file: string,
  fault: {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
    readonly location: { readonly line: number; readonly column: number };
  },
): Problem {
  const { line, column } = fault.location;
  return {
    code: `script-${fault.code}`,
    file,
    pointer: '',
    found: `${fault.message} at ${line}:${column}`,
    expected: 'a script that loads',
    hint: fault.hint,
    message: `${file}:${line}:${column}: ${fault.message}.`,
  };
}

/** How many characters must be changed, added or taken away to make one text the other. */
export function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, substitution));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}

/** `did you mean "x"?` for the nearest known name within a third of its length; empty when none is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  const near = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.distance - b.distance)[0];
  return near === undefined ? '' : `did you mean "${near.candidate}"?`;
}
