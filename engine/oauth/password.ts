/** A logged-in person changes their password at `{issuer}/session/password`. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { changePassword } from '../flow/step/password.ts';
import { checkCsrf, csrfToken } from '../identity/csrf.ts';
import { type Engine, formOf, noStore, sendErrorPage, sendPage, setSession, type TenantRequest } from './http.ts';
import { readParameters } from './parameters.ts';
import { currentSession, leadToProof, sessionBinding } from './own-session.ts';

type ContextOf = (request: TenantRequest['request'], reply: FastifyReply) => TenantRequest;

export function passwordRoutes(server: FastifyInstance, engine: Engine, contextOf: ContextOf): void {
  const show = (context: TenantRequest, username: string, faults: readonly string[]) =>
    sendPage(engine, context, 'newPassword', {
      csrf: csrfToken(engine.csrfSecret, sessionBinding(context)),
      action: `${context.tenant.issuer}/session/password`,
      username,
      current: true,
      minimumLength: context.tenant.passwords.minimumLength,
      maximumLength: context.tenant.passwords.maximumLength,
      faults,
    });

  server.get('/session/password', async (request, reply) => {
    const context = contextOf(request, reply);
    const session = await currentSession(context);
    if (!session) return sendErrorPage(engine, context, 'nobody-logged-in', { status: 401 });
    if (await leadToProof(context, session, 'password')) return reply;
    const user = await context.ports.user(session.userId);
    if (user?.passwordHash === undefined) return sendErrorPage(engine, context, 'other', { status: 404 });
    return show(context, user.username, []);
  });

  server.post('/session/password', async (request, reply) => {
    const context = contextOf(request, reply);
    const { tenant, ports } = context;
    const session = await currentSession(context);
    const read = readParameters(formOf(request) ?? '');
    const form = read.ok ? read.parameters : new Map<string, string>();
    if (!session || !checkCsrf(engine.csrfSecret, sessionBinding(context), form.get('csrf') ?? ''))
      return sendErrorPage(engine, context, 'form-foreign', { status: 403 });
    if (await leadToProof(context, session, 'password')) return reply;
    const manage = `${tenant.issuer}/session/manage`;
    if (form.get('do') === 'cancel') return noStore(reply).redirect(manage, 303);
    const user = await ports.user(session.userId);
    if (user?.passwordHash === undefined) return sendErrorPage(engine, context, 'other', { status: 404 });
    // The throttle and the lock of the log-in hold here, too: a browser left open is no way to guess.
    const proven = await ports.identity.authenticate({
      tenant,
      username: user.username,
      password: form.get('current') ?? '',
      remoteAddress: request.ip,
      localOnly: true,
    });
    if (!proven.ok || proven.user.id !== user.id) {
      const reason = proven.ok || proven.reason === 'wrong-credentials' ? 'wrong-current' : proven.reason;
      const event = { tenantId: tenant.id, at: ports.now(), type: 'password.changed', outcome: 'failure' } as const;
      ports.audit({ ...event, userId: user.id, reason });
      return show(context, user.username, [reason]);
    }
    const faults = await changePassword(proven.user, form.get('password') ?? '', form.get('again'), ports);
    if (faults.length > 0) return show(context, user.username, faults);
    // Every session ended, this one with them: it goes on under another id, so that whoever had copied it is out.
    const sessionId = ports.newHandle();
    await ports.store.sessions.save({ ...session, idHash: ports.hash(sessionId) });
    setSession(context, sessionId);
    return noStore(reply).redirect(`${manage}?password=changed`, 303);
  });
}
