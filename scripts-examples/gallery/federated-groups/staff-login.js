// Staff log in at the hospital's directory. What they are called here, and what they may do, follows from its claims.

// What each group of the directory may do. A group that is not listed gives nothing.
const RIGHTS = {
  'ehr-physicians': [['FHIR_ALL_READ'], ['FHIR_WRITE_ALL_OF_TYPE', 'Condition,MedicationRequest']],
  'ehr-nurses': [['FHIR_ALL_READ'], ['FHIR_WRITE_ALL_OF_TYPE', 'Observation']],
  'ehr-audit': [['FHIR_READ_ALL_OF_TYPE', 'AuditEvent']],
};

function getUserName(theOidcUserInfoMap, theServerInfo) {
  const [account, domain, more] = String(theOidcUserInfoMap.get('upn') || '')
    .toLowerCase()
    .split('@');
  // Directories hold guests, too: `ada@elsewhere.example` is not our `ada`.
  if (more !== undefined || domain !== Environment.getEnv('MAIL_DOMAIN') || !/^[a-z0-9._-]+$/.test(account)) {
    deny('the account is not one of the hospital');
  }
  // The prefix keeps directory accounts and local users apart, whatever they are called.
  return theServerInfo.id + ':' + account;
}

function onAuthenticateSuccess(theUserSession, theOutcomeFactory, theContext) {
  const known = groupsOf(theContext, theUserSession.username).filter(function (group) {
    return Object.hasOwn(RIGHTS, group);
  });
  if (known.length === 0) {
    const failure = theOutcomeFactory.newFailure();
    failure.message = 'none of the groups has rights here';
    return failure;
  }
  // The user is known from earlier log-ins, with what they could do then: a group that was left must leave no rights behind.
  theUserSession.authorities.length = 0;
  theUserSession.addAuthority('ROLE_FHIR_CLIENT');
  known.forEach(function (group) {
    RIGHTS[group].forEach(function (right) {
      theUserSession.addAuthority(right[0], right[1]);
    });
  });
  theUserSession.setUserData('groups', known);
  Log.info('rights of ' + known.join(', '));
  return theUserSession;
}

function groupsOf(theContext, username) {
  // Who is in too many groups has none in the token, but a hint where to ask (Microsoft Entra ID does so beyond 200).
  const elsewhere = theContext.getClaim('_claim_names');
  if (elsewhere === null || elsewhere.groups === undefined) {
    return theContext.getStringArrayClaim('groups');
  }
  const account = username.split(':').pop();
  const response = Http.get(Environment.getEnv('DIRECTORY') + '/accounts/' + encodeURIComponent(account) + '/groups')
    .addRequestHeader('Authorization', 'Bearer ' + Secrets.get('directoryKey'))
    .execute();
  // No answer is not "no groups", nor the groups of yesterday: nobody gets in until the directory is back.
  if (!response.isSuccess()) {
    throw new Error('the directory failed: ' + response.getFailureMessage());
  }
  return response.parseResponseAsJson().groups;
}
