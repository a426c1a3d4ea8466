/** The simulator's page. What it shows is what the engine's simulator answered; nothing is simulated here. */
import type { Trace } from '../../../engine/flow/trace.ts';
import type { Answer, ComparedSample, Paused, Fault, LineFault, Setting, ShownRun, ShownTenant } from '../shown.ts';
import { sideBySide } from './compare.ts';
import { createControls } from './controls.ts';
import { happenedOf, openScript, pausedView, resultOf, type ScriptPlace, stateOf } from './details.ts';
import { byId, make, notice, options } from './dom.ts';
import { createDrawing } from './drawing.ts';
import { createEditor } from './editor.ts';
import { onServer, Refusal, type Scripts, server, takeToken } from './server.ts';
import { linkOf, settingsIn } from './share.ts';
import { reportsOf } from './reports.ts';
import { replayedRun, runOf, sidesOf, traceIn } from './trace.ts';
import { createTraceList } from './trace-list.ts';

interface Numbered {
  readonly number: number;
  readonly run: ShownRun;
  readonly label: string;
}

type Tab = 'result' | 'state' | 'compare' | 'traces' | 'reports';

const tabs: readonly Tab[] = ['result', 'state', 'compare', 'traces', ...(onServer ? (['reports'] as const) : [])];
/** Runs that can be compared. */
const mostRuns = 20;

async function begin(): Promise<void> {
  takeToken();
  const setting = await server.setting();
  const wanted = settingsIn(location.hash);
  options(
    byId<HTMLSelectElement>('tenant'),
    setting.tenants.map(({ id, name }) => ({ value: id, label: name === id ? id : `${name} (${id})` })),
  );
  const named = setting.tenants.find(({ id }) => id === wanted.tenant) ?? setting.tenants[0];
  if (!named)
    return tellFaults(
      setting.faults.length > 0 ? setting.faults : [{ message: 'There is no tenant that you may see.', hint: '' }],
    );
  byId<HTMLSelectElement>('tenant').value = named.id;
  const page = createPage(setting);
  await page.open(named.id);
  if (wanted.flow) page.apply(wanted);
  return undefined;
}

function tellFaults(faults: readonly Fault[]): void {
  notice(faults.map(({ message, hint }) => (hint ? `${message} Hint: ${hint}.` : message)).join('\n'), 'error');
}

function createPage(setting: Setting): {
  open(id: string): Promise<void>;
  apply(settings: ReturnType<typeof settingsIn>): void;
} {
  let tenant: ShownTenant | undefined;
  let runs: Numbered[] = [];
  let next = 1;
  let tab: Tab = 'result';
  let chosen = '';
  let pair: readonly [number, number] = [0, 0];
  let onlyDifferences = true;
  let step = '';
  /** The flow that was run last. */
  let ran = '';
  /** Where a flow stands that somebody steps through, and the panel of the callback that waits. */
  let standing: { readonly flow: string; readonly paused: Paused; readonly panel: HTMLElement } | undefined;
  let checks = 0;
  /** The flow of the trace that is shown; empty where a simulation is. */
  let flowThatHappened = '';
  const traces = new Map<string, Trace>();

  const panel = byId('panel');
  const runButton = byId<HTMLButtonElement>('run');
  const stepButton = byId<HTMLButtonElement>('step');
  const fileSelect = byId<HTMLSelectElement>('file');
  const casesSelect = byId<HTMLSelectElement>('cases');
  const slotSelect = byId<HTMLSelectElement>('slot');
  const versionSelect = byId<HTMLSelectElement>('version');

  const drawing = createDrawing(byId('drawing'), (state) => {
    chosen = state;
    show('state');
  });
  const controls = createControls(setting, () => {
    flowThatHappened = '';
    draw();
  });
  const traceList = createTraceList({
    flows: setting.flows,
    hooks: setting.language.hooks.map(({ name }) => name),
    ...(onServer ? { search: async (query) => (await server.traces(tenant?.id ?? '', query)).items } : {}),
    open: (id) => act(async () => openTrace(await server.trace(tenant?.id ?? '', id))),
    openFile: async (text) => openTrace(traceOf(text)),
    act,
  });
  const editor = createEditor({
    place: byId('editor'),
    language: setting.language,
    nonce: document.querySelector<HTMLMetaElement>('meta[name=style-nonce]')?.content ?? '',
    check,
    changed: showUnsaved,
    run: () => act(() => run(false)),
    save: () => act(save),
    format: () => act(format),
  });

  // --- the tenant and its scripts --------------------------------------------------------------------------------------

  async function open(id: string, named?: { readonly slot: string; readonly version?: string }): Promise<void> {
    // Another version is compared with what came before; another tenant is not.
    const stays = tenant?.id === id && named !== undefined;
    await leaveStep();
    tenant = await server.tenant(id, named);
    if (!stays) {
      runs = [];
      next = 1;
      chosen = '';
      flowThatHappened = '';
      traces.clear();
      traceList.forget();
    }
    editor.load(tenant.files);
    options(
      fileSelect,
      tenant.files.map(({ name, slots }) => ({
        value: name,
        label: slots.length > 0 && !onServer ? `${name} – ${slots.join(', ')}` : name,
      })),
    );
    const [first] = tenant.files;
    fileSelect.value = first?.name ?? '';
    if (first) editor.open(first.name);
    if (!stays) controls.show(tenant);
    showVersions();
    showCases();
    tellFaults(tenant.faults);
    if (tenant.files.length === 0) notice('This tenant has no script. Its tenant.json may name one under "scripts".');
    showUnsaved();
    draw();
    show('result');
  }

  /** Of a running server: where scripts stand, and their versions. */
  function showVersions(): void {
    const { script } = tenant ?? {};
    byId('versions').hidden = script === undefined;
    byId('file-field').hidden = script !== undefined && tenant?.files.length === 1;
    if (!script) return;
    const { slots, slot, version, versions } = script;
    options(
      slotSelect,
      slots.map((each) => ({ value: each.slot, label: each.active === undefined ? `${each.slot} (none)` : each.slot })),
    );
    slotSelect.value = slot;
    const of = slots.find((each) => each.slot === slot);
    const known = versions.some(({ hash }) => hash === version);
    options(versionSelect, [
      ...(known ? [] : [{ value: '', label: version === undefined ? 'no version yet' : version.slice(0, 8) }]),
      ...versions.map(({ hash, note, author, createdAt }) => {
        const is = [
          of?.active === hash && 'active',
          of?.canary?.hash === hash && 'canary',
          of?.shadow?.hash === hash && 'on trial',
        ].filter(Boolean);
        return {
          value: hash,
          label: `${hash.slice(0, 8)}${is.length > 0 ? ` (${is.join(', ')})` : ''} – ${note ?? author}, ${createdAt.slice(0, 10)}`,
        };
      }),
    ]);
    versionSelect.value = known ? (version ?? '') : '';
  }

  /** What is sent of the scripts: which ones, and what was edited of them. */
  function scripts(): Scripts {
    const { slot, version } = tenant?.script ?? {};
    return {
      texts: editor.texts(),
      ...(slot === undefined ? {} : { slot }),
      ...(version === undefined ? {} : { version }),
    };
  }

  /** Scripts may be written in another editor as well. */
  async function refresh(): Promise<void> {
    // A version never changes.
    if (!tenant || onServer) return;
    const { id } = tenant;
    const found = await server.tenant(id);
    if (tenant.id !== id) return;
    const changed = editor.refresh(found.files);
    if (changed.length > 0) notice(`${changed.join(', ')} was changed outside, and is read again.`);
  }

  function showCases(): void {
    const { cases = [] } = tenant ?? {};
    byId('cases-field').hidden = cases.length === 0;
    options(casesSelect, [
      { value: '', label: `open one of ${cases.length} …` },
      ...cases.map(({ file, name }) => ({ value: file, label: name })),
    ]);
    casesSelect.value = '';
  }

  async function check(): Promise<readonly LineFault[]> {
    if (!tenant || !setting.mayWrite) return [];
    checks += 1;
    const mine = checks;
    const { faults } = await server.check(tenant.id, scripts()).catch((error: unknown) => {
      // The next keystroke asks again.
      if (error instanceof Refusal && error.status === 429) return { faults: [] };
      throw error;
    });
    // A later check knows better.
    if (mine === checks) showLineFaults(faults);
    return faults;
  }

  function showLineFaults(faults: readonly LineFault[]): void {
    const place = byId('faults');
    place.hidden = faults.length === 0;
    place.replaceChildren(
      ...faults.map(({ file, line, column, severity, message }) => {
        const button = make(
          'button',
          { class: `line-fault ${severity}`, on: { click: () => goTo(file, line, column) } },
          make('code', {}, `${file}:${line}`),
          ` ${message}`,
        );
        button.type = 'button';
        return button;
      }),
    );
  }

  function goTo(file: string, line: number, column: number): void {
    editor.goTo(file, line, column);
    fileSelect.value = editor.file;
  }

  function showUnsaved(): void {
    const edited = Object.keys(editor.texts());
    byId('unsaved').textContent =
      edited.length === 0 ? '' : edited.includes(editor.file) ? 'not saved' : `${edited.length} not saved`;
    byId<HTMLButtonElement>('save-file').disabled =
      !setting.mayWrite || (onServer ? edited.length === 0 : !edited.includes(editor.file));
  }

  async function format(): Promise<void> {
    if (!tenant || onServer || editor.file === '') return;
    const name = editor.file;
    const text = editor.textOf(name);
    const formatted = await server.format(tenant.id, { name, text });
    if (formatted.text === text) notice(`${name} is in form already.`);
    else if (editor.replace(name, text, formatted.text)) notice(`${name} is in form; it is not saved yet.`);
    else notice(`${name} was changed meanwhile, and left as it is.`);
  }

  async function save(): Promise<void> {
    const name = editor.file;
    const text = editor.textOf(name);
    if (onServer) return saveVersion();
    if (!tenant || text === editor.diskText(name)) return;
    const { file } = await server.saveFile(tenant.id, { name, text, before: editor.diskText(name) });
    editor.saved(name, text);
    showUnsaved();
    notice(`Saved ${file}`);
  }

  /** All edited files together are a version; it is the active one only where that is asked for. */
  async function saveVersion(): Promise<void> {
    if (!tenant?.script || Object.keys(editor.texts()).length === 0) return;
    const { id, script } = tenant;
    const note = byId<HTMLInputElement>('version-note');
    const activate = byId<HTMLInputElement>('version-activate');
    note.value = '';
    activate.checked = false;
    if (!(await asked('version-dialog'))) return;
    const saved = await server.saveVersion(id, { ...scripts(), note: note.value, activate: activate.checked });
    await open(id, { slot: script.slot, version: saved.hash });
    notice(
      [
        `${saved.new ? 'Saved as version' : 'These files were a version already:'} ${saved.hash.slice(0, 8)} of ${script.slot}${activate.checked ? ', which is active now' : ''}.`,
        ...saved.warnings,
      ].join('\n'),
    );
  }

  /** Opens a dialog; whether the person wants what it offers. */
  async function asked(name: string): Promise<boolean> {
    const dialog = byId<HTMLDialogElement>(name);
    dialog.returnValue = '';
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
    return dialog.returnValue === 'save';
  }

  // --- runs --------------------------------------------------------------------------------------------------------------

  async function run(stepping: boolean): Promise<void> {
    if (!tenant || runButton.disabled) return;
    await leaveStep();
    ran = controls.flow;
    const wish = { plan: controls.plan(), ...scripts() };
    const { id } = tenant;
    await busy(() => (stepping ? server.step(id, wish) : server.run(id, wish)));
  }

  /** Asks for something that runs; meanwhile nothing else can be run. */
  async function busy(ask: () => Promise<Answer>): Promise<void> {
    for (const button of [runButton, stepButton]) button.disabled = true;
    byId('summary').textContent = 'running …';
    try {
      take(await ask());
    } catch (error) {
      byId('summary').textContent = '';
      throw error;
    } finally {
      for (const button of [runButton, stepButton]) button.disabled = false;
    }
  }

  function take(answer: Answer): void {
    step = '';
    standing = undefined;
    notice('');
    if (answer.kind === 'faults') {
      byId('summary').textContent = 'cannot run';
      tellFaults(answer.faults);
      return;
    }
    if (answer.kind === 'paused') {
      const { paused } = answer;
      step = paused.step;
      const panelOf = pausedView(paused, {
        go: (input) => act(() => busy(() => server.goOn(paused.step, input))),
        stop: () =>
          act(async () => {
            await leaveStep();
            draw();
            show('result');
          }),
      });
      standing = { flow: ran, paused, panel: panelOf };
      flowThatHappened = '';
      chosen = paused.state;
      draw();
      show('state');
      byId('step-go').focus();
      return;
    }
    flowThatHappened = '';
    add(answer.run, `Run ${next}`);
    draw();
    show(tab === 'compare' && runs.length > 1 ? 'compare' : 'result');
  }

  function add(run: ShownRun, label: string): void {
    runs = [...runs, { number: next, run, label }].slice(-mostRuns);
    next += 1;
    pair = [runs.at(-2)?.number ?? 0, runs.at(-1)?.number ?? 0];
  }

  // --- flows that happened ---------------------------------------------------------------------------------------------

  function traceOf(text: string): Trace {
    try {
      return traceIn(JSON.parse(text));
    } catch (error) {
      throw new Error(error instanceof SyntaxError ? 'This file is no JSON.' : (error as Error).message, {
        cause: error,
      });
    }
  }

  async function openTrace(trace: Trace): Promise<void> {
    await leaveStep();
    const run = runOf(trace);
    // The same one again is not another one.
    runs = runs.filter(({ run: { happened } }) => happened?.id !== run.happened?.id || happened?.again !== undefined);
    traces.set(run.happened?.id ?? '', trace);
    flowThatHappened = trace.flow;
    chosen = '';
    add(run, `Trace ${(run.happened?.id ?? '').slice(0, 8)}`);
    notice('');
    draw();
    show('result');
  }

  async function replay(trace: Trace): Promise<void> {
    if (!tenant) return;
    const { script } = tenant;
    const edited = Object.keys(editor.texts()).length > 0;
    const what = script ? `version ${script.version?.slice(0, 8) ?? ''}` : 'the scripts here';
    await leaveStep();
    const answer = await server.replay(tenant.id, trace, scripts());
    if (answer.kind === 'faults') return tellFaults(answer.faults);
    const short = (trace.flowId ?? '').slice(0, 8);
    const left = runs.find(({ run: { happened } }) => happened?.id === trace.flowId && happened.again === undefined);
    flowThatHappened = trace.flow;
    add(
      replayedRun(trace, answer.hooks, `Run again with ${what}${edited ? ', as edited' : ''}`),
      `Replay ${next} of ${short}`,
    );
    if (left) pair = [left.number, next - 1];
    notice('');
    draw();
    show('result');
    return undefined;
  }

  async function leaveStep(): Promise<void> {
    if (step === '') return;
    const left = step;
    step = '';
    standing = undefined;
    await server.stop(left);
  }

  const flowName = () => standing?.flow ?? (flowThatHappened || controls.flow);
  const flowShown = () => setting.flows.find(({ name }) => name === flowName());

  /** The last run, where it was one of the flow that is chosen now. */
  const lastRun = () => {
    const last = runs.at(-1);
    return last?.run.plan.flow === flowName() ? last : undefined;
  };

  function draw(): void {
    const flow = flowShown();
    if (!flow) return;
    const paused = standing?.paused;
    const last = paused ? undefined : lastRun();
    drawing.show(flow, paused?.path ?? last?.run.path, paused?.state);
    drawing.choose(chosen);
    byId('summary').textContent = paused
      ? `waits before ${paused.hook}`
      : last
        ? `${last.label.toLowerCase()}: ${last.run.outcome}`
        : 'not run yet';
    byId('summary').dataset['ended'] = last?.run.ended ?? '';
  }

  // --- the right side ------------------------------------------------------------------------------------------------------

  function setTab(name: Tab): void {
    tab = name;
    for (const each of tabs) {
      const button = byId(`tab-${each}`);
      button.setAttribute('aria-selected', String(each === name));
      button.tabIndex = each === name ? 0 : -1;
    }
    panel.setAttribute('aria-labelledby', `tab-${name}`);
  }

  function show(name: Tab): void {
    setTab(name);
    const panels = {
      result: resultPanel,
      state: statePanel,
      compare: comparePanel,
      traces: () => traceList.element,
      reports: reportsPanel,
    };
    panel.replaceChildren(panels[name]());
    panel.scrollTop = 0;
  }

  function resultPanel(): HTMLElement {
    const last = runs.at(-1);
    if (!last) return welcome();
    const choose = (state: string) => {
      chosen = state;
      drawing.choose(state);
      show('state');
    };
    const { happened, plan } = last.run;
    const trace = happened && traces.get(happened.id);
    if (trace) {
      const recorded = runs.find(
        ({ run: each }) => each.happened?.id === happened.id && each.happened.again === undefined,
      );
      return happenedOf(last.run, happened.again === undefined ? undefined : recorded, {
        choose,
        ...(setting.mayWrite ? { replay: () => act(() => replay(trace)) } : {}),
      });
    }
    // Another flow has other tokens; that says nothing, and what happened has none.
    const earlier = runs
      .slice(0, -1)
      .findLast(({ run: each }) => each.plan.flow === plan.flow && each.happened === undefined);
    return resultOf(last.run, earlier, choose);
  }

  function welcome(): HTMLElement {
    return make(
      'div',
      'welcome',
      make(
        'p',
        {},
        make('strong', {}, 'Run'),
        ' plays the whole flow: the app asks, the person agrees to everything, the callbacks run, tokens are made. Nothing leaves this machine.',
      ),
      make(
        'p',
        {},
        'Then change a script on the left and run again: what is other in the tokens stands here on top. Nothing is written until you save.',
      ),
      make('p', {}, make('strong', {}, 'Step'), ' waits before each callback, so that you can change its input.'),
    );
  }

  function statePanel(): HTMLElement {
    const state = flowShown()?.states.find(({ name }) => name === chosen);
    if (!state) return make('p', 'quiet', 'Choose a state in the flow.');
    // What was edited of the input stays while one looks at what came before.
    if (standing?.paused.state === chosen) return standing.panel;
    if (standing)
      return stateOf(
        state,
        standing.paused.path.filter((visit) => visit.state === chosen),
      );
    const last = lastRun()?.run;
    const visits = last?.path.filter((visit) => visit.state === chosen) ?? [];
    return stateOf(state, visits, last?.happened !== undefined);
  }

  /** Read when it is opened, for flows go on. */
  function reportsPanel(): HTMLElement {
    const place = make('div', { id: 'reports' }, make('p', 'quiet', 'reading …'));
    const { id = '', script } = tenant ?? {};
    if (script)
      act(async () => {
        const { items } = await server.comparisons(id, script.slot);
        const compare = (sample: ComparedSample) => act(() => compareSides(sample));
        place.replaceChildren(reportsOf(script, items, { compare, again: () => show('reports') }));
      });
    return place;
  }

  /** The flow's own trace has the rest of the path, where it is still kept. */
  async function compareSides(sample: ComparedSample): Promise<void> {
    const kept = await server.trace(tenant?.id ?? '', sample.flowId).catch((error: unknown) => {
      if (error instanceof Refusal && error.status === 404) return undefined;
      throw error;
    });
    const drawn = setting.flows.find(({ name }) => name === (kept?.flow ?? sample.flow));
    const both = sidesOf(sample, kept, drawn);
    if (!both) return;
    await leaveStep();
    traces.set(sample.flowId, both.trace);
    flowThatHappened = both.trace.flow;
    chosen = drawn?.states.find(({ hook }) => hook === sample.sides?.active.name)?.name ?? '';
    const { active, shadow } = sample.sides ?? {};
    add(both.ran, `Version ${active?.version?.slice(0, 8) ?? ''}`);
    add(both.beside, `Version ${shadow?.version?.slice(0, 8) ?? ''}`);
    draw();
    show('compare');
  }

  function onlyBox(): HTMLElement {
    const box = make('input');
    box.type = 'checkbox';
    box.checked = onlyDifferences;
    box.addEventListener('change', () => {
      onlyDifferences = box.checked;
      show('compare');
    });
    return make('label', {}, box, ' only what differs');
  }

  function comparePanel(): HTMLElement {
    if (runs.length < 2) return make('p', 'quiet', 'Run twice to compare.');
    const chooser = (place: 0 | 1, label: string) => {
      const list = make('select');
      options(
        list,
        runs.map(({ number, label: name, run: each }) => ({
          value: String(number),
          label: `${name}: ${each.plan.flow}, ${each.outcome}`,
        })),
      );
      list.value = String(pair[place]);
      list.addEventListener('change', () => {
        pair = place === 0 ? [Number(list.value), pair[1]] : [pair[0], Number(list.value)];
        show('compare');
      });
      return make('label', {}, label, ' ', list);
    };
    const [left, right] = pair.map((wanted) => runs.find(({ number }) => number === wanted));
    return make(
      'div',
      {},
      make('div', 'chooser', chooser(0, 'Left'), chooser(1, 'Right'), onlyBox()),
      left && right ? sideBySide(left, right, onlyDifferences) : make('p', 'quiet', 'Choose two runs.'),
    );
  }

  // --- what else the person does --------------------------------------------------------------------------------------------

  async function saveCase(): Promise<void> {
    if (!tenant) return;
    const edited = Object.keys(editor.texts());
    byId('case-remark').textContent = onServer
      ? 'It is made of the scripts as they stand here, and saved where your browser saves files.'
      : edited.length === 0
        ? `It goes to ${tenant.folder}/cases/.`
        : `${edited.join(', ')} ${edited.length === 1 ? 'is' : 'are'} not saved: the case holds only once ${edited.length === 1 ? 'it is' : 'they are'}.`;
    if (lastRun()?.run.path.some(({ hook }) => hook?.inputEdited))
      byId('case-remark').append(' Inputs that you edited while stepping are no part of it.');
    if (!(await asked('case-dialog'))) return;
    const name = byId<HTMLInputElement>('case-name').value;
    const saved = await server.saveCase(tenant.id, { name, plan: controls.plan(), ...scripts() });
    if ('faults' in saved) return tellFaults(saved.faults);
    if ('made' in saved) return keep(saved.made);
    const { cases } = await server.tenant(tenant.id);
    tenant = { ...tenant, cases };
    showCases();
    notice(`Saved the case ${saved.file}`);
    return undefined;
  }

  /** Gives the browser a file to save. */
  function keep(made: { readonly name: string }): void {
    const link = make('a');
    link.href = URL.createObjectURL(
      new Blob([`${JSON.stringify(made, undefined, 2)}\n`], { type: 'application/json' }),
    );
    link.download = `${made.name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.case.json`;
    link.click();
    URL.revokeObjectURL(link.href);
    notice(`Saved ${link.download}`);
  }

  function share(): void {
    const link = linkOf(controls.settings());
    history.replaceState(null, '', link);
    const rest =
      byId<HTMLTextAreaElement>('rest').value.trim() === ''
        ? ''
        : ' What stands as JSON under More is left out, as it may hold secrets.';
    const tell = (where: string) => notice(`The link ${where}: ${link}${rest}`);
    tell('stands in the address bar');
    // A browser may ask the person whether it may, or never answer.
    navigator.clipboard?.writeText(link).then(
      () => tell('is copied, and stands in the address bar'),
      () => undefined,
    );
  }

  /** What goes wrong is told; nothing is left undone in silence. */
  function act(action: () => Promise<unknown> | undefined): void {
    void (async () => {
      try {
        await action();
      } catch (error) {
        notice(error instanceof Error ? error.message : String(error), 'error');
      }
    })();
  }

  byId('controls').addEventListener('submit', (event) => {
    event.preventDefault();
    act(() => run(false));
  });
  stepButton.addEventListener('click', () => act(() => run(true)));
  byId('save-file').addEventListener('click', () => act(save));
  byId('format').addEventListener('click', () => act(format));
  byId('format').hidden = onServer;
  byId('save-case').addEventListener('click', () => act(saveCase));
  byId('share').addEventListener('click', share);
  fileSelect.addEventListener('change', () => {
    editor.open(fileSelect.value);
    showUnsaved();
  });
  byId<HTMLSelectElement>('tenant').addEventListener('change', (event) => {
    const list = event.target as HTMLSelectElement;
    const edited = Object.keys(editor.texts());
    if (tenant && edited.length > 0 && !confirm(`${edited.join(', ')} is not saved. Leave it?`)) {
      list.value = tenant.id;
      return;
    }
    act(() => open(list.value));
  });
  const chooseVersion = (another: boolean) => {
    const edited = Object.keys(editor.texts());
    if (!tenant || (edited.length > 0 && !confirm(`${edited.join(', ')} is not saved. Leave it?`)))
      return showVersions();
    const { id } = tenant;
    const version = another ? '' : versionSelect.value;
    return act(() => open(id, { slot: slotSelect.value, ...(version === '' ? {} : { version }) }));
  };
  slotSelect.addEventListener('change', () => chooseVersion(true));
  versionSelect.addEventListener('change', () => chooseVersion(false));
  casesSelect.addEventListener('change', () => {
    const found = tenant?.cases.find(({ file }) => file === casesSelect.value);
    if (found) controls.applyGiven(found.given as Record<string, unknown>);
    draw();
  });
  for (const each of tabs) {
    byId(`tab-${each}`).addEventListener('click', () => show(each));
    byId(`tab-${each}`).addEventListener('keydown', (event) => {
      const way = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
      if (way === 0) return;
      const other = tabs.at((tabs.indexOf(each) + way) % tabs.length) ?? each;
      show(other);
      byId(`tab-${other}`).focus();
    });
  }
  panel.addEventListener(openScript, (event) => {
    const { file, line = 1, column = 1 } = (event as CustomEvent<ScriptPlace>).detail;
    goTo(file, line, column);
  });
  addEventListener('focus', () => act(refresh));
  addEventListener('beforeunload', (event) => {
    if (Object.keys(editor.texts()).length > 0) event.preventDefault();
  });
  byId('tab-reports').hidden = !onServer;
  if (onServer) byId('save-file').textContent = 'Save as a version';
  if (!setting.mayWrite) {
    for (const button of [runButton, stepButton, byId<HTMLButtonElement>('save-case')]) {
      button.disabled = true;
      button.title = 'Your token may read, but not run or save.';
    }
  }
  return { open, apply: (settings) => controls.apply(settings) };
}

begin().catch((error: unknown) => notice(error instanceof Error ? error.message : String(error), 'error'));
