/** The real script runner, called as a flow calls it, and a look at its processes from outside. */
import { readdirSync, readFileSync } from 'node:fs';
import type { OutboundClient, OutboundRequest, OutboundResult } from '../../engine/outbound/client.ts';
import { createScriptRunner, type PoolOptions } from '../../engine/script/pool.ts';
import type { HookName, Invocation, InvocationResult, Json, ScriptRunner } from '../../engine/script/runner.ts';
import { makeScript } from '../../engine/script/script.ts';
import type { ScriptLimits } from '../../engine/tenant/tenant.ts';
import { isThorough } from '../support/thorough.ts';

/** Those of production, but for time: a busy machine fails nothing that does not ask about time. */
export const limits: ScriptLimits = {
  cpuMilliseconds: 2000,
  wallMilliseconds: 10_000,
  memoryMebibytes: 32,
  httpCalls: 10,
  hostCalls: 50,
  kvKeys: 1_000,
  kvBytes: 1_000_000,
  httpResponseBytes: 1_048_576,
  outputBytes: 65_536,
  logLines: 200,
  concurrency: 16,
  queue: 256,
};

const session = {
  username: 'jane',
  external: false,
  authorities: [{ permission: 'ROLE_FHIR_CLIENT' }],
  defaultLaunchContexts: [],
  launchResourceIds: [],
  fhirContext: [],
  userData: { ward: 'B' },
};
const signed = { header: { alg: 'RS256' }, claims: { sub: 'jane' } };

/** An input for each hook, as a flow would give it. */
export const inputs: Readonly<Record<HookName, Json>> = {
  onAuthenticateSuccess: {
    session,
    context: {
      moduleId: 'local',
      startTime: '2026-01-01T00:00:00Z',
      remoteAddress: '127.0.0.1',
      claims: { sub: 'jane' },
      approvedScopes: ['openid'],
    },
  },
  getUserName: {
    claims: { sub: 'jane' },
    server: { id: 'partner', name: 'Partner', issuer: 'https://partner.example' },
  },
  authenticate: {
    request: {
      authenticationToken: signed,
      authorizationToken: signed,
      requestingPractitioner: { resourceType: 'Practitioner', id: 'p' },
      requestedRecord: { resourceType: 'Patient' },
      requestedScopes: ['patient/*.rs'],
      reasonForRequest: 'treatment',
      acr: 'high',
      issuer: 'https://partner.example',
      clientId: 'partner',
      remoteAddress: '127.0.0.1',
      headers: { 'x-request-id': '1' },
    },
  },
  onSmartLoginPreContextSelection: { session, choices: [], required: false },
  onTokenGenerating: {
    session,
    request: {
      clientId: 'app',
      grantType: 'authorization_code',
      requestedScopes: ['openid', 'patient/*.rs'],
      approvedScopes: ['openid', 'patient/*.rs'],
      requestParameters: { aud: 'https://fhir.example' },
    },
    client: { clientId: 'app', clientName: 'App', scopes: ['openid'], grantTypes: [], permissions: [] },
  },
  onSelfRegistration: {
    session,
    context: { startTime: '2026-01-01T00:00:00Z', remoteAddress: '127.0.0.1', phone: null, clientId: 'app' },
  },
  onPostAuthorize: {
    clientId: 'app',
    username: 'jane',
    grantType: 'authorization_code',
    accessToken: '***',
    grantedScopes: ['openid'],
    claims: { sub: 'jane' },
    launchParameters: {},
  },
};

export interface InvocationChanges {
  readonly tenantId?: string;
  readonly hook?: HookName;
  readonly input?: Json;
  readonly limits?: Partial<ScriptLimits>;
  readonly allow?: readonly string[];
}

export function invocationOf(source: string, changes: InvocationChanges = {}): Invocation {
  const hook = changes.hook ?? 'onTokenGenerating';
  return {
    tenantId: changes.tenantId ?? 'tenant',
    script: makeScript('callbacks.js', source),
    hook,
    input: changes.input ?? inputs[hook],
    limits: { ...limits, ...changes.limits },
    environment: { DEPARTMENT: 'Cardiology' },
    outboundHttp: { allow: changes.allow ?? ['localhost'], allowPrivate: true },
  };
}

/** A script whose `onTokenGenerating` does this with `user`, `request` and `client`; what it returns is `answerOf`. */
export function callback(body: string, top = ''): string {
  return `${top}
async function onTokenGenerating(user, request, client) {
  const answer = await (function () {\n${body}\n})();
  request.addAccessTokenClaim('answer', answer === undefined ? null : answer);
}`;
}

/** As `callback`, with a body that may await. */
export function asyncCallback(body: string, top = ''): string {
  return callback(`return (async function () {\n${body}\n})()`, top);
}

/**
 * What a script made by `callback` returned.
 * @throws when the invocation failed.
 */
export function answerOf(result: InvocationResult): unknown {
  if (!result.ok) throw new Error(`${result.kind}: ${result.message}`);
  return (result.value as { accessTokenClaims: { answer?: unknown } }).accessTokenClaims.answer;
}

/** `ok`, or the kind of the failure. */
export const kindOf = (result: InvocationResult): string => (result.ok ? 'ok' : result.kind);

export interface StubOutbound extends OutboundClient {
  readonly requests: OutboundRequest[];
}

/** An outbound client that calls nobody: it records what it was asked and answers with the path, after a while if told. */
export function stubOutbound(answer?: (request: OutboundRequest) => Promise<OutboundResult>): StubOutbound {
  const requests: OutboundRequest[] = [];
  return {
    requests,
    async request(request) {
      requests.push(request);
      if (answer) return answer(request);
      return { ok: true, response: { status: 200, headers: {}, body: new URL(request.url).pathname } };
    },
    close: async () => undefined,
  };
}

export const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export interface SandboxProcess {
  readonly id: number;
  readonly residentMebibytes: () => number;
}

/** The sandbox processes that this process started and that still run. */
export function sandboxProcesses(): readonly SandboxProcess[] {
  const found: SandboxProcess[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const read = (file: string) => {
      try {
        return readFileSync(`/proc/${entry}/${file}`, 'utf8');
      } catch {
        return '';
      }
    };
    const status = read('status');
    if (!new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(status) || /^State:\s+Z/m.test(status)) continue;
    if (!read('cmdline').includes('--permission')) continue;
    found.push({
      id: Number(entry),
      residentMebibytes: () => Number(/^VmRSS:\s+(\d+)/m.exec(read('status'))?.[1] ?? 0) / 1024,
    });
  }
  return found;
}

/**
 * Describes it twice: where every invocation is handed to a thread of its isolate, and where each is first tried on the
 * process's own. What such a trial does not end, the thread of the isolate does, so that much is the same in both.
 * @param twice `if thorough`: only then.
 */
export function describeLanes(
  title: string,
  suite: (quickAfter: number) => void,
  twice: 'always' | 'if thorough' = 'always',
): void {
  describe(`${title}, on a thread of the isolate`, () => suite(Number.MAX_SAFE_INTEGER));
  if (twice === 'always' || isThorough) describe(`${title}, on the thread of the process`, () => suite(0));
}

/** A runner that ends with the test which asked for it. */
export function runnerFor(
  context: { after: (end: () => Promise<void>) => void },
  options: Partial<PoolOptions> = {},
): ScriptRunner {
  const runner = createScriptRunner({ outbound: stubOutbound(), ...options });
  context.after(() => runner.close());
  return runner;
}
