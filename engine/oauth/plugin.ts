/** All endpoints of a tenant. `server.ts` rewrites `{issuer path}/…` to `/t/{tenant}/…`, below which this is mounted. */
import cookie from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { collectMethods } from './allowed-methods.ts';
import { authorizeRoutes } from './authorize.ts';
import { answerOrigin } from './cors.ts';
import { discoveryRoutes } from './discovery.ts';
import type { Engine, TenantRequest } from './http.ts';
import { languagesOf, sendErrorPage, sendOAuthError } from './http.ts';
import { speaking } from '../mail/account-changes.ts';
import { linkRoutes } from './links.ts';
import { manageRoutes } from './manage.ts';
import { auditRefusals } from './refusals.ts';
import { forgottenPasswordRoutes } from './forgotten-password.ts';
import { registrationRoutes } from './registration.ts';
import { passwordRoutes } from './password.ts';
import { samlRoutes } from './saml.ts';
import { samlLogOutRoutes } from './saml-log-out.ts';
import { securityRoutes } from './security.ts';
import { sessionRoutes } from './session.ts';
import { tokenRoute } from './token.ts';
import { introspectRoute, revokeRoute, userinfoRoute } from './token-use.ts';

const contexts = new WeakMap<FastifyRequest, TenantRequest>();

export async function tenantPlugin(server: FastifyInstance, { engine }: { readonly engine: Engine }): Promise<void> {
  await server.register(cookie);
  const methodsOf = collectMethods(server);
  server.removeAllContentTypeParsers();
  // Kept as text, so that repeated parameters are seen (RFC 6749 section 3.1).
  server.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 131_072 },
    (_request, body, done) => done(null, body),
  );
  server.addContentTypeParser('*', { parseAs: 'string', bodyLimit: 131_072 }, (_request, _body, done) =>
    done(null, undefined),
  );

  server.addHook('onRequest', async (request, reply) => {
    const { tenant: id } = request.params as { tenant: string };
    const tenant = engine.tenant(id);
    if (!tenant) return reply.code(404).send({ error: 'not_found', error_description: 'There is no such tenant' });
    const context = { tenant, ports: engine.portsOf(tenant), request, reply };
    contexts.set(request, context);
    reply.header('x-content-type-options', 'nosniff');
    await answerOrigin(context);
  });

  // When the form has been read: what runs then is what the handler begins.
  server.addHook('preHandler', (request, _reply, done) => speaking.run(languagesOf(request), done));

  auditRefusals(server, (request) => contexts.get(request));
  const contextOf = (request: FastifyRequest, _reply: FastifyReply): TenantRequest =>
    contexts.get(request) as TenantRequest;

  authorizeRoutes(server, engine, contextOf);
  tokenRoute(server, engine, contextOf);
  introspectRoute(server, contextOf);
  revokeRoute(server, contextOf);
  userinfoRoute(server, contextOf);
  sessionRoutes(server, engine, contextOf);
  linkRoutes(server, engine, contextOf);
  passwordRoutes(server, engine, contextOf);
  manageRoutes(server, engine, contextOf);
  securityRoutes(server, engine, contextOf);
  samlRoutes(server, engine, contextOf);
  samlLogOutRoutes(server, engine, contextOf);
  forgottenPasswordRoutes(server, engine, contextOf);
  registrationRoutes(server, engine, contextOf);
  discoveryRoutes(server, engine, contextOf);

  server.options('/*', async (request, reply) => {
    const allowed = methodsOf(request.url.split('?')[0] ?? '');
    if (allowed.length === 0) return reply.callNotFound();
    return reply.header('allow', allowed.join(', ')).code(204).send();
  });

  server.setNotFoundHandler(async (request, reply) => {
    const allowed = methodsOf(request.url.split('?')[0] ?? '');
    if (allowed.length > 0 && !allowed.includes(request.method))
      return sendOAuthError(reply.header('allow', allowed.join(', ')), {
        error: 'invalid_request',
        description: 'This method is not allowed here',
        status: 405,
      });
    return reply.code(404).send({ error: 'not_found', error_description: 'There is no such endpoint' });
  });

  server.setErrorHandler(async (error: { statusCode?: number; code?: string; message: string }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error({ err: { message: error.message, code: error.code } }, 'a request failed');
    const description =
      status === 413
        ? 'The request is too large'
        : status >= 500
          ? 'The server could not complete the request'
          : 'The request is malformed';
    const context = contexts.get(request);
    if (
      context &&
      /\/(oauth\/authorize|login\/|session\/(end|ended|manage|links|password|security|second-factor)|password\/|register\b|federation\/)/.test(
        request.url,
      )
    )
      return sendErrorPage(
        engine,
        context,
        status === 413 ? 'request-too-large' : status >= 500 ? 'server-failed' : 'request-malformed',
        { status },
      );
    return sendOAuthError(reply, { error: status >= 500 ? 'server_error' : 'invalid_request', description, status });
  });
}
