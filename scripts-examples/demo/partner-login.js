// How people of the partner hospital become users here.
function getUserName(theOidcUserInfoMap, theServerInfo) {
  if (!theOidcUserInfoMap['sub']) {
    deny('the partner hospital names nobody');
  }
  return 'EXT_USER:' + theOidcUserInfoMap['sub'];
}

function onAuthenticateSuccess(theUserSession, theOutcomeFactory, theContext) {
  if (theContext.getStringClaim('sub') === 'blocked') {
    const failure = theOutcomeFactory.newFailure();
    failure.message = 'This person may not log in here';
    return failure;
  }
  theUserSession.addAuthority('FHIR_ALL_READ');
  Log.info('log-in at the partner hospital');
  return theUserSession;
}
