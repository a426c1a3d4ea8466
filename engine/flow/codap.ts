import { authorizeCodap } from './hooks.ts';
import { authenticateClientFor } from './step/client.ts';
import { grantForeignUser, verifyAuthorization } from './step/codap.ts';
import { defineFlow } from './table.ts';
import { tokenIssue } from './token-issue.ts';

/** Cross-Organization Data Access: another organisation's system asks on behalf of its own user. */
export const codap = defineFlow('codap', 'CODAP cross-organization', 'authentication token', {
  'authentication token': {
    kind: 'step',
    does: "the asking system's token is verified",
    run: authenticateClientFor('urn:ietf:params:oauth:grant-type:jwt-bearer', { methods: ['private_key_jwt'] }),
    leads: { authenticated: 'authorization token' },
  },
  'authorization token': {
    kind: 'step',
    does: "the user's token is verified against the trust list",
    run: verifyAuthorization,
    leads: { verified: 'script authorization' },
  },
  'script authorization': {
    kind: 'hook',
    does: 'the authorization script decides and builds the session',
    binding: authorizeCodap,
    leads: { continue: 'user session' },
  },
  'user session': {
    kind: 'step',
    does: 'a short grant for the foreign user',
    run: grantForeignUser,
    leads: { granted: 'token generating' },
  },
  ...tokenIssue,
});
