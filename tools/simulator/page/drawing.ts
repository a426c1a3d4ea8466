/**
 * Draws a flow from its table: the states one below the other, in the order of the table; every lead that does not go to
 * the next state runs beside them, forward on the right and back on the left, and leads to one state share one line.
 */
import type { DrawnFlow, DrawnState, ShownState } from '../shown.ts';
import { make } from './dom.ts';

export interface Drawing {
  /** @param path undefined before the first run. @param pausedAt the state at which a flow stands, after this path. */
  show(flow: DrawnFlow, path: readonly ShownState[] | undefined, pausedAt?: string): void;
  choose(state: string): void;
}

/** Boxes are higher where fingers choose them. */
const fingers = matchMedia('(max-width: 48rem)');
const boxHeight = () => (fingers.matches ? 44 : 28);
const row = () => boxHeight() + 9;
const boxWidth = 240;
const track = 9;
const space = 'http://www.w3.org/2000/svg';

interface Line {
  readonly to: number;
  readonly from: readonly number[];
  readonly side: 'left' | 'right';
  track: number;
}

/** Lines of one side, each on the innermost track that is free over its whole length; the short ones inside. */
function linesOf(states: readonly DrawnState[]): readonly Line[] {
  const places = new Map(states.map(({ name }, index) => [name, index]));
  const lines = new Map<string, { to: number; from: number[]; side: 'left' | 'right'; track: number }>();
  for (const [from, { leads }] of states.entries())
    for (const { to: name } of leads) {
      const to = places.get(name);
      if (to === undefined || to === from + 1) continue;
      const side = to > from ? 'right' : 'left';
      const key = `${side} ${to}`;
      const line = lines.get(key) ?? { to, from: [], side, track: 0 };
      line.from.push(from);
      lines.set(key, line);
    }
  const ends = ({ to, from }: Line) => ({ low: Math.min(to, ...from), high: Math.max(to, ...from) });
  const length = (line: Line) => ends(line).high - ends(line).low;
  const placed: Line[] = [];
  for (const line of [...lines.values()].sort((a, b) => length(a) - length(b))) {
    const { low, high } = ends(line);
    const taken = placed
      .filter((each) => each.side === line.side && ends(each).low <= high && ends(each).high >= low)
      .map((each) => each.track);
    while (taken.includes(line.track)) line.track += 1;
    placed.push(line);
  }
  return placed;
}

/** Which leads were taken, as `from to`. */
function takenLeads(path: readonly string[]): ReadonlySet<string> {
  return new Set(path.slice(1).map((state, index) => `${path[index]} ${state}`));
}

export function createDrawing(place: HTMLElement, chosen: (state: string) => void): Drawing {
  let flow: DrawnFlow | undefined;
  let again: () => void = () => undefined;
  fingers.addEventListener('change', () => again());

  function show(next: DrawnFlow, path: readonly ShownState[] | undefined, pausedAt?: string): void {
    flow = next;
    again = () => {
      const before = place.querySelector<HTMLElement>('[aria-pressed=true]')?.dataset['state'] ?? '';
      show(next, path, pausedAt);
      choose(before);
    };
    const { states } = next;
    const lines = linesOf(states);
    const widest = (side: string) =>
      Math.max(-1, ...lines.filter((line) => line.side === side).map((line) => line.track)) + 1;
    const left = 14 + widest('left') * track;
    const width = left + boxWidth + 14 + widest('right') * track;
    const list = make('ol', 'states');
    for (const [index, state] of states.entries()) list.append(rowOf(state, index, left, path, pausedAt));
    const svg = drawn(states, lines, left, width, [
      ...(path ?? []).map(({ state }) => state),
      ...(pausedAt === undefined ? [] : [pausedAt]),
    ]);
    const canvas = make('div', 'canvas', list);
    canvas.prepend(svg);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${states.length * row() + 8}px`;
    place.replaceChildren(canvas);
    // Where a flow stands is in sight.
    const standing = canvas.querySelector<HTMLElement>('.paused');
    if (standing) place.scrollTop = standing.offsetTop - place.clientHeight / 2;
  }

  function rowOf(
    state: DrawnState,
    index: number,
    left: number,
    path: readonly ShownState[] | undefined,
    pausedAt: string | undefined,
  ): HTMLElement {
    const visits = path?.filter((each) => each.state === state.name) ?? [];
    const last = visits.at(-1);
    const time = visits.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const failed = last !== undefined && isRefusal(state, last);
    const isPaused = state.name === pausedAt;
    const rest = pausedAt === undefined && path ? 'not passed' : '';
    const words = [kindOf(state), isPaused ? 'the flow stands here' : last ? last.outcome : rest].filter(
      (each) => each !== '',
    );
    const button = make(
      'button',
      {
        class: `state ${state.kind}${last ? ' passed' : ''}${failed ? ' failed' : ''}${isPaused ? ' paused' : ''}`,
        title: `${state.does}${last ? ` — ${last.outcome}` : ''}`,
        data: { state: state.name },
        aria: { pressed: 'false' },
        on: { click: () => choose(state.name, true) },
      },
      make('span', 'name', state.name),
      make('span', 'visually-hidden', `, ${words.join(', ')}`),
      visits.length > 1 && make('span', 'times', `${visits.length}×`),
      last && make('span', 'time', timeText(time)),
    );
    button.type = 'button';
    button.style.left = `${left}px`;
    button.style.top = `${index * row() + 4}px`;
    button.style.width = `${boxWidth}px`;
    button.style.height = `${boxHeight()}px`;
    return make('li', {}, button);
  }

  function choose(state: string, told = false): void {
    for (const button of place.querySelectorAll<HTMLElement>('button.state'))
      button.setAttribute('aria-pressed', String(button.dataset['state'] === state));
    if (told && flow) chosen(state);
  }

  return { show, choose };
}

export function kindOf({ kind, hook, waitsFor }: DrawnState): string {
  return kind === 'hook'
    ? `hook ${hook}`
    : kind === 'wait'
      ? `waits for the ${waitsFor}`
      : kind === 'end'
        ? 'end'
        : 'step';
}

/** A state that led nowhere, though others have it lead on. */
function isRefusal({ leads, kind }: DrawnState, { outcome }: ShownState): boolean {
  const known = leads.map((each) => each.outcome);
  return kind !== 'end' && !known.includes(outcome) && outcome !== 'again' && outcome !== 'left';
}

export function timeText(milliseconds: number): string {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`;
  if (milliseconds >= 100) return `${Math.round(milliseconds)} ms`;
  return milliseconds >= 0.1 ? `${milliseconds.toFixed(1)} ms` : `${Math.round(milliseconds * 1000)} µs`;
}

function shape(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

function drawn(
  states: readonly DrawnState[],
  lines: readonly Line[],
  left: number,
  width: number,
  path: readonly string[],
): SVGElement {
  const taken = takenLeads(path);
  const isTaken = (from: number, to: number) => taken.has(`${states[from]?.name} ${states[to]?.name}`);
  const height = states.length * row() + 8;
  const svg = shape('svg', {
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    'aria-hidden': 'true',
    focusable: 'false',
  });
  const middle = (index: number) => index * row() + 4 + boxHeight() / 2;
  const faint: SVGElement[] = [];
  const strong: SVGElement[] = [];
  const add = (d: string, was: boolean) =>
    (was ? strong : faint).push(shape('path', { d, class: was ? 'lead taken' : 'lead' }));
  const arrow = (d: string, was: boolean) =>
    (was ? strong : faint).push(shape('path', { d, class: was ? 'tip taken' : 'tip' }));
  for (const [from, { leads }] of states.entries()) {
    const to = from + 1;
    if (!leads.some((lead) => lead.to === states[to]?.name)) continue;
    const x = left + boxWidth / 2;
    const end = to * row() + 4;
    add(`M${x} ${from * row() + 4 + boxHeight()}V${end - 4}`, isTaken(from, to));
    arrow(`M${x - 4} ${end - 6}h8l-4 6z`, isTaken(from, to));
  }
  for (const line of lines) {
    const way = line.side === 'right' ? 1 : -1;
    const edge = line.side === 'right' ? left + boxWidth : left;
    const x = edge + way * (12 + line.track * track);
    const down = line.side === 'right' ? 1 : -1;
    const end = middle(line.to) - 5 * down;
    for (const from of line.from) {
      const begin = middle(from) + 5 * down;
      add(
        `M${edge} ${begin}H${x - way * 5}Q${x} ${begin} ${x} ${begin + 5 * down}V${end - 5 * down}Q${x} ${end} ${x - way * 5} ${end}H${edge + way * 5}`,
        isTaken(from, line.to),
      );
    }
    const was = line.from.some((from) => isTaken(from, line.to));
    arrow(`M${edge + way * 6} ${end - 4}v8l${-way * 6} -4z`, was);
  }
  // What was passed lies on top.
  svg.append(...faint, ...strong);
  return svg;
}
