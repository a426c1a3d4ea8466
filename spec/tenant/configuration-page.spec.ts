/** docs/configuration.md holds what the schemas say, whole, and its links lead somewhere. */
import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { loadTenant } from '../../engine/tenant/load.ts';
import {
  configurationPage,
  configurationReference,
  objectsIn,
  type Schema,
  titleOf,
} from '../../tools/generate/configuration-page.ts';
import { folderOf } from '../cli/support.ts';

const root = new URL('../../', import.meta.url);
const text = (name: string) => readFile(new URL(name, root), 'utf8');
const schema = async (name: string) => JSON.parse(await text(`schemas/${name}.schema.json`)) as Schema;

describe('docs/configuration.md', () => {
  it('is what the schemas say now; `npm run generate` makes it anew', async () => {
    expect(await text('docs/configuration.md')).to.equal(await configurationPage());
  });

  it('is made anew by `npm run generate`', async () => {
    const { scripts } = JSON.parse(await text('package.json')) as { scripts: Record<string, string> };
    expect(scripts['generate']).to.include('tools/generate/configuration-page.ts');
  });

  it('has every property with its description, and a section for each object', async () => {
    const page = await text('docs/configuration.md');
    const walk = (object: Schema, path: string): void => {
      for (const [name, property] of Object.entries(object.properties ?? {})) {
        expect(page, `${path}${name}`).to.include(`| \`${name}\` |`);
        expect(page, `${path}${name}`).to.include(property.description);
        const objects = objectsIn(property);
        if (objects.length === 0) continue;
        const title = titleOf(path, name, property);
        expect(page).to.include(`\n### ${title}\n`);
        for (const inner of objects) walk(inner, `${title}.`);
      }
    };
    walk(await schema('server'), '');
    const tenant = await schema('tenant');
    walk(tenant, '');
    // The walk itself reaches lists, maps and alternatives.
    for (const name of ['clients', 'secrets', 'outboundHttp'])
      expect(objectsIn(tenant.properties?.[name] ?? {}), name).to.have.length(1);
    const access = tenant.properties?.['fhirServers']?.items?.properties?.['access'] ?? {};
    expect(objectsIn(access)).to.have.length.greaterThan(3);
  });

  it('names every environment variable the server knows', async () => {
    const page = await text('docs/configuration.md');
    const source = await text('engine/tenant/server.ts');
    const known = new Set(source.match(/\b(SALLYPORT_[A-Z_]+|DATABASE_URL|PORT|HOST)\b/g));
    known.delete('SALLYPORT_');
    expect(known.size).to.be.greaterThan(6);
    for (const name of known) expect(page, name).to.include(`\`${name}\``);
  });

  it('shows a smallest tenant that loads', async () => {
    const [, document = ''] = /```json\n(\{\n  "\$schema"[^`]+)```/.exec(await text('docs/configuration.md')) ?? [];
    const folder = await folderOf({ 'tenant.json': document });
    const result = await loadTenant(folder.path);
    await folder.remove();
    expect(result.ok ? [] : result.problems).to.deep.equal([]);
    expect(Object.keys(JSON.parse(document) as object)).to.deep.equal(['$schema', 'id', 'name', 'issuer']);
  });

  it('has no link to a section that is not there', async () => {
    const page = await text('docs/configuration.md');
    const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    );
    expect(new Set(anchors).size).to.equal(anchors.length);
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
    expect(links).to.have.length.greaterThan(20);
    for (const link of links) expect(anchors).to.include(link);
  });

  it('a changed type, default, description or example changes the page', async () => {
    const [server, tenant] = [await schema('server'), await schema('tenant')];
    const before = await configurationReference(server, tenant);
    for (const change of [{ type: 'boolean' }, { default: 1 }, { description: 'Other.' }, { examples: ['other'] }]) {
      const changed = structuredClone(server) as { properties: Record<string, object> };
      Object.assign(changed.properties['host'] as object, change);
      expect(await configurationReference(changed, tenant), JSON.stringify(change)).not.to.equal(before);
    }
    const without = structuredClone(tenant) as { properties: Record<string, object> };
    delete without.properties['skin'];
    expect(await configurationReference(server, without)).not.to.include('`skin`');
  });
});
