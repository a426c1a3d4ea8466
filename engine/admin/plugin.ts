/** Serves the admin API over HTTP: who calls; the rest is `calls.ts`'s. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hashHandle } from '../store/secret.ts';
import type { AdminToken } from '../store/store.ts';
import { perform } from './calls.ts';
import { openApiDocument } from './openapi.ts';
import { type AdminProblem, problemDocument, refuse } from './problem.ts';
import type { Services } from './route.ts';
import { routes } from './routes.ts';

export async function adminPlugin(
  server: FastifyInstance,
  { services, url }: { readonly services: Services; readonly url: string },
): Promise<void> {
  server.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
  });
  server.setErrorHandler(async (error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status === 413) return send(reply, refuse(413, 'body-too-large', 'The body is too large.').problem);
    if (status === 415)
      return send(
        reply,
        refuse(415, 'body-type', 'The body must be JSON.', { hint: 'Content-Type: application/json' }).problem,
      );
    if (status < 500) return send(reply, refuse(400, 'body-malformed', 'The body is not well-formed JSON.').problem);
    request.log.error({ reason: error.message }, 'an admin call failed');
    return send(reply, refuse(500, 'failed', `The call failed; the log tells more under ${request.id}.`).problem);
  });
  server.setNotFoundHandler(async (_request, reply) =>
    send(reply, refuse(404, 'call-unknown', 'There is no such call.', { hint: 'See openapi.json.' }).problem),
  );
  server.get('/openapi.json', async () => openApiDocument(routes, url));
  for (const route of routes) {
    server.route({
      method: route.method,
      url: route.path.replace(/\{(\w+)\}/g, ':$1'),
      handler: async (request, reply) => {
        const result = await perform(
          route,
          await authenticate(request, services),
          {
            parameters: request.params as Record<string, string>,
            query: request.query as Record<string, string>,
            body: request.body ?? {},
          },
          services,
        );
        if ('problem' in result) return send(reply, result.problem);
        return reply.code(result.status).send(result.body);
      },
    });
  }
}

function send(reply: FastifyReply, problem: AdminProblem): FastifyReply {
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="sallyport admin"');
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send(JSON.stringify(problemDocument(problem)));
}

async function authenticate(request: FastifyRequest, { store, now }: Services): Promise<AdminToken | undefined> {
  const bearer = /^Bearer ([A-Za-z0-9._~+/=-]{20,512})$/i.exec(request.headers.authorization ?? '')?.[1];
  return bearer === undefined ? undefined : store.adminTokens.find(hashHandle(bearer), now());
}
