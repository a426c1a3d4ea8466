/** The page a person meets first: what runs here and how to try it. */
import type { DemoUser, RecordedFlow } from '../options.ts';
import type { PatientEntry } from '../fhir/patient.ts';
import { html, NOTHING, page } from './html.ts';
import type { Markup } from './html.ts';
import { flowTable } from './trace-page.ts';

export interface StartPageInput {
  readonly issuers: readonly string[];
  readonly fhirBase: string;
  readonly patients: readonly PatientEntry[];
  readonly users: readonly DemoUser[];
  readonly flows: readonly RecordedFlow[];
  readonly documents: readonly { readonly name: string; readonly title: string }[];
  /** Where the demo answers, in case the page was opened somewhere else. */
  readonly answersAt?: string;
}

const DISCOVERY = ['openid-configuration', 'oauth-authorization-server', 'smart-configuration'];

function link(address: string, text: string): Markup {
  return html`<li><a href="${address}">${text}</a></li>`;
}

function tryIt({ patients }: StartPageInput): Markup {
  const options = patients.map(
    ({ id, given, family, birthDate }) => html`<option value="${id}">${family}, ${given} (born ${birthDate})</option>`,
  );
  return html`<div class="cards">
    <section class="card" aria-labelledby="standalone">
      <h2 id="standalone">Start from the app</h2>
      <p>Open the sample app, log in as a patient or a clinician, and see what it may read.</p>
      <div class="actions"><a class="button" href="/app/">Open the sample app</a></div>
    </section>
    <section class="card" aria-labelledby="ehr">
      <h2 id="ehr">Start from a record system</h2>
      <p>Do what a clinician’s record system does: open the app for the patient on the screen.</p>
      <form method="post" action="/demo/ehr-launch">
        <label for="patient">Patient whose record is open</label>
        <select id="patient" name="patient" required>
          ${options}
        </select>
        <div class="actions"><button type="submit">Launch the app</button></div>
      </form>
    </section>
  </div>`;
}

/** The issuers name one origin, and cookies, redirects and tokens hold nowhere else. */
function elsewhere(origin: string): Markup {
  const { port, protocol } = new URL(origin);
  return html`<section class="card" aria-labelledby="elsewhere">
    <h2 id="elsewhere">The demo does not answer here</h2>
    <p>
      Its tenants answer at ${origin} only, so the sample app does not work at this address. Start the server with
      <code>PORT=${port || (protocol === 'https:' ? '443' : '80')}</code> and open <a href="${origin}/">${origin}</a>.
    </p>
  </section>`;
}

function people({ users, issuers: [issuer = ''] }: StartPageInput): Markup {
  if (users.length === 0) return NOTHING;
  const entries = users.map(
    ({ username, password, name, role }) =>
      html`<li>
        <span><strong>${name}</strong><br /><span class="quiet">${role}</span></span>
        <span><code>${username}</code><br /><code>${password}</code></span>
      </li>`,
  );
  return html`<section class="card" aria-labelledby="people">
    <h2 id="people">Demo users and their passwords</h2>
    <ul class="tidy people">
      ${entries}
    </ul>
    <ul class="links">
      ${link(`${issuer}/session/manage`, 'Apps that the person logged in here gave access to')}
      ${link(`${issuer}/session/end`, 'Log out')}
      ${link('/admin/skins/preview', 'Every page of each skin, with sample data')}
      ${link('/admin/simulator', 'The simulator: change a script and see what comes of it (any name, and the password in data/admin-secret)')}
    </ul>
  </section>`;
}

/** Renders the start page. */
export function startPage(input: StartPageInput): string {
  const { issuers, fhirBase, documents } = input;
  const discovery = issuers.map(
    (issuer) =>
      html`<h3>${issuer}</h3>
        <ul class="links">
          ${DISCOVERY.map((name) => link(`${issuer}/.well-known/${name}`, name))}
        </ul>`,
  );
  const reading =
    documents.length === 0
      ? NOTHING
      : html`<section class="card" aria-labelledby="docs">
          <h2 id="docs">Read more</h2>
          <ul class="links">
            ${documents.map(({ name, title }) => link(`/docs/${name}`, title))}
          </ul>
        </section>`;
  return page(
    'Sallyport – what runs here',
    html`<h1>Sallyport is running</h1>
      <p class="lead">
        An authorization server for SMART on FHIR apps, here with demo tenants, a sample app and made-up records.
      </p>
      ${input.answersAt === undefined ? tryIt(input) : elsewhere(input.answersAt)} ${people(input)}
      <section class="card" aria-label="Latest flows">
        ${flowTable(input.flows, 'Latest flows')}
        <p class="quiet">
          Each log-in and launch leaves a trace: its states, and what every script saw, changed and logged.
        </p>
        <p><a class="target" href="/demo/traces">All flows</a></p>
      </section>
      <div class="cards">
        <section class="card" aria-labelledby="discovery">
          <h2 id="discovery">Discovery documents</h2>
          ${discovery}
        </section>
        <section class="card" aria-labelledby="fhir">
          <h2 id="fhir">FHIR server</h2>
          <h3>${fhirBase}</h3>
          <p>Read-only FHIR R4 with made-up records; it takes the first tenant’s access tokens.</p>
          <ul class="links">
            ${link(`${fhirBase}/metadata`, 'CapabilityStatement')}
          </ul>
        </section>
      </div>
      ${reading}`,
  );
}
