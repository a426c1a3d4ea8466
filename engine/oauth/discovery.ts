/** Documents anybody may read: metadata, keys, the skin's files and the pages' scripts. CORS is open to every origin (SMART App Launch 2.2, section 4). */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { browserScriptBody } from '../page/browser-script.ts';
import type { Tenant } from '../tenant/tenant.ts';
import type { Engine, TenantRequest } from './http.ts';
import { openidConfiguration, smartConfiguration } from './metadata.ts';

export function discoveryRoutes(
  server: FastifyInstance,
  engine: Engine,
  contextOf: (request: TenantRequest['request'], reply: FastifyReply) => TenantRequest,
): void {
  const documents: Record<string, (tenant: Tenant) => unknown> = {
    '/.well-known/openid-configuration': openidConfiguration,
    // One document under both names: an app that starts from RFC 8414 looks for userinfo and the ID token's algorithms here.
    '/.well-known/oauth-authorization-server': openidConfiguration,
    '/.well-known/smart-configuration': (tenant) => smartConfiguration(tenant),
  };
  for (const [url, make] of Object.entries(documents)) {
    server.get(url, async (request, reply) => sendPublic(reply, make(contextOf(request, reply).tenant)));
  }
  server.get<{ Params: { server: string } }>('/fhir/:server/.well-known/smart-configuration', async (request, reply) =>
    sendPublic(reply, smartConfiguration(contextOf(request, reply).tenant, request.params.server)),
  );
  for (const url of ['/jwk', '/.well-known/jwks.json']) {
    server.get(url, async (request, reply) => {
      const { tenant, ports } = contextOf(request, reply);
      return sendPublic(reply, await ports.keyring.publicJwks(tenant));
    });
  }
  server.get<{ Params: { file: string } }>('/skin/:file', async (request, reply) => {
    const asset = engine.pages.asset(contextOf(request, reply).tenant, request.params.file);
    if (!asset) return reply.code(404).send();
    return reply
      .header('content-type', asset.type)
      .header('cache-control', 'public, max-age=300')
      .header('x-content-type-options', 'nosniff')
      .send(asset.body);
  });
  server.get<{ Params: { file: string } }>('/script/:file', async (request, reply) => {
    const body = browserScriptBody(request.params.file);
    if (!body) return reply.code(404).send();
    return reply
      .header('content-type', 'text/javascript; charset=utf-8')
      .header('cache-control', 'public, max-age=31536000, immutable')
      .header('x-content-type-options', 'nosniff')
      .send(body);
  });
}

function sendPublic(reply: FastifyReply, document: unknown): FastifyReply {
  if (document === undefined) return reply.code(404).send();
  return reply
    .header('content-type', 'application/json; charset=utf-8')
    .header('access-control-allow-origin', '*')
    .header('cache-control', 'public, max-age=300')
    .send(JSON.stringify(document));
}
