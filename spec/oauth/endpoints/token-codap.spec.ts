/** CODAP (Argonaut's cross-organizational draft): both tokens are checked, and each is good once. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { basic } from '../../support/oauth.ts';
import { leavesNothing, useStage } from './stage.ts';
import { assertionType, type Form, signed, tokensOf, without } from './token-support.ts';
import { expectOAuthError, jsonOf } from './wire.ts';

type Claims = Readonly<Record<string, unknown>>;

const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

describe('the CODAP grant', () => {
  const stage = useStage();
  const { post } = tokensOf(stage);
  const now = () => Math.floor(Date.now() / 1000);
  const shared = () => ({
    aud: `${stage().server.issuer}/oauth/token`,
    exp: now() + 240,
    iat: now(),
    jti: randomUUID(),
  });
  const authentication = (change: Claims = {}, header: Claims = {}, keys = 'partner-hospital') =>
    signed(
      stage().server,
      keys,
      { ...shared(), iss: 'partner-hospital', sub: 'partner-hospital', ...change },
      { alg: 'RS384', ...header },
    );
  const authorization = (change: Claims = {}, header: Claims = {}, keys = 'partner-hospital-issuer') =>
    signed(
      stage().server,
      keys,
      {
        ...shared(),
        iss: 'https://partner-hospital.example',
        sub: 'dr-who',
        acr: 'https://partner-hospital.example/assurance/3',
        requested_record: { resourceType: 'Patient', identifier: [{ value: 'MRN-10137' }] },
        requested_scopes: 'patient/*.rs',
        requesting_practitioner: { resourceType: 'Practitioner', id: 'dr-who' },
        reason_for_request: 'treatment',
        ...change,
      },
      { alg: 'RS256', ...header },
    );
  const formOf = async (assertion: Promise<string>, clientAssertion = authentication()): Promise<Form> => ({
    grant_type: grantType,
    assertion: await assertion,
    client_assertion_type: assertionType,
    client_assertion: await clientAssertion,
  });

  it('gives a short token for the one record: the person, the reason, no refresh and no ID token', async () => {
    const answer = await post(await formOf(authorization()));
    expect(answer.status, answer.body).to.equal(200);
    const body = jsonOf(answer);
    expect(body).to.have.all.keys('access_token', 'token_type', 'expires_in', 'scope', 'patient');
    expect(body).to.include({ patient: 'patient-02', scope: 'patient/*.rs' });
    expect(body['expires_in']).to.be.at.most(300);
    expect(decodeJwt(String(body['access_token']))).to.include({
      sub: 'https://partner-hospital.example#dr-who',
      reason_for_request: 'treatment',
      client_id: 'partner-hospital',
    });
  });

  it('narrows by the parameter scope, by the client and by the trust', async () => {
    for (const [requested_scopes, scope, granted] of [
      ['patient/*.rs', 'patient/Observation.rs', 'patient/Observation.rs'],
      ['patient/*.read patient/*.write', '', 'patient/*.read'],
      ['patient/*.cruds user/*.rs openid offline_access', '', 'patient/*.rs'],
    ] as const) {
      const form = { ...(await formOf(authorization({ requested_scopes }))), ...(scope ? { scope } : {}) };
      const answer = await post(form);
      expect(answer.status, answer.body).to.equal(200);
      expect(jsonOf(answer)).to.include({ scope: granted }).and.not.to.have.any.keys('refresh_token', 'id_token');
    }
  });

  describe('refuses', () => {
    leavesNothing(stage);

    const claims: readonly (readonly [string, () => Claims])[] = [
      ...[
        'sub',
        'aud',
        'acr',
        'exp',
        'iat',
        'jti',
        'requested_record',
        'requested_scopes',
        'requesting_practitioner',
        'reason_for_request',
      ].map((name) => [`no ${name}`, () => ({ [name]: undefined })] as const),
      ['an unknown issuer', () => ({ iss: 'https://stranger.example' })],
      ['the issuer with a slash', () => ({ iss: 'https://partner-hospital.example/' })],
      ['no issuer', () => ({ iss: undefined })],
      ['a subject that is not the practitioner', () => ({ sub: 'dr-no' })],
      ['a practitioner that is not the subject', () => ({ requesting_practitioner: { id: 'dr-no' } })],
      ['a practitioner without an id', () => ({ requesting_practitioner: { resourceType: 'Practitioner' } })],
      ['a practitioner that is text', () => ({ requesting_practitioner: 'dr-who' })],
      ['a practitioner whose id is a number', () => ({ sub: 7, requesting_practitioner: { id: 7 } })],
      ['a record that is text', () => ({ requested_record: 'MRN-10137' })],
      ['a record that is null', () => ({ requested_record: null })],
      ['a record that is a list', () => ({ requested_record: [{ identifier: [{ value: 'MRN-10137' }] }] })],
      ['a low assurance', () => ({ acr: 'https://partner-hospital.example/assurance/1' })],
      ['an assurance in a list', () => ({ acr: ['https://partner-hospital.example/assurance/3'] })],
      ['scopes in a list', () => ({ requested_scopes: ['patient/*.rs'] })],
      ['a reason that is an object', () => ({ reason_for_request: { code: 'treatment' } })],
      ['the issuer as audience', () => ({ aud: stage().server.issuer })],
      ['an audience elsewhere', () => ({ aud: 'https://evil.example/token' })],
      ["another tenant's token endpoint", () => ({ aud: `${stage().twin}/oauth/token` })],
      ['exp in six minutes', () => ({ exp: now() + 360 })],
      ['exp a minute ago', () => ({ exp: now() - 60 })],
      ['iat in the future', () => ({ iat: now() + 120 })],
      ['an empty jti', () => ({ jti: '' })],
      ['jti spelt jit, as the draft has it', () => ({ jti: undefined, jit: randomUUID() })],
    ];
    for (const [name, change] of claims) {
      it(`${name}: invalid_grant`, async () => {
        expectOAuthError(await post(await formOf(authorization(change()))), 400, 'invalid_grant');
      });
    }

    const headers: readonly (readonly [string, Claims, string?])[] = [
      ['no kid', { kid: undefined }],
      ['an unknown kid', { kid: 'x' }],
      ['the authentication key', {}, 'partner-hospital'],
      ['the authentication key under the other kid', { kid: 'demo-partner-hospital-issuer-rs256' }, 'partner-hospital'],
      ['an algorithm that is not agreed', { alg: 'PS256' }],
      ['an algorithm that nobody takes', { alg: 'RS512' }],
      ['a jku', { jku: 'https://evil.example/jwks.json' }],
    ];
    for (const [name, header, keys] of headers) {
      it(`an authorization token with ${name}: invalid_grant`, async () => {
        expectOAuthError(await post(await formOf(authorization({}, header, keys))), 400, 'invalid_grant');
      });
    }

    it('an authorization token that is none, or unsigned: invalid_grant', async () => {
      const [, payload] = (await authorization()).split('.');
      const none = Buffer.from('{"alg":"none"}').toString('base64url');
      for (const token of ['x', 'a.b.c', `${none}.${payload}.`, 'x'.repeat(20_000)])
        expectOAuthError(await post(await formOf(Promise.resolve(token))), 400, 'invalid_grant', token.slice(0, 40));
    });

    const decided: readonly (readonly [string, Claims, string])[] = [
      ['a record nobody has', { requested_record: { identifier: [{ value: 'MRN-0' }] } }, 'access_denied'],
      [
        'a record that two have',
        { requested_record: { identifier: [{ value: 'MRN-10137' }, { value: 'MRN-10274' }] } },
        'access_denied',
      ],
      ['a reason that is no treatment', { reason_for_request: 'curiosity' }, 'access_denied'],
      ['scopes of a person', { requested_scopes: 'user/*.rs openid' }, 'invalid_scope'],
      ['no scopes', { requested_scopes: '' }, 'invalid_scope'],
      ['more than reading', { requested_scopes: 'patient/*.cud' }, 'invalid_scope'],
      ['a malformed scope', { requested_scopes: 'patient/*.rs patient/*.sr' }, 'invalid_scope'],
    ];
    for (const [name, change, error] of decided) {
      it(`${name}: ${error}`, async () => {
        expectOAuthError(await post(await formOf(authorization(change))), 400, error);
      });
    }

    it('a scope beyond the authorization token, or a malformed one: invalid_scope', async () => {
      for (const scope of ['user/*.rs', 'patient/*.cud', 'patient/*.sr', 'patient/*.rs patient/*.sr'])
        expectOAuthError(await post({ ...(await formOf(authorization())), scope }), 400, 'invalid_scope', scope);
    });

    const systems: readonly (readonly [string, Claims, Claims?, string?])[] = [
      ['another issuer', { iss: 'sample-backend', sub: 'sample-backend' }],
      ['another subject', { sub: 'dr-who' }],
      ['another audience', { aud: 'https://evil.example' }],
      ['a late exp', { exp: now() + 3600 }],
      ['no jti', { jti: undefined }],
      ["the issuer's key", {}, { alg: 'RS256' }, 'partner-hospital-issuer'],
    ];
    for (const [name, change, header, keys] of systems) {
      it(`an authentication token with ${name}: invalid_client`, async () => {
        expectOAuthError(
          await post(await formOf(authorization(), authentication(change, header, keys))),
          401,
          'invalid_client',
        );
      });
    }

    it('no authentication token, a secret in its place, or no authorization token', async () => {
      const form = await formOf(authorization());
      const bare = without(form, 'client_assertion', 'client_assertion_type');
      expectOAuthError(await post(bare), 401, 'invalid_client');
      expectOAuthError(await post({ ...bare, client_id: 'sample-native' }), 401, 'invalid_client');
      expectOAuthError(await post(bare, basic('sample-service', 'demo-secret')), 401, 'invalid_client');
      expectOAuthError(await post(without(await formOf(authorization()), 'assertion')), 400, 'invalid_request');
      // One token in both places is neither.
      const both = await authorization();
      expectOAuthError(await post(await formOf(Promise.resolve(both), Promise.resolve(both))), 401, 'invalid_client');
    });

    it('a client that is not trusted with tokens of the issuer, or may not use the grant: unauthorized_client', async () => {
      const id = { iss: 'untrusted-hospital', sub: 'untrusted-hospital' };
      expectOAuthError(await post(await formOf(authorization(), authentication(id))), 400, 'unauthorized_client');
      const backend = { iss: 'sample-backend', sub: 'sample-backend' };
      const token = authentication(backend, { alg: 'ES384' }, 'sample-backend');
      expectOAuthError(await post(await formOf(authorization(), token)), 400, 'unauthorized_client');
    });

    it('every client where CODAP is off: unauthorized_client', async () => {
      const aud = `${stage().twin}/oauth/token`;
      const form = await formOf(authorization({ aud }), authentication({ aud }));
      const { server } = stage();
      const twin = await post(form, { host: new URL(stage().twin).host });
      expectOAuthError(twin, 400, 'unauthorized_client');
      expect(server.issuer).not.to.equal(stage().twin);
    });
  });

  it('each of the two tokens is good once', async () => {
    const [first, second] = [authorization(), authentication()];
    const form = await formOf(first, second);
    expect((await post(form)).status).to.equal(200);
    expectOAuthError(await post(form), 401, 'invalid_client');
    expectOAuthError(await post(await formOf(first)), 400, 'invalid_grant');
    expectOAuthError(await post(await formOf(authorization(), second)), 401, 'invalid_client');
  });

  it('a token that was refused for another reason does not use up the jti of a right one', async () => {
    const jti = randomUUID();
    expectOAuthError(await post(await formOf(authorization({ jti }, {}, 'partner-hospital'))), 400, 'invalid_grant');
    expectOAuthError(await post(await formOf(authorization({ jti, exp: now() - 60 }))), 400, 'invalid_grant');
    expect((await post(await formOf(authorization({ jti })))).status).to.equal(200);
  });
});
