/** The results of cases: lines for a person, JUnit XML and TAP for build servers. */
import { codeFrame } from '../../../engine/script/compile/frame.ts';
import type { SourceLocation } from '../../../engine/script/runner.ts';
import { scriptsOf } from '../../../engine/tenant/scripts.ts';
import type { Tenant } from '../../../engine/tenant/tenant.ts';

export interface Told {
  readonly name: string;
  readonly file: string;
  readonly tenant: Tenant;
  /** Sentences; none when the case holds. */
  readonly failures: readonly string[];
  readonly location?: SourceLocation;
  /** Whether what ran beside it may be why: the sandbox process ended under it, or it ran out of time. */
  readonly disturbed?: boolean;
  readonly milliseconds: number;
}

export type Reporter = 'lines' | 'junit' | 'tap';

export const reporters: readonly Reporter[] = ['lines', 'junit', 'tap'];

function* detailsOf({ file, failures, location, tenant }: Told): Generator<string> {
  yield file;
  yield* failures;
  if (!location) return;
  const frame = scriptsOf(tenant)
    .map(({ script }) => codeFrame(script, location))
    .find((each) => each !== undefined);
  yield* frame?.split('\n') ?? [];
}

export function* linesOf(told: Told): Generator<string> {
  yield `${told.failures.length === 0 ? 'ok    ' : 'FAILED'} ${told.tenant.id}: ${told.name}`;
  if (told.failures.length > 0) for (const line of detailsOf(told)) yield `         ${line}`;
}

function escape(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/g, '?');
}

/** The form that build servers read. Times are seconds. */
export function junitOf(told: readonly Told[]): string {
  const cases = told.map(({ name, file, tenant, failures, milliseconds }) => {
    const head = `  <testcase classname="${escape(tenant.id)}" name="${escape(name)}" file="${escape(file)}" time="${(milliseconds / 1000).toFixed(3)}"`;
    if (failures.length === 0) return `${head}/>`;
    return `${head}>\n    <failure message="${escape(failures[0] ?? '')}">${escape(failures.join('\n'))}</failure>\n  </testcase>`;
  });
  const failed = told.filter(({ failures }) => failures.length > 0).length;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="sallyport" tests="${told.length}" failures="${failed}">\n${cases.join('\n')}\n</testsuite>\n`;
}

/** The Test Anything Protocol, version 14. */
export function* tapOf(told: readonly Told[]): Generator<string> {
  yield 'TAP version 14';
  yield `1..${told.length}`;
  for (const [index, each] of told.entries()) {
    // A # would begin a directive.
    const name = `${each.tenant.id}: ${each.name}`.replace(/[\\#]/g, '\\$&').replace(/\s+/g, ' ');
    yield `${each.failures.length === 0 ? 'ok' : 'not ok'} ${index + 1} - ${name}`;
    if (each.failures.length > 0)
      for (const line of detailsOf(each)) for (const part of line.split('\n')) yield `# ${part}`;
  }
}
