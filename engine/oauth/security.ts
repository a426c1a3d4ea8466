/**
 * What protects a person's account besides the password: the page where they set up a second factor, and the one that
 * asks for it where a session proved less than the page behind it wants.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { enrol, typedCode } from '../flow/step/second-factor.ts';
import { checkCsrf, csrfToken } from '../identity/csrf.ts';
import { isRequiredFor, nothingProved, withFactor } from '../identity/strength.ts';
import { type PageViews, securityDone } from '../page/view.ts';
import type { StoredSession } from '../store/store.ts';
import type { User } from '../tenant/tenant.ts';
import { type Engine, formOf, noStore, sendErrorPage, sendPage, setSession, type TenantRequest } from './http.ts';
import {
  currentSession,
  isOwnPage,
  leadToProof,
  nameOf,
  personOf,
  sessionBinding,
  whatSessionLacks,
} from './own-session.ts';
import { readParameters } from './parameters.ts';

type ContextOf = (request: TenantRequest['request'], reply: FastifyReply) => TenantRequest;
type Form = Readonly<Record<string, string>>;
type Said = Pick<PageViews['security'], 'done' | 'error'>;

/** Somebody at a page of their own, with the form they sent. */
interface Visit extends TenantRequest {
  readonly engine: Engine;
  readonly session: StoredSession;
  readonly user: User;
  readonly form: Form;
}

export function securityRoutes(server: FastifyInstance, engine: Engine, contextOf: ContextOf): void {
  server.get('/session/security', async (request, reply) => {
    const context = contextOf(request, reply);
    if (context.tenant.secondFactor.level === 'off') return reply.callNotFound();
    const session = await currentSession(context);
    const user = session && (await context.ports.user(session.userId));
    if (!session || !user) return sendErrorPage(engine, context, 'nobody-logged-in', { status: 401 });
    if (await leadToProof(context, session, 'security')) return reply;
    const { done } = request.query as { readonly done?: unknown };
    const known = securityDone.find((one) => one === done);
    return sendSecurity({ ...context, engine, session, user, form: {} }, known === undefined ? {} : { done: known });
  });

  server.post('/session/security', async (request, reply) => {
    const context = contextOf(request, reply);
    if (context.tenant.secondFactor.level === 'off') return reply.callNotFound();
    const visit = await visitOf(engine, context);
    if (!visit) return sendErrorPage(engine, context, 'form-foreign', { status: 403 });
    if (await leadToProof(context, visit.session, 'security')) return reply;
    switch (visit.form['do']) {
      case 'begin':
        return beginSetup(visit);
      case 'confirm':
        return confirmSetup(visit);
      case 'codes':
      case 'disable':
        return changeFactor(visit);
      case 'forget':
        await context.ports.store.secondFactors.forgetDevices(context.tenant.id, visit.user.id);
        audit(visit, 'second-factor.devices-forgotten', 'success');
        return back(visit, 'forgotten');
      default: {
        const { after } = request.query as { readonly after?: unknown };
        return back(visit, after === 'enrolled' ? after : undefined);
      }
    }
  });

  // A strong session, and one that may set a second factor up, is led on by the page it came for.
  server.get('/session/second-factor', async (request, reply) => {
    const context = contextOf(request, reply);
    const session = await currentSession(context);
    if (!session) return sendErrorPage(engine, context, 'nobody-logged-in', { status: 401 });
    return (await whatSessionLacks(context, session)) === 'code' ? askForFactor(engine, context) : onward(context);
  });

  server.post('/session/second-factor', async (request, reply) => {
    const context = contextOf(request, reply);
    const { tenant, ports } = context;
    const visit = await visitOf(engine, context);
    if (!visit) return sendErrorPage(engine, context, 'form-foreign', { status: 403 });
    if (visit.form['do'] === 'cancel') return noStore(reply).redirect(`${tenant.issuer}/session/end`, 303);
    if ((await whatSessionLacks(context, visit.session)) !== 'code') return onward(context);
    const result = await proveFactor(visit);
    if (!result.ok) return askForFactor(engine, context, result.reason);
    const { idHash, proof = nothingProved } = visit.session;
    await ports.store.sessions.strengthen(tenant.id, idHash, withFactor(proof, 'otp'), ports.now());
    return onward(context);
  });
}

/** Reads a form that the person's session was given; undefined where it is another's, or nobody is logged in. */
async function visitOf(engine: Engine, context: TenantRequest): Promise<Visit | undefined> {
  const session = await currentSession(context);
  const user = session && (await context.ports.user(session.userId));
  const read = readParameters(formOf(context.request) ?? '');
  const form: Form = read.ok ? Object.fromEntries(read.parameters) : {};
  return session && user?.enabled && checkCsrf(engine.csrfSecret, sessionBinding(context), form['csrf'] ?? '')
    ? { ...context, engine, session, user, form }
    : undefined;
}

/** Of somebody who has a password here it is asked for: a session that was found open must not lock its person out. */
function asksPassword({ session, user }: Pick<Visit, 'session' | 'user'>): boolean {
  const { amr, provider } = session.proof ?? nothingProved;
  return user.passwordHash !== undefined || (provider === undefined && amr.includes('pwd'));
}

async function beginSetup(visit: Visit): Promise<FastifyReply> {
  const { tenant, ports, user, form, session, request } = visit;
  if (await ports.secondFactor.isEnrolled(tenant, user.id, ports.now())) return back(visit);
  if (asksPassword(visit)) {
    const proven = await ports.identity.authenticate({
      tenant,
      username: personOf(session).username,
      password: form['password'] ?? '',
      remoteAddress: request.ip,
    });
    if (!proven.ok || proven.user.id !== user.id) {
      const error = proven.ok ? 'wrong-credentials' : proven.reason;
      audit(visit, 'login', 'failure', error);
      return sendSecurity(visit, { error });
    }
  }
  return sendSetup(visit, await ports.secondFactor.beginSetup(tenant, user.id, ports.now()));
}

async function confirmSetup(visit: Visit): Promise<FastifyReply> {
  const { engine, tenant, ports, user, form, session } = visit;
  const setup = form['setup'] ?? '';
  const step = await ports.secondFactor.checkSetup(tenant, user.id, setup, typedCode(form), ports.now());
  if (step === undefined) return sendSetup(visit, setup, 'wrong-code');
  const codes = await enrol(user.id, setup, step, ports);
  if (codes === undefined) return sendErrorPage(engine, visit, 'setup-gone', { status: 410 });
  // Every session ended, this one with them: it goes on under another id, so that whoever had copied it is out.
  const sessionId = ports.newHandle();
  const proof = withFactor(session.proof ?? nothingProved, 'otp');
  await ports.store.sessions.save({ ...session, idHash: ports.hash(sessionId), proof });
  setSession(visit, sessionId);
  return sendCodes(visit, codes, `${tenant.id}:session:${sessionId}`, '?after=enrolled');
}

/** Makes other recovery codes, or takes the second factor away: by a code, however strong the session is. */
async function changeFactor(visit: Visit): Promise<FastifyReply> {
  const { tenant, ports, user, form } = visit;
  if (!(await ports.secondFactor.isEnrolled(tenant, user.id, ports.now()))) return back(visit);
  const result = await proveFactor(visit);
  if (!result.ok) return sendSecurity(visit, { error: result.reason });
  if (form['do'] === 'codes') {
    const codes = await ports.secondFactor.renewRecoveryCodes(tenant, user.id);
    audit(visit, 'second-factor.codes-renewed', 'success');
    return sendCodes(visit, codes, sessionBinding(visit));
  }
  await ports.store.secondFactors.remove(tenant.id, user.id);
  audit(visit, 'second-factor.disabled', 'success');
  return back(visit, 'disabled');
}

async function proveFactor(visit: Visit) {
  const { tenant, ports, user, form, request } = visit;
  const result = await ports.secondFactor.verify({
    tenant,
    userId: user.id,
    typed: typedCode(form),
    remoteAddress: request.ip,
    now: ports.now(),
  });
  if (!result.ok) audit(visit, 'login', 'failure', result.reason);
  return result;
}

function audit({ tenant, ports, user }: Visit, type: string, outcome: 'success' | 'failure', reason?: string): void {
  const event = { tenantId: tenant.id, at: ports.now(), type, outcome, userId: user.id };
  ports.audit({ ...event, ...(reason === undefined ? {} : { reason }) });
}

function back({ tenant, reply }: Visit, done?: Said['done']): FastifyReply {
  return noStore(reply).redirect(`${tenant.issuer}/session/security${done ? `?done=${done}` : ''}`, 303);
}

function nextOf(request: TenantRequest['request']) {
  const { next } = request.query as { readonly next?: unknown };
  return isOwnPage(next) ? next : 'manage';
}

function onward({ tenant, reply, request }: TenantRequest): FastifyReply {
  return noStore(reply).redirect(`${tenant.issuer}/session/${nextOf(request)}`, 303);
}

function askForFactor(
  engine: Engine,
  context: TenantRequest,
  error?: NonNullable<PageViews['secondFactor']['error']>,
): FastifyReply {
  return sendPage(engine, context, 'secondFactor', {
    csrf: csrfToken(engine.csrfSecret, sessionBinding(context)),
    action: `${context.tenant.issuer}/session/second-factor?next=${nextOf(context.request)}`,
    rememberDays: 0,
    ...(error ? { error } : {}),
  });
}

async function sendSetup(visit: Visit, setup: string, error?: 'wrong-code'): Promise<FastifyReply> {
  const { engine, tenant, ports, user, session } = visit;
  const shown = await ports.secondFactor.showSetup(tenant, user, setup, ports.now());
  if (!shown) return sendErrorPage(engine, visit, 'setup-gone', { status: 410 });
  return sendPage(engine, visit, 'secondFactorSetup', {
    csrf: csrfToken(engine.csrfSecret, sessionBinding(visit)),
    action: `${tenant.issuer}/session/security`,
    ...shown,
    setup,
    required: isRequiredFor(tenant.secondFactor, personOf(session).authorities),
    issuerName: tenant.secondFactor.issuerName,
    username: user.username,
    ...(error ? { error } : {}),
  });
}

/** @param binding what the form's token is bound to: the session as the browser has it from now on. */
function sendCodes(visit: Visit, codes: readonly string[], binding: string, query = ''): FastifyReply {
  const { engine, tenant } = visit;
  return sendPage(engine, visit, 'recoveryCodes', {
    csrf: csrfToken(engine.csrfSecret, binding),
    action: `${tenant.issuer}/session/security${query}`,
    codes,
  });
}

async function sendSecurity(visit: Visit, said: Said): Promise<FastifyReply> {
  const { engine, tenant, ports, session, user } = visit;
  const state = await ports.store.secondFactors.find(tenant.id, user.id, ports.now());
  return sendPage(engine, visit, 'security', {
    csrf: csrfToken(engine.csrfSecret, sessionBinding(visit)),
    action: `${tenant.issuer}/session/security`,
    personName: nameOf(session),
    manage: `${tenant.issuer}/session/manage`,
    ...said,
    enrolled: state.authenticator !== undefined,
    ...(state.authenticator ? { since: new Date(state.authenticator.enrolledAt).toISOString().slice(0, 10) } : {}),
    required: isRequiredFor(tenant.secondFactor, personOf(session).authorities),
    recoveryCodes: state.recoveryCodes,
    devices: state.devices,
    password: asksPassword(visit),
  });
}
