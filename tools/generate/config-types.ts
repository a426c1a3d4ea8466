/** Writes `engine/tenant/document.ts`, the types of the configuration documents, from their JSON Schemas. */
import { readFile, writeFile } from 'node:fs/promises';
import { compile } from 'json-schema-to-typescript';

const root = new URL('../../', import.meta.url);

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
  return `/** Generated from schemas/*.schema.json by \`npm run generate\`. Do not edit. */\n${parts.join('\n')}
${named}`;
}

if (process.argv[1] && import.meta.filename === process.argv[1]) {
  await writeFile(new URL('engine/tenant/document.ts', root), await configTypes());
}
