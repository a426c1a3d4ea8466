import { accountLink } from './account-link.ts';
import { backendServices } from './backend-services.ts';
import { clientCredentials } from './client-credentials.ts';
import { codap } from './codap.ts';
import { interactive } from './interactive.ts';
import { selfRegistration } from './self-registration.ts';
import { refresh } from './refresh.ts';
import type { Flow } from './table.ts';

/** Every flow by its name. The federated log-in is part of `interactive`. */
export const flows: Readonly<Record<string, Flow>> = Object.fromEntries(
  [interactive, clientCredentials, backendServices, codap, refresh, accountLink, selfRegistration].map((flow) => [
    flow.name,
    flow,
  ]),
);
