/** Every call of the admin API. */
import { accessRoutes } from './resource/access.ts';
import { clientRoutes } from './resource/clients.ts';
import { keyRoutes } from './resource/keys.ts';
import { launchRoutes } from './resource/launches.ts';
import { providerRoutes } from './resource/providers.ts';
import { registrationRoutes } from './resource/registrations.ts';
import { auditRoutes } from './resource/audit.ts';
import { scriptRoutes } from './resource/scripts.ts';
import { serverRoutes } from './resource/server.ts';
import { traceRoutes } from './resource/traces.ts';
import { userRoutes } from './resource/users.ts';
import type { Route } from './route.ts';

export const routes: readonly Route[] = [
  ...serverRoutes,
  ...clientRoutes,
  ...userRoutes,
  ...registrationRoutes,
  ...accessRoutes,
  ...providerRoutes,
  ...keyRoutes,
  ...launchRoutes,
  ...scriptRoutes,
  ...auditRoutes,
  ...traceRoutes,
];
