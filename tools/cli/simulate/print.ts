/** A simulated run for a person at a terminal. */
import type { Change } from '../../../engine/simulator/diff.ts';
import type { DecodedToken, SimulatedHook, SimulatedRun, SimulatedState } from '../../../engine/simulator/run.ts';
import type { Paint } from './paint.ts';

/** Longer values are cut on a line of their own. */
const longestValue = 110;

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}

/** What scripts and hosts say may hold anything; a terminal must not obey it. */
function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}

function time(milliseconds: number): string {
  return `${milliseconds.toFixed(1)} ms`;
}

function* changeLines(changes: readonly Change[], paint: Paint): Generator<string> {
  for (const { path, ...change } of changes) {
    if ('before' in change) yield paint('red', `- ${path} ${short(change.before)}`);
    if ('after' in change) yield paint('green', `+ ${path} ${short(change.after)}`);
  }
}

/** What one run of a callback shows below its line. */
export function* hookLines(hook: SimulatedHook, changes: readonly Change[], paint: Paint): Generator<string> {
  const { name, script, ran, failure, logs, calls, cpuMicroseconds, wallMicroseconds, heapBytes } = hook;
  if (script === undefined) return yield paint('dim', `${name}: the tenant has no script here`);
  if (!ran) return yield paint('dim', `${name}: not in ${script}`);
  const heap = heapBytes === undefined ? '' : `, heap ${(heapBytes / 1_048_576).toFixed(1)} MiB`;
  const cost = `CPU ${time(cpuMicroseconds / 1000)}, wall ${time(wallMicroseconds / 1000)}${heap}`;
  yield `${paint('cyan', name)} in ${script} ${paint('dim', cost)}`;
  yield* changeLines(changes, paint);
  for (const { level, message } of logs) yield `${paint('dim', `${level}:`)} ${plain(message)}`;
  for (const { service, target, outcome, milliseconds } of calls)
    yield `${paint('dim', `${service}:`)} ${target} ${outcome} ${paint('dim', `${milliseconds} ms`)}`;
  if (!failure) return;
  const { location, frame } = failure;
  const place = location ? ` at ${location.file}:${location.line}:${location.column}` : '';
  yield paint('red', `${failure.kind}: ${plain(failure.message)}${place}`);
  for (const line of frame?.split('\n') ?? []) yield line.startsWith('>') ? paint('bold', line) : line;
}

function* stateLines(state: SimulatedState, widths: readonly number[], all: boolean, paint: Paint): Generator<string> {
  const { kind, hook, page, sent, outcome, milliseconds, changes } = state;
  const mark = kind === 'hook' ? '*' : kind === 'wait' ? '?' : ' ';
  const [first = 0, second = 0] = widths;
  const took = paint('dim', time(milliseconds).padStart(9));
  yield `${mark} ${state.state.padEnd(first)}  ${outcome.padEnd(second)}  ${took}`;
  const below: string[] = [];
  if (page) below.push(`page ${page.name}${sent ? `, sent ${short(sent)}` : ''}`);
  if (hook) below.push(...hookLines(hook, changes, paint));
  else if (all) below.push(...changeLines(changes, paint));
  for (const line of below) yield `      ${line}`;
}

function* jsonLines(title: string, value: unknown, paint: Paint): Generator<string> {
  yield paint('bold', title);
  for (const line of JSON.stringify(value, undefined, 2).split('\n')) yield `  ${line}`;
}

function* tokenLines(name: string, token: DecodedToken | undefined, paint: Paint): Generator<string> {
  if (token)
    yield* jsonLines(`${name} (${String(token.header['typ'])}, ${String(token.header['alg'])})`, token.claims, paint);
}

/** The response with its tokens cut, which stand below it decoded. */
function withoutTokens(response: NonNullable<SimulatedRun['response']>): object {
  const cut = (name: string, value: unknown) =>
    name.endsWith('_token') && typeof value === 'string' ? `${value.slice(0, 12)}…` : value;
  return Object.fromEntries(Object.entries(response).map(([name, value]) => [name, cut(name, value)]));
}

/** @param options.all shows what every state changes, not the callbacks alone. */
export function* runLines(run: SimulatedRun, paint: Paint, options: { readonly all: boolean }): Generator<string> {
  const { plan, path } = run;
  const who = [
    plan.flow,
    `app ${plan.client}`,
    plan.user && `person ${plan.user}`,
    plan.provider && `provider ${plan.provider.id}`,
  ];
  yield paint('bold', [run.tenant, ...who].filter(Boolean).join(', '));
  const longest = (texts: readonly string[]) => Math.max(...texts.map(({ length }) => length), 0);
  const widths = [longest(path.map(({ state }) => state)), longest(path.map(({ outcome }) => outcome))];
  for (const state of path) yield* stateLines(state, widths, options.all, paint);
  yield '';
  if (run.redirect !== undefined) yield `The browser goes to ${run.redirect}`;
  if (run.errorPage) yield 'The person sees an error page; the app is told nothing.';
  if (run.error) yield* jsonLines('The app gets an error', run.error, paint);
  if (run.response) yield* jsonLines('The app gets', withoutTokens(run.response), paint);
  yield* tokenLines('Access token', run.tokens.access, paint);
  if (run.claims && !run.tokens.access) yield* jsonLines('The opaque access token stands for', run.claims, paint);
  yield* tokenLines('ID token', run.tokens.id, paint);
  for (const { level, message, fields } of run.log)
    if (message !== 'a callback failed')
      yield paint('yellow', `The server's log says (${level}): ${message} ${JSON.stringify(fields)}`);
  for (const sentence of run.unanswered) yield paint('red', sentence);
  for (const request of run.unforeseen)
    yield paint('red', `Nothing in the plan answers ${request}: add it to "calls" (--given).`);
  yield endLine(run, paint);
}

function endLine({ ended, outcome, why, milliseconds, path, unforeseen }: SimulatedRun, paint: Paint): string {
  const after = paint('dim', `in ${time(milliseconds)}`);
  if (ended === 'success') return `${paint(unforeseen.length === 0 ? 'green' : 'yellow', 'Success')} ${after}`;
  const what = ended === 'refused' ? `Refused: ${outcome}` : `Left waiting at ${path.at(-1)?.state ?? 'the beginning'}`;
  return `${paint('red', what)}${why === undefined ? '' : ` (${plain(why)})`} ${after}`;
}
