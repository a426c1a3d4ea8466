// Apps behind this server decide by the roles of their user, so the tokens say them.

function onTokenGenerating(theUserSession, theAuthorizationRequestDetails, theClientDetails) {
  // A service has no roles; what it may do stands in its permissions.
  if (theUserSession === null) {
    return;
  }
  const match = /\/Practitioner\/([A-Za-z0-9.-]+)$/.exec(theUserSession.getFhirUserUrl() || '');
  // Patients and other people have no role of a practitioner either.
  if (match === null) {
    return;
  }
  // Asked anew for each token, refreshed ones included: a role that was taken away is gone within minutes.
  const practitionerRoles = Fhir.search()
    .forResource('PractitionerRole')
    .whereReference('practitioner', 'Practitioner/' + match[1])
    .where('active', 'true')
    .asList();
  // The practitioner has left, or was never given a role: either way they have no business here.
  if (practitionerRoles.size() === 0) {
    deny('the practitioner has no active role');
  }
  const roles = codesOf(practitionerRoles, Environment.getEnv('ROLE_SYSTEM'));
  const departments = unique(
    practitionerRoles
      .map(function (role) {
        return role.organization && role.organization.reference;
      })
      .filter(Boolean),
  );
  theAuthorizationRequestDetails.addAccessTokenClaim('hospital_roles', roles);
  theAuthorizationRequestDetails.addAccessTokenClaim('hospital_departments', departments);
  theAuthorizationRequestDetails.addIdTokenClaim('hospital_roles', roles);
  Log.info('roles: ' + roles.join(', '));
}

/** The codes of one system only: the same role may be coded for billing, too. */
function codesOf(practitionerRoles, system) {
  const codes = practitionerRoles.flatMap(function (role) {
    return (role.code || [])
      .flatMap(function (concept) {
        return concept.coding || [];
      })
      .filter(function (coding) {
        return coding.system === system && coding.code;
      })
      .map(function (coding) {
        return coding.code;
      });
  });
  return unique(codes);
}

function unique(values) {
  return Array.from(new Set(values)).sort();
}
