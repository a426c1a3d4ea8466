/** Refreshing: the app's own token, once, for no more than the person gave, and for no longer than they are there. */
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { basic, clientAssertion, logIn } from '../../support/oauth.ts';
import { createPerson } from '../../support/person.ts';
import { expectNoMore, leavesNothing, useStage } from './stage.ts';
import { type Form, tokensOf, without } from './token-support.ts';
import { expectOAuthError, jsonOf } from './wire.ts';

describe('the refresh token grant', () => {
  const stage = useStage();
  const { post, codeFor, tokens, active } = tokensOf(stage);
  const formOf = (got: Readonly<Record<string, unknown>>): Form => ({
    grant_type: 'refresh_token',
    refresh_token: String(got['refresh_token']),
    client_id: 'sample-native',
  });
  const scope = 'openid fhirUser launch/patient patient/*.rs offline_access';

  describe('refuses, and the token still works after', () => {
    let got: Record<string, unknown>;
    before(async () => (got = await tokens()));
    leavesNothing(stage);
    const rows: readonly (readonly [string, (form: Form) => Form, number, string, Form?])[] = [
      ['no token', (form) => without(form, 'refresh_token'), 400, 'invalid_request'],
      ['an empty token', (form) => ({ ...form, refresh_token: '' }), 400, 'invalid_request'],
      ['an unknown token', (form) => ({ ...form, refresh_token: 'A'.repeat(43) }), 400, 'invalid_grant'],
      [
        'an unknown token of nobody',
        () => ({ grant_type: 'refresh_token', refresh_token: 'x' }),
        401,
        'invalid_client',
      ],
      ['the access token', (form) => ({ ...form, refresh_token: String(got['access_token']) }), 400, 'invalid_grant'],
      [
        'the access token of nobody',
        (form) => ({ ...without(form, 'client_id'), refresh_token: String(got['access_token']) }),
        400,
        'invalid_grant',
      ],
      ['the ID token', (form) => ({ ...form, refresh_token: String(got['id_token']) }), 400, 'invalid_grant'],
      ['another public app', (form) => ({ ...form, client_id: 'sample-app' }), 400, 'invalid_grant'],
      [
        'an app with a secret',
        (form) => without(form, 'client_id'),
        400,
        'invalid_grant',
        basic('sample-web', 'demo-secret'),
      ],
      ['an app without this grant', (form) => ({ ...form, client_id: 'places' }), 400, 'unauthorized_client'],
      ['an unknown app', (form) => ({ ...form, client_id: 'nobody' }), 401, 'invalid_client'],
      ['a disabled app', (form) => ({ ...form, client_id: 'disabled' }), 401, 'invalid_client'],
      ['a secret it does not have', (form) => ({ ...form, client_secret: 'x' }), 401, 'invalid_client'],
      ['a wider type', (form) => ({ ...form, scope: 'user/*.rs' }), 400, 'invalid_scope'],
      ['more letters', (form) => ({ ...form, scope: 'patient/*.cruds' }), 400, 'invalid_scope'],
      ['one scope more', (form) => ({ ...form, scope: `${scope} profile` }), 400, 'invalid_scope'],
      ['a malformed scope', (form) => ({ ...form, scope: 'patient/*.sr' }), 400, 'invalid_scope'],
      ['a scope with a quote', (form) => ({ ...form, scope: 'openid "' }), 400, 'invalid_scope'],
    ];
    for (const [name, change, status, error, headers] of rows) {
      it(`${name}: ${status} ${error}`, async () => {
        expectOAuthError(await post(change(formOf(got)), headers), status, error);
        expect(await active(got['refresh_token'])).to.equal(true);
      });
    }

    it('until its rightful owner comes', async () => {
      got = jsonOf(await post(formOf(got)));
      expect(got).to.include({ scope, patient: 'jane', token_type: 'Bearer' });
      await post({ token: String(got['refresh_token']), client_id: 'sample-native' }, {}, '/demo/oauth/token/revoke');
    });
  });

  it('expired: invalid_grant', async () => {
    const got = await tokens();
    await stage().expire('token', String(got['refresh_token']));
    expectOAuthError(await post(formOf(got)), 400, 'invalid_grant');
  });

  it('reused: invalid_grant, and the whole family ends', async () => {
    const first = await tokens();
    const second = jsonOf(await post(formOf(first)));
    const third = jsonOf(await post(formOf(second)));
    const before = await stage().usable();
    expectOAuthError(await post(formOf(first)), 400, 'invalid_grant');
    const all = [first, second, third].flatMap((got) => [got['access_token'], got['refresh_token']]);
    for (const token of all) expect(await active(token)).to.equal(false);
    for (const got of [second, third]) expectOAuthError(await post(formOf(got)), 400, 'invalid_grant');
    // Three access tokens and the one refresh token that was not used.
    expectNoMore(await stage().usable(), { ...before, tokens: before.tokens - 4 });
  });

  it('a narrower scope narrows the access token only: the refresh token keeps what was granted (RFC 6749 section 6)', async () => {
    const first = await tokens();
    const narrow = jsonOf(await post({ ...formOf(first), scope: 'openid patient/Observation.rs' }));
    expect(narrow['scope']).to.equal('openid patient/Observation.rs');
    expect(decodeJwt(String(narrow['access_token']))['scope']).to.equal('openid patient/Observation.rs');
    const whole = jsonOf(await post(formOf(narrow)));
    expect(whole['scope']).to.equal(scope);
    const older = jsonOf(await post({ ...formOf(whole), scope: 'patient/*.read' }));
    expect(older['scope']).to.equal('patient/*.read');
    expectOAuthError(await post({ ...formOf(older), scope: 'user/*.rs' }), 400, 'invalid_scope');
  });

  it('the new ID token speaks of the same log-in, without its nonce', async () => {
    const first = await tokens({ nonce: 'n-1' });
    const second = jsonOf(await post(formOf(first)));
    const [before, after] = [first, second].map((got) => decodeJwt(String(got['id_token'])));
    for (const claim of ['iss', 'sub', 'aud', 'auth_time', 'fhirUser'])
      expect(after?.[claim], claim).to.equal(before?.[claim]);
    expect(after).not.to.have.any.keys('nonce');
  });

  for (const [access, status] of [
    ['online_access', 400],
    ['offline_access', 200],
  ] as const) {
    it(`${access} after log-out: ${status}`, async () => {
      const { server } = stage();
      const person = createPerson(server.url);
      const { body } = await logIn(server, person, 'jane', { scope: `openid ${access} patient/*.rs` });
      const page = await person.open(`${server.issuer}/session/end`);
      const left = await person.submit(page, { do: 'logout' });
      expect(left.body).to.include('logged out');
      const answer = await post(formOf(body));
      expect(answer.status, answer.body).to.equal(status);
      if (status === 400) {
        expectOAuthError(answer, 400, 'invalid_grant');
        expect(await active(body['access_token'])).to.equal(false);
      }
    });
  }

  it('without either scope there is no refresh token', async () => {
    expect(await tokens({ scope: 'openid patient/*.rs' })).not.to.have.any.keys('refresh_token');
  });

  it('a confidential app must authenticate, and its failure uses nothing up', async () => {
    const web = basic('sample-web', 'demo-secret');
    const got = jsonOf(await post(without(await codeFor({ client_id: 'sample-web' }), 'client_id'), web));
    const form = without(formOf(got), 'client_id');
    expectOAuthError(await post(form), 401, 'invalid_client');
    expectOAuthError(await post({ ...form, client_id: 'sample-web' }), 401, 'invalid_client');
    expectOAuthError(await post(form, basic('sample-web', 'wrong')), 401, 'invalid_client');
    const asym = await clientAssertion(stage().server, 'sample-asym');
    expectOAuthError(await post({ ...form, ...asym }), 400, 'invalid_grant');
    const answer = await post(form, web);
    expect(answer.status, answer.body).to.equal(200);
  });
});
