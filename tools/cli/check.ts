/** `sallyport check`: everything that is wrong with a configuration, offline. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createOutboundClient } from '../../engine/outbound/guarded-client.ts';
import { compileScript } from '../../engine/script/compile/compile.ts';
import { createScriptRunner } from '../../engine/script/pool.ts';
import type { ScriptRunner, SourceLocation } from '../../engine/script/runner.ts';
import { loadTenants, type LoadedTenants } from '../../engine/tenant/load-all.ts';
import { adviseOn } from '../../engine/tenant/script-advice.ts';
import { hooksOf, type ScriptSlot } from '../../engine/tenant/scripts.ts';
import { loadServerSettings } from '../../engine/tenant/server.ts';
import type { Script } from '../../engine/tenant/tenant.ts';
import { addTypeFindings, type Findings } from './check/findings.ts';
import { checkSkins } from './check/skins.ts';

type Write = (line: string) => void;

/** One script file of a tenant with every slot it serves. */
interface Used {
  readonly folder: string;
  readonly script: Script;
  readonly slots: readonly ScriptSlot[];
}

/**
 * @param path a tenant's folder, a folder of them, or a server file; what the server would take where absent.
 * @returns the exit code: 0 when nothing is wrong, 1 when something is, 2 when there is nothing to check. Warnings do not count.
 */
export async function check(path: string | undefined, write: Write): Promise<number> {
  if (path !== undefined && !(await exists(path))) {
    write(`There is no file or folder ${path}.`);
    return 2;
  }
  const loaded = await loadServerSettings({
    ...process.env,
    ...(path === undefined ? {} : { SALLYPORT_CONFIG: path }),
  });
  const config = loaded.ok ? loaded.settings.config : loaded.config;
  const all = config === undefined ? undefined : await loadTenants(config, process.env);
  const scripts = all ? await checkScripts(all) : { errors: [], warnings: [], notes: [] };
  const skins = checkSkins(all?.tenants ?? []);
  const errors = [...(loaded.ok ? [] : loaded.problems), ...(all?.problems ?? []), ...scripts.errors, ...skins.errors];
  const warnings = [...(all?.warnings ?? []), ...scripts.warnings, ...skins.warnings];
  for (const { message, hint } of errors) write(`error    ${message}${hint ? ` ${hint}` : ''}`);
  for (const { message, hint } of warnings) write(`warning  ${message}${hint ? ` ${hint}` : ''}`);
  for (const { message, hint } of scripts.notes) write(`note     ${message}${hint ? ` ${hint}` : ''}`);
  for (const { id, issuer } of errors.length === 0 ? (all?.tenants ?? []) : []) write(`ok       ${id} (${issuer})`);
  if (errors.length > 0 || warnings.length > 0)
    write(`${count(errors.length, 'error')}, ${count(warnings.length, 'warning')}`);
  return errors.length > 0 ? 1 : 0;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function usedScripts({ scripts }: LoadedTenants): readonly Used[] {
  const used = new Map<string, { folder: string; script: Script; slots: ScriptSlot[] }>();
  for (const { folder, script, slot } of scripts) {
    const key = join(folder, script.name);
    const entry = used.get(key) ?? { folder, script, slots: [] };
    entry.slots.push(slot);
    used.set(key, entry);
  }
  return [...used.values()];
}

/** Runs what stands at the top of each script, in a sandbox, and reads the rest. */
async function checkScripts(all: LoadedTenants): Promise<Findings> {
  const findings: Findings = { errors: [], warnings: [], notes: [] };
  const used = usedScripts(all).filter(({ script }) => compileScript(script).ok);
  if (used.length === 0) return findings;
  const outbound = createOutboundClient();
  const runner = createScriptRunner({ outbound, processes: 1 });
  try {
    for (const each of used) await checkScript(each, runner, findings);
  } finally {
    await runner.close();
    await outbound.close();
  }
  for (const [folder, scripts] of Map.groupBy(used, (each) => each.folder))
    await addTypeFindings(
      folder,
      scripts.map(({ script }) => script),
      findings,
    );
  return findings;
}

async function checkScript(
  { folder, script, slots }: Used,
  runner: ScriptRunner,
  { errors, warnings }: Findings,
): Promise<void> {
  const place = ({ file, line, column }: SourceLocation) => `${join(folder, file)}:${line}:${column}`;
  for (const { message, hint, location } of adviseOn(script, slots))
    warnings.push({ message: `${place(location)}: ${message}.`, hint });
  const result = await runner.inspect(script);
  if (!result.ok) {
    const at = place(result.location ?? { file: script.name, line: 1, column: 1 });
    errors.push({ message: `${at}: the script fails before any hook is called: ${result.message}.`, hint: '' });
    return;
  }
  const defined = result.functions.map(({ name }) => name);
  for (const slot of slots) {
    const wanted = hooksOf(slot);
    if (wanted.some((hook) => defined.includes(hook))) continue;
    const message = `${join(folder, script.name)}: nothing in it is ever called.`;
    warnings.push({ message, hint: `it needs ${wanted.join(' or ')}` });
  }
}
