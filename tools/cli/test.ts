/** `sallyport test`: replays the cases of a tenant's callbacks against the files as they are. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createOutboundClient } from '../../engine/outbound/guarded-client.ts';
import { codeFrame } from '../../engine/script/compile/frame.ts';
import { parseCase } from '../../engine/script/case/document.ts';
import { type CaseResult, runCase } from '../../engine/script/case/run.ts';
import { createScriptRunner } from '../../engine/script/pool.ts';
import { openTenantDirectory } from '../../engine/tenant/directory.ts';
import { scriptsOf } from '../../engine/tenant/scripts.ts';
import type { Tenant } from '../../engine/tenant/tenant.ts';

interface Told extends CaseResult {
  readonly file: string;
  readonly tenant: string;
}

export interface TestOptions {
  /** Where to write the results as JUnit XML. */
  readonly junit?: string;
}

/** @returns the exit code: 0 when every case holds, 1 otherwise, also where there is none, 2 where there is no such folder. */
export async function testCases(folder: string, options: TestOptions, write: (line: string) => void): Promise<number> {
  if (!(await stat(folder).catch(() => undefined))) {
    write(`There is no file or folder ${folder}.`);
    return 2;
  }
  const opened = await openTenantDirectory({
    path: folder,
    environment: madeUp,
    fileStandIn: (name) => `a made-up ${name}`,
  });
  if (!opened.ok) {
    for (const { message, hint } of opened.problems) write(`error  ${message}${hint ? ` ${hint}` : ''}`);
    return 1;
  }
  const outbound = createOutboundClient();
  const runner = createScriptRunner({ outbound, processes: 1 });
  const told: Told[] = [];
  try {
    for (const tenant of opened.directory.all()) {
      for (const file of await casesOf(tenant)) {
        const name = relative(process.cwd(), file);
        const read = parseCase(await readFile(file, 'utf8'), name);
        const result: CaseResult = read.ok
          ? await runCase(read.document, tenant, runner)
          : { name, failures: read.problems.map(({ message, hint }) => `${message} ${hint}`.trim()), result: nothing };
        told.push({ ...result, file: name, tenant: tenant.id });
        tell(result, name, tenant, write);
      }
    }
  } finally {
    await runner.close();
    await outbound.close();
    opened.directory.close();
  }
  const failed = told.filter(({ failures }) => failures.length > 0).length;
  if (told.length === 0) write(`There is no *.case.json below ${folder}.`);
  write(`${told.length - failed} passed, ${failed} failed`);
  const written = options.junit === undefined || (await writeJunit(options.junit, told, write));
  return failed > 0 || told.length === 0 || !written ? 1 : 0;
}

async function writeJunit(file: string, told: readonly Told[], write: (line: string) => void): Promise<boolean> {
  try {
    await writeFile(file, junitOf(told));
    return true;
  } catch (error) {
    write(`The results could not be written to ${file} (${(error as NodeJS.ErrnoException).code ?? 'failed'}).`);
    return false;
  }
}

/** Cases need no real secret: what the environment does not hold is made up, and so is what a file does not. */
const madeUp = new Proxy<Record<string, string | undefined>>(
  {},
  { get: (_target, name) => process.env[String(name)] ?? `a made-up ${String(name)}` },
);

const nothing: CaseResult['result'] = {
  ok: false,
  kind: 'syntax',
  message: 'the case cannot be read',
  logs: [],
  calls: [],
  cpuMicroseconds: 0,
  wallMicroseconds: 0,
};

async function casesOf({ folder }: Tenant): Promise<readonly string[]> {
  const files = await readdir(folder, { recursive: true });
  return files
    .filter((file) => file.endsWith('.case.json'))
    .sort()
    .map((file) => join(folder, file));
}

function tell(
  { name, failures, result }: CaseResult,
  file: string,
  tenant: Tenant,
  write: (line: string) => void,
): void {
  write(`${failures.length === 0 ? 'ok    ' : 'FAILED'} ${tenant.id}: ${name}`);
  if (failures.length === 0) return;
  write(`         ${file}`);
  for (const failure of failures) write(`         ${failure}`);
  if (result.ok || !result.location) return;
  const { location } = result;
  const frame = scriptsOf(tenant)
    .map(({ script }) => codeFrame(script, location))
    .find((each) => each !== undefined);
  if (frame) for (const line of frame.split('\n')) write(`         ${line}`);
}

function escape(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/g, '?');
}

/** The form that build servers read. Times are seconds. */
function junitOf(told: readonly Told[]): string {
  const cases = told.map(({ name, file, tenant, failures, result }) => {
    const head = `  <testcase classname="${escape(tenant)}" name="${escape(name)}" file="${escape(file)}" time="${(result.wallMicroseconds / 1e6).toFixed(3)}"`;
    if (failures.length === 0) return `${head}/>`;
    return `${head}>\n    <failure message="${escape(failures[0] ?? '')}">${escape(failures.join('\n'))}</failure>\n  </testcase>`;
  });
  const failed = told.filter(({ failures }) => failures.length > 0).length;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="sallyport" tests="${told.length}" failures="${failed}">\n${cases.join('\n')}\n</testsuite>\n`;
}
