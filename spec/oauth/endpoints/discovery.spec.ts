/** The documents anybody may read: at every address the specifications name, exact, cacheable, open to every origin. */
import { expect } from 'chai';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { basic } from '../../support/oauth.ts';
import { useStage } from './stage.ts';
import { tokensOf } from './token-support.ts';
import { expectOAuthError, jsonOf, send } from './wire.ts';

describe('the discovery documents', () => {
  const stage = useStage();
  const { post } = tokensOf(stage);
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    send(stage().server, 'GET', path, { headers });

  const documents = [
    '/demo/.well-known/openid-configuration',
    '/demo/.well-known/oauth-authorization-server',
    '/demo/.well-known/smart-configuration',
    '/demo/fhir/r4/.well-known/smart-configuration',
    '/.well-known/openid-configuration/demo',
    '/.well-known/oauth-authorization-server/demo',
    '/.well-known/smart-configuration/demo',
  ];
  const keys = ['/demo/jwk', '/demo/.well-known/jwks.json'];

  for (const path of [...documents, ...keys]) {
    it(`${path}: JSON whatever is accepted, for any origin, for five minutes; HEAD too`, async () => {
      for (const headers of [
        {},
        { accept: 'text/html', origin: 'https://anywhere.example' },
        { accept: 'application/xml;q=1', origin: 'null' },
        { authorization: 'Bearer nonsense', cookie: 'sallyport_session=x' },
      ] as Record<string, string>[]) {
        const answer = await get(`${path}?unheard=of&unheard=of`, headers);
        expect(answer.status).to.equal(200);
        expect(answer.headers['content-type']).to.match(/^application\/json/);
        expect(answer.headers['access-control-allow-origin']).to.equal('*');
        expect(answer.headers['cache-control']).to.equal('public, max-age=300');
        expect(answer.headers['x-content-type-options']).to.equal('nosniff');
        expect(answer.headers['set-cookie']).to.equal(undefined);
        jsonOf(answer);
      }
      const [full, head] = [await get(path), await send(stage().server, 'HEAD', path)];
      expect([head.status, head.body]).to.deep.equal([200, '']);
      for (const name of ['content-type', 'content-length', 'access-control-allow-origin', 'cache-control'])
        expect(head.headers[name], name).to.equal(full.headers[name]);
    });

    it(`${path}: no other method`, async () => {
      for (const method of ['POST', 'PUT', 'DELETE']) {
        const answer = await send(stage().server, method, path);
        expectOAuthError(answer, 405, 'invalid_request');
        expect(answer.headers['allow']).to.equal('GET, HEAD');
      }
    });

    it(`${path}: a browser may ask first`, async () => {
      const answer = await send(stage().server, 'OPTIONS', path, {
        headers: { origin: 'https://anywhere.example', 'access-control-request-method': 'GET' },
      });
      expect(answer.status).to.equal(204);
      expect(answer.headers['access-control-allow-origin']).to.equal('*');
      expect(answer.headers['access-control-allow-methods']).to.include('GET');
      expect(answer.headers['access-control-allow-credentials']).to.equal(undefined);
    });
  }

  it('the issuer is exactly what leads to the document, at each tenant', async () => {
    const { server, twin } = stage();
    for (const path of documents) expect(jsonOf(await get(path)), path).to.include({ issuer: server.issuer });
    for (const path of ['/partner/.well-known/openid-configuration', '/.well-known/oauth-authorization-server/partner'])
      expect(jsonOf(await get(path))).to.include({ issuer: `${server.url}/partner` });
    // One path at two hosts is two tenants, and nothing in a header changes what a document says.
    const host = new URL(twin).host;
    expect(jsonOf(await send(server, 'GET', documents[0] ?? '', { host }))).to.include({ issuer: twin });
    const forwarded = {
      'x-forwarded-host': host,
      forwarded: `host=${host}`,
      'x-forwarded-proto': 'https',
      'x-original-url': '/partner/jwk',
    };
    expect(jsonOf(await get(documents[0] ?? '', forwarded))).to.include({ issuer: server.issuer });
  });

  it('both forms of one document are the same', async () => {
    for (const name of ['openid-configuration', 'oauth-authorization-server', 'smart-configuration'])
      expect((await get(`/.well-known/${name}/demo`)).body).to.equal((await get(`/demo/.well-known/${name}`)).body);
    expect((await get(keys[0] ?? '')).body).to.equal((await get(keys[1] ?? '')).body);
  });

  it('every endpoint they name is there', async () => {
    const { server } = stage();
    for (const path of documents) {
      const named = Object.entries(jsonOf(await get(path))).filter(([name]) => /_(endpoint|uri)$/.test(name));
      expect(named.length).to.be.above(4);
      for (const [name, url] of named) {
        expect(String(url)).to.match(new RegExp(`^${server.issuer}/`));
        const answer = await send(server, 'PUT', String(url).slice(server.url.length));
        expect(answer.status, `${name} of ${path}`).to.equal(405);
      }
    }
  });

  it('what the SMART document must hold', async () => {
    const smart = jsonOf(await get('/demo/fhir/r4/.well-known/smart-configuration'));
    expect(smart).to.include.all.keys(
      'issuer',
      'jwks_uri',
      'authorization_endpoint',
      'token_endpoint',
      'grant_types_supported',
      'capabilities',
      'code_challenge_methods_supported',
      'token_endpoint_auth_methods_supported',
      'token_endpoint_auth_signing_alg_values_supported',
      'scopes_supported',
      'response_types_supported',
      'management_endpoint',
      'introspection_endpoint',
      'revocation_endpoint',
    );
    expect(smart['code_challenge_methods_supported']).to.deep.equal(['S256']);
    expect(JSON.stringify(smart)).not.to.match(/implicit|password|\/session\/token|\/logout/);
  });

  it('keys without a private part, each under its own kid, that verify what is signed', async () => {
    const set = JSON.parse((await get('/demo/jwk')).body) as { keys: Record<string, unknown>[] };
    expect(set.keys.length).to.be.at.least(2);
    expect(new Set(set.keys.map(({ kid }) => kid)).size).to.equal(set.keys.length);
    for (const key of set.keys) {
      expect(key).to.include.all.keys('kty', 'kid', 'alg', 'use');
      expect(key).not.to.have.any.keys('d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth');
    }
    const got = jsonOf(await post({ grant_type: 'client_credentials' }, basic('sample-service', 'demo-secret')));
    const { issuer } = stage().server;
    await jwtVerify(String(got['access_token']), createLocalJWKSet(set as never), { issuer, typ: 'at+jwt' });
    const partner = JSON.parse((await get('/partner/jwk')).body) as { keys: Record<string, unknown>[] };
    const kids = new Set(set.keys.map(({ kid }) => kid));
    expect(partner.keys.some(({ kid }) => kids.has(kid))).to.equal(false);
  });

  describe('are not', () => {
    for (const path of [
      '/nobody/.well-known/openid-configuration',
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server',
      '/.well-known/oauth-authorization-server/',
      '/.well-known/oauth-authorization-server/nobody',
      '/.well-known/oauth-authorization-server/demo/',
      '/.well-known/oauth-authorization-server/demo/oauth',
      '/.well-known/oauth-authorization-server/DEMO',
      '/.well-known/oauth-authorization-server/dem%6f',
      '/.well-known/oauth-authorization-server//demo',
      '/.well-known/unheard-of/demo',
      '/demo/.well-known/unheard-of',
      '/demo/.well-known/openid-configuration/',
      '/demo/.well-known/',
      '/demo/fhir/r5/.well-known/smart-configuration',
      '/demo/fhir/__proto__/.well-known/smart-configuration',
      '/demo/fhir/r4%00/.well-known/smart-configuration',
      '/demo/jwk/',
      '/demo/jwks',
      '/DEMO/jwk',
    ]) {
      it(`${path}: 404`, async () => expect((await get(path)).status).to.equal(404));
    }

    it('at a host that no tenant has: 404', async () => {
      for (const host of [
        'evil.example',
        'localhost',
        'localhost:1',
        '127.0.0.1',
        `evil.localhost:${stage().server.port}`,
      ])
        // The copy below the FHIR base is the demo's FHIR server's own.
        for (const path of [...documents, ...keys].filter((path) => !path.startsWith('/demo/fhir/')))
          expect((await send(stage().server, 'GET', path, { host })).status, `${host} ${path}`).to.equal(404);
    });
  });
});
