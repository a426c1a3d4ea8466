/** Turns a tenant folder into one immutable, validated object, or into the list of everything that is wrong with it. */
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { buildTenant } from './build.ts';
import { crossCheck } from './cross-check.ts';
import type { TenantDocument } from './document.ts';
import { type SecretSource, TenantFiles } from './files.ts';
import { malformedJson, problem, type Problem } from './problem.ts';
import { type BoundScript, scriptsOf } from './scripts.ts';
import { soundParts } from './sound-parts.ts';
import type { Tenant } from './tenant.ts';
import { validateDocument } from './validate.ts';

export type { Problem } from './problem.ts';
export type LoadResult =
  | { readonly ok: true; readonly tenant: Tenant; readonly warnings: readonly Problem[] }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** Those that could be read, for whoever looks further. */
      readonly scripts: readonly BoundScript[];
    };

const FILE = 'tenant.json';

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

/** What works, but probably not as it was meant. */
function warningsOf(tenant: Tenant, file: string): readonly Problem[] {
  const smart = tenant.clients.some(({ profile }) => profile === 'smart');
  const warnings: Problem[] = [];
  if (smart && tenant.fhirServers.length === 0) {
    const hint = 'without one no "aud" is accepted';
    warnings.push(problem('no-fhir-server', file, '/fhirServers', 'no FHIR server', 'at least one', hint));
  }
  if (hasSampleTerms(tenant)) {
    const hint = 'people are asked to accept a sample text';
    warnings.push(problem('terms-sample', file, '/termsOfService', 'no text', 'terms of your own', hint));
  }
  return warnings;
}

/** Whether people who are no demo users are asked to accept the sample terms. */
function hasSampleTerms({ demo, termsOfService }: Pick<Tenant, 'demo' | 'termsOfService'>): boolean {
  return !demo && termsOfService !== undefined && !termsOfService.text;
}

/**
 * Loads `tenant.json` of a folder and all files it names (DESIGN section 5).
 * @param options.masterEnvironment variables that `{"env": …}` secrets are read from; none unless given.
 * @param options.fileStandIn what stands for a `{"file": …}` secret that is not there; it is an error unless given.
 * @param options.texts what stands for the content of files that the document names, as an editor has not saved it yet.
 * @returns the deeply frozen tenant with warnings, or every problem found. Never rejects for a bad document.
 */
export async function loadTenant(
  folder: string,
  options: {
    readonly masterEnvironment?: SecretSource['environment'];
    readonly fileStandIn?: SecretSource['fileStandIn'];
    readonly texts?: ReadonlyMap<string, string>;
  } = {},
): Promise<LoadResult> {
  const name = join(folder, FILE);
  const files = new TenantFiles(folder, name, options.texts);
  const failed = (...problems: readonly Problem[]): LoadResult => ({ ok: false, problems, scripts: [] });
  let text: string;
  try {
    text = await readFile(name, 'utf8');
  } catch {
    return failed(problem('file-unreadable', name, '', 'no readable file', 'a tenant.json'));
  }
  files.remember(FILE, text);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return failed(malformedJson(name, text));
  }
  const original = structuredClone(document);
  const problems = validateDocument('tenant', document, name);
  const checked =
    problems.length === 0 ? (document as TenantDocument) : soundParts(original, basename(resolve(folder)));
  if (checked === undefined) return failed(...problems);
  crossCheck(checked, files.report.bind(files));
  const tenant = await buildTenant(checked, folder, files, {
    environment: options.masterEnvironment ?? {},
    ...(options.fileStandIn ? { fileStandIn: options.fileStandIn } : {}),
  });
  const all = [...problems, ...files.problems];
  if (all.length > 0) return { ok: false, problems: all, scripts: scriptsOf(tenant) };
  return { ok: true, tenant: deepFreeze(tenant), warnings: [...warningsOf(tenant, name), ...files.warnings] };
}
