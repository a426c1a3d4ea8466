/**
 * The simulator's page on a running server, at `/admin/simulator`: for who holds a token of the admin API, which a browser
 * asks for by itself (RFC 7617). Callbacks run in a sandbox process of the page's own, apart from production's, in a made-up
 * world: no real person, secret, key, host or store is met.
 *
 * A browser sends that password along whoever asks. So whatever does more than to show must come from the page itself: by
 * its Origin, and by a token that no other site can read.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { findActor } from '../../engine/admin/browser-access.ts';
import { wholeServer } from '../../engine/admin/calls.ts';
import { permits } from '../../engine/admin/role.ts';
import { checkCsrf, csrfToken } from '../../engine/identity/csrf.ts';
import type { Mount } from '../../engine/server.ts';
import type { AdminToken } from '../../engine/store/store.ts';
import { bodyOf, busyOr, chosenIn, longestBody, placeOf, refuse, serveApi, tenantOf, textsIn } from './api.ts';
import { type Assets, createAssets } from './assets.ts';
import { createBounds } from './bounds.ts';
import { createRunningWorkspace, Refused, type RunningWorkspace } from './running.ts';
import { createRuns, type Runs } from './runs.ts';
import { plainHeaders } from './server.ts';

const base = '/admin/simulator';
/** A sandbox process that nobody used for so long is ended. */
const idleAfter = 10 * 60_000;

export const mountSimulator: Mount = async (server, parts) => {
  await server.register((own) => simulatorPages(own, parts), { prefix: base });
  return false;
};

type Parts = Parameters<Mount>[1];

interface Caller {
  readonly actor: AdminToken;
  readonly workspace: RunningWorkspace;
}

async function simulatorPages(server: FastifyInstance, { admin, directory, engine, store }: Parts): Promise<void> {
  const callers = new WeakMap<FastifyRequest, Caller>();
  const callerOf = (request: FastifyRequest): Caller => {
    const caller = callers.get(request);
    if (!caller) throw new Error('nobody was let in');
    return caller;
  };
  const bindingOf = ({ id }: AdminToken) => `simulator ${id}`;
  const sandbox = createSandbox();
  const bounds = createBounds();
  const bounded = <Value>(request: FastifyRequest, action: () => Promise<Value>) =>
    bounds.run(callerOf(request).actor.id, action);
  let assets: Assets | undefined;
  const assetsNow = () => (assets ??= createAssets({ base, works: 'on a server' }));

  const tidy = setInterval(() => bounds.idle && void sandbox.endIfIdle(), 60_000).unref();
  server.addHook('onClose', async () => {
    clearInterval(tidy);
    await sandbox.close();
  });

  server.addHook('onRequest', async (request, reply) => {
    void reply.headers(plainHeaders);
    const { authorization, origin } = request.headers;
    const actor = await findActor(authorization, store.adminTokens);
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (!actor || !permits(actor.role, reads ? 'read' : 'manage')) {
      if (authorization !== undefined) await refused(request, actor, actor ? 'role' : 'token-unknown');
      if (actor) return refuse(reply, 403, `The role ${actor.role} may not do this.`, 'use a token of another role');
      return refuse(
        reply.header('www-authenticate', 'Basic realm="Sallyport simulator", charset="UTF-8"'),
        401,
        'Administrators only.',
        'log in with any name and, as the password, a token of the admin API',
      );
    }
    const sameSite = origin === undefined ? reads : isOwn(origin, request);
    if (!sameSite) {
      await refused(request, actor, 'origin');
      return refuse(reply, 403, 'Another site may not ask for this.');
    }
    if (!reads && !checkCsrf(engine.csrfSecret, bindingOf(actor), String(request.headers['x-csrf-token'] ?? ''))) {
      await refused(request, actor, 'csrf');
      return refuse(reply, 403, 'This page is out of date, or not the one that this server gave.', 'load it again');
    }
    callers.set(request, { actor, workspace: createRunningWorkspace({ actor, admin, directory, store }) });
    return undefined;
  });

  async function refused(request: FastifyRequest, actor: AdminToken | undefined, reason: string): Promise<void> {
    const { tenant = '' } = request.params as { readonly tenant?: string };
    const by = actor && { id: actor.id, name: actor.name, role: actor.role };
    await store.audit.record({
      tenantId: directory.byId(tenant) ? tenant : wholeServer,
      at: Date.now(),
      type: 'admin.refused',
      outcome: 'failure',
      reason,
      details: { call: 'simulate', ...(by ? { by } : {}) },
    });
  }

  server.setNotFoundHandler(async (_request, reply) => refuse(reply, 404, 'There is nothing here.'));
  server.setErrorHandler(async (error: Error & { readonly statusCode?: number }, request, reply) => {
    if (error instanceof Refused) return refuse(reply, error.status, error.fault.message, error.fault.hint);
    const status = error.statusCode ?? 500;
    if (status < 500) return refuse(reply, status, error.message);
    request.log.error({ reason: error.message }, 'the simulator failed');
    return refuse(reply, 500, `This failed; the log tells more under ${request.id}.`);
  });

  serveApi(server, {
    runs: sandbox.runs,
    workspaceFor: (request) => callerOf(request).workspace,
    ownerOf: (request) => callerOf(request).actor.id,
    settingFor: (request) => {
      const { actor } = callerOf(request);
      return { csrf: csrfToken(engine.csrfSecret, bindingOf(actor)), mayWrite: permits(actor.role, 'manage') };
    },
    bounded,
  });
  server.post('/api/tenants/:tenant/versions', { bodyLimit: longestBody }, async (request, reply) => {
    const { workspace } = callerOf(request);
    const found = placeOf(request, workspace);
    if (!found) return refuse(reply, 404, 'There is no such tenant.');
    const { note, activate } = bodyOf(request);
    const { slot, entry, files } = await workspace.filesOf(found, chosenIn(request.body), textsIn(request.body));
    const body = {
      entry,
      files,
      ...(typeof note === 'string' && note.trim() !== '' ? { note: note.trim() } : {}),
      activate: activate === true,
    };
    const saved = await bounded(request, () =>
      workspace.ask<object>(found, 'uploadScript', { parameters: { slot }, body }),
    );
    return busyOr(reply, saved);
  });
  server.post('/api/tenants/:tenant/cases', { bodyLimit: longestBody }, async (request, reply) => {
    const { name, plan } = bodyOf(request);
    if (typeof name !== 'string' || name.trim() === '' || name.length > 200)
      return refuse(reply, 400, 'A case has a name.');
    const made = await bounded(request, async () => {
      const tenant = await tenantOf(request, callerOf(request).workspace);
      return 'id' in tenant
        ? sandbox.runs().makeCase(tenant, name.trim(), plan)
        : { kind: 'faults' as const, faults: tenant };
    });
    return busyOr(reply, made);
  });
  server.get('/api/tenants/:tenant/traces', async (request, reply) => {
    const { workspace } = callerOf(request);
    const found = placeOf(request, workspace);
    if (!found) return refuse(reply, 404, 'There is no such tenant.');
    const given = Object.entries(request.query as Readonly<Record<string, unknown>>);
    const query = Object.fromEntries(
      given.filter((each): each is [string, string] => typeof each[1] === 'string' && each[1] !== ''),
    );
    return workspace.ask<object>(found, 'listTraces', { query });
  });
  server.get('/api/tenants/:tenant/traces/:trace', async (request, reply) => {
    const { workspace } = callerOf(request);
    const found = placeOf(request, workspace);
    if (!found) return refuse(reply, 404, 'There is no such tenant.');
    const { trace } = request.params as { readonly trace: string };
    return workspace.ask<object>(found, 'getTrace', { parameters: { traceId: trace } });
  });
  server.get('/api/tenants/:tenant/comparisons', async (request, reply) => {
    const { workspace } = callerOf(request);
    const found = placeOf(request, workspace);
    if (!found) return refuse(reply, 404, 'There is no such tenant.');
    const { slot = 'callbacks' } = chosenIn(request.query);
    return workspace.ask<object>(found, 'listScriptComparisons', { parameters: { slot }, query: { sides: 'true' } });
  });
  const page = async (_request: FastifyRequest, reply: FastifyReply) => {
    const { type, body, policy } = assetsNow().page();
    return reply.type(type).header('content-security-policy', policy).send(body);
  };
  server.get('/', page);
  server.get('/*', async (request, reply) => {
    const path = (request.url.split('?')[0] ?? '').slice(base.length);
    const asset = assetsNow().find(path);
    return asset ? reply.type(asset.type).send(asset.body) : refuse(reply, 404, 'There is nothing here.');
  });
}

/** Whether a request came from a page of the address that it was sent to. */
function isOwn(origin: string, { host }: FastifyRequest): boolean {
  return /^https?:\/\//.test(origin) && origin.slice(origin.indexOf('//') + 2) === host;
}

/** The process of the page's runs, which is there while somebody uses it. */
function createSandbox(): {
  runs(): Runs;
  endIfIdle(): Promise<void>;
  close(): Promise<void>;
} {
  let running: Runs | undefined;
  let usedAt = 0;
  async function close(): Promise<void> {
    const ended = running;
    running = undefined;
    await ended?.close();
  }
  return {
    runs() {
      usedAt = Date.now();
      return (running ??= createRuns());
    },
    async endIfIdle() {
      if (running?.waiting === 0 && Date.now() - usedAt > idleAfter) await close();
    },
    close,
  };
}
