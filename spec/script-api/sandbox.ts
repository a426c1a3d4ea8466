/** Runs a piece of a callback in a real sandbox, called as a flow calls it. */
import { hooks } from '../../engine/script/api/catalogue.ts';
import type { OutboundClient, OutboundRequest, OutboundResult } from '../../engine/outbound/client.ts';
import { createScriptRunner } from '../../engine/script/pool.ts';
import type { HookName, InvocationResult, Json, ScriptRunner } from '../../engine/script/runner.ts';
import type { HookInput, UserSessionModel } from '../../engine/script/model.ts';
import { makeScript } from '../../engine/script/script.ts';
import type { HostServices } from '../../engine/script/service/context.ts';
import type { ScriptLimits } from '../../engine/tenant/tenant.ts';

const limits: ScriptLimits = {
  cpuMilliseconds: 1000,
  wallMilliseconds: 10_000,
  memoryMebibytes: 32,
  httpCalls: 50,
  hostCalls: 100,
  kvKeys: 100,
  kvBytes: 100_000,
  httpResponseBytes: 1_048_576,
  outputBytes: 262_144,
  logLines: 200,
  concurrency: 16,
  queue: 256,
};

const session: UserSessionModel = {
  username: 'jane',
  external: true,
  givenName: 'Jane',
  familyName: 'Doe',
  email: 'jane@example.org',
  notes: 'a note',
  fhirUserUrl: 'https://fhir.example/Patient/jane',
  authorities: [{ permission: 'FHIR_READ_INSTANCE', argument: 'Patient/jane' }, { permission: 'ROLE_FHIR_CLIENT' }],
  defaultLaunchContexts: [{ contextType: 'patient', resourceId: 'Patient/jane' }],
  launchResourceIds: [{ resourceType: 'patient', resourceId: 'jane' }],
  fhirContext: [{ reference: 'ImagingStudy/1', role: 'launch' }],
  userData: { ward: 'B' },
};
const token = { header: { alg: 'RS384' }, claims: { sub: 'partner', scope: 'a b', roles: ['nurse'], level: 3 } };

/** What each hook is given, so that every property of every model has a value. */
export const inputs = {
  onAuthenticateSuccess: {
    session,
    context: {
      moduleId: 'partner',
      startTime: '2026-01-02T03:04:05.000Z',
      remoteAddress: '127.0.0.1',
      claims: { sub: 'jane', groups: ['staff', 'nurse'], level: 3 },
      approvedScopes: [],
    },
  },
  getUserName: {
    claims: { sub: 'jane', preferred_username: 'jdoe' },
    server: { id: 'partner', name: 'Partner', issuer: 'https://partner.example' },
  },
  authenticate: {
    request: {
      authenticationToken: token,
      authorizationToken: token,
      requestingPractitioner: { resourceType: 'Practitioner', id: 'p1' },
      requestedRecord: { resourceType: 'Patient', identifier: [{ value: 'MRN-1' }] },
      requestedScopes: ['patient/*.rs'],
      reasonForRequest: 'treatment',
      acr: 'high',
      issuer: 'https://partner.example',
      clientId: 'partner-hospital',
      remoteAddress: '127.0.0.1',
      headers: {},
    },
  },
  onSmartLoginPreContextSelection: {
    session,
    choices: [{ contextType: 'patient', resourceId: 'jane', display: 'Jane Doe' }],
    required: false,
  },
  onTokenGenerating: {
    session,
    request: {
      clientId: 'app',
      grantType: 'authorization_code',
      launch: 'opaque',
      audience: 'https://fhir.example',
      requestedScopes: ['openid', 'patient/*.rs', 'user/*.rs'],
      approvedScopes: ['openid', 'patient/*.rs'],
      requestParameters: { aud: 'https://fhir.example' },
    },
    client: {
      clientId: 'app',
      clientName: 'The App',
      scopes: ['openid', 'patient/*.rs'],
      grantTypes: ['authorization_code'],
      permissions: [{ permission: 'FHIR_ALL_READ' }],
    },
  },
  onSelfRegistration: {
    session,
    context: { startTime: '2026-01-02T03:04:05.000Z', remoteAddress: '127.0.0.1', phone: '+41', clientId: 'app' },
  },
  onPostAuthorize: {
    clientId: 'app',
    username: 'jane',
    grantType: 'authorization_code',
    accessToken: '***',
    grantedScopes: ['openid'],
    claims: { sub: 'jane' },
    launchParameters: { patient: 'jane' },
    requestingPractitioner: { resourceType: 'Practitioner', id: 'p1' },
  },
} satisfies { readonly [H in HookName]: HookInput<H> };

/** The names that the catalogue gives a hook's parameters. */
export function parametersOf(hook: HookName): string {
  const { signature } = hooks.find(({ name }) => name === hook) ?? {};
  return (signature?.parameters ?? []).map(({ name }) => name).join(', ');
}

/** A script whose hook does this and that; it may await. */
export function scriptOf(hook: HookName, body: string, top = ''): string {
  const kind = /\bawait\b/.test(body) ? 'async function' : 'function';
  const exported = /^\s*import\b/m.test(top) ? 'export ' : '';
  return `${top}\n${exported}${kind} ${hook}(${parametersOf(hook)}) {\n${body}\n}`;
}

export interface Sandbox {
  run(hook: HookName, source: string, input?: Json, file?: string): Promise<InvocationResult>;
  readonly requests: readonly OutboundRequest[];
  close(): Promise<void>;
}

/** @param answer stands for every host that scripts call. */
export function openSandbox(
  answer: (request: OutboundRequest) => OutboundResult = () => ({ ok: false, code: 'unreachable', message: 'nobody' }),
  services: HostServices = {},
): Sandbox {
  const requests: OutboundRequest[] = [];
  const outbound: OutboundClient = {
    async request(request) {
      requests.push(request);
      return answer(request);
    },
    close: async () => undefined,
  };
  const runner: ScriptRunner = createScriptRunner({ outbound, services, processes: 1 });
  return {
    requests,
    run: (hook, source, input = inputs[hook] as unknown as Json, file = 'callbacks.js') =>
      runner.run({
        tenantId: 'tenant',
        script: makeScript(file, source),
        hook,
        input,
        limits,
        environment: { DEPARTMENT: 'Cardiology' },
        outboundHttp: { allow: ['api.example', 'other.example', 'keys.example'], allowPrivate: false },
        fhirServers: [
          { name: 'main', url: 'https://fhir.example' },
          { name: 'second', url: 'https://second.example/fhir' },
        ],
        secrets: {
          apiKey: { value: 'a-secret-value', hooks: hooks.map(({ name }) => name) },
          other: { value: 'another-secret', hooks: ['getUserName'] },
        },
      }),
    close: () => runner.close(),
  };
}
