/** oauth4webapi as the app: the library leaves each step to its caller, so each answer of the server is checked by itself. */
import { expect } from 'chai';
import * as oauth from 'oauth4webapi';
import { createPerson } from '../support/person.ts';
import { rejectionCode } from '../support/rejection.ts';
import type { TestServer } from '../support/server.ts';
import {
  type App,
  authorize,
  clientCredentials,
  discover,
  http,
  introspect,
  redeem,
  refresh,
  refusal,
  scope,
} from './oauth4webapi-app.ts';
import { callback, demoKey, onPostgres } from './stage.ts';

/** What the demo's FHIR server would do with a request: RFC 9068's checks, by the library. */
function checkAccessToken(server: TestServer, as: oauth.AuthorizationServer, token: string, audience?: string) {
  const request = new Request(`${server.issuer}/fhir/r4/Patient/jane`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return oauth.validateJwtAccessToken(as, request, audience ?? `${server.issuer}/fhir/r4`, http);
}

onPostgres('oauth4webapi', (server) => {
  const app = async (clientId: string, authentication: oauth.ClientAuth): Promise<App> => ({
    as: await discover(server().issuer),
    client: { client_id: clientId },
    authentication,
  });

  it('finds the metadata where RFC 8414 puts it, and only of the issuer it asked for', async () => {
    const as = await discover(server().issuer);
    expect(as).to.deep.include({
      issuer: server().issuer,
      token_endpoint: `${server().issuer}/oauth/token`,
      userinfo_endpoint: `${server().issuer}/userinfo`,
      id_token_signing_alg_values_supported: ['RS256', 'ES384'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
    });
    expect((await discover(`${server().url}/partner`)).issuer).to.equal(`${server().url}/partner`);
    const foreign = await oauth.discoveryRequest(new URL(server().issuer), { algorithm: 'oauth2', ...http });
    expect(await rejectionCode(oauth.processDiscoveryResponse(new URL(`${server().url}/partner`), foreign))).to.equal(
      oauth.JSON_ATTRIBUTE_COMPARISON,
    );
    for (const path of ['/nobody', '/demo/oauth'])
      expect(
        (await oauth.discoveryRequest(new URL(`${server().url}${path}`), { algorithm: 'oauth2', ...http })).status,
        path,
      ).to.equal(404);
  });

  const apps: readonly [string, string, () => Promise<oauth.ClientAuth>][] = [
    ['a public client', 'sample-native', async () => oauth.None()],
    ['client_secret_basic', 'sample-web', async () => oauth.ClientSecretBasic('demo-secret')],
    ['client_secret_post', 'sample-web', async () => oauth.ClientSecretPost('demo-secret')],
    [
      'private_key_jwt',
      'sample-asym',
      async () => oauth.PrivateKeyJwt(await demoKey(server(), 'sample-asym', 'ES384')),
    ],
  ];
  for (const [name, clientId, authentication] of apps) {
    it(`gets, uses, refreshes and gives back tokens as ${name}`, async () => {
      const web = await app(clientId, await authentication());
      const { as, client } = web;
      const returned = await authorize(server(), web, 'drsmith');
      const parameters = oauth.validateAuthResponse(as, client, returned.back, returned.state);
      const answer = await oauth.authorizationCodeGrantRequest(
        as,
        client,
        web.authentication,
        parameters,
        callback,
        returned.verifier,
        http,
      );
      expect(answer.headers.get('cache-control')).to.equal('no-store');
      const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, {
        expectedNonce: returned.nonce,
        requireIdToken: true,
        maxAge: 60,
      });
      await oauth.validateApplicationLevelSignature(as, answer, http);
      expect(oauth.getValidatedIdTokenClaims(tokens)).to.include({ sub: 'drsmith', aud: clientId });
      expect(tokens).to.include({ token_type: 'bearer', patient: 'jane' });
      const access = await checkAccessToken(server(), as, tokens.access_token);
      expect(access).to.include({ sub: 'drsmith', client_id: clientId, demo_department: 'Cardiology' });

      const asked = await oauth.userInfoRequest(as, client, tokens.access_token, http);
      expect(await oauth.processUserInfoResponse(as, client, 'drsmith', asked)).to.include({ given_name: 'Dana' });
      const record = new URL(`${server().issuer}/fhir/r4/Observation?patient=jane`);
      const read = await oauth.protectedResourceRequest(tokens.access_token, 'GET', record, undefined, null, http);
      expect(await read.json()).to.include({ resourceType: 'Bundle', type: 'searchset' });

      const fresh = await refresh(web, tokens.refresh_token ?? '');
      expect(await introspect(server(), fresh.access_token)).to.include({ active: true, client_id: clientId });
      for (const token of [fresh.access_token, fresh.refresh_token ?? ''])
        await oauth.processRevocationResponse(
          await oauth.revocationRequest(as, client, web.authentication, token, http),
        );
      expect((await introspect(server(), fresh.access_token)).active).to.equal(false);
      expect(await refusal(refresh(web, fresh.refresh_token ?? ''))).to.deep.equal({
        error: 'invalid_grant',
        status: 400,
      });
    });
  }

  for (const algorithm of ['ES384', 'RS384']) {
    it(`backend services: the library's own assertion with ${algorithm} is accepted once`, async () => {
      const key = await demoKey(server(), 'sample-backend', algorithm);
      const backend = await app('sample-backend', oauth.PrivateKeyJwt(key));
      const tokens = await clientCredentials(backend);
      expect(tokens).to.include({ token_type: 'bearer', scope: 'system/*.rs' });
      expect(tokens.refresh_token).to.equal(undefined);
      expect(await checkAccessToken(server(), backend.as, tokens.access_token)).to.include({
        sub: 'sample-backend',
        client_id: 'sample-backend',
      });
      const record = new URL(`${server().issuer}/fhir/r4/Patient`);
      const read = await oauth.protectedResourceRequest(tokens.access_token, 'GET', record, undefined, null, http);
      expect(read.status).to.equal(200);

      const now = Math.floor(Date.now() / 1000);
      const changed = (change: object) =>
        oauth.PrivateKeyJwt(key, { [oauth.modifyAssertion]: (_header, payload) => Object.assign(payload, change) });
      const fixed = { ...backend, authentication: changed({ jti: `fixed-${algorithm}` }) };
      expect((await clientCredentials(fixed)).access_token).to.be.a('string');
      for (const refused of [
        fixed,
        ...[
          { aud: `${server().url}/partner` },
          { exp: now + 3600 },
          { exp: now - 120, iat: now - 240 },
          { sub: 'sample-asym' },
          { iss: 'sample-asym' },
        ].map((change) => ({ ...backend, authentication: changed(change) })),
      ])
        expect(await refusal(clientCredentials(refused))).to.deep.equal({ error: 'invalid_client', status: 401 });
    });
  }

  it('client credentials: as much as the client may have, and no more', async () => {
    const service = await app('sample-service', oauth.ClientSecretBasic('demo-secret'));
    expect((await clientCredentials(service, {})).scope).to.equal('system/*.rs');
    expect((await clientCredentials(service, { scope: 'system/Patient.cruds' })).scope).to.equal('system/Patient.rs');
    expect(await refusal(clientCredentials(service, { scope: 'system/Patient.cud' }))).to.deep.equal({
      error: 'invalid_scope',
      status: 400,
    });
    const web = await app('sample-web', oauth.ClientSecretBasic('demo-secret'));
    expect(await refusal(clientCredentials(web))).to.deep.equal({ error: 'unauthorized_client', status: 400 });
  });

  it('a wrong secret and a foreign key are told as invalid_client, with a challenge where the header was used', async () => {
    const byHeader = await app('sample-service', oauth.ClientSecretBasic('wrong'));
    const attempt = clientCredentials(byHeader);
    const error = await attempt.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(oauth.WWWAuthenticateChallengeError);
    expect((error as oauth.WWWAuthenticateChallengeError).cause[0]?.scheme).to.equal('basic');
    for (const authentication of [
      oauth.ClientSecretBasic('wrong'),
      oauth.ClientSecretPost('wrong'),
      oauth.PrivateKeyJwt(await demoKey(server(), 'sample-backend', 'ES384')),
    ])
      expect(await refusal(clientCredentials(await app('sample-service', authentication)))).to.deep.equal({
        error: 'invalid_client',
        status: 401,
      });
  });

  it('a code is worth nothing with another verifier, another client or a second time', async () => {
    const native = await app('sample-native', oauth.None());
    const first = await authorize(server(), native);
    expect(await refusal(redeem(native, first, oauth.generateRandomCodeVerifier()))).to.deep.equal({
      error: 'invalid_grant',
      status: 400,
    });
    const second = await authorize(server(), native);
    const web = await app('sample-web', oauth.ClientSecretBasic('demo-secret'));
    expect((await refusal(redeem(web, second))).error).to.equal('invalid_grant');

    const third = await authorize(server(), native);
    const tokens = await redeem(native, third);
    expect((await refusal(redeem(native, third))).error).to.equal('invalid_grant');
    // The copy of the code may have been the thief's or the app's: what the first use got is taken back.
    expect((await introspect(server(), tokens.access_token)).active).to.equal(false);
    expect((await refusal(refresh(native, tokens.refresh_token ?? ''))).error).to.equal('invalid_grant');
  });

  it('a refresh token that comes back ends its family', async () => {
    const native = await app('sample-native', oauth.None());
    const tokens = await redeem(native, await authorize(server(), native));
    const fresh = await refresh(native, tokens.refresh_token ?? '');
    expect((await refusal(refresh(native, tokens.refresh_token ?? ''))).error).to.equal('invalid_grant');
    expect((await refusal(refresh(native, fresh.refresh_token ?? ''))).error).to.equal('invalid_grant');
    expect((await introspect(server(), fresh.access_token)).active).to.equal(false);
  });

  it('the answer names its issuer, so that the library refuses one that names another or none', async () => {
    const native = await app('sample-native', oauth.None());
    const returned = await authorize(server(), native);
    expect(returned.back.searchParams.get('iss')).to.equal(server().issuer);
    const check = (change: (answer: URLSearchParams) => void, state = returned.state) => {
      const forged = new URL(returned.back);
      change(forged.searchParams);
      return () => oauth.validateAuthResponse(native.as, native.client, forged, state);
    };
    expect(check((answer) => answer.set('iss', `${server().url}/partner`))).to.throw(/"iss" \(issuer\) response/);
    expect(check((answer) => answer.delete('iss'))).to.throw(/"iss" \(issuer\) missing/);
    expect(check((answer) => answer.set('state', 'another'))).to.throw(/"state" response parameter value/);
    expect(check(() => undefined, 'another')).to.throw(/"state" response parameter value/);
    const stranger = { ...native, as: await discover(`${server().url}/partner`) };
    expect(await rejectionCode(redeem(stranger, returned))).to.equal(oauth.INVALID_RESPONSE);
    expect((await redeem(native, returned)).access_token).to.be.a('string');
  });

  it('a refused request is answered at the app, with state and issuer the library accepts', async () => {
    const native = await app('sample-native', oauth.None());
    const url = new URL(native.as.authorization_endpoint ?? '');
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: 'sample-native',
      redirect_uri: callback,
      scope,
      aud: `${server().issuer}/fhir/r4`,
      state: 'state-7',
    }).toString();
    const back = new URL((await createPerson(server().url).open(url.href)).url);
    const read = async () => oauth.validateAuthResponse(native.as, native.client, back, 'state-7');
    expect((await refusal(read())).error).to.equal('invalid_request');
  });

  it('an access token is good for the one FHIR server it was made for, and a changed one for none', async () => {
    const native = await app('sample-native', oauth.None());
    const tokens = await redeem(native, await authorize(server(), native));
    await checkAccessToken(server(), native.as, tokens.access_token);
    expect(
      await rejectionCode(checkAccessToken(server(), native.as, tokens.access_token, 'https://elsewhere.example/fhir')),
    ).to.equal(oauth.JWT_CLAIM_COMPARISON);
    const [header = '', , signature = ''] = tokens.access_token.split('.');
    const claims = { ...(await checkAccessToken(server(), native.as, tokens.access_token)), patient: 'patient-02' };
    const forged = [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
    expect(await rejectionCode(checkAccessToken(server(), native.as, forged))).to.equal(oauth.INVALID_RESPONSE);
    // The ID token is for the app alone: as an access token it opens nothing.
    for (const token of [forged, tokens.id_token ?? '']) {
      const record = new URL(`${server().issuer}/fhir/r4/Patient/patient-02`);
      const read = oauth.protectedResourceRequest(token, 'GET', record, undefined, null, http);
      expect(await refusal(read)).to.deep.equal({ error: 'invalid_token', status: 401 });
      const asked = oauth.userInfoRequest(native.as, native.client, token, http);
      const info = asked.then((answer) => oauth.processUserInfoResponse(native.as, native.client, 'jane', answer));
      expect(await refusal(info)).to.deep.equal({ error: 'invalid_token', status: 401 });
    }
  });
});
