/** The controls above: which flow, app and person, and what they do. They read and write the `given` of a case. */
import type { DrawnFlow, Setting, ShownTenant } from '../shown.ts';
import { byId, make, options } from './dom.ts';
import type { Settings } from './share.ts';

type Given = Record<string, unknown>;

export interface Controls {
  show(tenant: ShownTenant): void;
  /** Puts settings of a link, or the `given` of a case, into the controls. */
  apply(settings: Settings): void;
  applyGiven(given: Given): void;
  /** @throws Error with a sentence where the rest is no JSON. */
  plan(): Given;
  settings(): Settings;
  readonly flow: string;
}

const select = (id: string) => byId<HTMLSelectElement>(id);
const input = (id: string) => byId<HTMLInputElement>(id);
const hasPerson = (flow: string) => flow === 'interactive' || flow === 'federated';

/** @param changed is told when the flow is another one. */
export function createControls(setting: Setting, changed: () => void): Controls {
  let tenant: ShownTenant | undefined;
  const rest = byId<HTMLTextAreaElement>('rest');
  const decisionSelects = new Map<string, HTMLSelectElement>();

  const titleOf = (name: string) =>
    name === 'federated' ? 'Log-in at a provider' : (setting.flows.find((flow) => flow.name === name)?.title ?? name);

  function showFlow(): void {
    if (!tenant) return;
    const flow = select('flow').value;
    const fitting = tenant.clients.filter(({ flows }) => flows.some((name) => name === flow));
    const others = tenant.clients.filter((client) => !fitting.includes(client));
    const entry = ({ id, name }: ShownTenant['clients'][number], remark = '') => ({
      value: id,
      label: `${name} (${id})${remark}`,
    });
    const wasFitting = fitting.some(({ id }) => id === select('client').value);
    options(select('client'), [
      ...fitting.map((each) => entry(each)),
      ...others.map((each) => entry(each, ' – not for this flow')),
    ]);
    if (!wasFitting) select('client').selectedIndex = 0;
    byId('user-field').hidden = flow !== 'interactive';
    byId('provider-field').hidden = flow !== 'federated';
    showDecisions(setting.flows.find(({ name }) => name === flow));
    count();
  }

  function showDecisions(flow: DrawnFlow | undefined): void {
    const before = chosenDecisions();
    decisionSelects.clear();
    const fields = (hasPerson(flow?.name ?? '') ? (flow?.states ?? []) : [])
      .filter(({ name, kind }) => kind === 'wait' && setting.decisions[name])
      .map(({ name }) => {
        const list = make('select');
        const words = setting.decisions[name] ?? [];
        options(
          list,
          words.map((word, index) => ({
            value: index === 0 ? '' : word,
            label: index === 0 ? `${word} (usual)` : word,
          })),
        );
        decisionSelects.set(name, list);
        setDecision(name, before[name] ?? '');
        list.addEventListener('change', count);
        return make('label', {}, name, ' ', list);
      });
    byId('decisions').hidden = fields.length === 0;
    byId('decisions').replaceChildren(make('legend', {}, 'What the person does'), ...fields);
  }

  /** A word that is none of the list, such as the patient to be chosen, gets an entry of its own. */
  function setDecision(state: string, word: string): void {
    const list = decisionSelects.get(state);
    if (!list) return;
    if (![...list.options].some(({ value }) => value === word)) {
      const option = make('option', {}, word);
      option.value = word;
      list.append(option);
    }
    list.value = word;
  }

  function chosenDecisions(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      [...decisionSelects].flatMap(([state, { value }]) => (value === '' ? [] : [[state, value]])),
    );
  }

  /** How much under "More" is not as usual. */
  function count(): void {
    const set = ['scopes', 'launch', 'now'].filter((id) => input(id).value.trim() !== '').length;
    const all = set + Object.keys(chosenDecisions()).length + (rest.value.trim() === '' ? 0 : 1);
    byId('more-count').textContent = all === 0 ? '' : `(${all} set)`;
  }

  select('flow').addEventListener('change', () => {
    showFlow();
    changed();
  });
  byId('controls').addEventListener('input', count);

  function settings(): Settings {
    const flow = select('flow').value;
    return {
      ...(tenant ? { tenant: tenant.id } : {}),
      flow,
      client: select('client').value,
      ...(flow === 'interactive' ? { user: select('user').value } : {}),
      ...(flow === 'federated' ? { provider: select('provider').value } : {}),
      scopes: input('scopes').value.trim(),
      launch: input('launch').value.trim(),
      now: input('now').value.trim(),
      decisions: chosenDecisions(),
    };
  }

  function plan(): Given {
    const { tenant: _tenant, flow, client, user, provider, scopes, launch, now, decisions } = settings();
    const more = restIn(rest.value);
    return {
      flow,
      ...(client ? { client } : {}),
      ...(user ? { user } : {}),
      ...(scopes ? { scopes: scopes.split(/\s+/) } : {}),
      ...(launch ? { launch: launchIn(launch) } : {}),
      ...(now ? { now } : {}),
      ...more,
      ...(provider ? { provider: { id: provider, ...(more['provider'] as object | undefined) } } : {}),
      decisions: { ...(more['decisions'] as object | undefined), ...decisions },
    };
  }

  function apply(wanted: Settings): void {
    const { flow, decisions = {} } = wanted;
    if (flow && setOf('flow', flow)) showFlow();
    for (const name of ['client', 'user', 'provider'] as const) {
      const value = wanted[name];
      if (value) setOf(name, value);
    }
    for (const name of ['scopes', 'launch', 'now'] as const) input(name).value = wanted[name] ?? '';
    for (const state of decisionSelects.keys()) setDecision(state, decisions[state] ?? '');
    count();
    changed();
  }

  function applyGiven(given: Given): void {
    const { flow = 'interactive', client, user, scopes, launch, now, decisions = {}, ...more } = given;
    const words = Object.entries(decisions as Given).filter(
      (each): each is [string, string] => typeof each[1] === 'string',
    );
    const others = Object.entries(decisions as Given).filter(([, value]) => typeof value !== 'string');
    const contexts = typeof launch === 'object' && launch !== null ? Object.entries(launch) : [];
    const simple = contexts.every(([, value]) => typeof value === 'string' && !/\s/.test(value));
    apply({
      flow: String(flow),
      ...(typeof client === 'string' ? { client } : {}),
      ...(typeof user === 'string' ? { user } : {}),
      scopes: Array.isArray(scopes) ? scopes.join(' ') : '',
      launch:
        typeof launch === 'string'
          ? launch
          : simple
            ? contexts.map(([name, value]) => `${name}=${value}`).join(' ')
            : '',
      now: typeof now === 'string' ? now : '',
      decisions: Object.fromEntries(words),
    });
    const left = {
      ...more,
      ...(simple ? {} : { launch }),
      ...(others.length > 0 ? { decisions: Object.fromEntries(others) } : {}),
    };
    rest.value = Object.keys(left).length > 0 ? JSON.stringify(left, undefined, 2) : '';
    count();
  }

  return {
    show(next) {
      tenant = next;
      options(
        select('flow'),
        next.flows.map((name) => ({ value: name, label: titleOf(name) })),
      );
      options(
        select('user'),
        next.users.map(({ name, label }) => ({ value: name, label: label ? `${label} (${name})` : name })),
      );
      options(
        select('provider'),
        next.providers.map((id) => ({ value: id, label: id })),
      );
      showFlow();
    },
    apply,
    applyGiven,
    plan,
    settings,
    get flow() {
      return select('flow').value;
    },
  };
}

function setOf(id: string, value: string): boolean {
  const list = select(id);
  const known = [...list.options].some((option) => option.value === value);
  if (known) list.value = value;
  return known;
}

/** `patient=jane encounter=1`, or a handle of the EHR's own. */
function launchIn(text: string): unknown {
  const parts = text.split(/\s+/).map((part) => part.split('='));
  return parts.every(({ length }) => length === 2) ? Object.fromEntries(parts as [string, string][]) : text;
}

function restIn(text: string): Given {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`What stands under More is no JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('What stands under More is no JSON object.');
  return value as Given;
}
