/** Pages that show what flows did, one after the other and one in full. */
import type { RecordedFlow } from '../options.ts';
import { html, NOTHING, page } from './html.ts';
import type { Markup } from './html.ts';
import { entriesOf } from './trace.ts';
import type { ShownEntry, ShownHook } from './trace.ts';

const SUCCESSES = new Set(['ok', 'completed', 'complete', 'success', 'succeeded', 'issued', 'done', 'granted']);

function time(epochMilliseconds: number): Markup {
  const moment = new Date(epochMilliseconds);
  if (Number.isNaN(moment.getTime())) return html`–`;
  const text = moment.toISOString();
  return html`<time datetime="${text}">${text.slice(0, 19).replace('T', ' ')} UTC</time>`;
}

function outcome(text: string): Markup {
  return SUCCESSES.has(text) ? html`<span class="good">${text}</span>` : html`<span>${text}</span>`;
}

/** The table of flows; says so when there are none yet. */
export function flowTable(flows: readonly RecordedFlow[], caption: string): Markup {
  if (flows.length === 0)
    return html`<h2>${caption}</h2>
      <p>None yet. Open the sample app to make one.</p>`;
  const rows = flows.map(
    ({ id, flow, tenantId, outcome: end, startedAt }) =>
      html`<tr>
        <td><a href="/demo/traces/${encodeURIComponent(id)}">${time(startedAt)}</a></td>
        <td>${flow}</td>
        <td>${tenantId}</td>
        <td>${outcome(end)}</td>
      </tr>`,
  );
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}, scrollable">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          <th scope="col">Started</th>
          <th scope="col">Flow</th>
          <th scope="col">Tenant</th>
          <th scope="col">Outcome</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** Renders the list of flows. */
export function tracesPage(flows: readonly RecordedFlow[]): string {
  return page(
    'Flows – Sallyport',
    html`<h1>Flows</h1>
      <p class="lead">What the server did, newest first.</p>
      <section class="card" aria-label="Flows">${flowTable(flows, 'Flows')}</section>`,
  );
}

function json(label: string, value: unknown): Markup {
  if (value === undefined) return NOTHING;
  return html`<div>
    <h3>${label}</h3>
    <pre tabindex="0" aria-label="${label}">${JSON.stringify(value, null, 2)}</pre>
  </div>`;
}

function hookDetails(hook: ShownHook): Markup {
  const failure = hook.ok
    ? NOTHING
    : html`<p class="bad">
        ${hook.kind ?? 'failed'}${hook.message ? `: ${hook.message}` : ''}${hook.location ? ` (${hook.location})` : ''}
      </p>`;
  const logs =
    hook.logs.length === 0
      ? NOTHING
      : html`<h3>Log</h3>
          <pre tabindex="0" aria-label="Log of ${hook.name}">${hook.logs.join('\n')}</pre>`;
  const calls =
    hook.calls.length === 0
      ? NOTHING
      : html`<h3>Calls</h3>
          <ul class="links">
            ${hook.calls.map((call) => html`<li>${call}</li>`)}
          </ul>`;
  return html`<div class="card">
    <h2><code>${hook.name}</code> <span class="tag">${hook.script}</span></h2>
    <p class="quiet">${hook.cpuMilliseconds} ms of computing, ${hook.wallMilliseconds} ms in all.</p>
    ${failure}
    <div class="pair">${json('What it saw', hook.before)}${json('What it changed', hook.after)}</div>
    ${logs}${calls}
  </div>`;
}

function entry({ state, kind, outcome: end, duration, hook, after }: ShownEntry): Markup {
  const failed = state === 'rejected' || (hook !== undefined && !hook.ok);
  return html`<li class="${failed ? 'failed' : 'passed'}">
    <div class="line">
      <strong>${state}</strong><span class="tag">${kind}</span>${outcome(end)}
      <span class="quiet">${duration}, ${after} after the start</span>
    </div>
    ${hook ? hookDetails(hook) : NOTHING}
  </li>`;
}

/** Renders one flow in full. */
export function tracePage(recorded: RecordedFlow): string {
  const entries = entriesOf(recorded);
  const trail =
    entries.length === 0
      ? html`<p>This flow kept no entries.</p>`
      : html`<ol class="trail">
          ${entries.map(entry)}
        </ol>`;
  return page(
    `Flow ${recorded.flow} – Sallyport`,
    html`<h1>Flow: ${recorded.flow}</h1>
      <section class="card" aria-label="Summary">
        <dl class="values">
          <dt>Outcome</dt>
          <dd>${outcome(recorded.outcome)}</dd>
          <dt>Tenant</dt>
          <dd>${recorded.tenantId}</dd>
          <dt>Started</dt>
          <dd>${time(recorded.startedAt)}</dd>
          <dt>Id</dt>
          <dd><code>${recorded.id}</code></dd>
        </dl>
      </section>
      ${trail}
      <p><a href="/demo/traces">All flows</a></p>`,
  );
}
