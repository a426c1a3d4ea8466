// What the token of a partner's user says follows from the role that was found in `codap.ts`.
import type { OnTokenGenerating } from 'sallyport';
import { intersect, narrow } from 'sallyport/scopes';
import { scopesOf } from './lib/roles.ts';

export const onTokenGenerating: OnTokenGenerating = (theUserSession, theAuthorizationRequestDetails) => {
  const role = theUserSession?.getUserData('role');
  // No role: nobody whom `codap.ts` let in, so nothing of a patient's record.
  const allowed = typeof role === 'string' ? scopesOf(role) : [];
  const asked = narrow(theAuthorizationRequestDetails.approvedScopes, (scope) => scope.kind === 'resource');
  for (const scope of asked) theAuthorizationRequestDetails.removeScope(scope);
  for (const scope of intersect(asked, allowed)) theAuthorizationRequestDetails.addScope(scope);
  // The FHIR server shows such a token to the privacy officer.
  if (theUserSession?.getUserData('reason') === 'emergency')
    theAuthorizationRequestDetails.addAccessTokenClaim('emergency_access', true);
};
