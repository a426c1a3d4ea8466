/** What goes on in a person's name: apps with access, and log-in sessions. */
import { endGrantedAccess, listGrantedAccess } from '../../oauth/granted-access.ts';
import { notFound } from '../problem.ts';
import { ok, type Services, type TenantRequest, type TenantRoute } from '../route.ts';
import { instantText, list, object, text } from '../schema.ts';

const grantView = object(
  {
    clientId: text('The app.'),
    scopes: list({ type: 'string' }, 'Scopes of its live tokens together.'),
    since: instantText('When its oldest live token was issued.'),
    offline: { type: 'boolean', description: 'Whether it keeps access when the person is logged out.' },
    remembered: object({
      scopes: list({ type: 'string' }, 'Approved, and not asked again.'),
      expiresAt: instantText('Until then.'),
    }),
    terms: object({ version: text('Version of the terms.'), acceptedAt: instantText('When they were accepted.') }),
  },
  ['clientId', 'scopes', 'offline'],
);

const sessionView = object({
  id: text('Its id.'),
  authenticatedAt: instantText('When the person logged in.'),
  expiresAt: instantText('When it ends by itself.'),
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
    columns: ['clientId', 'scopes', 'since', 'offline'],
    async run(request, services) {
      const user = await knownUser(request, services);
      if (!user) return notFound('user', request.parameters['userId'] ?? '');
      const all = await listGrantedAccess(services.store, request.tenant.id, user.id, services.now());
      return ok({
        items: all.map(({ since, remembered, terms, ...rest }) => ({
          ...rest,
          ...(since === undefined ? {} : { since: instant(since) }),
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
    summary: 'Ends the access of one app at once: tokens, remembered approval and terms agreement.',
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
    name: 'listSessions',
    method: 'GET',
    path: `${onUser}/sessions`,
    summary: 'Where a person is logged in.',
    permission: 'read',
    answer: { status: 200, schema: object({ items: list(sessionView, 'Newest first.') }) },
    commands: [{ name: 'user sessions' }],
    columns: ['id', 'authenticatedAt', 'expiresAt'],
    async run(request, services) {
      const user = await knownUser(request, services);
      if (!user) return notFound('user', request.parameters['userId'] ?? '');
      const sessions = await services.store.sessions.listForUser(request.tenant.id, user.id, services.now());
      return ok({
        items: sessions.map(({ idHash, authenticatedAt, expiresAt }) => ({
          id: idHash,
          authenticatedAt: instant(authenticatedAt),
          expiresAt: instant(expiresAt),
        })),
      });
    },
  },
  {
    name: 'endSession',
    method: 'DELETE',
    path: `${onUser}/sessions/{sessionId}`,
    summary: 'Logs a person out of one session; tokens bound to it end with it.',
    permission: 'manage',
    answer: { status: 204 },
    commands: [{ name: 'user end-session' }],
    async run(request, services) {
      const { tenant, parameters } = request;
      const { store, now } = services;
      const user = await knownUser(request, services);
      const sessionId = parameters['sessionId'] ?? '';
      const session = user && (await store.sessions.find(tenant.id, sessionId, now()));
      if (!user || session?.userId !== user.id) return notFound('session', sessionId);
      await store.sessions.delete(tenant.id, sessionId);
      await store.tokens.revokeForSession(tenant.id, sessionId, now());
      return { status: 204, change: { type: 'session.ended', userId: user.id } };
    },
  },
];
