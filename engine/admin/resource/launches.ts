/** Launch handles that an EHR makes before it opens an app. */
import { createLaunch, type LaunchInput } from '../../smart/launch.ts';
import { refuse } from '../problem.ts';
import type { TenantRoute } from '../route.ts';
import { instantText, launchBody, object, text } from '../schema.ts';

export const launchRoutes: readonly TenantRoute[] = [
  {
    name: 'createLaunch',
    method: 'POST',
    path: '/tenants/{tenant}/launches',
    summary: 'Makes a launch handle: used once, by this app and this person, until it expires.',
    permission: 'launch',
    body: launchBody,
    answer: {
      status: 201,
      schema: object(
        {
          launch: text('The handle, for the `launch` parameter of the app. Shown once.'),
          iss: text('The FHIR server, for the `iss` parameter of the app.'),
          expiresAt: instantText('When it ends.'),
        },
        ['launch', 'expiresAt'],
      ),
    },
    commands: [{ name: 'launch create' }],
    async run({ tenant, body }, { store, now }) {
      const input = body as LaunchInput;
      const client =
        tenant.clients.find(({ clientId }) => clientId === input.clientId) ??
        (await store.clients.find(tenant.id, input.clientId));
      if (!client?.enabled) return refuse(400, 'client-unknown', 'The app is unknown or disabled.');
      if (!client.scopes.includes('launch'))
        return refuse(400, 'client-not-launched', 'The app may not ask for the scope launch.', {
          hint: 'Add launch to its scopes.',
        });
      const user = await store.users.findByUsername(tenant.id, input.username);
      if (!user?.enabled) return refuse(400, 'user-unknown', 'The person is unknown or disabled.');
      const { launch, expiresAt } = await createLaunch(store.launches, tenant, input, now());
      const iss = tenant.fhirServers[0]?.url;
      return {
        status: 201,
        body: { launch, ...(iss ? { iss } : {}), expiresAt: new Date(expiresAt).toISOString() },
        change: { type: 'launch.created', clientId: input.clientId, userId: user.id },
      };
    },
  },
];
