/** Writes `engine/tenant/document.ts`, the types of the configuration documents, from their JSON Schemas. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { compile } from 'json-schema-to-typescript';
import { format, resolveConfig } from 'prettier';

const root = new URL('../../', import.meta.url);
const target = new URL('engine/tenant/document.ts', root);

const named = `/** One client of a tenant document. */
export type ClientDocument = NonNullable<TenantDocument['clients']>[number];
/** One person of a tenant document. */
export type UserDocument = NonNullable<TenantDocument['users']>[number];
/** One foreign provider of a tenant document. */
export type ProviderDocument = NonNullable<TenantDocument['providers']>[number];
`;

/** The types' source, for writing and for the test that finds it stale. */
export async function configTypes(): Promise<string> {
  const parts: string[] = [];
  for (const name of ['tenant', 'server']) {
    const schema = JSON.parse(await readFile(new URL(`schemas/${name}.schema.json`, root), 'utf8')) as Record<
      string,
      unknown
    >;
    delete schema['$id'];
    delete schema['$schema'];
    parts.push(
      await compile(schema, String(schema['title']), {
        bannerComment: '',
        additionalProperties: false,
        format: false,
        declareExternallyReferenced: true,
        unknownAny: true,
      }),
    );
  }
  const source = `/** Generated from schemas/*.schema.json by \`npm run generate\`. Do not edit. */\n${parts.join('\n')}
${named}`;
  return format(source, { ...(await resolveConfig(target)), filepath: fileURLToPath(target) });
}

if (process.argv[1] && import.meta.filename === process.argv[1]) {
  await writeFile(target, await configTypes());
}
