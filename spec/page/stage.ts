/** A real server whose tenants show every page there is, and an app on loopback that catches the answers. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { hashLowEntropySecret } from '../../engine/store/secret.ts';
import { pkce, postForm } from '../support/oauth.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

export interface PageStage {
  readonly server: TestServer;
  /** Where the apps are answered; the pages there say `The app`. */
  readonly redirectUri: string;
  /** Of the code challenge in every request. */
  readonly verifier: string;
  /** The queries the apps were answered with, in order. */
  readonly answers: URLSearchParams[];
  /** The queries that a frame of a log-out page called an app with. */
  readonly framed: URLSearchParams[];
  /** Somebody of the clinic who was never there before. */
  newcomer(): string;
  /** What a code of these requests is worth: the token endpoint's status, and the scopes it gives. */
  redeem(tenant: string, clientId: string, code: string): Promise<{ readonly status: number; readonly scope: string }>;
  /** An authorization request at a tenant, with anything changed. */
  authorize(tenant: string, clientId: string, more?: Readonly<Record<string, string>>): string;
  close(): Promise<void>;
}

const records = ['Patient', 'Observation', 'Condition', 'MedicationRequest', 'Encounter', 'Immunization', 'Procedure'];
export const manyScopes = [
  'openid',
  'fhirUser',
  'launch/patient',
  ...records.map((type) => `patient/${type}.rs`),
  'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory',
  'patient/*.cruds',
  'offline_access',
  'https://clinic.example/scopes/researchregistryparticipation',
];

/** A hundred and twenty people, some with names that fit nowhere. */
const manyPatients = `
export function onSmartLoginPreContextSelection(theUserSession, theChoices) {
  theChoices.addChoice({
    contextType: 'patient', resourceId: 'long',
    display: 'Maria-Magdalena Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh',
    birthDate: '1931-07-04', sex: 'female', identifier: 'urn:oid:2.16.840.1.113883.2.9.4.3.2|RSSMRA31L44H501W0000000000',
  });
  theChoices.addChoice({
    contextType: 'patient', resourceId: 'mueller', display: 'Jürgen Müller-Łukasz',
    birthDate: '1984-06-02', sex: 'other', identifier: 'MRN-7',
  });
  for (let number = 1; number < 119; number += 1) {
    theChoices.addChoice({
      contextType: 'patient', resourceId: 'patient-' + number, display: 'Person Number ' + number,
      birthDate: '19' + (10 + number % 90) + '-02-03', sex: number % 2 ? 'male' : 'female', identifier: 'MRN-' + (20000 + number),
    });
  }
}`;

const terms = Array.from(
  { length: 12 },
  (_, index) =>
    `${index + 1}. The record is shown as it was written by those who treated the person. It may be incomplete, and it does not replace the advice of a physician or a nurse.`,
).join('\n\n');

function app(clientId: string, clientName: string, redirectUri: string, more: Readonly<Record<string, unknown>> = {}) {
  return {
    clientId,
    clientName,
    tokenEndpointAuthMethods: ['none'],
    grantTypes: ['authorization_code', 'refresh_token'],
    redirectUris: [redirectUri, redirectUri.replace('/callback', '/onward')],
    postLogoutRedirectUris: [redirectUri],
    scopes: [...manyScopes, 'launch', 'patient/*.rs', 'online_access'],
    ...more,
  };
}

/** One hash for all of them, which the server would make of each. */
const passwordHash = await hashLowEntropySecret('demo-password');
/** People of the clinic who were never there before, one for each journey. */
const nurses = Array.from({ length: 120 }, (_, index) => ({
  username: `nurse-${index + 1}`,
  passwordHash,
  givenName: 'Nurse',
  familyName: `Number ${index + 1}`,
}));
const user = { username: 'nurse', password: 'demo-password', givenName: 'Aoife', familyName: "O'Sullivan-Fernández" };

function tenant(url: string, id: string, name: string, more: Readonly<Record<string, unknown>>) {
  return {
    id,
    name,
    issuer: `${url}/${id}`,
    demo: true,
    fhirServers: [{ name: 'r4', url: `${url}/${id}/fhir/r4` }],
    keystore: { algorithms: ['RS256'] },
    inbound: [{ type: 'local', id: 'local' }],
    users: [user],
    ...more,
  };
}

async function writeTenants(config: string, redirectUri: string): Promise<void> {
  const demo = JSON.parse(await readFile(join(config, 'demo/tenant.json'), 'utf8')) as {
    issuer: string;
    providers: { existingUsers?: string }[];
    users: object[];
  };
  // Pat of the partner hospital has an account here already.
  for (const provider of demo.providers) provider.existingUsers = 'prove';
  demo.users.push({ ...user, username: 'EXT_USER:pat' });
  await writeFile(join(config, 'demo/tenant.json'), JSON.stringify(demo));
  const url = new URL(demo.issuer).origin;
  const partner = {
    id: 'partner',
    name: 'Partner Hospital',
    issuer: `${url}/partner`,
    clientId: 'nobody',
    scopes: ['openid'],
  };
  const clinic = (id: 'clinic' | 'harbor') =>
    tenant(url, id, 'Universitätsklinikum Nordrhein-Westfalen, Herz- und Diabeteszentrum', {
      ...(id === 'harbor' ? { skin: id } : {}),
      scripts: { callbacks: 'callbacks.js' },
      termsOfService: { version: '2026-01', text: terms },
      passwordReset: { enabled: true },
      selfRegistration: {
        enabled: true,
        username: 'chosen',
        minimumSeconds: 0,
        fields: [
          { name: 'givenName', required: true },
          { name: 'familyName', required: true },
          { name: 'phone' },
          { name: 'birthDate', required: true },
          {
            name: 'memberNumber',
            label: {
              en: 'Member number of your insurance, as it stands on the card',
              de: 'Krankenversicherungsnummer, wie sie auf der Karte steht',
            },
            hint: { en: 'Eight digits.', de: 'Acht Ziffern.' },
            pattern: '[0-9]{8}',
            required: true,
          },
          {
            name: 'region',
            label: { en: 'Where you are treated', de: 'Wo Sie behandelt werden' },
            type: 'choice',
            required: true,
            choices: [
              { value: 'north', label: { en: 'Northern Rhineland', de: 'Nördliches Rheinland' } },
              { value: 'south', label: { en: 'Southern Rhineland', de: 'Südliches Rheinland' } },
            ],
          },
        ],
      },
      secondFactor: { requiredFor: ['FHIR_ALL_WRITE'], rememberDays: 30 },
      users: [
        user,
        ...(id === 'clinic' ? nurses : []),
        ...['en', 'de'].map((language) => ({
          ...user,
          username: `forgetful-${language}`,
          email: `${language}@home.example`,
        })),
        ...['en', 'de'].map((language) => ({ ...user, username: `newcomer-${language}`, mustChangePassword: true })),
        ...['en', 'de'].map((language) => ({
          ...user,
          username: `prover-${language}`,
          authorities: [{ permission: 'FHIR_ALL_WRITE' }],
        })),
      ],
      clients: [
        app('framed', 'Framed App', redirectUri, {
          frontchannelLogoutUri: redirectUri.replace('/callback', '/framed'),
        }),
        app('wide', 'Longitudinal Care Coordination & Rehabilitationsnachsorgeprogramm', redirectUri, {
          attestation: {
            text: 'We never sell what we see. We delete everything thirty days after you leave us.',
            date: '2026-01-15',
            url: 'https://app.example/attestation',
          },
        }),
      ],
    });
  const tenants = [
    // Everything that can be long is, in either skin.
    ...(['clinic', 'harbor'] as const).map((id) => clinic(id)),
    // People log in elsewhere only.
    tenant(url, 'choice', 'City Health Network', {
      federation: { passwordForm: false },
      providers: [partner, { ...partner, id: 'gone', name: 'A Provider That Is Gone', issuer: `${url}/nowhere` }],
      clients: [app('plain', 'Plain App', redirectUri)],
    }),
    // Nobody is as quick as this tenant wants.
    tenant(url, 'quick', 'Hasty Clinic', {
      lifetimes: { interactionSeconds: 1 },
      skin: 'harbor',
      selfRegistration: { enabled: true, minimumSeconds: 0, approval: { enabled: true } },
      clients: [app('plain', 'Plain App', redirectUri)],
    }),
    // Nothing may be struck out, nothing is remembered; the pages wear a skin of the tenant's own.
    tenant(url, 'strict', 'Strict Practice', {
      consent: { allowDecline: false },
      skin: 'look',
      clients: [
        app('plain', 'Plain App', redirectUri, {
          rememberApprovedScopes: false,
          scopes: [...manyScopes, 'https://strict.example/scopes/registry'],
        }),
      ],
      users: [{ ...user, defaultLaunchContexts: [{ contextType: 'patient', resourceId: 'jane' }] }],
    }),
  ];
  for (const document of tenants) {
    const folder = join(config, document.id);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'tenant.json'), JSON.stringify(document));
    await writeFile(join(folder, 'callbacks.js'), manyPatients);
  }
  await cp(join(import.meta.dirname, 'look'), join(config, 'strict/look'), { recursive: true });
}

async function startApp(
  answers: URLSearchParams[],
  framed: URLSearchParams[],
): Promise<{ readonly server: Server; readonly redirectUri: string }> {
  const server = createServer((request, reply) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (pathname === '/callback') answers.push(searchParams);
    if (pathname === '/framed') framed.push(searchParams);
    // Apps do this: the address they registered leads on to another origin.
    if (pathname === '/onward') {
      reply.writeHead(302, { location: `http://localhost:${request.socket.localPort}/callback?${searchParams}` }).end();
      return;
    }
    reply.setHeader('content-type', 'text/html; charset=utf-8');
    reply.end(
      '<!doctype html><html lang="en"><title>The app</title><link rel="icon" href="data:,"><h1>The app</h1></html>',
    );
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return { server, redirectUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback` };
}

export async function startPageStage(): Promise<PageStage> {
  const answers: URLSearchParams[] = [];
  const framed: URLSearchParams[] = [];
  const { verifier, challenge } = pkce();
  const strangers = nurses.map(({ username }) => username);
  const { server: listening, redirectUri } = await startApp(answers, framed);
  const server = await startTestServer({ prepare: (config) => writeTenants(config, redirectUri) });
  return {
    server,
    redirectUri,
    verifier,
    answers,
    framed,
    newcomer() {
      const username = strangers.shift();
      if (!username) throw new Error('the clinic has no more people');
      return username;
    },
    async redeem(tenantId, clientId, code) {
      const { status, body } = await postForm(`${server.url}/${tenantId}/oauth/token`, {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        client_id: clientId,
      });
      return { status, scope: String(body['scope']) };
    },
    authorize(tenantId, clientId, more = {}) {
      const parameters = {
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        scope: manyScopes.join(' '),
        state: 'state-1',
        aud: `${server.url}/${tenantId}/fhir/r4`,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        ...more,
      };
      return `${server.url}/${tenantId}/oauth/authorize?${new URLSearchParams(parameters)}`;
    },
    async close() {
      await server.close();
      listening.closeAllConnections();
      listening.close();
    },
  };
}
