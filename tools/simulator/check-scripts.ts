/** What is wrong with the lines of a tenant's scripts: the same that `sallyport check` finds without running them. */
import { compileScript } from '../../engine/script/compile/compile.ts';
import type { SourceLocation } from '../../engine/script/runner.ts';
import { adviseOn } from '../../engine/tenant/script-advice.ts';
import type { BoundScript, ScriptSlot } from '../../engine/tenant/scripts.ts';
import type { Script } from '../../engine/tenant/tenant.ts';
import { checkTypes } from '../cli/check/types.ts';
import type { LineFault } from './shown.ts';

export async function checkScripts(bound: readonly BoundScript[]): Promise<readonly LineFault[]> {
  const scripts = new Map<string, { readonly script: Script; readonly slots: ScriptSlot[] }>();
  for (const { slot, script } of bound) {
    const entry = scripts.get(script.name) ?? { script, slots: [] };
    entry.slots.push(slot);
    scripts.set(script.name, entry);
  }
  const faults: LineFault[] = [];
  const add = (severity: LineFault['severity'], at: SourceLocation, message: string, hint = '') =>
    void faults.push({ ...at, severity, message: `${message}${hint ? ` ${hint}` : ''}` });
  for (const { script, slots } of scripts.values()) {
    const compiled = compileScript(script);
    for (const { location, message, hint } of compiled.ok ? [] : compiled.problems)
      add('error', location, `${message}.`, hint);
    for (const { location, message, hint } of adviseOn(script, slots)) add('warning', location, `${message}.`, hint);
  }
  const types = await checkTypes([...scripts.values()].map(({ script }) => script));
  for (const { severity, message, code, ...at } of types?.problems ?? []) {
    // What types prove need not be guessed as well.
    const same = faults.findIndex(
      (each) => each.file === at.file && each.line === at.line && each.column === at.column,
    );
    if (same >= 0) faults.splice(same, 1);
    add(severity, at, message, `(${code})`);
  }
  // Names that differ from Smile CDR are right: what the editor says of them says so.
  for (const { name, note, compatibility, ...at } of types?.uses ?? [])
    if (compatibility === 'missing') add('warning', at, `${name} is not supported.`, note);
  return faults;
}
