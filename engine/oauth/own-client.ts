/**
 * The `client_id` of the tokens that a tenant makes for its own scripts. No app may have it. A FHIR server verifies such tokens
 * by the tenant's keys; they are not stored to be introspected.
 */
export const ownClientId = 'sallyport-scripts';
