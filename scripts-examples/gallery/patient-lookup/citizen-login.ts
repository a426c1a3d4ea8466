// Patients log in with their citizen card. Nobody gave them an account here: their record is looked up when they come.
import type { GetUserName, OnAuthenticateSuccess } from 'sallyport';
import { hmacSha256 } from 'sallyport/crypto';
import { secret } from 'sallyport/secrets';
import { readHealthNumber } from './lib/health-number.ts';
import { patientOf } from './lib/patient.ts';

export const getUserName: GetUserName = async (theOidcUserInfoMap, theServerInfo) => {
  const number = readHealthNumber(theOidcUserInfoMap.health_number);
  if (number === undefined) deny('the card has no health number');
  // User names stand in logs and in the audit trail, where a health number must not. Its digest names the same person; the
  // key keeps everybody else from trying all numbers until one fits.
  const digest = await hmacSha256(secret('pseudonymKey'), number);
  return `${theServerInfo.id}:${digest.slice(0, 32)}`;
};

export const onAuthenticateSuccess: OnAuthenticateSuccess = async (theUserSession, theOutcomeFactory, theContext) => {
  const number = readHealthNumber(theContext.getClaim('health_number'));
  const patient = number && (await patientOf(number, theContext.getStringClaim('birthdate')));
  if (!patient) {
    const failure = theOutcomeFactory.newFailure();
    // Whether there is none or more than one is for the front desk to find out.
    failure.message = 'no single record of this person';
    return failure;
  }
  // A record may have been merged into another one since the last log-in: what was kept then is replaced.
  theUserSession.authorities.length = 0;
  theUserSession.addAuthority('ROLE_FHIR_CLIENT');
  theUserSession.addAuthority('FHIR_READ_ALL_IN_COMPARTMENT', `Patient/${patient}`);
  theUserSession.fhirUserUrl = `${Environment.getEnv('FHIR_BASE')}/Patient/${patient}`;
  // Apps that want a patient get this one, and nobody is asked to pick.
  theUserSession.getOrCreateDefaultLaunchContext('patient').resourceId = patient;
  Log.info('a record was found for the person');
  return theUserSession;
};
