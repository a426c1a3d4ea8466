// One person is another Practitioner on each FHIR server. `fhirUser` names the one on the server that the token is for.

function onTokenGenerating(theUserSession, theAuthorizationRequestDetails, theClientDetails) {
  // Nobody is looked up for an app that does not want to know who its user is.
  if (theUserSession === null || !theAuthorizationRequestDetails.approvedScopes.includes('fhirUser')) {
    return;
  }
  const server = theAuthorizationRequestDetails.getAudience();
  const found = practitionersOf(server, theUserSession.getUserData('employeeNumber'));
  // Two records of one employee: whichever were taken, the app might show one person the work of another.
  if (found.length > 1) {
    deny('the employee number stands for ' + found.length + ' practitioners');
  }
  // Somebody who does not work with this server is let in, but not as a practitioner of it.
  if (found.length === 0) {
    theUserSession.setFhirUserUrl(null);
    theAuthorizationRequestDetails.removeScope('fhirUser');
    Log.info('no practitioner on this server');
    return;
  }
  theUserSession.setFhirUserUrl(server + '/Practitioner/' + found[0].id);
}

function practitionersOf(server, employeeNumber) {
  if (!employeeNumber) {
    return [];
  }
  // The server is one of the tenant's, so the search has the tenant's credential.
  return FhirClientFactory.newClient(server)
    .search()
    .forResource('Practitioner')
    .whereToken('identifier', Environment.getEnv('EMPLOYEE_NUMBERS'), employeeNumber)
    .where('active', 'true')
    .count(2)
    .asList();
}
