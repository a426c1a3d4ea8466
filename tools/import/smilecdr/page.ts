/** Writes the tables of `docs/moving-from-smile-cdr.md` from the rules that the import itself goes by. */
import { readFile, writeFile } from 'node:fs/promises';
import type { Outcome } from './report.ts';
import { clientFields, keystoreFields, secretFields, serverFields, userFields } from './rules/fields.ts';
import { localRules } from './rules/local.ts';
import { moduleTypeRules } from './rules/module-types.ts';
import { outboundRules } from './rules/outbound.ts';
import { scriptedRules } from './rules/scripted.ts';

const page = new URL('../../../docs/moving-from-smile-cdr.md', import.meta.url);
const first =
  '<!-- From here to the last line generated from tools/import/smilecdr/rules/ by `npm run generate`. Do not edit. -->';
const last = '<!-- End of the generated part. -->';

interface Row {
  readonly name: string;
  readonly outcome: Outcome;
  readonly text: string;
}

const words: Readonly<Record<Outcome, string>> = { carried: 'carried over', differs: 'differs', missing: 'missing' };

/** Neighbours that say the same share a row. */
function table(heading: string, rows: readonly Row[]): string {
  const joined: { names: string[]; outcome: Outcome; text: string }[] = [];
  for (const { name, outcome, text } of rows) {
    const before = joined.at(-1);
    if (before?.outcome === outcome && before.text === text) before.names.push(name);
    else joined.push({ names: [name], outcome, text });
  }
  const lines = joined.map(
    ({ names, outcome, text }) =>
      `| ${names.map((name) => `\`${name}\``).join(', ')} | ${words[outcome]} | ${text.replaceAll('|', '\\|')} |`,
  );
  return `| ${heading} | | here |\n|---|---|---|\n${lines.join('\n')}`;
}

/** Every table, each below its heading. */
export function movingTables(): string {
  const properties = (rules: readonly { readonly key: string; readonly outcome: Outcome; readonly text: string }[]) =>
    rules.map(({ key, ...rest }) => ({ name: key, ...rest }));
  const fields = (rules: readonly { readonly field: string; readonly outcome: Outcome; readonly text: string }[]) =>
    rules.map(({ field, ...rest }) => ({ name: field, ...rest }));
  return [
    ['Modules', table('module type', moduleTypeRules)],
    ['Properties of SMART Outbound Security', table('`module.<id>.config.…`', properties(outboundRules))],
    ['Properties of Local Inbound Security', table('`module.<id>.config.…`', properties(localRules))],
    ['Properties of Scripted Inbound Security', table('`module.<id>.config.…`', properties(scriptedRules))],
    ['Clients', table('field of `clients[]`', fields(clientFields))],
    ['Client secrets', table('field of `clients[].clientSecrets[]`', fields(secretFields))],
    ['Servers', table('field of `servers[]`', fields(serverFields))],
    ['Users', table('field of `users[]`', fields(userFields))],
    ['Keystores', table('field of `keystores[]`', fields(keystoreFields))],
  ]
    .map(([title, text]) => `### ${title}\n\n${text}`)
    .join('\n\n');
}

/** The page with its tables made anew, for writing and for the test that finds it stale. */
export async function movingPage(): Promise<string> {
  const text = await readFile(page, 'utf8');
  const end = text.indexOf(first);
  if (end < 0) throw new Error(`docs/moving-from-smile-cdr.md lacks the line ${first}`);
  return `${text.slice(0, end)}${first}\n\n${movingTables()}\n\n${last}\n`;
}

if (process.argv[1] && import.meta.filename === process.argv[1]) await writeFile(page, await movingPage());
