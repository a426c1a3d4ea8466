/** Mounts the demo beside the tenants, when the demo tenant is among them. */
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { ComposedEngine } from '../../engine/composition.ts';
import { smartConfiguration } from '../../engine/oauth/metadata.ts';
import type { Mount } from '../../engine/server.ts';
import { createLaunch } from '../../engine/smart/launch.ts';
import type { Store } from '../../engine/store/store.ts';
import type { Tenant, TenantDirectory } from '../../engine/tenant/tenant.ts';
import { type DemoOptions, demoPlugin, type Jwk } from './plugin.ts';

export const mountDemo: Mount = async (server: FastifyInstance, { store, directory, engine }) => {
  const demo = directory.all().find((tenant) => tenant.demo && tenant.id === 'demo');
  if (!demo) return false;
  await server.register(demoPlugin, demoOptions(demo, directory, engine, store));
  return true;
};

function demoOptions(demo: Tenant, directory: TenantDirectory, engine: ComposedEngine, store: Store): DemoOptions {
  const ports = engine.portsOf(demo);
  return {
    baseUrl: new URL(demo.issuer).origin,
    patientsFile: join(demo.folder, 'patients.json'),
    issuer: demo.issuer,
    jwks: async () => (await ports.keyring.publicJwks(demo)) as { keys: Jwk[] },
    smartConfiguration: async () => smartConfiguration(demo) as object,
    users: [
      { username: 'drsmith', password: 'demo-password', name: 'Dana Smith', role: 'Clinician: chooses a patient' },
      { username: 'jane', password: 'demo-password', name: 'Jane Doe', role: 'Patient: opens her own record' },
      {
        username: 'drjones',
        password: 'demo-password',
        name: 'Robin Jones',
        role: 'Clinician elsewhere: “Log in with Partner Hospital”',
      },
    ],
    createLaunch: async ({ clientId, username, context }) =>
      (await createLaunch(store.launches, demo, { clientId, username, context: { ...context } }, Date.now())).launch,
    mails: () =>
      directory
        .all()
        .filter((tenant) => tenant.demo)
        .flatMap((tenant) => engine.mailer.captured(tenant.id))
        .toSorted((left, right) => right.at - left.at),
    async traces(): Promise<never> {
      await engine.drain();
      const all = await Promise.all(
        directory
          .all()
          .filter((tenant) => tenant.demo)
          .map((tenant) => store.traces.list(tenant.id, 30)),
      );
      return all
        .flat()
        .sort((left, right) => right.startedAt - left.startedAt)
        .slice(0, 50) as never;
    },
  };
}
