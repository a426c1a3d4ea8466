/**
 * A person who forgot their password asks for a link by mail and chooses another one. Whoever asks learns nothing: the
 * answer is the same for every name, and what follows from it begins when the answer is out.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { LRUCache } from 'lru-cache';
import { changePassword } from '../flow/step/password.ts';
import { checkCsrf, csrfToken } from '../identity/csrf.ts';
import { createLoginThrottle } from '../identity/login-throttle.ts';
import { failureName, owningModule } from '../identity/module.ts';
import type { MailedLink } from '../store/store.ts';
import type { User } from '../tenant/tenant.ts';
import {
  browserOf,
  type Engine,
  formOf,
  knownBrowserOf,
  languagesOf,
  noStore,
  sendErrorPage,
  sendPage,
  type TenantRequest,
} from './http.ts';
import { readParameters } from './parameters.ts';

type ContextOf = (request: TenantRequest['request'], reply: FastifyReply) => TenantRequest;

const purpose = 'password-reset';
const handle = /^[A-Za-z0-9_-]{43}$/;
/** Of one address within a minute, whatever names it asks for. */
const mostRequests = 5;
/** Between two mails to one person, milliseconds. */
const betweenMails = 60_000;
/** People with one mail address that are told of at once. */
const mostPeople = 5;

export function forgottenPasswordRoutes(server: FastifyInstance, engine: Engine, contextOf: ContextOf): void {
  const throttle = createLoginThrottle(mostRequests);
  const mailed = new LRUCache<string, true>({ max: 50_000, ttl: betweenMails });

  const binding = ({ tenant }: TenantRequest, browser: string, page: string) => `${tenant.id}:${page}:${browser}`;
  /** Reads a form that this page sent to this browser, or answers with an error page. */
  const formFor = (context: TenantRequest, page: string): ReadonlyMap<string, string> | undefined => {
    const read = readParameters(formOf(context.request) ?? '');
    const form = read.ok ? read.parameters : new Map<string, string>();
    const browser = knownBrowserOf(context.request) ?? '';
    return browser !== '' && checkCsrf(engine.csrfSecret, binding(context, browser, page), form.get('csrf') ?? '')
      ? form
      : undefined;
  };
  const tokenFor = (context: TenantRequest, page: string) =>
    csrfToken(engine.csrfSecret, binding(context, browserOf(context), page));

  server.get<{ Querystring: { flow?: unknown } }>('/password/forgotten', async (request, reply) => {
    const context = contextOf(request, reply);
    if (!context.tenant.passwordReset.enabled) return reply.callNotFound();
    const flow = flowOf(request.query.flow);
    return sendPage(engine, context, 'forgotten', {
      csrf: tokenFor(context, 'forgotten'),
      action: `${context.tenant.issuer}/password/forgotten${flow === undefined ? '' : `?flow=${flow}`}`,
      sent: false,
      ...(flow === undefined ? {} : { back: `${context.tenant.issuer}/login/${flow}` }),
    });
  });

  server.post<{ Querystring: { flow?: unknown } }>('/password/forgotten', async (request, reply) => {
    const context = contextOf(request, reply);
    const { tenant, ports } = context;
    if (!tenant.passwordReset.enabled) return reply.callNotFound();
    const form = formFor(context, 'forgotten');
    if (!form) return sendErrorPage(engine, context, 'form-foreign', { status: 403 });
    const flow = flowOf(request.query.flow);
    const name = (form.get('username') ?? '').trim().normalize('NFC').slice(0, 320);
    const now = ports.now();
    const allowed = name !== '' && !throttle.blocked(request.ip, now);
    throttle.failed(request.ip, now);
    const languages = languagesOf(request);
    if (allowed)
      reply.raw.once('finish', () => {
        sendLinks(context, name, flow, languages).catch((error: unknown) =>
          ports.log('error', 'a link for a new password could not be sent', {
            reason: error instanceof Error ? error.message : 'unknown',
          }),
        );
      });
    return sendPage(engine, context, 'forgotten', {
      csrf: '',
      action: '',
      sent: true,
      ...(flow === undefined ? {} : { back: `${tenant.issuer}/login/${flow}` }),
    });
  });

  async function sendLinks(
    { tenant, ports }: TenantRequest,
    name: string,
    flow: string | undefined,
    languages: readonly string[],
  ): Promise<void> {
    for (const user of await peopleOf(ports.store.users, tenant.id, name)) {
      const key = `${tenant.id} ${user.id}`;
      if (mailed.has(key) || user.email === undefined) continue;
      mailed.set(key, true);
      const link = ports.newHandle();
      const { linkSeconds } = tenant.passwordReset;
      // Only the youngest link is good.
      await ports.store.mailedLinks.deleteForUser(tenant.id, purpose, user.id);
      await ports.store.mailedLinks.save({
        tenantId: tenant.id,
        hash: ports.hash(link),
        purpose,
        userId: user.id,
        details: flow === undefined ? {} : { flow },
        expiresAt: ports.now() + linkSeconds * 1000,
      });
      const gaps = {
        name: [user.givenName, user.familyName].filter(Boolean).join(' ') || user.username,
        username: user.username,
        tenant: tenant.name,
        minutes: String(Math.round(linkSeconds / 60)),
        // Of the tenant's own address, whatever host the request named.
        link: `${tenant.issuer}/password/reset?link=${link}`,
      };
      await engine.mailer.send(tenant, { to: user.email, ...engine.pages.mail(tenant, 'reset', gaps, languages) });
      ports.audit({
        tenantId: tenant.id,
        at: ports.now(),
        type: 'password.reset-sent',
        outcome: 'success',
        userId: user.id,
      });
    }
  }

  const linkOf = async ({ tenant, ports, request }: TenantRequest): Promise<MailedLink | undefined> => {
    const { link } = request.query as { readonly link?: unknown };
    if (!tenant.passwordReset.enabled || typeof link !== 'string' || !handle.test(link)) return undefined;
    return ports.store.mailedLinks.find(tenant.id, purpose, ports.hash(link), ports.now());
  };
  const showReset = (context: TenantRequest, user: User, faults: readonly string[]) => {
    const { link } = context.request.query as { readonly link: string };
    // The address holds the link: no other site may learn of it.
    context.reply.header('referrer-policy', 'no-referrer');
    return sendPage(engine, context, 'newPassword', {
      csrf: tokenFor(context, 'reset'),
      action: `${context.tenant.issuer}/password/reset?link=${link}`,
      username: user.username,
      why: 'reset',
      current: false,
      minimumLength: context.tenant.passwords.minimumLength,
      maximumLength: context.tenant.passwords.maximumLength,
      faults,
    });
  };

  server.get('/password/reset', async (request, reply) => {
    const context = contextOf(request, reply);
    const link = await linkOf(context);
    const user = link && (await context.ports.user(link.userId));
    if (!user?.enabled) return sendErrorPage(engine, context, 'link-gone', { status: 410 });
    return showReset(context, user, []);
  });

  server.post('/password/reset', async (request, reply) => {
    const context = contextOf(request, reply);
    const { tenant, ports } = context;
    const link = await linkOf(context);
    const user = link && (await ports.user(link.userId));
    if (!link || !user?.enabled) return sendErrorPage(engine, context, 'link-gone', { status: 410 });
    const form = formFor(context, 'reset');
    if (!form) return sendErrorPage(engine, context, 'form-foreign', { status: 403 });
    if (form.get('do') === 'cancel')
      return sendPage(engine, context, 'passwordReset', { changed: false, ...backOf(context, link) });
    // Taken only with a password that is set: a slip of the pen does not cost the link.
    const take = () => ports.store.mailedLinks.take(tenant.id, purpose, link.hash, ports.now());
    const result = await changePassword(user, form.get('password') ?? '', form.get('again'), ports, take);
    if (result.includes('link-gone')) return sendErrorPage(engine, context, 'link-gone', { status: 410 });
    if (result.length > 0) return showReset(context, user, result);
    // Whoever had the old password may have let apps in.
    await ports.store.tokens.revokeForUser(tenant.id, user.id, undefined, ports.now());
    // The mail proves more than a password that somebody guessed at: the account is open again.
    await ports.store.users.recordLogin(tenant.id, failureName(tenant, user.username), true, ports.now());
    return sendPage(engine, noStoreOf(context), 'passwordReset', { changed: true, ...backOf(context, link) });
  });
}

function noStoreOf(context: TenantRequest): TenantRequest {
  noStore(context.reply);
  return context;
}

/** The log-in that the person came from: a flow of another browser is shown to nobody there. */
function backOf({ tenant }: TenantRequest, { details }: MailedLink): { readonly back?: string } {
  const flow = flowOf(details['flow']);
  return flow === undefined ? {} : { back: `${tenant.issuer}/login/${flow}` };
}

function flowOf(value: unknown): string | undefined {
  return typeof value === 'string' && handle.test(value) ? value : undefined;
}

/** Those who can log in with a password here, by user name or else by mail address. */
async function peopleOf(
  users: TenantRequest['ports']['store']['users'],
  tenantId: string,
  name: string,
): Promise<readonly User[]> {
  const known = await users.findByUsername(tenantId, name);
  const found = known ? [known] : await users.findByEmail(tenantId, name);
  return found
    .filter((user) => user.enabled && user.passwordHash !== undefined && owningModule(user) === undefined)
    .slice(0, mostPeople);
}
