import { authenticateClientFor, grantClientScopes } from './step/client.ts';
import { defineFlow } from './table.ts';
import { tokenIssue } from './token-issue.ts';

/** SMART Backend Services: a client acts for itself, proven by a signed JWT (RFC 7523). */
export const backendServices = defineFlow('backend-services', 'JWT backend services', 'client assertion', {
  'client assertion': {
    kind: 'step',
    does: 'the signed JWT is verified and remembered',
    run: authenticateClientFor('client_credentials', { methods: ['private_key_jwt'] }),
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
