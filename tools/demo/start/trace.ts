/** Reads a stored trace for showing. A field that is missing or odd shows as empty, so that old traces still show. */
import type { RecordedFlow } from '../options.ts';
import { type Change, changesOf } from './difference.ts';

export interface ShownHook {
  readonly name: string;
  readonly script: string;
  readonly version?: string;
  readonly ok: boolean;
  readonly kind?: string;
  readonly message?: string;
  readonly location?: string;
  /** The lines of the script where it failed. */
  readonly frame?: string;
  /** What the callback was given; undefined where the tenant keeps no values. */
  readonly before: unknown;
  readonly changes: readonly Change[];
  readonly logs: readonly string[];
  readonly calls: readonly string[];
  readonly cpuMilliseconds: string;
  readonly wallMilliseconds: string;
}

export interface ShownEntry {
  readonly state: string;
  readonly kind: string;
  readonly outcome: string;
  readonly duration: string;
  /** How long somebody was waited for, where that is what ends here. */
  readonly waited?: string;
  /** The time since the flow began. */
  readonly after: string;
  readonly hook?: ShownHook;
}

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fields) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function rounded(value: unknown, divisor = 1): string {
  if (typeof value !== 'number') return '0';
  const scaled = value / divisor;
  return scaled >= 10 ? scaled.toFixed(0) : String(Number(scaled.toFixed(2)));
}

/** Milliseconds as a person reads them; waits for people last seconds and minutes. */
function duration(value: unknown): string {
  return typeof value === 'number' && value >= 1000 ? `${rounded(value, 1000)} s` : `${rounded(value)} ms`;
}

function locationOf(value: unknown): string | undefined {
  const { file, line, column } = fields(value);
  return file === undefined ? undefined : `${text(file)}:${text(line)}:${text(column)}`;
}

function shownHook(hook: Fields): ShownHook {
  const location = locationOf(hook['location']);
  return {
    name: text(hook['name']),
    script: text(hook['script']),
    ...(hook['version'] === undefined ? {} : { version: text(hook['version']).slice(0, 12) }),
    ok: hook['ok'] === true,
    ...(hook['kind'] === undefined ? {} : { kind: text(hook['kind']) }),
    ...(hook['message'] === undefined ? {} : { message: text(hook['message']) }),
    ...(location === undefined ? {} : { location }),
    ...(hook['frame'] === undefined ? {} : { frame: text(hook['frame']) }),
    before: hook['before'],
    changes: changesOf(hook['before'], hook['after']),
    logs: list(hook['logs']).map(({ level, message }) => `${text(level).padEnd(5)}  ${text(message)}`),
    calls: list(hook['calls']).map(
      ({ service, target, outcome, milliseconds }) =>
        `${text(service)} ${text(target)}: ${text(outcome)}, ${duration(milliseconds)}`,
    ),
    cpuMilliseconds: rounded(hook['cpuMicroseconds'], 1000),
    wallMilliseconds: rounded(hook['wallMicroseconds'], 1000),
  };
}

/** The entries of a recorded flow, in order. */
export function entriesOf(recorded: RecordedFlow): readonly ShownEntry[] {
  let waitingSince: number | undefined;
  return list(fields(recorded.trace)['entries']).map((entry) => {
    const { at, state, kind, outcome, milliseconds, hook } = entry;
    const waited =
      kind === 'resume' && typeof at === 'number' && waitingSince !== undefined ? at - waitingSince : undefined;
    if (kind === 'wait' && typeof at === 'number') waitingSince = at;
    return {
      state: text(state),
      kind: text(kind),
      outcome: text(outcome),
      duration: duration(milliseconds),
      ...(waited === undefined ? {} : { waited: duration(waited) }),
      after: duration(typeof at === 'number' ? at - recorded.startedAt : 0),
      ...(hook === undefined || hook === null ? {} : { hook: shownHook(fields(hook)) }),
    };
  });
}
