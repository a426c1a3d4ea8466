/* The app: starts a standalone launch, and shows the record once the server has sent the browser back. */
import { showPatient, showConditions, showObservations } from '/app/record.js';
import { showSession } from '/app/session.js';

const { FHIR } = globalThis;
const element = (id) => document.getElementById(id);
const base = `${location.origin}/demo/fhir/r4`;

function say(text) {
  element('progress').textContent = text;
}

function fail(error) {
  say('');
  element('problem-text').textContent = error instanceof Error ? error.message : String(error);
  element('problem').hidden = false;
}

function startAgain() {
  sessionStorage.clear();
  location.assign('/app/');
}

async function launchStandalone(button) {
  button.disabled = true;
  say('Going to the log-in page …');
  try {
    await FHIR.oauth2.authorize({
      clientId: 'sample-app',
      scope: 'openid fhirUser launch/patient patient/*.rs offline_access',
      redirectUri: `${location.origin}/app/`,
      iss: base,
    });
  } catch (error) {
    button.disabled = false;
    fail(error);
  }
}

/** A refused or failed part of the record is told in its place; the other parts still show. */
async function load(client) {
  const patient = client.patient.id;
  if (!patient) {
    throw new Error('The server gave the app no patient. Start again and choose one.');
  }
  const id = encodeURIComponent(patient);
  const [person, conditions, observations] = await Promise.all([
    client.request(`Patient/${id}`),
    client.request(`Condition?patient=${id}`),
    client.request(`Observation?patient=${id}&_count=200`),
  ]);
  const resources = (bundle) => (bundle.entry ?? []).map((entry) => entry.resource);
  showPatient(person);
  showConditions(resources(conditions));
  showObservations(resources(observations));
}

async function refresh(client, button) {
  button.disabled = true;
  say('Asking for a new token …');
  try {
    await client.refresh();
    showSession(client);
    say('The app has a new access token.');
  } catch (error) {
    fail(error);
  } finally {
    button.disabled = !client.state.tokenResponse?.refresh_token;
  }
}

async function showResult() {
  say('Finishing the log-in …');
  const client = await FHIR.oauth2.ready();
  showSession(client);
  say('Reading the record …');
  await load(client);
  element('lead').hidden = true;
  element('result').hidden = false;
  say('');
  const button = element('refresh');
  button.disabled = !client.state.tokenResponse?.refresh_token;
  button.addEventListener('click', () => refresh(client, button));
}

for (const button of document.querySelectorAll('[data-launch]')) {
  button.addEventListener('click', () => launchStandalone(button));
}
for (const button of document.querySelectorAll('[data-start-again]')) button.addEventListener('click', startAgain);

const answer = new URLSearchParams(location.search);
const returning = answer.has('code') || answer.has('error') || sessionStorage.getItem('SMART_KEY') !== null;
try {
  if (answer.has('error')) {
    const detail = answer.get('error_description');
    const told = `${answer.get('error')}${detail ? ` – ${detail}` : ''}`;
    if (answer.get('error') === 'access_denied') element('problem-title').textContent = 'No access was given';
    throw new Error(`The app opened no record. The server’s answer: ${told}.`);
  }
  // Someone who pressed Back during the log-in has a key but no token yet; for them the app simply begins anew.
  const key = sessionStorage.getItem('SMART_KEY');
  const stored = key === null ? null : sessionStorage.getItem(JSON.parse(key));
  const signedIn = stored !== null && JSON.parse(stored).tokenResponse?.access_token !== undefined;
  if (returning && (answer.has('code') || signedIn)) await showResult();
  else element('start').hidden = false;
} catch (error) {
  fail(error);
}
