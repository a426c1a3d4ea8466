/** Shows an answer of the admin API to a person. */
type Write = (line: string) => void;

export function printProblem(problem: unknown, write: Write): void {
  const { detail, hint, problems } = problem as {
    readonly detail?: string;
    readonly hint?: string;
    readonly problems?: readonly { pointer: string; found: string; expected: string; hint: string }[];
  };
  write(`${detail ?? 'The server refused.'}${hint ? ` ${hint}` : ''}`);
  for (const each of problems ?? [])
    write(
      `  ${each.pointer || 'the whole body'}: found ${each.found}, expected ${each.expected}${each.hint ? ` (${each.hint})` : ''}`,
    );
}

/** A list as a table of the named columns, anything else as JSON. */
export function printAnswer(body: unknown, columns: readonly string[] | undefined, write: Write): void {
  const items = (body as { readonly items?: readonly Readonly<Record<string, unknown>>[] } | undefined)?.items;
  if (body === undefined) return write('Done.');
  if (!items || !columns) return write(JSON.stringify(body, undefined, 2));
  if (items.length === 0) return write('None.');
  const rows = [columns, ...items.map((item) => columns.map((column) => cell(item[column])))];
  const widths = columns.map((_column, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  for (const row of rows)
    write(
      row
        .map((value, index) => value.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  const { next } = body as { readonly next?: string };
  if (next !== undefined) write(`More follow: --after ${next}`);
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = Array.isArray(value)
    ? value.join(' ')
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);
  return text.length > 64 ? `${text.slice(0, 61)}…` : text;
}
