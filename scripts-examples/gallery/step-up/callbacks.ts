// To prescribe takes more than a password: without a fresh log-in with a second factor, the app may only read.
import type { OnTokenGenerating } from 'sallyport';
import { intersect, narrow } from 'sallyport/scopes';
import { isStrong } from './lib/log-in.ts';
import { allowsPrescribing, readingOnly } from './lib/prescribing.ts';

export const onTokenGenerating: OnTokenGenerating = (theUserSession, theAuthorizationRequestDetails) => {
  const sensitive = narrow(theAuthorizationRequestDetails.approvedScopes, allowsPrescribing);
  if (sensitive.length === 0) return;
  // No client prescribes by itself, so this is no place for the usual "no user, nothing to do".
  if (theUserSession !== null && isStrong(theUserSession, Date.now())) return;

  for (const scope of sensitive) theAuthorizationRequestDetails.removeScope(scope);
  for (const scope of intersect(sensitive, readingOnly)) theAuthorizationRequestDetails.addScope(scope);
  // The app learns that a log-in would help: it may send its user to the authorization endpoint again, with prompt=login.
  theAuthorizationRequestDetails.addLaunchParameter('step_up', 'login');
  Log.info(`no fresh second factor: ${sensitive.join(' ')} is for reading only`);
};
