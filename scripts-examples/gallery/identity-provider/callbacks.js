// The other side of a federated log-in: says in the ID token what relying hospitals ask for.

// Each relying party gets what it is for, and nothing else: a hospital need not know everybody's national number.
const CLAIMS = {
  'federated-groups': ['upn'],
  'patient-lookup': ['health_number', 'birthdate'],
  'step-up': ['upn', 'acrs'],
};

function onTokenGenerating(theUserSession, theAuthorizationRequestDetails, theClientDetails) {
  if (theUserSession === null) {
    return;
  }
  // Hospitals rely on this: an account that is kept for its history must not open their doors any more.
  if (theUserSession.getUserData('left') !== null) {
    deny('the person has left');
  }
  const wanted = Object.hasOwn(CLAIMS, theClientDetails.clientId) ? CLAIMS[theClientDetails.clientId] : [];
  wanted.forEach(function (name) {
    const value = theUserSession.getUserData(name);
    if (value !== null) {
      theAuthorizationRequestDetails.addIdTokenClaim(name, value);
    }
  });
  if (theClientDetails.clientId === 'federated-groups') {
    addGroups(theUserSession.getUserData('groups'), theAuthorizationRequestDetails);
  }
}

/** Directories leave the groups out of a token that they would make too long, and say where they are instead. */
function addGroups(groups, theAuthorizationRequestDetails) {
  if (groups === 'too many') {
    theAuthorizationRequestDetails.addIdTokenClaim('_claim_names', { groups: 'directory' });
  } else {
    theAuthorizationRequestDetails.addIdTokenClaim('groups', groups || []);
  }
}
