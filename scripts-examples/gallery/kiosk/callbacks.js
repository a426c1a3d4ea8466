// For every app that has no callbacks of its own in `scripts.bound`.

function onSmartLoginPreContextSelection(theUserSession, theContextSelectionChoices) {
  const match = /\/Patient\/([A-Za-z0-9.-]+)$/.exec(theUserSession.fhirUserUrl || '');
  if (match !== null) {
    theUserSession.addLaunchResourceId('patient', match[1]);
  }
}

function onTokenGenerating(theUserSession, theAuthorizationRequestDetails, theClientDetails) {
  // A service stands on no desk.
  if (theUserSession !== null) {
    theAuthorizationRequestDetails.addAccessTokenClaim('device', 'desk');
  }
}
