/** docs/moving-from-smile-cdr.md says what the import does now. */
import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { movingPage, movingTables } from '../../tools/import/smilecdr/page.ts';
import {
  clientFields,
  keystoreFields,
  secretFields,
  serverFields,
  userFields,
} from '../../tools/import/smilecdr/rules/fields.ts';
import { localRules } from '../../tools/import/smilecdr/rules/local.ts';
import { scriptedRules } from '../../tools/import/smilecdr/rules/scripted.ts';
import { outboundRules } from '../../tools/import/smilecdr/rules/outbound.ts';

const root = new URL('../../', import.meta.url);
const page = () => readFile(new URL('docs/moving-from-smile-cdr.md', root), 'utf8');

describe('docs/moving-from-smile-cdr.md', () => {
  it('has the tables that the rules make; `npm run generate` makes them anew', async () => {
    expect(await page()).to.equal(await movingPage());
    const { scripts } = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts['generate']).to.include('tools/import/smilecdr/page.ts');
  });

  it('names every property and field, each once, with a whole sentence', async () => {
    const text = await page();
    const lists = [outboundRules, localRules, scriptedRules].map((rules) =>
      rules.map(({ key, text: words }) => [key, words] as const),
    );
    const fields = [clientFields, secretFields, serverFields, userFields, keystoreFields].map((rules) =>
      rules.map(({ field, text: words }) => [field, words] as const),
    );
    for (const rows of [...lists, ...fields]) {
      expect(rows.length).to.be.greaterThan(2);
      expect(new Set(rows.map(([name]) => name)).size).to.equal(rows.length);
      for (const [name, words] of rows) {
        expect(text, name).to.include(`\`${name}\``);
        expect(text, name).to.include(words.replaceAll('|', '\\|'));
        expect(words, name).to.match(/^[A-Z`].*\.$/);
      }
    }
  });

  it('has no link to a file or section that is not there', async () => {
    const text = await page();
    const anchors = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    );
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link);
    expect(links).to.have.length.greaterThan(1);
    for (const link of links) {
      if (link.startsWith('#')) expect(anchors).to.include(link.slice(1));
      else await readFile(new URL(link, new URL('docs/', root)));
    }
  });

  it('the tables tell the outcomes apart', () => {
    for (const words of ['| carried over |', '| differs |', '| missing |']) expect(movingTables()).to.include(words);
  });
});
