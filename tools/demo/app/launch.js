/* The address a record system opens: `?iss=<FHIR base>&launch=<opaque handle>`. */
const { FHIR } = globalThis;

function show(text) {
  document.getElementById('progress').hidden = true;
  document.getElementById('problem-text').textContent = text;
  document.getElementById('problem').hidden = false;
}

const parameters = new URLSearchParams(location.search);
const iss = parameters.get('iss');
const launch = parameters.get('launch');
// The app talks only to the record system it was set up with: any other `iss` could be a trap that collects logins.
const ownBase = `${location.origin}/demo/fhir/r4`;

if (!iss || !launch) {
  show('This page is opened by a record system, with the parameters iss and launch. One of them is missing.');
} else if (iss.replace(/\/$/, '') !== ownBase) {
  show('This app is not set up to work with the record system that opened it.');
} else {
  try {
    await FHIR.oauth2.authorize({
      clientId: 'sample-app',
      scope: 'openid fhirUser launch patient/*.rs online_access',
      redirectUri: `${location.origin}/app/`,
      iss,
      launch,
    });
  } catch (error) {
    show(error instanceof Error ? error.message : String(error));
  }
}
