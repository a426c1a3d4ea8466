/** What an import makes of a node of Smile CDR, and what it says about it. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { verifySlowHash } from '../../engine/store/secret.ts';
import { loadTenants } from '../../engine/tenant/load-all.ts';
import { readProperties } from '../../tools/import/smilecdr/properties.ts';
import { documentIn, meadow, type Node, reportOf, secretsOfMeadow, variablesOfMeadow } from './support.ts';

describe('an import from Smile CDR', function () {
  this.timeout(60_000);
  let node: Node;
  let report: string;
  before(async () => {
    node = await meadow();
    report = reportOf(await node.run());
  });
  after(() => node.remove());

  const made = (name: string) => join(node.into, name);
  const clientOf = async (tenant: string, clientId: string) =>
    (await documentIn(made(tenant))).clients?.find((client) => client.clientId === clientId);

  /** The lines of one section of the report that speak of a place. */
  function lines(section: 'Missing' | 'Differs' | 'Carried over' | 'Before the first start', place: string): string {
    const text = report.split(/^## /m).find((part) => part.startsWith(section)) ?? '';
    return text
      .split('\n')
      .filter((line) => line.includes(place))
      .join('\n');
  }

  it('makes a tenant of each module, which pass the check once their variables are set', async () => {
    expect((await readdir(node.into)).sort()).to.deep.equal(['import-report.md', 'orchard_auth', 'smart_auth']);
    const { tenants, problems, warnings } = await loadTenants(node.into, variablesOfMeadow);
    expect(problems).to.deep.equal([]);
    expect(tenants.map(({ id, issuer }) => [id, issuer])).to.deep.equal([
      ['orchard_auth', 'http://localhost:9200/orchard'],
      ['smart_auth', 'http://localhost:9200/meadow'],
    ]);
    // The second tenant's only app asks for no FHIR. The text of the terms is in a skin, which stays behind.
    expect(warnings.map(({ code }) => code)).to.deep.equal(['terms-sample']);
    expect((await loadTenants(node.into, {})).problems.map(({ code }) => code)).to.deep.equal(
      Array(3).fill('secret-missing'),
    );
  });

  it('brings over what the module is set to', async () => {
    const document = await documentIn(made('smart_auth'));
    expect(document).to.deep.include({
      fhirServers: [
        { name: 'r4', url: 'http://localhost:9200/fhir/r4', access: { type: 'own-token', scope: 'system/*.rs' } },
        { name: 'r5', url: 'https://fhir.meadow.example/r5' },
      ],
      lifetimes: { sessionSeconds: 2700 },
      termsOfService: { version: '2026-07' },
      requestParameterAllowList: ['aud', 'launch', 'scope'],
      frameAncestors: ['https://ehr.meadow.example'],
      scripts: { callbacks: 'callbacks.js', codapAuthorization: 'codap.js' },
      inbound: [{ type: 'local', id: 'local_security', script: 'local_security.js' }],
      outboundHttp: { allow: ['context.meadow.example'] },
      environment: { MEADOW_REGION: { env: 'MEADOW_REGION' } },
    });
    expect(document).not.to.have.any.keys('codap', 'federation', 'providers', 'skin', '$schema');
  });

  it('brings over scripts as they are, those of the properties file without its escapes', async () => {
    const original = await readFile(join(node.path, 'classes/scripts/callbacks.js'), 'utf8');
    expect(await readFile(made('smart_auth/callbacks.js'), 'utf8')).to.equal(original);
    expect(await readFile(made('smart_auth/local_security.js'), 'utf8')).to.equal(
      `function onAuthenticateSuccess(theOutcome, theOutcomeFactory, theContext) {
  // Grüße aus 東京 \\ and more
  theOutcome.setUserData('via', theContext.moduleId + ' Grüße');
  return theOutcome;
}
`,
    );
  });

  it('keeps secrets where only their owner reads them, and nowhere else', async () => {
    const files = (await readdir(node.into, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
    const secret = files.filter(({ parentPath }) => parentPath.endsWith('/secrets'));
    expect(secret.map(({ name }) => name).sort()).to.deep.equal(['client-meadow-web-1', 'provider-partner-hospital']);
    for (const { parentPath, name } of files) {
      const isSecret = parentPath.endsWith('/secrets') || name === 'signing.jwks.json';
      const path = join(parentPath, name);
      expect((await stat(path)).mode & 0o777, path).to.equal(isSecret ? 0o600 : 0o644);
      if (isSecret) continue;
      const text = await readFile(path, 'utf8');
      expect(text, path).not.to.match(/"d":/);
      for (const plain of secretsOfMeadow.filter(
        (word) => word.includes('-of-the-fixture') || word.startsWith('partner-'),
      ))
        expect(text, path).not.to.include(plain);
    }
    expect((await stat(made('smart_auth/secrets'))).mode & 0o777).to.equal(0o700);
    expect(await readFile(made('smart_auth/secrets/client-meadow-web-1'), 'utf8')).to.equal(
      'plain-secret-of-the-fixture\n',
    );
  });

  it('says nothing secret, neither of what it brought over nor of what it left', () => {
    for (const secret of secretsOfMeadow) expect(report).not.to.include(secret);
  });

  it('prints what it writes', async () => {
    expect(await readFile(made('import-report.md'), 'utf8')).to.equal(report);
  });

  it('has a line for every property of the modules it read', async () => {
    const { entries } = readProperties(await readFile(join(node.path, 'cdr-config-Master.properties'), 'utf8'));
    const read = entries.filter(({ key }) => /^(module\.(smart_auth|orchard_auth|local_security)\.|node\.)/.test(key));
    expect(read.length).to.be.greaterThan(40);
    for (const { key } of read) {
      // A module that becomes part of a tenant is told at what requires it.
      if (key === 'module.local_security.type') continue;
      expect(report, key).to.include(`\`${key}\``);
    }
    for (const { key } of entries.filter((entry) => entry.key.endsWith('.type')))
      if (key !== 'module.local_security.type') expect(report, key).to.include(`\`${key}\``);
  });

  it('sorts them by what became of them', () => {
    const at = 'module.smart_auth.';
    expect(lines('Carried over', `${at}config.pkce.required`)).to.include('S256');
    expect(lines('Carried over', `${at}requires.SECURITY_IN_UP`)).to.include('local_security');
    expect(lines('Differs', `${at}config.rotate_refresh_token_after_use`)).to.include('always rotate');
    expect(lines('Differs', `${at}config.port`)).to.include('`PORT`');
    expect(lines('Differs', `${at}config.issuer.url`)).to.include('slash');
    expect(lines('Differs', `${at}config.tos.version_string`)).to.include('termsOfService.text');
    expect(lines('Missing', `${at}config.codap.enabled`)).to.include('codap.trust');
    expect(lines('Missing', `${at}config.tls.enabled`)).to.include('proxy');
    expect(lines('Missing', `${at}config.sessions.timout.minutes`)).to.include('did you mean "sessions.timeout.mins"?');
    expect(lines('Missing', 'module.directory.type')).to.include('LDAP');
    expect(lines('Missing', 'module.orchard_auth.requires.SECURITY_IN_UP')).to.include('SECURITY_IN_LDAP');
    expect(lines('Missing', 'module.orchard_auth.config.openid.signing.keystore_id')).to.include('known to everybody');
  });

  it('tells what to do before the first start', () => {
    for (const name of Object.keys(variablesOfMeadow)) expect(lines('Before the first start', name)).to.include('Set');
    expect(lines('Before the first start', 'federation/callback')).to.include(
      'http://localhost:9200/orchard/federation/callback/partner-hospital',
    );
  });

  describe('of clients', () => {
    it('keeps what they may do, and hashes of secrets with their time', async () => {
      expect(await clientOf('smart_auth', 'meadow-backend')).to.deep.include({
        clientName: 'Meadow backend',
        enabled: true,
        tokenEndpointAuthMethods: ['client_secret_basic', 'client_secret_post'],
        secrets: [
          {
            value: { hash: '$2b$10$.yfEGBx.3G2frxvA6IeMDO/1O8YJRAgXYDNiyaVN1YKtW8Pw34hVC' },
            activation: '2026-01-01T00:00:00.000Z',
          },
          {
            value: { hash: '$pbkdf2-any$i=10000$usJf2PBt+x8$cfoc6KDQY0pq88LnnRpKjbjYXBTqIl9xKJd4uS2NglM' },
            description: 'the older one',
            expiration: '2099-01-01T00:00:00.000Z',
          },
        ],
        grantTypes: ['client_credentials'],
        scopes: ['system/*.read'],
        permissions: [{ permission: 'ROLE_FHIR_CLIENT_SUPERUSER_RO' }],
        accessTokenSeconds: 300,
        refreshTokenSeconds: 86400,
        canIntrospectOwnTokens: true,
      });
      expect(lines('Differs', '/clients/0/clientSecrets/1/secret')).to.include('SHA-256 and SHA-1 are both tried');
      expect(lines('Missing', '/clients/0/canReissueTokens')).not.to.equal('');
    });

    it('drops grants, addresses and scopes that cannot be, each with its reason', async () => {
      expect(await clientOf('smart_auth', 'meadow-native')).to.deep.include({
        tokenEndpointAuthMethods: ['none'],
        grantTypes: ['authorization_code', 'refresh_token'],
        redirectUris: ['http://127.0.0.1/callback', 'example.meadow.app:/callback'],
        scopes: ['openid', 'fhirUser', 'launch/patient', 'patient/*.read', 'offline_access'],
        rememberApprovedScopes: true,
      });
      expect(lines('Missing', '/clients/1/allowedGrantTypes/2')).to.include('RFC 9700');
      expect(lines('Missing', '/clients/1/allowedGrantTypes/3')).to.include('apps must not see passwords');
      expect(lines('Missing', '/clients/1/registeredRedirectUris/1')).to.include('wildcards');
      expect(lines('Missing', '/clients/1/registeredRedirectUris/2')).to.include('https');
      expect(lines('Missing', '/clients/1/scopes/5')).to.include('patient/broken');
      expect(lines('Missing', '/clients/1/favouriteColour')).to.include('not known');
    });

    it('puts plain secrets into files, leaves variables, and asks for those that are masked', async () => {
      expect((await clientOf('smart_auth', 'meadow-web'))?.secrets).to.deep.equal([
        { value: { file: 'secrets/client-meadow-web-1' } },
        { value: { env: 'MEADOW_WEB_SECRET' } },
      ]);
      expect((await clientOf('smart_auth', 'meadow-masked'))?.secrets).to.deep.equal([
        { value: { env: 'MEADOW_MASKED_SECRET' } },
      ]);
      expect(lines('Missing', '/clients/3/allowedGrantTypes/1')).to.include('CODAP');
      expect(lines('Missing', '/clients/3/clientSecrets')).to.include('masked');
    });

    it('keeps public keys, and asks clients with keys for no secret', async () => {
      expect(await clientOf('smart_auth', 'meadow-keys')).to.deep.include({
        tokenEndpointAuthMethods: ['private_key_jwt'],
        jwksFile: 'keys/meadow-keys.jwks.json',
      });
      const jwks = JSON.parse(await readFile(made('smart_auth/keys/meadow-keys.jwks.json'), 'utf8')) as {
        keys: object[];
      };
      expect(jwks.keys[0]).to.include({ kid: 'k1', crv: 'P-384' });
    });

    it('gives each to the module it is of, and leaves out the archived and the foreign', async () => {
      const ids = async (tenant: string) => (await documentIn(made(tenant))).clients?.map(({ clientId }) => clientId);
      expect(await ids('smart_auth')).to.deep.equal([
        'meadow-backend',
        'meadow-native',
        'meadow-web',
        'meadow-masked',
        'meadow-keys',
      ]);
      expect(await ids('orchard_auth')).to.deep.equal(['orchard-native']);
      expect(lines('Differs', '/clients/5/archivedAt')).to.include('archived');
      expect(lines('Missing', '`/clients/7`')).to.include('elsewhere');
    });
  });

  it('brings people over with their hashes, permissions and contexts, and tells what they lose', async () => {
    const { users } = await documentIn(made('smart_auth'));
    expect(users?.map(({ username }) => username)).to.deep.equal(['LINDEN', 'orchard', 'plain', 'nobody']);
    expect(users?.[0]).to.deep.equal({
      username: 'LINDEN',
      passwordHash: '$2b$10$2k7dIiVSAOGDD65zKkftn.O3O7W31Ch.FwszMjgKhr4wNtz1uIB1S',
      givenName: 'Mara',
      familyName: 'Linden',
      email: 'mara.linden@meadow.example',
      enabled: true,
      authorities: [
        { permission: 'ROLE_FHIR_CLIENT' },
        { permission: 'FHIR_READ_ALL_IN_COMPARTMENT', argument: 'Patient/p-7' },
      ],
      fhirUser: 'http://localhost:9200/fhir/r4/Patient/p-7',
      defaultLaunchContexts: [{ contextType: 'patient', resourceId: 'p-7' }],
      notes: 'ward 7',
    });
    expect(users?.[1]?.passwordHash).to.match(/^\$pbkdf2-any\$i=10000\$/);
    expect(users?.[2]).to.deep.include({ enabled: false });
    expect(await verifySlowHash(users?.[2]?.passwordHash ?? '', 'plain-password-of-the-fixture')).to.equal(true);
    expect(users?.[3]).to.deep.include({ enabled: false });
    expect(users?.[3]).not.to.have.any.keys('password', 'passwordHash');
    expect(lines('Missing', '/users/1/twoFactorAuthStatus')).to.include('second factor up anew');
    expect(lines('Missing', '/users/1/authorities/1/permission')).not.to.equal('');
    expect(lines('Missing', '/users/2/email')).not.to.equal('');
    expect(lines('Missing', '/users/3/password')).to.include('cannot log in');
    expect(lines('Differs', '/users/4/systemUser')).not.to.equal('');
    expect(lines('Differs', '/users/5/external')).to.include('first log-in');
    expect(lines('Missing', '`/users/6`')).to.include('admin_security');
  });

  it('brings keys over, the one that signs first, and takes RS512 for what it can sign', async () => {
    const { keystore } = await documentIn(made('smart_auth'));
    expect(keystore).to.deep.equal({ algorithms: ['RS256', 'ES384'], jwksFile: 'keys/signing.jwks.json' });
    const jwks = JSON.parse(await readFile(made('smart_auth/keys/signing.jwks.json'), 'utf8')) as {
      keys: { kid: string; alg: string; d: string }[];
    };
    expect(jwks.keys.map(({ kid, alg }) => [kid, alg])).to.deep.equal([
      ['rsa-1', 'RS256'],
      ['ec-1', 'ES384'],
    ]);
    expect(lines('Differs', '/keystores/1/filePath')).to.include('RS512');
    expect((await documentIn(made('orchard_auth'))).keystore).to.equal(undefined);
  });

  it('makes a provider of a server definition, with both scripts in one', async () => {
    const document = await documentIn(made('orchard_auth'));
    expect(document).to.deep.include({
      inbound: [],
      federation: { passwordForm: false, autoRedirect: true },
      providers: [
        {
          id: 'partner-hospital',
          name: 'Partner Hospital',
          issuer: 'http://localhost:9200/partner',
          clientId: 'demo-federation',
          clientSecret: { file: 'secrets/provider-partner-hospital' },
          scopes: ['openid', 'profile', 'fhirUser'],
          federationAuth: 'providers/partner-hospital.js',
        },
      ],
    });
    expect(lines('Missing', '/servers/1/tokenIntrospectionClientId')).to.include('No client id');
    expect(lines('Missing', '`/servers/2`')).to.include('SECURITY_IN_LDAP');
    expect(lines('Differs', '/servers/0/federationAuthorizationUrl')).to.include('Discovered');
  });
});
