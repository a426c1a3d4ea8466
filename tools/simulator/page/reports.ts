/** How versions of a script did beside each other, as canary or on trial: added up, and each difference that was kept. */
import type { ComparedSample, Comparison, ShownScript } from '../shown.ts';
import { make } from './dom.ts';
import { timeText } from './drawing.ts';

/** What may be other, by the names of the counts. */
const areas: Readonly<Record<string, string>> = {
  outcome: 'outcome',
  claims: 'claims',
  scopes: 'scopes',
  context: 'context',
  session: 'session and name',
  other: 'other things',
};

/** @param act.compare puts both sides of a difference beside each other. */
export function reportsOf(
  script: ShownScript,
  comparisons: readonly Comparison[],
  act: { readonly compare: (sample: ComparedSample) => void; readonly again: () => void },
): HTMLElement {
  const of = script.slots.find(({ slot }) => slot === script.slot);
  const again = make('button', { on: { click: act.again } }, 'Read again');
  again.type = 'button';
  const running = [
    of?.canary && `canary ${of.canary.hash.slice(0, 8)} for ${percent(of.canary.share)}`,
    of?.shadow && `${of.shadow.hash.slice(0, 8)} on trial`,
  ].filter((each) => each !== undefined);
  return make(
    'div',
    'reports',
    make('h3', {}, `Versions of ${script.slot} beside each other`),
    make(
      'p',
      'quiet',
      running.length > 0 ? `Now: ${running.join('; ')}.` : 'Neither a canary nor a version on trial runs now.',
    ),
    make('div', 'actions', again),
    ...comparisons.map((comparison) => reportOf(comparison, of, act.compare)),
    comparisons.length === 0 &&
      make(
        'p',
        'quiet',
        'Nothing was compared yet. ',
        make('code', {}, `npx sallyport script rollout ${script.slot} --set shadow.hash=<hash>`),
        ' puts a version on trial.',
      ),
  );
}

function reportOf(
  { activeHash, shadowHash, hook, counts, samples, lastAt }: Comparison,
  of: ShownScript['slots'][number] | undefined,
  compare: (sample: ComparedSample) => void,
): HTMLElement {
  const { runs = 0, same = 0, faults = 0, activeFaults = 0, activeMicroseconds = 0, shadowMicroseconds = 0 } = counts;
  const roleOf = (hash: string) =>
    [
      of?.canary?.hash === hash && ' (canary)',
      of?.shadow?.hash === hash && ' (on trial)',
      of?.active === hash && ' (active)',
    ].find(Boolean) || '';
  const name = (hash: string) => `${hash.slice(0, 8)}${roleOf(hash)}`;
  const mean = (sum: number) => (runs === 0 ? '—' : timeText(sum / runs / 1000));
  const other = Object.entries(areas).flatMap(([key, words]) => {
    const count = counts[key] ?? 0;
    return count > 0 ? [make('li', 'taken', `${words}: ${count}, ${percent(count / runs)}`)] : [];
  });
  const row = (title: string, left: string, right: string) => {
    const cell = make('th', {}, title);
    cell.scope = 'row';
    return make('tr', {}, cell, make('td', {}, left), make('td', {}, right));
  };
  const head = (text: string) => {
    const cell = make('th', {}, text);
    cell.scope = 'col';
    return cell;
  };
  return make(
    'section',
    'report',
    make('h4', {}, `${hook}: ${name(activeHash)} with ${name(shadowHash)} beside it`),
    make(
      'p',
      {},
      `${same} of ${runs} alike`,
      make('span', 'quiet', `, last at ${lastAt.slice(0, 19).replace('T', ' ')} UTC`),
    ),
    other.length > 0 && make('ul', 'plain', ...other),
    make(
      'table',
      'pair',
      make(
        'thead',
        {},
        make(
          'tr',
          {},
          head('what'),
          head(`${activeHash.slice(0, 8)}, which counted`),
          head(`${shadowHash.slice(0, 8)}, without effect`),
        ),
      ),
      make(
        'tbody',
        {},
        row('errors', String(activeFaults), String(faults)),
        row('time at the mean', mean(activeMicroseconds), mean(shadowMicroseconds)),
      ),
    ),
    samples.length > 0 && make('h5', {}, 'The last differences'),
    samples.length > 0 &&
      make('ul', 'plain', ...samples.map((sample) => sampleOf(sample, [activeHash, shadowHash], compare))),
  );
}

function sampleOf(
  sample: ComparedSample,
  [ran, beside]: readonly [string, string],
  compare: (sample: ComparedSample) => void,
): HTMLElement {
  const { at, outcome, differs = [], sides } = sample;
  const what = [
    ...(outcome ? [`${ran.slice(0, 8)}: ${outcome.active}, ${beside.slice(0, 8)}: ${outcome.shadow}`] : []),
    ...differs.map((pointer) => pointer.slice(1).replaceAll('/', ' › ')),
  ].join(', ');
  const when = new Date(at).toISOString().slice(0, 19).replace('T', ' ');
  const button = make('button', { class: 'link', on: { click: () => compare(sample) } }, `${when} UTC`);
  button.type = 'button';
  return make('li', {}, sides ? button : make('span', 'quiet', `${when} UTC, no longer kept`), ` ${what}`);
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
