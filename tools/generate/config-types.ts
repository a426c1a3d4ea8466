/** Writes `engine/tenant/document.ts`, the types of the configuration documents, from their JSON Schemas. */
import { readFile, writeFile } from 'node:fs/promises';
import { compile } from 'json-schema-to-typescript';

const root = new URL('../../', import.meta.url);

/** The types' source, for writing and for the test that finds it stale. */
export async function configTypes(): Promise<string> {
  const parts: string[] = [];
  for (const name of ['tenant', 'server']) {
    const schema = JSON.parse(await readFile(new URL(`schemas/${name}.schema.json`, root), 'utf8')) as Record<string, unknown>;
    delete schema['$id'];
    delete schema['$schema'];
    parts.push(await compile(schema, String(schema['title']), { bannerComment: '', additionalProperties: false, format: false, declareExternallyReferenced: true, unknownAny: true }));
  }
  return `/** Generated from schemas/*.schema.json by \`npm run generate\`. Do not edit. */\n${parts.join('\n')}`;
}

if (process.argv[1] && import.meta.filename === process.argv[1]) {
  await writeFile(new URL('engine/tenant/document.ts', root), await configTypes());
}
