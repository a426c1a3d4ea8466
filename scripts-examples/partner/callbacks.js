// The partner hospital is only asked who somebody is.
function onTokenGenerating(theUserSession, theAuthorizationRequestDetails, theClientDetails) {
  if (theUserSession !== null) {
    theAuthorizationRequestDetails.addIdTokenClaim('organization', 'Partner Hospital');
  }
}
