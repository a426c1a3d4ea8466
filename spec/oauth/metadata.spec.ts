import { expect } from 'chai';
import { authorizationServerMetadata, openidConfiguration, smartConfiguration } from '../../engine/oauth/metadata.ts';
import type { Tenant } from '../../engine/tenant/tenant.ts';

function tenantWith(more: Partial<Tenant> = {}): Tenant {
  return {
    id: 'a',
    issuer: 'https://as.example.org/a',
    fhirServers: [{ name: 'r4', url: 'https://fhir.example.org/r4' }],
    keystore: { algorithms: ['RS256', 'ES384'], imported: [] },
    lifetimes: { refreshTokenSeconds: 100 },
    inbound: [{ type: 'local', id: 'local' }],
    providers: [],
    secondFactor: { level: 'optional', acrValues: ['mfa'] },
    scripts: {},
    launch: { searches: [] },
    codap: { enabled: false, trust: [] },
    ...more,
  } as unknown as Tenant;
}

describe('metadata', () => {
  it('tells what a full tenant offers', () => {
    const smart = smartConfiguration(tenantWith(), 'r4') as Record<string, string[]>;
    expect(smart).to.deep.include({
      issuer: 'https://as.example.org/a',
      jwks_uri: 'https://as.example.org/a/jwk',
      code_challenge_methods_supported: ['S256'],
    });
    expect(smart['capabilities']).to.include.members([
      'launch-ehr',
      'launch-standalone',
      'authorize-post',
      'sso-openid-connect',
      'permission-v1',
      'permission-v2',
      'permission-offline',
    ]);
    expect(smart['token_endpoint_auth_signing_alg_values_supported']).to.include.members(['RS384', 'ES384']);
    expect(openidConfiguration(tenantWith())).to.deep.include({
      id_token_signing_alg_values_supported: ['RS256', 'ES384'],
      end_session_endpoint: 'https://as.example.org/a/session/end',
      authorization_response_iss_parameter_supported: true,
      response_types_supported: ['code'],
      acr_values_supported: ['mfa'],
    });
  });

  it('offers no log-in where nobody can log in', () => {
    const tenant = tenantWith({ inbound: [] });
    const smart = smartConfiguration(tenant);
    expect(smart).to.not.have.any.keys('issuer', 'jwks_uri', 'authorization_endpoint', 'management_endpoint');
    expect(smart['capabilities']).to.deep.equal(['client-confidential-asymmetric', 'permission-v1', 'permission-v2']);
    expect(smart['grant_types_supported']).to.deep.equal(['client_credentials']);
    expect(openidConfiguration(tenant)).to.not.have.any.keys('userinfo_endpoint', 'authorization_endpoint');
  });

  it('lists issuer exactly with sso-openid-connect', () => {
    for (const tenant of [
      tenantWith(),
      tenantWith({ inbound: [] }),
      tenantWith({ keystore: { algorithms: [], imported: [] } }),
    ]) {
      const smart = smartConfiguration(tenant);
      const sso = (smart['capabilities'] as string[]).includes('sso-openid-connect');
      expect('issuer' in smart).to.equal(sso);
      expect('jwks_uri' in smart).to.equal(sso);
    }
  });

  it('follows refresh, CODAP, script and searches', () => {
    const without = smartConfiguration(tenantWith({ lifetimes: { refreshTokenSeconds: 0 } as Tenant['lifetimes'] }));
    expect(without['capabilities']).to.not.include.members(['permission-offline']);
    expect(without['grant_types_supported']).to.not.include('refresh_token');
    expect(smartConfiguration(tenantWith())['capabilities']).to.not.include('context-standalone-encounter');
    const searching = (resourceType: string) =>
      smartConfiguration(tenantWith({ launch: { searches: [{ resourceType }] } as unknown as Tenant['launch'] }));
    expect(searching('Encounter')['capabilities']).to.include('context-standalone-encounter');
    expect(searching('Patient')['capabilities']).to.not.include('context-standalone-encounter');
    const grants = authorizationServerMetadata(tenantWith({ codap: { enabled: true, trust: [] } }))[
      'grant_types_supported'
    ];
    expect(grants).to.include('urn:ietf:params:oauth:grant-type:jwt-bearer');
  });

  it('offers what is not there to nobody', () => {
    for (const document of [
      openidConfiguration(tenantWith()),
      authorizationServerMetadata(tenantWith()),
      smartConfiguration(tenantWith()),
    ]) {
      expect(document).to.not.have.any.keys('registration_endpoint', 'pushed_authorization_request_endpoint');
      const urls = Object.entries(document).filter(([name]) => name.endsWith('_endpoint') || name.endsWith('_uri'));
      for (const [, url] of urls) expect(url).to.match(/^https:\/\/as\.example\.org\/a\//);
    }
    expect(smartConfiguration(tenantWith(), 'r5')).to.equal(undefined);
  });
});
