/** Every call of the admin API. */
import { accessRoutes } from './resource/access.ts';
import { clientRoutes } from './resource/clients.ts';
import { keyRoutes } from './resource/keys.ts';
import { launchRoutes } from './resource/launches.ts';
import { providerRoutes } from './resource/providers.ts';
import { recordRoutes } from './resource/records.ts';
import { registrationRoutes } from './resource/registrations.ts';
import { scriptRoutes } from './resource/scripts.ts';
import { serverRoutes } from './resource/server.ts';
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
  ...recordRoutes,
];
