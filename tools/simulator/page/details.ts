/** The right side: what came of the run, and everything about one state of it. */
import type { DrawnState, Paused, ShownHook, ShownPage, ShownRun, ShownState } from '../shown.ts';
import { changeList, differenceSummary } from './compare.ts';
import { brief, make, pretty } from './dom.ts';
import { kindOf, timeText } from './drawing.ts';

/** What came of it, what is other than in an earlier run first. */
export function resultOf(
  run: ShownRun,
  earlier: { readonly label: string; readonly run: ShownRun } | undefined,
  choose: (state: string) => void,
): HTMLElement {
  const before = earlier?.run;
  const failed = run.path.findLast(({ hook }) => hook?.failure);
  return make(
    'div',
    {},
    headline(run),
    earlier && differenceSummary(`Since ${earlier.label}`, earlier.run, run),
    failed?.hook && failureOf(failed.hook, () => choose(failed.state)),
    run.unforeseen.length > 0 &&
      make(
        'section',
        'fault',
        make('h3', {}, 'Nothing in the plan answers'),
        make('ul', 'plain', ...run.unforeseen.map((each) => make('li', {}, make('code', {}, each)))),
        make('p', 'quiet', 'Say under More, in ', make('code', {}, 'calls'), ', what these answer.'),
      ),
    run.error && part('Error that the app gets', claims({ ...run.error })),
    run.claims &&
      part(
        'Access token',
        claims(run.claims, before?.claims),
        run.tokens.access ? undefined : 'opaque: this is what it stands for',
      ),
    run.tokens.id && part('ID token', claims(run.tokens.id.claims, before?.tokens.id?.claims)),
    run.response && part('Token response', claims(shortened(run.response))),
    run.errorPage && part('Page that the person gets', frame(run.errorPage)),
    run.redirect !== undefined &&
      fold('Where the browser was sent', make('p', {}, make('code', 'break', run.redirect))),
    fold(`Requests sent (${run.sent.length})`, json(run.sent), run.sent.length > 0),
    fold('Key-value store afterwards', json(run.values), Object.keys(run.values).length > 0),
    fold(`Audit events (${run.audit.length})`, json(run.audit), run.audit.length > 0),
    fold(`Server's log (${run.log.length})`, json(run.log), run.log.length > 0),
    fold('Header of the access token', json(run.tokens.access?.header), run.tokens.access !== undefined),
    fold('All that was given', json(run.plan)),
  );
}

/** A flow that happened, or one run again. @param act.replay undefined where nothing can run. */
export function happenedOf(
  run: ShownRun,
  earlier: { readonly label: string; readonly run: ShownRun } | undefined,
  act: { readonly choose: (state: string) => void; readonly replay?: () => void },
): HTMLElement {
  const { happened, plan } = run;
  const hooks = run.path.filter(({ hook }) => hook);
  const kept = hooks.some(({ hook }) => hook?.input !== undefined);
  const button = make('button', { class: 'primary', id: 'replay' }, 'Replay with the scripts as they stand here');
  button.type = 'button';
  button.addEventListener('click', () => act.replay?.());
  const failed = run.path.findLast(({ hook }) => hook?.failure);
  return make(
    'div',
    {},
    make(
      'div',
      `headline ${run.ended}`,
      make('strong', {}, happened?.again ?? 'A flow that happened'),
      make('code', {}, run.outcome),
      run.why !== undefined && make('p', {}, run.why),
      make(
        'p',
        'quiet',
        `${plan.flow} of ${instantText(happened?.at ?? 0)}${plan.client ? `, app ${plan.client}` : ''}`,
      ),
      happened?.user !== undefined && make('p', 'quiet', `person ${happened.user}`),
      make('p', 'quiet', make('code', 'break', happened?.id ?? '')),
    ),
    earlier && differenceSummary(`Other than ${earlier.label}`, earlier.run, run),
    failed?.hook && failureOf(failed.hook, () => act.choose(failed.state)),
    hooks.length > 0 && kept && act.replay && make('div', 'actions', button),
    hooks.length > 0 &&
      !kept &&
      make(
        'p',
        'quiet',
        'What callbacks were given was not kept, so they cannot run again: ',
        make('code', {}, '"traces": { "values": "redacted" }'),
        ' of the tenant keeps it without people.',
      ),
    ...hooks.map(({ state, hook, changes }) => {
      const open = make('button', { class: 'link', on: { click: () => act.choose(state) } }, hook?.name ?? state);
      open.type = 'button';
      return make(
        'section',
        {},
        make('h3', {}, open),
        changes.length > 0
          ? changeList(changes)
          : make('p', 'quiet', hook?.input === undefined ? 'not kept' : 'changed nothing'),
      );
    }),
    hooks.length === 0 && make('p', 'quiet', 'No callback ran in this flow.'),
  );
}

function instantText(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function headline(run: ShownRun): HTMLElement {
  const hooks = run.path.flatMap(({ hook }) => (hook?.ran ? [hook] : []));
  const cpu = hooks.reduce((sum, { cpuMicroseconds }) => sum + cpuMicroseconds, 0);
  return make(
    'div',
    `headline ${run.ended}`,
    make(
      'strong',
      {},
      run.ended === 'success' ? 'Tokens were given' : run.ended === 'waiting' ? 'Ends at a page' : 'Refused',
    ),
    run.ended === 'success' ? undefined : make('code', {}, run.outcome),
    run.why !== undefined && make('p', {}, run.why),
    make(
      'p',
      'quiet',
      `${run.path.length} states in ${timeText(run.milliseconds)} · ${hooks.length} callbacks, ${timeText(cpu / 1000)} CPU`,
    ),
  );
}

function failureOf({ name, failure }: ShownHook, show: () => void): HTMLElement {
  const place = failure?.location;
  const button = make('button', { class: 'link', on: { click: show } }, `${name}: ${failure?.kind}`);
  button.type = 'button';
  return make(
    'section',
    'fault',
    make('h3', {}, button),
    make('p', {}, failure?.message ?? ''),
    place && make('p', {}, scriptLink(`${place.file}:${place.line}:${place.column}`, place)),
    failure?.frame !== undefined && make('pre', { tabIndex: 0 }, failure.frame),
  );
}

/** Where the editor shall go. */
export interface ScriptPlace {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** The event by which a link within the details asks for a place in a script. */
export const openScript = 'open-script';

function scriptLink(text: string, detail: ScriptPlace): HTMLElement {
  const button = make('button', { class: 'link', title: 'Show it in the editor' }, make('code', {}, text));
  button.type = 'button';
  button.addEventListener('click', () => button.dispatchEvent(new CustomEvent(openScript, { detail, bubbles: true })));
  return button;
}

function part(title: string, content: HTMLElement, remark?: string): HTMLElement {
  return make(
    'section',
    {},
    make('h3', {}, title, remark !== undefined && make('span', 'quiet', ` ${remark}`)),
    content,
  );
}

function fold(title: string, content: HTMLElement, when = true): HTMLElement | undefined {
  return when ? make('details', 'fold', make('summary', {}, title), content) : undefined;
}

function json(value: unknown): HTMLElement {
  return make('pre', { tabIndex: 0 }, pretty(value));
}

/** Names and values on a line each; those that are new or other than before are marked. */
function claims(now: Readonly<Record<string, unknown>>, before?: Readonly<Record<string, unknown>>): HTMLElement {
  const rows = Object.entries(now).map(([name, value]) => {
    const old = before?.[name];
    const is =
      before === undefined || isIdentifier(name) || JSON.stringify(old) === JSON.stringify(value)
        ? ''
        : old === undefined
          ? 'added'
          : 'changed';
    return make(
      'div',
      is,
      make('dt', {}, name, is !== '' && make('span', 'visually-hidden', ` (${is})`)),
      make('dd', {}, typeof value === 'string' ? value : brief(value), instantOf(name, value)),
    );
  });
  return make('dl', 'claims', ...rows);
}

const isIdentifier = (name: string) => ['jti', 'sid', 'at_hash'].includes(name);

function instantOf(name: string, value: unknown): HTMLElement | undefined {
  if (!['iat', 'exp', 'nbf', 'auth_time'].includes(name) || typeof value !== 'number') return undefined;
  return make('span', 'quiet', ` ${new Date(value * 1000).toISOString().replace('.000', '')}`);
}

/** Tokens are long, and are shown decoded. */
function shortened(response: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(response).map(([name, value]) => [
      name,
      /_token$|^refresh/.test(name) && typeof value === 'string' ? `${value.slice(0, 18)}…` : value,
    ]),
  );
}

// --- a state -----------------------------------------------------------------------------------------------------------

/** @param happened whether it was no simulation, of which less is known. */
export function stateOf(state: DrawnState, visits: readonly ShownState[], happened = false): HTMLElement {
  const leads = state.leads.map(({ outcome, to }) =>
    make('li', visits.some((visit) => visit.outcome === outcome) ? 'taken' : '', make('code', {}, outcome), ` → ${to}`),
  );
  return make(
    'div',
    {},
    make('div', 'headline', make('strong', {}, state.name), make('code', {}, kindOf(state)), make('p', {}, state.does)),
    ...visits.map((visit, index) => visitOf(visit, visits.length > 1 ? index + 1 : 0, happened)),
    visits.length === 0 && make('p', 'quiet', 'This run did not come here.'),
    leads.length > 0 && part('Leads on', make('ul', 'plain', ...leads)),
  );
}

function visitOf(visit: ShownState, number: number, happened: boolean): HTMLElement {
  const { hook, page, sent, changes } = visit;
  return make(
    'div',
    'visit',
    make(
      'p',
      {},
      number > 0 && make('strong', {}, `Time ${number}: `),
      make('code', {}, visit.outcome),
      make('span', 'quiet', ` after ${timeText(visit.milliseconds)}`),
    ),
    hook && callbackOf(hook),
    page && part('Page as the person sees it', frame(page)),
    sent && part('What the person sent', claims(sent)),
    (hook || !happened) &&
      part(
        hook ? 'What the callback changed' : 'What the flow knows now',
        changes.length > 0
          ? changeList(changes)
          : make('p', 'quiet', happened && hook?.input === undefined ? 'not kept' : 'nothing new'),
      ),
    hook?.input !== undefined && fold(hook.inputEdited ? 'Input, as you edited it' : 'Input', json(hook.input)),
    hook?.effect !== undefined && fold('Effect, as the callback reported it', json(hook.effect)),
  );
}

function callbackOf(hook: ShownHook): HTMLElement {
  const { script, slot, logs, calls } = hook;
  if (script === undefined) return make('p', 'quiet', `No script is configured here for ${hook.name}.`);
  if (!hook.ran && !hook.failure) return make('p', 'quiet', `${script} has no function ${hook.name}.`);
  const memory = hook.heapBytes === undefined ? '' : ` · ${(hook.heapBytes / 1_048_576).toFixed(1)} MiB heap`;
  return make(
    'div',
    {},
    hook.failure && failureOf(hook, () => undefined),
    make(
      'p',
      {},
      scriptLink(`${hook.name} in ${script}`, { file: script }),
      slot !== undefined && make('span', 'quiet', ` (${slot})`),
    ),
    make(
      'p',
      'quiet',
      `${timeText(hook.cpuMicroseconds / 1000)} CPU · ${timeText(hook.wallMicroseconds / 1000)} wall${memory}`,
    ),
    part(
      `Log${logs.length > 0 ? ` (${logs.length})` : ''}`,
      logs.length > 0
        ? make(
            'ol',
            { class: 'log', tabIndex: 0 },
            ...logs.map(({ level, message }) =>
              make('li', level, make('span', 'level', level), make('span', {}, message)),
            ),
          )
        : make('p', 'quiet', 'nothing'),
    ),
    calls.length > 0 &&
      part(
        'Calls',
        make(
          'ul',
          'plain',
          ...calls.map(({ service, target, outcome, milliseconds }) =>
            make('li', {}, make('code', {}, `${service} ${target}`), ` ${outcome}, ${milliseconds} ms`),
          ),
        ),
      ),
  );
}

const meta = document.querySelector<HTMLMetaElement>('meta[name=style-nonce]');

/** No script, no form and no link does anything in it, and it has no origin. */
function frame({ name, html }: ShownPage): HTMLElement {
  const element = make('iframe', { class: 'page', title: `The page ${name}` });
  element.setAttribute('sandbox', '');
  element.srcdoc = html.replaceAll(meta?.dataset['mark'] ?? '', meta?.content ?? '');
  return element;
}

// --- a callback that waits -----------------------------------------------------------------------------------------------

export function pausedView(
  paused: Paused,
  act: { readonly go: (input?: unknown) => void; readonly stop: () => void },
): HTMLElement {
  const text = make('textarea', { id: 'step-input' });
  text.rows = 18;
  text.spellcheck = false;
  const original = pretty(paused.input);
  text.value = original;
  const wrong = make('p', { class: 'fault', role: 'alert' });
  wrong.hidden = true;
  const go = make('button', { class: 'primary', id: 'step-go' }, 'Run it and go on');
  const stop = make('button', {}, 'Stop here');
  for (const button of [go, stop]) button.type = 'button';
  go.addEventListener('click', () => {
    if (text.value === original) return act.go();
    try {
      act.go(JSON.parse(text.value));
    } catch (error) {
      wrong.hidden = false;
      wrong.textContent = `This is not JSON: ${(error as Error).message}`;
    }
    return undefined;
  });
  stop.addEventListener('click', act.stop);
  const label = make('label', {}, 'Its input: change it and go on');
  label.htmlFor = 'step-input';
  return make(
    'div',
    {},
    make(
      'div',
      'headline waiting',
      make('strong', {}, `${paused.hook} is about to run`),
      make('code', {}, paused.file),
      make('p', 'quiet', paused.before === 0 ? 'the first callback of this run' : `${paused.before} ran before it`),
    ),
    make('div', 'actions', go, stop),
    label,
    text,
    wrong,
  );
}
