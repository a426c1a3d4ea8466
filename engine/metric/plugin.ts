/** `GET /metrics` for Prometheus, for holders of an admin token that may read; and the time each request took. */
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { permits } from '../admin/role.ts';
import { hashHandle } from '../store/secret.ts';
import type { AdminTokenRepository } from '../store/store.ts';
import type { Metrics } from './metrics.ts';

interface Options {
  readonly metrics: Metrics;
  readonly adminTokens: AdminTokenRepository;
}

const plugin: FastifyPluginAsync<Options> = async (server: FastifyInstance, { metrics, adminTokens }) => {
  server.addHook('onResponse', async (request, reply) => {
    // What no route answers is one route, or every scanned address would become a label.
    const route = (request.routeOptions.url ?? 'none').replace('/t/:tenant', '');
    metrics.answered(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
  });
  server.get('/metrics', async (request, reply) => {
    const bearer = /^Bearer ([A-Za-z0-9._~+/=-]{20,512})$/i.exec(request.headers.authorization ?? '')?.[1];
    const token = bearer === undefined ? undefined : await adminTokens.find(hashHandle(bearer), Date.now());
    // A token for some tenants only must not see the names of the others.
    if (!token || token.tenants || !permits(token.role, 'read'))
      return reply
        .code(token ? 403 : 401)
        .header('www-authenticate', 'Bearer realm="sallyport metrics"')
        .type('text/plain')
        .send('A token of the admin API that may read every tenant is needed.\n');
    const { type, text } = await metrics.expose();
    return reply.header('content-type', type).header('cache-control', 'no-store').send(text);
  });
};

/** Not encapsulated: it hears of every request. */
export const metricsPlugin: FastifyPluginAsync<Options> = Object.assign(plugin, {
  [Symbol.for('skip-override')]: true,
});
