/** One server for all specs of the endpoints, on PostgreSQL, so that a test may count rows and let time pass for a row. */
import { randomUUID } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { hashHandle } from '../../../engine/store/secret.ts';
import { type Admin, asAdmin } from '../../admin/support.ts';
import { sharedPostgres } from '../../support/databases.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';

export interface Stage {
  readonly server: TestServer;
  readonly admin: Admin;
  /** A tenant of the same path under another host, with CODAP off. */
  readonly twin: string;
  /** What could still be used or resumed, all tenants together. */
  usable(): Promise<Usable>;
  /** A launch handle of the demo tenant, or of another one. */
  launch(clientId: string, username: string, tenant?: string): Promise<string>;
  /** Makes sessions older. */
  age(seconds: number): Promise<void>;
  /** Makes the flow that a code leads to, or the token or launch of a handle, expire. */
  expire(kind: 'code' | 'token' | 'launch', handle: string): Promise<void>;
}

export interface Usable {
  readonly flows: number;
  readonly tokens: number;
  readonly sessions: number;
  readonly consents: number;
  readonly launches: number;
}

const service = { tokenEndpointAuthMethods: ['client_secret_basic', 'client_secret_post'] };
const secrets = [{ value: 'demo-secret' }];
const personal = ['openid', 'fhirUser', 'profile', 'launch', 'launch/patient', 'patient/*.rs', 'user/*.rs'];

/** Clients of the demo tenant beyond the sample ones, each for one rule. */
const clients: readonly Readonly<Record<string, unknown>>[] = [
  {
    clientId: 'places',
    tokenEndpointAuthMethods: ['none'],
    grantTypes: ['authorization_code'],
    redirectUris: [
      'https://app.example.org/callback',
      'https://app.example.org/with?query=1',
      'http://localhost:3000/callback',
      'http://[::1]/callback',
      'org.example.places:/callback',
    ],
    postLogoutRedirectUris: ['https://app.example.org/bye', 'https://app.example.org/bye?from=here'],
    scopes: personal,
  },
  {
    clientId: 'disabled',
    enabled: false,
    tokenEndpointAuthMethods: ['none'],
    grantTypes: ['authorization_code', 'refresh_token'],
    redirectUris: ['http://127.0.0.1/callback'],
    scopes: personal,
  },
  {
    clientId: 'no-code',
    ...service,
    secrets,
    grantTypes: ['client_credentials'],
    redirectUris: ['http://127.0.0.1/callback'],
    scopes: [...personal, 'system/*.rs', 'online_access', 'offline_access'],
  },
  {
    clientId: 'caller',
    profile: 'oidc',
    tokenEndpointAuthMethods: ['none'],
    grantTypes: ['authorization_code'],
    redirectUris: ['http://127.0.0.1/callback'],
    scopes: ['openid', 'phone'],
  },
  {
    clientId: 'plain-oidc',
    profile: 'oidc',
    ...service,
    secrets,
    grantTypes: ['authorization_code'],
    redirectUris: ['http://127.0.0.1/callback'],
    scopes: ['openid', 'profile'],
    autoApproveScopes: ['openid', 'profile'],
  },
  {
    clientId: 'superuser',
    ...service,
    secrets,
    grantTypes: ['client_credentials'],
    scopes: ['patient/*.read', 'openid', 'offline_access', 'launch/patient'],
    permissions: [{ permission: 'ROLE_FHIR_CLIENT_SUPERUSER' }],
  },
  {
    clientId: 'inspector',
    ...service,
    secrets,
    grantTypes: ['client_credentials'],
    scopes: ['system/*.rs'],
    canIntrospectAnyTokens: true,
  },
  {
    clientId: 'own-inspector',
    ...service,
    secrets,
    grantTypes: ['client_credentials'],
    scopes: ['system/*.rs'],
    canIntrospectOwnTokens: true,
    accessTokenFormat: 'opaque',
  },
  {
    clientId: 'untrusted-hospital',
    tokenEndpointAuthMethods: ['private_key_jwt'],
    jwksFile: 'keys/partner-hospital.jwks.json',
    grantTypes: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
    scopes: ['patient/*.rs'],
  },
];

/** The partner gets clients like the demo's, for what is worthless at the other tenant. */
const partnerClients: readonly Readonly<Record<string, unknown>>[] = [
  {
    clientId: 'sample-native',
    tokenEndpointAuthMethods: ['none'],
    grantTypes: ['authorization_code', 'refresh_token'],
    redirectUris: ['http://127.0.0.1/callback'],
    scopes: ['openid', 'profile', 'offline_access'],
  },
  { clientId: 'resource-server', ...service, secrets, grantTypes: [], canIntrospectAnyTokens: true },
];

interface TenantText extends Record<string, unknown> {
  clients: Record<string, unknown>[];
}

const named = (client: Readonly<Record<string, unknown>>) => ({ clientName: client['clientId'], ...client });

async function edit(path: string, change: (document: TenantText) => void): Promise<void> {
  const document = JSON.parse(await readFile(path, 'utf8')) as TenantText;
  change(document);
  await writeFile(path, JSON.stringify(document));
}

async function prepare(config: string): Promise<void> {
  await edit(join(config, 'demo', 'tenant.json'), (tenant) => {
    tenant.clients.push(...clients.map(named));
    // A hint is good for longer than the token it was.
    tenant['lifetimes'] = { idTokenSeconds: 1 };
  });
  await edit(join(config, 'partner', 'tenant.json'), (tenant) => {
    tenant.clients.push(...partnerClients.map(named));
  });
  await cp(join(config, 'demo'), join(config, 'twin'), { recursive: true });
  const path = join(config, 'twin', 'tenant.json');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replaceAll('http://localhost', 'http://127.0.0.1'));
  await edit(path, (tenant) => {
    tenant['id'] = 'twin';
    tenant['codap'] = { enabled: false };
  });
}

/** Handles whose flow waits for nobody any more count for nothing; a revoked grant's tokens neither. */
const counts = `select
  (select count(*) from flow where state not in ('rejected', 'answered')) as flows,
  (select count(*) from token where revoked_at is null and used_at is null and not exists (select 1 from revocation
    where revocation.tenant_id = token.tenant_id and revocation.kind = 'grant' and revocation.id = token.grant_id)) as tokens,
  (select count(*) from session) as sessions,
  (select count(*) from consent) + (select count(*) from terms_agreement) as consents,
  (select count(*) from launch) as launches`;

const expiries = {
  code: `update flow set expires_at = 1 from flow_handle where flow_handle.kind = 'code' and flow_handle.hash = $1
    and flow.tenant_id = flow_handle.tenant_id and flow.id = flow_handle.flow_id`,
  token: 'update token set expires_at = 1 where hash = $1',
  launch: 'update launch set expires_at = 1 where hash = $1',
};

async function start(): Promise<Stage & { close(): Promise<void> }> {
  const databaseUrl = await (await sharedPostgres()).url(`endpoints_${randomUUID().replaceAll('-', '')}`);
  const server = await startTestServer({ databaseUrl, prepare });
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  const admin = await asAdmin(server);
  return {
    server,
    admin,
    twin: server.issuer.replace('localhost', '127.0.0.1'),
    async usable() {
      const { rows } = await database.query<Record<keyof Usable, string>>(counts);
      const numbers = Object.entries(rows[0] ?? {}).map(([name, count]) => [name, Number(count)]);
      return Object.fromEntries(numbers) as unknown as Usable;
    },
    async launch(clientId, username, tenant = 'demo') {
      const context = { patient: 'patient-02', need_patient_banner: true };
      const { body } = await admin('POST', `/tenants/${tenant}/launches`, { clientId, username, context });
      return String(body['launch']);
    },
    async age(seconds) {
      await database.query('update session set authenticated_at = authenticated_at - $1', [seconds * 1000]);
    },
    async expire(kind, handle) {
      const { rowCount } = await database.query(expiries[kind], [hashHandle(handle)]);
      if (rowCount !== 1) throw new Error(`there is no ${kind} to expire`);
    },
    async close() {
      await database.end();
      await server.close();
    },
  };
}

let running: ReturnType<typeof start> | undefined;
let suites = 0;

/**
 * To be called in each suite of the endpoints: the first one starts the server, the last one stops it.
 * @param atTheEnd what is looked at before that.
 */
export function useStage(atTheEnd?: (stage: () => Stage) => void): () => Stage {
  suites += 1;
  let stage: Stage | undefined;
  before(async () => {
    running ??= start();
    stage = await running;
  });
  atTheEnd?.(() => stageNow());
  after(async () => {
    suites -= 1;
    if (suites > 0) return;
    const last = running;
    running = undefined;
    await (await last?.catch(() => undefined))?.close();
  });
  const stageNow = () => {
    if (!stage) throw new Error('the stage is not set before the tests run');
    return stage;
  };
  return stageNow;
}

/** There is nothing more than expected that could be used or gone on with. Less there may be: what expires is swept away. */
export function expectNoMore(found: Usable, expected: Usable): void {
  for (const [what, count] of Object.entries(found)) expect(count, what).to.be.at.most(expected[what as keyof Usable]);
}

/** For a suite whose requests are all refused: they leave nothing. */
export function leavesNothing(stage: () => Stage): void {
  let earlier: Usable;
  before(async () => (earlier = await stage().usable()));
  after(async () => expectNoMore(await stage().usable(), earlier));
}
