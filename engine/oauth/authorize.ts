/** The authorization endpoint and the pages of a flow that waits for a person or a provider. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { accountLink } from '../flow/account-link.ts';
import { interactive } from '../flow/interactive.ts';
import { type Facts, resumeFlow, startFlow, type FlowResult } from '../flow/machine.ts';
import type { AuthorizationRequest } from '../flow/facts.ts';
import type { Rejection } from '../flow/table.ts';
import type { Ports } from '../flow/ports.ts';
import type { StoredFlow } from '../store/store.ts';
import { checkCsrf, csrfToken } from '../identity/csrf.ts';
import { deviceOf } from '../identity/device.ts';
import { interactionPage } from '../page/interaction.ts';
import { type Again, keepAgain, takeAgain } from './again.ts';
import { authorizationAnswer } from './authorization-answer.ts';
import { atProvider, backFromProvider, settled } from './standing.ts';
import {
  addressOf,
  browserOf,
  deviceTokenOf,
  type Engine,
  formOf,
  formTargetsOf,
  knownBrowserOf,
  noStore,
  queryOf,
  sendErrorPage,
  sendPage,
  sessionOf,
  setDeviceToken,
  setSession,
  type TenantRequest,
} from './http.ts';
import { finishLink } from './links.ts';
import { readIdTokenHint } from './id-token-hint.ts';
import { readParameters, readReplyParameters } from './parameters.ts';
import { isInTrail } from './refusals.ts';

/** A query longer than this is not turned from POST into GET. */
const longestQuery = 6000;

export function authorizeRoutes(
  server: FastifyInstance,
  engine: Engine,
  contextOf: (request: TenantRequest['request'], reply: FastifyReply) => TenantRequest,
): void {
  server.route({
    method: ['GET', 'POST'],
    url: '/oauth/authorize',
    // It would start a flow that nobody sees the page of.
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const context = contextOf(request, reply);
      const text = request.method === 'GET' ? queryOf(request) : formOf(request);
      if (text === undefined)
        return sendErrorPage(engine, context, 'request-malformed', {
          detail: 'Use GET or application/x-www-form-urlencoded.',
        });
      const read = readParameters(text);
      // A cross-site POST comes without cookies; the redirect to GET brings the person's session back in.
      const query = request.method === 'POST' && read.ok ? new URLSearchParams([...read.parameters]).toString() : '';
      if (query !== '' && query.length <= longestQuery)
        return noStore(reply).redirect(`${context.tenant.issuer}/oauth/authorize?${query}`, 303);
      const browser = browserOf(context);
      const session = sessionOf(request);
      const remembered = deviceTokenOf(request);
      const result = await startFlow(
        interactive,
        {
          request: {
            ...(await requested(context, read, text)),
            remoteAddress: request.ip,
            browserHash: context.ports.hash(browser),
            ...(session ? { sessionIdHash: context.ports.hash(session) } : {}),
            ...(remembered ? { rememberedHash: context.ports.hash(remembered) } : {}),
            challenge: context.ports.newHandle(),
            device: deviceOf(request.headers['user-agent']),
          },
        },
        context.ports,
      );
      return answer(engine, context, result);
    },
  });

  server.get<{ Params: { flow: string }; Querystring: { search?: unknown; page?: unknown } }>(
    '/login/:flow',
    async (request, reply) => {
      const context = contextOf(request, reply);
      const flow = await boundFlow(context, request.params.flow);
      if (!flow) return sendErrorPage(engine, context, 'flow-gone');
      const { search, page } = request.query;
      const asked = {
        ...(typeof search === 'string' ? { search } : {}),
        ...(typeof page === 'string' ? { page } : {}),
      };
      return standing(engine, context, flow, Object.keys(asked).length > 0 ? { view: asked } : undefined);
    },
  );

  server.post<{ Params: { flow: string }; Querystring: { at?: string } }>('/login/:flow', async (request, reply) => {
    const context = contextOf(request, reply);
    const { ports } = context;
    const bound = await boundFlow(context, request.params.flow);
    const read = readForm(formOf(request) ?? '');
    if (!bound) return sendErrorPage(engine, context, 'flow-gone');
    if (!checkCsrf(engine.csrfSecret, binding(context, bound.id), String(read['csrf'] ?? '')))
      return sendErrorPage(engine, context, 'form-foreign', { status: 403, ...languageOf(bound) });
    const at = String(request.query.at ?? '');
    let flow = await backFromProvider(bound, ports);
    let result = await resumeFlow(interactive, flow, at, read, ports);
    if (result.kind === 'stale' && read['provider'] !== undefined) {
      // Chosen twice at once: only the answer to the second reaches the person, so it must lead to the provider as well.
      flow = await backFromProvider((await settled(flow.id, ports)) ?? flow, ports);
      result = await resumeFlow(interactive, flow, at, read, ports);
    }
    if (result.kind === 'expired') return standing(engine, context, flow);
    if (result.kind === 'stale') return answerAgain(engine, context, flow);
    if (result.kind !== 'again') return answer(engine, context, result);
    keepAgain(context, flow.id, result);
    return noStore(reply).redirect(`${context.tenant.issuer}/login/${flow.id}`, 303);
  });

  // Not by HEAD, of which nobody sees the page and which would use the answer up.
  const seen = { exposeHeadRoute: false };
  server.get<{ Params: { provider: string } }>('/federation/callback/:provider', seen, async (request, reply) => {
    const context = contextOf(request, reply);
    const { tenant, ports } = context;
    const query = queryOf(request);
    const state = new URLSearchParams(query).get('state') ?? '';
    const flow = await ports.store.flows.findByHandle(tenant.id, 'federation', ports.hash(state));
    if (!flow || !isBound(context, flow)) return sendErrorPage(engine, context, 'flow-gone');
    const currentUrl = `${tenant.issuer}/federation/callback/${encodeURIComponent(request.params.provider)}?${query}`;
    if (flow.flow === accountLink.name) return finishLink(context, flow, currentUrl);
    // The answer to an earlier attempt: the person went back since and chose anew.
    if (!atProvider(flow, state)) return answerAgain(engine, context, flow);
    const result = await resumeFlow(interactive, flow, flow.state, { currentUrl }, ports);
    if (result.kind === 'expired' || result.kind === 'again') return standing(engine, context, flow);
    return result.kind === 'stale' ? answerAgain(engine, context, flow) : answer(engine, context, result);
  });
}

/** The request as the flow takes it: a malformed one with no more than what says where its error belongs. */
async function requested(
  context: TenantRequest,
  read: ReturnType<typeof readParameters>,
  text: string,
): Promise<Pick<AuthorizationRequest, 'parameters' | 'malformed' | 'hintedUsername'>> {
  if (!read.ok) return { parameters: Object.fromEntries(readReplyParameters(text)), malformed: read.error.description };
  // The hint is a token, so the flow keeps only whom it names.
  const { id_token_hint: token, ...parameters } = Object.fromEntries(read.parameters);
  if (token === undefined) return { parameters };
  const hint = await readIdTokenHint(context, token);
  return hint
    ? { parameters, hintedUsername: hint.username }
    : { parameters, malformed: 'id_token_hint is not an ID token of this server' };
}

/** Turns where a flow stands into what the browser does next. 303, never 307, after credentials (RFC 9700 section 4.12). */
async function answer(engine: Engine, context: TenantRequest, result: FlowResult): Promise<FastifyReply> {
  const { tenant, reply } = context;
  const sessionId = result.reveal['sessionId'];
  if (typeof sessionId === 'string') await replaceSession(context, sessionId);
  const deviceToken = result.reveal['deviceToken'];
  if (typeof deviceToken === 'string') setDeviceToken(context, deviceToken);
  noStore(reply).header('referrer-policy', 'no-referrer');
  isInTrail(context.request);
  const next = authorizationAnswer(tenant, result);
  if (next.kind === 'redirect') return reply.redirect(next.to, 303);
  const { kind: _kind, code, ...shown } = next;
  return sendErrorPage(engine, context, code, { ...shown, ...languageOf(result) });
}

/** Gives the browser its new session. One it had, and that the flow did not know of, would be out of the person's reach. */
async function replaceSession(context: TenantRequest, sessionId: string): Promise<void> {
  const { tenant, ports, request } = context;
  const before = sessionOf(request);
  if (before !== undefined && (await ports.store.sessions.end(tenant.id, ports.hash(before), ports.now())))
    ports.notifyApps();
  setSession(context, sessionId);
}

/** A form sent twice, or from an old page: the answer is that of the first, or where the flow stands since. */
async function answerAgain(engine: Engine, context: TenantRequest, before: StoredFlow): Promise<FastifyReply> {
  const flow = await settled(before.id, context.ports);
  if (flow?.state === 'code' && flow.expiresAt > context.ports.now()) return reissueCode(engine, context, flow);
  const facts = flow?.facts as (Facts & { rejection?: Rejection }) | undefined;
  if (flow?.state === 'rejected' && facts?.rejection)
    return answer(engine, context, {
      kind: 'rejected',
      flowId: flow.id,
      facts,
      reveal: {},
      rejection: facts.rejection,
    });
  return noStore(context.reply).redirect(`${context.tenant.issuer}/login/${before.id}`, 303);
}

/** The first answer was lost to the browser, so the same flow gets another name for its one code. */
async function reissueCode(engine: Engine, context: TenantRequest, flow: StoredFlow): Promise<FastifyReply> {
  const { ports } = context;
  const code = ports.newHandle();
  const stored = await ports.store.flows.advance({ ...flow, revision: flow.revision + 1 }, flow.revision, [
    { kind: 'code', hash: ports.hash(code) },
  ]);
  if (!stored) return sendErrorPage(engine, context, 'flow-finished', { status: 200, ...languageOf(flow) });
  const facts = flow.facts as Facts;
  return answer(engine, context, {
    kind: 'waiting',
    state: 'code',
    waitsFor: 'app',
    flowId: flow.id,
    facts,
    reveal: { code },
  });
}

/** The flow of this browser, whatever its state. */
export async function boundFlow(context: TenantRequest, id: string): Promise<StoredFlow | undefined> {
  if (!/^[A-Za-z0-9_-]{43}$/.test(id)) return undefined;
  const flow = await context.ports.store.flows.find(context.tenant.id, id);
  return flow && isBound(context, flow) ? flow : undefined;
}

function isBound({ request, ports }: { request: TenantRequest['request']; ports: Ports }, flow: StoredFlow): boolean {
  const browser = knownBrowserOf(request);
  const facts = flow.facts as { request?: { browserHash?: string } };
  return browser !== undefined && facts.request?.browserHash === ports.hash(browser);
}

function binding(context: TenantRequest, flowId: string): string {
  return `${context.tenant.id}:${flowId}:${knownBrowserOf(context.request) ?? ''}`;
}

function languageOf({ facts }: Pick<StoredFlow, 'facts'>): { readonly uiLocales?: string } {
  const uiLocales = (facts as { request?: AuthorizationRequest }).request?.parameters['ui_locales'];
  return uiLocales ? { uiLocales } : {};
}

/** Shows a person where their flow stands, from whichever old page or link they come. */
async function standing(
  engine: Engine,
  context: TenantRequest,
  before: StoredFlow,
  search?: Again,
): Promise<FastifyReply> {
  const { tenant, ports } = context;
  const flow = (await settled(before.id, ports)) ?? before;
  // Who comes back from a provider may choose another way; the form leads back to that choice.
  const state = atProvider(flow) ? 'login' : flow.state;
  const form = {
    csrf: csrfToken(engine.csrfSecret, binding(context, flow.id)),
    action: `${tenant.issuer}/login/${flow.id}?at=${encodeURIComponent(state)}`,
  };
  const page = await interactionPage({ ...flow, state }, form, search ?? takeAgain(context, flow.id), ports);
  if (!page) return sendErrorPage(engine, context, 'flow-finished', { status: 200, ...languageOf(flow) });
  if (flow.expiresAt <= ports.now())
    return sendErrorPage(engine, context, 'flow-expired', { status: 410, ...languageOf(flow) });
  const { replyTo } = flow.facts as { replyTo?: { redirectUri: string } };
  const issuers = (await ports.providers()).map(addressOf);
  return sendPage(engine, context, page.name, page.view as never, {
    formTargets: formTargetsOf([...issuers, ...(replyTo ? [replyTo.redirectUri] : [])]),
    ...(page.script === undefined ? {} : { script: page.script }),
    ...languageOf(flow),
  });
}

/** A page's form: single values, except `scope`, of which there may be many. */
function readForm(text: string): Record<string, unknown> {
  const parameters = new URLSearchParams(text.slice(0, 65_536));
  const form: Record<string, unknown> = {};
  for (const name of new Set(parameters.keys()))
    form[name] = name === 'scope' ? parameters.getAll(name) : (parameters.get(name) ?? '');
  return form;
}
