// Another organisation's system asks on behalf of its user. Signatures, issuer and times were found right; whether this
// user may see this record for this reason is decided here.
import type { Authenticate } from 'sallyport';
import { matchingRecord } from './lib/match.ts';
import { roleFor } from './lib/roles.ts';

export const authenticate: Authenticate = async (theRequest, theOutcomeFactory) => {
  const refuse = (message: string) => {
    const failure = theOutcomeFactory.newFailure();
    failure.message = message;
    return failure;
  };

  // First who asks and why: a stranger must not learn from the answer whether somebody is a patient here.
  const reason = theRequest.reasonForRequest;
  const role = roleFor(theRequest.requestingPractitioner, reason);
  if (role === undefined) return refuse(`no role of the practitioner may ask for the reason ${reason}`);

  const patient = await matchingRecord(theRequest.requestedRecord);
  if (patient === undefined) return refuse('no single record matches');

  const session = theOutcomeFactory.newSuccess();
  session.username = `${theRequest.issuer}#${theRequest.requestingPractitioner.id}`;
  session.addAuthority('FHIR_READ_ALL_IN_COMPARTMENT', `Patient/${patient}`);
  session.addLaunchResourceId('patient', patient);
  // What was decided goes on to `onTokenGenerating`.
  session.setUserData('role', role);
  session.setUserData('reason', reason);
  Log.info(`granted to a ${role} of ${theRequest.clientId} for ${reason}`);
  return session;
};
