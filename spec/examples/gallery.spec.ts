/** The gallery as an implementer finds it: nothing to complain about, cases that hold, and a page for each tenant. */
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { createOutboundClient } from '../../engine/outbound/guarded-client.ts';
import { type CaseDocument, parseCase } from '../../engine/script/case/document.ts';
import { type CaseResult, runCase } from '../../engine/script/case/run.ts';
import { createScriptRunner } from '../../engine/script/pool.ts';
import { loadTenant } from '../../engine/tenant/load.ts';
import { scriptsOf } from '../../engine/tenant/scripts.ts';
import type { Tenant } from '../../engine/tenant/tenant.ts';
import { sallyport } from '../cli/support.ts';
import { galleryFolder, galleryTenants } from './support.ts';

const root = join(import.meta.dirname, '../..');

interface Example {
  readonly name: string;
  readonly tenant: Tenant;
  readonly readme: string;
  readonly cases: readonly { readonly document: CaseDocument; readonly result: CaseResult }[];
}

/** By their scripts: TypeScript modules, or scripts in the style that Smile CDR has. */
function styleOf({ tenant }: Example): 'native' | 'compatible' | 'mixed' {
  const native = scriptsOf(tenant).map(({ script }) => script.name.endsWith('.ts'));
  return native.every(Boolean) ? 'native' : native.some(Boolean) ? 'mixed' : 'compatible';
}

describe('the gallery', function () {
  this.timeout(120_000);
  let examples: readonly Example[];
  before(async () => {
    const outbound = createOutboundClient();
    const runner = createScriptRunner({ outbound, processes: 1 });
    const read = async (name: string): Promise<Example> => {
      const folder = join(galleryFolder, name);
      const loaded = await loadTenant(folder);
      if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
      const files = (await readdir(join(folder, 'cases'))).filter((file) => file.endsWith('.case.json'));
      const cases: { document: CaseDocument; result: CaseResult }[] = [];
      for (const file of files) {
        const parsed = parseCase(await readFile(join(folder, 'cases', file), 'utf8'), file);
        if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('\n'));
        cases.push({ document: parsed.document, result: await runCase(parsed.document, loaded.tenant, runner) });
      }
      const readme = await readFile(join(folder, 'README.md'), 'utf8');
      return { name, tenant: loaded.tenant, readme, cases };
    };
    const all: Example[] = [];
    for (const name of await galleryTenants()) all.push(await read(name));
    await runner.close();
    await outbound.close();
    examples = all;
  });

  it('has at least twelve tenants, half of them in each style', () => {
    expect(examples.length).to.be.at.least(12);
    const count = (style: string) => examples.filter((example) => styleOf(example) === style).length;
    expect(count('mixed')).to.equal(0);
    expect(Math.abs(count('native') - count('compatible'))).to.be.at.most(1);
    expect(count('native') + count('compatible')).to.equal(examples.length);
  });

  it('uses what the native style is for: modules of its own, types, and the library', () => {
    const scripts = examples.flatMap(({ tenant }) => scriptsOf(tenant).map(({ script }) => script));
    const native = scripts.filter(({ name }) => name.endsWith('.ts'));
    const library = new Set(
      native.flatMap(({ source, modules }) =>
        [source, ...modules.map((each) => each.source)].flatMap((text) =>
          [...text.matchAll(/from '(sallyport\/\w+)'/g)].map(([, module]) => module),
        ),
      ),
    );
    expect(native.filter(({ modules }) => modules.length > 0).length).to.be.at.least(5);
    expect(native.every(({ source }) => source.includes('import type {'))).to.equal(true);
    expect([...library]).to.include.members(
      ['fhir', 'scopes', 'kv', 'crypto', 'secrets'].map((name) => `sallyport/${name}`),
    );
  });

  it('has nothing that `sallyport check` complains about', async () => {
    const { code, lines, output } = await sallyport(['check', galleryFolder]);
    expect(code, output).to.equal(0);
    // Notes tell where a script relies on what Smile CDR means otherwise; they are no complaint.
    const complaints = lines.filter((line) => !line.startsWith('ok ') && !line.startsWith('note '));
    expect(complaints).to.deep.equal([]);
    expect(lines.filter((line) => line.startsWith('ok '))).to.have.length(examples.length);
  });

  it('has at least three cases for each tenant, one of which goes wrong, and all hold', () => {
    for (const { name, cases } of examples) {
      expect(cases.length, name).to.be.at.least(3);
      const outcomes = cases.map(({ document }) => document.expect.outcome);
      expect(outcomes, name).to.include('ok');
      expect(
        outcomes.some((outcome) => outcome === 'denied' || outcome === 'runtime'),
        name,
      ).to.equal(true);
      for (const { document, result } of cases) expect(result.failures, `${name}: ${document.name}`).to.deep.equal([]);
    }
  });

  it('has a case of the silence of each host that a tenant calls', () => {
    for (const { name, cases } of examples) {
      const called = cases.flatMap(({ document }) => document.calls);
      if (called.length === 0) continue;
      const failing = called.filter(({ status, unreachable }) => unreachable || status >= 500);
      expect(failing, name).not.to.deep.equal([]);
    }
  });

  it('says nothing of patients in any log', () => {
    const lines = examples.flatMap(({ cases }) => cases.flatMap(({ result }) => result.result.logs));
    expect(lines.length).to.be.above(10);
    for (const { message } of lines) expect(message).not.to.match(/Doe|Jane|MRN-|N-\d|19\d\d-|\bp[1-9]\b/);
  });

  it('has a page for each tenant, with the same five questions answered', () => {
    for (const { name, readme, tenant } of examples) {
      expect(readme, name).to.match(/^# .+\n/);
      for (const heading of ['How it works', 'Configuration that matters', 'What to change', 'Try it'])
        expect(readme, name).to.include(`## ${heading}`);
      expect(readme, name).to.include(`npx sallyport test scripts-examples/gallery/${name}`);
      for (const { script } of scriptsOf(tenant)) expect(readme, name).to.include(`\`${script.name}\``);
    }
  });

  it('names only files and settings that are there', async () => {
    for (const { name, readme, tenant } of examples) {
      const files = [...readme.matchAll(/`([\w./-]+\.(?:js|ts|json|md))`/g)].map(([, file = '']) => file);
      for (const file of files)
        await access(join(galleryFolder, name, file)).catch(() => expect.fail(`${name}/README.md names ${file}`));
      const settings = [...readme.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, setting = '']) => setting);
      const known = JSON.stringify([tenant.environment, tenant.users, tenant.clients]);
      const text = scriptsOf(tenant)
        .map(({ script }) => script.source)
        .join('\n');
      for (const setting of settings)
        expect(known.includes(setting) || text.includes(setting), `${name}/README.md names ${setting}`).to.equal(true);
    }
  });

  it('is listed in whole, in the gallery and in the documentation', async () => {
    for (const file of ['scripts-examples/README.md', 'docs/examples.md']) {
      const text = await readFile(join(root, file), 'utf8');
      for (const { name } of examples) expect(text, file).to.include(`gallery/${name}/README.md`);
      for (const [, target = ''] of text.matchAll(/\]\(([^)#]+\.md)(?:#[^)]*)?\)/g)) {
        const path = join(root, file, '..', target);
        await access(path).catch(() => expect.fail(`${file} links to ${target}`));
      }
    }
  });
});
