/** Makes calls of the admin API: may the caller, is the body right, what changed. HTTP and the simulator's page ask here alike. */
import { KeyError } from '../key/error.ts';
import { StoreError } from '../store/error.ts';
import type { AdminToken, AuditEvent } from '../store/store.ts';
import { invalid, notFound, refuse } from './problem.ts';
import { permits } from './role.ts';
import type { AdminRequest, Result, Route, Services } from './route.ts';
import { routes } from './routes.ts';
import { checkBody, checkQuery } from './validate-body.ts';

/** The audit trail's tenant for what is not of one tenant. */
export const wholeServer = '*';

/** What a call is given; nothing of it is believed. */
export interface Asked {
  readonly parameters?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** The admin API for the server's own pages: the same permissions, the same audit trail. */
export interface AdminCalls {
  /**
   * @param name of the route, as `listTraces`.
   * @param actor whose token it is; a call without one is refused.
   */
  call(name: string, actor: AdminToken | undefined, asked: Asked): Promise<Result>;
}

export function createAdminCalls(services: Services): AdminCalls {
  return {
    async call(name, actor, asked) {
      const route = routes.find((each) => each.name === name);
      if (!route) throw new Error(`the admin API has no call ${name}`);
      return perform(route, actor, asked, services);
    },
  };
}

/** Refuses, or runs the route; refusals of a person and changes are in the audit trail before the answer. */
export async function perform(
  route: Route,
  actor: AdminToken | undefined,
  { parameters = {}, query = {}, body = {} }: Asked,
  services: Services,
): Promise<Result> {
  const tenantId = 'serverWide' in route ? wholeServer : (parameters['tenant'] ?? '');
  const result = actor
    ? await attempt(route, { parameters: { ...parameters }, query: { ...query }, body, actor }, services)
    : refuse(401, 'token-unknown', 'A valid token of the admin API is needed.', {
        hint: 'Send it as Authorization: Bearer.',
      });
  if ('problem' in result && (result.problem.status === 401 || result.problem.status === 403)) {
    await services.store.audit.record({
      tenantId,
      at: services.now(),
      type: `admin.refused`,
      outcome: 'failure',
      reason: result.problem.code,
      details: { call: route.name, ...(actor ? describe(actor) : {}) },
    });
  }
  if (!('problem' in result) && result.change && actor) {
    const { type, details, ...who } = result.change;
    // Before the answer: a change that is not in the trail must not look done.
    const event: AuditEvent = {
      tenantId,
      at: services.now(),
      type: `admin.${type}`,
      outcome: 'success',
      ...who,
      details: { ...details, ...describe(actor) },
    };
    await services.store.audit.record(event);
    services.noteChange(event);
  }
  return result;
}

function describe({ id, name, role }: AdminToken) {
  return { by: { id, name, role } };
}

async function attempt(route: Route, request: AdminRequest, services: Services): Promise<Result> {
  const { actor, parameters, query } = request;
  if (!permits(actor.role, route.permission))
    return refuse(403, 'role', `The role ${actor.role} may not do this.`, { hint: 'Use a token of another role.' });
  const tenant = 'serverWide' in route ? undefined : services.directory.byId(parameters['tenant'] ?? '');
  if (!('serverWide' in route)) {
    // Told apart neither by status nor by text: another tenant's existence is none of this token's business.
    if (!tenant || (actor.tenants && !actor.tenants.includes(tenant.id))) return unknownTenant(parameters, actor);
  }
  const problems = [...checkQuery(route, query), ...(route.body ? checkBody(route.body, request.body) : [])];
  if (problems.length > 0) return invalid(problems);
  try {
    if ('serverWide' in route) return await route.run(request, services);
    if (!tenant) return unknownTenant(parameters, actor);
    return await route.run({ ...request, tenant }, services);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'conflict') return refuse(409, 'conflict', error.message);
    if (error instanceof KeyError && error.code !== 'master-key-wrong')
      return refuse(
        error.code === 'key-missing' ? 404 : error.code === 'key-configured' ? 409 : 400,
        error.code,
        error.message,
        error.hint ? { hint: error.hint } : {},
      );
    throw error;
  }
}

function unknownTenant(parameters: Readonly<Record<string, string>>, actor: AdminToken) {
  const id = parameters['tenant'] ?? '';
  return actor.tenants
    ? refuse(403, 'tenant', `This token is not for the tenant ${JSON.stringify(id)}.`)
    : notFound('tenant', id);
}
