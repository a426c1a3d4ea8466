// The directory says who somebody is and what they may do. What is left to decide is on which ward they are, which follows
// from the names of their groups.
import type { OnAuthenticateSuccess } from 'sallyport';

export const onAuthenticateSuccess: OnAuthenticateSuccess = (theUserSession, theOutcomeFactory, theContext) => {
  const groups: readonly string[] = theContext.getStringArrayClaim('groups');
  const wards = groups.map(wardOf).filter((ward) => ward !== undefined);
  // The ward that somebody was on at an earlier log-in says nothing of today.
  theUserSession.setUserData('wards', wards);
  if (wards.length === 0 && !theUserSession.hasAuthority('FHIR_ALL_READ')) {
    const failure = theOutcomeFactory.newFailure();
    failure.message = 'on no ward';
    return failure;
  }
  Log.info(`on ${wards.length} wards`);
  return theUserSession;
};

/** `cn=ward-7,ou=groups,dc=hospital,dc=example` is ward 7. What is escaped in a name (RFC 4514) is none of ours. */
function wardOf(group: string): string | undefined {
  return /^cn=ward-([A-Za-z0-9]+),ou=groups,/i.exec(group)?.[1];
}
