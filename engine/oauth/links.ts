/** The page where a person links accounts at foreign providers with their own, and takes the links away. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { accountLink } from '../flow/account-link.ts';
import { type FlowResult, resumeFlow, startFlow } from '../flow/machine.ts';
import { revokeAtProvider } from '../flow/step/provider-session.ts';
import { checkCsrf, csrfToken } from '../identity/csrf.ts';
import type { PageViews } from '../page/view.ts';
import type { StoredFlow, StoredSession } from '../store/store.ts';
import {
  addressOf,
  browserOf,
  type Engine,
  formOf,
  formTargetsOf,
  noStore,
  sendErrorPage,
  sendPage,
  sessionOf,
  type TenantRequest,
} from './http.ts';
import { readParameters } from './parameters.ts';
import { isInTrail } from './refusals.ts';
import { currentSession, leadToProof, nameOf, personOf, sessionBinding } from './own-session.ts';

type View = PageViews['links'];

export function linkRoutes(
  server: FastifyInstance,
  engine: Engine,
  contextOf: (request: TenantRequest['request'], reply: FastifyReply) => TenantRequest,
): void {
  server.get<{ Querystring: Record<string, unknown> }>('/session/links', async (request, reply) => {
    const context = contextOf(request, reply);
    const session = await currentSession(context);
    if (!session) return sendErrorPage(engine, context, 'nobody-logged-in', { status: 401 });
    if (await leadToProof(context, session, 'links')) return reply;
    const { done, problem } = request.query;
    return sendLinks(engine, context, session, {
      ...(done === 'linked' || done === 'unlinked' ? { done } : {}),
      ...(isProblem(problem) ? { error: problem } : {}),
    });
  });

  server.post('/session/links', async (request, reply) => {
    const context = contextOf(request, reply);
    const { tenant, ports } = context;
    const session = await currentSession(context);
    const read = readParameters(formOf(request) ?? '');
    const form = read.ok ? read.parameters : new Map<string, string>();
    if (!session || !checkCsrf(engine.csrfSecret, sessionBinding(context), form.get('csrf') ?? ''))
      return sendErrorPage(engine, context, 'form-foreign', { status: 403 });
    if (await leadToProof(context, session, 'links')) return reply;
    // A session that somebody found open must not become a way in for good.
    const proof = await ports.identity.authenticate({
      tenant,
      username: personOf(session).username,
      password: form.get('password') ?? '',
      remoteAddress: request.ip,
      localOnly: true,
    });
    if (!proof.ok || proof.user.id !== session.userId) {
      const error = proof.ok ? 'wrong-credentials' : proof.reason;
      ports.audit({
        tenantId: tenant.id,
        at: ports.now(),
        type: 'login',
        outcome: 'failure',
        userId: session.userId,
        reason: error,
      });
      return sendLinks(engine, context, session, { error });
    }
    const unlinked = form.get('unlink');
    if (unlinked !== undefined) {
      const gone = await unlink(context, session, unlinked);
      return back(context, gone ? { done: 'unlinked' } : {});
    }
    const providerId = form.get('link') ?? '';
    if (!(await ports.provider(providerId))) return back(context, {});
    const result = await startFlow(
      accountLink,
      {
        request: {
          remoteAddress: request.ip,
          browserHash: ports.hash(browserOf(context)),
          sessionIdHash: session.idHash,
        },
        userId: session.userId,
        providerId,
      },
      ports,
    );
    return answer(context, result);
  });
}

/** The provider's answer to a link that was asked for. The browser was found to be the one that asked. */
export async function finishLink(context: TenantRequest, flow: StoredFlow, currentUrl: string): Promise<FastifyReply> {
  const session = await currentSession(context);
  if (session && (await leadToProof(context, session, 'links'))) return context.reply;
  const input = { currentUrl, sessionIdHash: session?.idHash };
  const result = await resumeFlow(accountLink, flow, 'at the linked provider', input, context.ports);
  if (result.kind === 'expired' || result.kind === 'again' || result.kind === 'stale') return back(context, {});
  return answer(context, result);
}

function answer(context: TenantRequest, result: FlowResult): FastifyReply {
  isInTrail(context.request);
  if (result.kind === 'waiting')
    return noStore(context.reply)
      .header('referrer-policy', 'no-referrer')
      .redirect(String(result.reveal['providerUrl']), 303);
  return back(context, result.kind === 'done' ? { done: 'linked' } : { problem: problemOf(result.rejection.reason) });
}

const problems = ['wrong-credentials', 'try-later', 'account-taken', 'denied', 'unavailable', 'failed'] as const;

function isProblem(value: unknown): value is (typeof problems)[number] {
  return problems.some((known) => known === value);
}

function problemOf(reason: string): (typeof problems)[number] {
  if (reason === 'account-taken') return reason;
  if (reason === 'provider-denied') return 'denied';
  return reason === 'provider-unreachable' ? 'unavailable' : 'failed';
}

function back({ tenant, reply }: TenantRequest, query: Record<string, string>): FastifyReply {
  const text = new URLSearchParams(query).toString();
  return noStore(reply).redirect(`${tenant.issuer}/session/links${text && `?${text}`}`, 303);
}

/** Takes a link away, and ends what was begun with it: sessions here, refresh tokens there. */
async function unlink({ tenant, ports }: TenantRequest, session: StoredSession, provider: string): Promise<boolean> {
  const { store } = ports;
  if (!(await store.providerLinks.delete(tenant.id, session.userId, provider))) return false;
  for (const kept of await store.providerSessions.takeForUser(tenant.id, session.userId, provider)) {
    await revokeAtProvider(kept, ports);
    // The person is here and has just given their password.
    if (kept.sessionIdHash === session.idHash) continue;
    await store.sessions.end(tenant.id, kept.sessionIdHash, ports.now());
    ports.notifyApps();
  }
  ports.audit({
    tenantId: tenant.id,
    at: ports.now(),
    type: 'account.unlinked',
    outcome: 'success',
    userId: session.userId,
    details: { provider },
  });
  return true;
}

async function sendLinks(
  engine: Engine,
  context: TenantRequest,
  session: StoredSession,
  said: Pick<View, 'done' | 'error'>,
): Promise<FastifyReply> {
  const { tenant, ports, request } = context;
  const [user, links, providers] = await Promise.all([
    ports.user(session.userId),
    ports.store.providerLinks.listForUser(tenant.id, session.userId),
    ports.providers(),
  ]);
  if (!user || sessionOf(request) === undefined)
    return sendErrorPage(engine, context, 'nobody-logged-in', { status: 401 });
  const view: View = {
    csrf: csrfToken(engine.csrfSecret, sessionBinding(context)),
    action: `${tenant.issuer}/session/links`,
    personName: nameOf(session),
    manage: `${tenant.issuer}/session/manage`,
    mayLink: user.external === undefined,
    ...said,
    providers: providers.map(({ id, name }) => {
      const link = links.find(({ provider }) => provider === id);
      return {
        id,
        name,
        linked: link !== undefined,
        ...(link ? { since: new Date(link.linkedAt).toISOString().slice(0, 10) } : {}),
      };
    }),
  };
  return sendPage(engine, context, 'links', view, {
    formTargets: formTargetsOf(providers.map(addressOf)),
  });
}
