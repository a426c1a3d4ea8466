// The hospital's collector of audit events is told of each token: who got it, for which app, to see whose record.

function onPostAuthorize(theDetails) {
  // Whom it is about goes to the collector only. The token itself goes nowhere: a collector must not be able to use it.
  const event = {
    id: theDetails.claims.get('jti'),
    time: new Date().toISOString(),
    type: 'token-issued',
    app: theDetails.clientId,
    user: theDetails.username,
    grant: theDetails.grantType,
    scopes: theDetails.grantedScopes,
    patient: theDetails.launchParameters.get('patient'),
  };
  const response = Http.post(Environment.getEnv('COLLECTOR'))
    .addRequestHeader('Authorization', 'Bearer ' + Secrets.get('collectorKey'))
    // The same event twice is one event: whoever sends it again does no harm.
    .addRequestHeader('Idempotency-Key', event.id)
    .setContentJson(event)
    .execute();
  // The tenant's `policy.onPostAuthorizeOpen` decides what this means: here the token leaves, and the log says what failed.
  if (!response.isSuccess()) {
    throw new Error('the audit collector did not take the event: ' + response.getFailureMessage());
  }
  Log.info('audit event ' + event.id + ' for ' + event.app);
}
