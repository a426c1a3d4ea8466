/** What is kept of a registration on its way, and what goes with the account once it is made. */
import type { AuditEvent, Store } from '../store/store.ts';
import type { User } from '../tenant/tenant.ts';
import type { RegisteredPerson } from './registration-form.ts';

/** How long a form that is sent again is answered as it was, milliseconds. */
export const keptDone = 3_600_000;

interface Origin {
  /** The log-in that the person came from, and its app. */
  readonly flow?: string;
  readonly clientId?: string;
  /** For the mails that follow. */
  readonly languages: readonly string[];
}

/** While the link in the mail waits. */
export interface AskedDetails extends Origin {
  readonly person: RegisteredPerson;
  /** The version of the terms that was ticked in the form. */
  readonly terms?: string;
}

/** While an administrator is to decide: the account as it will be. */
export interface ConfirmedDetails extends Origin {
  readonly user: User & { readonly email: string };
  readonly terms?: { readonly version: string; readonly acceptedAt: number };
}

/** Keeps the agreement to the terms for the app that the person came from, so that the log-in does not ask again. */
export async function keepTerms(
  store: Pick<Store, 'consents'>,
  audit: (event: AuditEvent) => unknown,
  tenantId: string,
  { user, clientId, terms }: ConfirmedDetails,
): Promise<void> {
  if (terms === undefined || clientId === undefined) return;
  await store.consents.saveTerms(tenantId, user.id, clientId, terms.version, terms.acceptedAt);
  await audit({
    tenantId,
    at: terms.acceptedAt,
    type: 'terms.accepted',
    outcome: 'success',
    clientId,
    userId: user.id,
    details: { version: terms.version },
  });
}
