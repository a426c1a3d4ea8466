/** The machine on a stage: every port answers as a row says, flows live in memory, and what was recorded is kept. */
import { createHash, randomBytes } from 'node:crypto';
import type { Ports } from '../../engine/flow/ports.ts';
import type { Trace } from '../../engine/flow/trace.ts';
import type { InvocationResult } from '../../engine/script/runner.ts';
import { makeScript } from '../../engine/script/script.ts';
import type { AuditEvent, FlowRepository, StoredFlow } from '../../engine/store/store.ts';

/** Parts of the world that a row changes; anything a step asks for that is not staged is a test's mistake. */
export type Changes = Readonly<Record<string, unknown>>;

export interface Stage {
  readonly ports: Ports;
  readonly flows: Map<string, StoredFlow>;
  readonly traces: Trace[];
  readonly audits: AuditEvent[];
  readonly revokedGrants: string[];
  /** Moves the stage's clock, milliseconds. */
  pass(milliseconds: number): void;
}

const authorities = [{ permission: 'FHIR_ALL_READ' }];
export const user = { id: 'u', username: 'jane', enabled: true, authorities, defaultLaunchContexts: [], userData: {} };
export const session = {
  username: 'jane',
  external: false,
  authorities,
  defaultLaunchContexts: [{ contextType: 'patient', resourceId: 'jane' }],
  launchResourceIds: [],
  fhirContext: [],
  userData: {},
};
export const script = makeScript('callbacks.js', 'function onTokenGenerating() {}');
export const client = {
  clientId: 'app',
  clientName: 'App',
  enabled: true,
  redirectUris: ['https://app.example/callback'],
  grantTypes: [
    'authorization_code',
    'client_credentials',
    'refresh_token',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
  ],
  scopes: ['openid', 'patient/*.rs', 'system/*.rs'],
  autoApproveScopes: [],
  autoGrantScopes: [],
  alwaysRequireApproval: false,
  rememberApprovedScopes: false,
  permissions: authorities,
  tokenEndpointAuthMethods: ['private_key_jwt'],
  accessTokenFormat: 'opaque',
};
export const provider = { id: 'partner', name: 'Partner', issuer: 'https://partner.example', defaultAuthorities: [] };

export function tenant(changes: Changes = {}) {
  return {
    id: 't',
    issuer: 'https://server.example/t',
    demo: false,
    inbound: [{ id: 'local' }],
    providers: [],
    scripts: { bound: [] },
    scriptLimits: { cpuMilliseconds: 100, wallMilliseconds: 1000, memoryMebibytes: 16 },
    environment: {},
    secrets: {},
    outboundHttp: { allow: [], allowPrivate: false },
    fhirServers: [{ url: 'https://fhir.example' }],
    requestParameterAllowList: [],
    passwords: {
      minimumLength: 8,
      maximumLength: 1024,
      minimumStrength: 0,
      history: 1,
      hashing: { memoryKibibytes: 7168, passes: 1, parallelism: 1 },
    },
    federation: { autoRedirect: false, passwordForm: true },
    launch: { acceptUnknown: false, skipOnlyChoice: false, rememberChoice: true, searches: [] },
    secondFactor: {
      level: 'optional',
      requiredFor: [],
      askAfterProvider: false,
      rememberDays: 0,
      issuerName: 'T',
      acrValues: ['mfa'],
    },
    consent: { allowDecline: true },
    traces: { values: 'none', share: 1, days: 30, most: 500 },
    selfRegistration: {
      authorities: [],
      authoritiesScriptsMayAdd: [],
      approval: { enabled: false, days: 30, mailTo: [], mailMinutes: 60 },
    },
    policy: { onPostAuthorizeOpen: false, unlistedScopes: 'drop', scopesScriptsMayAdd: [] },
    keystore: { algorithms: ['RS256'] },
    lifetimes: {
      interactionSeconds: 600,
      authorizationCodeSeconds: 60,
      sessionSeconds: 3600,
      consentSeconds: 3600,
      accessTokenSeconds: 300,
      refreshTokenSeconds: 3600,
      idTokenSeconds: 300,
    },
    codap: {
      enabled: true,
      trust: [
        {
          issuer: 'https://partner.example',
          clients: ['app'],
          algorithms: ['RS256'],
          requiredAcr: [],
          scopes: ['patient/*.rs'],
        },
      ],
    },
    ...changes,
  };
}

/** Flows in memory, written by the same compare-and-set as the store's. */
export function flowsInMemory(flows: Map<string, StoredFlow>): FlowRepository {
  const handles = new Map<string, string>();
  const name = (added: readonly { readonly kind: string; readonly hash: string }[], id: string) => {
    for (const { kind, hash } of added) handles.set(`${kind} ${hash}`, id);
  };
  const owned = (tenantId: string, flow: StoredFlow | undefined) => (flow?.tenantId === tenantId ? flow : undefined);
  return {
    async create(flow, added = []) {
      flows.set(flow.id, structuredClone(flow));
      name(added, flow.id);
    },
    find: async (tenantId, id) => owned(tenantId, flows.get(id)),
    findByHandle: async (tenantId, kind, hash) => owned(tenantId, flows.get(handles.get(`${kind} ${hash}`) ?? '')),
    async advance(flow, expectedRevision, added = []) {
      if (flows.get(flow.id)?.revision !== expectedRevision) return false;
      flows.set(flow.id, structuredClone(flow));
      name(added, flow.id);
      return true;
    },
  };
}

/** A port's methods answer what the rows give them: a function is called, another value is the answer. */
function answering(area: string, defaults: Changes, changes: Changes): never {
  return new Proxy({} as Record<string, unknown>, {
    get:
      (_target, method) =>
      async (...args: unknown[]) => {
        const key = `${area}.${String(method)}`;
        const value = key in changes ? changes[key] : defaults[String(method)];
        if (value instanceof Error) throw value;
        return typeof value === 'function' ? (value as (...given: unknown[]) => unknown)(...args) : value;
      },
  }) as never;
}

function liveSession(flows: Map<string, StoredFlow>, idHash: string): object | undefined {
  const known = [...flows.values()].some(({ facts }) => (facts as { sessionIdHash?: string }).sessionIdHash === idHash);
  return known ? { idHash } : undefined;
}

export function createStage(changes: Changes = {}): Stage {
  const flows = new Map<string, StoredFlow>();
  const traces: Trace[] = [];
  const audits: AuditEvent[] = [];
  const revokedGrants: string[] = [];
  let passed = 0;
  const area = (name: string, defaults: Changes = {}) => answering(name, defaults, changes);
  const lookUp = area('look', { client, user, provider, providers: [provider] }) as unknown as Pick<
    Ports,
    'client' | 'user' | 'provider' | 'providers'
  >;
  const scriptResult: InvocationResult = {
    logs: [],
    calls: [],
    cpuMicroseconds: 1,
    wallMicroseconds: 1,
    ...((changes['script'] as object | undefined) ?? { ok: true, defined: false, value: null }),
  } as unknown as InvocationResult;
  const ports: Ports = {
    tenant: tenant((changes['tenant'] as Changes | undefined) ?? {}) as unknown as Ports['tenant'],
    store: {
      flows: flowsInMemory(flows),
      tokens: area('tokens', {
        revokeGrant: (_tenant: string, id: string) => void revokedGrants.push(id),
        consume: true,
      }),
      // The session of a code that waits is there; nobody's else is.
      sessions: area('sessions', { find: (_tenant: string, idHash: string) => liveSession(flows, idHash) }),
      users: area('users'),
      providerLinks: area('providerLinks'),
      providerSessions: area('providerSessions'),
      launches: area('launches'),
      consents: area('consents'),
      registrations: area('registrations', { complete: 'created' }),
      rememberedContexts: area('rememberedContexts'),
      secondFactors: area('secondFactors'),
    } as unknown as Ports['store'],
    contextSearch: area('contextSearch', { find: { ok: true, choices: [], more: false } }),
    scripts: area('scripts', { run: scriptResult }),
    scriptSnapshot: async () => ({}),
    async scriptFor(slot) {
      const { scripts, inbound } = ports.tenant;
      const [kind, id] = slot.split('/');
      const found =
        kind === 'inbound'
          ? inbound.find((module) => module.id === id)?.script
          : kind === 'federationAuth'
            ? (await ports.provider(id ?? ''))?.federationAuth
            : scripts[kind as 'callbacks'];
      return found && { slot, script: found };
    },
    tryShadow: () => undefined,
    noteUse: () => undefined,
    notifyApps: () => undefined,
    scriptLog: () => undefined,
    keyring: area('keyring', { sign: 'signed' }),
    identity: area('identity', { authenticate: { ok: true, user, moduleId: 'local' }, vouchesFor: 'yes' }),
    secondFactor: area('secondFactor', {
      isEnrolled: false,
      checkSetup: 7,
      enrol: ['a code'],
      verify: { ok: true, recovery: false },
      verifyPasskey: { ok: true, userId: 'u', method: 'hwk' },
      addPasskey: { method: 'hwk', codes: ['a code'] },
    }),
    federation: area('federation', {
      start: { ok: true, url: 'https://partner.example/', pending: { state: 's', nonce: 'n', codeVerifier: 'v' } },
      finish: { ok: true, subject: 'sub', claims: {} },
    }),
    clientAuthentication: area('clientAuthentication', {
      authenticate: { ok: true, client, method: 'private_key_jwt' },
      verifyAssertion: {
        ok: true,
        header: {},
        claims: {
          iss: 'https://partner.example',
          sub: 'dr',
          aud: 'a',
          acr: 'high',
          exp: 1,
          iat: 1,
          jti: 'j',
          requested_record: {},
          requested_scopes: 'patient/*.rs',
          requesting_practitioner: { id: 'dr' },
          reason_for_request: 'treatment',
        },
      },
    }),
    client: lookUp.client,
    user: lookUp.user,
    provider: lookUp.provider,
    providers: lookUp.providers,
    now: () => Date.now() + passed,
    newHandle: () => randomBytes(32).toString('base64url'),
    hash: (handle) => createHash('sha256').update(handle).digest('base64url'),
    audit: (event) => void audits.push(event),
    keepTrace: (trace) => void traces.push(trace),
    log: () => undefined,
  };
  return { ports, flows, traces, audits, revokedGrants, pass: (milliseconds) => void (passed += milliseconds) };
}

const verifier = 'v'.repeat(43);
const grant = {
  id: 'grant',
  clientId: 'app',
  grantType: 'authorization_code',
  requestedScopes: ['openid'],
  approvedScopes: ['patient/*.rs'],
  audience: 'https://fhir.example',
  session,
  userId: 'u',
  subject: 'jane',
  launchParameters: { patient: 'jane' },
  requestParameters: {},
  accessTokenClaims: {},
  idTokenClaims: {},
  refresh: 'offline',
};

/** Facts with which every state can be entered. */
export const allFacts = {
  request: {
    parameters: {
      client_id: 'app',
      redirect_uri: 'https://app.example/callback',
      response_type: 'code',
      scope: 'openid patient/*.rs',
      aud: 'https://fhir.example',
      state: 'state',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    },
    remoteAddress: '127.0.0.1',
    browserHash: 'browser',
  },
  clientId: 'app',
  replyTo: { redirectUri: 'https://app.example/callback' },
  requestedScopes: ['patient/*.rs'],
  grantableScopes: ['patient/*.rs'],
  audience: 'https://fhir.example',
  prompt: [],
  codeChallenge: createHash('sha256').update(verifier).digest('base64url'),
  moduleId: 'local',
  claims: {},
  proof: { amr: ['pwd'] },
  setup: 'sealed',
  setupStep: 7,
  newCodes: 'sealed codes',
  userId: 'u',
  session,
  providerId: 'partner',
  pending: { state: 's', nonce: 'n', codeVerifier: 'v' },
  subject: 'sub',
  linkHash: 'h',
  newUser: { id: 'new', username: 'jane', email: 'jane@home.example', authorities: [], enabled: true },
  origin: { languages: [] },
  username: 'partner:sub',
  sessionIdHash: 'h',
  authenticatedAt: 1,
  launchParameters: { patient: 'jane' },
  choices: [],
  contextRequired: false,
  approvedScopes: ['patient/*.rs'],
  grantId: 'grant',
  grant,
  accessToken: 'token',
  tokenContents: { claims: {}, launchParameters: {} },
  tokenRequest: {
    remoteAddress: '127.0.0.1',
    parameters: { assertion: 'e30.eyJpc3MiOiJodHRwczovL3BhcnRuZXIuZXhhbXBsZSJ9.x', refresh_token: 'r' },
  },
  method: 'private_key_jwt',
  issuer: 'https://partner.example',
  authorization: { header: {}, claims: { sub: 'dr', acr: 'high', reason_for_request: 'treatment' } },
};
export const rightVerifier = verifier;
