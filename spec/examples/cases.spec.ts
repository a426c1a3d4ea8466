/**
 * Every hook of every example has a case in which it does what it is there for, and one in which it does not: it says no, it
 * fails, or another input takes it another way through its script.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseCase } from '../../engine/script/case/document.ts';
import { runCase } from '../../engine/script/case/run.ts';
import { createScriptRunner } from '../../engine/script/pool.ts';
import { compileScript } from '../../engine/script/compile/compile.ts';
import type { InvocationResult, ScriptRunner } from '../../engine/script/runner.ts';
import { isFlowCase, readFlowCase, runFlowCase } from '../../engine/simulator/case.ts';
import { createSimulator, type Simulator } from '../../engine/simulator/simulator.ts';
import { hooksOf, scriptsOf } from '../../engine/tenant/scripts.ts';
import type { Tenant } from '../../engine/tenant/tenant.ts';
import { loadWithMadeUpSecrets } from '../../tools/cli/made-up.ts';
import { createCoverage } from '../../tools/cli/test/coverage/runner.ts';
import { type CaseFile, createCaseFinder } from '../../tools/cli/test/files.ts';

const examples = join(import.meta.dirname, '../../scripts-examples');

/** What one run of a hook came to. */
interface Run {
  readonly script: string;
  readonly hook: string;
  readonly well: boolean;
  /** The points of the tenant's scripts that it reached. */
  readonly way: string;
}

function endsWell(result: InvocationResult): boolean {
  return result.ok && !(result.value as { readonly failure?: unknown } | null)?.failure;
}

describe('the cases of the examples', function () {
  this.timeout(120_000);
  const coverage = createCoverage();
  const runs: Run[] = [];
  const failed: string[] = [];
  let tenants: readonly Tenant[];
  let files: readonly CaseFile[];

  before(async () => {
    const folders = [examples, join(examples, 'gallery')];
    const found = await createCaseFinder(loadWithMadeUpSecrets).find(folders);
    expect(found.problems).to.deep.equal([]);
    files = found.files;
    tenants = (await Promise.all(folders.map(loadWithMadeUpSecrets))).flatMap((each) => each.tenants);
    tenants.forEach(coverage.add);
    const sandbox = createScriptRunner({
      outbound: {
        request: async () => ({ ok: false, code: 'unreachable', message: 'nowhere' }),
        close: async () => {},
      },
      trialsOnly: true,
    });
    const watched = coverage.watch(sandbox);
    const runner: ScriptRunner = {
      ...sandbox,
      async run(invocation) {
        const before = counts();
        const result = await watched.run(invocation);
        const way = [...counts()].filter(([point, count]) => before.get(point) !== count).map(([point]) => point);
        const { script, hook, tenantId } = invocation;
        runs.push({ script: `${tenantId} ${script.name}`, hook, well: endsWell(result), way: way.sort().join() });
        return result;
      },
    };
    const simulator = createSimulator(runner);
    // One after the other, so that it is known whose points are reached.
    for (const file of files) await replay(file, runner, simulator);
    await simulator.close();
    await sandbox.close();
  });

  function counts(): ReadonlyMap<string, number> {
    return new Map(
      coverage
        .files()
        .flatMap(({ path, hits }) => [...hits].map(([point, count]) => [`${path} ${point}`, count] as const)),
    );
  }

  async function replay({ tenant, file, text }: CaseFile, runner: ScriptRunner, simulator: Simulator): Promise<void> {
    const document: unknown = JSON.parse(text);
    const read = isFlowCase(document) ? readFlowCase(document, file) : parseCase(text, file);
    if (!read.ok) return void failed.push(...read.problems.map(({ message }) => message));
    const { failures } =
      'given' in read.document
        ? await runFlowCase(read.document, tenant, simulator)
        : await runCase(read.document, tenant, runner);
    if (failures.length > 0) failed.push(`${file}: ${failures.join('\n')}`);
  }

  it('all hold', () => {
    expect(failed).to.deep.equal([]);
  });

  it('are there for every folder', async () => {
    const folders = (await readdir(examples, { recursive: true })).filter((file) => /(^|\/)tenant\.json$/.test(file));
    expect(tenants.map(({ folder }) => join(folder, 'tenant.json')).sort()).to.deep.equal(
      folders.map((file) => join(examples, file)).sort(),
    );
    for (const { id } of tenants)
      expect(
        files.some(({ tenant }) => tenant.id === id),
        id,
      ).to.equal(true);
  });

  it('show each hook at its work, and what it does otherwise', () => {
    const lacking = tenants.flatMap((tenant) =>
      scriptsOf(tenant).flatMap(({ slot, script }) => {
        const compiled = compileScript(script);
        const names = compiled.ok ? compiled.program.functions.map(({ name }) => name) : [];
        return hooksOf(slot)
          .filter((hook) => names.includes(hook))
          .flatMap((hook) => {
            const own = runs.filter((run) => run.script === `${tenant.id} ${script.name}` && run.hook === hook);
            const well = own.filter((run) => run.well);
            const otherwise = well.length < own.length || new Set(well.map(({ way }) => way)).size > 1;
            const what = `${tenant.id}: ${hook} of ${slot}`;
            return [
              ...(well.length > 0 ? [] : [`${what} has no case in which it does its work`]),
              ...(otherwise ? [] : [`${what} has no case in which it says no, fails, or goes another way`]),
            ];
          });
      }),
    );
    expect(lacking).to.deep.equal([]);
  });
});
