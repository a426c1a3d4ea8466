/**
 * Scripts that write down what they were given: each documented member of each model, read the Smile CDR way, as one
 * log line per hook, which the trace keeps.
 */
const recorder = `
function record(hook, models) { Log.info(JSON.stringify({ hook: hook, models: models })); }
function session(s) {
  return s === null ? null : {
    username: s.username, sameName: s.getUsername() === s.username, external: s.external,
    givenName: s.givenName, familyName: s.familyName, email: s.email, notes: s.notes,
    fhirUserUrl: s.getFhirUserUrl(),
    authorities: s.authorities.map(function (a) { return a.permission + (a.argument ? '/' + a.argument : ''); }),
    superuser: s.hasAuthority('ROLE_SUPERUSER'), reader: s.hasAuthority('FHIR_ALL_READ'),
    defaultLaunchContexts: s.defaultLaunchContexts.map(function (c) { return c.contextType + '/' + c.resourceId; }),
    launchResourceIds: s.getLaunchResourceIds().map(function (l) { return l.resourceType + '/' + l.resourceId; }),
    fhirContext: s.getFhirContext().map(function (c) { return c.reference + (c.role ? ' ' + c.role : ''); }),
    mark: s.getUserData('mark')
  };
}
`;

const logIn = `
function onAuthenticateSuccess(theUserSession, theOutcomeFactory, theContext) {
  record('onAuthenticateSuccess', {
    session: session(theUserSession),
    factory: [typeof theOutcomeFactory.newSuccess, typeof theOutcomeFactory.newFailure],
    context: {
      moduleId: theContext.moduleId, started: !isNaN(Date.parse(theContext.startTime)),
      remoteAddress: typeof theContext.remoteAddress, headers: typeof theContext.getHeaders(),
      // After a log-in with a password there are no claims to read.
      ...(typeof theContext.getClaim === 'function' && {
        sub: theContext.getStringClaim('sub'), claim: theContext.getClaim('organization'),
        list: theContext.getStringArrayClaim('organization'), missing: theContext.getStringClaim('missing'),
        approvedScopes: theContext.getApprovedScopes().size(), approved: theContext.hasApprovedScope('openid')
      })
    }
  });
  theUserSession.setUserData('mark', 'from log-in');
  theUserSession.addAuthority('FHIR_ALL_READ');
  theUserSession.removeAuthority('FHIR_ALL_WRITE');
  return theUserSession;
}
`;

export const recordingScripts: Readonly<Record<string, string>> = {
  'local-login.js': recorder + logIn,
  'partner-login.js': `${recorder}${logIn}
function getUserName(theOidcUserInfoMap, theServerInfo) {
  record('getUserName', {
    sub: theOidcUserInfoMap['sub'], sameSub: theOidcUserInfoMap.get('sub') === theOidcUserInfoMap['sub'],
    organization: theOidcUserInfoMap['organization'], missing: theOidcUserInfoMap.get('missing'),
    server: { id: theServerInfo.id, name: theServerInfo.getName(), issuer: theServerInfo.issuer }
  });
  return 'EXT_USER:' + theOidcUserInfoMap['sub'];
}
`,
  'codap.js': `${recorder}
function token(t) { return { alg: t.header.alg, iss: t.claims.iss, sub: t.getClaim('sub'), missing: t.getClaim('missing') }; }
function authenticate(theRequest, theOutcomeFactory) {
  record('authenticate', {
    authenticationToken: token(theRequest.authenticationToken),
    authorizationToken: token(theRequest.getAuthorizationToken()),
    requestingPractitioner: theRequest.requestingPractitioner,
    requestedRecord: theRequest.requestedRecord, requestedScopes: theRequest.requestedScopes,
    reasonForRequest: theRequest.reasonForRequest, acr: theRequest.acr, issuer: theRequest.issuer,
    clientId: theRequest.clientId, remoteAddress: typeof theRequest.remoteAddress, headers: typeof theRequest.headers
  });
  const success = theOutcomeFactory.newSuccess();
  success.username = 'visitor';
  success.addAuthority('FHIR_READ_ALL_IN_COMPARTMENT', 'Patient/patient-02');
  success.addLaunchResourceId('Patient', 'Patient/patient-02');
  success.setUserData('mark', 'from authenticate');
  return success;
}
`,
  'callbacks.js': `${recorder}
function onSmartLoginPreContextSelection(theUserSession, theContextSelectionChoices) {
  record('onSmartLoginPreContextSelection', {
    session: session(theUserSession),
    haveChoices: theContextSelectionChoices.haveChoices(), choices: theContextSelectionChoices.choices
  });
  theContextSelectionChoices.addChoice({ contextType: 'patient', resourceId: 'gone', display: 'Cleared' });
  theContextSelectionChoices.clear();
  theContextSelectionChoices.addChoice({
    contextType: 'patient', resourceId: 'Patient/jane', display: 'Jane Doe', birthDate: '1984-06-02', sex: 'female',
    identifier: 'MRN-10000'
  });
  theContextSelectionChoices.addChoice({
    contextType: 'Patient', resourceId: 'patient-03', display: 'Amina Okafor', launchParameters: { ward: 'B' }
  });
  theContextSelectionChoices.setRequired(true);
  theUserSession.addFhirContext('Organization/one');
}
function onTokenGenerating(theUserSession, theAuthorizationRequestDetails, theClientDetails) {
  const request = theAuthorizationRequestDetails;
  record('onTokenGenerating', {
    session: session(theUserSession),
    request: {
      clientId: request.clientId, memberId: request.memberId, grantType: request.grantType,
      requestedScopes: request.requestedScopes, approvedScopes: request.getApprovedScopes(),
      launch: request.getLaunch(), audience: request.getAudience(),
      aud: request.getRequestParameters().get('aud'), secret: request.getRequestParameters().get('code_challenge')
    },
    client: {
      clientId: theClientDetails.clientId, clientName: theClientDetails.getClientName(),
      scopes: theClientDetails.scopes.size() > 0, grantTypes: theClientDetails.grantTypes,
      permissions: theClientDetails.permissions.map(function (p) { return p.permission; })
    }
  });
  request.addAccessTokenClaim('department', { name: 'Cardiology', floor: 2 });
  request.addIdTokenClaim('greeting', 'hello');
  request.addLaunchParameter('need_patient_banner', true);
  request.removeScope('user/*.rs');
  request.addScope('custom/lab');
  if (theUserSession !== null) {
    theUserSession.addAuthority('FHIR_READ_ALL_IN_COMPARTMENT', 'Patient/jane');
    theUserSession.setFhirUserUrl('https://ehr.example/fhir/Practitioner/set-by-script');
    theUserSession.addLaunchResourceId('encounter', 'Encounter/visit-1');
    theUserSession.addFhirContext('ImagingStudy/two', 'https://ehr.example/role');
  }
}
function onPostAuthorize(theDetails) {
  record('onPostAuthorize', {
    clientId: theDetails.clientId, username: theDetails.getUsername(), grantType: theDetails.grantType,
    accessToken: theDetails.accessToken, grantedScopes: theDetails.grantedScopes, claims: theDetails.claims,
    launchParameters: theDetails.launchParameters, requestingPractitioner: theDetails.requestingPractitioner
  });
}
`,
};
