// An app asks for everything; what its user may do decides what the token says.
import type { OnTokenGenerating } from 'sallyport';
import { intersect, narrow } from 'sallyport/scopes';
import { scopesBehind } from './lib/authority-scopes.ts';

export const onTokenGenerating: OnTokenGenerating = (theUserSession, theAuthorizationRequestDetails) => {
  // A client that acts for itself has no user to narrow it; its own definition does.
  if (theUserSession === null) return;

  // Scopes of the patient's record and those of the log-in are no matter of the user's rights here.
  const asked = narrow(
    theAuthorizationRequestDetails.approvedScopes,
    (scope) => scope.kind === 'resource' && scope.context === 'user',
  );
  if (asked.length === 0) return;

  const allowed = intersect(asked, theUserSession.authorities.flatMap(scopesBehind));
  // A token that only says who somebody is would look like a success to the app, and fail at its first request.
  if (allowed.length === 0) deny('the user has no right to anything the app asks for');

  for (const scope of asked) theAuthorizationRequestDetails.removeScope(scope);
  for (const scope of allowed) theAuthorizationRequestDetails.addScope(scope);
  Log.info(`${asked.join(' ')} became ${allowed.join(' ')}`);
};
