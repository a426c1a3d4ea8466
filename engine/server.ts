/** Starts and stops a whole server. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { type FastifyBaseLogger, type FastifyInstance, fastify } from 'fastify';
import { pino } from 'pino';
import { type AdminCalls, createAdminCalls } from './admin/calls.ts';
import { adminPlugin } from './admin/plugin.ts';
import type { Services } from './admin/route.ts';
import { skinPreview } from './admin/skin-preview.ts';
import { type ComposedEngine, compose, seedUsers } from './composition.ts';
import { createKeyring } from './key/open.ts';
import { createSealer } from './key/seal.ts';
import { loadMasterKey } from './key/master-key.ts';
import { createMailer } from './mail/mailer.ts';
import { createMetrics } from './metric/metrics.ts';
import { metricsPlugin } from './metric/plugin.ts';
import { createJwksSource } from './oauth/jwks-source.ts';
import { createOwnTokens } from './oauth/own-token.ts';
import { tenantPlugin } from './oauth/plugin.ts';
import { createOutboundClient } from './outbound/guarded-client.ts';
import { createScriptRunner } from './script/pool.ts';
import { createScriptRegistry } from './script/version/registry.ts';
import { openStore } from './store/open.ts';
import { hashHandle, newHandle } from './store/secret.ts';
import type { Store } from './store/store.ts';
import { openTenantDirectory } from './tenant/directory.ts';
import type { Problem } from './tenant/problem.ts';
import type { ServerSettings } from './tenant/server.ts';
import type { Tenant, TenantDirectory } from './tenant/tenant.ts';

/** What is served beside the tenants, such as the demo; it gets the parts it may use. */
export type Mount = (
  server: FastifyInstance,
  parts: {
    readonly store: Store;
    readonly directory: TenantDirectory;
    readonly engine: ComposedEngine;
    readonly admin: AdminCalls;
  },
) => Promise<boolean>;

export interface RunningServer {
  readonly url: string;
  readonly server: FastifyInstance;
  readonly store: Store;
  readonly directory: TenantDirectory;
  readonly adminSecretFile: string;
  close(): Promise<void>;
}

export type StartResult =
  | { readonly ok: true; readonly running: RunningServer }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const sweepEvery = 60_000;
const day = 86_400_000;
const root = join(import.meta.dirname, '..');

/** Refuses with every problem of every document, or answers once the server listens. */
export async function startServer(settings: ServerSettings, mount?: Mount): Promise<StartResult> {
  const logger = pino({
    level: process.env['LOG_LEVEL'] ?? 'info',
    redact: ['req.headers.authorization', 'req.headers.cookie', 'password', 'token', 'secret'],
  });
  await mkdir(settings.data, { recursive: true });
  const closers: (() => Promise<void> | void)[] = [];
  const closeAll = async () => {
    for (const close of closers.reverse()) await close();
  };
  const opened = await openTenantDirectory({
    path: settings.config,
    logger,
    watch: true,
    onChange: async (tenant: Tenant) => prepare(tenant),
  });
  if (!opened.ok) return { ok: false, problems: opened.problems };
  const { directory } = opened;
  closers.push(() => directory.close());

  const store = await openStore({
    dataFolder: settings.data,
    ...(settings.databaseUrl ? { databaseUrl: settings.databaseUrl } : {}),
    logger: { info: (m) => logger.info(m), warn: (m) => logger.warn(m) },
  });
  closers.push(() => store.close());
  const masterKey = await loadMasterKey({
    dataFolder: settings.data,
    ...(settings.masterKey ? { value: settings.masterKey } : {}),
  });
  const keyring = createKeyring({ store, masterKey });
  const sealer = createSealer(masterKey);
  const outbound = createOutboundClient();
  closers.push(() => outbound.close());
  const jwks = createJwksSource({ outbound });
  const registry = createScriptRegistry({ repository: store.scripts });
  const mailer = createMailer();
  closers.push(async () => mailer.close());
  const metrics = createMetrics();
  const ownToken = createOwnTokens({ directory, keyring });
  const scripts = createScriptRunner({
    outbound,
    processes: settings.workers,
    services: { values: store.scriptValues, jwks, ownToken },
    observer: metrics,
  });
  closers.push(() => scripts.close());

  async function prepare(tenant: Tenant): Promise<void> {
    await keyring.prepare(tenant);
    await seedUsers(store, tenant);
    await registry.record(tenant);
  }
  for (const tenant of directory.all()) await prepare(tenant);
  const adminSecretFile = await bootstrapAdmin(store, settings);

  const engine = compose({
    store,
    keyring,
    scripts,
    registry,
    outbound,
    ownToken,
    jwks,
    metrics,
    directory,
    mailer,
    masterKey,
    sealer,
    skinsFolder: join(root, 'skins'),
    logger,
  });
  closers.push(() => engine.drain());
  closers.push(() => engine.close());
  const server: FastifyInstance = fastify({
    loggerInstance: logger.child({}, { level: 'warn' }) as FastifyBaseLogger,
    routerOptions: { maxParamLength: 200 },
    bodyLimit: 1_048_576,
    ...(settings.trustProxy.length > 0 ? { trustProxy: [...settings.trustProxy] } : {}),
    forceCloseConnections: 'idle',
    genReqId: () => newHandle(9),
    rewriteUrl: (request) => rewrite(directory, hostOf(request), request.url ?? '/'),
  });
  closers.push(() => stopServing(server));
  server.get('/health/live', async () => ({ status: 'ok' }));
  server.get('/health/ready', async (_request, reply) => {
    try {
      await store.ping();
      return { status: 'ok' };
    } catch {
      return reply.code(503).send({ status: 'unavailable' });
    }
  });
  await server.register(metricsPlugin, { metrics, adminTokens: store.adminTokens });
  await server.register(tenantPlugin, { prefix: '/t/:tenant', engine });
  const services: Services = {
    store,
    keyring,
    scripts,
    directory,
    seal: (tenantId, name, secret) => sealer.seal(tenantId, name, secret),
    forgetClient: engine.forgetClient,
    forgetScripts: registry.forget,
    async mail(tenant, to, name, gaps, languages) {
      try {
        await engine.mailer.send(tenant, { to, ...engine.pages.mail(tenant, name, gaps, languages) });
        return true;
      } catch (error) {
        const reason = error instanceof Error ? error.message : 'unknown';
        logger.error({ tenantId: tenant.id, mail: name, reason }, 'a mail could not be sent');
        return false;
      }
    },
    notifyApps: engine.notifyApps,
    noteChange: engine.noteChange,
    settle: () => engine.drain(),
    now: () => Date.now(),
  };
  await server.register(adminPlugin, { prefix: '/admin/api', url: '/admin/api', services });
  await server.register(skinPreview, {
    prefix: '/admin/skins/preview',
    url: '/admin/skins/preview',
    pages: engine.pages,
    skinsFolder: join(root, 'skins'),
    directory,
    store,
  });
  const mounted = (await mount?.(server, { store, directory, engine, admin: createAdminCalls(services) })) ?? false;
  if (!mounted)
    server.get('/', async (_request, reply) => reply.type('text/plain').send('Sallyport authorization server\n'));

  const sweep = setInterval(
    () =>
      void store
        .sweep(Date.now(), {
          auditBefore: Date.now() - settings.auditRetentionDays * day,
          traces: directory.all().map(({ id, traces: { days, most } }) => ({ tenantId: id, days, most })),
        })
        // What another process left when it ended in the middle of it.
        .then(engine.notifyApps)
        .catch((error: Error) => logger.error({ reason: error.message }, 'expired rows could not be removed')),
    sweepEvery,
  );
  sweep.unref();
  closers.push(() => clearInterval(sweep));
  await server.listen({ host: settings.host, port: settings.port });
  const address = server.addresses()[0] as { port: number } | undefined;
  return {
    ok: true,
    running: {
      url: `http://${settings.host === '127.0.0.1' ? 'localhost' : settings.host}:${address?.port ?? settings.port}`,
      server,
      store,
      directory,
      adminSecretFile,
      close: closeAll,
    },
  };
}

/** The one Host header. Of several, whoever stands before this server may have gone by another one: no tenant is served then. */
function hostOf({ headers, rawHeaders }: IncomingMessage): string {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.length === 4 && rawHeaders[index]?.toLowerCase() === 'host') hosts += 1;
  return hosts === 1 ? (headers.host ?? '') : '';
}

/** Takes nothing new and waits for what is under way. A connection whose last answer is out is not kept for a next request. */
async function stopServing(server: FastifyInstance): Promise<void> {
  const idle = setInterval(() => server.server.closeIdleConnections(), 50);
  try {
    await server.close();
  } finally {
    clearInterval(idle);
  }
}

/** `{issuer path}/x` becomes `/t/{tenant}/x`; metadata is also found in RFC 8414's infix form. What no tenant owns stays. */
function rewrite(directory: TenantDirectory, host: string, url: string): string {
  // A request may name the whole address; its host then counts (RFC 9112 section 3.2.2).
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url);
  if (absolute) return rewrite(directory, absolute[1] ?? '', absolute[2] || '/');
  const [path = '/', query] = url.split('?', 2);
  const rest = query === undefined ? '' : `?${url.slice(path.length + 1)}`;
  // The inner address is nobody's to ask for, in no spelling that the router would decode.
  if (/^\/(t|%74)(\/|$)/.test(path)) return '/unknown';
  if (
    /^\/[^/]+\/(fhir\/r4(\/|$)|ehr-launch$|traces(\/|$))/.test(path) &&
    !path.endsWith('/.well-known/smart-configuration')
  )
    return url;
  const infix = /^\/\.well-known\/(oauth-authorization-server|openid-configuration|smart-configuration)(\/.+)$/.exec(
    path,
  );
  if (infix) {
    const tenant = directory.byLocation(host, infix[2] ?? '/');
    return tenant && issuerPath(tenant) === infix[2] ? `/t/${tenant.id}/.well-known/${infix[1]}${rest}` : '/unknown';
  }
  const tenant = directory.byLocation(host, path);
  if (!tenant) return url;
  const prefix = issuerPath(tenant).replace(/\/$/, '');
  if (prefix === '' && /^\/(health|admin|metrics)(\/|$)/.test(path)) return url;
  return `/t/${tenant.id}${path.slice(prefix.length) || '/'}${rest}`;
}

const issuerPaths = new WeakMap<Tenant, string>();

/** The path of a tenant's issuer, read once: every request asks for it. */
function issuerPath(tenant: Tenant): string {
  const known = issuerPaths.get(tenant) ?? new URL(tenant.issuer).pathname;
  issuerPaths.set(tenant, known);
  return known;
}

/** The first administrator's secret: the configured one, or one made once into a file that only its owner reads. */
async function bootstrapAdmin(store: Store, settings: ServerSettings): Promise<string> {
  const file = join(settings.data, 'admin-secret');
  let secret = settings.adminSecret ?? (await readFile(file, 'utf8').catch(() => undefined))?.trim();
  if (secret === undefined) {
    secret = randomBytes(32).toString('base64url');
    await writeFile(file, `${secret}\n`, { mode: 0o600 });
  }
  await store.adminTokens.save({
    // Nodes that made a file of their own each keep their secret; a configured one replaces the configured one before.
    id: settings.adminSecret ? 'bootstrap' : `bootstrap-${hashHandle(secret).slice(0, 8)}`,
    hash: hashHandle(secret),
    name: 'bootstrap',
    role: 'admin',
    createdAt: Date.now(),
    expiresAt: Date.now() + 3_650 * 86_400_000,
  });
  return file;
}
