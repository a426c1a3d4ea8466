/** The lines around a place in a script, for a person. */
import type { Script } from '../../tenant/tenant.ts';
import type { SourceLocation } from '../runner.ts';

const around = 2;
const longestLine = 160;

/**
 * Two lines before and after the place, each with its number, and a caret below the column.
 * @returns undefined where the place lies in no file of the script.
 */
export function codeFrame(script: Script, location: SourceLocation): string | undefined {
  const source =
    location.file === script.name ? script.source : script.modules.find(({ name }) => name === location.file)?.source;
  const lines = source?.split(/\r?\n/);
  if (!lines || location.line > lines.length) return undefined;
  const first = Math.max(1, location.line - around);
  const last = Math.min(lines.length, location.line + around);
  const width = String(last).length;
  const shown: string[] = [];
  for (let number = first; number <= last; number += 1) {
    const here = number === location.line;
    shown.push(
      `${here ? '>' : ' '} ${String(number).padStart(width)} | ${(lines[number - 1] ?? '').slice(0, longestLine)}`,
    );
    if (here && location.column <= longestLine)
      shown.push(`  ${' '.repeat(width)} | ${' '.repeat(Math.max(0, location.column - 1))}^`);
  }
  return shown.join('\n');
}
