/** What all of a tenant's endpoints share: the tenant of a request, cookies, headers, and how errors are answered. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Ports } from '../flow/ports.ts';
import type { Mailer } from '../mail/mailer.ts';
import type { RegistrationsWait } from '../mail/registrations-wait.ts';
import { browserScriptPolicy, type BrowserScriptName } from '../page/browser-script.ts';
import type { ErrorCode, PageName, PageRenderer, PageViews } from '../page/view.ts';
import type { Provider, Tenant } from '../tenant/tenant.ts';
import { type OAuthError, sanitizeDescription } from './oauth-error.ts';
import { noteRefusal } from './refusals.ts';

export interface Engine {
  tenant(id: string): Tenant | undefined;
  portsOf(tenant: Tenant): Ports;
  /** Waits until the flow's audit events and trace are written; false where an audit event could not be. */
  recorded(flowId: string): Promise<boolean>;
  readonly pages: PageRenderer;
  readonly mailer: Mailer;
  /** Tells administrators that somebody waits for them. */
  readonly registrationsWait: Pick<RegistrationsWait, 'note'>;
  /** Signs CSRF tokens. */
  readonly csrfSecret: Buffer;
}

export interface TenantRequest {
  readonly tenant: Tenant;
  readonly ports: Ports;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** The languages a person prefers: `ui_locales` of the flow or the address first, then Accept-Language in its order. */
export function languagesOf(request: FastifyRequest, uiLocales = uiLocalesOf(request)): readonly string[] {
  const accepted = (request.headers['accept-language'] ?? '')
    .split(',')
    .map((part) => part.split(';')[0]?.trim() ?? '');
  return [...(uiLocales?.split(' ') ?? []), ...accepted]
    .filter((language) => /^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}$/.test(language))
    .slice(0, 10);
}

function uiLocalesOf(request: FastifyRequest): string | undefined {
  const { ui_locales: asked } = request.query as { readonly ui_locales?: unknown };
  return typeof asked === 'string' ? asked : undefined;
}

/** Sends a page under a policy that allows nothing but the skin's own style and images, and a script where one is named. */
export function sendPage<P extends PageName>(
  engine: Engine,
  { tenant, request, reply }: TenantRequest,
  page: P,
  view: PageViews[P],
  options: {
    readonly status?: number;
    readonly formTargets?: readonly string[];
    /** Origins that the page may show in frames. */
    readonly frames?: readonly string[];
    /** The script that the page uses, if any. */
    readonly script?: BrowserScriptName;
    readonly uiLocales?: string;
  } = {},
): FastifyReply {
  const scripts = options.script === undefined ? '' : browserScriptPolicy(tenant.issuer, options.script);
  return reply
    .code(options.status ?? 200)
    .headers(pageHeaders(tenant.frameAncestors, options.formTargets, options.frames, scripts))
    .send(engine.pages.render(tenant, page, view, languagesOf(request, options.uiLocales)));
}

/**
 * What every page is sent with: never kept, and nothing in it but the skin's own.
 * @param frameAncestors origins that may show it in a frame.
 * @param formTargets where a form's answer may redirect to, which browsers count as a target of the form.
 * @param frames origins that it may show in frames.
 * @param scripts the directives for its script, by `browserScriptPolicy`.
 */
export function pageHeaders(
  frameAncestors: readonly string[],
  formTargets: readonly string[] = [],
  frames: readonly string[] = [],
  scripts = '',
): Readonly<Record<string, string>> {
  const ancestors = frameAncestors.length > 0 ? frameAncestors.join(' ') : "'none'";
  const targets = ["'self'", ...formTargets].join(' ');
  const framed = frames.length > 0 ? ` frame-src ${frames.join(' ')};` : '';
  return {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    pragma: 'no-cache',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'content-security-policy': `default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self';${scripts}${framed} base-uri 'none'; form-action ${targets}; frame-ancestors ${ancestors}`,
    ...(frameAncestors.length > 0 ? {} : { 'x-frame-options': 'DENY' }),
  };
}

/** Tells the person, who must not or cannot be sent back to the app; the words are the skin's. */
export function sendErrorPage(
  engine: Engine,
  context: TenantRequest,
  code: ErrorCode,
  options: { readonly status?: number; readonly detail?: string; readonly uiLocales?: string } = {},
): FastifyReply {
  const { status = 400, detail, ...rest } = options;
  noteRefusal(context.request, code);
  const view = { code, ...(detail === undefined ? {} : { detail }), reference: context.request.id };
  return sendPage(engine, context, 'error', view, { status, ...rest });
}

/**
 * What `form-action` must name for a form whose answer leads away to these addresses. Browsers hold every redirect
 * after a form against it, also those that an app or a provider adds, and where these lead is not known here: so it
 * names how they are reached, and not where.
 */
export function formTargetsOf(uris: readonly string[]): readonly string[] {
  return [...new Set(uris.flatMap((uri) => ['https:', new URL(uri).protocol]))];
}

/** Where people are sent to at a provider, as far as it is known before anybody asked it. */
export function addressOf({ issuer, saml }: Provider): string {
  return saml?.entryPoint ?? issuer;
}

/** An OAuth error as JSON (RFC 6749 section 5.2). */
export function sendOAuthError(
  reply: FastifyReply,
  error: {
    readonly error: string;
    readonly description: string;
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
  },
): FastifyReply {
  noteRefusal(reply.request, error.error);
  return noStore(reply)
    .code(error.status ?? 400)
    .headers(error.headers ?? {})
    .send({ error: error.error, error_description: sanitizeDescription(error.description) });
}

export function noStore(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store').header('pragma', 'no-cache');
}

export function isOAuthError(value: unknown): value is OAuthError {
  return typeof value === 'object' && value !== null && 'error' in value && 'status' in value;
}

const sessionCookie = 'sallyport_session';
const browserCookie = 'sallyport_browser';
const deviceCookie = 'sallyport_device';
const samlLogOutCookie = 'sallyport_saml_logout';

export function cookieOptions(tenant: Tenant) {
  const issuer = new URL(tenant.issuer);
  return {
    path: issuer.pathname === '/' ? '/' : issuer.pathname,
    httpOnly: true,
    secure: issuer.protocol === 'https:',
    sameSite: tenant.frameAncestors.length > 0 && issuer.protocol === 'https:' ? 'none' : 'lax',
  } as const;
}

export function sessionOf(request: FastifyRequest): string | undefined {
  return request.cookies[sessionCookie];
}

export function setSession({ tenant, reply }: TenantRequest, sessionId: string): void {
  reply.setCookie(sessionCookie, sessionId, cookieOptions(tenant));
}

export function clearSession({ tenant, reply }: TenantRequest): void {
  reply.clearCookie(sessionCookie, cookieOptions(tenant));
}

/** What the browser keeps, encrypted, of the log-out at a SAML provider that it was sent to. */
export function samlLogOutOf(request: FastifyRequest): string | undefined {
  return request.cookies[samlLogOutCookie];
}

export function setSamlLogOut({ tenant, reply }: TenantRequest, kept: string): void {
  reply.setCookie(samlLogOutCookie, kept, cookieOptions(tenant));
}

export function clearSamlLogOut({ tenant, reply }: TenantRequest): void {
  reply.clearCookie(samlLogOutCookie, cookieOptions(tenant));
}

/** The value by which the device is remembered, see `secondFactor.rememberDays`. */
export function deviceTokenOf(request: FastifyRequest): string | undefined {
  return request.cookies[deviceCookie];
}

export function setDeviceToken({ tenant, reply }: TenantRequest, token: string): void {
  const maxAge = tenant.secondFactor.rememberDays * 86_400;
  reply.setCookie(deviceCookie, token, { ...cookieOptions(tenant), maxAge });
}

/** The value that binds flows to this browser; made on the first visit. */
export function browserOf(context: TenantRequest): string {
  const known = context.request.cookies[browserCookie];
  if (known && /^[A-Za-z0-9_-]{43}$/.test(known)) return known;
  const fresh = context.ports.newHandle();
  context.reply.setCookie(browserCookie, fresh, cookieOptions(context.tenant));
  return fresh;
}

export function knownBrowserOf(request: FastifyRequest): string | undefined {
  return request.cookies[browserCookie];
}

/** Everything after the first question mark; there may be more of them within the query (RFC 3986 section 3.4). */
export function queryOf(request: FastifyRequest): string {
  const url = request.raw.url ?? '';
  const mark = url.indexOf('?');
  return mark < 0 ? '' : url.slice(mark + 1);
}

/** Reads a form body that the server keeps as text, so that repeated parameters are seen. */
export function formOf(request: FastifyRequest): string | undefined {
  return typeof request.body === 'string' ? request.body : undefined;
}
