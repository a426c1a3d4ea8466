/** Asks at a terminal what is to be simulated; Enter takes the first of each. */
import { createInterface } from 'node:readline/promises';
import { decisionWords } from '../../../engine/simulator/decisions.ts';
import { flowsOf, hasPerson, mayUse, type SimulatedFlow } from '../../../engine/simulator/plan.ts';
import type { Tenant } from '../../../engine/tenant/tenant.ts';

type Tree = Record<string, unknown>;

export async function askPlan(tenant: Tenant, write: (line: string) => void): Promise<Tree> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const choose = async (what: string, choices: readonly string[]): Promise<string | undefined> => {
    if (choices.length < 2) return choices[0];
    write(what);
    for (const [index, choice] of choices.entries()) write(`  ${index + 1}  ${choice}`);
    for (;;) {
      const text = (await terminal.question('[1] ')).trim();
      if (text === '') return choices[0];
      const found = choices[Number(text) - 1] ?? choices.find((choice) => choice === text);
      if (found !== undefined) return found;
      write(`Type a number from 1 to ${choices.length}, or the name.`);
    }
  };
  try {
    const flow = (await choose('Flow', flowsOf(tenant))) as SimulatedFlow | undefined;
    if (flow === undefined) return {};
    const able = tenant.clients.filter((client) => mayUse(flow, client)).map(({ clientId }) => clientId);
    const given: Tree = { flow };
    given['client'] = await choose('App', able);
    if (flow === 'federated')
      given['provider'] = {
        id: await choose(
          'Provider',
          tenant.providers.map(({ id }) => id),
        ),
      };
    if (flow === 'interactive')
      given['user'] = await choose(
        'Person',
        tenant.users.filter(({ enabled }) => enabled).map(({ username }) => username),
      );
    const scopes = (await terminal.question('Scopes, or Enter for all that fit the app: ')).trim();
    if (scopes !== '') given['scopes'] = scopes.split(/\s+/);
    if (hasPerson(flow) && /^n/i.test(await terminal.question('Does the person agree to everything? [Y/n] ')))
      given['decisions'] = await askDecisions(choose);
    for (const [name, value] of Object.entries(given)) if (value === undefined) delete given[name];
    return given;
  } finally {
    terminal.close();
  }
}

async function askDecisions(
  choose: (what: string, choices: readonly string[]) => Promise<string | undefined>,
): Promise<Tree> {
  const decisions: Tree = {};
  for (const [state, words] of Object.entries(decisionWords())) {
    const word = await choose(`At ${state}`, words);
    if (word !== undefined && word !== words[0]) decisions[state] = word;
  }
  return decisions;
}
