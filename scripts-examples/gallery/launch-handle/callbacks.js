// An EHR opens the app with a launch handle of its own making. Only the EHR's context service knows what it stands for.

function onTokenGenerating(theUserSession, theAuthorizationRequestDetails, theClientDetails) {
  const handle = theAuthorizationRequestDetails.getLaunch();
  // Without a handle the app was not opened from the EHR, or acts for itself: there is nothing to resolve.
  if (theUserSession === null || handle === null) {
    return;
  }
  // A handle is good for once. At a refresh the session still has what it stood for.
  if (theAuthorizationRequestDetails.grantType === 'refresh_token') {
    return;
  }
  const context = resolve(handle, theClientDetails.clientId);
  // A handle that was made for somebody else opens nothing, or a link sent by mail would open the record behind it.
  if (context.user !== theUserSession.username) {
    deny('the launch handle was made for another user');
  }
  if (!context.patient) {
    deny('the launch handle stands for no patient');
  }
  theUserSession.addLaunchResourceId('patient', context.patient);
  if (context.encounter) {
    theUserSession.addLaunchResourceId('encounter', context.encounter);
  }
  (context.images || []).forEach(function (id) {
    theUserSession.addFhirContext('ImagingStudy/' + id);
  });
  theAuthorizationRequestDetails.addLaunchParameter('need_patient_banner', context.banner !== false);
  Log.info('resolved a launch of ' + theClientDetails.clientId);
}

function resolve(handle, clientId) {
  // The handle goes into the body: addresses end up in logs.
  const response = Http.post(Environment.getEnv('CONTEXT_SERVICE'))
    .addRequestHeader('Authorization', 'Bearer ' + Secrets.get('contextKey'))
    .setContentJson({ launch: handle, app: clientId })
    .execute();
  if (response.getStatusCode() === 404) {
    deny('the context service does not know the launch handle');
  }
  // Anything else is a fault and no decision: the app is told server_error, and no token leaves.
  if (!response.isSuccess()) {
    throw new Error('the context service failed: ' + response.getFailureMessage());
  }
  return response.parseResponseAsJson();
}
