/** `sallyport test`: replays the cases of callbacks and of whole flows against a tenant's files as they are. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { parseCase } from '../../engine/script/case/document.ts';
import { runCase } from '../../engine/script/case/run.ts';
import { createScriptRunner } from '../../engine/script/pool.ts';
import type { Json, ScriptRunner } from '../../engine/script/runner.ts';
import { isFlowCase, readFlowCase, runFlowCase } from '../../engine/simulator/case.ts';
import { createSimulator, type Simulator } from '../../engine/simulator/simulator.ts';
import type { Problem } from '../../engine/tenant/problem.ts';
import type { Tenant } from '../../engine/tenant/tenant.ts';
import { loadWithMadeUpSecrets } from './made-up.ts';
import { coverageLines, lcovOf, tooLittle } from './test/coverage/report.ts';
import { type Coverage, createCoverage } from './test/coverage/runner.ts';
import { junitOf, linesOf, type Reporter, tapOf, type Told } from './test/report.ts';
import { renewedCase } from './test/update.ts';

export interface TestOptions {
  /** Where to write the results as JUnit XML. */
  readonly junit?: string;
  readonly reporter?: Reporter;
  /** Only cases whose name or file holds this text. */
  readonly filter?: string;
  /** Writes into each case that fails what was found. */
  readonly update?: boolean;
  /** Tells which lines and branches of the scripts ran. */
  readonly coverage?: boolean;
  /** The least percentage of lines, and of branches, of all scripts together. */
  readonly coverageMin?: number;
  /** Where to write coverage as lcov. */
  readonly coverageLcov?: string;
}

type Write = (line: string) => void;
type Found = Readonly<Record<string, Json>>;

interface CaseFile {
  readonly tenant: Tenant;
  readonly path: string;
  /** As it is named from where the command runs. */
  readonly file: string;
}

/** So many at one time; there is one sandbox process, which has a few threads. */
const mostAtOnce = 8;

/**
 * @param paths folders of tenants, or single cases of theirs.
 * @returns the exit code: 0 when every case holds, 1 otherwise, also where there is none, 2 where there is no such folder.
 */
export async function testCases(paths: readonly string[], options: TestOptions, write: Write): Promise<number> {
  for (const path of paths)
    if (!(await stat(path).catch(() => undefined))) {
      write(`There is no file or folder ${path}.`);
      return 2;
    }
  const found = await casesOf(paths);
  if (found.problems.length > 0) {
    for (const { message, hint } of found.problems) write(`error  ${message}${hint ? ` ${hint}` : ''}`);
    return 1;
  }
  const { reporter = 'lines' } = options;
  const coverage = wantsCoverage(options) ? createCoverage() : undefined;
  for (const { tenant } of found.files) coverage?.add(tenant);
  const told = await runAll(found.files, options, coverage, (each) => {
    if (reporter === 'lines') for (const line of linesOf(each)) write(line);
  });
  if (reporter === 'junit') write(junitOf(told).trimEnd());
  if (reporter === 'tap') for (const line of tapOf(told)) write(line);
  const failed = told.filter(({ failures }) => failures.length > 0).length;
  const remark = (text: string) => write(reporter === 'tap' ? `# ${text}` : text);
  if (reporter !== 'junit') {
    if (told.length === 0) remark(nothingFound(paths, options));
    remark(`${told.length - failed} passed, ${failed} failed`);
  }
  const written = options.junit === undefined || (await writeReport(options.junit, junitOf(told), write));
  const covered = !coverage || (await tellCoverage(coverage, options, reporter === 'junit' ? complain : remark));
  return failed > 0 || told.length === 0 || !written || !covered ? 1 : 0;
}

function wantsCoverage({ coverage, coverageMin, coverageLcov }: TestOptions): boolean {
  return coverage === true || coverageMin !== undefined || coverageLcov !== undefined;
}

/** @returns whether there is enough of it, and it could be written. */
async function tellCoverage(
  coverage: Coverage,
  { coverageMin = 0, coverageLcov }: TestOptions,
  remark: Write,
): Promise<boolean> {
  const files = coverage.files();
  for (const line of coverageLines(files)) remark(line);
  const lacking = tooLittle(files, coverageMin);
  lacking.forEach(remark);
  const written = coverageLcov === undefined || (await writeReport(coverageLcov, lcovOf(files), remark));
  return written && lacking.length === 0;
}

/** Where the standard output is for programs alone. */
function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

function nothingFound(paths: readonly string[], { filter }: TestOptions): string {
  const which = filter === undefined ? '' : ` with ${JSON.stringify(filter)} in its name`;
  return `There is no *.case.json${which} below ${paths.join(', ')}.`;
}

async function writeReport(file: string, text: string, write: Write): Promise<boolean> {
  try {
    await writeFile(file, text);
    return true;
  } catch (error) {
    write(`The results could not be written to ${file} (${(error as NodeJS.ErrnoException).code ?? 'failed'}).`);
    return false;
  }
}

/** The cases below the paths, each with its tenant. */
async function casesOf(
  paths: readonly string[],
): Promise<{ readonly files: readonly CaseFile[]; readonly problems: readonly Problem[] }> {
  const files = new Map<string, CaseFile>();
  const problems: Problem[] = [];
  for (const path of paths) {
    const single = path.endsWith('.json') && (await stat(path)).isFile();
    const loaded = await loadWithMadeUpSecrets(single ? await folderAbove(path) : path);
    problems.push(...loaded.problems);
    for (const tenant of loaded.tenants)
      for (const each of single ? [resolve(path)] : await casesIn(tenant.folder))
        files.set(resolve(each), { tenant, path: each, file: relative(process.cwd(), each) });
  }
  return { files: [...files.values()], problems };
}

async function casesIn(folder: string): Promise<readonly string[]> {
  const files = await readdir(folder, { recursive: true });
  return files
    .filter((file) => file.endsWith('.case.json'))
    .sort()
    .map((file) => join(folder, file));
}

/** The tenant's folder that a file lies in; the file's own where there is none. */
async function folderAbove(file: string): Promise<string> {
  for (let folder = dirname(resolve(file)); ; folder = dirname(folder)) {
    if (await stat(join(folder, 'tenant.json')).catch(() => undefined)) return folder;
    if (dirname(folder) === folder) return dirname(file);
  }
}

/** Several at a time; they are told in their order. */
async function runAll(
  files: readonly CaseFile[],
  options: TestOptions,
  coverage: Coverage | undefined,
  tell: (told: Told) => void,
): Promise<readonly Told[]> {
  const sandbox = createScriptRunner({ outbound: nowhere, trialsOnly: true });
  const runner = coverage?.watch(sandbox) ?? sandbox;
  const simulator = createSimulator(runner);
  const told: (Told | undefined)[] = files.map(() => undefined);
  const done = new Set<number>();
  const crashed: number[] = [];
  let started = 0;
  let next = 0;
  const run = (index: number) => runFile(files[index] as CaseFile, options, runner, simulator);
  const finish = (index: number, each: Told | undefined) => {
    told[index] = each;
    done.add(index);
    for (; done.has(next); next += 1) {
      const following = told[next];
      if (following) tell(following);
    }
  };
  const work = async () => {
    while (started < files.length) {
      const index = started;
      started += 1;
      const each = await run(index);
      if (each?.crashed) crashed.push(index);
      else finish(index, each);
    }
  };
  try {
    await Promise.all(Array.from({ length: mostAtOnce }, work));
    // Who ended the process may be a neighbour; alone, it is known.
    for (const index of crashed) finish(index, await run(index));
  } finally {
    await simulator.close();
    await runner.close();
  }
  return told.filter((each) => each !== undefined);
}

const nowhere = {
  request: async () => ({ ok: false, code: 'unreachable', message: 'cases reach nothing outside' }) as const,
  close: async () => undefined,
};

/** @returns undefined where the filter leaves it out. */
async function runFile(
  { tenant, path, file }: CaseFile,
  { filter, update }: TestOptions,
  runner: ScriptRunner,
  simulator: Simulator,
): Promise<Told | undefined> {
  const text = await readFile(path, 'utf8');
  const named = nameOf(text) ?? file;
  if (filter !== undefined && !`${named} ${file}`.toLowerCase().includes(filter.toLowerCase())) return undefined;
  const began = performance.now();
  const { found, ...result } = await runText(text, file, tenant, runner, simulator);
  const told = { ...result, file, tenant, milliseconds: performance.now() - began };
  if (!update || !found || told.failures.length === 0) return told;
  const renewed = renewedCase(JSON.parse(text) as Found, found);
  await writeFile(path, `${JSON.stringify(renewed, undefined, 2)}\n`);
  const again = await runText(JSON.stringify(renewed), file, tenant, runner, simulator);
  return { ...told, name: `${told.name} (updated)`, failures: again.failures };
}

function nameOf(text: string): string | undefined {
  try {
    const { name } = JSON.parse(text) as { readonly name?: unknown };
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined;
  }
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
