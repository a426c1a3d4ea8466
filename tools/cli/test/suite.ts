/** Runs cases: one sandbox process and one simulator for all of them. */
import { writeFile } from 'node:fs/promises';
import { parseCase } from '../../../engine/script/case/document.ts';
import { runCase } from '../../../engine/script/case/run.ts';
import { createScriptRunner } from '../../../engine/script/pool.ts';
import type { Json, ScriptRunner } from '../../../engine/script/runner.ts';
import { isFlowCase, readFlowCase, runFlowCase } from '../../../engine/simulator/case.ts';
import { createSimulator, type Simulator } from '../../../engine/simulator/simulator.ts';
import type { Problem } from '../../../engine/tenant/problem.ts';
import type { Tenant } from '../../../engine/tenant/tenant.ts';
import type { Coverage } from './coverage/runner.ts';
import type { CaseFile } from './files.ts';
import type { Told } from './report.ts';
import { renewedCase } from './update.ts';

type Found = Readonly<Record<string, Json>>;

export interface RunOptions {
  /** Writes into each case that fails what was found. */
  readonly update: boolean;
  /** Sees what the scripts do. */
  readonly coverage?: Coverage | undefined;
}

export interface Suite {
  /** Several at a time. @param tell is told of each in the order of the files. */
  run(files: readonly CaseFile[], options: RunOptions, tell: (told: Told) => void): Promise<readonly Told[]>;
  close(): Promise<void>;
}

/** So many at one time; there is one sandbox process, which has a few threads. */
const mostAtOnce = 8;

const nowhere = {
  request: async () => ({ ok: false, code: 'unreachable', message: 'cases reach nothing outside' }) as const,
  close: async () => undefined,
};

export function createSuite(): Suite {
  const sandbox = createScriptRunner({ outbound: nowhere, trialsOnly: true });
  let current: ScriptRunner = sandbox;
  const runner: ScriptRunner = { ...sandbox, run: (invocation) => current.run(invocation) };
  const simulator = createSimulator(runner);
  return {
    async run(files, options, tell) {
      current = options.coverage?.watch(sandbox) ?? sandbox;
      return runAll(files, (file) => runFile(file, options, runner, simulator), tell);
    },
    async close() {
      await simulator.close();
      await runner.close();
    },
  };
}

async function runAll(
  files: readonly CaseFile[],
  run: (file: CaseFile) => Promise<Told>,
  tell: (told: Told) => void,
): Promise<readonly Told[]> {
  const told: (Told | undefined)[] = files.map(() => undefined);
  const crashed: number[] = [];
  let started = 0;
  let next = 0;
  const finish = (index: number, each: Told) => {
    told[index] = each;
    for (let following = told[next]; following; following = told[next]) {
      tell(following);
      next += 1;
    }
  };
  const work = async () => {
    while (started < files.length) {
      const index = started;
      started += 1;
      const each = await run(files[index] as CaseFile);
      if (each.crashed) crashed.push(index);
      else finish(index, each);
    }
  };
  await Promise.all(Array.from({ length: mostAtOnce }, work));
  // Who ended the process may be a neighbour; alone, it is known.
  for (const index of crashed) finish(index, await run(files[index] as CaseFile));
  return told.filter((each) => each !== undefined);
}

async function runFile(
  { tenant, path, file, text }: CaseFile,
  { update }: RunOptions,
  runner: ScriptRunner,
  simulator: Simulator,
): Promise<Told> {
  const began = performance.now();
  const { found, ...result } = await runText(text, file, tenant, runner, simulator);
  const told = { ...result, file, tenant, milliseconds: performance.now() - began };
  if (!update || !found || told.failures.length === 0) return told;
  const renewed = renewedCase(JSON.parse(text) as Found, found);
  await writeFile(path, `${JSON.stringify(renewed, undefined, 2)}\n`);
  const again = await runText(JSON.stringify(renewed), file, tenant, runner, simulator);
  return { ...told, name: `${told.name} (updated)`, failures: again.failures };
}

type Ran = Pick<Told, 'name' | 'failures' | 'location' | 'crashed'> & { readonly found?: Found };

async function runText(
  text: string,
  file: string,
  tenant: Tenant,
  runner: ScriptRunner,
  simulator: Simulator,
): Promise<Ran> {
  const refused = (problems: readonly Problem[]): Ran => ({
    name: file,
    failures: problems.map(({ message, hint }) => `${message} ${hint}`.trim()),
  });
  const document = parsed(text);
  if (isFlowCase(document)) {
    const read = readFlowCase(document, file);
    if (!read.ok) return refused(read.problems);
    const { name, failures, run, found } = await runFlowCase(read.document, tenant, simulator, file);
    const failure = run?.path.findLast(({ hook }) => hook?.failure)?.hook?.failure;
    return {
      name,
      failures,
      crashed: failure?.kind === 'crashed',
      ...(failure?.location ? { location: failure.location } : {}),
      ...(found ? { found: found as Found } : {}),
    };
  }
  const read = parseCase(text, file);
  if (!read.ok) return refused(read.problems);
  const { name, failures, result, found } = await runCase(read.document, tenant, runner);
  const location = result.ok ? undefined : result.location;
  const crashed = !result.ok && result.kind === 'crashed';
  return { name, failures, crashed, ...(location ? { location } : {}), ...(found ? { found } : {}) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
