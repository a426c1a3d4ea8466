/** `sallyport test`: replays the cases of callbacks and of whole flows against a tenant's files as they are. */
import { stat, writeFile } from 'node:fs/promises';
import type { OutboundClient } from '../../engine/outbound/client.ts';
import { createOutboundClient } from '../../engine/outbound/guarded-client.ts';
import { loadWithMadeUpSecrets, loadWithRealSecrets } from './made-up.ts';
import { coverageLines, lcovOf, tooLittle } from './test/coverage/report.ts';
import { type Coverage, createCoverage } from './test/coverage/runner.ts';
import { type CaseFile, createCaseFinder, folderFor, inputsOf } from './test/files.ts';
import { junitOf, linesOf, type Reporter, tapOf, type Told } from './test/report.ts';
import { createSuite, type Suite } from './test/suite.ts';
import { watchForEver } from './watch.ts';

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
  /** Really makes requests that cases do not foresee, and writes the answers into them. */
  readonly record?: boolean;
  /** Runs again those cases that a change concerns. */
  readonly watch?: boolean;
}

type Write = (line: string) => void;

/**
 * @param paths folders of tenants, or single cases of theirs.
 * @param ended ends the watching; a signal to the process unless given.
 * @returns the exit code: 0 when every case holds, 1 otherwise, also where there is none, 2 where there is no such folder.
 */
export async function testCases(
  paths: readonly string[],
  options: TestOptions,
  write: Write,
  ended?: Promise<unknown>,
): Promise<number> {
  for (const path of paths)
    if (!(await stat(path).catch(() => undefined))) {
      write(`There is no file or folder ${path}.`);
      return 2;
    }
  if (options.watch && (options.reporter ?? 'lines') !== 'lines') {
    write('--watch tells lines; leave --reporter out, or write --junit <file>.');
    return 2;
  }
  const suite = createSuite();
  const outside = options.record ? createOutboundClient() : undefined;
  try {
    const run = createRun(paths, options, suite, outside, write);
    let code = await run();
    if (options.watch) {
      const roots = await Promise.all(paths.map(folderFor));
      await watchForEver(roots, async () => (code = await run()), write, ended);
    }
    return code;
  } finally {
    await suite.close();
    await outside?.close();
  }
}

/** @returns what runs the cases, and answers the exit code: at first all, then those that are concerned by what changed. */
function createRun(
  paths: readonly string[],
  options: TestOptions,
  suite: Suite,
  outside: OutboundClient | undefined,
  write: Write,
): () => Promise<number> {
  const finder = createCaseFinder(outside ? loadWithRealSecrets : loadWithMadeUpSecrets);
  const known = new Map<string, { readonly inputs: string; readonly told: Told }>();
  const { reporter = 'lines', update = false } = options;
  const remark = (text: string) => write(reporter === 'tap' ? `# ${text}` : text);

  return async () => {
    const { files, problems } = await finder.find(paths);
    if (problems.length > 0) {
      for (const { message, hint } of problems) write(`error  ${message}${hint ? ` ${hint}` : ''}`);
      return 1;
    }
    const wanted = files.filter((file) => isWanted(file, options));
    const coverage = wantsCoverage(options) ? createCoverage() : undefined;
    for (const { tenant } of wanted) coverage?.add(tenant);
    // What the scripts reach is known of all cases together only.
    const concerned = coverage ? wanted : wanted.filter((file) => known.get(file.path)?.inputs !== inputsOf(file));
    const ran = await suite.run(concerned, { update, coverage, outside }, (each) => {
      if (reporter === 'lines') for (const line of linesOf(each)) write(line);
    });
    ran.forEach((each, index) => {
      const file = concerned[index] as CaseFile;
      known.set(file.path, { inputs: inputsOf(file), told: each });
    });
    const told = wanted.flatMap(({ path }) => known.get(path)?.told ?? []);
    if (reporter === 'junit') write(junitOf(told).trimEnd());
    if (reporter === 'tap') for (const line of tapOf(told)) write(line);
    if (reporter !== 'junit') {
      if (told.length === 0) remark(nothingFound(paths, options));
      remark(`${countsOf(told)}${ran.length < told.length ? `; ${ran.length} of them ran again` : ''}`);
    }
    const written = options.junit === undefined || (await writeReport(options.junit, junitOf(told), write));
    const covered = !coverage || (await tellCoverage(coverage, options, reporter === 'junit' ? complain : remark));
    const failed = told.some(({ failures }) => failures.length > 0);
    return failed || told.length === 0 || !written || !covered ? 1 : 0;
  };
}

function countsOf(told: readonly Told[]): string {
  const failed = told.filter(({ failures }) => failures.length > 0).length;
  return `${told.length - failed} passed, ${failed} failed`;
}

function isWanted({ text, file }: CaseFile, { filter }: TestOptions): boolean {
  return filter === undefined || `${nameOf(text) ?? ''} ${file}`.toLowerCase().includes(filter.toLowerCase());
}

function nameOf(text: string): string | undefined {
  try {
    const { name } = JSON.parse(text) as { readonly name?: unknown };
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined;
  }
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
  coverage.uncounted.forEach(remark);
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
