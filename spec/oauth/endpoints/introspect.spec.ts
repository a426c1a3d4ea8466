/** Introspection: the truth for who may ask, `{"active":false}` and nothing else for everything that is over. */
import { expect } from 'chai';
import { basic, clientAssertion } from '../../support/oauth.ts';
import { leavesNothing, useStage } from './stage.ts';
import { type Form, tokensOf } from './token-support.ts';
import { expectNotStored, expectOAuthError, jsonOf, send } from './wire.ts';

describe('the introspection endpoint', () => {
  const stage = useStage();
  const path = '/demo/oauth/token/introspect';
  const { post, tokens } = tokensOf(stage);
  const server = basic('resource-server', 'demo-secret');
  const ask = (form: string | Form, headers: Form = server, at = path) => post(form, headers, at);
  const bearer = (token: unknown): Form => ({ authorization: `Bearer ${String(token)}` });
  const serviceToken = async (client: string): Promise<Record<string, unknown>> =>
    jsonOf(await post({ grant_type: 'client_credentials' }, basic(client, 'demo-secret')));
  const activeOf = async (token: unknown, headers: Form = server): Promise<unknown> => {
    const answer = await ask({ token: String(token) }, headers);
    expect(answer.status, answer.body).to.equal(200);
    expectNotStored(answer);
    const body = jsonOf(answer);
    if (body['active'] !== true) expect(body).to.deep.equal({ active: false });
    return body['active'];
  };

  let person: Record<string, unknown>;
  let foreign: unknown;
  before(async () => {
    person = await tokens({ scope: 'openid fhirUser launch/patient patient/*.rs offline_access' });
    const atTwin = { ...basic('sample-service', 'demo-secret'), host: new URL(stage().twin).host };
    foreign = jsonOf(await post({ grant_type: 'client_credentials' }, atTwin))['access_token'];
    expect(foreign).to.be.a('string');
  });

  it('tells what the token response told: scope, context, and whose it is', async () => {
    const access = jsonOf(await ask({ token: String(person['access_token']) }));
    expect(access).to.include({
      active: true,
      scope: person['scope'],
      client_id: 'sample-native',
      token_type: 'Bearer',
      username: 'jane',
      sub: 'jane',
      patient: 'jane',
      iss: stage().server.issuer,
      aud: `${stage().server.issuer}/fhir/r4`,
      fhirUser: `${stage().server.issuer}/fhir/r4/Patient/jane`,
    });
    expect(access['exp']).to.equal(Number(access['iat']) + Number(person['expires_in']));
    const refresh = jsonOf(await ask({ token: String(person['refresh_token']) }));
    expect(refresh).to.include({ active: true, client_id: 'sample-native', sub: 'jane', scope: person['scope'] });
    expect(refresh).not.to.have.any.keys('token_type');
  });

  it('looks at no hint, right, wrong or unknown', async () => {
    for (const token_type_hint of ['access_token', 'refresh_token', 'x', ''])
      for (const name of ['access_token', 'refresh_token'])
        expect(jsonOf(await ask({ token: String(person[name]), token_type_hint })), token_type_hint).to.include({
          active: true,
        });
  });

  describe('says {"active":false} of', () => {
    leavesNothing(stage);
    const over: readonly (readonly [string, () => unknown])[] = [
      ['what is no token', () => 'nonsense'],
      ['NUL encoded twice', () => '%00'],
      ['a very long one', () => 'x'.repeat(30_000)],
      ['an ID token', () => person['id_token']],
      ['a token with a space more', () => `${String(person['access_token'])} `],
      ['a token whose signature is cut', () => String(person['access_token']).slice(0, -4)],
      ['a token of another tenant', () => foreign],
    ];
    for (const [name, token] of over) {
      it(name, async () => expect(await activeOf(token())).to.equal(false));
    }
  });

  it('says {"active":false} once a token is expired, revoked, used, or its client disabled', async () => {
    const first = await serviceToken('sample-service');
    expect(await activeOf(first['access_token'])).to.equal(true);
    await stage().expire('token', String(first['access_token']));
    expect(await activeOf(first['access_token'])).to.equal(false);

    const second = await tokens();
    await post({ token: String(second['access_token']), client_id: 'sample-native' }, {}, '/demo/oauth/token/revoke');
    expect(await activeOf(second['access_token'])).to.equal(false);
    await post({ grant_type: 'refresh_token', refresh_token: String(second['refresh_token']) });
    expect(await activeOf(second['refresh_token'])).to.equal(false);

    const { admin } = stage();
    const made = await admin('POST', '/tenants/demo/clients', {
      clientId: 'short-lived',
      clientName: 'Short-lived',
      tokenEndpointAuthMethods: ['client_secret_basic'],
      grantTypes: ['client_credentials'],
      scopes: ['system/*.rs'],
    });
    const secret = String(made.body['secret']);
    const third = jsonOf(await post({ grant_type: 'client_credentials' }, basic('short-lived', secret)));
    expect(await activeOf(third['access_token'])).to.equal(true);
    await admin('PATCH', '/tenants/demo/clients/short-lived', { enabled: false });
    expect(await activeOf(third['access_token'])).to.equal(false);
  });

  it('a client that may ask of its own tokens sees those, and nothing of others', async () => {
    const own = basic('own-inspector', 'demo-secret');
    const { access_token: opaque } = await serviceToken('own-inspector');
    expect(String(opaque)).to.match(/^[\w-]{43}$/);
    expect(await activeOf(opaque, own)).to.equal(true);
    expect(await activeOf(person['access_token'], own)).to.equal(false);
    expect(await activeOf(person['refresh_token'], own)).to.equal(false);
    expect(await activeOf('nonsense', own)).to.equal(false);
  });

  describe('takes a bearer token for the caller', () => {
    it('of a client that may introspect any token (SMART App Launch 2.2, token introspection)', async () => {
      const { access_token: caller } = await serviceToken('inspector');
      expect(await activeOf(person['access_token'], bearer(caller))).to.equal(true);
      expect(await activeOf('nonsense', bearer(caller))).to.equal(false);
      expect(await activeOf(caller, bearer(caller))).to.equal(true);
    });

    it('of a client that may introspect its own tokens, for those', async () => {
      const { access_token: caller } = await serviceToken('own-inspector');
      expect(await activeOf(caller, bearer(caller))).to.equal(true);
      expect(await activeOf(person['access_token'], bearer(caller))).to.equal(false);
    });

    it('but none that is over, not an access token, or of a client that may not', async () => {
      const { access_token: caller } = await serviceToken('inspector');
      const form = { token: String(person['access_token']) };
      const refused: readonly (readonly [unknown, number, string])[] = [
        ['nonsense', 401, 'invalid_token'],
        [person['refresh_token'], 401, 'invalid_token'],
        [person['id_token'], 401, 'invalid_token'],
        [person['access_token'], 403, 'insufficient_scope'],
        [(await serviceToken('sample-service'))['access_token'], 403, 'insufficient_scope'],
      ];
      for (const [token, status, error] of refused) {
        const answer = await ask(form, bearer(token));
        expectOAuthError(answer, status, error);
        expect(answer.headers['www-authenticate']).to.match(new RegExp(`^Bearer realm="demo", error="${error}"`));
      }
      await stage().expire('token', String(caller));
      expectOAuthError(await ask(form, bearer(caller)), 401, 'invalid_token');
    });

    it('and no client beside it', async () => {
      const { access_token: caller } = await serviceToken('inspector');
      const form = { token: 'x', client_id: 'resource-server', client_secret: 'demo-secret' };
      expectOAuthError(await ask(form, bearer(caller)), 400, 'invalid_request');
    });
  });

  describe('refuses', () => {
    leavesNothing(stage);
    const rows: readonly (readonly [string, string | Form, Form, number, string])[] = [
      ['nobody', { token: 'x' }, {}, 401, 'invalid_client'],
      ['a public client', { token: 'x', client_id: 'sample-native' }, {}, 401, 'invalid_client'],
      ['a wrong secret', { token: 'x' }, basic('resource-server', 'wrong'), 401, 'invalid_client'],
      ['an unknown client', { token: 'x' }, basic('nobody', 'x'), 401, 'invalid_client'],
      [
        "another tenant's client",
        { token: 'x' },
        basic('demo-federation', 'partner-demo-secret'),
        401,
        'invalid_client',
      ],
      ['an unknown scheme', { token: 'x' }, { authorization: 'Digest x' }, 401, 'invalid_client'],
      ['a bearer token of odd letters', { token: 'x' }, { authorization: 'Bearer a b' }, 401, 'invalid_token'],
      [
        'a client that may not introspect',
        { token: 'x' },
        basic('sample-service', 'demo-secret'),
        403,
        'unauthorized_client',
      ],
      ['two ways at once', { token: 'x', client_secret: 'demo-secret' }, server, 400, 'invalid_request'],
      ['no token', {}, server, 400, 'invalid_request'],
      ['an empty token', { token: '' }, server, 400, 'invalid_request'],
      ['two tokens', 'token=a&token=b', server, 400, 'invalid_request'],
      ['NUL', { token: 'a\0' }, server, 400, 'invalid_request'],
      ['a bad encoding', 'token=%zz', server, 400, 'invalid_request'],
    ];
    for (const [name, form, headers, status, error] of rows) {
      it(`${name}: ${status} ${error}`, async () => {
        const answer = await ask(form, headers);
        expectOAuthError(answer, status, error);
        if (status === 401 && headers['authorization'])
          expect(answer.headers['www-authenticate']).to.match(/^(Basic|Bearer) realm="demo"/);
      });
    }

    it('JSON, a token in the address, a body without end, other methods', async () => {
      const json = { body: '{"token":"x"}', headers: { ...server, 'content-type': 'application/json' } };
      expectOAuthError(await send(stage().server, 'POST', path, json), 400, 'invalid_request');
      expectOAuthError(await ask({}, server, `${path}?token=x`), 400, 'invalid_request');
      expectOAuthError(await ask({ token: 'x'.repeat(140_000) }), 413, 'invalid_request');
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const answer = await send(stage().server, method, `${path}?token=x`, { headers: server });
        expectOAuthError(answer, 405, 'invalid_request');
        expect(answer.headers['allow']).to.equal('POST');
      }
    });
  });

  it('authenticates by body and by JWT, too', async () => {
    const byBody = {
      token: String(person['access_token']),
      client_id: 'resource-server',
      client_secret: 'demo-secret',
    };
    expect(jsonOf(await ask(byBody, {}))).to.include({ active: true });
    const assertion = await clientAssertion(stage().server, 'sample-backend');
    expectOAuthError(await ask({ token: 'x', ...assertion }, {}), 403, 'unauthorized_client');
  });
});
