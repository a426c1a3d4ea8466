/** Mounts a small read-only FHIR R4 server that accepts the demo tenant's access tokens. */
import formbody from '@fastify/formbody';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { DemoOptions } from '../options.ts';
import { fhirBaseOf } from '../options.ts';
import { capabilityStatement, RESOURCE_TYPES } from './metadata.ts';
import { FHIR_JSON, insufficientScope, problem, sendProblem } from './outcome.ts';
import type { FhirProblem } from './outcome.ts';
import type { Resource } from './resource.ts';
import { accessTo, isAccess } from './scope.ts';
import type { Permission } from './scope.ts';
import { search } from './search.ts';
import { isAccessToken, verifyBearer } from './token.ts';

interface ResourcePath {
  readonly Params: { readonly type: string; readonly id: string };
}

/** Only names that could be resource types, so that `.well-known` and the like are not taken for one. */
const TYPE = ':type(^[A-Z][A-Za-z]+$)';

function allowAnyOrigin(reply: FastifyReply): void {
  // Tokens travel in the Authorization header and never in cookies, so any origin may ask.
  void reply.header('access-control-allow-origin', '*');
  void reply.header('access-control-expose-headers', 'WWW-Authenticate, ETag');
}

/** Name and value pairs of a URL query or a form; a name may come more than once. */
function pairs(source: unknown): [string, string][] {
  if (typeof source !== 'object' || source === null) return [];
  return Object.entries(source).flatMap(([name, value]: [string, unknown]) =>
    (Array.isArray(value) ? value : [value]).map((one): [string, string] => [name, String(one)]),
  );
}

function isProblem(value: object): value is FhirProblem {
  return 'status' in value && 'issue' in value;
}

/**
 * Mounts the server below the given instance's prefix.
 * @param resources everything the server holds
 */
export async function fhirServer(
  server: FastifyInstance,
  options: Pick<DemoOptions, 'issuer' | 'jwks' | 'smartConfiguration'> & { readonly resources: readonly Resource[] },
): Promise<void> {
  const base = fhirBaseOf(options);
  const byReference = new Map(options.resources.map((one) => [`${one.resourceType}/${one.id}`, one]));
  if (!server.hasContentTypeParser('application/x-www-form-urlencoded')) await server.register(formbody);

  server.addHook('onRequest', async (request, reply) => {
    allowAnyOrigin(reply);
    const isSearch = request.method === 'POST' && /\/_search(?:\?|$)/.test(request.url);
    if (request.method === 'OPTIONS') {
      return reply
        .header('access-control-allow-methods', 'GET, HEAD, POST, OPTIONS')
        .header('access-control-allow-headers', 'Authorization, Content-Type, Accept, Prefer, If-None-Match')
        .header('access-control-max-age', '600')
        .code(204)
        .send();
    }
    if (request.method === 'GET' || request.method === 'HEAD' || isSearch) return undefined;
    const refusal = problem(405, 'not-supported', 'This server only reads and searches.');
    return sendProblem(reply.header('allow', 'GET, HEAD, OPTIONS'), refusal);
  });
  server.setNotFoundHandler((_request, reply) => {
    allowAnyOrigin(reply);
    return sendProblem(reply, problem(404, 'not-found', 'This server has nothing at this address.'));
  });
  server.setErrorHandler((error: { statusCode?: number }, request, reply) => {
    const faulty = error.statusCode !== undefined && error.statusCode < 500;
    if (!faulty) request.log.error({ err: error }, 'The demo FHIR server failed');
    const found = faulty
      ? problem(400, 'invalid', 'The request could not be read.')
      : problem(500, 'exception', 'The server failed; see its log.');
    return sendProblem(reply, found);
  });

  /** Token, then scopes, then existence: a stranger learns nothing about what is here. */
  async function admit(request: FastifyRequest, type: string, permission: Permission) {
    const token = await verifyBearer(request.headers.authorization, options);
    if (!isAccessToken(token)) return token;
    if (!RESOURCE_TYPES.has(type))
      return problem(404, 'not-supported', 'This server does not have this resource type.');
    return accessTo(token, type, permission);
  }

  async function answerSearch(request: FastifyRequest<ResourcePath>, reply: FastifyReply): Promise<FastifyReply> {
    const resourceType = request.params.type;
    const access = await admit(request, resourceType, 's');
    if (!isAccess(access)) return sendProblem(reply, access);
    const parameters = [...pairs(request.query), ...pairs(request.body)];
    const result = search(options.resources, { base, resourceType, parameters }, access);
    if (isProblem(result)) return sendProblem(reply, result);
    return reply.header('cache-control', 'private, no-store').type(FHIR_JSON).send(result);
  }

  server.get('/metadata', async (_request, reply) =>
    reply.type(FHIR_JSON).send(capabilityStatement(base, options.issuer)),
  );

  const { smartConfiguration } = options;
  if (smartConfiguration) {
    server.get('/.well-known/smart-configuration', async (_request, reply) =>
      reply.type('application/json; charset=utf-8').send(JSON.stringify(await smartConfiguration())),
    );
  }

  server.get<ResourcePath>(`/${TYPE}/:id`, async (request, reply) => {
    const { type, id } = request.params;
    const access = await admit(request, type, 'r');
    if (!isAccess(access)) return sendProblem(reply, access);
    const resource = byReference.get(`${type}/${id}`);
    if (resource && access.visible(resource)) {
      return reply.header('cache-control', 'private, no-store').type(FHIR_JSON).send(resource);
    }
    // A confined token gets one answer for what exists and what does not, or ids could be guessed with it.
    const found =
      resource || access.patients
        ? insufficientScope('The token does not cover this resource.')
        : problem(404, 'not-found', 'There is no such resource.');
    return sendProblem(reply, found);
  });
  server.get<ResourcePath>(`/${TYPE}`, answerSearch);
  server.post<ResourcePath>(`/${TYPE}/_search`, answerSearch);
  for (const path of ['/', '/*']) server.options(path, async (_request, reply) => reply.code(204).send());
}
