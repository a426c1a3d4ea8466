/**
 * The simulator's page: a server for the one person at this machine. It listens on the loopback interface alone, answers
 * to its own host names only (so that no name of the outside leads here, as in DNS rebinding), and does nothing for who
 * does not send the token that the start printed (so that no other page and no other user of the machine drives it).
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { flowsOf, mayUse, simulatedFlows } from '../../engine/simulator/plan.ts';
import type { Json } from '../../engine/script/runner.ts';
import { scriptsOf } from '../../engine/tenant/scripts.ts';
import type { Tenant } from '../../engine/tenant/tenant.ts';
import { createAssets } from './assets.ts';
import { checkScripts } from './check-scripts.ts';
import { createRuns } from './runs.ts';
import { settingOf } from './setting.ts';
import type { Answer, Fault, ShownTenant } from './shown.ts';
import { createWorkspace, faultsOf, type Place, type Texts } from './workspace.ts';

export interface SimulatorServer {
  /** With the token, in the part of the address that no server sees. */
  readonly address: string;
  readonly token: string;
  close(): Promise<void>;
}

/** Some scripts are long; nothing that a page sends is longer. */
const longestBody = 4 * 1024 * 1024;

/**
 * @param options.folder a tenant's folder, or a folder of them.
 * @param options.port 0 for any that is free.
 */
export async function startSimulatorServer(options: {
  readonly folder: string;
  readonly port: number;
}): Promise<SimulatorServer> {
  const token = randomBytes(24).toString('base64url');
  const server = fastify({ bodyLimit: longestBody, forceCloseConnections: true });
  const assets = createAssets();
  const runs = createRuns();
  const workspace = createWorkspace(options.folder);
  await workspace.find();

  guard(server, assets.policy, token);
  server.removeContentTypeParser('text/plain');
  server.setNotFoundHandler(async (_request, reply) => refuse(reply, 404, 'There is nothing here.'));
  server.setErrorHandler(async (error: Error & { readonly statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) process.stderr.write(`${error.stack ?? error.message}\n`);
    return refuse(reply, status, error.message);
  });

  const place = (request: FastifyRequest): Place | undefined =>
    workspace.placeOf((request.params as { readonly tenant?: string }).tenant ?? '');

  /** The tenant as the editor has it, or why there is none. */
  async function tenantOf(request: FastifyRequest): Promise<Tenant | readonly Fault[]> {
    const found = place(request);
    if (!found) return [{ message: 'There is no such tenant.', hint: 'load the page again' }];
    const loaded = await workspace.load(found, textsIn(request.body));
    return loaded.ok ? loaded.tenant : faultsOf(loaded.problems);
  }

  const withTenant =
    (answer: (tenant: Tenant, body: Readonly<Record<string, unknown>>) => Promise<Answer>) =>
    async (request: FastifyRequest): Promise<Answer> => {
      const tenant = await tenantOf(request);
      return 'id' in tenant ? answer(tenant, bodyOf(request)) : { kind: 'faults', faults: tenant };
    };

  server.get('/api/setting', async () => {
    const { places, faults } = await workspace.find();
    return { ...settingOf(), tenants: places.map(({ id, name }) => ({ id, name })), faults };
  });
  server.get('/api/tenants/:tenant', async (request, reply) => {
    const found = place(request);
    if (!found) return refuse(reply, 404, 'There is no such tenant.');
    const loaded = await workspace.load(found, {});
    const files = await workspace.files(found);
    const cases = await workspace.cases(found);
    const faults = loaded.ok ? [] : faultsOf(loaded.problems);
    return {
      ...found,
      files,
      cases,
      faults,
      ...described(loaded.ok ? loaded.tenant : undefined),
    } satisfies ShownTenant;
  });
  server.post(
    '/api/tenants/:tenant/run',
    withTenant((tenant, { plan }) => runs.run(tenant, plan)),
  );
  server.post(
    '/api/tenants/:tenant/step',
    withTenant((tenant, { plan }) => runs.step(tenant, plan)),
  );
  server.post('/api/steps/:step', async (request, reply) => {
    const { input } = bodyOf(request);
    const answer = await runs.goOn(stepOf(request), input as Json | undefined);
    return answer ?? refuse(reply, 404, 'This run is over.');
  });
  server.delete('/api/steps/:step', async (request, reply) => {
    runs.stop(stepOf(request));
    return reply.code(204).send();
  });
  server.post('/api/tenants/:tenant/check', async (request, reply) => {
    const found = place(request);
    if (!found) return refuse(reply, 404, 'There is no such tenant.');
    const loaded = await workspace.load(found, textsIn(request.body));
    return { faults: await checkScripts(loaded.ok ? scriptsOf(loaded.tenant) : loaded.scripts) };
  });
  server.put('/api/tenants/:tenant/file', async (request, reply) => {
    const { name, text, before } = bodyOf(request);
    const found = place(request);
    if (!found) return refuse(reply, 404, 'There is no such tenant.');
    if (typeof name !== 'string' || typeof text !== 'string' || typeof before !== 'string')
      return refuse(reply, 400, 'A file has a name and a text.');
    const written = await workspace.saveFile(found, name, text, before);
    return written.ok ? written : refuse(reply, 409, written.fault.message, written.fault.hint);
  });
  server.post('/api/tenants/:tenant/cases', async (request, reply) => {
    const { name, plan } = bodyOf(request);
    const found = place(request);
    if (!found) return refuse(reply, 404, 'There is no such tenant.');
    if (typeof name !== 'string' || name.trim() === '' || name.length > 200)
      return refuse(reply, 400, 'A case has a name.');
    const tenant = await tenantOf(request);
    if (!('id' in tenant)) return { kind: 'faults', faults: tenant };
    const made = await runs.makeCase(tenant, name.trim(), plan);
    if (made.kind !== 'case') return made;
    const written = await workspace.saveCase(found, name.trim(), made.made);
    return written.ok ? written : refuse(reply, 409, written.fault.message, written.fault.hint);
  });
  server.get('/*', async (request, reply) => {
    const asset = assets.find(request.url.split('?')[0] ?? '');
    return asset ? reply.type(asset.type).send(asset.body) : refuse(reply, 404, 'There is nothing here.');
  });

  // The loopback address itself: `localhost` may be something else somewhere.
  await server.listen({ host: '127.0.0.1', port: options.port });
  const { port } = server.addresses()[0] as { readonly port: number };
  return {
    address: `http://localhost:${port}/#token=${token}`,
    token,
    async close() {
      await runs.close();
      await server.close();
    },
  };
}

/** Refuses whoever is not the page that this server gave. */
function guard(server: FastifyInstance, policy: string, token: string): void {
  server.addHook('onRequest', async (request, reply) => {
    void reply.headers({
      'content-security-policy': policy,
      'cache-control': 'no-store',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    const port = request.socket.localPort;
    const hosts = [`localhost:${port}`, `127.0.0.1:${port}`];
    const { host = '', origin, authorization = '' } = request.headers;
    if (!hosts.includes(host)) return refuse(reply, 421, 'This host is not served here.');
    if (origin !== undefined && origin !== `http://${host}`)
      return refuse(reply, 403, 'Another site may not ask for this.');
    if (request.method !== 'GET' && request.method !== 'HEAD' && origin === undefined)
      return refuse(reply, 403, 'Only the page itself may ask for this.');
    // By the route that was found, for an address can be spelt in several ways.
    if (request.routeOptions.url?.startsWith('/api/') && !isSame(authorization, `Bearer ${token}`))
      return refuse(
        reply,
        401,
        'The token is missing or wrong.',
        'open the address that the start of the simulator printed',
      );
    return undefined;
  });
}

function isSame(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function refuse(reply: FastifyReply, status: number, message: string, hint = ''): FastifyReply {
  return reply.code(status).send({ message, hint } satisfies Fault);
}

function bodyOf({ body }: FastifyRequest): Readonly<Record<string, unknown>> {
  return typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {};
}

function textsIn(body: unknown): Texts {
  const { texts } = (body ?? {}) as { readonly texts?: unknown };
  const entries = Object.entries(typeof texts === 'object' && texts !== null ? texts : {});
  return Object.fromEntries(entries.filter((each): each is [string, string] => typeof each[1] === 'string'));
}

function stepOf({ params }: FastifyRequest): string {
  return (params as { readonly step: string }).step;
}

/** What the controls offer. */
function described(tenant: Tenant | undefined): Pick<ShownTenant, 'flows' | 'clients' | 'users' | 'providers'> {
  if (!tenant) return { flows: [], clients: [], users: [], providers: [] };
  return {
    flows: flowsOf(tenant),
    clients: tenant.clients.map((client) => ({
      id: client.clientId,
      name: client.clientName,
      flows: simulatedFlows.filter((flow) => mayUse(flow, client)),
      scopes: client.scopes,
    })),
    users: tenant.users.map(({ username, givenName = '', familyName = '' }) => ({
      name: username,
      label: `${givenName} ${familyName}`.trim(),
    })),
    providers: tenant.providers.map(({ id }) => id),
  };
}
