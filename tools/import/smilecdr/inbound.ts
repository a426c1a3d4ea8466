/** The module that checks credentials, and its people. */
import { applyRules } from './apply-rules.ts';
import { type Draft, type ImportContext, resolveSetting } from './draft.ts';
import type { Configuration, Module } from './modules.ts';
import { ruleOfType } from './rules/module-types.ts';
import { localRules } from './rules/local.ts';
import { scriptedRules } from './rules/scripted.ts';
import { addScript, scriptOf } from './scripts.ts';
import type { Seeds } from './seeds.ts';
import { importUser } from './users.ts';

/** Brings over the module that `SECURITY_IN_UP` names. Where it is no local one, nobody logs in by password. */
export async function importInbound(
  context: ImportContext,
  draft: Draft,
  configuration: Configuration,
  module: Module,
  seeds: Seeds,
): Promise<void> {
  const { report } = context;
  const { document } = draft;
  document.inbound = [];
  const setting = module.requires.get('SECURITY_IN_UP');
  const id = setting && resolveSetting(context, setting)?.trim();
  if (setting === undefined || id === undefined || id === '') return;
  const tell = (outcome: 'carried' | 'differs' | 'missing', text: string) =>
    report.add(outcome, setting.source.name, setting.place, text);
  const inbound = configuration.modules.find((each) => each.id === id);
  if (inbound && inbound.type.startsWith('SECURITY_IN_SCRIPTED')) {
    const script = await scriptOf(context, inbound, 'callback_script');
    if (!script) return tell('missing', `The scripted module ${id} has no script, so nobody could log in by it.`);
    const file = addScript(context, draft, script, { name: id, what: `\`inbound[].script\` of ${id}` });
    document.inbound = [{ type: 'scripted', id, script: file }];
    if (!/\bauthenticate\b/.test(script.text))
      report.fault(
        script.source.name,
        script.place,
        'The script has no function authenticate: nobody could log in by it.',
      );
    applyRules(context, draft, inbound, scriptedRules);
    tell('carried', `\`inbound\`: the scripted module ${id}.`);
    return;
  }
  if (inbound && inbound.type !== 'SECURITY_IN_LOCAL') {
    tell('missing', `The module ${id} is of type ${inbound.type}. ${ruleOfType(inbound.type).text}`);
    const script = await scriptOf(context, inbound, 'callback_script');
    if (script) {
      const file = addScript(context, draft, script, { name: id, what: 'The script of that module' });
      report.add('missing', script.source.name, script.place, `Nothing runs ${file} before a log-in module names it.`);
    }
    return;
  }
  if (inbound) tell('carried', `\`inbound\`: the local module ${id}.`);
  else tell('differs', `The module ${id} is in none of the files: it is taken for a local one.`);
  const script = inbound && (await scriptOf(context, inbound, 'callback_script'));
  const file = script && addScript(context, draft, script, { name: id, what: `\`inbound[].script\` of ${id}` });
  document.inbound = [{ type: 'local', id, ...(file === undefined ? {} : { script: file }) }];
  if (inbound) {
    applyRules(context, draft, inbound, localRules);
    for (const [, { source, place }] of inbound.requires)
      report.add('differs', source.name, place, 'There is no such dependency here.');
  }
  const locals = configuration.modules.filter(({ type }) => type === 'SECURITY_IN_LOCAL').map((local) => local.id);
  const encoding = inbound?.config.get('password_encoding_type')?.value.trim();
  for (const item of seeds.of(id, 'users', locals.length === 0 ? [id] : locals)) {
    const user = await importUser(context, draft, item, encoding);
    if (user === undefined) continue;
    if (document.users?.some(({ username }) => username === user.username))
      item.fault('username', `There is another one called ${user.username}. Decide which of them is meant.`);
    else document.users = [...(document.users ?? []), user];
  }
  if (document.users?.length)
    tell(
      'differs',
      'User names are told apart by upper and lower case: Smile CDR may keep them in capitals and accept them in any case.',
    );
}
