/** openid-client as the app. The one option it is given beyond its defaults lets it speak plain http on loopback. */
import { expect } from 'chai';
import * as client from 'openid-client';
import { createPerson, type Person } from '../support/person.ts';
import { rejectionCode } from '../support/rejection.ts';
import type { TestServer } from '../support/server.ts';
import { callback, demoKey, onPostgres } from './stage.ts';

const scope = 'openid fhirUser profile launch/patient patient/*.rs offline_access';

function discover(server: TestServer, clientId: string, method: client.ClientAuth): Promise<client.Configuration> {
  return client.discovery(new URL(server.issuer), clientId, undefined, method, {
    execute: [client.allowInsecureRequests],
  });
}

interface Started {
  readonly url: URL;
  readonly checks: client.AuthorizationCodeGrantChecks & { expectedState: string; expectedNonce: string };
}

async function start(
  server: TestServer,
  configuration: client.Configuration,
  more: Record<string, string> = {},
): Promise<Started> {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const expectedNonce = client.randomNonce();
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: callback,
    scope,
    aud: `${server.issuer}/fhir/r4`,
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...more,
  });
  return { url, checks: { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true } };
}

async function walk(person: Person, { url }: Started, username = 'drsmith'): Promise<URL> {
  return person.walk(await person.open(url.href), { username });
}

async function logIn(server: TestServer, configuration: client.Configuration, username = 'drsmith') {
  const person = createPerson(server.url);
  const started = await start(server, configuration);
  const back = await walk(person, started, username);
  return { person, tokens: await client.authorizationCodeGrant(configuration, back, started.checks) };
}

/** The OAuth error code the server told the library, whichever way the library wraps it. */
async function oauthError(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof client.ResponseBodyError || error instanceof client.AuthorizationResponseError)
    return error.error;
  if (error instanceof client.WWWAuthenticateChallengeError) {
    const challenged = error.cause[0]?.parameters['error'];
    return challenged ?? ((await error.response.clone().json()) as { error?: unknown }).error;
  }
  throw error ?? new Error('the server should have refused');
}

const apps: readonly [string, string, (server: TestServer) => Promise<client.ClientAuth>][] = [
  ['a public client', 'sample-native', async () => client.None()],
  ['a secret in the header', 'sample-web', async () => client.ClientSecretBasic('demo-secret')],
  ['a secret in the body', 'sample-web', async () => client.ClientSecretPost('demo-secret')],
  [
    'private_key_jwt with ES384',
    'sample-asym',
    async (server) => client.PrivateKeyJwt(await demoKey(server, 'sample-asym', 'ES384')),
  ],
  [
    'private_key_jwt with RS384',
    'sample-asym',
    async (server) => client.PrivateKeyJwt(await demoKey(server, 'sample-asym', 'RS384')),
  ],
];

onPostgres('openid-client', (server) => {
  for (const [name, clientId, method] of apps) {
    it(`logs a person in, refreshes and revokes as ${name}`, async () => {
      const configuration = await discover(server(), clientId, await method(server()));
      const { tokens } = await logIn(server(), configuration);
      expect(tokens.token_type).to.equal('bearer');
      expect(tokens.expiresIn()).to.be.within(200, 300);
      expect(tokens['patient']).to.equal('jane');
      expect(tokens.scope?.split(' ')).to.include.members(['openid', 'patient/*.rs', 'offline_access']);
      const claims = tokens.claims();
      expect(claims).to.include({
        iss: server().issuer,
        sub: 'drsmith',
        aud: clientId,
        fhirUser: `${server().issuer}/fhir/r4/Practitioner/drsmith`,
        demo_greeting: 'Hello Dana',
      });
      const person = await client.fetchUserInfo(configuration, tokens.access_token, 'drsmith');
      expect(person).to.include({ sub: 'drsmith', given_name: 'Dana', family_name: 'Smith' });
      const record = new URL(`${server().issuer}/fhir/r4/Patient/jane`);
      const read = await client.fetchProtectedResource(configuration, tokens.access_token, record, 'GET');
      expect(await read.json()).to.include({ resourceType: 'Patient', id: 'jane' });

      const fresh = await client.refreshTokenGrant(configuration, tokens.refresh_token ?? '');
      expect(fresh.access_token).to.be.a('string').and.not.equal(tokens.access_token);
      expect(fresh.refresh_token).to.be.a('string').and.not.equal(tokens.refresh_token);
      expect(fresh.claims()?.sub).to.equal('drsmith');

      const resourceServer = await discover(server(), 'resource-server', client.ClientSecretBasic('demo-secret'));
      expect(await client.tokenIntrospection(resourceServer, fresh.access_token)).to.include({
        active: true,
        client_id: clientId,
        username: 'drsmith',
        patient: 'jane',
        sub: 'drsmith',
        iss: server().issuer,
      });
      await client.tokenRevocation(configuration, fresh.refresh_token ?? '', { token_type_hint: 'refresh_token' });
      for (const token of [fresh.access_token, fresh.refresh_token ?? ''])
        expect(await client.tokenIntrospection(resourceServer, token)).to.deep.equal({ active: false });
      expect(await oauthError(client.refreshTokenGrant(configuration, fresh.refresh_token ?? ''))).to.equal(
        'invalid_grant',
      );
    });
  }

  it('finds the signature of the ID token good where it is told not to rely on the connection alone', async () => {
    const configuration = await discover(server(), 'sample-native', client.None());
    client.enableNonRepudiationChecks(configuration);
    expect((await logIn(server(), configuration, 'jane')).tokens.claims()).to.include({ sub: 'jane' });
  });

  it('reads what the tenant supports from discovery', async () => {
    const configuration = await discover(server(), 'sample-native', client.None());
    expect(configuration.serverMetadata().supportsPKCE()).to.equal(true);
    expect(configuration.serverMetadata()).to.include({
      issuer: server().issuer,
      authorization_response_iss_parameter_supported: true,
    });
    for (const issuer of [`${server().url}/nobody`, `${server().issuer}/oauth`]) {
      const absent = client.discovery(new URL(issuer), 'sample-native', undefined, client.None(), {
        execute: [client.allowInsecureRequests],
      });
      expect(await rejectionCode(absent), issuer).to.equal('OAUTH_RESPONSE_IS_NOT_CONFORM');
    }
  });

  it('gets tokens for a client of its own, by header and by body', async () => {
    for (const method of [client.ClientSecretBasic('demo-secret'), client.ClientSecretPost('demo-secret')]) {
      const configuration = await discover(server(), 'sample-service', method);
      const tokens = await client.clientCredentialsGrant(configuration, { scope: 'system/Patient.rs' });
      expect(tokens).to.include({ token_type: 'bearer', scope: 'system/Patient.rs' });
      expect(tokens.refresh_token).to.equal(undefined);
      expect((await client.clientCredentialsGrant(configuration)).scope).to.equal('system/*.rs');
      expect(await oauthError(client.clientCredentialsGrant(configuration, { scope: 'system/*.cud' }))).to.equal(
        'invalid_scope',
      );
    }
  });

  it('asks the person once: the second request is answered silently, and log-out ends that', async () => {
    const configuration = await discover(server(), 'sample-native', client.None());
    const { person, tokens } = await logIn(server(), configuration, 'jane');
    const silent = await start(server(), configuration, { prompt: 'none', max_age: '3600' });
    const back = new URL((await person.open(silent.url.href)).url);
    const again = await client.authorizationCodeGrant(configuration, back, { ...silent.checks, maxAge: 3600 });
    expect(again.claims()).to.include({ sub: 'jane' });

    const end = client.buildEndSessionUrl(configuration, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: 'http://127.0.0.1/bye',
      state: 'bye-1',
    });
    expect(end.searchParams.get('client_id')).to.equal('sample-native');
    expect((await person.open(end.href)).url).to.equal('http://127.0.0.1/bye?state=bye-1');
    const after = await start(server(), configuration, { prompt: 'none' });
    const refused = new URL((await person.open(after.url.href)).url);
    expect(await oauthError(client.authorizationCodeGrant(configuration, refused, after.checks))).to.equal(
      'login_required',
    );
  });

  it('does not log anybody out without proof, and redirects to no address it was not told of', async () => {
    const configuration = await discover(server(), 'sample-native', client.None());
    const { person, tokens } = await logIn(server(), configuration, 'jane');
    const bare = client.buildEndSessionUrl(configuration, { post_logout_redirect_uri: 'http://127.0.0.1/bye' });
    const asked = await person.open(bare.href);
    expect(asked).to.include({ status: 200 });
    expect(asked.body).to.include('value="logout"');
    const still = await start(server(), configuration, { prompt: 'none' });
    expect(new URL((await person.open(still.url.href)).url).searchParams.get('code')).to.be.a('string');
    const elsewhere = client.buildEndSessionUrl(configuration, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: 'https://evil.example/',
    });
    const stayed = await person.open(elsewhere.href);
    expect(stayed.url.startsWith(server().issuer), stayed.url).to.equal(true);
  });

  it('refuses an answer whose state, nonce or issuer is not the one it expects', async () => {
    const configuration = await discover(server(), 'sample-native', client.None());
    for (const [wrong, code] of [
      [{ expectedState: 'another' }, 'OAUTH_INVALID_RESPONSE'],
      [{ expectedNonce: 'another' }, 'OAUTH_JWT_CLAIM_COMPARISON_FAILED'],
    ] as const) {
      const started = await start(server(), configuration);
      const back = await walk(createPerson(server().url), started, 'jane');
      const grant = client.authorizationCodeGrant(configuration, back, { ...started.checks, ...wrong });
      expect(await rejectionCode(grant)).to.equal(code);
    }
    const started = await start(server(), configuration);
    const back = await walk(createPerson(server().url), started, 'jane');
    expect(back.searchParams.get('iss')).to.equal(server().issuer);
    for (const iss of [`${server().url}/partner`, undefined]) {
      const forged = new URL(back);
      if (iss === undefined) forged.searchParams.delete('iss');
      else forged.searchParams.set('iss', iss);
      const grant = client.authorizationCodeGrant(configuration, forged, started.checks);
      expect(await rejectionCode(grant), String(iss)).to.equal('OAUTH_INVALID_RESPONSE');
    }
    // Nothing of that reached the server, so the code still works.
    expect((await client.authorizationCodeGrant(configuration, back, started.checks)).claims()).to.include({
      sub: 'jane',
    });
  });

  it('learns of a wrong verifier, a reused code and a reused refresh token by the errors of the specification', async () => {
    const configuration = await discover(server(), 'sample-native', client.None());
    const started = await start(server(), configuration);
    const back = await walk(createPerson(server().url), started, 'jane');
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    expect(
      await oauthError(client.authorizationCodeGrant(configuration, back, { ...started.checks, pkceCodeVerifier })),
    ).to.equal('invalid_grant');

    const second = await start(server(), configuration);
    const answer = await walk(createPerson(server().url), second, 'jane');
    const tokens = await client.authorizationCodeGrant(configuration, answer, second.checks);
    expect(await oauthError(client.authorizationCodeGrant(configuration, answer, second.checks))).to.equal(
      'invalid_grant',
    );
    // The second use of the code ended what the first had got.
    expect(await oauthError(client.fetchUserInfo(configuration, tokens.access_token, 'jane'))).to.equal(
      'invalid_token',
    );
    expect(await oauthError(client.refreshTokenGrant(configuration, tokens.refresh_token ?? ''))).to.equal(
      'invalid_grant',
    );
  });

  it('learns what the person decided and what the request lacked', async () => {
    const configuration = await discover(server(), 'sample-native', client.None());
    const cancelled = await start(server(), configuration);
    const person = createPerson(server().url);
    const page = await person.submit(await person.open(cancelled.url.href), { do: 'cancel' });
    expect(
      await oauthError(client.authorizationCodeGrant(configuration, new URL(page.url), cancelled.checks)),
    ).to.equal('access_denied');
    for (const [more, error] of [
      [{ scope: 'system/*.rs' }, 'invalid_scope'],
      [{ aud: 'https://elsewhere.example/fhir' }, 'invalid_request'],
      [{ code_challenge_method: 'plain' }, 'invalid_request'],
      [{ response_type: 'id_token' }, 'unsupported_response_type'],
    ] as [Record<string, string>, string][]) {
      const started = await start(server(), configuration, more);
      const back = new URL((await createPerson(server().url).open(started.url.href)).url);
      expect(
        await oauthError(client.authorizationCodeGrant(configuration, back, started.checks)),
        JSON.stringify(more),
      ).to.equal(error);
    }
  });

  it('is not authenticated by a wrong secret, a foreign key or a method it is not registered with', async () => {
    const strangers: [string, client.ClientAuth][] = [
      ['sample-service', client.ClientSecretBasic('wrong')],
      ['sample-service', client.ClientSecretPost('wrong')],
      ['sample-service', client.None()],
      ['sample-native', client.None()],
      ['sample-backend', client.ClientSecretBasic('demo-secret')],
      ['sample-backend', client.PrivateKeyJwt(await demoKey(server(), 'sample-asym', 'ES384'))],
      ['nobody', client.ClientSecretBasic('demo-secret')],
    ];
    for (const [clientId, method] of strangers) {
      const configuration = await discover(server(), clientId, method);
      expect(await oauthError(client.clientCredentialsGrant(configuration)), clientId).to.equal('invalid_client');
    }
  });

  it('shows a token to nobody who may not ask, and takes none that is not its own', async () => {
    const native = await discover(server(), 'sample-native', client.None());
    const { tokens } = await logIn(server(), native, 'jane');
    const web = await discover(server(), 'sample-web', client.ClientSecretBasic('demo-secret'));
    expect(await oauthError(client.tokenIntrospection(web, tokens.access_token))).to.equal('unauthorized_client');
    expect(await oauthError(client.tokenIntrospection(native, tokens.access_token))).to.equal('invalid_client');
    expect(await oauthError(client.tokenRevocation(web, tokens.access_token))).to.equal('invalid_grant');
    expect(await oauthError(client.refreshTokenGrant(web, tokens.refresh_token ?? ''))).to.equal('invalid_grant');
    expect(await oauthError(client.fetchUserInfo(native, tokens.refresh_token ?? '', 'jane'))).to.equal(
      'invalid_token',
    );
    expect(await rejectionCode(client.fetchUserInfo(native, tokens.access_token, 'drsmith'))).to.equal(
      'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
    );
    expect((await client.fetchUserInfo(native, tokens.access_token, 'jane')).sub).to.equal('jane');
  });
});
