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
        <td><a class="target" href="/demo/traces/${encodeURIComponent(id)}">${time(startedAt)}</a></td>
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
      <p class="lead">What the server did, newest first. Open one to see what each hook saw, changed and logged.</p>
      <section class="card" aria-label="Flows">${flowTable(flows, 'Flows')}</section>`,
  );
}

function saw({ name, before }: ShownHook): Markup {
  if (before === undefined) return html`<p class="quiet">What it saw is kept for demo tenants only.</p>`;
  return html`<details>
    <summary>What it saw</summary>
    <pre tabindex="0" role="group" aria-label="What ${name} saw">${JSON.stringify(before, null, 2)}</pre>
  </details>`;
}

function changed({ before, changes, ok }: ShownHook): Markup {
  if (before === undefined) return NOTHING;
  if (changes.length === 0)
    return html`<h3>What it changed</h3>
      <p>Nothing${ok ? '' : ', because it failed'}.</p>`;
  const rows = changes.map(
    ({ path, removed, added }) =>
      html`<dt><code>${path}</code></dt>
        <dd>${removed.map((text) => html`<del>${text}</del>`)}${added.map((text) => html`<ins>${text}</ins>`)}</dd>`,
  );
  return html`<h3>What it changed</h3>
    <dl class="difference">${rows}</dl>`;
}

function failure({ ok, kind, message, location, frame, name }: ShownHook): Markup {
  if (ok) return NOTHING;
  return html`<p class="bad">${kind ?? 'failed'}${message ? `: ${message}` : ''}${location ? ` (${location})` : ''}</p>
    ${frame ? html`<pre tabindex="0" role="group" aria-label="Where ${name} failed">${frame}</pre>` : NOTHING}`;
}

function hookDetails(hook: ShownHook): Markup {
  const logs =
    hook.logs.length === 0
      ? NOTHING
      : html`<h3>What it logged</h3>
          <pre tabindex="0" role="group" aria-label="Log of ${hook.name}">${hook.logs.join('\n')}</pre>`;
  const calls =
    hook.calls.length === 0
      ? NOTHING
      : html`<h3>Whom it called</h3>
          <ul class="links">
            ${hook.calls.map((call) => html`<li>${call}</li>`)}
          </ul>`;
  const version = hook.version === undefined ? NOTHING : html` <span class="tag">version ${hook.version}</span>`;
  return html`<div class="card">
    <h2><code>${hook.name}</code> <span class="tag">${hook.script}</span>${version}</h2>
    <p class="quiet">${hook.cpuMilliseconds} ms of computing, ${hook.wallMilliseconds} ms in all.</p>
    ${failure(hook)}${changed(hook)}${logs}${calls}${saw(hook)}
  </div>`;
}

function entry({ state, kind, outcome: end, duration, waited, hook, after }: ShownEntry): Markup {
  const failed = state === 'rejected' || (hook !== undefined && !hook.ok);
  const took = kind === 'wait' ? '' : `${waited === undefined ? '' : `after a wait of ${waited}, `}${duration}, `;
  return html`<li class="${failed ? 'failed' : 'passed'}">
    <div class="line">
      <strong>${state}</strong><span class="tag">${kind}</span>${outcome(end)}
      <span class="quiet">${took}${after} after the start</span>
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
      <p><a class="target" href="/demo/traces">All flows</a></p>`,
  );
}
