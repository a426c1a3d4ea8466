/** The server's CapabilityStatement (FHIR R4), with the OAuth addresses older apps read from it. */

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris';

const SEARCHES: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  Patient: [
    ['_id', 'token'],
    ['name', 'string'],
  ],
  Practitioner: [
    ['_id', 'token'],
    ['name', 'string'],
  ],
  Organization: [
    ['_id', 'token'],
    ['name', 'string'],
  ],
  Encounter: [
    ['_id', 'token'],
    ['patient', 'reference'],
    ['subject', 'reference'],
  ],
  Condition: [
    ['_id', 'token'],
    ['patient', 'reference'],
    ['subject', 'reference'],
    ['code', 'token'],
    ['category', 'token'],
  ],
  Observation: [
    ['_id', 'token'],
    ['patient', 'reference'],
    ['subject', 'reference'],
    ['code', 'token'],
    ['category', 'token'],
  ],
};

export const RESOURCE_TYPES: ReadonlySet<string> = new Set(Object.keys(SEARCHES));

/** @param base the FHIR base URL; @param issuer the authorization server's issuer */
export function capabilityStatement(base: string, issuer: string): object {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: '2026-01-01',
    kind: 'instance',
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    software: { name: 'Sallyport demo FHIR server' },
    implementation: { description: 'Made-up records to try apps against', url: base },
    rest: [
      {
        mode: 'server',
        security: {
          cors: true,
          service: [
            {
              coding: [
                { system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR' },
              ],
            },
          ],
          extension: [
            {
              url: OAUTH_URIS,
              extension: [
                { url: 'authorize', valueUri: `${issuer}/oauth/authorize` },
                { url: 'token', valueUri: `${issuer}/oauth/token` },
                { url: 'introspect', valueUri: `${issuer}/oauth/token/introspect` },
                { url: 'revoke', valueUri: `${issuer}/oauth/token/revoke` },
              ],
            },
          ],
        },
        resource: Object.entries(SEARCHES).map(([type, parameters]) => ({
          type,
          interaction: [{ code: 'read' }, { code: 'search-type' }],
          searchParam: parameters.map(([name, kind]) => ({ name, type: kind })),
        })),
      },
    ],
  };
}
