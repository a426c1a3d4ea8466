/** A person's own pages: log-out (OpenID Connect RP-Initiated Logout) and the apps they gave access to. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { decodeJwt } from 'jose';
import { checkCsrf, csrfToken } from '../identity/csrf.ts';
import type { UserSessionModel } from '../script/model.ts';
import type { StoredSession } from '../store/store.ts';
import {
  clearSession,
  type Engine,
  formOf,
  formTargetsOf,
  sendErrorPage,
  sendPage,
  sessionOf,
  type TenantRequest,
} from './http.ts';
import { endGrantedAccess, listGrantedAccess } from './granted-access.ts';
import { readParameters } from './parameters.ts';

type ContextOf = (request: TenantRequest['request'], reply: FastifyReply) => TenantRequest;

export function sessionRoutes(server: FastifyInstance, engine: Engine, contextOf: ContextOf): void {
  const end = async (request: TenantRequest['request'], reply: FastifyReply) => {
    const context = contextOf(request, reply);
    const { tenant, ports } = context;
    const text = request.method === 'GET' ? (request.raw.url?.split('?')[1] ?? '') : (formOf(request) ?? '');
    const read = readParameters(text);
    if (!read.ok) return sendErrorPage(engine, context, 'request-malformed', { detail: read.error.description });
    const parameters = read.parameters;
    const session = await currentSession(context);
    const hint = await verifiedHint(context, parameters.get('id_token_hint'));
    const clientId = parameters.get('client_id') ?? hint?.clientId;
    const wanted = parameters.get('post_logout_redirect_uri') ?? parameters.get('cb');
    const client = clientId === undefined ? undefined : await ports.client(clientId);
    const registered =
      wanted !== undefined && wanted !== 'none' && client?.postLogoutRedirectUris.includes(wanted) ? wanted : undefined;
    const confirmed =
      request.method === 'POST' && checkCsrf(engine.csrfSecret, binding(context), parameters.get('csrf') ?? '');
    const mayEnd = !session || confirmed || (hint !== undefined && hint.username === personOf(session).username);
    if (!mayEnd) {
      // Without proof that the app speaks for this person, the person is asked: log-out must not be forced by a link.
      const query = new URLSearchParams([...parameters].filter(([name]) => name !== 'csrf'));
      return sendPage(
        engine,
        context,
        'logout',
        {
          csrf: csrfToken(engine.csrfSecret, binding(context)),
          action: `${tenant.issuer}/session/end?${query}`,
          personName: nameOf(session),
        },
        { formTargets: formTargetsOf(registered === undefined ? [] : [registered]) },
      );
    }
    if (session) {
      await ports.store.sessions.delete(tenant.id, session.idHash);
      await ports.store.tokens.revokeForSession(tenant.id, session.idHash, ports.now());
      ports.audit({
        tenantId: tenant.id,
        at: ports.now(),
        type: 'logout',
        outcome: 'success',
        userId: session.userId,
        ...(clientId ? { clientId } : {}),
      });
    }
    clearSession(context);
    if (registered) {
      const state = parameters.get('state');
      return reply.redirect(
        state === undefined
          ? registered
          : `${registered}${registered.includes('?') ? '&' : '?'}${new URLSearchParams({ state })}`,
        303,
      );
    }
    return sendPage(engine, context, 'loggedOut', {});
  };
  server.get('/session/end', end);
  server.get('/logout', end);
  server.post('/session/end', async (request, reply) => {
    // The confirmation form carries the app's parameters in its address and the proof in its body.
    const query = request.raw.url?.split('?')[1];
    if (query) request.body = `${query}&${formOf(request) ?? ''}`;
    return end(request, reply);
  });

  server.get('/session/manage', async (request, reply) => {
    const context = contextOf(request, reply);
    const session = await currentSession(context);
    if (!session) return sendErrorPage(engine, context, 'nobody-logged-in', { status: 401 });
    return sendPage(engine, context, 'manage', await manageView(engine, context, session));
  });
  server.post('/session/manage', async (request, reply) => {
    const context = contextOf(request, reply);
    const { tenant, ports } = context;
    const session = await currentSession(context);
    const form = new URLSearchParams(formOf(request) ?? '');
    if (!session || !checkCsrf(engine.csrfSecret, binding(context), form.get('csrf') ?? '')) {
      return sendErrorPage(engine, context, 'form-foreign', { status: 403 });
    }
    const clientId = form.get('revoke');
    if (clientId) {
      await endGrantedAccess(ports.store, tenant.id, session.userId, clientId, ports.now());
      ports.audit({
        tenantId: tenant.id,
        at: ports.now(),
        type: 'access.revoked',
        outcome: 'success',
        clientId,
        userId: session.userId,
      });
    }
    const query = manageQuery(request, clientId ? 'yes' : undefined);
    return reply.redirect(`${tenant.issuer}/session/manage${query}`, 303);
  });
}

async function manageView(engine: Engine, context: TenantRequest, session: StoredSession) {
  const { tenant, ports } = context;
  const granted = await listGrantedAccess(ports.store, tenant.id, session.userId, ports.now());
  const apps = await Promise.all(
    granted.map(async ({ clientId, scopes, since, offline, remembered, terms }) => ({
      clientId,
      name: (await ports.client(clientId))?.clientName ?? clientId,
      ...(since === undefined ? {} : { since: new Date(since).toISOString().slice(0, 10) }),
      offline,
      remembered: remembered !== undefined,
      terms: terms !== undefined,
      scopes: [...new Set([...scopes, ...(remembered?.scopes ?? [])])],
    })),
  );
  return {
    csrf: csrfToken(engine.csrfSecret, binding(context)),
    action: `${tenant.issuer}/session/manage${manageQuery(context.request)}`,
    personName: nameOf(session),
    ended: (context.request.query as { readonly ended?: unknown }).ended === 'yes',
    logOut: `${tenant.issuer}/session/end`,
    apps,
  };
}

/** The page's own parameters: the language stays, and what was just done is said once. */
function manageQuery(request: TenantRequest['request'], ended?: string): string {
  const { ui_locales: asked } = request.query as { readonly ui_locales?: unknown };
  const query = new URLSearchParams({
    ...(ended ? { ended } : {}),
    ...(typeof asked === 'string' ? { ui_locales: asked } : {}),
  });
  return query.size > 0 ? `?${query}` : '';
}

async function currentSession(context: TenantRequest): Promise<StoredSession | undefined> {
  const id = sessionOf(context.request);
  return id === undefined
    ? undefined
    : context.ports.store.sessions.find(context.tenant.id, context.ports.hash(id), context.ports.now());
}

function binding(context: TenantRequest): string {
  return `${context.tenant.id}:session:${sessionOf(context.request) ?? ''}`;
}

/** An ID token of this tenant says which app and person ask; it may be expired (OpenID Connect RP-Initiated Logout section 2). */
async function verifiedHint(
  { ports, tenant }: TenantRequest,
  token: string | undefined,
): Promise<{ clientId: string; username: string } | undefined> {
  if (token === undefined) return undefined;
  const verified = await ports.keyring.verify(tenant, token);
  if (!verified) return undefined;
  const { iss, aud, sub } = decodeJwt(token);
  return iss === tenant.issuer && typeof aud === 'string' && sub ? { clientId: aud, username: sub } : undefined;
}

function personOf(session: StoredSession): UserSessionModel {
  return session.details as unknown as UserSessionModel;
}

function nameOf(session: StoredSession): string {
  const person = personOf(session);
  return [person.givenName, person.familyName].filter(Boolean).join(' ') || person.username;
}
