/** Writes the reference in `docs/script-api.md` from the catalogue of the script API; the introduction above it is written by hand. */
import { readFile, writeFile } from 'node:fs/promises';
import {
  globalModels,
  globals,
  hookModels,
  hooks,
  libraryModules,
  missingGlobals,
  missingHooks,
} from '../../engine/script/api/catalogue.ts';
import { hookEffects } from '../../engine/script/api/effects.ts';
import type { GlobalName, Hook, LibraryModule, Member, Model, Signature } from '../../engine/script/api/entry.ts';
import type { HookName } from '../../engine/script/runner.ts';

const root = new URL('../../', import.meta.url);
const page = new URL('docs/script-api.md', root);
const first =
  '<!-- From here to the last line generated from engine/script/api/ by `npm run generate`. Do not edit. -->';
const last = '<!-- End of the generated part. -->';

const code = (text: string) => `\`${text.replaceAll('|', '\\|')}\``;
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function shortOf(name: string, { parameters }: Signature): string {
  return `${name}(${parameters.map((parameter) => (parameter.optional ? `${parameter.name}?` : parameter.name)).join(', ')})`;
}

function nameOf(member: Member): string {
  return member.kind === 'property'
    ? code(member.name)
    : member.signatures.map((signature) => code(shortOf(member.name, signature))).join('<br>');
}

function typeOf(member: Member): string {
  if (member.kind === 'property') return code(member.type);
  return [...new Set(member.signatures.map(({ result }) => code(result)))].join('<br>');
}

/** How a script that was written for Smile CDR finds it. */
function standing({ compatibility, note = '' }: Pick<Member, 'compatibility' | 'note'>): string {
  switch (compatibility) {
    case 'same':
      return 'supported';
    case 'different':
      return `**differs**: ${cell(note)}`;
    case 'ours':
      return 'Sallyport’s own';
    case 'missing':
      return `**not supported**: ${cell(note)}`;
  }
}

function membersTable(members: readonly Member[]): string {
  if (members.length === 0) return '';
  const rows = members.map(
    (member) => `| ${nameOf(member)} | ${typeOf(member)} | ${standing(member)} | ${cell(member.documentation)} |`,
  );
  return `\n| member | type or answer | in scripts for Smile CDR | what it is |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

/** Properties that scripts may also read and set the Java way. */
function accessorsOf({ members }: Model): string {
  const names = members.flatMap((member) =>
    member.kind === 'property' && member.accessors && member.compatibility !== 'missing' ? [member.name] : [],
  );
  return names.length === 0 ? '' : '\nEach property has `getX()` beside it, and `setX()` where it can be set.\n';
}

function modelSection(model: Model, level: string): string {
  const base = model.extends ? ` It has all that ${code(model.extends)} has.` : '';
  const head = model.compatibility === 'same' || model.compatibility === 'ours' ? '' : `\n${standing(model)}\n`;
  const constructors = (model.construct ?? []).map((signature) => code(`new ${shortOf(model.name, signature)}`));
  return `${level} ${model.name}

${model.documentation}${base}${constructors.length > 0 ? ` Made by ${constructors.join(', ')}.` : ''}
${head}${membersTable(model.members)}${accessorsOf(model)}${
    model.statics ? `\nOf the class itself:\n${membersTable(model.statics)}` : ''
  }`;
}

function globalRow(global: GlobalName): string {
  const { name, model, signatures } = global;
  const type =
    model === undefined ? (signatures ?? []).map((each) => code(shortOf(name, each))).join('<br>') : code(model);
  return `| ${code(name)} | ${type} | ${standing(global)} | ${cell(global.documentation)} |`;
}

function librarySection({ name, documentation, functions, models }: LibraryModule): string {
  return `### ${name}

${documentation}
${membersTable(functions)}
${models.map((model) => modelSection(model, '####')).join('\n\n')}`;
}

function effectSection(hook: HookName): string {
  const { returns, failure, rules } = hookEffects[hook];
  const rows = rules.map(
    ({ what, may, policy, violation }) =>
      `| ${code(what)} | ${may.join(', ')} | ${cell(policy)} | ${violation === undefined ? '' : code(violation)} |`,
  );
  return `### ${hook}

Returns: ${returns} When it fails: ${failure}

| what | may | bounds | reason when they are left |
|---|---|---|---|
${rows.join('\n')}
`;
}

function hookRow(hook: Hook): string {
  return `| ${code(shortOf(hook.name, hook.signature))} | ${hook.flows} | ${hook.when} | ${hook.configured} | ${cell(hook.documentation)} |`;
}

/** The reference as Markdown. */
export function scriptApiReference(): string {
  return `## Hooks

| function | flows | when | configured at | what it is for |
|---|---|---|---|---|
${hooks.map(hookRow).join('\n')}

## What each hook may do

${hooks.map(({ name }) => effectSection(name as HookName)).join('\n')}
## What hooks are called with

${hookModels.map((model) => modelSection(model, '###')).join('\n\n')}

## Names that every script has

| name | what it is | in scripts for Smile CDR | what it is for |
|---|---|---|---|
${globals.map(globalRow).join('\n')}

${globalModels.map((model) => modelSection(model, '###')).join('\n\n')}

## Modules that scripts import

${libraryModules.map(librarySection).join('\n\n')}

## Names that are not there

| name | what it would be | why not, and what instead |
|---|---|---|
${[...missingGlobals, ...missingHooks]
  .map(({ name, documentation, note = '' }) => `| ${code(name)} | ${cell(documentation)} | ${cell(note)} |`)
  .join('\n')}
`;
}

/** The page with its generated part made anew, for writing and for the test that finds it stale. */
export async function scriptApiPage(): Promise<string> {
  const text = await readFile(page, 'utf8');
  const end = text.indexOf(first);
  if (end < 0) throw new Error(`docs/script-api.md lacks the line ${first}`);
  return `${text.slice(0, end)}${first}\n\n${scriptApiReference()}\n${last}\n`;
}

if (process.argv[1] && import.meta.filename === process.argv[1]) await writeFile(page, await scriptApiPage());
