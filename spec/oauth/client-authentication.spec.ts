import { expect } from 'chai';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import {
  authenticateClient,
  CLIENT_ASSERTION_TYPE,
  type ClientAuthenticationInput,
} from '../../engine/oauth/client-authentication.ts';
import { createJwksSource } from '../../engine/oauth/jwks-source.ts';
import { hashLowEntropySecret, newClientSecret } from '../../engine/store/secret.ts';
import type { Client, Jwk, Tenant } from '../../engine/tenant/tenant.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const SECONDS = NOW / 1000;
const ENDPOINT = 'https://as.example.org/a/oauth/token';
const tenant = {
  id: 'a',
  issuer: 'https://as.example.org/a',
  outboundHttp: { allow: [], allowPrivate: false },
} as unknown as Tenant;

const current = newClientSecret();
const retired = newClientSecret();
const future = newClientSecret();
const pairs = {
  ES384: await generateKeyPair('ES384'),
  RS384: await generateKeyPair('RS384'),
  other: await generateKeyPair('ES384'),
};
const publicKeys: Jwk[] = [
  { ...(await exportJWK(pairs.ES384.publicKey)), kid: 'ec', alg: 'ES384' } as Jwk,
  { ...(await exportJWK(pairs.RS384.publicKey)), kid: 'rsa' } as Jwk,
  { ...(await exportJWK(pairs.RS384.publicKey)), kid: 'twice' } as Jwk,
  { ...(await exportJWK(pairs.other.publicKey)), kid: 'twice' } as Jwk,
  { ...(await exportJWK(pairs.ES384.publicKey)), kid: 'double' } as Jwk,
  { ...(await exportJWK(pairs.other.publicKey)), kid: 'double' } as Jwk,
];

function client(clientId: string, methods: Client['tokenEndpointAuthMethods'], more: Partial<Client> = {}): Client {
  return { clientId, enabled: true, tokenEndpointAuthMethods: methods, secrets: [], ...more } as unknown as Client;
}

const clients = new Map(
  [
    client('web', ['client_secret_basic', 'client_secret_post'], {
      secrets: [
        { id: '1', hash: retired.hash, expiration: '2026-01-01T12:00:00Z' },
        { id: '2', hash: future.hash, activation: '2026-01-01T12:00:01Z' },
        { id: '3', hash: current.hash, activation: '2026-01-01T12:00:00Z', expiration: '2026-01-01T12:00:01Z' },
      ],
    }),
    client('unreadable', ['client_secret_post'], {
      secrets: [{ id: '1', hash: current.hash, expiration: 'some day' }],
    }),
    client('a:b/c', ['client_secret_basic'], { secrets: [{ id: '1', hash: await hashLowEntropySecret('p w+ü%') }] }),
    client('basic-only', ['client_secret_basic'], { secrets: [{ id: '1', hash: current.hash }] }),
    client('off', ['client_secret_post', 'none'], { enabled: false, secrets: [{ id: '1', hash: current.hash }] }),
    client('phone', ['none']),
    client('backend', ['private_key_jwt'], { jwks: { keys: publicKeys } }),
  ].map((one) => [one.clientId, one]),
);

function setUp(parameters: Record<string, string>, authorization?: string): ClientAuthenticationInput {
  const seen = new Set<string>();
  return {
    tenant,
    headers: { authorization },
    parameters: new Map(Object.entries(parameters)),
    tokenEndpoint: ENDPOINT,
    now: NOW,
    findClient: async (clientId) => clients.get(clientId),
    replays: {
      async remember(tenantId, space, value) {
        const key = `${tenantId} ${space} ${value}`;
        return !seen.has(key) && seen.add(key) !== undefined;
      },
    },
    jwks: createJwksSource({
      outbound: { request: async () => ({ ok: false, code: 'blocked', message: '' }), close: async () => {} },
      now: () => NOW,
    }),
    allowPublic: true,
  };
}

const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

async function expectError(input: ClientAuthenticationInput, error: string, hint?: RegExp) {
  const result = await authenticateClient(input);
  expect(result.ok).to.equal(false);
  if (result.ok) return undefined;
  expect(result.error.error).to.equal(error);
  if (hint) expect(result.error.hint).to.match(hint);
  return result.error;
}

describe('client authentication by secret', () => {
  it('accepts Basic, also with form-encoded parts', async () => {
    expect(await authenticateClient(setUp({}, basic('web', current.secret)))).to.deep.include({
      ok: true,
      method: 'client_secret_basic',
    });
    expect(
      await authenticateClient(setUp({ client_id: 'a:b/c' }, basic('a%3Ab%2Fc', 'p+w%2B%C3%BC%25'))),
    ).to.have.property('ok', true);
  });

  it('accepts the body', async () => {
    expect(await authenticateClient(setUp({ client_id: 'web', client_secret: current.secret }))).to.deep.include({
      ok: true,
      method: 'client_secret_post',
    });
  });

  it('tells unknown, disabled, wrong, retired and coming alike', async () => {
    const cases = [
      ['nobody', current.secret],
      ['off', current.secret],
      ['web', 'wrong'],
      ['web', retired.secret],
      ['web', future.secret],
      ['unreadable', current.secret],
      ['basic-only', current.secret],
      ['backend', 'x'],
    ];
    for (const [id = '', secret = ''] of cases) {
      const error = await expectError(setUp({ client_id: id, client_secret: secret }), 'invalid_client');
      expect({ ...error, hint: '' }).to.deep.equal({
        error: 'invalid_client',
        description: 'Client authentication failed',
        status: 401,
        hint: '',
      });
    }
  });

  it('names Basic where the header was used', async () => {
    for (const header of [
      basic('web', 'wrong'),
      basic('nobody', 'x'),
      'Basic !!!',
      'Bearer abc',
      basic('', 'x'),
      basic('%E0%A4%A', 'x'),
      'Basic',
      `Basic ${'A'.repeat(9000)}`,
    ]) {
      const error = await expectError(setUp({}, header), 'invalid_client');
      expect(error?.headers?.['WWW-Authenticate']).to.match(/^Basic realm="a"/);
    }
  });

  it('refuses two methods at once, and two clients', async () => {
    await expectError(
      setUp({ client_id: 'web', client_secret: current.secret }, basic('web', current.secret)),
      'invalid_request',
    );
    await expectError(setUp({ client_assertion: 'x' }, basic('web', current.secret)), 'invalid_request');
    await expectError(
      setUp({ client_id: 'web', client_secret: current.secret, client_assertion_type: CLIENT_ASSERTION_TYPE }),
      'invalid_request',
    );
    await expectError(setUp({ client_id: 'phone' }, basic('web', current.secret)), 'invalid_request');
  });
});

describe('public clients', () => {
  it('name themselves where that is allowed', async () => {
    expect(await authenticateClient(setUp({ client_id: 'phone' }))).to.deep.include({ ok: true, method: 'none' });
    await expectError({ ...setUp({ client_id: 'phone' }), allowPublic: false }, 'invalid_client');
  });

  it('does not take a confidential, disabled or missing client for one', async () => {
    for (const parameters of [
      { client_id: 'web' },
      { client_id: 'backend' },
      { client_id: 'off' },
      { client_id: 'nobody' },
      {},
    ]) {
      await expectError(setUp(parameters as Record<string, string>), 'invalid_client');
    }
  });
});

describe('client authentication by assertion', () => {
  const good = { iss: 'backend', sub: 'backend', aud: ENDPOINT, exp: SECONDS + 300, jti: 'j1' };

  async function sign(
    claims: JWTPayload,
    header: Record<string, unknown> = {},
    key = pairs.ES384.privateKey,
  ): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES384', kid: 'ec', typ: 'JWT', ...header }).sign(key);
  }
  const request = (token: string) => setUp({ client_assertion_type: CLIENT_ASSERTION_TYPE, client_assertion: token });

  it('accepts ES384 and RS384, the endpoint or the issuer as audience, in a list too', async () => {
    const result = await authenticateClient(request(await sign(good)));
    expect(result).to.deep.include({ ok: true, method: 'private_key_jwt' });
    if (result.ok) expect(result.assertion?.claims).to.deep.equal(good);
    const rsa = await sign({ ...good, aud: tenant.issuer }, { alg: 'RS384', kid: 'rsa' }, pairs.RS384.privateKey);
    expect(await authenticateClient(request(rsa))).to.have.property('ok', true);
    expect(await authenticateClient(request(await sign({ ...good, aud: ['x', ENDPOINT] })))).to.have.property(
      'ok',
      true,
    );
    // Two keys share the kid, but only one is of the type that the algorithm needs.
    const shared = await sign(good, { alg: 'RS384', kid: 'twice' }, pairs.RS384.privateKey);
    expect(await authenticateClient(request(shared))).to.have.property('ok', true);
  });

  it('forgives clocks ten seconds', async () => {
    expect(await authenticateClient(request(await sign({ ...good, exp: SECONDS - 5 })))).to.have.property('ok', true);
    expect(
      await authenticateClient(request(await sign({ ...good, exp: SECONDS + 309, iat: SECONDS + 9 }))),
    ).to.have.property('ok', true);
  });

  it('accepts an assertion once', async () => {
    const input = request(await sign(good));
    expect(await authenticateClient(input)).to.have.property('ok', true);
    await expectError(input, 'invalid_client', /used before/);
  });

  it('does not let a stranger use up a jti', async () => {
    const input = request(await sign(good, {}, pairs.other.privateKey));
    await expectError(input, 'invalid_client', /signature/);
    const honest = { ...input, parameters: request(await sign(good)).parameters };
    expect(await authenticateClient(honest)).to.have.property('ok', true);
  });

  const { exp: _exp, ...withoutExp } = good;
  const { jti: _jti, ...withoutJti } = good;
  const wrongClaims: readonly (readonly [string, JWTPayload, RegExp])[] = [
    ['no exp', withoutExp, /exp/],
    ['no jti', withoutJti, /jti/],
    ['an empty jti', { ...good, jti: '' }, /jti/],
    ['exp too far ahead', { ...good, exp: SECONDS + 311 }, /too far/],
    ['exp in the past', { ...good, exp: SECONDS - 11 }, /expired/],
    ['iat in the future', { ...good, iat: SECONDS + 11 }, /future|iat/],
    ['nbf in the future', { ...good, nbf: SECONDS + 11 }, /future|nbf/],
    ['another sub', { ...good, sub: 'web' }, /sub/],
    ['another audience', { ...good, aud: `${ENDPOINT}/` }, /aud/],
    ['an audience that only begins alike', { ...good, aud: [`${ENDPOINT}x`] }, /aud/],
    ['an unknown issuer', { ...good, iss: 'nobody' }, /unknown/],
    ['an issuer registered for secrets', { ...good, iss: 'web', sub: 'web' }, /not registered/],
  ];
  for (const [name, claims, hint] of wrongClaims) {
    it(`refuses ${name}`, async () => {
      await expectError(request(await sign(claims)), 'invalid_client', hint);
    });
  }

  const wrongHeaders: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
    ['no kid', { kid: undefined }, /kid/],
    ['an unknown kid', { kid: 'x' }, /no registered key/],
    ['a kid of another type', { kid: 'rsa' }, /no registered key/],
    ['a kid that two keys share', { kid: 'double' }, /several/],
    ['a jku that is not registered', { jku: 'https://evil.example/jwks' }, /jku/],
  ];
  for (const [name, header, hint] of wrongHeaders) {
    it(`refuses ${name}`, async () => {
      await expectError(request(await sign(good, header)), 'invalid_client', hint);
    });
  }

  it('refuses no signature, a symmetric one, and what is no JWT', async () => {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    await expectError(request(`${encode({ alg: 'none', kid: 'ec' })}.${encode(good)}.`), 'invalid_client', /algorithm/);
    const hmac = await new SignJWT(good)
      .setProtectedHeader({ alg: 'HS256', kid: 'ec' })
      .sign(new TextEncoder().encode('x'.repeat(32)));
    await expectError(request(hmac), 'invalid_client', /algorithm/);
    await expectError(request('a.b.c'), 'invalid_client');
    await expectError(request('a'.repeat(20_000)), 'invalid_client');
  });

  it('refuses another type of assertion, and another client_id', async () => {
    const token = await sign(good);
    await expectError(setUp({ client_assertion_type: 'saml', client_assertion: token }), 'invalid_request');
    await expectError(setUp({ client_assertion: token }), 'invalid_request');
    await expectError(setUp({ client_assertion_type: CLIENT_ASSERTION_TYPE }), 'invalid_request');
    await expectError(
      setUp({ client_id: 'web', client_assertion_type: CLIENT_ASSERTION_TYPE, client_assertion: token }),
      'invalid_client',
    );
  });
});
