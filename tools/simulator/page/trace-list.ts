/** Flows that happened: looked for on a running server, or brought as a file. */
import type { DrawnFlow, ListedTrace } from '../shown.ts';
import { make, options } from './dom.ts';

export interface TraceList {
  readonly element: HTMLElement;
  /** Forgets what was found, as for another tenant. */
  forget(): void;
}

/** What can be looked for, by the names of the admin API. */
const fields: readonly { readonly name: string; readonly label: string; readonly example: string }[] = [
  { name: 'clientId', label: 'App', example: 'sample-app' },
  { name: 'userId', label: 'Person', example: 'id of the person' },
  { name: 'version', label: 'Version', example: '3f5a91' },
  { name: 'since', label: 'Since', example: '2026-11-28T08:00:00Z' },
  { name: 'before', label: 'Before', example: '2026-11-28T09:00:00Z' },
];

/**
 * @param parts.search undefined where there is no server to ask.
 * @param parts.open shows one.
 * @param parts.openFile shows what a file holds.
 */
export function createTraceList(parts: {
  readonly flows: readonly DrawnFlow[];
  readonly hooks: readonly string[];
  readonly search?: (query: Readonly<Record<string, string>>) => Promise<readonly ListedTrace[]>;
  readonly open: (id: string) => void;
  readonly openFile: (text: string) => Promise<void>;
  readonly act: (action: () => Promise<unknown>) => void;
}): TraceList {
  const { search } = parts;
  const found = make('div', { id: 'traces-found', aria: { live: 'polite' } });
  const file = make('input', { id: 'trace-file' });
  file.type = 'file';
  file.accept = '.json,application/json';
  file.addEventListener('change', () => {
    const [chosen] = file.files ?? [];
    if (chosen) parts.act(async () => parts.openFile(await chosen.text()));
    file.value = '';
  });
  const fromFile = make('label', 'file', 'Trace file ', file);
  const element = make('div', 'traces', make('h3', {}, 'Flows that happened'));
  if (search) element.append(formOf(search), found);
  element.append(
    make('section', {}, make('h3', {}, search ? 'Or one from elsewhere' : 'From a server'), fromFile),
    make('p', 'quiet', 'As ', make('code', {}, 'npx sallyport trace show <id> > trace.json'), ' writes it.'),
  );

  function formOf(ask: NonNullable<typeof search>): HTMLElement {
    const flow = select('flow', [
      'any',
      ...new Set(parts.flows.map(({ name }) => name).filter((name) => name !== 'federated')),
    ]);
    const outcome = select('outcome', ['any', 'success', 'failure']);
    const hook = select('hook', ['any', ...parts.hooks]);
    const inputs = fields.map(({ name, label, example }) => {
      const input = make('input');
      input.name = name;
      input.placeholder = example;
      input.spellcheck = false;
      return make('label', {}, `${label} `, input);
    });
    const button = make('button', 'primary', 'Search');
    const form = make(
      'form',
      { class: 'chooser', id: 'trace-search', role: 'search', aria: { label: 'Flows that happened' } },
      make('label', {}, 'Flow ', flow),
      make('label', {}, 'Outcome ', outcome),
      make('label', {}, 'Callback ', hook),
      ...inputs,
      make('div', 'actions', button),
    );
    form.autocomplete = 'off';
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const query = Object.fromEntries(
        [...new FormData(form)].flatMap(([name, value]) =>
          typeof value === 'string' && value.trim() !== '' ? [[name, value.trim()] as const] : [],
        ),
      );
      parts.act(async () => show(await ask({ ...query, limit: '50' })));
    });
    return form;
  }

  function show(traces: readonly ListedTrace[]): void {
    if (traces.length === 0) return found.replaceChildren(make('p', 'quiet', 'None was found.'));
    const rows = traces.map(({ id, flow, outcome, startedAt, clientId = '', hooks }) => {
      const open = make(
        'button',
        { class: 'link', on: { click: () => parts.open(id) } },
        startedAt.slice(0, 19).replace('T', ' '),
      );
      open.type = 'button';
      const cell = make('th', {}, open);
      cell.scope = 'row';
      return make(
        'tr',
        outcome === 'success' ? '' : 'refused',
        cell,
        make('td', {}, flow),
        make('td', {}, outcome),
        make('td', {}, clientId),
        make('td', {}, [...new Set(hooks)].join(', ')),
      );
    });
    const heads = ['Began (UTC)', 'Flow', 'Outcome', 'App', 'Callbacks'].map((text) => {
      const cell = make('th', {}, text);
      cell.scope = 'col';
      return cell;
    });
    return found.replaceChildren(
      make(
        'div',
        { class: 'wide-table', tabIndex: 0, role: 'region', aria: { label: 'What was found' } },
        make('table', 'list', make('thead', {}, make('tr', {}, ...heads)), make('tbody', {}, ...rows)),
      ),
    );
  }

  return { element, forget: () => found.replaceChildren() };
}

function select(name: string, words: readonly string[]): HTMLSelectElement {
  const list = make('select');
  list.name = name;
  options(
    list,
    words.map((word) => ({ value: word === 'any' ? '' : word, label: word })),
  );
  return list;
}
