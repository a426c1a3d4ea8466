/** The page on which a person sees and ends what goes on in their name: apps with access, terms accepted, sessions. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { noteSeen } from '../flow/step/log-in.ts';
import { checkCsrf, csrfToken } from '../identity/csrf.ts';
import { sidOf } from '../identity/session-id.ts';
import { type EndedKind, endedKinds } from '../page/view.ts';
import type { StoredSession } from '../store/store.ts';
import { endGrantedAccess, listGrantedAccess } from './granted-access.ts';
import { type Engine, formOf, formTargetsOf, sendErrorPage, sendPage, type TenantRequest } from './http.ts';
import { sessionBinding, currentSession, leadToProof, logOut, nameOf, providerTargets } from './own-session.ts';
import { readParameters } from './parameters.ts';

type ContextOf = (request: TenantRequest['request'], reply: FastifyReply) => TenantRequest;

/** More of them nobody reads; all others are ended together. */
const mostSessions = 50;

export function manageRoutes(server: FastifyInstance, engine: Engine, contextOf: ContextOf): void {
  server.get('/session/manage', async (request, reply) => {
    const context = contextOf(request, reply);
    const session = await currentSession(context);
    if (!session) return sendErrorPage(engine, context, 'nobody-logged-in', { status: 401 });
    if (await leadToProof(context, session, 'manage')) return reply;
    await noteSeen(session, context.ports);
    return sendPage(engine, context, 'manage', await manageView(engine, context, session), {
      // Ending this very session may lead to the provider it began at.
      formTargets: formTargetsOf(await providerTargets(context)),
    });
  });
  server.post('/session/manage', async (request, reply) => {
    const context = contextOf(request, reply);
    const session = await currentSession(context);
    const read = readParameters(formOf(request) ?? '');
    const form = read.ok ? read.parameters : new Map<string, string>();
    if (!session || !checkCsrf(engine.csrfSecret, sessionBinding(context), form.get('csrf') ?? '')) {
      return sendErrorPage(engine, context, 'form-foreign', { status: 403 });
    }
    if (await leadToProof(context, session, 'manage')) return reply;
    if (form.get('end') === sidOf(session.idHash)) return logOut(engine, context, session);
    const ended = await endWhatIsNamed(context, session, form);
    return reply.redirect(`${context.tenant.issuer}/session/manage${manageQuery(request, ended)}`, 303);
  });
}

/** Ends what a button of the page names, if it is the person's own. Answers what that was. */
async function endWhatIsNamed(
  context: TenantRequest,
  session: StoredSession,
  form: ReadonlyMap<string, string>,
): Promise<EndedKind | undefined> {
  const { tenant, ports } = context;
  const { sessions } = ports.store;
  const { userId } = session;
  const audit = (type: string, more: object) =>
    ports.audit({ tenantId: tenant.id, at: ports.now(), type, outcome: 'success', userId, ...more });
  const clientId = form.get('revoke');
  if (clientId) {
    await endGrantedAccess(ports.store, tenant.id, userId, clientId, ports.now());
    audit('access.revoked', { clientId });
    return 'app';
  }
  const forgotten = form.get('forget');
  if (forgotten) {
    if (!(await ports.store.rememberedContexts.delete(tenant.id, userId, { clientId: forgotten }))) return undefined;
    audit('choice.forgotten', { clientId: forgotten });
    return 'choice';
  }
  const id = form.get('end');
  if (id) {
    const own = await sessions.listForUser(tenant.id, userId, ports.now());
    const named = own.find(({ idHash }) => sidOf(idHash) === id);
    if (!named || !(await sessions.end(tenant.id, named.idHash, ports.now()))) return undefined;
    ports.notifyApps();
    audit('session.ended', {});
    return 'session';
  }
  if (form.get('others') !== 'end') return undefined;
  const count = await sessions.endForUser(tenant.id, userId, ports.now(), session.idHash);
  if (count > 0) audit('session.ended', { details: { sessions: count } });
  ports.notifyApps();
  return 'others';
}

async function manageView(engine: Engine, context: TenantRequest, session: StoredSession) {
  const { tenant, ports } = context;
  const [user, granted, sessions] = await Promise.all([
    ports.user(session.userId),
    listGrantedAccess(ports.store, tenant.id, session.userId, ports.now()),
    ports.store.sessions.listForUser(tenant.id, session.userId, ports.now()),
  ]);
  const apps = await Promise.all(
    granted.map(async ({ clientId, scopes, since, lastUsedAt, offline, remembered, terms, rememberedContexts }) => ({
      clientId,
      name: (await ports.client(clientId))?.clientName ?? clientId,
      ...(since === undefined ? {} : { since: dayOf(since) }),
      ...(lastUsedAt === undefined ? {} : { lastUsed: dayOf(lastUsedAt) }),
      offline,
      remembered: remembered !== undefined,
      choices: rememberedContexts,
      ...(terms ? { terms: { version: terms.version, accepted: dayOf(terms.acceptedAt) } } : {}),
      scopes: [...new Set([...scopes, ...(remembered?.scopes ?? [])])],
    })),
  );
  const others = sessions.filter(({ idHash }) => idHash !== session.idHash);
  const ended = (context.request.query as { readonly ended?: unknown }).ended;
  return {
    csrf: csrfToken(engine.csrfSecret, sessionBinding(context)),
    action: `${tenant.issuer}/session/manage${manageQuery(context.request)}`,
    personName: nameOf(session),
    ...(isEndedKind(ended) ? { ended } : {}),
    logOut: `${tenant.issuer}/session/end`,
    ...((await ports.providers()).length > 0 ? { links: `${tenant.issuer}/session/links` } : {}),
    ...(user?.passwordHash === undefined ? {} : { changePassword: `${tenant.issuer}/session/password` }),
    ...(tenant.secondFactor.level === 'off' ? {} : { security: `${tenant.issuer}/session/security` }),
    passwordChanged: (context.request.query as { readonly password?: unknown }).password === 'changed',
    apps,
    sessions: [session, ...others].slice(0, mostSessions).map(({ idHash, authenticatedAt, seenAt, device }) => ({
      id: sidOf(idHash),
      current: idHash === session.idHash,
      ...device,
      since: dayOf(authenticatedAt),
      ...(seenAt === undefined ? {} : { lastSeen: dayOf(seenAt) }),
    })),
    others: others.length > 0,
  };
}

function dayOf(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10);
}

function isEndedKind(value: unknown): value is EndedKind {
  return endedKinds.some((kind) => kind === value);
}

/** The page's own parameters: the language stays, and what was just done is said once. */
function manageQuery(request: TenantRequest['request'], ended?: EndedKind): string {
  const { ui_locales: asked } = request.query as { readonly ui_locales?: unknown };
  const query = new URLSearchParams({
    ...(ended ? { ended } : {}),
    ...(typeof asked === 'string' ? { ui_locales: asked } : {}),
  });
  return query.size > 0 ? `?${query}` : '';
}
