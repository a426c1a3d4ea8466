/** Revocation (RFC 7009), and Smile CDR's older call of it: a client ends what is its own, and learns nothing of the rest. */
import { expect } from 'chai';
import { basic } from '../../support/oauth.ts';
import { leavesNothing, useStage } from './stage.ts';
import { type Form, tokensOf, without } from './token-support.ts';
import { type Answer, expectNotStored, expectOAuthError, jsonOf, send } from './wire.ts';

describe('the revocation endpoint', () => {
  const stage = useStage();
  const paths = ['/demo/oauth/token/revoke', '/demo/session/token/revoke'];
  const path = paths[0] ?? '';
  const { post, codeFor, tokens, active } = tokensOf(stage);
  const revoke = (form: string | Form, headers: Form = {}, at = path) => post(form, headers, at);
  const native = { client_id: 'sample-native' };
  const expectDone = (answer: Answer) => {
    expect(answer.status, answer.body).to.equal(200);
    expect(answer.body).to.equal('');
    expectNotStored(answer);
  };
  const webTokens = async () =>
    jsonOf(
      await post(without(await codeFor({ client_id: 'sample-web' }), 'client_id'), basic('sample-web', 'demo-secret')),
    );

  for (const [hint, at] of [
    [{}, path],
    [{ token_type_hint: 'access_token' }, path],
    [{ token_type_hint: 'refresh_token' }, path],
    [{ token_type_hint: 'unheard-of' }, path],
    [{ token_type: 'access_token' }, paths[1]],
    [{ token_type: 'refresh_token' }, paths[1]],
    [{ token_type: 'unheard-of' }, paths[1]],
    [{}, paths[1]],
  ] as [Form, string][]) {
    it(`${JSON.stringify(hint)} at ${at}: either token ends, once and again`, async () => {
      const got = await tokens();
      expectDone(await revoke({ ...native, ...hint, token: String(got['access_token']) }, {}, at));
      expect(await active(got['access_token'])).to.equal(false);
      // The app may still refresh: it gave back one token, not its access.
      expect(await active(got['refresh_token'])).to.equal(true);
      expectDone(await revoke({ ...native, ...hint, token: String(got['refresh_token']) }, {}, at));
      expect(await active(got['refresh_token'])).to.equal(false);
      for (const name of ['access_token', 'refresh_token'])
        expectDone(await revoke({ ...native, ...hint, token: String(got[name]) }, {}, at));
    });
  }

  it('a refresh token takes all access tokens of its grant with it, and no other grant', async () => {
    const [first, other] = [await tokens(), await tokens()];
    const second = jsonOf(
      await post({ grant_type: 'refresh_token', refresh_token: String(first['refresh_token']), ...native }),
    );
    // The one that was used before is good enough to end the grant.
    expectDone(await revoke({ ...native, token: String(first['refresh_token']) }));
    for (const token of [first['access_token'], second['access_token'], second['refresh_token']])
      expect(await active(token)).to.equal(false);
    expect(await active(other['access_token'])).to.equal(true);
    const info = await send(stage().server, 'GET', '/demo/userinfo', {
      headers: { authorization: `Bearer ${String(second['access_token'])}` },
    });
    expect(info.status).to.equal(401);
  });

  it('a public app of Smile CDR names no client: its token does', async () => {
    for (const at of paths) {
      const got = await tokens();
      expectDone(await revoke({ token: String(got['refresh_token']), token_type: 'refresh_token' }, {}, at));
      expect(await active(got['access_token'])).to.equal(false);
      // As before, now that it is over.
      expectDone(await revoke({ token: String(got['refresh_token']) }, {}, at));
    }
  });

  it('tokens of another tenant and unknown ones are answered alike, and stay', async () => {
    const got = await tokens();
    const host = new URL(stage().twin).host;
    expectDone(await revoke({ ...native, token: String(got['refresh_token']) }, { host }));
    expectDone(await revoke({ ...native, token: String(got['access_token']) }, {}, '/partner/oauth/token/revoke'));
    expectDone(await revoke({ ...native, token: 'unknown' }));
    expectDone(await revoke({ ...native, token: 'x'.repeat(30_000) }));
    expectDone(await revoke({ token: 'unknown' }, basic('sample-web', 'demo-secret')));
    expect(await active(got['access_token'])).to.equal(true);
    expect(await active(got['refresh_token'])).to.equal(true);
  });

  it('another client is refused, and a confidential one must say who it is', async () => {
    const [mine, web] = [await tokens(), await webTokens()];
    for (const at of paths) {
      for (const name of ['access_token', 'refresh_token']) {
        const own = { token: String(mine[name]) };
        expectOAuthError(await revoke({ ...own, client_id: 'sample-app' }, {}, at), 400, 'invalid_grant');
        expectOAuthError(await revoke(own, basic('sample-web', 'demo-secret'), at), 400, 'invalid_grant');
        expectOAuthError(await revoke({ ...own, client_id: 'disabled' }, {}, at), 401, 'invalid_client');
        const theirs = { token: String(web[name]) };
        expectOAuthError(await revoke(theirs, {}, at), 401, 'invalid_client');
        expectOAuthError(await revoke({ ...theirs, client_id: 'sample-web' }, {}, at), 401, 'invalid_client');
        expectOAuthError(await revoke({ ...theirs, ...native }, {}, at), 400, 'invalid_grant');
        expectOAuthError(await revoke(theirs, basic('sample-web', 'wrong'), at), 401, 'invalid_client');
      }
    }
    for (const got of [mine, web])
      for (const name of ['access_token', 'refresh_token']) expect(await active(got[name])).to.equal(true);
    expectDone(await revoke({ token: String(web['refresh_token']) }, basic('sample-web', 'demo-secret'), paths[1]));
    expect(await active(web['access_token'])).to.equal(false);
  });

  describe('refuses', () => {
    leavesNothing(stage);
    const rows: readonly (readonly [string, string | Form, Form, number, string])[] = [
      ['no token', native, {}, 400, 'invalid_request'],
      ['an empty token', { ...native, token: '' }, {}, 400, 'invalid_request'],
      ['two tokens', 'client_id=sample-native&token=a&token=b', {}, 400, 'invalid_request'],
      ['NUL', { ...native, token: 'a\0' }, {}, 400, 'invalid_request'],
      ['a bad encoding', 'client_id=sample-native&token=%zz', {}, 400, 'invalid_request'],
      ['an unknown token of nobody', { token: 'x' }, {}, 401, 'invalid_client'],
      ['an unknown client', { token: 'x', client_id: 'nobody' }, {}, 401, 'invalid_client'],
      ['a wrong secret', { token: 'x' }, basic('sample-web', 'wrong'), 401, 'invalid_client'],
      [
        'a secret that a public client does not have',
        { ...native, token: 'x', client_secret: 'x' },
        {},
        401,
        'invalid_client',
      ],
      [
        'two ways at once',
        { token: 'x', client_id: 'sample-web', client_secret: 'demo-secret' },
        basic('sample-web', 'demo-secret'),
        400,
        'invalid_request',
      ],
      ['a bearer token', { token: 'x' }, { authorization: 'Bearer abc' }, 401, 'invalid_client'],
    ];
    for (const [name, form, headers, status, error] of rows) {
      it(`${name}: ${status} ${error}`, async () => {
        for (const at of paths) expectOAuthError(await revoke(form, headers, at), status, error, at);
      });
    }

    it('JSON, a token in the address, a body without end, other methods', async () => {
      for (const at of paths) {
        const json = { body: '{"token":"x"}', headers: { 'content-type': 'application/json' } };
        expectOAuthError(await send(stage().server, 'POST', at, json), 400, 'invalid_request');
        expectOAuthError(await revoke(native, {}, `${at}?token=x`), 400, 'invalid_request');
        expectOAuthError(await revoke({ ...native, token: 'x'.repeat(140_000) }, {}, at), 413, 'invalid_request');
        for (const method of ['GET', 'PUT', 'DELETE']) {
          const answer = await send(stage().server, method, `${at}?token=x&client_id=sample-native`);
          expectOAuthError(answer, 405, 'invalid_request');
          expect(answer.headers['allow']).to.equal('POST');
        }
      }
    });
  });
});
