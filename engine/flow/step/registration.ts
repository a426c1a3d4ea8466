/** The account of who registered, made as the script left it. */
import { type ConfirmedDetails, keepTerms, keptDone } from '../../identity/registration.ts';
import type { RegistrationConfirmed } from '../facts.ts';
import type { Ports } from '../ports.ts';
import { move, reject, type StepResult } from '../table.ts';

const day = 86_400_000;

/** Makes the account once, or has it wait for an administrator. Refuses where address or user name are taken by now. */
export async function makeAccount(
  facts: RegistrationConfirmed,
  ports: Ports,
): Promise<StepResult<{ created: unknown; pending: unknown }>> {
  const { tenant, store } = ports;
  const { session, newUser, linkHash, origin, acceptedTerms, fromClientId: clientId } = facts;
  const now = ports.now();
  const { givenName: _given, familyName: _family, fhirUser: _fhirUser, notes: _notes, ...rest } = newUser;
  const user = {
    ...rest,
    ...(session.givenName ? { givenName: session.givenName } : {}),
    ...(session.familyName ? { familyName: session.familyName } : {}),
    ...(session.fhirUserUrl ? { fhirUser: session.fhirUserUrl } : {}),
    ...(session.notes ? { notes: session.notes } : {}),
    authorities: session.authorities,
    defaultLaunchContexts: session.defaultLaunchContexts,
    userData: session.userData,
  };
  const details: ConfirmedDetails = {
    ...origin,
    ...(clientId === undefined ? {} : { clientId }),
    user,
    // Terms of another version than those that hold now are asked about at the log-in.
    ...(acceptedTerms !== undefined && acceptedTerms === tenant.termsOfService?.version
      ? { terms: { version: acceptedTerms, acceptedAt: now } }
      : {}),
  };
  const { approval } = tenant.selfRegistration;
  const result = await store.registrations.complete(
    { tenantId: tenant.id, linkHash },
    user,
    { ...details },
    { now, keptUntil: now + keptDone, ...(approval.enabled ? { pendingUntil: now + approval.days * day } : {}) },
  );
  if (result === 'pending') return move('pending', {});
  if (result !== 'created') return reject('access_denied', 'There is no account', result);
  await keepTerms(store, ports.audit, tenant.id, details);
  return move('created', {});
}
