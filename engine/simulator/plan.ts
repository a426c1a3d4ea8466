/** What a simulated run is given, as a case says it, and what is assumed where it says nothing. */
import type { CaseCall } from '../script/case/document.ts';
import type { Json } from '../script/runner.ts';
import { didYouMean, escapePointer, problem, type Problem } from '../tenant/problem.ts';
import type { Client, GrantType, Provider, Tenant, User } from '../tenant/tenant.ts';
import { validateDocument } from '../tenant/validate.ts';
import { type Decision, decisionProblems } from './decisions.ts';

export const simulatedFlows = ['interactive', 'federated', 'client-credentials', 'backend-services', 'codap'] as const;

export type SimulatedFlow = (typeof simulatedFlows)[number];

/** Parameters of a request; null leaves one out. */
export type Parameters = Readonly<Record<string, string | null>>;

interface PlannedProvider {
  readonly id?: string;
  readonly subject?: string;
  readonly claims?: Readonly<Record<string, Json>>;
  readonly problem?: 'denied' | 'provider-error' | 'invalid-response' | 'unreachable';
}

/** As it is written, with the defaults of the schema filled in. */
export interface Plan {
  readonly flow: SimulatedFlow;
  readonly client?: string;
  readonly user?: string;
  readonly provider?: PlannedProvider;
  readonly scopes?: readonly string[];
  readonly launch?: string | Readonly<Record<string, Json>>;
  readonly request?: Parameters;
  readonly tokenRequest?: Parameters;
  /** Whether people have set up a second factor. */
  readonly secondFactor?: boolean;
  readonly credentials: 'right' | 'wrong';
  readonly authorization?: Readonly<Record<string, Json>>;
  readonly decisions: Readonly<Record<string, Decision | readonly Decision[]>>;
  readonly now: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly values?: Readonly<Record<string, Json>>;
  readonly calls: readonly CaseCall[];
}

/** A plan in which nothing is left open. */
export type CompletePlan = Omit<Plan, 'provider'> & {
  readonly client: string;
  readonly scopes: readonly string[];
  readonly user?: string;
  readonly provider?: PlannedProvider & Required<Pick<PlannedProvider, 'id' | 'subject' | 'claims'>>;
};

export type PlanResult =
  { readonly ok: true; readonly plan: CompletePlan } | { readonly ok: false; readonly problems: readonly Problem[] };

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

const grantOf: Readonly<Record<SimulatedFlow, GrantType>> = {
  interactive: 'authorization_code',
  federated: 'authorization_code',
  'client-credentials': 'client_credentials',
  'backend-services': 'client_credentials',
  codap: jwtBearer,
};

function signs({ tokenEndpointAuthMethods }: Client): boolean {
  return tokenEndpointAuthMethods.includes('private_key_jwt');
}

/** Whether an app is made for a flow. One that is not may be simulated all the same, to see how it is refused. */
export function mayUse(flow: SimulatedFlow, client: Client): boolean {
  const { enabled, grantTypes, tokenEndpointAuthMethods } = client;
  if (!enabled || !grantTypes.includes(grantOf[flow])) return false;
  if (flow === 'backend-services' || flow === 'codap') return signs(client);
  return flow !== 'client-credentials' || tokenEndpointAuthMethods.some((method) => method.startsWith('client_secret'));
}

/** Whether a person takes part in the flow. */
export function hasPerson(flow: SimulatedFlow): boolean {
  return flow === 'interactive' || flow === 'federated';
}

/** The flows that some app of the tenant may use, and somebody. */
export function flowsOf(tenant: Tenant): readonly SimulatedFlow[] {
  return simulatedFlows.filter(
    (flow) =>
      tenant.clients.some((client) => mayUse(flow, client)) &&
      (flow !== 'interactive' || tenant.users.length > 0) &&
      (flow !== 'federated' || tenant.providers.length > 0) &&
      (flow !== 'codap' || tenant.codap.enabled),
  );
}

/** What an app asks for where nobody says: everything it may have that fits together, and needs no FHIR server's answer. */
function scopesOf(flow: SimulatedFlow, client: Client, launching: boolean, { launch }: Tenant): readonly string[] {
  if (!hasPerson(flow)) return flow === 'codap' ? client.scopes : [];
  const { scopes } = client;
  const searched = launch.searches.map(({ resourceType }) => resourceType.toLowerCase());
  return scopes.filter(
    (scope) =>
      !(
        scope.startsWith('launch/') &&
        scope !== 'launch/patient' &&
        searched.includes(scope.slice('launch/'.length))
      ) &&
      (launching ? !scope.startsWith('launch/') : scope !== 'launch') &&
      !(scope === 'online_access' && scopes.includes('offline_access')) &&
      // The newer notation says the same.
      !(/^(patient|user|system)\/.+\.(read|write|\*)$/.test(scope) && scopes.some((each) => /\.[cruds]+$/.test(each))),
  );
}

/**
 * Checks a plan and fills in what it leaves open.
 * @param given as a person wrote it; it is not changed.
 * @param file what problems name as their place.
 */
export function readPlan(tenant: Tenant, given: unknown, file = 'plan'): PlanResult {
  const written: unknown = structuredClone(given);
  const [usual = 'interactive'] = flowsOf(tenant);
  const plan: unknown =
    typeof written === 'object' && written !== null && !('flow' in written) ? { ...written, flow: usual } : written;
  const document = { name: 'a plan', given: plan, expect: {} };
  const problems = validateDocument('flow-case', document, file);
  return problems.length > 0 ? { ok: false, problems } : completePlan(tenant, document.given as Plan, file);
}

/** The same of a plan whose shape is known to be right. */
export function completePlan(tenant: Tenant, plan: Plan, file = 'plan'): PlanResult {
  const problems: Problem[] = [...decisionProblems(plan.decisions, file)];
  const { flow } = plan;
  const absent = (name: string, expected: string, hint = '') =>
    void problems.push(problem('absent', file, `/given/${name}`, 'none', expected, hint));

  const client = tenant.clients.find(
    ({ clientId, ...rest }) =>
      plan.client === clientId || (plan.client === undefined && mayUse(flow, { clientId, ...rest })),
  );
  // An unknown app is a case worth trying where somebody named it.
  if (!client && plan.client === undefined)
    absent('client', `a client of the tenant that may use the flow ${flow}`, 'name one, to see how it is refused');
  const user = personOf(tenant, plan);
  if (flow === 'interactive' && user === undefined)
    absent('user', 'a user of the tenant', 'the tenant has none: name one');
  const provider = flow === 'federated' ? providerOf(tenant, plan) : undefined;
  if (flow === 'federated' && !provider)
    absent(
      'provider/id',
      'a provider of the tenant',
      didYouMean(
        plan.provider?.id ?? '',
        tenant.providers.map(({ id }) => id),
      ),
    );
  for (const name of Object.keys(plan.secrets ?? {}))
    if (!Object.hasOwn(tenant.secrets, name)) {
      const pointer = `/given/secrets/${escapePointer(name)}`;
      const hint = didYouMean(name, Object.keys(tenant.secrets));
      problems.push(problem('unknown', file, pointer, `"${name}"`, 'a secret of the tenant', hint));
    }
  if (problems.length > 0) return { ok: false, problems };
  const { provider: planned, ...rest } = plan;
  return {
    ok: true,
    plan: {
      ...rest,
      client: client?.clientId ?? plan.client ?? '',
      scopes: plan.scopes ?? (client ? scopesOf(flow, client, plan.launch !== undefined, tenant) : ['openid']),
      ...(flow === 'interactive' && user !== undefined ? { user } : {}),
      ...(provider ? { provider: { subject: 'a-person', claims: {}, ...planned, id: provider.id } } : {}),
    },
  };
}

function personOf({ users }: Tenant, { user }: Plan): string | undefined {
  return user ?? users.find(({ enabled }: User) => enabled)?.username;
}

function providerOf({ providers }: Tenant, { provider }: Plan): Provider | undefined {
  return provider?.id === undefined ? providers[0] : providers.find(({ id }) => id === provider.id);
}
