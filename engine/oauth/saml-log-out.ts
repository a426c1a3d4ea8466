/** Where SAML providers send people about log-out: when they logged out there first, or come back from having done so. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { SamlLogOut } from '../flow/ports.ts';
import type { SessionApp } from '../store/store.ts';
import type { Provider } from '../tenant/tenant.ts';
import {
  clearSamlLogOut,
  clearSession,
  type Engine,
  queryOf,
  samlLogOutOf,
  sendErrorPage,
  type TenantRequest,
} from './http.ts';
import { currentSession, sendLoggedOut } from './own-session.ts';

export function samlLogOutRoutes(
  server: FastifyInstance,
  engine: Engine,
  contextOf: (request: TenantRequest['request'], reply: FastifyReply) => TenantRequest,
): void {
  // Not by HEAD, of which nobody sees the answer.
  server.get<{ Params: { provider: string } }>(
    '/federation/saml/:provider/slo',
    { exposeHeadRoute: false },
    async (request, reply) => {
      const context = contextOf(request, reply);
      const { tenant, ports } = context;
      const provider = await ports.provider(request.params.provider);
      if (!provider) return sendErrorPage(engine, context, 'flow-gone');
      const query = queryOf(request);
      const message = await ports.federation.readSamlLogOut({ tenant, provider, query, now: ports.now() });
      if (message.kind === 'request') return endSessions(engine, context, provider, message);
      return comeBack(engine, context, provider, message);
    },
  );
}

/** The person is back from the provider. The session here ended before they went there. */
async function comeBack(
  engine: Engine,
  context: TenantRequest,
  provider: Provider,
  message: Exclude<SamlLogOut, { kind: 'request' }>,
): Promise<FastifyReply> {
  const { tenant, ports, request } = context;
  const cookie = samlLogOutOf(request);
  const asked = cookie && ports.federation.samlLogOutOf({ tenant, kept: cookie, now: ports.now() });
  // An answer counts for the browser and the request that asked for it.
  const answered =
    asked &&
    message.kind === 'response' &&
    asked.provider === provider.id &&
    asked.requestId === message.inResponseTo &&
    asked.relayState === message.relayState;
  const flaw =
    message.kind === 'refused'
      ? message.message
      : !answered
        ? 'it answers nothing that this browser asked'
        : message.succeeded
          ? undefined
          : 'not everything ended there';
  if (flaw !== undefined)
    ports.log('warn', 'a log-out at a SAML provider went wrong', { provider: provider.id, reason: flaw });
  // Who was sent there is logged out here, whatever came of it; anybody else may have been sent here by anyone.
  if (!asked || (await currentSession(context))) return sendErrorPage(engine, context, 'flow-gone');
  clearSamlLogOut(context);
  const onward = answered && asked.onward !== undefined ? { name: tenant.name, uri: asked.onward } : undefined;
  return sendLoggedOut(engine, context, undefined, onward);
}

/**
 * Ends the sessions that began at the provider with the person it names, in whatever browsers they are, and sends this
 * browser back with the answer (SAML Core, section 3.7.3).
 */
async function endSessions(
  engine: Engine,
  context: TenantRequest,
  provider: Provider,
  message: Extract<SamlLogOut, { kind: 'request' }>,
): Promise<FastifyReply> {
  const { tenant, ports, request } = context;
  const { sessions, providerSessions, users } = ports.store;
  const { subject, sessionIndexes, requestId, relayState } = message;
  const user = await users.findByExternal(tenant.id, provider.id, subject);
  const kept = user ? await providerSessions.listForUser(tenant.id, user.id, provider.id) : [];
  const meant = kept.filter(({ sealed }) =>
    ports.federation.isSamlSession({ tenant, provider, tokens: sealed, subject, sessionIndexes }),
  );
  const current = await currentSession(context);
  let own: { readonly idHash: string; readonly apps: readonly SessionApp[] } | undefined;
  let count = 0;
  for (const { sessionIdHash: idHash } of meant) {
    const apps = await sessions.end(tenant.id, idHash, ports.now());
    if (!apps) continue;
    count += 1;
    if (idHash === current?.idHash) own = { idHash, apps };
  }
  if (user && count > 0) {
    ports.notifyApps();
    ports.audit({
      tenantId: tenant.id,
      at: ports.now(),
      type: 'session.ended',
      outcome: 'success',
      userId: user.id,
      reason: 'provider-log-out',
      details: { provider: provider.id, sessions: count },
    });
  }
  if (own) clearSession(context);
  const answer = await ports.federation.answerSamlLogOut({
    tenant,
    provider,
    requestId,
    relayState,
    known: user !== undefined,
  });
  if (answer === undefined) return sendErrorPage(engine, context, 'flow-gone');
  // Within a frame of the provider's, which shows no page of ours, the apps' frames would hold up the answer.
  const framed = request.headers['sec-fetch-dest'] === 'iframe';
  return sendLoggedOut(engine, context, framed ? undefined : own, { name: provider.name, uri: answer });
}
