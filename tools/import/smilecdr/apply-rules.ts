/** Judges the properties of a module by its rules. */
import { type Draft, type ImportContext, resolveSetting } from './draft.ts';
import type { Module } from './modules.ts';
import type { PropertyRule } from './rules/rule.ts';
import { hintOf } from './seed-file.ts';

/** Every property of a module has a line in the report: its rule's, or that nobody knows it. */
export function applyRules(context: ImportContext, draft: Draft, module: Module, rules: readonly PropertyRule[]): void {
  for (const [key, setting] of module.config) {
    const rule = rules.find((each) => each.key === key);
    const tell = (outcome: PropertyRule['outcome'], text: string) =>
      context.report.add(outcome, setting.source.name, setting.place, text);
    if (rule === undefined)
      tell(
        'missing',
        `The property is not known${hintOf(
          key,
          rules.map((each) => each.key),
        )} Nothing was made of it.`,
      );
    else if (rule.apply === undefined) tell(rule.outcome, rule.text);
    else if (rule.apply !== 'taken') {
      const value = resolveSetting(context, setting);
      if (value === undefined) continue;
      const { outcome = rule.outcome, text = rule.text } = rule.apply(value, draft.document) ?? {};
      tell(outcome, text);
    }
  }
}
