/** A tenant of its own for a spec, and runs of it. */
import { readPlan } from '../../engine/simulator/plan.ts';
import type { SimulatedHook, SimulatedRun } from '../../engine/simulator/run.ts';
import type { Simulator } from '../../engine/simulator/simulator.ts';
import { loadTenant } from '../../engine/tenant/load.ts';
import type { Tenant } from '../../engine/tenant/tenant.ts';
import { folderOf } from '../cli/support.ts';

/** A hospital with one app, one service and one person; `more` is laid over the document. */
export function hospital(callbacks: string, more: object = {}): Readonly<Record<string, unknown>> {
  return {
    'callbacks.js': callbacks,
    'tenant.json': {
      id: 'hospital',
      name: 'Hospital',
      issuer: 'http://localhost:9200/hospital',
      demo: true,
      fhirServers: [{ name: 'r4', url: 'https://fhir.example/r4' }],
      scripts: { callbacks: 'callbacks.js' },
      outboundHttp: { allow: ['rights.example'] },
      // A busy machine is no reason to fail.
      scriptLimits: { cpuMilliseconds: 1000, wallMilliseconds: 30_000 },
      clients: [
        {
          clientId: 'app',
          clientName: 'App',
          tokenEndpointAuthMethods: ['none'],
          grantTypes: ['authorization_code', 'refresh_token'],
          redirectUris: ['https://app.example/callback'],
          scopes: ['openid', 'fhirUser', 'launch', 'launch/patient', 'patient/*.rs', 'user/*.rs', 'offline_access'],
        },
        {
          clientId: 'service',
          clientName: 'Service',
          tokenEndpointAuthMethods: ['client_secret_basic'],
          secrets: [{ value: 'a-real-secret' }],
          grantTypes: ['client_credentials'],
          scopes: ['system/*.rs'],
          accessTokenFormat: 'opaque',
        },
      ],
      users: [
        {
          username: 'jane',
          password: 'a-real-password-of-jane',
          givenName: 'Jane',
          defaultLaunchContexts: [{ contextType: 'patient', resourceId: 'jane' }],
        },
      ],
      ...more,
    },
  };
}

export async function loaded(files: Readonly<Record<string, unknown>>): Promise<Tenant> {
  const folder = await folderOf(files);
  try {
    const result = await loadTenant(folder.path);
    if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
    return result.tenant;
  } finally {
    await folder.remove();
  }
}

export async function simulated(simulator: Simulator, tenant: Tenant, given: object = {}): Promise<SimulatedRun> {
  const plan = readPlan(tenant, given);
  if (!plan.ok) throw new Error(plan.problems.map(({ message }) => message).join('\n'));
  return simulator.run(tenant, plan.plan);
}

/** The last run of a hook. */
export function hookOf({ path }: SimulatedRun, name: string): SimulatedHook {
  const found = path.findLast(({ hook }) => hook?.name === name)?.hook;
  if (!found) throw new Error(`${name} did not run`);
  return found;
}

export function statesOf({ path }: SimulatedRun): readonly string[] {
  return path.map(({ state }) => state);
}
