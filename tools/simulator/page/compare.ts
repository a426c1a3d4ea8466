/** Two runs side by side: what is other in outcome, claims, response, path and times. */
import { type Change, changesBetween } from '../../../engine/simulator/diff.ts';
import type { ShownRun } from '../shown.ts';
import { brief, make } from './dom.ts';
import { timeText } from './drawing.ts';

/** Other in each run, whatever changes. */
const varying = /^\/(jti|sid|at_hash|access_token|id_token|refresh_token)$/;

export interface Part {
  readonly title: string;
  readonly changes: readonly Change[];
}

export function differences(before: ShownRun, after: ShownRun): readonly Part[] {
  const part = (title: string, of: (run: ShownRun) => unknown): Part => ({
    title,
    changes: changesBetween(of(before) ?? {}, of(after) ?? {}).filter(({ path }) => !varying.test(path)),
  });
  return [
    part('Outcome', ({ outcome, error, why }) => ({ outcome, ...(error ? { error } : {}), ...(why ? { why } : {}) })),
    part('Access token', ({ claims }) => claims),
    part('ID token', ({ tokens }) => tokens.id?.claims),
    part('Token response', ({ response }) => response),
    part('Log of the scripts', logOf),
    part('Calls', callsOf),
    part('Asked for', ({ plan }) => plan),
  ].filter(({ changes }) => changes.length > 0);
}

function logOf({ path }: ShownRun): unknown {
  return { lines: path.flatMap(({ hook }) => hook?.logs.map(({ message }) => message) ?? []) };
}

function callsOf({ path }: ShownRun): unknown {
  return { calls: path.flatMap(({ hook }) => hook?.calls.map(({ target, outcome }) => `${target}: ${outcome}`) ?? []) };
}

/** One change on a line, told by sign, word and colour. */
export function changeLine({ path, before, after }: Change): HTMLElement {
  const name = path.replace(/\/-$/, '').slice(1).replaceAll('/', ' › ').replaceAll('~1', '/').replaceAll('~0', '~');
  const [sign, word] =
    before === undefined ? ['+', 'added'] : after === undefined ? ['−', 'removed'] : ['±', 'changed'];
  return make(
    'li',
    `change ${word}`,
    make('span', { class: 'sign', aria: { hidden: 'true' } }, sign),
    make('span', 'visually-hidden', `${word}: `),
    make('code', 'path', name || 'all of it'),
    before !== undefined && make('del', {}, brief(before)),
    before !== undefined && after !== undefined && make('span', { class: 'arrow', aria: { hidden: 'true' } }, '→'),
    after !== undefined && make('ins', {}, brief(after)),
  );
}

export function changeList(changes: readonly Change[]): HTMLElement {
  return make('ul', 'changes', ...changes.map(changeLine));
}

/** What is other, in short, for the top of a result. */
export function differenceSummary(number: number, before: ShownRun, after: ShownRun): HTMLElement {
  const parts = differences(before, after);
  return make(
    'section',
    { class: 'since', id: 'since' },
    make('h3', {}, `Since run ${number}`),
    ...(parts.length === 0
      ? [make('p', 'quiet', 'Nothing is other, but for identifiers and times.')]
      : parts.flatMap(({ title, changes }) => [make('h4', {}, title), changeList(changes)])),
  );
}

/** Both in two columns. @param onlyDifferences leaves out of the claims what is alike. */
export function sideBySide(
  runs: readonly { readonly number: number; readonly run: ShownRun }[],
  left: number,
  right: number,
  onlyDifferences: boolean,
): HTMLElement {
  const [one, other] = [runs.find(({ number }) => number === left), runs.find(({ number }) => number === right)];
  if (!one || !other) return make('p', 'quiet', 'Run twice to compare.');
  const [a, b] = [one.run, other.run];
  const all: readonly (readonly [title: string, rows: readonly Row[]])[] = [
    [
      'Outcome',
      [
        ['outcome', a.outcome, b.outcome],
        ['time', timeText(a.milliseconds), timeText(b.milliseconds), true],
      ],
    ],
    ['Access token', rowsOf(a.claims, b.claims)],
    ['ID token', rowsOf(a.tokens.id?.claims, b.tokens.id?.claims)],
    ['Token response', rowsOf(a.response, b.response)],
    ['Path and times', pathRows(a, b)],
  ];
  const shown = all.map(([title, rows]) => {
    // Times are always worth a look.
    const kept =
      onlyDifferences && title !== 'Path and times' ? rows.filter((row) => differs(row) || row[0] === 'time') : rows;
    return kept.length > 0 && table(title, left, right, kept);
  });
  return make('div', {}, ...shown);
}

/** The last member says that a difference means nothing. */
type Row = readonly [name: string, left: unknown, right: unknown, idle?: boolean];

function rowsOf(
  left: Readonly<Record<string, unknown>> = {},
  right: Readonly<Record<string, unknown>> = {},
): readonly Row[] {
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].map((name): Row => [
    name,
    left[name],
    right[name],
    varying.test(`/${name}`),
  ]);
}

function pathRows(left: ShownRun, right: ShownRun): readonly Row[] {
  const names = (run: ShownRun) => run.path.map(({ state }) => state);
  const all = [...new Set([...names(left), ...names(right)])];
  const cell = (run: ShownRun, name: string) => {
    const visits = run.path.filter(({ state }) => state === name);
    if (visits.length === 0) return { text: undefined, outcome: undefined };
    const time = visits.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const outcome = visits.map((each) => each.outcome).join(', ');
    return { text: `${outcome} · ${timeText(time)}`, outcome };
  };
  return all.map((name): Row => {
    const [a, b] = [cell(left, name), cell(right, name)];
    return [name, a.text, b.text, a.outcome === b.outcome];
  });
}

function differs([, left, right, idle = false]: Row): boolean {
  return !idle && JSON.stringify(left) !== JSON.stringify(right);
}

function table(title: string, left: number, right: number, rows: readonly Row[]): HTMLElement {
  const head = (text: string) => {
    const cell = make('th', {}, text);
    cell.scope = 'col';
    return cell;
  };
  const body = rows.map((row) => {
    const [name, a, b, idle = false] = row;
    const cell = make('th', {}, name, differs(row) && make('span', 'visually-hidden', ' (differs)'));
    cell.scope = 'row';
    const kind = differs(row) ? 'differs' : idle ? 'idle' : '';
    return make('tr', kind, cell, make('td', {}, textOf(a)), make('td', {}, textOf(b)));
  });
  return make(
    'table',
    'pair',
    make('caption', {}, title),
    make('thead', {}, make('tr', {}, head('what'), head(`Run ${left}`), head(`Run ${right}`))),
    make('tbody', {}, ...body),
  );
}

function textOf(value: unknown): string {
  return value === undefined ? '—' : typeof value === 'string' ? value : JSON.stringify(value);
}
