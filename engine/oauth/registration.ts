/**
 * People make accounts for themselves: a form, a link by mail, and a password chosen by who opened the mail. The form is
 * answered alike whoever it names, and what follows from it begins when the answer is out. The account comes into being
 * with the password, so nobody can keep a mail address or a user name that is not theirs, and whoever filled in the form
 * for somebody else knows no password of it.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { RegistrationConfirmed, Validated } from '../flow/facts.ts';
import { startFlow } from '../flow/machine.ts';
import { selfRegistration } from '../flow/self-registration.ts';
import { sessionOf } from '../flow/step/log-in.ts';
import { checkCsrf, csrfToken } from '../identity/csrf.ts';
import { createLoginThrottle, type LoginThrottle } from '../identity/login-throttle.ts';
import { checkPassword, hashPassword, withPassword } from '../identity/password.ts';
import {
  isUsername,
  kindOf,
  offersRegistration,
  readAnswers,
  type RegisteredPerson,
} from '../identity/registration-form.ts';
import type { AskedField, PageViews, TermsShown } from '../page/view.ts';
import type { AskedDetails } from '../identity/registration.ts';
import { newHandle } from '../store/secret.ts';
import type { AuditEvent, StoredFlow, StoredRegistration } from '../store/store.ts';
import type { Tenant, User } from '../tenant/tenant.ts';
import { keepAgain } from './again.ts';
import { boundFlow } from './authorize.ts';
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
import { isInTrail } from './refusals.ts';

type ContextOf = (request: TenantRequest['request'], reply: FastifyReply) => TenantRequest;

const handle = /^[A-Za-z0-9_-]{43}$/;
/** Forms of one address within a minute. */
const mostForms = 5;
/** How long a form may stay open, milliseconds. */
const longestForm = 7_200_000;
/** Mails to one address within an hour, and how far apart they are at least, milliseconds. */
const mostMails = 5;
const betweenMails = 60_000;
const hour = 3_600_000;
/** Links to one address that are good at one time: so many that nobody uses them up for somebody else. */
const mostLinks = 50;
/** User names that one link may try within a minute. */
const mostNames = 5;

export function registrationRoutes(server: FastifyInstance, engine: Engine, contextOf: ContextOf): void {
  const addresses = createLoginThrottle(mostForms);
  const names = createLoginThrottle(mostNames);
  const tenants = new LRUCache<string, LoginThrottle>({ max: 1_000 });
  const mails = new LRUCache<string, { readonly count: number; readonly lastAt: number }>({ max: 50_000, ttl: hour });

  /** All people of a tenant together. */
  const crowdOf = ({ id, selfRegistration }: Tenant): LoginThrottle => {
    const key = `${id} ${selfRegistration.perMinute}`;
    const known = tenants.get(key) ?? createLoginThrottle(selfRegistration.perMinute);
    tenants.set(key, known);
    return known;
  };
  const read = (context: TenantRequest): ReadonlyMap<string, string> => {
    const found = readParameters(formOf(context.request) ?? '');
    return found.ok ? found.parameters : new Map();
  };
  const bindingOf = ({ tenant }: TenantRequest, page: string, browser: string) => `${tenant.id}:${page}:${browser}`;
  /** The token of a form that tells when it was first shown, and that nobody else can make. */
  const stampOf = (context: TenantRequest, shownAt: number): string => {
    const text = shownAt.toString(36);
    return `${text}.${csrfToken(engine.csrfSecret, `${bindingOf(context, 'register', browserOf(context))}:${text}`)}`;
  };
  /** When the form was first shown to this browser, or undefined where it was not. */
  const shownAtOf = (context: TenantRequest, token: string): number | undefined => {
    const browser = knownBrowserOf(context.request) ?? '';
    const [, text = '', mac = ''] = /^([0-9a-z]{1,11})\.(.+)$/.exec(token) ?? [];
    const binding = `${bindingOf(context, 'register', browser)}:${text}`;
    return browser !== '' && checkCsrf(engine.csrfSecret, binding, mac) ? Number.parseInt(text, 36) : undefined;
  };
  const audit = ({ tenant, ports }: TenantRequest, event: Pick<AuditEvent, 'type' | 'outcome'> & Partial<AuditEvent>) =>
    ports.audit({ tenantId: tenant.id, at: ports.now(), ...event });

  async function showForm(
    context: TenantRequest,
    more: {
      readonly shownAt?: number;
      readonly sent?: true;
      readonly error?: NonNullable<PageViews['register']['error']>;
      readonly answers?: Readonly<Record<string, string>>;
      readonly faults?: Readonly<Record<string, string>>;
      /** The version of the terms that was ticked. */
      readonly ticked?: string;
    } = {},
  ): Promise<FastifyReply> {
    const { tenant, ports, request } = context;
    const flow = flowOf((request.query as { readonly flow?: unknown }).flow);
    const bound = flow === undefined ? undefined : await boundFlow(context, flow);
    const terms = termsOf(tenant);
    const clientId = clientOf(bound);
    const client = clientId === undefined ? undefined : await ports.client(clientId);
    const view: PageViews['register'] = {
      csrf: more.sent ? '' : stampOf(context, more.shownAt ?? ports.now()),
      action: `${tenant.issuer}/register${flow === undefined ? '' : `?flow=${flow}`}`,
      sent: more.sent ?? false,
      ...(client && !more.sent ? { clientName: client.clientName } : {}),
      ...(bound ? { back: `${tenant.issuer}/login/${bound.id}` } : {}),
      ...(more.error ? { error: more.error } : {}),
      fields: more.sent ? [] : fieldsOf(tenant, more.answers, more.faults),
      ...(terms && !more.sent
        ? {
            terms: {
              ...terms,
              checked: more.ticked === terms.version,
              missing: more.answers !== undefined && more.ticked !== terms.version,
            },
          }
        : {}),
    };
    return sendPage(engine, context, 'register', view, { status: more.error === 'try-later' ? 429 : 200 });
  }

  server.get('/register', async (request, reply) => {
    const context = contextOf(request, reply);
    return offersRegistration(context.tenant) ? showForm(context) : reply.callNotFound();
  });

  server.post('/register', async (request, reply) => {
    const context = contextOf(request, reply);
    const { tenant, ports } = context;
    const { selfRegistration: settings } = tenant;
    if (!offersRegistration(tenant)) return reply.callNotFound();
    const form = read(context);
    const shownAt = shownAtOf(context, form.get('csrf') ?? '');
    if (shownAt === undefined) return sendErrorPage(engine, context, 'form-foreign', { status: 403 });
    const now = ports.now();
    // People do not see this field. A program that fills it in is told what everybody is told.
    if (form.has('website')) {
      audit(context, { type: 'registration.asked', outcome: 'failure', reason: 'trap' });
      return showForm(context, { sent: true });
    }
    const { person, faults, answers } = readAnswers(settings, form, now);
    const ticked = form.get('terms') ?? '';
    if (now - shownAt > longestForm) return showForm(context, { error: 'form-old', answers, ticked });
    if (now - shownAt < settings.minimumSeconds * 1000) {
      audit(context, { type: 'registration.asked', outcome: 'failure', reason: 'too-fast' });
      return showForm(context, { shownAt, error: 'too-fast', answers, ticked });
    }
    const terms = termsOf(tenant);
    if (!person || (terms && terms.version !== ticked))
      return showForm(context, { shownAt, error: 'check-fields', answers, faults, ticked });
    const crowd = crowdOf(tenant);
    if (addresses.blocked(request.ip, now) || crowd.blocked(tenant.id, now)) {
      audit(context, { type: 'registration.asked', outcome: 'failure', reason: 'try-later' });
      return showForm(context, { shownAt, error: 'try-later', answers, ticked });
    }
    addresses.failed(request.ip, now);
    crowd.failed(tenant.id, now);
    const flow = flowOf((request.query as { readonly flow?: unknown }).flow);
    const clientId = clientOf(flow === undefined ? undefined : await boundFlow(context, flow));
    const details: AskedDetails = {
      person,
      languages: languagesOf(request),
      ...(flow === undefined ? {} : { flow }),
      ...(clientId === undefined ? {} : { clientId }),
      ...(terms ? { terms: terms.version } : {}),
    };
    reply.raw.once('finish', () => {
      sendLink(context, details).catch((error: unknown) =>
        ports.log('error', 'a link for a registration could not be sent', {
          reason: error instanceof Error ? error.message : 'unknown',
        }),
      );
    });
    return showForm(context, { sent: true });
  });

  /** Whether a mail may go to this address now; it then counts. */
  function mayMail({ tenant, ports }: TenantRequest, email: string): boolean {
    const key = `${tenant.id} ${email}`;
    const now = ports.now();
    const { count, lastAt } = mails.get(key) ?? { count: 0, lastAt: 0 };
    if (count >= mostMails || now - lastAt < betweenMails) return false;
    mails.set(key, { count: count + 1, lastAt: now }, { noUpdateTTL: true });
    return true;
  }

  /** Nothing that somebody entered is in the mail, as it goes to an address that may be anybody's. */
  async function sendLink(context: TenantRequest, details: AskedDetails): Promise<void> {
    const { person, languages } = details;
    const { tenant, ports } = context;
    const { store } = ports;
    const email = person.email.toLowerCase();
    if (!mayMail(context, email)) return;
    const known = await store.users.findByEmail(tenant.id, email);
    const first = known[0];
    if (first) {
      const gaps = { tenant: tenant.name, username: known.map(({ username }) => username).join(', ') };
      await engine.mailer.send(tenant, {
        to: person.email,
        ...engine.pages.mail(tenant, 'registerKnown', gaps, languages),
      });
      audit(context, { type: 'registration.asked', outcome: 'failure', reason: 'email-known', userId: first.id });
      return;
    }
    const link = ports.newHandle();
    const now = ports.now();
    const { linkSeconds } = tenant.selfRegistration;
    const kept = await store.registrations.add(
      {
        tenantId: tenant.id,
        id: newHandle(12),
        state: 'mailed',
        linkHash: ports.hash(link),
        email,
        username: person.username,
        details: { ...details },
        createdAt: now,
        expiresAt: now + linkSeconds * 1000,
      },
      mostLinks,
      now,
    );
    if (kept === 'too-many') return;
    if (kept === 'pending') {
      const waits = engine.pages.mail(tenant, 'registerPending', { tenant: tenant.name }, languages);
      await engine.mailer.send(tenant, { to: person.email, ...waits });
      audit(context, { type: 'registration.asked', outcome: 'failure', reason: 'pending' });
      return;
    }
    const gaps = {
      tenant: tenant.name,
      seconds: String(linkSeconds),
      // Of the tenant's own address, whatever host the request named.
      link: `${tenant.issuer}/register/confirm?link=${link}`,
    };
    await engine.mailer.send(tenant, { to: person.email, ...engine.pages.mail(tenant, 'register', gaps, languages) });
    audit(context, { type: 'registration.asked', outcome: 'success' });
  }

  const linkOf = async ({ tenant, ports, request }: TenantRequest): Promise<StoredRegistration | undefined> => {
    const { link } = request.query as { readonly link?: unknown };
    if (!offersRegistration(tenant) || typeof link !== 'string' || !handle.test(link)) return undefined;
    return ports.store.registrations.findByLink(tenant.id, ports.hash(link), ports.now());
  };

  function showConfirm(
    context: TenantRequest,
    { details }: StoredRegistration,
    more: {
      readonly username?: string;
      readonly usernameFault?: NonNullable<PageViews['registerConfirm']['usernameFault']>;
      readonly faults?: readonly string[];
    } = {},
  ): FastifyReply {
    const { tenant, request } = context;
    const { person, terms: accepted } = details as unknown as AskedDetails;
    const terms = termsOf(tenant);
    const { link } = request.query as { readonly link: string };
    return sendPage(engine, context, 'registerConfirm', {
      csrf: csrfToken(engine.csrfSecret, bindingOf(context, 'confirm', browserOf(context))),
      action: `${tenant.issuer}/register/confirm?link=${link}`,
      username: more.username ?? person.username,
      ...(more.usernameFault ? { usernameFault: more.usernameFault } : {}),
      answers: fieldsOf(tenant, answersOf(person)).filter(({ name }) => name !== 'username'),
      ...(terms && terms.version === accepted ? { terms } : {}),
      minimumLength: tenant.passwords.minimumLength,
      maximumLength: tenant.passwords.maximumLength,
      faults: more.faults ?? [],
    });
  }

  async function showEnd(
    context: TenantRequest,
    state: PageViews['registered']['state'],
    details: Readonly<Record<string, unknown>> = {},
    { username, reason }: { readonly username?: string; readonly reason?: string } = {},
  ): Promise<FastifyReply> {
    const id = flowOf(details['flow']);
    // Shown to the browser that the log-in began in, and to no other.
    const flow = id === undefined ? undefined : await boundFlow(context, id);
    const waits = flow?.state === 'login' && flow.expiresAt > context.ports.now();
    if (waits && username !== undefined) keepAgain(context, flow.id, { view: { username } });
    noStore(context.reply);
    return sendPage(engine, context, 'registered', {
      state,
      ...(reason === undefined || reason === '' ? {} : { reason }),
      ...(waits ? { back: `${context.tenant.issuer}/login/${flow.id}` } : {}),
    });
  }

  // To open the link does nothing yet: programs that look at mail open links as well.
  server.get('/register/confirm', async (request, reply) => {
    const context = contextOf(request, reply);
    const found = await linkOf(context);
    if (!found) return sendErrorPage(engine, context, 'link-gone', { status: 410 });
    return found.state === 'mailed' ? showConfirm(context, found) : showEnd(context, endOf(found), found.details);
  });

  server.post('/register/confirm', async (request, reply) => {
    const context = contextOf(request, reply);
    const { tenant, ports } = context;
    const gone = () => sendErrorPage(engine, context, 'link-gone', { status: 410 });
    const found = await linkOf(context);
    if (!found) return gone();
    const form = read(context);
    const browser = knownBrowserOf(request) ?? '';
    const binding = bindingOf(context, 'confirm', browser);
    if (browser === '' || !checkCsrf(engine.csrfSecret, binding, form.get('csrf') ?? ''))
      return sendErrorPage(engine, context, 'form-foreign', { status: 403 });
    if (found.state !== 'mailed') return showEnd(context, endOf(found), found.details);
    if (form.get('do') === 'discard') {
      await ports.store.registrations.discard(tenant.id, found.linkHash);
      audit(context, { type: 'registration.discarded', outcome: 'success' });
      return showEnd(context, 'discarded');
    }
    const { selfRegistration: settings } = tenant;
    const asked = found.details as unknown as AskedDetails;
    const { person } = asked;
    const wanted = (form.get('username') ?? '').trim();
    const chosen = settings.username === 'chosen' && wanted !== '' ? wanted : person.username;
    if (chosen !== person.username && !isUsername(chosen))
      return showConfirm(context, found, { username: chosen.slice(0, 64), usernameFault: 'username' });
    if (names.blocked(found.linkHash, ports.now()))
      return showConfirm(context, found, { username: chosen, usernameFault: 'try-later' });
    const password = form.get('password') ?? '';
    const bare = accountOf({ ...person, username: chosen }, tenant);
    const faults =
      password === form.get('again') ? await checkPassword(tenant.passwords, bare, password) : (['different'] as const);
    if (faults.length > 0) return showConfirm(context, found, { username: chosen, faults });
    const passwordHash = await hashPassword(password, tenant.passwords);
    const user = withPassword(bare, passwordHash, tenant.passwords, ports.now());
    const { flow, clientId, languages, terms } = asked;
    const facts: RegistrationConfirmed = {
      request: { remoteAddress: request.ip },
      linkHash: found.linkHash,
      newUser: user,
      session: sessionOf(user),
      origin: { languages, ...(flow === undefined ? {} : { flow }) },
      ...(clientId === undefined ? {} : { fromClientId: clientId }),
      ...(terms === undefined ? {} : { acceptedTerms: terms }),
    };
    const result = await startFlow(selfRegistration, { ...facts }, ports);
    isInTrail(request);
    if (result.kind === 'done') {
      // What the link leads to now says which of both ends it was.
      const after = await linkOf(context);
      const end = after ? endOf(after) : 'created';
      if (end === 'pending') engine.registrationsWait.note(tenant.id);
      return showEnd(context, end, found.details, { username: user.username });
    }
    if (result.kind !== 'rejected') return sendErrorPage(engine, context, 'server-failed', { status: 500 });
    const { reason, error, description } = result.rejection;
    // The script may ask others, so nobody may have it run without end.
    names.failed(found.linkHash, ports.now());
    switch (reason) {
      case 'done':
      case 'pending':
        return showEnd(context, reason === 'pending' ? 'pending' : 'created', found.details);
      case 'gone':
        return gone();
      case 'email-known':
        return showEnd(context, 'known', found.details);
      case 'username-taken':
        // Where the address is the name there is no other to choose.
        return settings.username === 'email'
          ? showEnd(context, 'known', found.details)
          : showConfirm(context, found, { username: chosen, usernameFault: 'taken' });
      default:
        return error === 'access_denied'
          ? showEnd(context, 'refused', found.details, { reason: description })
          : sendErrorPage(engine, context, 'server-failed', { status: 500 });
    }
  });
}

function clientOf(flow: StoredFlow | undefined): string | undefined {
  return (flow?.facts as Partial<Validated> | undefined)?.clientId;
}

function termsOf({ termsOfService: terms }: Tenant): TermsShown | undefined {
  return terms && { version: terms.version, text: terms.text ?? '', sample: (terms.text ?? '') === '' };
}

/** What a link shows that was used. */
function endOf({ state }: StoredRegistration): 'created' | 'pending' {
  return state === 'pending' ? 'pending' : 'created';
}

/** The account as it will be, but for its password: nothing in it but the answers and what the tenant gives everybody. */
function accountOf(person: RegisteredPerson, tenant: Tenant): User & { readonly email: string } {
  return {
    id: newHandle(12),
    ...person,
    enabled: true,
    authorities: tenant.selfRegistration.authorities,
    defaultLaunchContexts: [],
  };
}

function answersOf({ userData, ...person }: RegisteredPerson): Readonly<Record<string, string>> {
  return { ...(userData as Readonly<Record<string, string>>), ...person };
}

const autocompletes: Readonly<Record<string, string>> = {
  givenName: 'given-name',
  familyName: 'family-name',
  phone: 'tel',
  birthDate: 'bday',
};

/** The questions of the tenant with the answers as they stand. */
function fieldsOf(
  { selfRegistration }: Tenant,
  answers: Readonly<Record<string, string>> = {},
  faults: Readonly<Record<string, string>> = {},
): readonly AskedField[] {
  const stateOf = (name: string) => ({
    value: Object.hasOwn(answers, name) ? (answers[name] ?? '') : '',
    ...(Object.hasOwn(faults, name) ? { fault: String(faults[name]) } : {}),
  });
  const email = { name: 'email', type: 'email', required: true, maximum: 254, autocomplete: 'email' } as const;
  const username = { name: 'username', type: 'text', required: true, maximum: 64, autocomplete: 'username' } as const;
  const first = selfRegistration.username === 'chosen' ? [email, username] : [email];
  return [
    ...first.map((field) => ({ ...field, ...stateOf(field.name) })),
    ...selfRegistration.fields.map((field): AskedField => {
      const kind = kindOf(field);
      return {
        name: field.name,
        type: kind === 'text' && field.name === 'phone' ? 'tel' : kind,
        required: field.required,
        maximum: kind === 'date' ? 10 : field.maxLength,
        ...(field.label ? { labels: field.label } : {}),
        ...(field.hint ? { hints: field.hint } : {}),
        ...(Object.hasOwn(autocompletes, field.name) ? { autocomplete: autocompletes[field.name] ?? 'off' } : {}),
        ...(field.choices ? { choices: field.choices.map(({ value, label }) => ({ value, labels: label })) } : {}),
        ...stateOf(field.name),
      };
    }),
  ];
}

function flowOf(value: unknown): string | undefined {
  return typeof value === 'string' && handle.test(value) ? value : undefined;
}
