/**
 * Writes `engine/script/callbacks.d.ts`, the types of callback scripts, from the catalogue in `engine/script/api/`: the
 * models as modules to import types from, and as global names for scripts that import nothing.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import {
  globalModels,
  globals,
  hookModels,
  hooks,
  libraryAliases,
  libraryModules,
} from '../../engine/script/api/catalogue.ts';
import type { GlobalName, Hook, LibraryModule, Member, Model, Signature } from '../../engine/script/api/entry.ts';
import { standardModels } from '../../engine/script/api/global/standard.ts';
import { permissions } from '../../engine/script/api/permissions.ts';

const root = new URL('../../', import.meta.url);
const target = new URL('engine/script/callbacks.d.ts', root);

interface Told {
  readonly documentation: string;
  readonly note?: string;
  readonly compatibility: string;
}

function comment({ documentation, note, compatibility }: Told, more: readonly string[] = []): string {
  const lines = [
    documentation,
    ...(compatibility === 'different' && note ? ['', `Not as in Smile CDR: ${note}`] : []),
    ...more,
  ];
  const safe = lines.join('\n').replaceAll('*/', '*\\/').split('\n');
  return safe.length === 1 ? `/** ${safe[0]} */` : `/**\n${safe.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */`;
}

export function parameterList({ parameters }: Signature): string {
  return parameters.map(({ name, type, optional }) => `${name}${optional ? '?' : ''}: ${type}`).join(', ');
}

function unsupported({ name, compatibility, note = '' }: Member): string {
  return compatibility === 'missing' ? `/** @deprecated Not supported: ${note} */\nreadonly ${name}: never;\n` : '';
}

const capitalized = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1)}`;

function memberLines(member: Member): readonly string[] {
  if (member.compatibility === 'missing') return [];
  if (member.kind === 'method')
    return member.signatures.map(
      (signature) =>
        `${comment(member)}\n${member.name}${member.generics}(${parameterList(signature)}): ${signature.result};`,
    );
  const { name, type, readonly, accessors, schema, optional } = member;
  // What may be absent when it crosses is null for the script where it has a Java getter.
  const mark = optional && !(accessors && schema) ? '?' : '';
  const lines = [`${comment(member)}\n${readonly ? 'readonly ' : ''}${name}${mark}: ${type};`];
  if (!accessors) return lines;
  lines.push(`/** The same as \`${name}\`. */\nget${capitalized(name)}(): ${type};`);
  if (!readonly) lines.push(`/** Sets \`${name}\`. */\nset${capitalized(name)}(value: ${type}): void;`);
  return lines;
}

/** Getters and setters that the model declares by itself stand once. */
function bodyOf(members: readonly Member[]): string {
  const own = new Set(members.flatMap(({ kind, name }) => (kind === 'method' ? [name] : [])));
  return members
    .flatMap((member) =>
      memberLines(member).filter((line, index) => {
        const [, name = ''] = /\n(\w+)\(/.exec(line) ?? [];
        return member.kind === 'method' || index === 0 || !own.has(name);
      }),
    )
    .join('\n');
}

function interfaceOf(model: Model, keyword: 'export' | ''): string {
  const { name, generics, members, others } = model;
  const base = model.extends === undefined ? '' : ` extends ${model.extends}`;
  // Methods beside entries of any name fit an index signature only where the entries may be anything.
  // Java's other methods are named there, too: they would pass for entries.
  if (others !== undefined && others !== 'any' && members.length > 0)
    return `/** The methods of ${name}. */
${keyword} interface ${name}Methods${generics} {\n${bodyOf(members)}\n${members.map(unsupported).join('')}\n}
${comment(model)}
${keyword} type ${name}${generics} = { [name: string]: ${others} } & ${name}Methods${generics};`;
  const index = others === undefined ? '' : `[name: string]: ${others};\n`;
  return `${comment(model)}\n${keyword} interface ${name}${generics}${base} {\n${index}${bodyOf(members)}\n}`;
}

function classOf(model: Model): string {
  const { name, construct = [], members } = model;
  const constructors = construct.map((signature) => `constructor(${parameterList(signature)});`).join('\n');
  return `${comment(model)}\nexport class ${name} extends ${model.extends ?? 'Object'} {\n${constructors}\n${bodyOf(members)}\n}`;
}

function hookType({ type, documentation, compatibility, signature, when, configured }: Hook): string {
  const more = ['', `When: ${when}.`, `Configured at: ${configured}.`];
  return `${comment({ documentation, compatibility }, more)}\nexport type ${type} = (${parameterList(signature)}) => ${signature.result};`;
}

function libraryOf({ name, documentation, functions, models, classes }: LibraryModule): string {
  const aliases = Object.entries(libraryAliases[name] ?? {}).map(([alias, type]) => `export type ${alias} = ${type};`);
  const parts = [
    ...functions.flatMap((member) =>
      member.signatures.map(
        (signature) =>
          `${comment(member)}\nexport function ${member.name}(${parameterList(signature)}): ${signature.result};`,
      ),
    ),
    ...models.map((model) => (classes.includes(model.name) ? classOf(model) : interfaceOf(model, 'export'))),
    ...aliases,
  ];
  return `/** ${documentation} */\ndeclare module '${name}' {\n${parts.join('\n')}\nexport {};\n}`;
}

const isStandard = (name: string) => standardModels.some((model) => model.name === name);

function globalOf(global: GlobalName): string {
  const { name, model, signatures = [], generics = '' } = global;
  if (model === undefined)
    return signatures
      .map(
        (signature) =>
          `${comment(global)}\ndeclare function ${name}${generics}(${parameterList(signature)}): ${signature.result};`,
      )
      .join('\n');
  const { construct, statics = [] } = globalModels.find((each) => each.name === model) ?? {};
  if (construct)
    return `${comment(global)}\ndeclare var ${name}: {\n${construct
      .map((signature) => `new (${parameterList(signature)}): ${signature.result};`)
      .join('\n')}\nreadonly prototype: ${name};\n${bodyOf(statics)}\n};`;
  return `${comment(global)}\ndeclare var ${name}: ${isStandard(model) ? model : `import('sallyport').${model}`};`;
}

/** Types that classic scripts name in JSDoc, where nothing can be imported. */
function globalAlias(name: string, generics: string): string {
  return `/** See \`${name}\` in "sallyport". */\ntype ${name}${generics} = import('sallyport').${name}${generics};`;
}

/** The declarations, for writing and for the test that finds them stale. */
export async function callbackTypes(): Promise<string> {
  const present = [...hookModels, ...globalModels].filter(({ compatibility }) => compatibility !== 'missing');
  const exported = present.filter(({ name }) => !isStandard(name));
  const source = `/* oxlint-disable */
/**
 * What callback scripts have. Generated from engine/script/api/ by \`npm run generate\`. Do not edit.
 *
 * In a script that imports nothing: \`// @ts-check\` on its first line, and above a hook a comment \`@type {OnTokenGenerating}\`.
 * In a module: \`import type { OnTokenGenerating } from 'sallyport'\`.
 */

declare module 'sallyport' {
/** A value, or a promise of it: hooks may be async. */
export type Awaitable<T> = T | PromiseLike<T>;
/** A permission. Editors complete those that Smile CDR knows; a tenant may have others. */
export type Permission = ${permissions.map((name) => `'${name}'`).join(' | ')} | (string & {});
${hooks.map(hookType).join('\n')}
${exported.map((model) => interfaceOf(model, 'export')).join('\n')}
export {};
}

${libraryModules.map(libraryOf).join('\n\n')}

${['Permission', ...hooks.map(({ type }) => type)].map((name) => globalAlias(name, '')).join('\n')}
${exported.map(({ name, generics }) => globalAlias(name, generics)).join('\n')}

${present
  .filter(({ name }) => isStandard(name))
  .map((model) => interfaceOf(model, ''))
  .join('\n')}

${globals.map(globalOf).join('\n')}
`;
  return format(source, { ...(await resolveConfig(target)), filepath: fileURLToPath(target) });
}

if (process.argv[1] && import.meta.filename === process.argv[1]) await writeFile(target, await callbackTypes());
