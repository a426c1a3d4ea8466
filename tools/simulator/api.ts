/** What the page asks of its server, whether that works on a folder or on the tenants of a running server. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { flowsOf, mayUse, simulatedFlows } from '../../engine/simulator/plan.ts';
import type { Json } from '../../engine/script/runner.ts';
import { scriptsOf } from '../../engine/tenant/scripts.ts';
import type { Tenant } from '../../engine/tenant/tenant.ts';
import type { Runs } from './runs.ts';
import { settingOf } from './setting.ts';
import type { Answer, Fault, ReplayAnswer, Setting, ShownTenant } from './shown.ts';
import { type Chosen, faultsOf, type Place, type Texts, type Workspace } from './workspace.ts';

export interface ApiParts {
  readonly runs: () => Runs;
  /** What who asks may work on. */
  readonly workspaceFor: (request: FastifyRequest) => Workspace;
  /** Whose runs are whose. */
  readonly ownerOf: (request: FastifyRequest) => string;
  readonly settingFor: (request: FastifyRequest) => Pick<Setting, 'csrf' | 'mayWrite'>;
  /** Lets something begin that takes the machine's time; a fault where it may not now. */
  readonly bounded: <Value>(request: FastifyRequest, action: () => Promise<Value>) => Promise<Value | Busy>;
}

type Faulty = Extract<Answer, { readonly kind: 'faults' }>;

/** Why nothing runs now. */
export interface Busy extends Fault {
  readonly status: 429;
}

/** Some scripts are long; nothing that a page sends is longer. */
export const longestBody = 4 * 1024 * 1024;

/** Registers all that both kinds of servers have, below `/api`. */
export function serveApi(server: FastifyInstance, parts: ApiParts): void {
  const { runs, workspaceFor, ownerOf, settingFor, bounded } = parts;
  const options = { bodyLimit: longestBody };

  const withTenant =
    <Result extends Answer | ReplayAnswer>(
      answer: (tenant: Tenant, body: Readonly<Record<string, unknown>>, owner: string) => Promise<Result>,
    ) =>
    async (request: FastifyRequest, reply: FastifyReply) =>
      busyOr(
        reply,
        await bounded(request, async (): Promise<Result | Faulty> => {
          const tenant = await tenantOf(request, workspaceFor(request));
          return 'id' in tenant
            ? answer(tenant, bodyOf(request), ownerOf(request))
            : { kind: 'faults', faults: tenant };
        }),
      );

  server.get('/api/setting', async (request) => {
    const { places, faults } = await workspaceFor(request).find();
    return {
      ...settingOf(),
      ...settingFor(request),
      tenants: places.map(({ id, name }) => ({ id, name })),
      faults,
    } satisfies Setting;
  });
  server.get('/api/tenants/:tenant', async (request, reply) => {
    const workspace = workspaceFor(request);
    const found = placeOf(request, workspace);
    if (!found) return refuse(reply, 404, 'There is no such tenant.');
    const chosen = chosenIn(request.query);
    const loaded = await workspace.load(found, {}, chosen);
    const script = await workspace.script(found, chosen);
    const faults = loaded.ok ? [] : faultsOf(loaded.problems);
    return {
      ...found,
      files: await workspace.files(found, chosen),
      cases: await workspace.cases(found),
      faults,
      ...(script ? { script } : {}),
      ...described(loaded.ok ? loaded.tenant : undefined),
    } satisfies ShownTenant;
  });
  server.post(
    '/api/tenants/:tenant/run',
    options,
    withTenant((tenant, { plan }) => runs().run(tenant, plan)),
  );
  server.post(
    '/api/tenants/:tenant/step',
    options,
    withTenant((tenant, { plan }, owner) => runs().step(tenant, plan, owner)),
  );
  server.post(
    '/api/tenants/:tenant/replay',
    options,
    withTenant((tenant, { trace }) => runs().replay(tenant, trace)),
  );
  server.post('/api/steps/:step', options, async (request, reply) => {
    const { input } = bodyOf(request);
    const answer = await bounded(request, () =>
      runs().goOn(stepOf(request), ownerOf(request), input as Json | undefined),
    );
    return answer === undefined ? refuse(reply, 404, 'This run is over.') : busyOr(reply, answer);
  });
  server.delete('/api/steps/:step', async (request, reply) => {
    runs().stop(stepOf(request), ownerOf(request));
    return reply.code(204).send();
  });
  server.post('/api/tenants/:tenant/check', options, async (request, reply) => {
    const workspace = workspaceFor(request);
    const found = placeOf(request, workspace);
    if (!found) return refuse(reply, 404, 'There is no such tenant.');
    const loaded = await workspace.load(found, textsIn(request.body), chosenIn(request.body));
    const checked = await bounded(request, async () => {
      // With the compiler of types, which no other server needs.
      const { checkScripts } = await import('./check-scripts.ts');
      return { faults: await checkScripts(loaded.ok ? scriptsOf(loaded.tenant) : loaded.scripts) };
    });
    return busyOr(reply, checked);
  });
}

/** The tenant as the editor has it, or why there is none. */
export async function tenantOf(request: FastifyRequest, workspace: Workspace): Promise<Tenant | readonly Fault[]> {
  const found = placeOf(request, workspace);
  if (!found) return [{ message: 'There is no such tenant.', hint: 'load the page again' }];
  const loaded = await workspace.load(found, textsIn(request.body), chosenIn(request.body));
  return loaded.ok ? loaded.tenant : faultsOf(loaded.problems);
}

export function placeOf({ params }: FastifyRequest, workspace: Workspace): Place | undefined {
  return workspace.placeOf((params as { readonly tenant?: string }).tenant ?? '');
}

export function refuse(reply: FastifyReply, status: number, message: string, hint = ''): FastifyReply {
  return reply.code(status).send({ message, hint } satisfies Fault);
}

export function busyOr<Value extends object>(reply: FastifyReply, answer: Value | Busy): Value | FastifyReply {
  return 'status' in answer && answer.status === 429
    ? refuse(reply.header('retry-after', '10'), 429, (answer as Busy).message, (answer as Busy).hint)
    : (answer as Value);
}

export function bodyOf({ body }: FastifyRequest): Readonly<Record<string, unknown>> {
  return typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {};
}

export function textsIn(body: unknown): Texts {
  const { texts } = (body ?? {}) as { readonly texts?: unknown };
  const entries = Object.entries(typeof texts === 'object' && texts !== null ? texts : {});
  return Object.fromEntries(entries.filter((each): each is [string, string] => typeof each[1] === 'string'));
}

/** Slot and version in a query or a body. */
export function chosenIn(given: unknown): Chosen {
  const { slot, version } = (given ?? {}) as { readonly slot?: unknown; readonly version?: unknown };
  return {
    ...(typeof slot === 'string' && slot !== '' ? { slot } : {}),
    ...(typeof version === 'string' && /^[0-9a-f]{6,64}$/.test(version) ? { version } : {}),
  };
}

function stepOf({ params }: FastifyRequest): string {
  return (params as { readonly step: string }).step;
}

/** What the controls offer. */
function described(tenant: Tenant | undefined): Pick<ShownTenant, 'flows' | 'clients' | 'users' | 'providers'> {
  if (!tenant) return { flows: [], clients: [], users: [], providers: [] };
  return {
    flows: flowsOf(tenant),
    clients: tenant.clients.map((client) => ({
      id: client.clientId,
      name: client.clientName,
      flows: simulatedFlows.filter((flow) => mayUse(flow, client)),
      scopes: client.scopes,
    })),
    users: tenant.users.map(({ username, givenName = '', familyName = '' }) => ({
      name: username,
      label: `${givenName} ${familyName}`.trim(),
    })),
    providers: tenant.providers.map(({ id }) => id),
  };
}
