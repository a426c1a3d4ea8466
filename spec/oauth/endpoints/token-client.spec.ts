/** Clients that act for themselves: the scopes of their definition, never a person's; and every way a JWT can be wrong. */
import { createHmac, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { basic } from '../../support/oauth.ts';
import { leavesNothing, useStage } from './stage.ts';
import { assertionType, type Form, signed, tokensOf } from './token-support.ts';
import { expectOAuthError, jsonOf } from './wire.ts';

describe('the client credentials grant', () => {
  const stage = useStage();
  const { post } = tokensOf(stage);
  const ask = (client: string, form: Form = {}) =>
    post({ grant_type: 'client_credentials', ...form }, basic(client, 'demo-secret'));

  const granted: readonly (readonly [string, Form, string])[] = [
    ['sample-service', {}, 'system/*.rs'],
    ['sample-service', { scope: '' }, 'system/*.rs'],
    ['sample-service', { scope: '   ' }, 'system/*.rs'],
    [
      'sample-service',
      { scope: 'system/Patient.r system/Observation.read' },
      'system/Patient.r system/Observation.read',
    ],
    ['sample-service', { scope: 'system/*.cruds' }, 'system/*.rs'],
    ['sample-service', { scope: 'system/*.read user/*.rs unheard-of' }, 'system/*.read'],
    ['sample-service', { scope: 'openid system/*.rs offline_access launch/patient' }, 'system/*.rs'],
    ['sample-service', { scope: 'system/*.rs', aud: 'AUD' }, 'system/*.rs'],
    ['sample-service', { scope: 'system/*.rs', resource: 'AUD/' }, 'system/*.rs'],
    // All of them, but for what only a person can give.
    ['no-code', {}, 'patient/*.rs user/*.rs system/*.rs'],
    ['superuser', {}, 'patient/*.read'],
  ];
  for (const [client, form, scope] of granted) {
    it(`${client} with ${JSON.stringify(form)}: ${scope}`, async () => {
      const audience = `${stage().server.issuer}/fhir/r4`;
      const filled = Object.entries(form).map(([name, value]) => [name, value.replace('AUD', audience)]);
      const answer = await ask(client, Object.fromEntries(filled) as Form);
      expect(answer.status, answer.body).to.equal(200);
      const body = jsonOf(answer);
      expect(body).to.include({ scope }).and.to.have.all.keys('access_token', 'token_type', 'expires_in', 'scope');
      const claims = decodeJwt(String(body['access_token']));
      expect(claims).to.include({ scope, sub: client, client_id: client, aud: audience });
    });
  }

  it('a superuser with patient/*.read may read, not write', async () => {
    const { access_token: token } = jsonOf(await ask('superuser', { scope: 'patient/*.read' }));
    expect(decodeJwt(String(token))['authorities']).to.deep.equal([
      { permission: 'ROLE_FHIR_CLIENT' },
      { permission: 'FHIR_ALL_READ' },
    ]);
  });

  describe('refuses', () => {
    leavesNothing(stage);
    const rows: readonly (readonly [string, Form, string])[] = [
      ['sample-service', { scope: 'unheard-of' }, 'invalid_scope'],
      ['sample-service', { scope: 'system/*.cud' }, 'invalid_scope'],
      ['sample-service', { scope: 'user/*.rs' }, 'invalid_scope'],
      ['sample-service', { scope: 'openid' }, 'invalid_scope'],
      ['superuser', { scope: 'openid offline_access launch/patient' }, 'invalid_scope'],
      ['superuser', { scope: 'patient/*.write' }, 'invalid_scope'],
      ['no-code', { scope: 'openid online_access fhirUser' }, 'invalid_scope'],
      ['sample-service', { scope: 'system/*.sr' }, 'invalid_scope'],
      ['sample-service', { scope: 'system/*.rs system/*.sr' }, 'invalid_scope'],
      ['sample-service', { scope: 'system/*.rs "' }, 'invalid_scope'],
      ['sample-service', { scope: 'system/*.rs\tsystem/Patient.rs' }, 'invalid_scope'],
      ['sample-service', { resource: 'https://evil.example/' }, 'invalid_target'],
      ['sample-service', { aud: 'https://evil.example/' }, 'invalid_target'],
      ['sample-web', {}, 'unauthorized_client'],
      ['resource-server', {}, 'unauthorized_client'],
    ];
    for (const [client, form, error] of rows) {
      it(`${client} with ${JSON.stringify(form)}: ${error}`, async () => {
        expectOAuthError(await ask(client, form), 400, error);
      });
    }
  });
});

describe('backend services', () => {
  const stage = useStage();
  const { post } = tokensOf(stage);
  const now = () => Math.floor(Date.now() / 1000);
  const claims = () => ({
    iss: 'sample-backend',
    sub: 'sample-backend',
    aud: `${stage().server.issuer}/oauth/token`,
    exp: now() + 240,
    jti: randomUUID(),
  });
  type Claims = Readonly<Record<string, unknown>>;
  const present = (client_assertion: string, more: Form = {}) =>
    post({ grant_type: 'client_credentials', client_assertion_type: assertionType, client_assertion, ...more });
  const sign = (change: Claims = {}, header: Claims = {}, keys = 'sample-backend') =>
    signed(stage().server, keys, { ...claims(), ...change }, { alg: 'ES384', ...header });
  const part = (value: Claims) => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('accepts ES384 and RS384, the token endpoint or the issuer as audience, once each', async () => {
    const { issuer } = stage().server;
    for (const token of [
      await sign(),
      await sign({}, { alg: 'RS384' }),
      await sign({ aud: issuer }),
      await sign({ aud: ['https://elsewhere.example', `${issuer}/oauth/token`] }),
      await sign({ exp: now() + 299, iat: now(), nbf: now() }, { typ: undefined }),
    ]) {
      const answer = await present(token, { client_id: 'sample-backend' });
      expect(answer.status, answer.body).to.equal(200);
      expect(jsonOf(answer)).to.include({ scope: 'system/*.rs' }).and.not.to.have.any.keys('refresh_token', 'id_token');
      expectOAuthError(await present(token), 401, 'invalid_client');
    }
  });

  describe('refuse with invalid_client', () => {
    leavesNothing(stage);
    const wrongClaims: readonly (readonly [string, () => Claims])[] = [
      ['exp in six minutes', () => ({ exp: now() + 360 })],
      ['exp in a year', () => ({ exp: now() + 31_536_000 })],
      ['exp a minute ago', () => ({ exp: now() - 60 })],
      ['no exp', () => ({ exp: undefined })],
      ['exp as text', () => ({ exp: String(now() + 60) })],
      ['no jti', () => ({ jti: undefined })],
      ['an empty jti', () => ({ jti: '' })],
      ['a jti that is a number', () => ({ jti: 5 })],
      ['a jti without end', () => ({ jti: 'j'.repeat(2000) })],
      ['no aud', () => ({ aud: undefined })],
      ['an audience elsewhere', () => ({ aud: 'https://evil.example/oauth/token' })],
      ['the FHIR server as audience', () => ({ aud: `${stage().server.issuer}/fhir/r4` })],
      ['the audience with a slash', () => ({ aud: `${stage().server.issuer}/oauth/token/` })],
      ["another tenant's token endpoint", () => ({ aud: `${stage().server.url}/partner/oauth/token` })],
      ['the same path at another host', () => ({ aud: `${stage().twin}/oauth/token` })],
      ['another subject', () => ({ sub: 'sample-asym' })],
      ['no subject', () => ({ sub: undefined })],
      ['another issuer', () => ({ iss: 'sample-asym', sub: 'sample-asym' })],
      ['an unknown issuer', () => ({ iss: 'nobody', sub: 'nobody' })],
      ['no issuer', () => ({ iss: undefined })],
      ['an issuer with NUL', () => ({ iss: 'sample-backend\0', sub: 'sample-backend\0' })],
      ['an issuer registered for secrets', () => ({ iss: 'sample-service', sub: 'sample-service' })],
      ['a public issuer', () => ({ iss: 'sample-native', sub: 'sample-native' })],
      ['iat in the future', () => ({ iat: now() + 120 })],
      ['nbf in the future', () => ({ nbf: now() + 120 })],
      ['iat as text', () => ({ iat: 'now' })],
    ];
    for (const [name, change] of wrongClaims) {
      it(name, async () => {
        expectOAuthError(await present(await sign(change())), 401, 'invalid_client');
      });
    }

    const wrongHeaders: readonly (readonly [string, Claims, string?])[] = [
      ['no kid', { kid: undefined }],
      ['an unknown kid', { kid: 'x' }],
      ['a kid that is a number', { kid: 7 }],
      ['the kid of the RSA key', { kid: 'demo-sample-backend-rs384' }],
      ['the kid of the EC key on RS384', { alg: 'RS384', kid: 'demo-sample-backend-es384' }],
      ["another client's key", { kid: 'demo-sample-backend-es384' }, 'sample-asym'],
      ["another client's key and kid", {}, 'sample-asym'],
      ['RS512', { alg: 'RS512' }],
      ['RS256, which the key is not for', { alg: 'RS256' }],
      ['PS256, which the key is not for', { alg: 'PS256' }],
      ['a jku that is not registered', { jku: 'https://evil.example/jwks.json' }],
      ['a jku of this server', { jku: 'http://localhost/demo/jwk' }],
    ];
    for (const [name, header, keys] of wrongHeaders) {
      it(name, async () => {
        expectOAuthError(await present(await sign({}, header, keys)), 401, 'invalid_client');
      });
    }

    it('alg none, and HS256 with what is public', async () => {
      const kid = 'demo-sample-backend-rs384';
      for (const alg of ['none', 'None', 'NONE', ''])
        for (const signature of ['', 'x'])
          expectOAuthError(
            await present(`${part({ alg, kid })}.${part(claims())}.${signature}`),
            401,
            'invalid_client',
          );
      for (const key of ['demo-secret', kid, JSON.stringify(part({}))]) {
        const input = `${part({ alg: 'HS256', kid, typ: 'JWT' })}.${part(claims())}`;
        const mac = createHmac('sha256', key).update(input).digest('base64url');
        expectOAuthError(await present(`${input}.${mac}`), 401, 'invalid_client');
      }
    });

    it('a header that brings its own key, and one that must be understood', async () => {
      const jwk = { kty: 'EC', crv: 'P-384', x: 'AA', y: 'AA' };
      for (const header of [{ jwk }, { x5u: 'https://evil.example/' }, { x5c: ['AA'] }]) {
        // What is not looked at does no harm: the registered key still decides.
        expectOAuthError(await present(await sign({}, { ...header, kid: 'mine' })), 401, 'invalid_client');
      }
      const critical = await sign({}, {});
      const [, payload, signature] = critical.split('.');
      const header = part({ alg: 'ES384', kid: 'demo-sample-backend-es384', crit: ['b64'], b64: false });
      expectOAuthError(await present(`${header}.${payload}.${signature}`), 401, 'invalid_client');
    });

    it('what is no JWT, a cut one, a changed one, one without end', async () => {
      const token = await sign();
      const [header, , signature] = token.split('.');
      for (const broken of [
        'x',
        '..',
        'a.b.c',
        `${token}.x`,
        `${token}=`,
        ` ${token}`,
        token.slice(0, -8),
        `${header}.${part({ ...claims(), scope: 'system/*.cruds' })}.${signature}`,
        `${part({ alg: 'ES384', kid: 1 })}.${part(claims())}.x`,
        `${token}${'A'.repeat(20_000)}`,
        '[]'.repeat(3),
      ])
        expectOAuthError(await present(broken), 401, 'invalid_client', broken.slice(0, 60));
    });

    it('a client_id that is another one', async () => {
      expectOAuthError(await present(await sign(), { client_id: 'sample-asym' }), 401, 'invalid_client');
    });
  });

  it('a jti is used up by its owner only, and stays so under another exp and key', async () => {
    const jti = randomUUID();
    expectOAuthError(await present(await sign({ jti }, {}, 'sample-asym')), 401, 'invalid_client');
    expectOAuthError(await present(await sign({ jti, aud: 'https://evil.example' })), 401, 'invalid_client');
    expect((await present(await sign({ jti }))).status).to.equal(200);
    expectOAuthError(await present(await sign({ jti, exp: now() + 299 }, { alg: 'RS384' })), 401, 'invalid_client');
    // Another client may use the same one.
    const asym = await signed(
      stage().server,
      'sample-asym',
      { ...claims(), iss: 'sample-asym', sub: 'sample-asym', jti },
      { alg: 'ES384' },
    );
    expectOAuthError(await present(asym), 400, 'unauthorized_client');
  });

  it('at introspection and revocation the same assertion is refused a second time', async () => {
    const token = await sign();
    const form = { token: 'x', client_assertion_type: assertionType, client_assertion: token };
    expect((await post(form, {}, '/demo/oauth/token/revoke')).status).to.equal(200);
    expectOAuthError(await post(form, {}, '/demo/oauth/token/revoke'), 401, 'invalid_client');
    expectOAuthError(await present(token), 401, 'invalid_client');
  });
});
