/** Two tenants on one server: one whose callbacks misbehave by the name of who asks, one that must not notice. */
import { randomUUID } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  authorizationRequest,
  basic,
  clientAssertion,
  logIn,
  postForm,
  redeem,
  signWith,
  type TokenAnswer,
} from '../support/oauth.ts';
import { createPerson } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

export const flows = ['interactive', 'federated', 'client', 'backend', 'codap', 'refresh'] as const;
export type FlowName = (typeof flows)[number];

/** What the app saw of one flow. */
export interface Seen {
  /** The authorization response's address, or the token response's body, as text. */
  readonly text: string;
  readonly error: string | undefined;
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** The same code or refresh token presented once more, where there was one. */
  readonly again?: () => Promise<TokenAnswer>;
}

export interface HookEntry {
  readonly name: string;
  readonly script: string;
  readonly ok: boolean;
  readonly kind?: string;
  readonly location?: { readonly file: string; readonly line: number; readonly column: number };
  readonly logs: readonly { readonly level: string; readonly message: string }[];
}

export interface RecordedTrace {
  readonly flow: string;
  readonly outcome: string;
  readonly entries: readonly { readonly state: string; readonly outcome: string; readonly hook?: HookEntry }[];
}

export interface StageOptions {
  /** Script files of the demo tenant by name. */
  readonly scripts: Readonly<Record<string, string>>;
  /** People of the demo tenant, and of the partner it federates with; all have the password of the demo. */
  readonly people?: readonly string[];
  readonly partnerPeople?: readonly string[];
  readonly secretClients?: readonly string[];
  readonly keyClients?: readonly string[];
  readonly change?: (tenant: Record<string, unknown>) => void;
  /** Callbacks of the bystanders; the partner's own unless given. */
  readonly bystanderCallbacks?: string;
}

interface TenantText extends Record<string, unknown> {
  clients: Record<string, unknown>[];
  users: Record<string, unknown>[];
}

async function edit(config: string, tenant: string, change: (document: TenantText) => void): Promise<void> {
  const path = join(config, tenant, 'tenant.json');
  const document = JSON.parse(await readFile(path, 'utf8')) as TenantText;
  change(document);
  await writeFile(path, JSON.stringify(document));
}

/** A tenant whose scripts run in the same sandbox process as those of the demo tenant, and one whose do not. */
export const sameProcess = 'neighbour';
export const otherProcess = 'partner';

async function copyTenant(config: string, from: string, to: string): Promise<void> {
  await cp(join(config, from), join(config, to), { recursive: true });
  const path = join(config, to, 'tenant.json');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replaceAll(`/${from}`, `/${to}`).replace(`"id":"${from}"`, `"id":"${to}"`));
}

const permissions = [{ permission: 'ROLE_FHIR_CLIENT' }, { permission: 'FHIR_ALL_READ' }];

function secretClient(clientId: string): Record<string, unknown> {
  return {
    clientId,
    clientName: clientId,
    tokenEndpointAuthMethods: ['client_secret_basic'],
    secrets: [{ value: 'demo-secret' }],
    grantTypes: ['client_credentials'],
    scopes: ['system/*.rs'],
    permissions,
  };
}

export async function startStage(options: StageOptions): Promise<TestServer> {
  const person = (username: string) => ({
    username,
    password: 'demo-password',
    givenName: 'Given',
    authorities: permissions,
  });
  return startTestServer({
    async prepare(config) {
      for (const [name, source] of Object.entries(options.scripts)) await writeFile(join(config, 'demo', name), source);
      await edit(config, 'demo', (tenant) => {
        // Short, so that a loop costs the suite little, yet enough to reach the memory limit first on a busy machine.
        tenant['scriptLimits'] = { cpuMilliseconds: 1000, wallMilliseconds: 4000, memoryMebibytes: 16 };
        tenant.users.push(...(options.people ?? []).map(person));
        tenant.clients.push(
          ...(options.secretClients ?? []).map(secretClient),
          ...(options.keyClients ?? []).map((clientId) => ({
            clientId,
            clientName: clientId,
            tokenEndpointAuthMethods: ['private_key_jwt'],
            jwksFile: 'keys/sample-backend.jwks.json',
            grantTypes: ['client_credentials'],
            scopes: ['system/*.rs'],
            permissions,
          })),
        );
        options.change?.(tenant);
      });
      await edit(config, 'partner', (tenant) => {
        tenant.users.push(...(options.partnerPeople ?? []).map(person));
        tenant.clients.push(secretClient('bystander'));
        if (options.bystanderCallbacks !== undefined)
          tenant['scriptLimits'] = { cpuMilliseconds: 5000, wallMilliseconds: 20_000 };
      });
      if (options.bystanderCallbacks !== undefined)
        await writeFile(join(config, 'partner', 'callbacks.js'), options.bystanderCallbacks);
      // Of the two sandbox processes one tenant's scripts run beside the misbehaving ones, the other's apart.
      await copyTenant(config, 'partner', sameProcess);
    },
  });
}

/**
 * Runs `work` while these tenants' flows run again and again; answers also the longest any of those took, milliseconds.
 * @throws when one of them does not get its token.
 */
export async function besideBystanders<Result>(
  server: TestServer,
  work: () => Promise<Result>,
  tenants: readonly string[] = [sameProcess],
): Promise<{ readonly result: Result; readonly longest: number }> {
  let over = false;
  let longest = 0;
  const watch = async (tenant: string) => {
    do {
      const began = performance.now();
      const answer = await postForm(
        `${server.url}/${tenant}/oauth/token`,
        { grant_type: 'client_credentials' },
        basic('bystander', 'demo-secret'),
      );
      if (answer.status !== 200) throw new Error(`another tenant was disturbed: ${JSON.stringify(answer.body)}`);
      longest = Math.max(longest, performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 40));
    } while (!over);
  };
  const [done, ...watched] = await Promise.allSettled([work().finally(() => (over = true)), ...tenants.map(watch)]);
  if (done.status === 'rejected') throw done.reason;
  for (const one of watched) if (one.status === 'rejected') throw one.reason;
  return { result: done.value, longest };
}

function seenToken({ status, body }: TokenAnswer, again?: () => Promise<TokenAnswer>): Seen {
  const error = typeof body['error'] === 'string' ? body['error'] : undefined;
  return { text: JSON.stringify(body), error, status, body, ...(again ? { again } : {}) };
}

async function seenBack(server: TestServer, back: URL, verifier: string): Promise<Seen> {
  const code = back.searchParams.get('code');
  if (code === null) {
    const error = back.searchParams.get('error') ?? undefined;
    return { text: decodeURIComponent(back.href), error, status: 303, body: {} };
  }
  return seenToken(await redeem(server, code, verifier), () => redeem(server, code, verifier));
}

async function federatedLogIn(server: TestServer, username: string): Promise<Seen> {
  const person = createPerson(server.url);
  const { url, verifier } = authorizationRequest(server);
  const away = await person.submit(await person.open(url), { provider: 'partner' });
  return seenBack(server, await person.walk(away, { username }), verifier);
}

export async function codapForm(server: TestServer, subject: string): Promise<Record<string, string>> {
  const now = Math.floor(Date.now() / 1000);
  const assertion = await signWith(server, 'partner-hospital-issuer', 'RS256', {
    iss: 'https://partner-hospital.example',
    sub: subject,
    aud: `${server.issuer}/oauth/token`,
    acr: 'https://partner-hospital.example/assurance/3',
    exp: now + 240,
    iat: now,
    jti: randomUUID(),
    requested_record: { resourceType: 'Patient', identifier: [{ value: 'MRN-10137' }] },
    requested_scopes: 'patient/*.rs',
    requesting_practitioner: { resourceType: 'Practitioner', id: subject },
    reason_for_request: 'treatment',
  });
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion,
    ...(await clientAssertion(server, 'partner-hospital', 'RS384')),
  };
}

/** Runs one flow to its end as `who`: a user name, a client, or the foreign subject. */
export async function runFlow(server: TestServer, flow: FlowName, who: string): Promise<Seen> {
  const token = `${server.issuer}/oauth/token`;
  switch (flow) {
    case 'interactive': {
      const { url, verifier } = authorizationRequest(server);
      const person = createPerson(server.url);
      return seenBack(server, await person.walk(await person.open(url), { username: who }), verifier);
    }
    case 'federated':
      return federatedLogIn(server, who);
    case 'client':
      return seenToken(await postForm(token, { grant_type: 'client_credentials' }, basic(who, 'demo-secret')));
    case 'backend': {
      const assertion = await clientAssertion(server, 'sample-backend', 'ES384', { iss: who, sub: who });
      return seenToken(await postForm(token, { grant_type: 'client_credentials', scope: 'system/*.rs', ...assertion }));
    }
    case 'codap':
      return seenToken(await postForm(token, await codapForm(server, who)));
    case 'refresh': {
      const { body } = await logIn(server, createPerson(server.url), who);
      if (typeof body['refresh_token'] !== 'string') throw new Error(`nothing to refresh: ${JSON.stringify(body)}`);
      const form = {
        grant_type: 'refresh_token',
        refresh_token: body['refresh_token'],
        client_id: 'sample-native',
      };
      return seenToken(await postForm(token, form), () => postForm(token, form));
    }
  }
}

/** The trace of the flow that ended last. */
export async function lastTrace(server: TestServer, tenant = 'demo'): Promise<RecordedTrace> {
  const secret = (await readFile(join(server.data, 'admin-secret'), 'utf8')).trim();
  const read = async (path: string) => {
    const answer = await fetch(`${server.url}/admin/api/tenants/${tenant}/traces${path}`, {
      headers: { authorization: `Bearer ${secret}` },
    });
    if (!answer.ok) throw new Error(`the traces answer ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as Record<string, unknown>;
  };
  const { items } = (await read('?limit=1')) as { items: { id: string }[] };
  const [newest] = items;
  if (!newest) throw new Error('there is no trace');
  return (await read(`/${encodeURIComponent(newest.id)}`)) as unknown as RecordedTrace;
}
