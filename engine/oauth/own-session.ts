/** The session a person's browser shows, on the pages of the person's own: whose it is and how it ends. */
import type { FastifyReply } from 'fastify';
import { revokeAtProvider } from '../flow/step/provider-session.ts';
import { whatIsMissing } from '../flow/step/second-factor.ts';
import { sidOf } from '../identity/session-id.ts';
import { nothingProved } from '../identity/strength.ts';
import type { UserSessionModel } from '../script/model.ts';
import type { SessionApp, StoredSession } from '../store/store.ts';
import type { Client } from '../tenant/tenant.ts';
import { clearSession, type Engine, noStore, sendPage, sessionOf, setSamlLogOut, type TenantRequest } from './http.ts';

/** Seconds that frames of the log-out page have before the person goes on. */
const framesHave = 3;

export async function currentSession(context: TenantRequest): Promise<StoredSession | undefined> {
  const id = sessionOf(context.request);
  return id === undefined
    ? undefined
    : context.ports.store.sessions.find(context.tenant.id, context.ports.hash(id), context.ports.now());
}

/** What CSRF tokens of the person's own pages are bound to. */
export function sessionBinding(context: TenantRequest): string {
  return `${context.tenant.id}:session:${sessionOf(context.request) ?? ''}`;
}

export function personOf(session: StoredSession): UserSessionModel {
  return session.details as unknown as UserSessionModel;
}

export function nameOf(session: StoredSession): string {
  const person = personOf(session);
  return [person.givenName, person.familyName].filter(Boolean).join(' ') || person.username;
}

const ownPages = ['manage', 'links', 'password', 'security'] as const;

/** A page of the person's own, at `{issuer}/session/…`. */
export type OwnPage = (typeof ownPages)[number];

export function isOwnPage(value: unknown): value is OwnPage {
  return ownPages.some((page) => page === value);
}

/** What the session lacks to show or change anything of the person's account. */
export function whatSessionLacks(
  { ports }: Pick<TenantRequest, 'ports'>,
  session: StoredSession,
): Promise<'code' | 'enrolment' | undefined> {
  const who = { userId: session.userId, session: personOf(session), proof: session.proof ?? nothingProved };
  return whatIsMissing(who, ports, { purpose: 'account' });
}

/**
 * Every page and form of the person's own begins with this: a session that proved less than its person has to by now may
 * neither see nor change anything there, or a password alone would do to get around the second factor.
 * @returns whether the browser was answered, and led to where the rest is proved. No reply, for awaiting one waits until
 *   it is sent, and answers nothing.
 */
export async function leadToProof(context: TenantRequest, session: StoredSession, page: OwnPage): Promise<boolean> {
  const { tenant, reply } = context;
  const missing = await whatSessionLacks(context, session);
  if (missing === undefined || (missing === 'enrolment' && page === 'security')) return false;
  const path = missing === 'code' ? `second-factor?next=${page}` : 'security';
  noStore(reply).redirect(`${tenant.issuer}/session/${path}`, 303);
  return true;
}

/** Where the person goes after log-out: to an address that the app which asked registered, or back to a provider. */
export interface WhereNext {
  readonly name: string;
  readonly uri: string;
}

/**
 * Ends the browser's session, where there is one, and answers the browser: with the log-out page where apps are to be
 * told in frames of it or nothing comes next, else with a redirect: to the provider the session began at, where that is
 * wanted, or to the app.
 * @param clientId the app that asked for it.
 */
export async function logOut(
  engine: Engine,
  context: TenantRequest,
  session: StoredSession | undefined,
  { clientId, next }: { readonly clientId?: string | undefined; readonly next?: WhereNext | undefined } = {},
): Promise<FastifyReply> {
  const { tenant, ports } = context;
  const away = session && (await leaveProvider(context, session, next?.uri));
  const apps = session && (await ports.store.sessions.end(tenant.id, session.idHash, ports.now()));
  if (session && apps) {
    ports.notifyApps();
    ports.audit({
      tenantId: tenant.id,
      at: ports.now(),
      type: 'logout',
      outcome: 'success',
      userId: session.userId,
      ...(clientId ? { clientId } : {}),
    });
  }
  clearSession(context);
  if (away?.kept !== undefined) setSamlLogOut(context, away.kept);
  const onward = away ? { name: next?.name ?? tenant.name, uri: away.url } : next;
  return sendLoggedOut(engine, context, session && { idHash: session.idHash, apps: apps ?? [] }, onward);
}

/**
 * Answers the browser whose session ended: with the log-out page where apps are to be told in frames of it or nothing
 * comes next, else with a redirect.
 */
export async function sendLoggedOut(
  engine: Engine,
  context: TenantRequest,
  ended: { readonly idHash: string; readonly apps: readonly SessionApp[] } | undefined,
  onward: WhereNext | undefined,
): Promise<FastifyReply> {
  const { tenant, ports, reply } = context;
  const clients = await Promise.all((ended?.apps ?? []).map((app) => ports.client(app.clientId)));
  const frames = ended ? clients.flatMap((client) => frameOf(client, tenant.issuer, sidOf(ended.idHash))) : [];
  if (onward !== undefined && frames.length === 0)
    return noStore(reply).header('referrer-policy', 'no-referrer').redirect(onward.uri, 303);
  if (onward !== undefined) reply.header('refresh', `${framesHave};url=${onward.uri}`);
  return sendPage(
    engine,
    context,
    'loggedOut',
    { frames, ...(onward === undefined ? {} : { next: onward.uri, nextName: onward.name }) },
    { frames: [...new Set(frames.map(({ src }) => new URL(src).origin))] },
  );
}

/** What the policy of a page must allow whose form may end the session: providers where people log out as well. */
export async function providerTargets({ ports }: TenantRequest): Promise<readonly string[]> {
  return (await ports.providers())
    .filter(({ endSession }) => endSession)
    .map(({ issuer, saml }) => saml?.logoutUrl ?? issuer);
}

/** Revokes what the session kept of its provider, and answers where the person logs out there, if that is wanted. */
async function leaveProvider(
  { tenant, ports }: TenantRequest,
  session: StoredSession,
  onward: string | undefined,
): Promise<{ readonly url: string; readonly kept?: string } | undefined> {
  const kept = await ports.store.providerSessions.take(tenant.id, session.idHash);
  if (!kept) return undefined;
  await revokeAtProvider(kept, ports);
  const provider = await ports.provider(kept.provider);
  return (
    provider &&
    ports.federation.endSessionUrl({
      tenant,
      provider,
      tokens: kept.sealed,
      backTo: `${tenant.issuer}/session/ended`,
      ...(onward === undefined ? {} : { onward }),
      now: ports.now(),
    })
  );
}

/** OpenID Connect Front-Channel Logout 1.0 section 3: the app's address with `iss` and `sid`; its own query is kept. */
function frameOf(client: Client | undefined, issuer: string, sid: string) {
  const uri = client?.enabled ? client.frontchannelLogoutUri : undefined;
  if (client === undefined || uri === undefined) return [];
  const query = new URLSearchParams({ iss: issuer, sid });
  return [{ src: `${uri}${uri.includes('?') ? '&' : '?'}${query}`, name: client.clientName }];
}
