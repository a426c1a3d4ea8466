/** Writes the reference in `docs/configuration.md` from the schemas; the introduction above it is written by hand. */
import { readFile, writeFile } from 'node:fs/promises';
import { format } from 'prettier';

export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly required?: readonly string[];
  /** The environment variable that may say the same. */
  readonly 'x-environment'?: string;
}

const root = new URL('../../', import.meta.url);
const page = new URL('docs/configuration.md', root);
const first = '<!-- From here to the last line generated from schemas/ by `npm run generate`. Do not edit. -->';
const last = '<!-- End of the generated part. -->';
/** Longer examples stand below their table. */
const longestExample = 60;

function code(value: unknown): string {
  return `\`${(typeof value === 'string' ? value : JSON.stringify(value)).replaceAll('|', '\\|')}\``;
}

function isSecret({ anyOf }: Schema): boolean {
  return anyOf?.some(({ properties }) => properties?.['env'] !== undefined) ?? false;
}

function range({ minimum, maximum }: Schema): string {
  if (minimum !== undefined && maximum !== undefined) return `, ${minimum} to ${maximum}`;
  return minimum === undefined ? '' : `, at least ${minimum}`;
}

function typeOf(schema: Schema): string {
  if (isSecret(schema)) return '[secret](#how-secrets-are-given)';
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum) return schema.enum.map((value) => code(JSON.stringify(value))).join(' or ');
  if (schema.type === 'array') return `list of ${schema.items ? pluralOf(schema.items) : 'anything'}`;
  if (schema.type === 'object') return 'object';
  if (schema.format === 'uri') return 'URL';
  if (schema.format) return schema.format;
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives) return [...new Set(alternatives.map(typeOf))].join(' or ');
  return `${schema.type ?? 'anything'}${range(schema)}`;
}

function pluralOf(item: Schema): string {
  if (item.enum) return item.enum.map((value) => code(JSON.stringify(value))).join(', ');
  return typeOf(item).replace(/\b(string|object)\b/g, '$1s');
}

/** The objects whose properties have tables of their own: the property's, those of its items, of its members, or alternatives. */
export function objectsIn(schema: Schema): readonly Schema[] {
  const inner = schema.type === 'array' ? schema.items : membersOf(schema);
  if (!inner || isSecret(inner)) return [];
  return inner.properties ? [inner] : [...(inner.oneOf ?? []), ...(inner.anyOf ?? [])].flatMap(objectsIn);
}

/** What every member of a map is, where the names are free; else the schema itself. */
function membersOf(schema: Schema): Schema {
  return !schema.properties && typeof schema.additionalProperties === 'object' ? schema.additionalProperties : schema;
}

function anchorOf(title: string): string {
  return title.toLowerCase().replace(/[^a-z0-9 -]/g, '');
}

/** The heading of an object's section. */
export function titleOf(path: string, name: string, schema: Schema): string {
  return `${path}${name}${schema.type === 'array' ? '[]' : membersOf(schema) === schema ? '' : '.*'}`;
}

function rowOf(path: string, name: string, schema: Schema, isRequired: boolean): string {
  const objects = objectsIn(schema);
  const title = titleOf(path, name, schema);
  const [example] = schema.examples ?? [];
  const shown = objects.length > 0 || JSON.stringify(example ?? null).length > longestExample ? '' : code(example);
  // Where every member has a default of its own, the object's says nothing.
  const empty = objects.length > 0 && JSON.stringify(schema.default ?? {}).length === 2;
  const standard = schema.default === undefined || empty ? '' : code(JSON.stringify(schema.default));
  const cells = [
    code(name),
    objects.length > 0 ? `[${typeOf(schema)}](#${anchorOf(title)})` : typeOf(schema),
    isRequired ? '**required**' : standard,
    (schema.description ?? '').replaceAll('|', '\\|'),
    shown,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** One object's table, then a section for each object within. */
async function sectionsOf(schema: Schema, path: string): Promise<string> {
  const { properties = {}, required = [] } = schema;
  const rows = Object.entries(properties).map(([name, property]) =>
    rowOf(path, name, property, required.includes(name)),
  );
  const parts = [`| property | type | default | what it says | example |\n|---|---|---|---|---|\n${rows.join('\n')}`];
  for (const [name, property] of Object.entries(properties)) {
    const objects = objectsIn(property);
    if (objects.length === 0) continue;
    const title = titleOf(path, name, property);
    parts.push(`### ${title}`, property.description ?? '', await block({ [name]: property.examples?.[0] }));
    for (const object of objects) {
      if (objects.length > 1) parts.push(`**${object.description ?? ''}**`, await block(object.examples?.[0]));
      parts.push(await sectionsOf(object, `${title}.`));
    }
  }
  return parts.join('\n\n');
}

async function block(value: unknown): Promise<string> {
  return `\`\`\`json\n${await format(JSON.stringify(value), { parser: 'json', printWidth: 100 })}\`\`\``;
}

function variablesOf({ properties = {} }: Schema): string {
  const rows = Object.entries(properties).flatMap(([name, { 'x-environment': variable, description }]) =>
    variable === undefined ? [] : `| ${code(variable)} | ${code(name)} | ${description ?? ''} |`,
  );
  return `| variable | in the server file | what it says |
|---|---|---|
| \`SALLYPORT_CONFIG\` |  | The server file, the folder that holds a folder for each tenant, or one tenant's folder; \`scripts-examples/\` where absent. |
${rows.join('\n')}`;
}

/** The reference as Markdown. */
export async function configurationReference(server: Schema, tenant: Schema): Promise<string> {
  return `## Environment variables

Each of them wins over the server file. An unknown variable whose name begins with \`SALLYPORT_\` stops the start.

${variablesOf(server)}

## The server file

${server.description ?? ''} \`SALLYPORT_CONFIG\` names it.

${await block(server.examples?.[0])}

${await sectionsOf(server, '')}

## The tenant document, \`tenant.json\`

${tenant.description ?? ''}

${await block(tenant.examples?.[0])}

${await sectionsOf(tenant, '')}
`;
}

/** The page with its generated part made anew, for writing and for the test that finds it stale. */
export async function configurationPage(): Promise<string> {
  const [text, ...schemas] = await Promise.all(
    ['docs/configuration.md', 'schemas/server.schema.json', 'schemas/tenant.schema.json'].map((name) =>
      readFile(new URL(name, root), 'utf8'),
    ),
  );
  const [server, tenant] = schemas.map((schema) => JSON.parse(schema) as Schema);
  const end = text?.indexOf(first) ?? -1;
  if (!text || !server || !tenant || end < 0) throw new Error(`docs/configuration.md lacks the line ${first}`);
  return `${text.slice(0, end)}${first}\n\n${await configurationReference(server, tenant)}\n${last}\n`;
}

if (process.argv[1] && import.meta.filename === process.argv[1]) await writeFile(page, await configurationPage());
