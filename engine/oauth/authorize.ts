/** The authorization endpoint and the pages of a flow that waits for a person or a provider. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { interactive } from '../flow/interactive.ts';
import { resumeFlow, startFlow, type FlowResult } from '../flow/machine.ts';
import type { AuthorizationRequest } from '../flow/facts.ts';
import type { Ports } from '../flow/ports.ts';
import type { StoredFlow } from '../store/store.ts';
import { checkCsrf, csrfToken } from '../identity/csrf.ts';
import { interactionPage } from '../page/interaction.ts';
import {
  browserOf,
  type Engine,
  formOf,
  knownBrowserOf,
  noStore,
  queryOf,
  sendErrorPage,
  sendPage,
  sessionOf,
  setSession,
  type TenantRequest,
} from './http.ts';
import { readIdTokenHint } from './id-token-hint.ts';
import { readParameters, readReplyParameters } from './parameters.ts';
import { sanitizeDescription } from './oauth-error.ts';

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
        return sendErrorPage(engine, context, 'The app sent its request in a form this server does not read.', {
          hint: 'Use GET or application/x-www-form-urlencoded.',
        });
      const read = readParameters(text);
      // A cross-site POST comes without cookies; the redirect to GET brings the person's session back in.
      const query = request.method === 'POST' && read.ok ? new URLSearchParams([...read.parameters]).toString() : '';
      if (query !== '' && query.length <= longestQuery)
        return noStore(reply).redirect(`${context.tenant.issuer}/oauth/authorize?${query}`, 303);
      const browser = browserOf(context);
      const session = sessionOf(request);
      const result = await startFlow(
        interactive,
        {
          request: {
            ...(await requested(context, read, text)),
            remoteAddress: request.ip,
            browserHash: context.ports.hash(browser),
            ...(session ? { sessionIdHash: context.ports.hash(session) } : {}),
          },
        },
        context.ports,
      );
      return answer(engine, context, result);
    },
  });

  server.get<{ Params: { flow: string } }>('/login/:flow', async (request, reply) => {
    const context = contextOf(request, reply);
    const flow = await boundFlow(context, request.params.flow);
    if (!flow) return flowGone(engine, context);
    return showPage(engine, context, flow, {});
  });

  server.post<{ Params: { flow: string }; Querystring: { at?: string } }>('/login/:flow', async (request, reply) => {
    const context = contextOf(request, reply);
    const { ports } = context;
    const flow = await boundFlow(context, request.params.flow);
    const read = readForm(formOf(request) ?? '');
    if (!flow) return flowGone(engine, context);
    if (!checkCsrf(engine.csrfSecret, binding(context, flow.id), String(read['csrf'] ?? ''))) {
      return sendErrorPage(engine, context, 'The form was not sent from this page, or the page is too old.', {
        status: 403,
        hint: 'Go back to the app and start again.',
      });
    }
    const result = await resumeFlow(interactive, flow, String(request.query.at ?? ''), read, ports);
    if (result.kind === 'expired') return flowGone(engine, context);
    if (result.kind === 'again') return showPage(engine, context, flow, result);
    if (result.kind === 'stale')
      return result.state === 'code'
        ? reissueCode(engine, context, flow.id)
        : reply.redirect(`${context.tenant.issuer}/login/${flow.id}`, 303);
    return answer(engine, context, result);
  });

  server.get<{ Params: { provider: string } }>('/federation/callback/:provider', async (request, reply) => {
    const context = contextOf(request, reply);
    const { tenant, ports } = context;
    const query = queryOf(request);
    const state = new URLSearchParams(query).get('state') ?? '';
    const flow = await ports.store.flows.findByHandle(tenant.id, 'federation', ports.hash(state));
    if (!flow || !isBound(context, flow)) return flowGone(engine, context);
    const result = await resumeFlow(
      interactive,
      flow,
      'at the provider',
      { currentUrl: `${tenant.issuer}/federation/callback/${encodeURIComponent(request.params.provider)}?${query}` },
      ports,
    );
    if (result.kind === 'expired' || result.kind === 'again' || result.kind === 'stale')
      return flowGone(engine, context);
    return answer(engine, context, result);
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
function answer(engine: Engine, context: TenantRequest, result: FlowResult): FastifyReply {
  const { tenant, reply } = context;
  const sessionId = result.reveal['sessionId'];
  if (typeof sessionId === 'string') setSession(context, sessionId);
  const replyTo = result.facts['replyTo'] as { redirectUri: string; state?: string } | undefined;
  noStore(reply).header('referrer-policy', 'no-referrer');
  if (result.kind === 'rejected') {
    if (result.rejection.tell === 'person' || !replyTo)
      return sendErrorPage(engine, context, result.rejection.description, { status: result.rejection.status ?? 400 });
    return reply.redirect(
      responseUri(replyTo, {
        error: result.rejection.error,
        error_description: sanitizeDescription(result.rejection.description),
        iss: tenant.issuer,
      }),
      303,
    );
  }
  if (result.kind === 'waiting' && result.waitsFor === 'provider')
    return reply.redirect(String(result.reveal['providerUrl']), 303);
  if (result.kind === 'waiting' && result.waitsFor === 'app' && replyTo) {
    return reply.redirect(responseUri(replyTo, { code: String(result.reveal['code']), iss: tenant.issuer }), 303);
  }
  return reply.redirect(`${tenant.issuer}/login/${result.flowId}`, 303);
}

/** RFC 6749 section 4.1.2 with `iss` of RFC 9207; a query the app registered is kept. */
function responseUri(replyTo: { redirectUri: string; state?: string }, parameters: Record<string, string>): string {
  const query = new URLSearchParams({
    ...parameters,
    ...(replyTo.state === undefined ? {} : { state: replyTo.state }),
  });
  return `${replyTo.redirectUri}${replyTo.redirectUri.includes('?') ? '&' : '?'}${query}`;
}

/** A form sent twice: the first answer was lost to the browser, so the same flow gets another name for its one code. */
async function reissueCode(engine: Engine, context: TenantRequest, flowId: string): Promise<FastifyReply> {
  const { tenant, ports } = context;
  const flow = await ports.store.flows.find(tenant.id, flowId);
  if (flow?.state !== 'code' || flow.expiresAt <= ports.now()) return flowGone(engine, context);
  const code = ports.newHandle();
  const stored = await ports.store.flows.advance({ ...flow, revision: flow.revision + 1 }, flow.revision, [
    { kind: 'code', hash: ports.hash(code) },
  ]);
  if (!stored) return flowGone(engine, context);
  return answer(engine, context, {
    kind: 'waiting',
    state: 'code',
    waitsFor: 'app',
    flowId,
    facts: flow.facts as Record<string, unknown>,
    reveal: { code },
  });
}

async function boundFlow(context: TenantRequest, id: string): Promise<StoredFlow | undefined> {
  if (!/^[A-Za-z0-9_-]{43}$/.test(id)) return undefined;
  const flow = await context.ports.store.flows.find(context.tenant.id, id);
  return flow && flow.expiresAt > context.ports.now() && isBound(context, flow) ? flow : undefined;
}

function isBound({ request, ports }: { request: TenantRequest['request']; ports: Ports }, flow: StoredFlow): boolean {
  const browser = knownBrowserOf(request);
  const facts = flow.facts as { request?: { browserHash?: string } };
  return browser !== undefined && facts.request?.browserHash === ports.hash(browser);
}

function binding(context: TenantRequest, flowId: string): string {
  return `${context.tenant.id}:${flowId}:${knownBrowserOf(context.request) ?? ''}`;
}

function flowGone(engine: Engine, context: TenantRequest): FastifyReply {
  return sendErrorPage(
    engine,
    context,
    'This page belongs to a request that is finished, too old, or was started in another browser.',
    {
      status: 400,
      hint: 'Go back to the app and start again. Cookies must be allowed.',
    },
  );
}

async function showPage(
  engine: Engine,
  context: TenantRequest,
  flow: StoredFlow,
  again: { readonly error?: string; readonly view?: Readonly<Record<string, string>> },
): Promise<FastifyReply> {
  const { tenant, ports } = context;
  const form = {
    csrf: csrfToken(engine.csrfSecret, binding(context, flow.id)),
    action: `${tenant.issuer}/login/${flow.id}?at=${encodeURIComponent(flow.state)}`,
  };
  const page = await interactionPage(flow, form, again, ports);
  if (!page) return flowGone(engine, context);
  const facts = flow.facts as { replyTo?: { redirectUri: string }; request: { parameters: Record<string, string> } };
  const uiLocales = facts.request.parameters['ui_locales'];
  return sendPage(engine, context, page.name, page.view as never, {
    ...(again.error ? { status: 200 } : {}),
    formTargets: [...(await formTargets(ports)), ...(facts.replyTo ? [originOf(facts.replyTo.redirectUri)] : [])],
    ...(uiLocales ? { uiLocales } : {}),
  });
}

async function formTargets(ports: Ports): Promise<readonly string[]> {
  return (await ports.providers()).map((provider) => originOf(provider.issuer));
}

function originOf(uri: string): string {
  const url = new URL(uri);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.origin : url.protocol;
}

/** A page's form: single values, except `scope`, of which there may be many. */
function readForm(text: string): Record<string, unknown> {
  const parameters = new URLSearchParams(text.slice(0, 65_536));
  const form: Record<string, unknown> = {};
  for (const name of new Set(parameters.keys()))
    form[name] = name === 'scope' ? parameters.getAll(name) : (parameters.get(name) ?? '');
  return form;
}
