/** What an error says to the author of a script, and where in the script it arose. */
import type { Program } from '../compile/program.ts';
import type { SourceLocation } from '../runner.ts';

export interface Described {
  readonly message: string;
  readonly location?: SourceLocation;
}

/** The first place of a stack that lies in one of the tenant's own files. */
export function describe(error: unknown, program: Program): Described {
  const {
    name = '',
    message = 'unknown error',
    stack = '',
  } = (typeof error === 'object' && error !== null ? error : { message: String(error) }) as {
    name?: string;
    message?: string;
    stack?: string;
  };
  const own = program.parts.filter(({ file }) => !file.startsWith('sallyport:'));
  const names = own.map(({ file }) => file.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const places = own.reduce((text, { file, url }) => (url ? text.replaceAll(url, file) : text), `${message}\n${stack}`);
  const found = new RegExp(`(?<![\\w./-])(${names}):(\\d+)(?::(\\d+))?`).exec(places);
  const text = message.replace(/ \[[^\]]*:\d+:\d+\]$/, '');
  const sentence = name && name !== 'Error' && !text.startsWith(name) ? `${name}: ${text}` : text;
  if (!found) return { message: sentence };
  const [, file = '', lineText, columnText = '1'] = found;
  const line = Number(lineText);
  const shift = line === 1 ? (own.find((part) => part.file === file)?.shift ?? 0) : 0;
  return { message: sentence, location: { file, line, column: Math.max(1, Number(columnText) - shift) } };
}
