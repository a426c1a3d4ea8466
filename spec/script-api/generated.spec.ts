/** What is made of the catalogue is what the catalogue says now, and what the engine has. */
import { readFile, readdir } from 'node:fs/promises';
import { expect } from 'chai';
import {
  globals,
  hookModels,
  hooks,
  libraryModules,
  libraryPlaces,
  missingGlobals,
  missingHooks,
  places,
} from '../../engine/script/api/catalogue.ts';
import { globalNames } from '../../engine/script/compile/globals.ts';
import { libraryNames } from '../../engine/script/compile/library.ts';
import { readModule } from '../../engine/script/compile/module.ts';
import { parseFile } from '../../engine/script/compile/parse.ts';
import { withCompilation } from '../../tools/cli/check/compiler.ts';
import { callbackTypes } from '../../tools/generate/callback-types.ts';
import { realmMissing } from '../../tools/generate/realm-missing.ts';
import { scriptApiPage } from '../../tools/generate/script-api-page.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFile(new URL(path, root), 'utf8');

describe('the catalogue of the script API', () => {
  it('says of every name that differs or is missing how, or what to use instead', () => {
    const all = [...places.map(({ member }) => member), ...globals, ...missingGlobals, ...hookModels, ...missingHooks];
    for (const { name, compatibility, note, documentation } of all) {
      expect(documentation, name).to.match(/\.$/);
      if (compatibility === 'different' || compatibility === 'missing') expect(note, name).to.match(/[.…!]$/);
      else expect(note, name).to.equal(undefined);
    }
  });

  it('names each thing once', () => {
    const keys = [...places, ...libraryPlaces].map(({ key }) => key);
    expect(new Set(keys).size).to.equal(keys.length);
    const names = [...globals, ...missingGlobals].map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
  });

  it('has exactly the global names that scripts are given', () => {
    // Clock and chance may be the invocation's own; to scripts they are the language's.
    const given = globalNames.filter((name) => !['Date', 'Math'].includes(name));
    expect(globals.map(({ name }) => name).sort()).to.deep.equal(given.sort());
  });

  it('has exactly the hooks that a classic script is searched for', async () => {
    const compile = await read('engine/script/compile/compile.ts');
    for (const { name } of hooks) expect(compile).to.include(`'${name}',`);
  });

  it('has exactly the modules of the library, with what they export', async () => {
    expect(libraryModules.map(({ name }) => name).sort()).to.deep.equal([...libraryNames].sort());
    for (const { name, functions, classes } of libraryModules) {
      const file = name.replace('sallyport/', '');
      const parsed = parseFile(`${file}.ts`, await read(`engine/script/library/${file}.ts`));
      if (!parsed.ok) throw new Error(parsed.problem.message);
      const exported = [...readModule(parsed.parsed).exports.keys()].sort();
      expect([...functions.map((each) => each.name), ...classes].sort(), name).to.deep.equal(exported);
    }
  });
});

describe('engine/script/callbacks.d.ts', () => {
  it('is what the catalogue says now; `npm run generate` makes it anew', async () => {
    expect(await read('engine/script/callbacks.d.ts')).to.equal(await callbackTypes());
  });

  it('is sound TypeScript by itself', async () => {
    const found = await withCompilation([{ name: 'empty.js', text: '' }], ({ diagnostics }) => diagnostics);
    expect(found).to.deep.equal([]);
  });

  it('has no name of a browser, of Node or of shared memory', async () => {
    const names = missingGlobals.map(({ name }) => name).filter((name) => name !== 'require');
    const text = [...names, 'window', 'document', 'global', 'module', 'localStorage']
      .map((name) => `void ${name};`)
      .join('\n');
    const found = await withCompilation([{ name: 'names.ts', text }], ({ diagnostics }) => diagnostics);
    const lines = new Set(found?.map(({ start }) => text.slice(0, start).split('\n').length));
    expect(lines.size).to.equal(names.length + 5);
  });

  it('declares the library as its code is: each fits where the other stands', async () => {
    const library = await readdir(new URL('engine/script/library/', root));
    const sources = await Promise.all(
      [
        ...library.map((file) => `engine/script/library/${file}`),
        ...['scope', 'scope-notation', 'scope-set'].map((file) => `engine/smart/${file}.ts`),
      ].map(async (name) => ({ name, text: await read(name) })),
    );
    const names = library.filter((file) => !file.endsWith('.d.ts')).map((file) => file.replace('.ts', ''));
    const text = names
      .map(
        (name) => `import * as ${name}Code from './engine/script/library/${name}.ts';
import * as ${name}Told from 'sallyport/${name}';
export const ${name}A: typeof ${name}Told = ${name}Code;
export const ${name}B: typeof ${name}Code = ${name}Told;`,
      )
      .join('\n');
    const found = await withCompilation([...sources, { name: 'both.ts', text }], ({ diagnostics }) => diagnostics);
    expect(found).to.deep.equal([]);
  });
});

describe('engine/script/realm/missing.js', () => {
  it('is what the catalogue says now; `npm run generate` makes it anew', async () => {
    expect(await read('engine/script/realm/missing.js')).to.equal(await realmMissing());
  });
});

describe('docs/script-api.md', () => {
  it('is what the catalogue says now; `npm run generate` makes it anew', async () => {
    expect(await read('docs/script-api.md')).to.equal(await scriptApiPage());
  });

  it('has a row for every name', async () => {
    const page = await read('docs/script-api.md');
    for (const { key, member } of [...places, ...libraryPlaces])
      expect(page, key).to.match(new RegExp(`^\\| (.*<br>)?\`${member.name.replace(/[[\].]/g, '\\$&')}[(\`]`, 'm'));
    for (const { name } of [...globals, ...missingGlobals, ...missingHooks]) expect(page).to.include(`| \`${name}\` |`);
  });
});
