import { authenticateClientFor, grantClientScopes } from './step/client.ts';
import { defineFlow } from './table.ts';
import { tokenIssue } from './token-issue.ts';

/** RFC 6749 section 4.4: a client acts for itself, proven by its secret. */
export const clientCredentials = defineFlow('client-credentials', 'Client credentials', 'client authentication', {
  'client authentication': {
    kind: 'step',
    does: 'the client proves who it is',
    run: authenticateClientFor('client_credentials'),
    leads: { authenticated: 'client scopes' },
  },
  'client scopes': {
    kind: 'step',
    does: "the scopes of the client's definition that it asked for",
    run: grantClientScopes,
    leads: { granted: 'token generating' },
  },
  ...tokenIssue,
});
