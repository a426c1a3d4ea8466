/** Userinfo: who the bearer's person is, by one token, sent one way (OpenID Connect Core 5.3, RFC 6750). */
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { authorizationRequest, basic, redeem } from '../../support/oauth.ts';
import { createPerson } from '../../support/person.ts';
import { leavesNothing, useStage } from './stage.ts';
import { type Form, tokensOf } from './token-support.ts';
import { expectNotStored, expectOAuthError, jsonOf, send, type Sent } from './wire.ts';

describe('the userinfo endpoint', () => {
  const stage = useStage();
  const path = '/demo/userinfo';
  const { post, tokens } = tokensOf(stage);
  const bearer = (token: unknown): Form => ({ authorization: `Bearer ${String(token)}` });
  let token: string;
  let plain: Record<string, unknown>;
  let service: unknown;
  let unnamed: unknown;
  before(async () => {
    const client = basic('sample-service', 'demo-secret');
    service = jsonOf(await post({ grant_type: 'client_credentials' }, client))['access_token'];
    unnamed = (await tokens({ scope: 'patient/*.rs' }))['access_token'];
    token = String((await tokens({ scope: 'openid profile fhirUser' }))['access_token']);
    plain = await tokens({ scope: 'openid patient/*.rs offline_access' });
  });

  it('answers GET and POST by header, and POST by form', async () => {
    const fhirUser = `${stage().server.issuer}/fhir/r4/Patient/jane`;
    for (const [method, sent] of [
      ['GET', { headers: bearer(token) }],
      ['GET', { headers: { authorization: `bearer ${token}` } }],
      ['POST', { headers: bearer(token) }],
      ['POST', { headers: bearer(token), form: '' }],
      ['POST', { headers: bearer(token), form: { unheard: 'of' } }],
      ['POST', { form: { access_token: token } }],
      [
        'POST',
        {
          form: { access_token: token, unheard: 'of' },
          headers: { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' },
        },
      ],
    ] as [string, Sent][]) {
      const answer = await send(stage().server, method, path, sent);
      expect(answer.status, answer.body).to.equal(200);
      expectNotStored(answer);
      expect(answer.headers['content-type']).to.match(/^application\/json/);
      expect(jsonOf(answer)).to.deep.equal({
        sub: 'jane',
        fhirUser,
        profile: fhirUser,
        given_name: 'Jane',
        family_name: 'Doe',
        name: 'Jane Doe',
      });
    }
  });

  it('tells no more than the scopes allow', async () => {
    const answer = await send(stage().server, 'GET', path, { headers: bearer(plain['access_token']) });
    expect(jsonOf(answer)).to.deep.equal({ sub: 'jane' });
  });

  it('tells the telephone number where the person approved `phone` and has one', async () => {
    const { server, admin } = stage();
    const asked = { client_id: 'caller', aud: undefined, prompt: 'consent' };
    const learnt = async (scope = 'openid phone') => {
      const person = createPerson(server.url);
      const { url, verifier } = authorizationRequest(server, { ...asked, scope });
      const login = await person.open(url);
      let consent = await person.submit(login, { username: 'jane', password: 'demo-password', do: 'login' });
      if (consent.body.includes('value="accept"')) consent = await person.submit(consent, { do: 'accept' });
      expect(consent.body.includes('See your telephone number')).to.equal(scope.includes('phone'));
      const back = await person.walk(consent, { username: '' });
      const { body } = await redeem(server, back.searchParams.get('code') ?? '', verifier, { client_id: 'caller' });
      const answer = await send(server, 'GET', path, { headers: bearer(body['access_token']) });
      const { phone_number: number, phone_number_verified: verified } = decodeJwt(String(body['id_token']));
      return { idToken: { number, verified }, userinfo: jsonOf(answer) };
    };
    expect((await learnt()).userinfo).to.deep.equal({ sub: 'jane' });
    await admin('PATCH', '/tenants/demo/users/jane', { phone: '+41441234567' });
    const told = await learnt();
    expect(told.userinfo).to.deep.equal({ sub: 'jane', phone_number: '+41441234567', phone_number_verified: false });
    expect(told.idToken).to.deep.equal({ number: '+41441234567', verified: false });
    expect((await learnt('openid')).userinfo).to.deep.equal({ sub: 'jane' });
    await admin('PATCH', '/tenants/demo/users/jane', { phone: null });
    const metadata = jsonOf(await send(server, 'GET', '/demo/.well-known/openid-configuration', {}));
    expect(metadata['scopes_supported']).to.include('phone');
    expect(metadata['claims_supported']).to.include.members(['phone_number', 'phone_number_verified']);
  });

  describe('refuses', () => {
    leavesNothing(stage);
    it('who brings no token: 401, the scheme and no error', async () => {
      for (const [method, sent] of [
        ['GET', {}],
        ['POST', {}],
        ['POST', { form: '' }],
        ['POST', { form: { access_token: '' } }],
        ['POST', { body: '{"access_token":"x"}', headers: { 'content-type': 'application/json' } }],
      ] as [string, Sent][]) {
        const answer = await send(stage().server, method, path, sent);
        expect(answer.status, answer.body).to.equal(401);
        expect(answer.headers['www-authenticate']).to.equal('Bearer realm="demo"');
        expect(answer.body).to.equal('');
        expectNotStored(answer);
      }
    });

    const rows: readonly (readonly [string, string, () => Sent, number, string])[] = [
      ['an unknown token', 'GET', () => ({ headers: bearer('nonsense') }), 401, 'invalid_token'],
      ['an unknown token in the form', 'POST', () => ({ form: { access_token: 'nonsense' } }), 401, 'invalid_token'],
      ['a refresh token', 'GET', () => ({ headers: bearer(plain['refresh_token']) }), 401, 'invalid_token'],
      ['an ID token', 'GET', () => ({ headers: bearer(plain['id_token']) }), 401, 'invalid_token'],
      ['a changed token', 'GET', () => ({ headers: bearer(`${token}x`) }), 401, 'invalid_token'],
      [
        'a token at another tenant',
        'GET',
        () => ({ headers: bearer(token), host: new URL(stage().twin).host }),
        401,
        'invalid_token',
      ],
      ['a token of a client', 'GET', () => ({ headers: bearer(service) }), 401, 'invalid_token'],
      ['a token without openid', 'GET', () => ({ headers: bearer(unnamed) }), 403, 'insufficient_scope'],
      [
        'another scheme',
        'GET',
        () => ({ headers: basic('sample-native', token.slice(0, 20)) }),
        400,
        'invalid_request',
      ],
      ['no scheme', 'GET', () => ({ headers: { authorization: token } }), 400, 'invalid_request'],
      ['no value', 'GET', () => ({ headers: { authorization: 'Bearer' } }), 400, 'invalid_request'],
      ['a value with spaces', 'GET', () => ({ headers: bearer(`${token} x`) }), 400, 'invalid_request'],
      [
        'two tokens in a header',
        'GET',
        () => ({ headers: bearer(`${token}, Bearer ${token}`) }),
        400,
        'invalid_request',
      ],
      [
        'header and form',
        'POST',
        () => ({ headers: bearer(token), form: { access_token: token } }),
        400,
        'invalid_request',
      ],
      [
        'two tokens in a form',
        'POST',
        () => ({ form: `access_token=${token}&access_token=${token}` }),
        400,
        'invalid_request',
      ],
      ['a bad encoding', 'POST', () => ({ form: 'access_token=%zz' }), 400, 'invalid_request'],
      ['NUL', 'POST', () => ({ form: 'access_token=a%00' }), 400, 'invalid_request'],
    ];
    for (const [name, method, sent, status, error] of rows) {
      it(`${name}: ${status} ${error}`, async () => {
        const answer = await send(stage().server, method, path, sent());
        expectOAuthError(answer, status, error);
        expect(answer.headers['www-authenticate']).to.match(
          new RegExp(`^Bearer realm="(demo|twin)", error="${error}", error_description="[^"\\\\\\\\]+"`),
        );
        if (error === 'insufficient_scope') expect(answer.headers['www-authenticate']).to.include('scope="openid"');
      });
    }

    it('a token in the address, even a right one', async () => {
      for (const method of ['GET', 'POST']) {
        const answer = await send(stage().server, method, `${path}?access_token=${token}`);
        expectOAuthError(answer, 400, 'invalid_request');
        expect(answer.headers['www-authenticate']).to.include('error="invalid_request"');
      }
    });

    it('a form without end, and other methods', async () => {
      expectOAuthError(
        await send(stage().server, 'POST', path, { form: { access_token: 'x'.repeat(140_000) } }),
        413,
        'invalid_request',
      );
      for (const method of ['PUT', 'PATCH', 'DELETE']) {
        const answer = await send(stage().server, method, path, { headers: bearer(token) });
        expectOAuthError(answer, 405, 'invalid_request');
        expect(answer.headers['allow']).to.equal('GET, HEAD, POST');
      }
    });
  });

  it('no longer answers once the token is over', async () => {
    const got = String((await tokens({ scope: 'openid' }))['access_token']);
    expect((await send(stage().server, 'GET', path, { headers: bearer(got) })).status).to.equal(200);
    await stage().expire('token', got);
    expectOAuthError(await send(stage().server, 'GET', path, { headers: bearer(got) }), 401, 'invalid_token');
  });
});
