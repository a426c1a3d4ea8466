/** The demo: a FHIR server with made-up records, a sample SMART app, and the start page. For trying things, not for care. */
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import formbody from '@fastify/formbody';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { currentEncounterOf, demoResources } from './fhir/data.ts';
import { readPatients } from './fhir/patient.ts';
import type { PatientEntry } from './fhir/patient.ts';
import { fhirServer } from './fhir/server.ts';
import { fhirBaseOf } from './options.ts';
import type { DemoOptions, RecordedFlow } from './options.ts';
import { html, page } from './start/html.ts';
import { mailPage } from './start/mail-page.ts';
import { startPage } from './start/start-page.ts';
import { tracePage, tracesPage } from './start/trace-page.ts';
import { serveApp } from './static.ts';

export type { DemoOptions, DemoUser, Jwk, LaunchInput, RecordedFlow } from './options.ts';

const FLOWS_ON_START_PAGE = 8;
const FLOWS_LISTED = 100;
const DOCUMENT = /^[A-Za-z0-9][A-Za-z0-9_-]*\.md$/;

/** No inline script or style and nothing from elsewhere (Content Security Policy Level 3). */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

function sendPage(reply: FastifyReply, markup: string, status = 200): FastifyReply {
  return reply.code(status).type('text/html; charset=utf-8').header('cache-control', 'no-store').send(markup);
}

function sendNotice(reply: FastifyReply, status: number, title: string, sentence: string): FastifyReply {
  const content = html`<h1>${title}</h1>
    <p>${sentence}</p>
    <p><a class="target" href="/">Back to the start page</a></p>`;
  return sendPage(reply, page(`${title} – Sallyport`, content), status);
}

/** The app's redirect URI and the audience name one host; someone who typed a loopback address is sent there. */
function isOtherLoopback(host: string | undefined, baseUrl: string): boolean {
  return host !== undefined && /^(?:127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(host) && host !== new URL(baseUrl).host;
}

async function documentsIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((): string[] => []);
  return names.filter((name) => DOCUMENT.test(name)).sort();
}

/** A document is called what its first heading says. */
async function titled(folder: string, name: string): Promise<{ readonly name: string; readonly title: string }> {
  const text = await readFile(join(folder, name), 'utf8').catch(() => '');
  return { name, title: /^# +(.+)$/m.exec(text)?.[1]?.trim() ?? name };
}

function newestFirst(flows: readonly RecordedFlow[]): RecordedFlow[] {
  return flows.toSorted((one, other) => other.startedAt - one.startedAt);
}

function servePages(server: FastifyInstance, options: DemoOptions, patients: readonly PatientEntry[]): void {
  const fhirBase = fhirBaseOf(options);
  const docsFolder = options.docsFolder ?? fileURLToPath(new URL('../../docs/', import.meta.url));
  const issuers = [options.issuer, ...(options.otherIssuers ?? [`${options.baseUrl}/partner`])];

  server.get('/', async (request, reply) => {
    const [flows, documents] = await Promise.all([options.traces(), documentsIn(docsFolder)]);
    const latest = newestFirst(flows).slice(0, FLOWS_ON_START_PAGE);
    const users = options.users ?? [];
    const titles = await Promise.all(documents.map((name) => titled(docsFolder, name)));
    // Opened at an address that the demo does not have, such as another port: nothing on the page would work there.
    const { origin, host } = new URL(options.baseUrl);
    const elsewhere = request.host === host ? {} : { answersAt: origin };
    return sendPage(
      reply,
      startPage({ issuers, fhirBase, patients, users, flows: latest, documents: titles, ...elsewhere }),
    );
  });

  server.get('/mail', async (_request, reply) => sendPage(reply, mailPage(options.mails?.() ?? [])));

  server.get('/demo/traces', async (_request, reply) =>
    sendPage(reply, tracesPage(newestFirst(await options.traces()).slice(0, FLOWS_LISTED))),
  );

  server.get('/demo/traces/latest', async (_request, reply) => {
    const [latest] = newestFirst(await options.traces());
    return reply.redirect(`/demo/traces${latest ? `/${encodeURIComponent(latest.id)}` : ''}`, 302);
  });

  server.get<{ Params: { id: string } }>('/demo/traces/:id', async (request, reply) => {
    const recorded = (await options.traces()).find(({ id }) => id === request.params.id);
    if (!recorded)
      return sendNotice(reply, 404, 'No such flow', 'It may have been removed since; traces are not kept for long.');
    return sendPage(reply, tracePage(recorded));
  });

  server.get<{ Params: { name: string } }>('/docs/:name', async (request, reply) => {
    const { name } = request.params;
    // The name comes from the list of the folder and not from the request, so no path can lead elsewhere.
    const found = (await documentsIn(docsFolder)).find((one) => one === name);
    if (!found) return sendNotice(reply, 404, 'No such document', 'The start page lists the documents there are.');
    return reply.type('text/plain; charset=utf-8').send(await readFile(join(docsFolder, found), 'utf8'));
  });

  server.post('/demo/ehr-launch', async (request, reply) => {
    const { origin } = request.headers;
    if (origin !== undefined && origin !== options.baseUrl) {
      return sendNotice(reply, 403, 'Not from here', 'A launch is started from the start page of this server.');
    }
    const form = typeof request.body === 'object' && request.body !== null ? request.body : {};
    const patient = 'patient' in form ? form.patient : undefined;
    if (!patients.some(({ id }) => id === patient) || typeof patient !== 'string') {
      return sendNotice(reply, 400, 'Which patient?', 'Choose one of the patients on the start page.');
    }
    const launch = await options.createLaunch({
      clientId: 'sample-app',
      username: options.clinician ?? 'drsmith',
      context: { patient, encounter: currentEncounterOf(patient), need_patient_banner: true },
    });
    return reply.redirect(`/app/launch.html?${new URLSearchParams({ iss: fhirBase, launch }).toString()}`, 303);
  });
}

/**
 * Mounts the demo: `/` (start page), `/app/` (sample SMART app), `/demo/fhir/r4` (FHIR server), `/demo/traces`,
 * `/demo/ehr-launch`, `/mail` and `/docs/<name>.md`.
 * @throws when the patients file cannot be read or is not a list of patients
 */
export async function demoPlugin(server: FastifyInstance, options: DemoOptions): Promise<void> {
  const patients = await readPatients(options.patientsFile);
  const resources = demoResources(patients);
  const { pathname } = new URL(fhirBaseOf(options));
  const { issuer, jwks, smartConfiguration } = options;
  await server.register(fhirServer, {
    prefix: pathname,
    issuer,
    jwks,
    resources,
    ...(smartConfiguration ? { smartConfiguration } : {}),
  });
  await server.register(async (pages) => {
    if (!pages.hasContentTypeParser('application/x-www-form-urlencoded')) await pages.register(formbody);
    pages.addHook('onRequest', async (request, reply) => {
      if (request.method === 'GET' && isOtherLoopback(request.headers.host, options.baseUrl)) {
        return reply.redirect(`${options.baseUrl}${request.url}`, 302);
      }
      void reply.headers({
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'same-origin',
      });
      return undefined;
    });
    await serveApp(pages);
    servePages(pages, options, patients);
  });
}
