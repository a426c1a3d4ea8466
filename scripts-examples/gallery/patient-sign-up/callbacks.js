// Who registers is a patient of the hospital, or there is no account.

// One sentence for every reason, or the form would tell strangers which numbers there are.
const REFUSAL = 'We could not find you with these data. Please check them, or come to the desk.';

function onSelfRegistration(theUserSession, theOutcomeFactory, theContext) {
  const found = Fhir.search()
    .forResource('Patient')
    .whereToken('identifier', Environment.getEnv('RECORD_SYSTEM'), theUserSession.getUserData('recordNumber'))
    .where('birthdate', theUserSession.getUserData('birthDate'))
    .asList();
  // Two are as good as none.
  if (found.size() !== 1 || !hasName(found.get(0), theUserSession.familyName)) {
    const failure = theOutcomeFactory.newFailure();
    failure.message = REFUSAL;
    Log.warn('a registration fits ' + found.size() + ' patients');
    return failure;
  }
  const id = found.get(0).id;
  theUserSession.setFhirUserUrl('http://localhost:9210/fhir/Patient/' + id);
  theUserSession.getOrCreateDefaultLaunchContext('patient').resourceId = id;
  theUserSession.addAuthority('FHIR_READ_ALL_IN_COMPARTMENT', 'Patient/' + id);
  Log.info('a registration fits a patient');
  return theUserSession;
}

function hasName(patient, familyName) {
  return (patient.name || []).some(function (name) {
    return (name.family || '').toLowerCase() === familyName.toLowerCase();
  });
}
