/** Every request that an endpoint refuses is in the audit trail, also where no flow began (DESIGN section 16, item 10). */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { TenantRequest } from './http.ts';

const reasons = new WeakMap<FastifyRequest, string>();
const inTrail = new WeakSet<FastifyRequest>();

/** Says why a request is refused. @param reason a stable code, such as `invalid_client`. */
export function noteRefusal(request: FastifyRequest, reason: string): void {
  reasons.set(request, reason);
}

/** The flow, or the endpoint itself, told the trail more exactly what happened. */
export function isInTrail(request: FastifyRequest): void {
  inTrail.add(request);
}

/** Records what was refused and is not in the trail yet. Nothing that the request held is recorded. */
export function auditRefusals(
  server: FastifyInstance,
  contextOf: (request: FastifyRequest) => TenantRequest | undefined,
): void {
  server.addHook('onResponse', async (request, reply) => {
    const context = contextOf(request);
    const reason = reasons.get(request);
    if (!context || reason === undefined || inTrail.has(request)) return;
    const { ports, tenant } = context;
    ports.audit({
      tenantId: tenant.id,
      at: ports.now(),
      type: 'request.refused',
      outcome: 'failure',
      reason,
      details: {
        endpoint: (request.routeOptions.url ?? 'none').replace('/t/:tenant', ''),
        method: request.method,
        status: reply.statusCode,
      },
    });
  });
}
