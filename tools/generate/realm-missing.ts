/** Writes `engine/script/realm/missing.js`, what the realm throws for properties that are not there, from the catalogue. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { missingProperties } from '../../engine/script/api/missing.ts';

const target = new URL('../../engine/script/realm/missing.js', import.meta.url);

/** The file's text, for writing and for the test that finds it stale. */
export async function realmMissing(): Promise<string> {
  const source = `// Generated from engine/script/api/ by \`npm run generate\`. Do not edit.
// Properties of Smile CDR's models that are not there: reading one throws, for to answer undefined could let somebody in.
const missingProperties = ${JSON.stringify(missingProperties)};

/** For each model an object to inherit from. All invocations share them, so they are frozen as deep as they go. */
const lacking = {};
for (const model of ownKeys(missingProperties)) {
  lacking[model] = {};
  for (const name of ownKeys(missingProperties[model])) {
    const fail = freeze(() => {
      throw new ErrorType(missingProperties[model][name]);
    });
    const capital = name[0].toUpperCase() + name.slice(1);
    defineProperty(lacking[model], name, { get: fail, set: fail });
    defineProperty(lacking[model], \`get\${capital}\`, { value: fail });
  }
  freeze(lacking[model]);
}
`;
  return format(source, { ...(await resolveConfig(target)), filepath: fileURLToPath(target) });
}

if (process.argv[1] && import.meta.filename === process.argv[1]) await writeFile(target, await realmMissing());
