/**
 * A script in the layout that its folder asks for, by prettier. That is a package for development, so it may not be there.
 * Of a configuration only plain options are taken: plugins and shared configurations are code, and nothing in a tenant's
 * folder runs outside of the sandbox.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { format, Options } from 'prettier';
import type { Fault } from './shown.ts';

export type Formatted = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly fault: Fault };

const plainOptions = [
  'arrowParens',
  'bracketSameLine',
  'bracketSpacing',
  'endOfLine',
  'experimentalOperatorPosition',
  'experimentalTernaries',
  'objectWrap',
  'printWidth',
  'quoteProps',
  'semi',
  'singleQuote',
  'tabWidth',
  'trailingComma',
  'useTabs',
];

/**
 * @param path where the script is, or would be.
 * @param load brings prettier.
 */
export async function formatScript(
  path: string,
  text: string,
  load: () => Promise<{ readonly format: typeof format }> = () => import('prettier'),
): Promise<Formatted> {
  const prettier = await load().catch(() => undefined);
  if (!prettier)
    return refused(
      'Scripts cannot be put into form here: the package prettier is not installed.',
      '`npm ci` in the folder of Sallyport installs what development needs',
    );
  const parser = path.endsWith('.ts') ? 'typescript' : 'babel';
  try {
    return { ok: true, text: await prettier.format(text, { ...(await optionsFor(path)), parser }) };
  } catch (error) {
    // The first line is the sentence, with its place; the rest draws the code.
    const [sentence = 'this script cannot be read'] = (error as Error).message.split('\n');
    return refused(`Nothing was changed: ${sentence}`, '');
  }
}

/** The nearest `.prettierrc.json`, or `.prettierrc` in JSON, in the file's folder or above. */
async function optionsFor(path: string): Promise<Options> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    for (const name of ['.prettierrc', '.prettierrc.json']) {
      const text = await readFile(join(folder, name), 'utf8').catch(() => undefined);
      const found = text === undefined ? undefined : plainIn(text);
      if (found) return found;
    }
    if (folder === dirname(folder)) return {};
  }
}

function plainIn(text: string): Options | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value !== 'object' || value === null) return undefined;
    return Object.fromEntries(Object.entries(value).filter(([name]) => plainOptions.includes(name)));
  } catch {
    return undefined;
  }
}

function refused(message: string, hint: string): Formatted {
  return { ok: false, fault: { message, hint } };
}
