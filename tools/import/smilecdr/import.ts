/** `sallyport import smilecdr`: reads everything, makes a folder of it that passes `sallyport check`, or says why not. */
import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { loadTenants } from '../../../engine/tenant/load-all.ts';
import type { Draft, ImportContext } from './draft.ts';
import { type Configuration, ModuleReader } from './modules.ts';
import { renderReport, Report } from './report.ts';
import { ruleOfType } from './rules/module-types.ts';
import { parseJson } from './seed-file.ts';
import { Seeds } from './seeds.ts';
import { Sources } from './sources.ts';
import type { Variables } from './substitution.ts';
import { importTenant } from './tenant.ts';

export interface ImportOptions {
  /** Properties files, JSON files, scripts, or folders that hold what those name. */
  readonly files: readonly string[];
  readonly into: string;
  /** Write over what is there. */
  readonly force?: boolean;
  readonly issuer?: string | undefined;
  readonly variables: Variables;
}

export type ImportResult =
  | { readonly ok: true; readonly report: string; readonly tenants: readonly string[] }
  | { readonly ok: false; readonly faults: readonly string[] };

const reportName = 'import-report.md';
const repository = resolve(import.meta.dirname, '../../..');

/** Reads the given files into the configuration and the seeds. */
async function read(context: ImportContext, files: readonly string[]) {
  const { report, sources } = context;
  for (const file of files) {
    const why = await sources.add(file);
    if (why !== undefined) report.fault(file, '', `It cannot be read: ${why}.`);
  }
  const modules = new ModuleReader(report);
  const seeds = new Seeds(context);
  for (const source of sources.ofKind('.properties')) modules.readProperties(source);
  for (const source of sources.ofKind('.json')) {
    const document = parseJson(context, source);
    if (document === undefined) continue;
    const [isModule, isSeed] = [modules.readJson(source, document), seeds.add(source, document)];
    if (!isModule && !isSeed)
      report.add(
        'missing',
        source.name,
        '/',
        'It holds neither clients, servers, users, keystores nor modules. Nothing was made of it.',
      );
  }
  return { configuration: modules.finish(), seeds };
}

/** The modules that become no tenant, and the node's own properties. */
function reportRest({ report }: ImportContext, { modules, node }: Configuration, used: ReadonlySet<string>): void {
  for (const { id, type, typeAt } of modules) {
    if (type === 'SECURITY_OUT_SMART' || used.has(id)) continue;
    if (type === 'SECURITY_IN_LOCAL')
      report.add(
        'missing',
        typeAt.source.name,
        typeAt.place,
        `No tenant requires the module ${id}: it and its people are not brought over.`,
      );
    else {
      const { outcome, text } = ruleOfType(type);
      report.add(outcome, typeAt.source.name, typeAt.place, text);
    }
  }
  for (const [key, { value, source, place }] of node) {
    if (key === 'node.propertysource' && !/^PROPERTIES/i.test(value.trim()))
      report.add(
        'differs',
        source.name,
        place,
        'Smile CDR runs by its database, which the properties only filled once: compare them with what `/module-config` of the JSON admin API answers, or import that.',
      );
    else
      report.add(
        'differs',
        source.name,
        place,
        'There are no nodes: every process serves all tenants, and folders are the configuration.',
      );
  }
}

async function draftAll(context: ImportContext, options: ImportOptions): Promise<readonly Draft[]> {
  const { report } = context;
  const { configuration, seeds } = await read(context, options.files);
  const outbound = configuration.modules.filter(({ type }) => type === 'SECURITY_OUT_SMART');
  if (outbound.length === 0 && report.faults.length === 0)
    report.fault(
      options.files.join(', '),
      '',
      'There is no module of type SECURITY_OUT_SMART in it, which would become a tenant.',
    );
  if (outbound.length > 1 && options.issuer !== undefined)
    report.fault(
      '--issuer',
      '',
      `It is for one tenant, but there are ${outbound.length} modules of type SECURITY_OUT_SMART.`,
    );
  for (const module of configuration.modules) {
    if (module.type === 'SECURITY_OUT_SMART') {
      await seeds.addNamed(module, 'seed_clients.file', 'clients');
      await seeds.addNamed(module, 'seed_servers.file', 'servers');
    } else if (module.type === 'SECURITY_IN_LOCAL') await seeds.addNamed(module, 'seed.users.file', 'users');
    else if (module.type === 'CLUSTERMGR') await seeds.addNamed(module, 'seed_keystores.file', 'keystores');
  }
  const drafts: Draft[] = [];
  const outboundIds = outbound.map(({ id }) => id);
  for (const module of outbound)
    drafts.push(await importTenant(context, configuration, module, seeds, { issuer: options.issuer, outboundIds }));
  const used = new Set(outbound.flatMap(({ requires }) => [...requires.values()].map(({ value }) => value.trim())));
  const brought = new Set(drafts.flatMap(({ document }) => (document.inbound ?? []).map(({ id }) => id)));
  reportRest(context, configuration, new Set([...used].filter((id) => brought.has(id))));
  seeds.reportUntaken(configuration);
  for (const source of context.sources.ofKind('.js'))
    if (!context.sources.used.has(source))
      report.add('missing', source.name, '/', 'No property names this script. Nothing was made of it.');
  return drafts;
}

async function write(folder: string, draft: Draft, target: string): Promise<void> {
  const schema = relative(target, join(repository, 'schemas/tenant.schema.json'));
  const isInside = !relative(repository, target).startsWith('..');
  const document = { ...(isInside ? { $schema: schema.replaceAll('\\', '/') } : {}), ...draft.document };
  const files = new Map(draft.files);
  files.set('tenant.json', { content: `${JSON.stringify(document, undefined, 2)}\n`, isSecret: false });
  for (const [name, { content, isSecret }] of files) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true, mode: isSecret ? 0o700 : 0o755 });
    await writeFile(path, content, { mode: isSecret ? 0o600 : 0o644 });
    if (isSecret) await chmod(path, 0o600);
  }
}

async function isTaken(folder: string): Promise<boolean> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? [] : ['not a folder'],
  );
  return entries.length > 0;
}

/** Loads what was written as `sallyport check` would, with every variable set that a person is asked to set. */
async function problemsOf(folder: string, drafts: readonly Draft[]): Promise<readonly string[]> {
  const names = drafts.flatMap(({ variables }) => [...variables]);
  const environment = Object.fromEntries(names.map((name) => [name, 'set before the first start']));
  const { problems } = await loadTenants(folder, environment);
  return problems.map(({ message, hint }) => `${message} ${hint}`.trim().replaceAll(`${folder}/`, ''));
}

/** Nothing is written unless all of it could be; `tenants` are the folders made. */
export async function importSmileCdr(options: ImportOptions): Promise<ImportResult> {
  const into = resolve(options.into);
  const refuse = (...faults: readonly string[]): ImportResult => ({ ok: false, faults });
  if (!options.force && (await isTaken(into)))
    return refuse(`${options.into} exists and is not empty. Name another folder, or say --force to write over it.`);
  const report = new Report();
  const context: ImportContext = { report, sources: new Sources(), variables: options.variables };
  const drafts = await draftAll(context, options);
  const faults = () =>
    report.faults.map(({ file, place, text }) => `${[file, place].filter((part) => part !== '').join(' ')}: ${text}`);
  if (report.faults.length > 0) return refuse(...faults());

  await mkdir(dirname(into), { recursive: true });
  const made = await mkdtemp(join(dirname(into), `.${basename(into)}-`));
  try {
    const folderOf = (draft: Draft) => (drafts.length === 1 ? '' : draft.document.id);
    for (const draft of drafts) await write(join(made, folderOf(draft)), draft, join(into, folderOf(draft)));
    const problems = await problemsOf(made, drafts);
    if (problems.length > 0) return refuse(...problems);
    const text = renderReport(report, {
      files: options.files,
      tenants: drafts.map(({ document }) => [document.id, document.issuer]),
    });
    await writeFile(join(made, reportName), text);
    await chmod(made, 0o755);
    if (options.force) await cp(made, into, { recursive: true, force: true, preserveTimestamps: true });
    else {
      await rm(into, { recursive: true, force: true });
      await rename(made, into);
    }
    return { ok: true, report: text, tenants: drafts.map((draft) => join(options.into, folderOf(draft))) };
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}
