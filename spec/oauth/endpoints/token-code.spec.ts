/** Redeeming an authorization code: once, in time, by the app that asked for it, with what it asked with. */
import { expect } from 'chai';
import { basic, clientAssertion } from '../../support/oauth.ts';
import { expectNoMore, useStage } from './stage.ts';
import { type Form, tokensOf, without } from './token-support.ts';
import { expectNotStored, expectOAuthError, jsonOf } from './wire.ts';

describe('the authorization code grant', () => {
  const stage = useStage();
  const { post, codeFor, active } = tokensOf(stage);
  const secret = basic('sample-web', 'demo-secret');

  const burning: readonly (readonly [string, (form: Form) => Form, Form?])[] = [
    ['no redirect_uri', (form) => without(form, 'redirect_uri')],
    ['an empty redirect_uri', (form) => ({ ...form, redirect_uri: '' })],
    ['another port', (form) => ({ ...form, redirect_uri: 'http://127.0.0.1:45679/callback' })],
    ['the redirect_uri as registered', (form) => ({ ...form, redirect_uri: 'http://127.0.0.1/callback' })],
    ['no verifier', (form) => without(form, 'code_verifier')],
    ['an empty verifier', (form) => ({ ...form, code_verifier: '' })],
    ['another verifier', (form) => ({ ...form, code_verifier: 'x'.repeat(43) })],
    ['a verifier that is cut', (form) => ({ ...form, code_verifier: String(form['code_verifier']).slice(0, 42) })],
    ['a verifier without end', (form) => ({ ...form, code_verifier: 'x'.repeat(129) })],
    ['a verifier with spaces', (form) => ({ ...form, code_verifier: `${form['code_verifier']} ` })],
    ['another public app', (form) => ({ ...form, client_id: 'sample-app' })],
    ['a confidential app', (form) => without(form, 'client_id'), secret],
  ];
  for (const [name, change, headers] of burning) {
    it(`${name}: invalid_grant, and the code is used up`, async () => {
      const form = await codeFor();
      const before = await stage().usable();
      expectOAuthError(await post(change(form), headers), 400, 'invalid_grant');
      expectOAuthError(await post(form), 400, 'invalid_grant');
      expectNoMore(await stage().usable(), { ...before, flows: before.flows - 1 });
    });
  }

  const harmless: readonly (readonly [string, (form: Form) => Form, number, string, Form?])[] = [
    ['no code', (form) => without(form, 'code'), 400, 'invalid_request'],
    ['an empty code', (form) => ({ ...form, code: '' }), 400, 'invalid_request'],
    ['another code', (form) => ({ ...form, code: 'A'.repeat(43) }), 400, 'invalid_grant'],
    [
      'a code written otherwise',
      (form) => ({ ...form, code: String(form['code']).toLowerCase() }),
      400,
      'invalid_grant',
    ],
    ['a code with a space', (form) => ({ ...form, code: `${form['code']} ` }), 400, 'invalid_grant'],
    ['a code without end', (form) => ({ ...form, code: 'x'.repeat(30_000) }), 400, 'invalid_grant'],
    ['no client', (form) => without(form, 'client_id'), 401, 'invalid_client'],
    ['an unknown client', (form) => ({ ...form, client_id: 'nobody' }), 401, 'invalid_client'],
    ['a disabled client', (form) => ({ ...form, client_id: 'disabled' }), 401, 'invalid_client'],
    ['a client that did not authenticate', (form) => ({ ...form, client_id: 'sample-web' }), 401, 'invalid_client'],
    [
      'a client without this grant',
      (form) => without(form, 'client_id'),
      400,
      'unauthorized_client',
      basic('no-code', 'demo-secret'),
    ],
    ['a secret of no use', (form) => ({ ...form, client_secret: 'x' }), 401, 'invalid_client'],
  ];
  for (const [name, change, status, error, headers] of harmless) {
    it(`${name}: ${status} ${error}, and the code still works`, async () => {
      const form = await codeFor();
      const before = await stage().usable();
      expectOAuthError(await post(change(form), headers), status, error);
      expectNoMore(await stage().usable(), before);
      expect((await post(form)).status).to.equal(200);
    });
  }

  it('expired: invalid_grant', async () => {
    const form = await codeFor();
    await stage().expire('code', String(form['code']));
    expectOAuthError(await post(form), 400, 'invalid_grant');
  });

  it('used twice: invalid_grant, and what the first use got ends, refreshed or not', async () => {
    const form = await codeFor();
    const first = jsonOf(await post(form));
    const refreshed = jsonOf(
      await post({
        grant_type: 'refresh_token',
        refresh_token: String(first['refresh_token']),
        client_id: 'sample-native',
      }),
    );
    expect(await active(refreshed['access_token'])).to.equal(true);
    expectOAuthError(await post(form), 400, 'invalid_grant');
    for (const token of [first['access_token'], refreshed['access_token'], refreshed['refresh_token']])
      expect(await active(token)).to.equal(false);
    expectOAuthError(
      await post({
        grant_type: 'refresh_token',
        refresh_token: String(refreshed['refresh_token']),
        client_id: 'sample-native',
      }),
      400,
      'invalid_grant',
    );
  });

  it('what is no code: a refresh token, an access token, the name of the flow', async () => {
    const { codeFor: fresh } = tokensOf(stage);
    const form = await fresh();
    const got = jsonOf(await post(form));
    for (const code of [got['refresh_token'], got['access_token'], got['id_token']])
      expectOAuthError(await post({ ...form, code: String(code) }), 400, 'invalid_grant');
  });

  it('the person was disabled meanwhile: invalid_grant', async () => {
    const { admin } = stage();
    const person = { username: 'leaving', password: 'demo-password-1', authorities: [] };
    const made = await admin('POST', '/tenants/demo/users', person);
    const form = await codeFor(
      { client_id: 'plain-oidc', scope: 'openid', aud: undefined },
      'leaving',
      'demo-password-1',
    );
    await admin('PATCH', `/tenants/demo/users/${String(made.body['id'])}`, { enabled: false });
    const headers = basic('plain-oidc', 'demo-secret');
    expectOAuthError(await post(without(form, 'client_id'), headers), 400, 'invalid_grant');
    await admin('PATCH', `/tenants/demo/users/${String(made.body['id'])}`, { enabled: true });
    expectOAuthError(await post(without(form, 'client_id'), headers), 400, 'invalid_grant');
  });

  describe('by confidential apps', () => {
    const plain = {
      client_id: 'plain-oidc',
      scope: 'openid',
      aud: undefined,
      code_challenge: undefined,
      code_challenge_method: undefined,
    };
    it('needs each app’s own way to authenticate; what fails to does not use the code up', async () => {
      const form = await codeFor({ client_id: 'sample-web' });
      expectOAuthError(await post(form), 401, 'invalid_client');
      expectOAuthError(await post({ ...form, client_secret: 'wrong' }), 401, 'invalid_client');
      expectOAuthError(
        await post({ ...form, ...(await clientAssertion(stage().server, 'sample-asym')) }),
        401,
        'invalid_client',
      );
      expectOAuthError(await post({ ...form, client_secret: 'demo-secret' }, secret), 400, 'invalid_request');
      const answer = await post(without(form, 'client_id'), secret);
      expect(answer.status, answer.body).to.equal(200);
      expectNotStored(answer);
    });

    it('with an assertion: no client_id needed', async () => {
      const form = without(await codeFor({ client_id: 'sample-asym' }), 'client_id');
      const answer = await post({ ...form, ...(await clientAssertion(stage().server, 'sample-asym')) });
      expect(answer.status, answer.body).to.equal(200);
    });

    it('a verifier without a challenge is refused, and no verifier is needed then', async () => {
      const headers = basic('plain-oidc', 'demo-secret');
      const form = without(await codeFor(plain), 'client_id');
      expectOAuthError(await post({ ...form, code_verifier: 'x'.repeat(43) }, headers), 400, 'invalid_grant');
      expectOAuthError(await post(form, headers), 400, 'invalid_grant');
      const second = await post(without(await codeFor(plain), 'client_id'), headers);
      expect(second.status, second.body).to.equal(200);
    });
  });
});
