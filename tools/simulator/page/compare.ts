/** Two runs side by side: what is other in outcome, claims, response, path and times. */
import { type Change, changesBetween } from '../../../engine/simulator/diff.ts';
import type { ShownHook, ShownRun } from '../shown.ts';
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
    // Of a flow that happened no token is kept: what callbacks did says what would be in it.
    ...(after.happened ? [part('Effects of the callbacks', effectsOf)] : []),
    ...(before.happened && noLogs(before) ? [] : [part('Log of the scripts', logOf)]),
    part('Calls', callsOf),
    part('Asked for', ({ plan }) => plan),
  ].filter(({ changes }) => changes.length > 0);
}

function effectsOf({ path }: ShownRun): unknown {
  return Object.fromEntries(hooksOf(path).map(([name, hook]) => [name, hook.effect ?? {}]));
}

/** Each by its name, and by its number where it was asked again. */
function hooksOf(path: ShownRun['path']): readonly (readonly [string, ShownHook])[] {
  const times = new Map<string, number>();
  return path.flatMap(({ hook }) => {
    if (!hook || hook.script === undefined) return [];
    const time = (times.get(hook.name) ?? 0) + 1;
    times.set(hook.name, time);
    return [[time === 1 ? hook.name : `${hook.name} (${time})`, hook] as const];
  });
}

/** Tenants may keep no log. */
function noLogs({ path }: ShownRun): boolean {
  return path.every(({ hook }) => (hook?.logs.length ?? 0) === 0);
}

function logOf({ path }: ShownRun): unknown {
  return { lines: path.flatMap(({ hook }) => hook?.logs.map(({ message }) => message) ?? []) };
}

function callsOf({ path }: ShownRun): unknown {
  return { calls: path.flatMap(({ hook }) => hook?.calls.map(({ target, outcome }) => `${target}: ${outcome}`) ?? []) };
}

/** A JSON pointer for a person. */
function placeText(pointer: string): string {
  return pointer.replace(/\/-$/, '').slice(1).replaceAll('/', ' › ').replaceAll('~1', '/').replaceAll('~0', '~');
}

/** One change on a line, told by sign, word and colour. */
export function changeLine({ path, before, after }: Change): HTMLElement {
  const name = placeText(path);
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

/** What is other, in short, for the top of a result. @param title of the section. */
export function differenceSummary(title: string, before: ShownRun, after: ShownRun): HTMLElement {
  const parts = differences(before, after);
  return make(
    'section',
    { class: 'since', id: 'since' },
    make('h3', {}, title),
    ...(parts.length === 0
      ? [make('p', 'quiet', 'Nothing is other, but for identifiers and times.')]
      : parts.flatMap(({ title, changes }) => [make('h4', {}, title), changeList(changes)])),
  );
}

/** Both in two columns. @param onlyDifferences leaves out of the claims what is alike. */
export function sideBySide(
  one: { readonly label: string; readonly run: ShownRun },
  other: { readonly label: string; readonly run: ShownRun },
  onlyDifferences: boolean,
): HTMLElement {
  const [a, b] = [one.run, other.run];
  const [left, right] = [one.label, other.label];
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
    ...hookRows(a, b),
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

/** What each callback was asked, did, logged and took; alike where only times differ. */
function hookRows(left: ShownRun, right: ShownRun): readonly (readonly [string, readonly Row[]])[] {
  const [before, after] = [new Map(hooksOf(left.path)), new Map(hooksOf(right.path))];
  const logs = (hook: ShownHook | undefined) => hook?.logs.map(({ message }) => message).join('\n') || undefined;
  const calls = (hook: ShownHook | undefined) =>
    hook?.calls.map(({ target, outcome }) => `${target}: ${outcome}`).join('\n') || undefined;
  const outcome = (hook: ShownHook | undefined) =>
    hook && (hook.failure ? `${hook.failure.kind}: ${hook.failure.message}` : hook.ran ? 'ok' : 'absent');
  const place = ({ failure }: ShownHook) =>
    failure?.location && `${failure.location.file}:${failure.location.line}:${failure.location.column}`;
  // Where no log was kept, its absence says nothing.
  const silent = [left, right].some((run) => run.happened && noLogs(run));
  const happened = (left.happened ?? right.happened) !== undefined;
  return [...new Set([...before.keys(), ...after.keys()])].map((name) => {
    const [a, b] = [before.get(name), after.get(name)];
    // Of a simulation the tokens show it.
    const changes = happened ? changesBetween(a?.effect ?? {}, b?.effect ?? {}) : [];
    const effect = changes.map((change): Row => [placeText(change.path) || 'effect', change.before, change.after]);
    const rows: readonly Row[] = [
      ['outcome', outcome(a), outcome(b)],
      ['where', a && place(a), b && place(b)],
      ['version', a?.version?.slice(0, 8), b?.version?.slice(0, 8), true],
      ...effect,
      ['log', logs(a), logs(b), silent],
      ['calls', calls(a), calls(b)],
      ['CPU', a && timeText(a.cpuMicroseconds / 1000), b && timeText(b.cpuMicroseconds / 1000), true],
    ];
    return [name, rows.filter(([, one, other]) => one !== undefined || other !== undefined)] as const;
  });
}

function table(title: string, left: string, right: string, rows: readonly Row[]): HTMLElement {
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
    make('thead', {}, make('tr', {}, head('what'), head(left), head(right))),
    make('tbody', {}, ...body),
  );
}

function textOf(value: unknown): string {
  return value === undefined ? '—' : typeof value === 'string' ? value : JSON.stringify(value);
}
