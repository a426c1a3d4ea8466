/** The end of a self-registration: the mail address is proven, the password is chosen, and the account is about to be made. */
import type { RegistrationConfirmed } from './facts.ts';
import { registerPerson } from './hooks.ts';
import { makeAccount } from './step/registration.ts';
import { defineFlow } from './table.ts';

export const selfRegistration = defineFlow('self-registration', 'Self-registration', 'registration confirmed', {
  'registration confirmed': {
    kind: 'hook',
    does: "the tenant's script checks and enriches what the person told",
    binding: registerPerson,
    leads: { continue: 'account wanted' },
  },
  'account wanted': {
    kind: 'step',
    does: 'the account is made, unless address or user name are taken, or waits for an administrator',
    run: makeAccount,
    leads: { created: 'registered', pending: 'approval awaited' },
  },
  registered: {
    kind: 'end',
    does: 'the person can log in',
    audit: ({ newUser, fromClientId: clientId }: RegistrationConfirmed) => ({
      userId: newUser.id,
      ...(clientId === undefined ? {} : { clientId }),
    }),
  },
  'approval awaited': {
    kind: 'end',
    does: 'an administrator decides; there is no account yet',
    audit: ({ fromClientId: clientId }: RegistrationConfirmed) => (clientId === undefined ? {} : { clientId }),
  },
});
