// Decides whether another organisation's system may act for its user, and on whose record.
const RECORDS = {
  'MRN-10000': 'jane',
  'MRN-10137': 'patient-02',
  'MRN-10274': 'patient-03',
  'MRN-10411': 'patient-04',
  'MRN-10548': 'patient-05',
  'MRN-10685': 'patient-06',
  'MRN-10822': 'patient-07',
  'MRN-10959': 'patient-08',
  'MRN-11096': 'patient-09',
  'MRN-11233': 'patient-10',
  'MRN-11370': 'patient-11',
  'MRN-11507': 'patient-12',
  'MRN-11644': 'patient-13',
  'MRN-11781': 'patient-14',
  'MRN-11918': 'patient-15',
  'MRN-12055': 'patient-16',
  'MRN-12192': 'patient-17',
  'MRN-12329': 'patient-18',
  'MRN-12466': 'patient-19',
  'MRN-12603': 'patient-20',
  'MRN-12740': 'patient-21',
  'MRN-12877': 'patient-22',
  'MRN-13014': 'patient-23',
  'MRN-13151': 'patient-24',
};

function authenticate(theRequest, theOutcomeFactory) {
  if (theRequest.reasonForRequest !== 'treatment') {
    const failure = theOutcomeFactory.newFailure();
    failure.message = 'Only treatment is a reason';
    return failure;
  }
  const identifiers = (theRequest.requestedRecord && theRequest.requestedRecord.identifier) || [];
  const matches = identifiers.map((identifier) => RECORDS[identifier.value]).filter((id) => id !== undefined);
  if (matches.length !== 1) {
    return theOutcomeFactory.newFailure();
  }
  const session = theOutcomeFactory.newSuccess();
  session.username = theRequest.issuer + '#' + theRequest.requestingPractitioner.id;
  session.addAuthority('FHIR_READ_ALL_IN_COMPARTMENT', 'Patient/' + matches[0]);
  session.addLaunchResourceId('patient', matches[0]);
  Log.info('record matched for ' + theRequest.clientId);
  return session;
}
