import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { authorizationRequest, basic, clientAssertion, logIn, postForm, redeem, signWith } from '../support/oauth.ts';
import { createPerson } from '../support/person.ts';
import { sharedPostgres } from '../support/databases.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

for (const database of ['PGlite', 'PostgreSQL']) {
  describe(`the five flows on ${database}`, () => {
    let server: TestServer;
    let token: string;
    before(async () => {
      const databaseUrl =
        database === 'PostgreSQL'
          ? await (await sharedPostgres()).url(`flows_${randomUUID().replaceAll('-', '')}`)
          : undefined;
      server = await startTestServer(databaseUrl ? { databaseUrl } : {});
      token = `${server.issuer}/oauth/token`;
    });
    after(() => server.close());

    it('interactive: a practitioner picks a patient, the app gets tokens that the peer can verify', async () => {
      const person = createPerson(server.url);
      const { status, body, headers } = await logIn(server, person, 'drsmith', { nonce: 'n-1' });
      expect(status, JSON.stringify(body)).to.equal(200);
      expect(headers.get('cache-control')).to.equal('no-store');
      expect(body).to.include({ token_type: 'Bearer', expires_in: 300, patient: 'jane' });
      const keys = createRemoteJWKSet(new URL(`${server.issuer}/jwk`));
      const id = await jwtVerify(String(body['id_token']), keys, { issuer: server.issuer, audience: 'sample-native' });
      expect(id.payload).to.include({
        nonce: 'n-1',
        fhirUser: `${server.issuer}/fhir/r4/Practitioner/drsmith`,
        demo_greeting: 'Hello Dana',
      });
      const access = await jwtVerify(String(body['access_token']), keys, {
        issuer: server.issuer,
        audience: `${server.issuer}/fhir/r4`,
        typ: 'at+jwt',
      });
      expect(access.payload).to.include({ demo_department: 'Cardiology', client_id: 'sample-native', patient: 'jane' });
      const read = await fetch(`${server.issuer}/fhir/r4/Patient/jane`, {
        headers: { authorization: `Bearer ${String(body['access_token'])}` },
      });
      expect(read.status).to.equal(200);
    });

    it('interactive: a patient is not asked for a record; terms and approval are asked once', async () => {
      const person = createPerson(server.url);
      expect((await logIn(server, person, 'jane')).body).to.include({ patient: 'jane' });
      const again = await person.open(authorizationRequest(server, { prompt: 'none' }).url);
      expect(new URL(again.url).searchParams.get('code')).to.be.a('string');
    });

    it('interactive: a code works once, and its second use ends the tokens of the first', async () => {
      const { body, code, verifier } = await logIn(server, createPerson(server.url), 'jane');
      const replay = await redeem(server, code, verifier);
      expect(replay.status).to.equal(400);
      expect(replay.body['error']).to.equal('invalid_grant');
      const { body: state } = await postForm(
        `${token}/introspect`,
        { token: String(body['access_token']) },
        basic('resource-server', 'demo-secret'),
      );
      expect(state).to.deep.equal({ active: false });
    });

    it('interactive: a wrong verifier, another client and another redirect URI get nothing', async () => {
      for (const change of [
        { code_verifier: 'x'.repeat(43) },
        { redirect_uri: 'http://127.0.0.1:1/callback' },
        { client_id: 'sample-app' },
      ] as Record<string, string>[]) {
        const person = createPerson(server.url);
        const { url, verifier } = authorizationRequest(server);
        const back = await person.walk(await person.open(url), { username: 'jane' });
        const answer = await redeem(server, back.searchParams.get('code') ?? '', verifier, change);
        expect(answer.status).to.equal(400);
        expect(answer.body['error']).to.equal('invalid_grant');
      }
    });

    it('interactive: requests that may not be answered are not redirected, others bring their error back', async () => {
      const person = createPerson(server.url);
      for (const change of [
        { client_id: 'nobody' },
        { client_id: undefined },
        { redirect_uri: 'https://evil.example/' },
        { redirect_uri: undefined },
      ]) {
        expect((await person.open(authorizationRequest(server, change).url)).status).to.equal(400);
      }
      const cases: [Record<string, string | undefined>, string][] = [
        [{ response_type: 'token' }, 'unsupported_response_type'],
        [{ response_type: undefined }, 'invalid_request'],
        [{ code_challenge: undefined }, 'invalid_request'],
        [{ code_challenge_method: 'plain' }, 'invalid_request'],
        [{ aud: 'https://evil.example/fhir' }, 'invalid_request'],
        [{ aud: undefined }, 'invalid_request'],
        [{ scope: 'patient/Observation.dus' }, 'invalid_scope'],
        [{ scope: 'launch openid' }, 'invalid_request'],
        [{ scope: 'launch openid', launch: 'unknown' }, 'invalid_request'],
        [{ prompt: 'none' }, 'login_required'],
        [{ prompt: 'none login' }, 'invalid_request'],
      ];
      for (const [change, error] of cases) {
        const back = new URL((await person.open(authorizationRequest(server, change).url)).url);
        expect(back.searchParams.get('error'), JSON.stringify(change)).to.equal(error);
        expect(back.searchParams.get('state')).to.equal('state-1');
        expect(back.searchParams.get('iss')).to.equal(server.issuer);
        expect(back.searchParams.get('code')).to.equal(null);
      }
    });

    it('interactive: unknown user and wrong password look alike; a form without its token is refused', async () => {
      const person = createPerson(server.url);
      const page = await person.open(authorizationRequest(server).url);
      const unknown = await person.submit(page, { username: 'nobody-here', password: 'x', do: 'login' });
      const wrong = await person.submit(page, { username: 'nobody-hera', password: 'x', do: 'login' });
      const known = await person.submit(page, { username: 'drsmith', password: 'x', do: 'login' });
      const text = (body: string) => body.replace(/value="[^"]*"/g, '');
      expect(text(unknown.body)).to.equal(text(known.body)).and.to.equal(text(wrong.body));
      const forged = { ...page, body: page.body.replace(/name="csrf" value="[^"]*"/, 'name="csrf" value="forged"') };
      expect(
        (await person.submit(forged, { username: 'jane', password: 'demo-password', do: 'login' })).status,
      ).to.equal(403);
      const stranger = createPerson(server.url);
      expect((await stranger.open(page.url)).status).to.equal(400);
    });

    it('refresh: rotates, narrows, and ends the family when a used token comes back', async () => {
      const { body } = await logIn(server, createPerson(server.url), 'jane');
      const first = String(body['refresh_token']);
      const wide = await postForm(token, {
        grant_type: 'refresh_token',
        refresh_token: first,
        client_id: 'sample-native',
        scope: 'user/*.cruds',
      });
      expect(wide.body['error']).to.equal('invalid_scope');
      const second = await postForm(token, { grant_type: 'refresh_token', refresh_token: first });
      expect(second.status, JSON.stringify(second.body)).to.equal(200);
      expect(second.body).to.include({ patient: 'jane' });
      const reuse = await postForm(token, {
        grant_type: 'refresh_token',
        refresh_token: first,
        client_id: 'sample-native',
      });
      expect(reuse.body['error']).to.equal('invalid_grant');
      const family = await postForm(token, {
        grant_type: 'refresh_token',
        refresh_token: String(second.body['refresh_token']),
        client_id: 'sample-native',
      });
      expect(family.body['error']).to.equal('invalid_grant');
    });

    it('client credentials: by header and by body, narrowed, and never twice authenticated', async () => {
      const byHeader = await postForm(
        token,
        { grant_type: 'client_credentials' },
        basic('sample-service', 'demo-secret'),
      );
      expect(byHeader.body).to.include({ scope: 'system/*.rs', token_type: 'Bearer' });
      expect(byHeader.body).not.to.have.any.keys('refresh_token', 'id_token');
      const byBody = await postForm(token, {
        grant_type: 'client_credentials',
        client_id: 'sample-service',
        client_secret: 'demo-secret',
        scope: 'system/Patient.rs',
      });
      expect(byBody.body['scope']).to.equal('system/Patient.rs');
      const both = await postForm(
        token,
        { grant_type: 'client_credentials', client_id: 'sample-service', client_secret: 'demo-secret' },
        basic('sample-service', 'demo-secret'),
      );
      expect(both.status).to.be.oneOf([400, 401]);
      const wrong = await postForm(token, { grant_type: 'client_credentials' }, basic('sample-service', 'wrong'));
      expect(wrong.status).to.equal(401);
      expect(wrong.body['error']).to.equal('invalid_client');
      expect(wrong.headers.get('www-authenticate')).to.match(/^Basic/);
      const more = await postForm(
        token,
        { grant_type: 'client_credentials', scope: 'system/*.cud' },
        basic('sample-service', 'demo-secret'),
      );
      expect(more.body['error']).to.equal('invalid_scope');
    });

    it('backend services: ES384 and RS384; a replayed, overlong or foreign assertion is refused', async () => {
      for (const algorithm of ['ES384', 'RS384']) {
        const assertion = await clientAssertion(server, 'sample-backend', algorithm);
        const form = { grant_type: 'client_credentials', scope: 'system/*.rs', ...assertion };
        const answer = await postForm(token, form);
        expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
        expect(decodeJwt(String(answer.body['access_token']))).to.include({
          sub: 'sample-backend',
          demo_department: 'Cardiology',
        });
        expect((await postForm(token, form)).body['error']).to.equal('invalid_client');
      }
      const now = Math.floor(Date.now() / 1000);
      for (const change of [
        { exp: now + 3600 },
        { aud: 'https://evil.example' },
        { exp: now - 60 },
        { sub: 'sample-asym' },
        { jti: undefined },
      ]) {
        const answer = await postForm(token, {
          grant_type: 'client_credentials',
          scope: 'system/*.rs',
          ...(await clientAssertion(server, 'sample-backend', 'ES384', change)),
        });
        expect(answer.status, JSON.stringify(change)).to.equal(401);
        expect(answer.body['error']).to.equal('invalid_client');
      }
    });

    describe('CODAP', () => {
      const ask = async (change: Record<string, unknown> = {}, client: Record<string, unknown> = {}) => {
        const now = Math.floor(Date.now() / 1000);
        const assertion = await signWith(server, 'partner-hospital-issuer', 'RS256', {
          iss: 'https://partner-hospital.example',
          sub: 'dr-who',
          aud: token,
          acr: 'https://partner-hospital.example/assurance/3',
          exp: now + 240,
          iat: now,
          jti: randomUUID(),
          requested_record: { resourceType: 'Patient', identifier: [{ value: 'MRN-10137' }] },
          requested_scopes: 'patient/*.rs',
          requesting_practitioner: { resourceType: 'Practitioner', id: 'dr-who' },
          reason_for_request: 'treatment',
          ...change,
        });
        return {
          grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
          assertion,
          ...(await clientAssertion(server, 'partner-hospital', 'RS384', client)),
        };
      };

      it('gives a short token for the matched record, without refresh', async () => {
        const form = await ask();
        const answer = await postForm(token, form);
        expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
        expect(answer.body).to.include({ patient: 'patient-02', scope: 'patient/*.rs' });
        expect(answer.body).not.to.have.any.keys('refresh_token', 'id_token');
        expect(decodeJwt(String(answer.body['access_token']))).to.include({
          reason_for_request: 'treatment',
          sub: 'https://partner-hospital.example#dr-who',
        });
        const replay = await postForm(token, {
          ...form,
          ...(await clientAssertion(server, 'partner-hospital', 'RS384')),
        });
        expect(replay.body['error']).to.equal('invalid_grant');
      });

      it('refuses what is not as agreed, with one error', async () => {
        for (const change of [
          { sub: 'somebody-else' },
          { acr: 'low' },
          { iss: 'https://stranger.example' },
          { requested_record: { identifier: [{ value: 'MRN-0' }] }, expected: 'access_denied' },
          { reason_for_request: 'curiosity', expected: 'access_denied' },
          { jti: undefined },
        ] as Record<string, unknown>[]) {
          const { expected = 'invalid_grant', ...claims } = change;
          const answer = await postForm(token, await ask(claims));
          expect(answer.body['error'], JSON.stringify(change)).to.equal(expected);
          expect(answer.status).to.equal(400);
        }
        expect((await postForm(token, await ask({ requested_scopes: 'user/*.rs' }))).body['error']).to.equal(
          'invalid_scope',
        );
        expect((await postForm(token, await ask({}, { aud: 'https://evil.example' }))).body['error']).to.equal(
          'invalid_client',
        );
      });
    });

    it('federated: a person of the partner hospital becomes a user here', async () => {
      const person = createPerson(server.url);
      const login = await person.open(authorizationRequest(server, { scope: 'openid fhirUser profile user/*.rs' }).url);
      const away = await person.submit(login, { provider: 'partner' });
      expect(away.url).to.include('/partner/login/');
      const back = await person.walk(away, { username: 'drjones' });
      expect(back.searchParams.get('code'), back.href).to.be.a('string');
    });

    it('introspection, revocation and userinfo tell the truth to those who may ask', async () => {
      const { body } = await logIn(server, createPerson(server.url), 'jane', {
        scope: 'openid profile fhirUser patient/*.rs launch/patient',
      });
      const accessToken = String(body['access_token']);
      const asked = await postForm(
        `${token}/introspect`,
        { token: accessToken },
        basic('resource-server', 'demo-secret'),
      );
      expect(asked.body).to.include({
        active: true,
        client_id: 'sample-native',
        username: 'jane',
        patient: 'jane',
        iss: server.issuer,
      });
      expect((await postForm(`${token}/introspect`, { token: accessToken })).status).to.equal(401);
      expect(
        (await postForm(`${token}/introspect`, { token: 'nonsense' }, basic('resource-server', 'demo-secret'))).body,
      ).to.deep.equal({ active: false });
      const info = await fetch(`${server.issuer}/userinfo`, { headers: { authorization: `Bearer ${accessToken}` } });
      expect(await info.json()).to.include({ sub: 'jane', given_name: 'Jane', family_name: 'Doe' });
      expect((await fetch(`${server.issuer}/userinfo`)).status).to.equal(401);
      const foreign = await fetch(`${server.url}/partner/userinfo`, {
        headers: { authorization: `Bearer ${accessToken}` },
      });
      expect(foreign.status).to.equal(401);
      expect(
        (await postForm(`${token}/revoke`, { token: accessToken, client_id: 'sample-app' })).body['error'],
      ).to.equal('invalid_grant');
      expect((await postForm(`${token}/revoke`, { token: accessToken, client_id: 'sample-native' })).status).to.equal(
        200,
      );
      expect(
        (await postForm(`${token}/introspect`, { token: accessToken }, basic('resource-server', 'demo-secret'))).body,
      ).to.deep.equal({ active: false });
    });

    it('answers bad input at the token endpoint with the error the specifications name', async () => {
      expect((await postForm(token, {})).body['error']).to.equal('invalid_request');
      expect((await postForm(token, { grant_type: 'password' })).body['error']).to.equal('unsupported_grant_type');
      const twice = await fetch(token, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'grant_type=client_credentials&grant_type=client_credentials',
      });
      expect(((await twice.json()) as { error: string }).error).to.equal('invalid_request');
      const json = await fetch(token, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
      expect(json.status).to.equal(400);
      const get = await fetch(token);
      expect(get.status).to.equal(405);
      expect(get.headers.get('allow')).to.equal('POST');
      const large = await fetch(token, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `a=${'x'.repeat(200_000)}`,
      });
      expect(large.status).to.equal(413);
      expect((await fetch(`${server.url}/nobody/oauth/token`, { method: 'POST' })).status).to.equal(404);
    });
  });
}
