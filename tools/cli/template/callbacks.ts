import type { OnTokenGenerating } from 'sallyport';

/** Runs before each token is made. `theUserSession` is null where a client acts for itself. */
export const onTokenGenerating: OnTokenGenerating = (theUserSession, theAuthorizationRequestDetails) => {
  theAuthorizationRequestDetails.addAccessTokenClaim('department', Environment.getEnv('DEPARTMENT'));
  Log.info(theUserSession === null ? 'a token for a service' : 'a token for a person');
};
