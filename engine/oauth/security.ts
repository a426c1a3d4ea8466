/**
 * What protects a person's account besides the password: the page where they set up a second factor, and the one that
 * asks for it where a session proved less than the page behind it wants.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { enrol, passkeyAnswer, proveFactor, typedCode } from '../flow/step/second-factor.ts';
import { checkCsrf, csrfToken } from '../identity/csrf.ts';
import { deviceOf } from '../identity/device.ts';
import { isRequiredFor, nothingProved, withFactor } from '../identity/strength.ts';
import { browserScriptAddress } from '../page/browser-script.ts';
import { type PageViews, securityDone } from '../page/view.ts';
import type { Proof, StoredSession } from '../store/store.ts';
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
      case 'passkey':
        return addPasskey(visit);
      case 'codes':
      case 'disable':
        return changeFactor(visit);
      case 'forget':
        await context.ports.store.secondFactors.forgetDevices(context.tenant.id, visit.user.id);
        audit(visit, 'second-factor.devices-forgotten', 'success');
        return back(visit, 'forgotten');
      default: {
        if (visit.form['remove'] !== undefined) return changeFactor(visit);
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
    return (await whatSessionLacks(context, session)) === 'code'
      ? askForFactor(engine, context, session)
      : onward(context);
  });

  server.post('/session/second-factor', async (request, reply) => {
    const context = contextOf(request, reply);
    const { tenant, ports } = context;
    const visit = await visitOf(engine, context);
    if (!visit) return sendErrorPage(engine, context, 'form-foreign', { status: 403 });
    if (visit.form['do'] === 'cancel') return noStore(reply).redirect(`${tenant.issuer}/session/end`, 303);
    if ((await whatSessionLacks(context, visit.session)) !== 'code') return onward(context);
    const result = await proveAgain(visit);
    if (!result.ok) return askForFactor(engine, context, visit.session, result.reason);
    const { idHash, proof = nothingProved } = visit.session;
    await ports.store.sessions.strengthen(tenant.id, idHash, withFactor(proof, result.method), ports.now());
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

/**
 * Whether the person proves that it is them who sets up one more second factor: by one they have, else by their password.
 * @returns why not.
 */
async function refusal(visit: Visit): Promise<Said['error']> {
  const { tenant, ports, user, form, session, request } = visit;
  if (await ports.secondFactor.isEnrolled(tenant, user.id, ports.now())) {
    const result = await proveAgain(visit);
    return result.ok ? undefined : result.reason;
  }
  if (!asksPassword(visit)) return undefined;
  const proven = await ports.identity.authenticate({
    tenant,
    username: personOf(session).username,
    password: form['password'] ?? '',
    remoteAddress: request.ip,
  });
  if (proven.ok && proven.user.id === user.id) return undefined;
  const error = proven.ok ? 'wrong-credentials' : proven.reason;
  audit(visit, 'login', 'failure', error);
  return error;
}

async function beginSetup(visit: Visit): Promise<FastifyReply> {
  const { tenant, ports, user } = visit;
  const { authenticator } = await ports.store.secondFactors.find(tenant.id, user.id, ports.now());
  if (authenticator) return back(visit);
  const error = await refusal(visit);
  if (error) return sendSecurity(visit, { error });
  return sendSetup(visit, await ports.secondFactor.beginSetup(tenant, user.id, ports.now()));
}

async function addPasskey(visit: Visit): Promise<FastifyReply> {
  const { tenant, ports, user, form, session, request } = visit;
  const wasEnrolled = await ports.secondFactor.isEnrolled(tenant, user.id, ports.now());
  const error = await refusal(visit);
  if (error) return sendSecurity(visit, { error });
  const challenge = await challengeFor(visit, 'create');
  const added =
    challenge === undefined
      ? undefined
      : await ports.secondFactor.addPasskey({
          tenant,
          userId: user.id,
          answer: form['newPasskey'] ?? '',
          challenge,
          device: deviceOf(request.headers['user-agent']),
          now: ports.now(),
        });
  if (!added) return sendSecurity(visit, { error: 'wrong-passkey' });
  audit(visit, 'second-factor.passkey-added', 'success');
  if (wasEnrolled) return back(visit, 'passkey-added');
  await ports.store.sessions.endForUser(tenant.id, user.id, ports.now());
  ports.notifyApps();
  const sessionId = await goOnAs(visit, withFactor(session.proof ?? nothingProved, added.method));
  if (!added.codes) return back(visit, 'enrolled');
  return sendCodes(visit, added.codes, `${tenant.id}:session:${sessionId}`, '?after=enrolled');
}

/** Every session ended, this one with them: it goes on under another id, so that whoever had copied it is out. */
async function goOnAs(visit: Visit, proof: Proof): Promise<string> {
  const { ports, session } = visit;
  const sessionId = ports.newHandle();
  await ports.store.sessions.save({ ...session, idHash: ports.hash(sessionId), proof });
  setSession(visit, sessionId);
  return sessionId;
}

async function confirmSetup(visit: Visit): Promise<FastifyReply> {
  const { engine, tenant, ports, user, form, session } = visit;
  const setup = form['setup'] ?? '';
  const step = await ports.secondFactor.checkSetup(tenant, user.id, setup, typedCode(form), ports.now());
  if (step === undefined) return sendSetup(visit, setup, 'wrong-code');
  const codes = await enrol(user.id, setup, step, ports);
  if (codes === undefined) return sendErrorPage(engine, visit, 'setup-gone', { status: 410 });
  const sessionId = await goOnAs(visit, withFactor(session.proof ?? nothingProved, 'otp'));
  return sendCodes(visit, codes, `${tenant.id}:session:${sessionId}`, '?after=enrolled');
}

/** Makes other recovery codes, or takes a passkey or all of it away: by proof once more, however strong the session is. */
async function changeFactor(visit: Visit): Promise<FastifyReply> {
  const { tenant, ports, user, form } = visit;
  if (!(await ports.secondFactor.isEnrolled(tenant, user.id, ports.now()))) return back(visit);
  const result = await proveAgain(visit);
  if (!result.ok) return sendSecurity(visit, { error: result.reason });
  const { remove } = form;
  if (remove !== undefined) {
    if (!(await ports.store.secondFactors.removePasskey(tenant.id, user.id, remove))) return back(visit);
    audit(visit, 'second-factor.passkey-removed', 'success');
    if (await ports.secondFactor.isEnrolled(tenant, user.id, ports.now())) return back(visit, 'passkey-removed');
  } else if (form['do'] === 'codes') {
    const codes = await ports.secondFactor.renewRecoveryCodes(tenant, user.id);
    audit(visit, 'second-factor.codes-renewed', 'success');
    return sendCodes(visit, codes, sessionBinding(visit));
  }
  await ports.store.secondFactors.remove(tenant.id, user.id);
  audit(visit, 'second-factor.disabled', 'success');
  return back(visit, 'disabled');
}

async function proveAgain(visit: Visit) {
  const { ports, user, form, request } = visit;
  const typed = typedCode(form);
  const challenge = await challengeFor(visit, 'prove');
  const answer = passkeyAnswer(form);
  const result = await proveFactor({ userId: user.id, typed, answer, challenge, remoteAddress: request.ip }, ports);
  if (!result.ok) audit(visit, 'login', 'failure', result.reason);
  return result;
}

/** The challenge that a passkey signs on this page; undefined where the form brought none that counts here. */
async function challengeFor(visit: Visit, purpose: 'create' | 'prove'): Promise<string | undefined> {
  const { tenant, ports, session, form } = visit;
  const sealed = form['challenge'] ?? '';
  const challenge = await ports.secondFactor.openChallenge(tenant, session.idHash, sealed, ports.now());
  return challenge === undefined ? undefined : ports.hash(`${challenge} ${purpose}`);
}

/** A new challenge for a page: sealed, for its form, and what it becomes for each purpose. */
async function newChallenge({ tenant, ports }: TenantRequest, session: StoredSession) {
  const sealed = await ports.secondFactor.sealChallenge(tenant, session.idHash, ports.now());
  const opened = await ports.secondFactor.openChallenge(tenant, session.idHash, sealed, ports.now());
  return { sealed, of: (purpose: 'create' | 'prove') => ports.hash(`${opened ?? ''} ${purpose}`) };
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

async function askForFactor(
  engine: Engine,
  context: TenantRequest,
  session: StoredSession,
  error?: NonNullable<PageViews['secondFactor']['error']>,
): Promise<FastifyReply> {
  const { tenant, ports, request } = context;
  const challenge = await newChallenge(context, session);
  const [{ authenticator }, passkey] = await Promise.all([
    ports.store.secondFactors.find(tenant.id, session.userId, ports.now()),
    ports.secondFactor.passkeyRequest(tenant, session.userId, challenge.of('prove')),
  ]);
  return sendPage(
    engine,
    context,
    'secondFactor',
    {
      csrf: csrfToken(engine.csrfSecret, sessionBinding(context)),
      action: `${tenant.issuer}/session/second-factor?next=${nextOf(request)}`,
      rememberDays: 0,
      app: authenticator !== undefined,
      ...(passkey === undefined
        ? {}
        : { passkey, challenge: challenge.sealed, script: browserScriptAddress(tenant.issuer, 'passkey') }),
      ...(error ? { error } : {}),
    },
    passkey === undefined ? {} : { script: 'passkey' },
  );
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
  const challenge = await newChallenge(visit, session);
  const [state, passkeys, newPasskey, passkey] = await Promise.all([
    ports.store.secondFactors.find(tenant.id, user.id, ports.now()),
    ports.store.secondFactors.listPasskeys(tenant.id, user.id),
    ports.secondFactor.passkeyCreation(tenant, user, challenge.of('create')),
    ports.secondFactor.passkeyRequest(tenant, user.id, challenge.of('prove')),
  ]);
  return sendPage(
    engine,
    visit,
    'security',
    {
      csrf: csrfToken(engine.csrfSecret, sessionBinding(visit)),
      action: `${tenant.issuer}/session/security`,
      personName: nameOf(session),
      manage: `${tenant.issuer}/session/manage`,
      ...said,
      enrolled: state.authenticator !== undefined || passkeys.length > 0,
      ...(state.authenticator ? { since: dayOf(state.authenticator.enrolledAt) } : {}),
      passkeys: passkeys.map(({ credentialId, device, createdAt, lastUsedAt }) => ({
        id: credentialId,
        ...device,
        since: dayOf(createdAt),
        ...(lastUsedAt === undefined ? {} : { lastUsed: dayOf(lastUsedAt) }),
      })),
      ...(newPasskey === undefined
        ? {}
        : { newPasskey, challenge: challenge.sealed, script: browserScriptAddress(tenant.issuer, 'passkey') }),
      ...(passkey === undefined ? {} : { passkey }),
      required: isRequiredFor(tenant.secondFactor, personOf(session).authorities),
      recoveryCodes: state.recoveryCodes,
      devices: state.devices,
      password: asksPassword(visit),
    },
    newPasskey === undefined ? {} : { script: 'passkey' },
  );
}

function dayOf(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10);
}
