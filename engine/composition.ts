/** The composition root: every port is made here and nowhere else. */
import { hkdfSync } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { createContextSearch } from './fhir/context-search.ts';
import type { FederationPort, Ports } from './flow/ports.ts';
import { scriptedLogIn } from './flow/scripted-log-in.ts';
import type { Trace } from './flow/trace.ts';
import { openStoredProvider } from './admin/resource/providers.ts';
import { createFederation } from './identity/federated.ts';
import { createSaml, isSaml } from './identity/saml.ts';
import { createSamlLogOut } from './identity/saml-log-out.ts';
import { createLdapModule } from './identity/ldap/directory.ts';
import { createLocalModule } from './identity/local.ts';
import { createLoginThrottle } from './identity/login-throttle.ts';
import { createVouching } from './identity/vouching.ts';
import { createPasswordLogIn } from './identity/password-log-in.ts';
import { createSecondFactor } from './identity/second-factor.ts';
import type { Keyring } from './key/keyring.ts';
import type { Sealer } from './key/seal.ts';
import { createBackChannel } from './oauth/back-channel.ts';
import { createProviderLeave } from './oauth/provider-leave.ts';
import { createLastUse } from './oauth/last-use.ts';
import { verifyAssertion } from './oauth/assertion.ts';
import { authenticateClient } from './oauth/client-authentication.ts';
import type { Engine } from './oauth/http.ts';
import type { JwksSource } from './oauth/jwks-source.ts';
import { createReplacedSecrets } from './oauth/replaced-secrets.ts';
import { createAccountChanges } from './mail/account-changes.ts';
import type { Mailer } from './mail/mailer.ts';
import { createRegistrationsWait } from './mail/registrations-wait.ts';
import type { Metrics } from './metric/metrics.ts';
import type { OutboundClient } from './outbound/client.ts';
import { createBreaker } from './outbound/breaker.ts';
import { createPageRenderer } from './page/render.ts';
import { createLogLimit } from './script/log-limit.ts';
import type { ScriptRunner } from './script/runner.ts';
import type { HostServices } from './script/service/context.ts';
import type { ScriptRegistry } from './script/version/registry.ts';
import { createShadowRunner } from './script/version/shadow.ts';
import { createRecords } from './store/records.ts';
import { hashHandle, newHandle } from './store/secret.ts';
import type { AuditEvent, Store } from './store/store.ts';
import { type ScriptSlot, scriptsOf } from './tenant/scripts.ts';
import type { Client, Provider, Script, Tenant, TenantDirectory } from './tenant/tenant.ts';

export interface Parts {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly scripts: ScriptRunner;
  readonly registry: ScriptRegistry;
  readonly outbound: OutboundClient;
  /** A short token of a tenant itself for one of its FHIR servers. */
  readonly ownToken?: HostServices['ownToken'];
  readonly jwks: JwksSource;
  readonly metrics: Pick<Metrics, 'flowEnded' | 'moduleAnswered'>;
  readonly directory: TenantDirectory;
  readonly mailer: Mailer;
  readonly masterKey: Buffer;
  readonly sealer: Sealer;
  readonly skinsFolder: string;
  readonly logger: Logger;
  /** Epoch milliseconds; the machine's clock unless given. */
  readonly now?: () => number;
}

/** How long a client read from the store may be reused; a change through another node is seen after this. */
const clientCacheMilliseconds = 2_000;

export interface ComposedEngine extends Engine {
  /** Waits until audit events and traces are written. */
  drain(): Promise<void>;
  /** Tells the apps of sessions that ended, in the background. */
  notifyApps(): void;
  /** Tells a person what an administrator changed of how they log in, in the background. */
  noteChange(event: AuditEvent): void;
  /** Ends what goes on in the background. */
  close(): Promise<void>;
  /** Makes this node read a client anew. */
  forgetClient(tenantId: string, clientId: string): void;
}

export function compose(parts: Parts): ComposedEngine {
  const { store, keyring, scripts, outbound, jwks, logger, now = Date.now } = parts;
  const throttle = createLoginThrottle();
  const local = createLocalModule({ users: store.users });
  const ldap = createLdapModule({
    users: store.users,
    log: (level, message, fields) => logger[level](fields, message),
  });
  const cannotBeAsked = (tenant: Tenant, module: string, problem: string, detail: string) => {
    parts.metrics.moduleAnswered(tenant.id, module, problem);
    logger.warn({ tenant: tenant.id, module, problem, detail }, 'a log-in module cannot be asked');
  };
  const vouching = createVouching({
    ldap,
    failed: (tenant, module, { problem, message }) => cannotBeAsked(tenant, module, problem, message),
  });
  const passwordLogIn = createPasswordLogIn({
    users: store.users,
    throttle,
    ask(module, attempt) {
      if (module.type === 'local') return local.authenticate(attempt);
      return module.type === 'ldap'
        ? ldap.authenticate(module, attempt)
        : scriptedLogIn(module, attempt, portsOf(attempt.tenant));
    },
    answered(tenant, module, answer) {
      if (answer.kind === 'unavailable') cannotBeAsked(tenant, module, answer.problem, answer.detail);
      else parts.metrics.moduleAnswered(tenant.id, module, answer.kind);
    },
  });
  const secondFactor = createSecondFactor({
    factors: store.secondFactors,
    replays: store.replays,
    sealer: parts.sealer,
    throttle,
  });
  const openid = createFederation({ outbound, sealer: parts.sealer });
  const saml = createSaml({ replays: store.replays, sealer: parts.sealer });
  const samlLogOut = createSamlLogOut({ replays: store.replays, sealer: parts.sealer });
  const federation: FederationPort = {
    ...openid,
    ...saml,
    ...samlLogOut,
    start: (input) => (isSaml(input.provider) ? saml : openid).start(input),
    endSessionUrl: (input) => (isSaml(input.provider) ? samlLogOut : openid).endSessionUrl(input),
  };
  const breaker = createBreaker();
  const contextSearch = createContextSearch({
    context: (tenant) => ({
      invocation: { tenantId: tenant.id, limits: tenant.scriptLimits, outboundHttp: tenant.outboundHttp },
      outbound,
      breaker,
      services: parts.ownToken ? { ownToken: parts.ownToken } : {},
    }),
    log: (tenant, message, fields) => logger.error({ tenant: tenant.id, ...fields }, message),
  });
  const clients = new LRUCache<string, { readonly client: Client | undefined }>({
    max: 10_000,
    ttl: clientCacheMilliseconds,
  });
  const records = createRecords((what, error) =>
    logger.error({ reason: messageOf(error) }, `${what} could not be stored`),
  );
  const replacedSecrets = createReplacedSecrets(store.replacedSecrets);
  const { registry } = parts;
  const shadows = createShadowRunner({
    scripts,
    repository: store.scripts,
    failed: (error) => logger.error({ reason: messageOf(error) }, 'a trial of a script could not be kept'),
  });
  const lastUse = createLastUse(store.tokens, (error) =>
    logger.error({ reason: messageOf(error) }, 'the last use of grants could not be stored'),
  );
  const backChannel = createBackChannel({
    notices: store.logoutNotices,
    outbound,
    portsOf(tenantId) {
      const tenant = parts.directory.byId(tenantId);
      return tenant && portsOf(tenant);
    },
    failed: (error) => logger.error({ reason: messageOf(error) }, 'an app could not be told of a log-out'),
  });
  const providerLeave = createProviderLeave({
    providerSessions: store.providerSessions,
    portsOf(tenantId) {
      const tenant = parts.directory.byId(tenantId);
      return tenant && portsOf(tenant);
    },
    failed: (error) => logger.error({ reason: messageOf(error) }, 'a provider could not be told of a log-out'),
  });
  function notifyOfEnd(): void {
    backChannel.wake();
    providerLeave.wake();
  }
  const pages = createPageRenderer({
    skinsFolder: parts.skinsFolder,
    warn: (message, details) => logger.warn(details, message),
  });
  const accountChanges = createAccountChanges({
    mailer: parts.mailer,
    pages,
    tenant: (id) => parts.directory.byId(id),
    user: (tenantId, userId) => store.users.findById(tenantId, userId),
    failed: (tenant, change, reason) =>
      logger.error({ tenant, change, reason }, 'a person could not be told of a change of their account'),
  });
  const registrationsWait = createRegistrationsWait({
    mailer: parts.mailer,
    pages,
    registrations: store.registrations,
    replays: store.replays,
    tenant: (id) => parts.directory.byId(id),
    failed: (tenant, reason) => logger.error({ tenant, reason }, 'administrators could not be told of who waits'),
    now,
  });
  const logLimit = createLogLimit();
  const sample = createSampler();
  const portsByTenant = new WeakMap<Tenant, Ports>();

  async function findClient(tenant: Tenant, clientId: string): Promise<Client | undefined> {
    const seeded = tenant.clients.find((client) => client.clientId === clientId);
    if (seeded) return replacedSecrets.applyTo(tenant.id, seeded);
    const key = `${tenant.id} ${clientId}`;
    const known = clients.get(key);
    if (known) return known.client;
    const client = await store.clients.find(tenant.id, clientId);
    clients.set(key, { client });
    return client;
  }

  /** A stored provider with its secrets, which the store keeps sealed. */
  function openProvider(tenant: Tenant, provider: Provider): Provider {
    return openStoredProvider(provider, (name, sealed) => parts.sealer.unseal(tenant.id, name, sealed));
  }

  /** A slot's script by the tenant's document, or by a provider that was added at run time. */
  async function baseScript(tenant: Tenant, slot: ScriptSlot): Promise<Script | undefined> {
    const seeded = scriptsOf(tenant).find((bound) => bound.slot === slot)?.script;
    const [kind, id = ''] = slot.split('/', 2);
    return (
      seeded ?? (kind === 'federationAuth' ? (await store.providers.find(tenant.id, id))?.federationAuth : undefined)
    );
  }

  function keepTrace(trace: Trace): void {
    const { flowId: id, tenantId, flow, outcome, startedAt } = trace;
    records.add({
      what: 'a trace',
      outcome: outcome === 'success' ? 'success' : 'failure',
      flowId: id,
      required: false,
      write: () => store.traces.save({ id, tenantId, flow, outcome, startedAt, trace }),
    });
  }

  function makePorts(tenant: Tenant): Ports {
    const client = (clientId: string) => findClient(tenant, clientId);
    return {
      tenant,
      store,
      scripts,
      keyring,
      federation,
      secondFactor,
      contextSearch,
      identity: {
        authenticate: (input) => passwordLogIn.authenticate({ ...input, tenant, now: now() }),
        vouchesFor: (user) => vouching(tenant, user, now()),
      },
      clientAuthentication: {
        async authenticate(_tenant, request, allowPublic) {
          const result = await authenticateClient({
            tenant,
            headers: { authorization: request.authorization },
            parameters: new Map(Object.entries(request.parameters)),
            tokenEndpoint: `${tenant.issuer}/oauth/token`,
            now: now(),
            findClient: client,
            replaceSecret: (clientId, foreignHash, presented) =>
              // The client proved itself: that the store is away for a moment is no reason to refuse it.
              replacedSecrets
                .replace(tenant.id, clientId, foreignHash, presented)
                .catch((error: unknown) =>
                  logger.error({ tenant: tenant.id, reason: messageOf(error) }, 'a secret keeps its foreign hash'),
                ),
            replays: store.replays,
            jwks,
            allowPublic,
          });
          if (!result.ok) logger.info({ tenant: tenant.id, reason: result.error.hint }, 'client authentication failed');
          return result;
        },
        verifyAssertion: ({ token, keys, issuer, algorithms, replaySpace }) =>
          verifyAssertion({
            token,
            keys: {
              ...keys,
              ...(tenant.outboundHttp.allowPrivate ? { allow: tenant.outboundHttp.allow, allowPrivate: true } : {}),
            },
            jwks,
            issuer,
            audience: [`${tenant.issuer}/oauth/token`],
            algorithms,
            now: now(),
            replaySpace,
            replays: store.replays,
            tenantId: tenant.id,
          }),
      },
      client,
      user: (userId) => store.users.findById(tenant.id, userId),
      async provider(providerId) {
        const seeded = tenant.providers.find((provider) => provider.id === providerId);
        const stored = seeded ? undefined : await store.providers.find(tenant.id, providerId);
        return seeded ?? (stored && openProvider(tenant, stored));
      },
      providers: async () => {
        const stored = await store.providers.list(tenant.id);
        return [
          ...tenant.providers,
          ...stored
            .filter(({ id }) => !tenant.providers.some((provider) => provider.id === id))
            .map((provider) => openProvider(tenant, provider)),
        ];
      },
      scriptSnapshot: () => registry.snapshot(tenant),
      scriptFor: async (slot, snapshot, key) =>
        registry.choose(tenant, slot, await baseScript(tenant, slot), snapshot, key),
      tryShadow: (trial) => shadows.try(trial),
      now,
      newHandle: () => newHandle(),
      hash: hashHandle,
      audit(event) {
        records.add({
          what: 'an audit event',
          outcome: event.outcome,
          flowId: event.flowId,
          required: true,
          write: () => store.audit.record(event),
        });
        accountChanges.note(event);
      },
      noteUse: (grantId) => lastUse.note(tenant.id, grantId, now()),
      notifyApps: notifyOfEnd,
      keepTrace(trace) {
        parts.metrics.flowEnded(trace.tenantId, trace.flow, trace.outcome);
        const isChosen = () => Math.random() < tenant.traces.share && (trace.flow === 'interactive' || sample());
        if (trace.outcome !== 'success' || isChosen()) keepTrace(trace);
      },
      scriptLog(lines, fields) {
        const { allowed, dropped } = logLimit.take(tenant.id, lines.length, now());
        if (dropped > 0) logger.warn({ tenant: tenant.id, dropped }, 'a script logged more than is kept');
        for (const { level, message } of lines.slice(0, allowed))
          logger[level]({ tenant: tenant.id, source: 'script', ...fields }, message);
      },
      log: (level, message, fields) => logger[level]({ tenant: tenant.id, ...fields }, message),
    };
  }

  function portsOf(tenant: Tenant): Ports {
    const known = portsByTenant.get(tenant);
    if (known) return known;
    const made = makePorts(tenant);
    portsByTenant.set(tenant, made);
    return made;
  }

  return {
    tenant: (id) => parts.directory.byId(id),
    portsOf,
    pages,
    mailer: parts.mailer,
    registrationsWait,
    csrfSecret: Buffer.from(hkdfSync('sha256', parts.masterKey, '', 'sallyport csrf', 32)),
    forgetClient: (tenantId, clientId) => void clients.delete(`${tenantId} ${clientId}`),
    recorded: (flowId) => records.settled(flowId),
    async drain() {
      await Promise.all([records.drain(), shadows.drain(), lastUse.drain()]);
    },
    notifyApps: notifyOfEnd,
    noteChange: accountChanges.note,
    async close() {
      lastUse.close();
      registrationsWait.close();
      await Promise.all([backChannel.close(), providerLeave.close()]);
    },
  };
}

/** Brings the documents' people into the store; what was changed there since stays. */
export async function seedUsers(store: Store, tenant: Tenant): Promise<void> {
  for (const user of tenant.users) {
    const known = await store.users.findByUsername(tenant.id, user.username);
    if (!known) await store.users.save(tenant.id, user);
  }
}

/** Of the many flows of machines the first ten of a second. */
function createSampler(): () => boolean {
  let second = 0;
  let taken = 0;
  return () => {
    const now = Math.floor(Date.now() / 1000);
    if (now !== second) {
      second = now;
      taken = 0;
    }
    taken += 1;
    return taken <= 10;
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown';
}
