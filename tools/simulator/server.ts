/**
 * The simulator's page: a server for the one person at this machine. It listens on the loopback interface alone, answers
 * to its own host names only (so that no name of the outside leads here, as in DNS rebinding), and does nothing for who
 * does not send the token that the start printed (so that no other page and no other user of the machine drives it).
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { type FastifyInstance, fastify } from 'fastify';
import { bodyOf, longestBody, placeOf, refuse, serveApi, tenantOf } from './api.ts';
import { createAssets } from './assets.ts';
import { formatScript } from './format.ts';
import { createRuns } from './runs.ts';
import { createWorkspace } from './workspace.ts';

export interface SimulatorServer {
  /** With the token, in the part of the address that no server sees. */
  readonly address: string;
  readonly token: string;
  close(): Promise<void>;
}

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
  const assets = createAssets({ works: 'on a folder' });
  const runs = createRuns();
  const workspace = createWorkspace(options.folder);
  await workspace.find();

  guard(server, token);
  server.removeContentTypeParser('text/plain');
  server.setNotFoundHandler(async (_request, reply) => refuse(reply, 404, 'There is nothing here.'));
  server.setErrorHandler(async (error: Error & { readonly statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) process.stderr.write(`${error.stack ?? error.message}\n`);
    return refuse(reply, status, error.message);
  });

  serveApi(server, {
    runs: () => runs,
    workspaceFor: () => workspace,
    ownerOf: () => 'the person at this machine',
    settingFor: () => ({ csrf: '', mayWrite: true }),
    bounded: (_request, action) => action(),
  });
  server.put('/api/tenants/:tenant/file', async (request, reply) => {
    const { name, text, before } = bodyOf(request);
    const found = placeOf(request, workspace);
    if (!found) return refuse(reply, 404, 'There is no such tenant.');
    if (typeof name !== 'string' || typeof text !== 'string' || typeof before !== 'string')
      return refuse(reply, 400, 'A file has a name and a text.');
    const written = await workspace.saveFile(found, name, text, before);
    return written.ok ? written : refuse(reply, 409, written.fault.message, written.fault.hint);
  });
  server.post('/api/tenants/:tenant/format', async (request, reply) => {
    const { name, text } = bodyOf(request);
    const found = placeOf(request, workspace);
    if (!found) return refuse(reply, 404, 'There is no such tenant.');
    if (typeof name !== 'string' || typeof text !== 'string')
      return refuse(reply, 400, 'A file has a name and a text.');
    const files = await workspace.files(found, {});
    if (!files.some((file) => file.name === name)) return refuse(reply, 404, `${name} is no script of this tenant.`);
    const formatted = await formatScript(join(found.folder, name), text);
    return formatted.ok ? formatted : refuse(reply, 422, formatted.fault.message, formatted.fault.hint);
  });
  server.post('/api/tenants/:tenant/cases', async (request, reply) => {
    const { name, plan } = bodyOf(request);
    const found = placeOf(request, workspace);
    if (!found) return refuse(reply, 404, 'There is no such tenant.');
    if (typeof name !== 'string' || name.trim() === '' || name.length > 200)
      return refuse(reply, 400, 'A case has a name.');
    const tenant = await tenantOf(request, workspace);
    if (!('id' in tenant)) return { kind: 'faults', faults: tenant };
    const made = await runs.makeCase(tenant, name.trim(), plan);
    if (made.kind !== 'case') return made;
    const written = await workspace.saveCase(found, name.trim(), made.made);
    return written.ok ? written : refuse(reply, 409, written.fault.message, written.fault.hint);
  });
  server.get('/*', async (request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    if (path === '/') {
      const { type, body, policy } = assets.page();
      return reply.type(type).header('content-security-policy', policy).send(body);
    }
    const asset = assets.find(path);
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

/** What every answer says, the page's own policy aside. */
export const plainHeaders = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** Refuses whoever is not the page that this server gave. */
function guard(server: FastifyInstance, token: string): void {
  server.addHook('onRequest', async (request, reply) => {
    void reply.headers(plainHeaders);
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
