/** Log-out: OpenID Connect RP-Initiated Logout 1.0, and the address of Smile CDR. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { checkCsrf, csrfToken } from '../identity/csrf.ts';
import { sidOf } from '../identity/session-id.ts';
import {
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
import { type IdTokenHint, readIdTokenHint } from './id-token-hint.ts';
import { sessionBinding, currentSession, logOut, nameOf, personOf, providerTargets } from './own-session.ts';
import { readParameters } from './parameters.ts';
import type { StoredSession } from '../store/store.ts';

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
    const proven = trusted && session !== undefined && speaksFor(hint, session);
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
            ...(await providerTargets(context)),
          ]),
        },
      );
    }
    return logOut(engine, context, session, {
      clientId,
      next:
        client && registered !== undefined
          ? { name: client.clientName, uri: withState(registered, parameters) }
          : undefined,
    });
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
      return sendPage(engine, context, 'loggedOut', { frames: [] });
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
}

/** Whether an ID token is of this person, and, where it tells its session, of this very session. */
function speaksFor(hint: IdTokenHint | undefined, session: StoredSession): boolean {
  return (
    hint !== undefined &&
    hint.username === personOf(session).username &&
    (hint.sid === undefined || hint.sid === sidOf(session.idHash))
  );
}

/** A query that the app registered is kept. */
function withState(uri: string, parameters: ReadonlyMap<string, string>): string {
  const state = parameters.get('state');
  return state === undefined ? uri : `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams({ state })}`;
}
