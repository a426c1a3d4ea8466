import { authenticateClientFor } from './step/client.ts';
import { rotateRefreshToken } from './step/refresh.ts';
import { defineFlow } from './table.ts';
import { tokenIssue } from './token-issue.ts';

/** RFC 6749 section 6: the continuation of a flow that granted a refresh token. */
export const refresh = defineFlow('refresh', 'Refresh', 'client authentication', {
  'client authentication': {
    kind: 'step',
    does: 'the client proves who it is',
    run: authenticateClientFor('refresh_token', { allowPublic: true }),
    leads: {
      authenticated: 'token rotated',
    },
  },
  'token rotated': {
    kind: 'step',
    does: 'the refresh token is used up; a used one ends the grant',
    run: rotateRefreshToken,
    leads: { rotated: 'token generating' },
  },
  ...tokenIssue,
});
