// A backend service sees the people of its cohort, and of those only what there is to read.
import type { OnTokenGenerating } from 'sallyport';
import { read } from 'sallyport/fhir';
import { intersect, narrow } from 'sallyport/scopes';
import { cohortOf } from './lib/cohort.ts';

export const onTokenGenerating: OnTokenGenerating = async (
  theUserSession,
  theAuthorizationRequestDetails,
  theClientDetails,
) => {
  // The tenant binds this script to flows without a person. Should somebody change that, no person gets a cohort by it.
  if (theUserSession !== null) deny('this callback is for clients that act for themselves');

  const reference = cohortOf(theClientDetails.permissions);
  if (reference === undefined) deny('the client has not exactly one cohort');

  // Asked anew for each token: a study that was closed gets no more of them.
  const group = await read(reference);
  if (group?.resourceType !== 'Group' || group.type !== 'person' || group.active !== true)
    deny(`${reference} is no open group of people`);

  const asked = narrow(theAuthorizationRequestDetails.approvedScopes, (scope) => scope.kind === 'resource');
  for (const scope of asked) theAuthorizationRequestDetails.removeScope(scope);
  for (const scope of intersect(asked, ['system/*.rs'])) theAuthorizationRequestDetails.addScope(scope);
  // The FHIR server keeps the client to the members of this group.
  theAuthorizationRequestDetails.addAccessTokenClaim('cohort', reference);
  Log.info(`a token of ${theClientDetails.clientId} for ${reference}`);
};
