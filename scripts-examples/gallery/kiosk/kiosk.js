// The kiosk in the waiting room, bound to its app alone: patients look up their appointments, and leave nothing behind.

// What the kiosk is for. It need not be trusted to ask for no more.
const ALLOWED = ['openid', 'launch/patient', 'patient/Appointment.rs', 'patient/Patient.r'];

function onSmartLoginPreContextSelection(theUserSession, theContextSelectionChoices) {
  const match = /\/Patient\/([A-Za-z0-9.-]+)$/.exec(theUserSession.fhirUserUrl || '');
  // Staff who log in here would leave a record open in the waiting room.
  if (match === null) {
    deny('the kiosk is for patients');
  }
  theUserSession.addLaunchResourceId('patient', match[1]);
}

function onTokenGenerating(theUserSession, theAuthorizationRequestDetails, theClientDetails) {
  if (theUserSession === null) {
    deny('the kiosk acts for patients only');
  }
  const approved = Array.from(theAuthorizationRequestDetails.approvedScopes);
  approved.forEach(function (scope) {
    if (!ALLOWED.includes(scope)) {
      theAuthorizationRequestDetails.removeScope(scope);
    }
  });
  // Of the whole record, the parts that the kiosk is for.
  if (approved.includes('patient/*.rs')) {
    theAuthorizationRequestDetails.addScope('patient/Appointment.rs');
    theAuthorizationRequestDetails.addScope('patient/Patient.r');
  }
  theAuthorizationRequestDetails.addAccessTokenClaim('device', 'kiosk');
}
