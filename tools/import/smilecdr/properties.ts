/** Reads a Java properties file the way `java.util.Properties` does, keeping the line each property stands on. */

export interface PropertyEntry {
  readonly key: string;
  readonly value: string;
  /** Line of the file on which it begins, from 1. */
  readonly line: number;
}

export interface ReadProperties {
  readonly entries: readonly PropertyEntry[];
  readonly faults: readonly { readonly line: number; readonly message: string }[];
}

interface LogicalLine {
  readonly text: string;
  readonly line: number;
}

const letters: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

/** Joins what backslashes at line ends continue, and leaves out comments and empty lines. */
function logicalLines(text: string): readonly LogicalLine[] {
  const natural = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  const found: LogicalLine[] = [];
  for (let index = 0; index < natural.length; index += 1) {
    const line = index + 1;
    let joined = (natural[index] ?? '').replace(/^[ \t\f]+/, '');
    if (joined === '' || joined.startsWith('#') || joined.startsWith('!')) continue;
    // An even number of backslashes is escaped backslashes, not a continuation.
    while (/(?:^|[^\\])(?:\\\\)*\\$/.test(joined) && index + 1 < natural.length) {
      index += 1;
      joined = joined.slice(0, -1) + (natural[index] ?? '').replace(/^[ \t\f]+/, '');
    }
    found.push({ text: joined.replace(/((?:^|[^\\])(?:\\\\)*)\\$/, '$1'), line });
  }
  return found;
}

/** @returns undefined where a `\u` is not followed by four hexadecimal digits, which Java refuses. */
function unescape(text: string): string | undefined {
  if (/(?:^|[^\\])(?:\\\\)*\\u(?![0-9A-Fa-f]{4})/.test(text)) return undefined;
  return text.replace(/\\(?:u([0-9A-Fa-f]{4})|(.))/gs, (_whole, code: string | undefined, letter = '') =>
    code === undefined ? (letters[letter as string] ?? (letter as string)) : String.fromCharCode(parseInt(code, 16)),
  );
}

/** Where the key ends: at the first separator that no backslash escapes. */
function split(text: string): { readonly key: string; readonly value: string } {
  const key = /^(?:\\.|[^\\=: \t\f])*/s.exec(text)?.[0] ?? '';
  return { key, value: text.slice(key.length).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '') };
}

/** Never rejects: what cannot be read is a fault, and told without the value, which may be a secret. */
export function readProperties(text: string): ReadProperties {
  const entries: PropertyEntry[] = [];
  const faults: { line: number; message: string }[] = [];
  for (const { text: joined, line } of logicalLines(text)) {
    const parts = split(joined);
    const [key, value] = [unescape(parts.key), unescape(parts.value)];
    if (key === undefined || value === undefined)
      faults.push({ line, message: 'a backslash and "u" without four hexadecimal digits behind them' });
    else if (key === '') faults.push({ line, message: 'a value without a key' });
    else entries.push({ key, value, line });
  }
  return { entries, faults };
}

/** The text of a file: UTF-8 where it is valid, else the ISO 8859-1 that Java's properties files once had to be. */
export function decodeProperties(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}
