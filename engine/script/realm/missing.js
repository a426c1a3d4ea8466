// Generated from engine/script/api/ by `npm run generate`. Do not edit.
// Properties of Smile CDR's models that are not there: reading one throws, for to answer undefined could let somebody in.
const missingProperties = {
  UserSessionDetails: {
    associatedResources:
      'UserSessionDetails.associatedResources is not supported. A session here is a person and what they bring to this launch, not a row of a table. The one that is the user is `fhirUserUrl`.',
    pid: 'UserSessionDetails.pid is not supported. A session here is a person and what they bring to this launch, not a row of a table. Use `username`.',
    nodeId:
      'UserSessionDetails.nodeId is not supported. A session here is a person and what they bring to this launch, not a row of a table. There are no named nodes.',
    moduleId:
      'UserSessionDetails.moduleId is not supported. A session here is a person and what they bring to this launch, not a row of a table. Use `theContext.moduleId` in `onAuthenticateSuccess`.',
    systemUser:
      'UserSessionDetails.systemUser is not supported. A session here is a person and what they bring to this launch, not a row of a table. There are none.',
    serviceAccount:
      'UserSessionDetails.serviceAccount is not supported. A session here is a person and what they bring to this launch, not a row of a table. Services are clients here: they have no user session, so `theUserSession` is null.',
    accountLocked:
      'UserSessionDetails.accountLocked is not supported. A session here is a person and what they bring to this launch, not a row of a table. No locked account reaches a hook.',
    accountDisabled:
      'UserSessionDetails.accountDisabled is not supported. A session here is a person and what they bring to this launch, not a row of a table. No disabled account reaches a hook.',
  },
  OAuth2Server: {
    pid: 'OAuth2Server.pid is not supported. Scripts get only what says which provider it is. Use `id`.',
    nodeId:
      'OAuth2Server.nodeId is not supported. Scripts get only what says which provider it is. There are no named nodes.',
    moduleId: 'OAuth2Server.moduleId is not supported. Scripts get only what says which provider it is. Use `id`.',
    federationRegistrationId:
      'OAuth2Server.federationRegistrationId is not supported. Scripts get only what says which provider it is. Use `id`.',
    organizationId:
      'OAuth2Server.organizationId is not supported. Scripts get only what says which provider it is. Keep it in the tenant’s `environment`, by the id of the provider.',
    notes:
      'OAuth2Server.notes is not supported. Scripts get only what says which provider it is. Keep it in the tenant’s `environment`.',
    fhirEndpointUrl:
      'OAuth2Server.fhirEndpointUrl is not supported. Scripts get only what says which provider it is. Name it in the tenant’s `fhirServers` and use `sallyport/fhir`.',
  },
  ClientDetails: {
    allowedGrantTypes:
      'ClientDetails.allowedGrantTypes is not supported. Scripts get what says who the client is and what it may do. Use `grantTypes`.',
    clientSecrets:
      'ClientDetails.clientSecrets is not supported. Scripts get what says who the client is and what it may do. No secret of a client reaches a script.',
    autoApproveScopes:
      'ClientDetails.autoApproveScopes is not supported. Scripts get what says who the client is and what it may do. Use `theAuthorizationRequestDetails.approvedScopes`.',
  },
};

/** For each model an object to inherit from. All invocations share them, so they are frozen as deep as they go. */
const lacking = {};
for (const model of ownKeys(missingProperties)) {
  lacking[model] = {};
  for (const name of ownKeys(missingProperties[model])) {
    const fail = freeze(() => {
      throw new ErrorType(missingProperties[model][name]);
    });
    const capital = name[0].toUpperCase() + name.slice(1);
    defineProperty(lacking[model], name, { get: fail, set: fail });
    defineProperty(lacking[model], `get${capital}`, { value: fail });
  }
  freeze(lacking[model]);
}
