/** Runs cases: one sandbox process and one simulator for all of them. */
import { writeFile } from 'node:fs/promises';
import type { OutboundClient } from '../../../engine/outbound/client.ts';
import { type CaseCall, parseCase } from '../../../engine/script/case/document.ts';
import { type Recorded, writtenCall } from '../../../engine/script/case/record.ts';
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
  /** Really makes what cases do not foresee, and writes the answers into them. */
  readonly outside?: OutboundClient | undefined;
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
  const disturbed: number[] = [];
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
      if (each.disturbed) disturbed.push(index);
      else finish(index, each);
    }
  };
  await Promise.all(Array.from({ length: mostAtOnce }, work));
  // Who ended the process, or kept the processor busy, may be a neighbour; alone, it is known.
  for (const index of disturbed) finish(index, await run(files[index] as CaseFile));
  return told.filter((each) => each !== undefined);
}

async function runFile(
  { tenant, path, file, text: written }: CaseFile,
  { update, outside }: RunOptions,
  runner: ScriptRunner,
  simulator: Simulator,
): Promise<Told> {
  const began = performance.now();
  const run = (text: string, real?: OutboundClient) => runText(text, file, tenant, runner, simulator, real);
  let text = written;
  let ran = await run(text);
  const remarks: string[] = [];
  const unanswered: string[] = [];
  const change = async (document: Found, remark: string) => {
    text = `${JSON.stringify(document, undefined, 2)}\n`;
    await writeFile(path, text);
    remarks.push(remark);
    ran = await run(text);
  };
  if (outside && ran.unforeseen) {
    const { recorded = { calls: [], unanswered: [] } } = await run(text, outside);
    const { length } = recorded.calls;
    if (length > 0)
      await change(
        withCalls(JSON.parse(text) as Found, recorded.calls),
        `${length} answer${length === 1 ? '' : 's'} recorded`,
      );
    unanswered.push(...recorded.unanswered);
  }
  if (update && ran.found && ran.failures.length > 0)
    await change(renewedCase(JSON.parse(text) as Found, ran.found), 'updated');
  const { found: _found, unforeseen: _unforeseen, recorded: _recorded, ...result } = ran;
  return {
    ...result,
    name: remarks.length > 0 ? `${ran.name} (${remarks.join(', ')})` : ran.name,
    failures: [...ran.failures, ...unanswered],
    file,
    tenant,
    milliseconds: performance.now() - began,
  };
}

/** What was recorded stands behind what the case says itself. */
function withCalls(document: Found, calls: readonly CaseCall[]): Found {
  const more = calls.map(writtenCall);
  const { given } = document as { readonly given?: Found };
  const before = ((given ?? document)['calls'] ?? []) as readonly Json[];
  const all = [...before, ...more];
  if (given) return { ...document, given: { ...given, calls: all } };
  const { expect = {}, ...rest } = document;
  return { ...rest, calls: all, expect };
}

type Ran = Pick<Told, 'name' | 'failures' | 'location' | 'disturbed'> & {
  readonly found?: Found;
  /** Whether it made requests that nothing in the case answers. */
  readonly unforeseen?: boolean;
  readonly recorded?: Pick<Recorded, 'calls' | 'unanswered'>;
};

async function runText(
  text: string,
  file: string,
  tenant: Tenant,
  runner: ScriptRunner,
  simulator: Simulator,
  outside?: OutboundClient,
): Promise<Ran> {
  const refused = (problems: readonly Problem[]): Ran => ({
    name: file,
    failures: problems.map(({ message, hint }) => `${message} ${hint}`.trim()),
  });
  const document = parsed(text);
  if (isFlowCase(document)) {
    const read = readFlowCase(document, file);
    if (!read.ok) return refused(read.problems);
    const { name, failures, run, found } = await runFlowCase(read.document, tenant, simulator, file, outside);
    const failure = run?.path.findLast(({ hook }) => hook?.failure)?.hook?.failure;
    return {
      name,
      failures,
      disturbed: isDisturbed(failure?.kind, failures),
      unforeseen: (run?.unforeseen.length ?? 0) > 0,
      ...(run ? { recorded: { calls: run.recorded, unanswered: run.unanswered } } : {}),
      ...(failure?.location ? { location: failure.location } : {}),
      ...(found ? { found: found as Found } : {}),
    };
  }
  const read = parseCase(text, file);
  if (!read.ok) return refused(read.problems);
  const { result, found, ...told } = await runCase(read.document, tenant, runner, undefined, outside);
  const location = result.ok ? undefined : result.location;
  return {
    ...told,
    unforeseen: told.unforeseen > 0,
    disturbed: isDisturbed(result.ok ? undefined : result.kind, told.failures),
    ...(location ? { location } : {}),
    ...(found ? { found } : {}),
  };
}

function isDisturbed(kind: string | undefined, failures: readonly string[]): boolean {
  return kind === 'crashed' || (kind === 'timeout' && failures.length > 0);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
