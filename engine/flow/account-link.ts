import type { LinkAsked } from './facts.ts';
import type { Ports } from './ports.ts';
import { acceptLinkAnswer, askForLink, linkAccount } from './step/link.ts';
import { defineFlow } from './table.ts';

/** A person who is logged in links an account at a foreign provider with their own, by logging in there. */
export const accountLink = defineFlow('account-link', 'Account link', 'link asked', {
  'link asked': {
    kind: 'step',
    does: 'the provider is discovered and asked',
    run: askForLink,
    leads: { redirected: 'at the linked provider' },
  },
  'at the linked provider': {
    kind: 'wait',
    does: 'the person logs in at the provider',
    waitsFor: 'provider',
    accept: acceptLinkAnswer,
    expiresIn: (ports: Ports) => ports.tenant.lifetimes.interactionSeconds,
    leads: { answered: 'account linked' },
  },
  'account linked': {
    kind: 'step',
    does: "the account becomes the person's, unless it is somebody else's",
    run: linkAccount,
    leads: { linked: 'linked' },
  },
  linked: {
    kind: 'end',
    does: 'the person may log in with the provider',
    audit: ({ userId }: LinkAsked) => ({ userId }),
  },
});
