// Runs after a user name and password were found right, before the session exists.
function onAuthenticateSuccess(theUserSession, theOutcomeFactory, theContext) {
  theUserSession.setUserData('lastModule', theContext.moduleId);
  Log.info('log-in through ' + theContext.moduleId);
  return theUserSession;
}
