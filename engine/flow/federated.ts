import type { Ports } from './ports.ts';
import { afterProviderLogin, nameProviderUser } from './hooks.ts';
import { acceptProof } from './step/log-in.ts';
import { acceptProviderAnswer, linkUser, prepareProviderUser, startFederation } from './step/federate.ts';

/** Rows of a log-in at a foreign OpenID Provider. The interactive flow takes them in and goes on at `second factor sought`. */
export const federated = {
  'provider chosen': {
    kind: 'step',
    does: 'the provider is discovered and asked',
    run: startFederation,
    leads: { redirected: 'at the provider', unavailable: 'login' },
  },
  'at the provider': {
    kind: 'wait',
    does: 'the person logs in at the provider',
    waitsFor: 'provider',
    accept: acceptProviderAnswer,
    expiresIn: (ports: Ports) => ports.tenant.lifetimes.interactionSeconds,
    leads: { answered: 'user name', returned: 'login' },
  },
  'user name': {
    kind: 'hook',
    does: "the provider's script names the local user",
    binding: nameProviderUser,
    leads: { continue: 'user prepared' },
  },
  'user prepared': {
    kind: 'step',
    does: 'the local user is looked up',
    run: prepareProviderUser,
    leads: { named: 'provider log-in', existing: 'existing account' },
  },
  'existing account': {
    kind: 'wait',
    does: 'the person proves the account here that has this name, or leaves it alone',
    waitsFor: 'person',
    accept: acceptProof,
    expiresIn: (ports: Ports) => ports.tenant.lifetimes.interactionSeconds,
    leads: { identified: 'local log-in', alone: 'login' },
  },
  'provider log-in': {
    kind: 'hook',
    does: "the provider's script sees the log-in and may deny it",
    binding: afterProviderLogin,
    leads: { continue: 'user linked' },
  },
  'user linked': {
    kind: 'step',
    does: 'the local user is created or brought up to date',
    run: linkUser,
    leads: { linked: 'second factor sought' },
  },
} as const;
