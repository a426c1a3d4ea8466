/** A person's own pages: log-out (OpenID Connect RP-Initiated Logout) and the apps they gave access to. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { checkCsrf, csrfToken } from '../identity/csrf.ts';
import { revokeAtProvider } from '../flow/step/provider-session.ts';
import type { UserSessionModel } from '../script/model.ts';
import type { StoredSession } from '../store/store.ts';
import {
  clearSession,
  type Engine,
  formOf,
  formTargetsOf,
  noStore,
  queryOf,
  sendErrorPage,
  sendPage,
  sessionOf,
  type TenantRequest,
} from './http.ts';
import { endGrantedAccess, listGrantedAccess } from './granted-access.ts';
import { readIdTokenHint } from './id-token-hint.ts';
import { readParameters } from './parameters.ts';

/** A query longer than this is not turned from POST into GET. */
const longestQuery = 6000;

type ContextOf = (request: TenantRequest['request'], reply: FastifyReply) => TenantRequest;

export function sessionRoutes(server: FastifyInstance, engine: Engine, contextOf: ContextOf): void {
  const end = async (request: TenantRequest['request'], reply: FastifyReply) => {
    const context = contextOf(request, reply);
    const { tenant, ports } = context;
    const text = request.method === 'POST' ? (formOf(request) ?? '') : queryOf(request);
    const read = readParameters(text);
    if (!read.ok) return sendErrorPage(engine, context, 'request-malformed', { detail: read.error.description });
    const parameters = read.parameters;
    // A cross-site POST comes without cookies; as a GET it brings the session that is to end.
    if (request.method === 'POST' && sessionOf(request) === undefined && !parameters.has('csrf')) {
      const query = new URLSearchParams([...parameters]).toString();
      if (query.length <= longestQuery) return noStore(reply).redirect(`${tenant.issuer}/session/end?${query}`, 303);
    }
    const session = await currentSession(context);
    const token = parameters.get('id_token_hint');
    const hint = token === undefined ? undefined : await readIdTokenHint(context, token);
    const named = parameters.get('client_id');
    const clientId = named ?? hint?.clientId;
    // A hint that is none of ours, or another app's, proves nothing, and whoever sent it is not followed anywhere.
    const trusted = token === undefined || (hint !== undefined && hint.clientId === clientId);
    const wanted = parameters.get('post_logout_redirect_uri') ?? parameters.get('cb');
    const client = trusted && clientId !== undefined ? await ports.client(clientId) : undefined;
    const registered =
      wanted !== undefined && client?.enabled && client.postLogoutRedirectUris.includes(wanted) ? wanted : undefined;
    const confirmed =
      request.method === 'POST' && checkCsrf(engine.csrfSecret, sessionBinding(context), parameters.get('csrf') ?? '');
    const proven = trusted && hint !== undefined && hint.username === (session && personOf(session).username);
    const mayEnd = !session || confirmed || proven;
    if (!mayEnd) {
      // Without proof that the app speaks for this person, the person is asked: log-out must not be forced by a link.
      const query = new URLSearchParams([...parameters].filter(([name]) => name !== 'csrf' && name !== 'do'));
      return sendPage(
        engine,
        context,
        'logout',
        {
          csrf: csrfToken(engine.csrfSecret, sessionBinding(context)),
          action: `${tenant.issuer}/session/end?${query}`,
          personName: nameOf(session),
        },
        {
          formTargets: formTargetsOf([
            ...(registered === undefined ? [] : [registered]),
            ...(await ports.providers()).filter(({ endSession }) => endSession).map(({ issuer }) => issuer),
          ]),
        },
      );
    }
    const state = parameters.get('state');
    const onward = registered === undefined ? undefined : withState(registered, state);
    let away: string | undefined;
    if (session) {
      away = await leaveProvider(context, session, onward);
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
    const next = away ?? onward;
    if (next !== undefined) return noStore(reply).header('referrer-policy', 'no-referrer').redirect(next, 303);
    return sendPage(engine, context, 'loggedOut', {});
  };
  // Where a provider sends people back to when they are logged out there as well.
  server.get<{ Querystring: { state?: unknown } }>(
    '/session/ended',
    { exposeHeadRoute: false },
    async (request, reply) => {
      const context = contextOf(request, reply);
      const { tenant, ports } = context;
      const { state } = request.query;
      const onward =
        typeof state === 'string' ? ports.federation.onwardOf({ tenant, state, now: ports.now() }) : undefined;
      if (onward !== undefined) return noStore(reply).header('referrer-policy', 'no-referrer').redirect(onward, 303);
      return sendPage(engine, context, 'loggedOut', {});
    },
  );
  // Not by HEAD, of which nobody sees the page.
  server.get('/session/end', { exposeHeadRoute: false }, end);
  server.get('/logout', { exposeHeadRoute: false }, end);
  server.post('/session/end', async (request, reply) => {
    // The confirmation form carries the app's parameters in its address and the proof in its body.
    const query = queryOf(request);
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
    const read = readParameters(formOf(request) ?? '');
    const form = read.ok ? read.parameters : new Map<string, string>();
    if (!session || !checkCsrf(engine.csrfSecret, sessionBinding(context), form.get('csrf') ?? '')) {
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

/** The app's own address with the `state` it gave (OpenID Connect RP-Initiated Logout section 3). */
function withState(uri: string, state: string | undefined): string {
  return state === undefined ? uri : `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams({ state })}`;
}

/** Revokes what the session kept of its provider, and answers where the person logs out there, if that is wanted. */
async function leaveProvider(
  { tenant, ports }: TenantRequest,
  session: StoredSession,
  onward: string | undefined,
): Promise<string | undefined> {
  const kept = await ports.store.providerSessions.take(tenant.id, session.idHash);
  if (!kept) return undefined;
  await revokeAtProvider(kept, ports);
  const provider = await ports.provider(kept.provider);
  return (
    provider &&
    ports.federation.endSessionUrl({
      tenant,
      provider,
      tokens: kept.sealed,
      backTo: `${tenant.issuer}/session/ended`,
      ...(onward === undefined ? {} : { onward }),
      now: ports.now(),
    })
  );
}

async function manageView(engine: Engine, context: TenantRequest, session: StoredSession) {
  const { tenant, ports } = context;
  const [user, granted] = await Promise.all([
    ports.user(session.userId),
    listGrantedAccess(ports.store, tenant.id, session.userId, ports.now()),
  ]);
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
    csrf: csrfToken(engine.csrfSecret, sessionBinding(context)),
    action: `${tenant.issuer}/session/manage${manageQuery(context.request)}`,
    personName: nameOf(session),
    ended: (context.request.query as { readonly ended?: unknown }).ended === 'yes',
    logOut: `${tenant.issuer}/session/end`,
    ...((await ports.providers()).length > 0 ? { links: `${tenant.issuer}/session/links` } : {}),
    ...(user?.passwordHash === undefined ? {} : { changePassword: `${tenant.issuer}/session/password` }),
    passwordChanged: (context.request.query as { readonly password?: unknown }).password === 'changed',
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

/** The session of the browser's cookie, while it lasts. */
export async function currentSession(context: TenantRequest): Promise<StoredSession | undefined> {
  const id = sessionOf(context.request);
  return id === undefined
    ? undefined
    : context.ports.store.sessions.find(context.tenant.id, context.ports.hash(id), context.ports.now());
}

/** What the forms of a person's own pages belong to. */
export function sessionBinding(context: TenantRequest): string {
  return `${context.tenant.id}:session:${sessionOf(context.request) ?? ''}`;
}

export function personOf(session: StoredSession): UserSessionModel {
  return session.details as unknown as UserSessionModel;
}

export function nameOf(session: StoredSession): string {
  const person = personOf(session);
  return [person.givenName, person.familyName].filter(Boolean).join(' ') || person.username;
}
