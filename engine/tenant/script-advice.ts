/** What is probably not meant in a script that loads: functions that no hook will ever find, and those that will fail. */
import { compileScript } from '../script/compile/compile.ts';
import { declaredFunctions } from '../script/compile/module.ts';
import { locate, parseFile } from '../script/compile/parse.ts';
import type { HookName, SourceLocation } from '../script/runner.ts';
import { didYouMean, editDistance } from './problem.ts';
import { hookParameters, hooksOf, placeOf, type ScriptSlot } from './scripts.ts';
import type { Script } from './tenant.ts';
import { firstUnguardedUse, topFunctions } from './unguarded-session.ts';

export interface Advice {
  readonly code: 'hook-unknown' | 'hook-elsewhere' | 'hook-arity' | 'hook-hidden' | 'session-unguarded';
  readonly message: string;
  readonly hint: string;
  readonly location: SourceLocation;
}

const hookNames = Object.keys(hookParameters) as HookName[];

function isHook(name: string): name is HookName {
  return (hookNames as readonly string[]).includes(name);
}

/** What a name with a slip in it was meant to be. Helpers often begin like hooks, so other names than `on…` must be nearer. */
function meant(name: string): string {
  if (/^on[A-Z]/.test(name)) return didYouMean(name, hookNames) || `the hooks are ${hookNames.join(', ')}`;
  const near = hookNames.filter((hook) => editDistance(hook.toLowerCase(), name.toLowerCase()) <= 2);
  return didYouMean(name, near);
}

/**
 * @param slots where the tenant's document names this script: all of them, as one file may serve several.
 * @returns nothing for a script that does not load, of which the loader tells.
 */
export function adviseOn(script: Script, slots: readonly ScriptSlot[]): readonly Advice[] {
  const compiled = compileScript(script);
  const file = parseFile(script.name, script.source);
  if (!compiled.ok || !file.ok) return [];
  const { parsed } = file;
  const advice: Advice[] = [];
  const report = (code: Advice['code'], location: SourceLocation, message: string, hint = '') =>
    advice.push({ code, message, hint, location });
  const called = slots.flatMap(hooksOf);
  const found = compiled.program.functions.map(({ name }) => name);
  const statements = parsed.tree.body as Parameters<typeof declaredFunctions>[1];
  for (const { name, parameters, location } of declaredFunctions(parsed, statements)) {
    if (!isHook(name)) {
      const hint = meant(name);
      if (hint !== '') report('hook-unknown', location, `${name} is no hook, so nothing calls it`, hint);
      continue;
    }
    const takes = hookParameters[name];
    if (!found.includes(name))
      report('hook-hidden', location, `${name} is not exported, so nothing calls it`, `write export function ${name}`);
    else if (!called.includes(name))
      report('hook-elsewhere', location, `${name} is never called here`, `it belongs into ${placeOf(name)}`);
    else if (parameters !== undefined && parameters > takes.length)
      report(
        'hook-arity',
        location,
        `${name} has ${parameters} parameters, but is called with ${takes.length}`,
        takes.join(', '),
      );
  }
  const functions = topFunctions(parsed.tree);
  const hook = called.includes('onTokenGenerating') ? functions.get('onTokenGenerating') : undefined;
  const unguarded = hook && firstUnguardedUse(hook, functions);
  if (unguarded !== undefined)
    report(
      'session-unguarded',
      locate(parsed.file, parsed.text, unguarded),
      'onTokenGenerating uses its first parameter without asking whether it is null',
      'it is null where a client acts for itself: test it first',
    );
  return advice;
}
