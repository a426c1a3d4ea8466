/** The end that all five flows share: the script's last word, then the token is signed, stored, announced, answered. */
import type { Granted } from './facts.ts';
import { afterTokenStored, generateToken } from './hooks.ts';
import { mint } from './step/mint.ts';

export const tokenIssue = {
  'token generating': {
    kind: 'hook',
    does: 'the script may change claims, scopes and launch context',
    binding: generateToken,
    leads: { continue: 'token stored' },
  },
  'token stored': {
    kind: 'step',
    does: 'the tokens are signed and stored',
    run: mint,
    leads: { minted: 'post authorize' },
  },
  'post authorize': {
    kind: 'hook',
    does: 'the script learns of the stored token before the app does',
    binding: afterTokenStored,
    leads: { continue: 'answered' },
  },
  answered: {
    kind: 'end',
    does: 'the app has its tokens',
    audit: ({ grant }: Granted) => ({ clientId: grant.clientId, ...(grant.userId ? { userId: grant.userId } : {}) }),
  },
} as const;
