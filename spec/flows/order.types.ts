/** Orders of steps that must not compile: `tsc` fails here as soon as one of them does. Nothing of this runs. */
import type { Ports } from '../../engine/flow/ports.ts';
import { defineFlow, move, type Rejection } from '../../engine/flow/table.ts';

interface Identity {
  readonly userId: string;
}
interface Order extends Identity {
  readonly scopes: readonly string[];
}

const identify = {
  kind: 'step',
  does: 'gives the user',
  run: (facts: { readonly name: string }) => move('identified', { userId: facts.name }),
} as const;
const approve = {
  kind: 'step',
  does: 'needs the user, gives the scopes',
  run: (facts: Identity) => move('approved', { userId: facts.userId, scopes: ['openid'] }),
} as const;
const decide = {
  kind: 'step',
  does: 'gives the user in one of its two outcomes',
  run: (facts: { readonly name: string }) =>
    facts.name === '' ? move('unknown', { name: facts.name }) : move('known', { userId: facts.name }),
} as const;
const end = {
  kind: 'end',
  does: 'needs the scopes',
  audit: ({ userId, scopes: _scopes }: Order) => ({ userId }),
} as const;

export const rightOrder = defineFlow('right', 'Right', 'identify', {
  identify: { ...identify, leads: { identified: 'approve' } },
  approve: { ...approve, leads: { approved: 'end' } },
  end,
});

export const stepLeftOut = defineFlow('left-out', 'The scopes are missing', 'identify', {
  // @ts-expect-error the end needs scopes, which nobody gave
  identify: { ...identify, leads: { identified: 'end' } },
  end,
});

export const unknownState = defineFlow('unknown', 'A lead to nowhere', 'identify', {
  // @ts-expect-error there is no such state
  identify: { ...identify, leads: { identified: 'nowhere' } },
  approve: { ...approve, leads: { approved: 'end' } },
  end,
});

export const outcomeForgotten = defineFlow('forgotten', 'An outcome without a lead', 'decide', {
  // @ts-expect-error the outcome `unknown` leads nowhere
  decide: { ...decide, leads: { known: 'approve' } },
  identify: { ...identify, leads: { identified: 'approve' } },
  approve: { ...approve, leads: { approved: 'end' } },
  end,
});

export const oneBranchLacks = defineFlow('branch', 'One of two branches lacks the user', 'decide', {
  // @ts-expect-error only `known` gives the user that `approve` needs
  decide: { ...decide, leads: { known: 'approve', unknown: 'approve' } },
  approve: { ...approve, leads: { approved: 'end' } },
  end,
});

export const waitLacks = defineFlow('wait', 'A wait is checked like a step', 'login', {
  login: {
    kind: 'wait',
    does: 'waits',
    waitsFor: 'person',
    accept: (_facts: unknown, input: Readonly<Record<string, unknown>>) =>
      move('entered', { userId: String(input['name']) }),
    expiresIn: () => 60,
    // @ts-expect-error the wait gives no scopes
    leads: { entered: 'end' },
  },
  end,
});

export const hookLacks = defineFlow('hook', 'A hook is checked like a step', 'script', {
  script: {
    kind: 'hook',
    does: 'runs a script',
    binding: {
      hook: 'onTokenGenerating',
      read: (_facts: Identity, _ports: Ports) => undefined,
      without: (facts: Identity): Identity | Rejection => facts,
      apply: (facts: Identity): Identity | Rejection => facts,
    },
    // @ts-expect-error the hook's binding gives no scopes
    leads: { continue: 'end' },
  },
  end,
});

// @ts-expect-error a flow begins at a state of its own
export const foreignBeginning = defineFlow('beginning', 'Begins nowhere', 'nowhere', { end });
