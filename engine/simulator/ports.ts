/** The ports of one simulated run: production's own composition, but for the clock, the outside, and what is kept. */
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { compose } from '../composition.ts';
import { createContextSearch } from '../fhir/context-search.ts';
import type { ContextSearchPort, FederationPort, IdentityPort, Ports, SecondFactorPort } from '../flow/ports.ts';
import type { Trace } from '../flow/trace.ts';
import { scriptedLogIn } from '../flow/scripted-log-in.ts';
import { type LogInAttempt, type ModuleAnswer, owningModule } from '../identity/module.ts';
import { createPasswordLogIn } from '../identity/password-log-in.ts';
import { createSealer } from '../key/seal.ts';
import type { Keyring } from '../key/keyring.ts';
import type { Mailer } from '../mail/mailer.ts';
import { createJwksSource } from '../oauth/jwks-source.ts';
import type { ScriptRunner } from '../script/runner.ts';
import { createScriptRegistry } from '../script/version/registry.ts';
import type { CaseWorld } from '../script/case/world.ts';
import { verifySlowHash } from '../store/secret.ts';
import type { AuditEvent, Store } from '../store/store.ts';
import { createBreaker } from '../outbound/breaker.ts';
import type { OutboundClient } from '../outbound/client.ts';
import type { Tenant } from '../tenant/tenant.ts';
import { rightCode, rightPassword } from './decisions.ts';
import type { CompletePlan } from './plan.ts';
import type { StoreInMemory } from './store.ts';

export interface Recorded {
  readonly audit: AuditEvent[];
  readonly traces: Trace[];
  readonly log: { level: string; message: string; fields: unknown }[];
}

/** What is another one in each run. */
export interface Given {
  readonly tenant: Tenant;
  readonly plan: CompletePlan;
  readonly scripts: ScriptRunner;
  readonly world: CaseWorld;
  /** Epoch milliseconds; the clock stands. */
  readonly now: number;
}

/** A place for one run at a time. What it is made of takes longer to make than a run does. */
export interface Lane {
  /** Forgets the run before. */
  begin(given: Given): Promise<Ports>;
  /** What is recorded of the run. */
  recorded(): Recorded;
  close(): Promise<void>;
}

const masterKey = randomBytes(32);

export function createLane(parts: {
  readonly store: StoreInMemory;
  readonly keyring: Keyring;
  readonly skinsFolder: string;
}): Lane {
  const { store, keyring, skinsFolder } = parts;
  const nothing = (): Recorded => ({ audit: [], traces: [], log: [] });
  let given: Given | undefined;
  let recorded = nothing();
  const now = () => given?.now ?? 0;
  const outbound: OutboundClient = {
    request: async (request) =>
      given?.world.outbound.request(request) ?? { ok: false, code: 'unreachable', message: 'there is no run' },
    close: async () => undefined,
  };
  const engine = compose({
    store,
    keyring,
    skinsFolder,
    outbound,
    scripts: { run: unasked, inspect: unasked, close: async () => undefined },
    registry: createScriptRegistry({ repository: store.scripts, now }),
    jwks: createJwksSource({ outbound }),
    metrics: { flowEnded: () => undefined, moduleAnswered: () => undefined },
    directory: { all: () => [], byId: () => given?.tenant, byLocation: () => given?.tenant },
    mailer: noMail,
    masterKey,
    sealer: createSealer(masterKey),
    logger: listener((line) => recorded.log.push(line)),
    now,
  });
  return {
    async begin(next) {
      given = next;
      recorded = nothing();
      const { audit, traces, log } = recorded;
      store.clear();
      for (const user of next.tenant.users) {
        await store.users.save(next.tenant.id, user);
        if (next.plan.secondFactor)
          await store.secondFactors.enrol(
            next.tenant.id,
            user.id,
            { sealedSecret: '', lastStep: 0, enrolledAt: 0 },
            [],
          );
      }
      const real = engine.portsOf(next.tenant);
      const ports: Ports = {
        ...real,
        scripts: next.scripts,
        identity: { ...real.identity, ...identityOf(next.tenant, store, () => ports) },
        secondFactor: { ...real.secondFactor, ...codesOf(next) },
        federation: { ...real.federation, ...providerOf(next) },
        contextSearch: searchIn(next, (message, fields) => void log.push({ level: 'error', message, fields })),
        audit: (event) => void audit.push(event),
        keepTrace: (trace) => void traces.push(trace),
        log: (level, message, fields) => void log.push({ level, message, fields }),
        // What scripts log stands with their hooks.
        scriptLog: () => undefined,
        noteUse: () => undefined,
        notifyApps: () => undefined,
        tryShadow: () => undefined,
      };
      return ports;
    },
    recorded: () => recorded,
    close: () => engine.close(),
  };
}

async function unasked(): Promise<never> {
  throw new Error('callbacks run in the world of a run');
}

/**
 * The tenant's modules in their order, as production asks them. Nobody's real password is known here: the right one is a
 * word that the simulator's people say. There is no directory; a script is asked for what the plan's people type.
 */
function identityOf(tenant: Tenant, store: Store, ports: () => Ports): IdentityPort {
  const passwordLogIn = createPasswordLogIn({
    users: store.users,
    throttle: { blocked: () => false, failed: () => undefined },
    ask(module, attempt) {
      if (module.type === 'local') return localAnswer(store, attempt);
      return module.type === 'scripted'
        ? scriptedLogIn(module, attempt, ports())
        : Promise.resolve({ kind: 'unknown' as const });
    },
    answered: () => undefined,
  });
  return {
    authenticate: (input) => passwordLogIn.authenticate({ ...input, tenant, now: ports().now() }),
    // Who was let in a moment ago has not left.
    vouchesFor: async () => 'yes',
  };
}

async function localAnswer(store: Store, { tenant, name, password }: LogInAttempt): Promise<ModuleAnswer> {
  const user = await store.users.findByUsername(tenant.id, name);
  if (!user || owningModule(user) !== undefined) return { kind: 'unknown' };
  const right =
    password === rightPassword ||
    (password !== undefined && user.passwordHash !== undefined && (await verifySlowHash(user.passwordHash, password)));
  return user.enabled && right ? { kind: 'accepted', user } : { kind: 'refused', username: user.username };
}

/** Nobody has an app that makes codes; the right one is the same for everybody. */
function codesOf({ now }: Given): Pick<SecondFactorPort, 'verify' | 'checkSetup'> {
  return {
    verify: async ({ typed }) => (typed === rightCode ? { ok: true } : { ok: false, reason: 'wrong-code' }),
    checkSetup: async (_tenant, _userId, _setup, typed) => (typed === rightCode ? Math.floor(now / 30_000) : undefined),
  };
}

/** Searches by production's own code, of servers that answer what the plan says. */
function searchIn(
  { tenant, world }: Given,
  log: (message: string, fields: Readonly<Record<string, unknown>>) => void,
): ContextSearchPort {
  const invocation = { tenantId: tenant.id, limits: tenant.scriptLimits, outboundHttp: tenant.outboundHttp, world };
  const { outbound, services } = world;
  return createContextSearch({
    context: () => ({ invocation, outbound, services, breaker: createBreaker() }),
    log: (_tenant, message, fields) => log(message, fields),
  });
}

/** A provider that says what the plan says. */
function providerOf({ plan, now }: Given): Pick<FederationPort, 'start' | 'finish'> {
  const { subject = '', claims = {}, problem } = plan.provider ?? {};
  let asked = false;
  return {
    async start({ provider, maximumAgeSeconds }) {
      asked = maximumAgeSeconds !== undefined;
      const state = randomBytes(32).toString('base64url');
      return {
        ok: true,
        url: `${provider.issuer}/authorize?${new URLSearchParams({ client_id: provider.clientId, state })}`,
        pending: { state, nonce: 'a-nonce', codeVerifier: 'a-verifier' },
      };
    },
    finish: async ({ provider }) =>
      problem === undefined
        ? {
            ok: true,
            subject,
            claims: {
              iss: provider.issuer,
              aud: provider.clientId,
              sub: subject,
              ...(asked ? { auth_time: Math.floor(now / 1000) } : {}),
              ...claims,
            },
          }
        : { ok: false, code: problem, message: `the plan says: ${problem}` },
  };
}

const noMail: Mailer = {
  canSend: () => false,
  send: async () => undefined,
  captured: () => [],
  close: () => undefined,
};

/** As much of a logger as the composition uses. */
function listener(heard: (line: Recorded['log'][number]) => void): Logger {
  const hear = (level: string) => (fields: unknown, message: unknown) =>
    heard({ level, message: String(message), fields });
  return { info: hear('info'), warn: hear('warn'), error: hear('error'), debug: hear('debug') } as unknown as Logger;
}
