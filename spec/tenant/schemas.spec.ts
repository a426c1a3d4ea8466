/** The configuration's schemas explain every property, their examples are right, and the types made of them are fresh. */
import { glob, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { expect } from 'chai';
import { configTypes } from '../../tools/generate/config-types.ts';

interface Schema {
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

const root = new URL('../../', import.meta.url);
const ajv = new Ajv2020({ allErrors: true, strict: false });
formats.default(ajv);

async function read(name: string): Promise<Schema> {
  return JSON.parse(await readFile(new URL(`schemas/${name}.schema.json`, root), 'utf8')) as Schema;
}

/** Every property at any depth, named by its path; what else holds a schema is walked through. */
function propertiesOf(schema: Schema, path = ''): readonly (readonly [path: string, schema: Schema])[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => [
    [`${path}/${name}`, property] as const,
    ...propertiesOf(property, `${path}/${name}`),
  ]);
  const further = [schema.anyOf, schema.oneOf, schema.allOf]
    .flatMap((several) => several ?? [])
    .concat(schema.items ?? [], typeof schema.additionalProperties === 'object' ? schema.additionalProperties : []);
  return [...own, ...further.flatMap((inner) => propertiesOf(inner, `${path}/*`))];
}

/** What is wrong with the schema as a page that people read. */
function complaints(schema: Schema): readonly string[] {
  return propertiesOf(schema).flatMap(([path, property]) => {
    const found: string[] = [];
    if (!/^[A-Z`].{8,}[.)]$/s.test(property.description ?? '')) found.push(`${path} has no sentence as description`);
    if ((property.examples ?? []).length === 0) found.push(`${path} has no example`);
    const validate = ajv.compile(property);
    for (const example of property.examples ?? [])
      if (!validate(example)) found.push(`${path} has a wrong example: ${ajv.errorsText(validate.errors)}`);
    if (property.default !== undefined && !validate(structuredClone(property.default)))
      found.push(`${path} has a wrong default: ${ajv.errorsText(validate.errors)}`);
    return found;
  });
}

describe('the schemas of the configuration', () => {
  for (const name of ['server', 'tenant', 'case', 'flow-case']) {
    it(`${name}: every property has a description and examples that fit it`, async () => {
      const schema = await read(name);
      expect(propertiesOf(schema).length).to.be.greaterThan(8);
      expect(complaints(schema)).to.deep.equal([]);
      const whole = ajv.compile(schema);
      expect(schema.examples).to.have.length.greaterThan(0);
      for (const example of schema.examples ?? []) expect(whole(example), ajv.errorsText(whole.errors)).to.equal(true);
    });
  }

  it('the walk finds what is missing at any depth', () => {
    const good = { type: 'string', description: 'A sentence about it.', examples: ['x'] };
    const holding = (inner: object) =>
      ({
        properties: { list: { ...good, type: 'array', examples: [[]], items: { properties: { inner } } } },
      }) as Schema;
    expect(complaints(holding(good))).to.deep.equal([]);
    const { description: _description, ...undescribed } = good;
    const { examples: _examples, ...bare } = good;
    for (const [what, inner] of [
      ['/list/*/inner has no sentence as description', undescribed],
      ['/list/*/inner has no sentence as description', { ...good, description: 'Text' }],
      ['/list/*/inner has no example', bare],
      ['/list/*/inner has no example', { ...good, examples: [] }],
      ['/list/*/inner has a wrong example: data must be string', { ...good, examples: ['x', 1] }],
      ['/list/*/inner has a wrong default: data must be string', { ...good, default: 1 }],
    ] as const)
      expect(complaints(holding(inner)), what).to.deep.equal([what]);
    const values = { properties: {}, additionalProperties: { anyOf: [{ properties: { env: undescribed } }] } };
    expect(complaints(values as Schema)).to.deep.equal(['/*/*/env has no sentence as description']);
  });

  it('the types are what the schemas say now; `npm run generate` makes them anew', async () => {
    const written = await readFile(new URL('engine/tenant/document.ts', root), 'utf8');
    expect(written).to.equal(await configTypes());
  });

  it('every configuration document of the examples says where its schema is, and that is right', async () => {
    let seen = 0;
    for await (const name of glob('scripts-examples/*/tenant.json', { cwd: fileURLToPath(root) })) {
      seen += 1;
      const file = new URL(name, root);
      const { $schema } = JSON.parse(await readFile(file, 'utf8')) as { $schema: string };
      expect(new URL($schema, file).href).to.equal(new URL('schemas/tenant.schema.json', root).href);
    }
    expect(seen).to.be.greaterThan(1);
  });
});
