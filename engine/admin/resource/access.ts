/** What goes on in a person's name: apps with access, and log-in sessions. */
import { sidOf } from '../../identity/session-id.ts';
import { endGrantedAccess, listGrantedAccess } from '../../oauth/granted-access.ts';
import { notFound } from '../problem.ts';
import { ok, type Services, type TenantRequest, type TenantRoute } from '../route.ts';
import { instantText, list, object, text } from '../schema.ts';

const grantView = object(
  {
    clientId: text('The app.'),
    scopes: list({ type: 'string' }, 'Scopes of its live tokens together.'),
    since: instantText('When its oldest live grant began.'),
    lastUsedAt: instantText('When the server last saw it used, to some minutes.'),
    offline: { type: 'boolean', description: 'Whether it keeps access when the person is logged out.' },
    remembered: object({
      scopes: list({ type: 'string' }, 'Approved, and not asked again.'),
      expiresAt: instantText('Until then.'),
    }),
    terms: object({ version: text('Version of the terms.'), acceptedAt: instantText('When they were accepted.') }),
    rememberedContexts: list({ type: 'string' }, 'Kinds of context of which the person has a choice remembered.'),
  },
  ['clientId', 'scopes', 'offline', 'rememberedContexts'],
);

const sessionView = object(
  {
    id: text('Its id, which is `sid` in ID tokens and logout tokens.'),
    authenticatedAt: instantText('When the person logged in.'),
    lastSeenAt: instantText('When the person last came with it, to some minutes.'),
    browser: text('The kind of browser.', { examples: ['Firefox'] }),
    system: text('The kind of system.', { examples: ['Windows'] }),
    expiresAt: instantText('When it ends by itself.'),
  },
  ['id', 'authenticatedAt', 'expiresAt'],
);

const termsView = object({
  clientId: text('The app they were accepted for.'),
  version: text('Version of the terms.'),
  acceptedAt: instantText('When they were accepted.'),
});

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

async function knownUser({ tenant, parameters }: TenantRequest, { store }: Services) {
  return store.users.findById(tenant.id, parameters['userId'] ?? '');
}

const onUser = '/tenants/{tenant}/users/{userId}';

export const accessRoutes: readonly TenantRoute[] = [
  {
    name: 'listGrants',
    method: 'GET',
    path: `${onUser}/grants`,
    summary: 'Apps that have access in the name of a person, a remembered approval, or an agreement to terms.',
    permission: 'read',
    answer: { status: 200, schema: object({ items: list(grantView, 'One for each app.') }) },
    commands: [{ name: 'user grants' }],
    columns: ['clientId', 'scopes', 'since', 'lastUsedAt', 'offline'],
    async run(request, services) {
      const user = await knownUser(request, services);
      if (!user) return notFound('user', request.parameters['userId'] ?? '');
      const all = await listGrantedAccess(services.store, request.tenant.id, user.id, services.now());
      return ok({
        items: all.map(({ since, lastUsedAt, remembered, terms, ...rest }) => ({
          ...rest,
          ...(since === undefined ? {} : { since: instant(since) }),
          ...(lastUsedAt === undefined ? {} : { lastUsedAt: instant(lastUsedAt) }),
          ...(remembered ? { remembered: { ...remembered, expiresAt: instant(remembered.expiresAt) } } : {}),
          ...(terms ? { terms: { ...terms, acceptedAt: instant(terms.acceptedAt) } } : {}),
        })),
      });
    },
  },
  {
    name: 'revokeGrant',
    method: 'DELETE',
    path: `${onUser}/grants/{clientId}`,
    summary: 'Ends the access of one app at once: tokens, remembered approval, terms agreement and remembered choices.',
    permission: 'manage',
    answer: { status: 204 },
    commands: [{ name: 'user revoke-grant' }],
    async run(request, services) {
      const user = await knownUser(request, services);
      if (!user) return notFound('user', request.parameters['userId'] ?? '');
      const clientId = request.parameters['clientId'] ?? '';
      await endGrantedAccess(services.store, request.tenant.id, user.id, clientId, services.now());
      return { status: 204, change: { type: 'grant.revoked', userId: user.id, clientId } };
    },
  },
  {
    name: 'listTerms',
    method: 'GET',
    path: `${onUser}/terms`,
    summary: 'Terms of service that a person accepted.',
    permission: 'read',
    answer: { status: 200, schema: object({ items: list(termsView, 'One for each app.') }) },
    commands: [{ name: 'user terms' }],
    columns: ['clientId', 'version', 'acceptedAt'],
    async run(request, services) {
      const user = await knownUser(request, services);
      if (!user) return notFound('user', request.parameters['userId'] ?? '');
      const all = await services.store.consents.listForUser(request.tenant.id, user.id, services.now());
      return ok({
        items: all.flatMap(({ clientId, terms }) =>
          terms ? [{ clientId, version: terms.version, acceptedAt: instant(terms.acceptedAt) }] : [],
        ),
      });
    },
  },
  {
    name: 'revokeTerms',
    method: 'DELETE',
    path: `${onUser}/terms/{clientId}`,
    summary: 'Forgets that a person accepted the terms for an app: the next log-in there asks again. Its tokens stay.',
    permission: 'manage',
    answer: { status: 204 },
    commands: [{ name: 'user revoke-terms' }],
    async run(request, services) {
      const user = await knownUser(request, services);
      if (!user) return notFound('user', request.parameters['userId'] ?? '');
      const clientId = request.parameters['clientId'] ?? '';
      if (!(await services.store.consents.deleteTerms(request.tenant.id, user.id, clientId)))
        return notFound('terms agreement', clientId);
      return { status: 204, change: { type: 'terms.revoked', userId: user.id, clientId } };
    },
  },
  {
    name: 'listSessions',
    method: 'GET',
    path: `${onUser}/sessions`,
    summary: 'Where a person is logged in.',
    permission: 'read',
    answer: { status: 200, schema: object({ items: list(sessionView, 'Newest first.') }) },
    commands: [{ name: 'user sessions' }],
    columns: ['id', 'browser', 'system', 'authenticatedAt', 'lastSeenAt', 'expiresAt'],
    async run(request, services) {
      const user = await knownUser(request, services);
      if (!user) return notFound('user', request.parameters['userId'] ?? '');
      const sessions = await services.store.sessions.listForUser(request.tenant.id, user.id, services.now());
      return ok({
        items: sessions.map(({ idHash, authenticatedAt, seenAt, device, expiresAt }) => ({
          id: sidOf(idHash),
          authenticatedAt: instant(authenticatedAt),
          ...(seenAt === undefined ? {} : { lastSeenAt: instant(seenAt) }),
          ...device,
          expiresAt: instant(expiresAt),
        })),
      });
    },
  },
  {
    name: 'endSession',
    method: 'DELETE',
    path: `${onUser}/sessions/{sessionId}`,
    summary: 'Logs a person out of one session; tokens bound to it end with it, and its apps are told.',
    permission: 'manage',
    answer: { status: 204 },
    commands: [{ name: 'user end-session' }],
    async run(request, services) {
      const { tenant, parameters } = request;
      const { store, now } = services;
      const user = await knownUser(request, services);
      const sessionId = parameters['sessionId'] ?? '';
      const sessions = user ? await store.sessions.listForUser(tenant.id, user.id, now()) : [];
      const session = sessions.find(({ idHash }) => sidOf(idHash) === sessionId);
      if (!user || !session || !(await store.sessions.end(tenant.id, session.idHash, now())))
        return notFound('session', sessionId);
      services.notifyApps();
      return { status: 204, change: { type: 'session.ended', userId: user.id } };
    },
  },
  {
    name: 'endSessions',
    method: 'DELETE',
    path: `${onUser}/sessions`,
    summary: 'Logs a person out everywhere; tokens bound to the sessions end with them, and their apps are told.',
    permission: 'manage',
    answer: { status: 204 },
    commands: [{ name: 'user end-sessions' }],
    async run(request, services) {
      const user = await knownUser(request, services);
      if (!user) return notFound('user', request.parameters['userId'] ?? '');
      const count = await services.store.sessions.endForUser(request.tenant.id, user.id, services.now());
      services.notifyApps();
      return { status: 204, change: { type: 'session.ended', userId: user.id, details: { sessions: count } } };
    },
  },
];
