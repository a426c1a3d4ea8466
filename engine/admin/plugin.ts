/** Serves the admin API: who calls, may they, is the body right, what changed. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { KeyError } from '../key/error.ts';
import { StoreError } from '../store/error.ts';
import { hashHandle } from '../store/secret.ts';
import type { AdminToken } from '../store/store.ts';
import { openApiDocument } from './openapi.ts';
import { type AdminProblem, invalid, notFound, problemDocument, refuse } from './problem.ts';
import { permits } from './role.ts';
import type { AdminRequest, Result, Route, Services } from './route.ts';
import { routes } from './routes.ts';
import { checkBody, checkQuery } from './validate-body.ts';

/** The audit trail's tenant for what is not of one tenant. */
export const wholeServer = '*';

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
        const result = await handle(route, request, services);
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

async function handle(route: Route, request: FastifyRequest, services: Services): Promise<Result> {
  const parameters = { ...(request.params as Record<string, string>) };
  const actor = await authenticate(request, services);
  const tenantId = 'serverWide' in route ? wholeServer : (parameters['tenant'] ?? '');
  const result = actor
    ? await attempt(
        route,
        { parameters, query: { ...(request.query as Record<string, string>) }, body: request.body ?? {}, actor },
        services,
      )
    : refuse(401, 'token-unknown', 'A valid token of the admin API is needed.', {
        hint: 'Send it as Authorization: Bearer.',
      });
  if ('problem' in result && (result.problem.status === 401 || result.problem.status === 403)) {
    await services.store.audit.record({
      tenantId,
      at: services.now(),
      type: `admin.refused`,
      outcome: 'failure',
      reason: result.problem.code,
      details: { call: route.name, ...(actor ? describe(actor) : {}) },
    });
  }
  if (!('problem' in result) && result.change && actor) {
    const { type, details, ...who } = result.change;
    // Before the answer: a change that is not in the trail must not look done.
    await services.store.audit.record({
      tenantId,
      at: services.now(),
      type: `admin.${type}`,
      outcome: 'success',
      ...who,
      details: { ...details, ...describe(actor) },
    });
  }
  return result;
}

function describe({ id, name, role }: AdminToken) {
  return { by: { id, name, role } };
}

async function authenticate(request: FastifyRequest, { store, now }: Services): Promise<AdminToken | undefined> {
  const bearer = /^Bearer ([A-Za-z0-9._~+/=-]{20,512})$/i.exec(request.headers.authorization ?? '')?.[1];
  return bearer === undefined ? undefined : store.adminTokens.find(hashHandle(bearer), now());
}

async function attempt(route: Route, request: AdminRequest, services: Services): Promise<Result> {
  const { actor, parameters, query } = request;
  if (!permits(actor.role, route.permission))
    return refuse(403, 'role', `The role ${actor.role} may not do this.`, { hint: 'Use a token of another role.' });
  const tenant = 'serverWide' in route ? undefined : services.directory.byId(parameters['tenant'] ?? '');
  if (!('serverWide' in route)) {
    // Told apart neither by status nor by text: another tenant's existence is none of this token's business.
    if (!tenant || (actor.tenants && !actor.tenants.includes(tenant.id))) return unknownTenant(parameters, actor);
  }
  const problems = [...checkQuery(route, query), ...(route.body ? checkBody(route.body, request.body) : [])];
  if (problems.length > 0) return invalid(problems);
  try {
    if ('serverWide' in route) return await route.run(request, services);
    if (!tenant) return unknownTenant(parameters, actor);
    return await route.run({ ...request, tenant }, services);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'conflict') return refuse(409, 'conflict', error.message);
    if (error instanceof KeyError && error.code !== 'master-key-wrong')
      return refuse(
        error.code === 'key-missing' ? 404 : error.code === 'key-configured' ? 409 : 400,
        error.code,
        error.message,
        error.hint ? { hint: error.hint } : {},
      );
    throw error;
  }
}

function unknownTenant(parameters: Readonly<Record<string, string>>, actor: AdminToken) {
  const id = parameters['tenant'] ?? '';
  return actor.tenants
    ? refuse(403, 'tenant', `This token is not for the tenant ${JSON.stringify(id)}.`)
    : notFound('tenant', id);
}
