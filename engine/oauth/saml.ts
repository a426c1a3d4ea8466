/** A tenant's side of SAML providers: what they are told of it, and the address they post their answers to. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { LinkPending } from '../flow/facts.ts';
import { federationRedirectUri } from '../flow/step/provider-answer.ts';
import { type Engine, formOf, noStore, sendErrorPage, sendOAuthError, type TenantRequest } from './http.ts';
import { readParameters } from './parameters.ts';

/** Where flows wait for a provider. */
const waits: ReadonlySet<string> = new Set(['at the provider', 'at the linked provider']);

export function samlRoutes(
  server: FastifyInstance,
  engine: Engine,
  contextOf: (request: TenantRequest['request'], reply: FastifyReply) => TenantRequest,
): void {
  server.get<{ Params: { provider: string } }>('/federation/saml/:provider/metadata', async (request, reply) => {
    const { tenant, ports } = contextOf(request, reply);
    const provider = await ports.provider(request.params.provider);
    const metadata = provider && ports.federation.samlMetadata({ tenant, provider });
    if (metadata === undefined)
      return sendOAuthError(reply, { error: 'not_found', description: 'There is no such SAML provider', status: 404 });
    return reply.header('content-type', 'application/samlmetadata+xml; charset=utf-8').send(metadata);
  });

  // The post comes from another site, and so without the cookie that binds the flow to its browser. The answer is verified
  // here, waits with the flow, and is given to the browser that comes for it with both the handle and the cookie.
  server.post<{ Params: { provider: string } }>('/federation/saml/:provider/acs', async (request, reply) => {
    const context = contextOf(request, reply);
    const { tenant, ports } = context;
    const read = readParameters(formOf(request) ?? '');
    const form = read.ok ? read.parameters : new Map<string, string>();
    const relayState = form.get('RelayState') ?? '';
    const provider = await ports.provider(request.params.provider);
    const flow = await ports.store.flows.findByHandle(tenant.id, 'federation', ports.hash(relayState));
    const facts = flow?.facts as LinkPending | undefined;
    // An answer that nobody asked for, or that was asked for elsewhere or long ago.
    if (
      !provider?.saml ||
      !flow ||
      !facts ||
      !waits.has(flow.state) ||
      flow.expiresAt <= ports.now() ||
      facts.providerId !== provider.id ||
      facts.pending.state !== relayState ||
      facts.samlAnswer !== undefined
    )
      return sendErrorPage(engine, context, 'flow-gone');
    const answer = await ports.federation.readSaml({
      tenant,
      provider,
      response: form.get('SAMLResponse') ?? '',
      requestId: facts.pending.nonce,
      now: ports.now(),
    });
    const handle = ports.newHandle();
    const stored = await ports.store.flows.advance(
      {
        ...flow,
        revision: flow.revision + 1,
        facts: { ...facts, samlAnswer: { handleHash: ports.hash(handle), answer } },
      },
      flow.revision,
    );
    if (!stored) return sendErrorPage(engine, context, 'flow-gone');
    const query = new URLSearchParams({ state: relayState, answer: handle });
    return noStore(reply)
      .header('referrer-policy', 'no-referrer')
      .redirect(`${federationRedirectUri(tenant.issuer, provider.id)}?${query}`, 303);
  });
}
