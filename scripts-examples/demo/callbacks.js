// The demo tenant's callbacks, in the style that Smile CDR scripts have.

// A practitioner chooses one of these patients; a hospital's script would search its own FHIR server.
const PATIENTS = [
  { resourceId: 'jane', display: 'Jane Doe', birthDate: '1984-06-02', sex: 'female', identifier: 'MRN-10000' },
  {
    resourceId: 'patient-02',
    display: 'Peter Chalmers',
    birthDate: '1974-12-25',
    sex: 'male',
    identifier: 'MRN-10137',
  },
  {
    resourceId: 'patient-03',
    display: 'Amina Okafor',
    birthDate: '1991-03-14',
    sex: 'female',
    identifier: 'MRN-10274',
  },
  { resourceId: 'patient-04', display: 'Luis Marin', birthDate: '1958-11-30', sex: 'male', identifier: 'MRN-10411' },
  { resourceId: 'patient-05', display: 'Mei Tanaka', birthDate: '2016-08-09', sex: 'female', identifier: 'MRN-10548' },
  { resourceId: 'patient-06', display: 'Jane Doe', birthDate: '1950-01-19', sex: 'female', identifier: 'MRN-10685' },
];

function onSmartLoginPreContextSelection(theUserSession, theContextSelectionChoices) {
  if (theUserSession.fhirUserUrl && theUserSession.fhirUserUrl.includes('/Patient/')) {
    // A patient sees their own record and nothing else, so there is nothing to choose.
    theUserSession.addLaunchResourceId('patient', theUserSession.fhirUserUrl.split('/').pop());
    return;
  }
  PATIENTS.forEach(function (patient) {
    theContextSelectionChoices.addChoice({ contextType: 'patient', ...patient });
  });
  Log.info('offered ' + PATIENTS.length + ' patients');
}

function onTokenGenerating(theUserSession, theAuthorizationRequestDetails, theClientDetails) {
  theAuthorizationRequestDetails.addAccessTokenClaim('demo_department', Environment.getEnv('DEPARTMENT'));
  // There is no user where a client acts for itself.
  if (theUserSession === null) {
    Log.info('token for the client ' + theClientDetails.clientId);
    return;
  }
  theAuthorizationRequestDetails.addIdTokenClaim(
    'demo_greeting',
    'Hello ' + (theUserSession.givenName || theUserSession.username),
  );
}

function onPostAuthorize(theDetails) {
  Log.info('audit: a token for ' + theDetails.clientId + ' with ' + theDetails.grantedScopes.join(' '));
}
