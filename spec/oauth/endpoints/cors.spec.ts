/** Which browser apps may read answers: those of registered origins, at the endpoints for apps, errors and all. */
import { expect } from 'chai';
import { useStage } from './stage.ts';
import { send, type Sent } from './wire.ts';

const registered = ['https://app.example.org', 'http://localhost:3000', 'http://127.0.0.1'];
const strangers = [
  'https://evil.example',
  'http://app.example.org',
  'https://app.example.org:8443',
  'https://app.example.org.evil.example',
  'https://evil.app.example.org',
  'https://APP.example.org',
  'https://app.example.org/',
  'https://app.example.org/callback',
  'http://127.0.0.1:45678',
  // What a page without an origin sends. An app's private scheme has none either, and is not it.
  'null',
  'org.example.places://',
  'org.example.places:',
  '*',
  '',
  'https://app.example.org, https://evil.example',
];

describe('cross-origin requests', () => {
  const stage = useStage();
  const open: readonly (readonly [string, string, Sent, number])[] = [
    ['POST', '/demo/oauth/token', { form: { grant_type: 'x' } }, 400],
    ['POST', '/demo/oauth/token', { form: { grant_type: 'client_credentials', client_id: 'x' } }, 401],
    ['POST', '/demo/oauth/token', { form: { x: 'x'.repeat(140_000) } }, 413],
    ['POST', '/demo/oauth/token', { body: 'x', headers: { 'content-type': ';' } }, 415],
    ['GET', '/demo/oauth/token', {}, 405],
    ['POST', '/demo/token', { form: '' }, 400],
    ['POST', '/demo/oauth/token/revoke', { form: { token: 'x', client_id: 'sample-native' } }, 200],
    ['POST', '/demo/oauth/token/revoke', { form: '' }, 400],
    ['POST', '/demo/session/token/revoke', { form: { token: 'x' } }, 401],
    ['POST', '/demo/oauth/token/introspect', { form: { token: 'x' } }, 401],
    ['GET', '/demo/userinfo', {}, 401],
    ['POST', '/demo/userinfo', { headers: { authorization: 'Bearer x' } }, 401],
    ['PUT', '/demo/userinfo', {}, 405],
  ];
  for (const [method, path, sent, status] of open) {
    it(`${method} ${path} (${status}): for registered origins only`, async () => {
      const ask = (origin: string) =>
        send(stage().server, method, path, { ...sent, headers: { ...sent.headers, origin } });
      for (const origin of registered) {
        const answer = await ask(origin);
        expect(answer.status, answer.body).to.equal(status);
        expect(answer.headers['access-control-allow-origin']).to.equal(origin);
        expect(answer.headers['vary']).to.match(/\bOrigin\b/i);
        expect(answer.headers['access-control-allow-credentials']).to.equal(undefined);
        expect(answer.headers['access-control-expose-headers']).to.match(/www-authenticate/i);
      }
      for (const origin of strangers) {
        const answer = await ask(origin);
        expect(answer.status).to.equal(status);
        expect(answer.headers['access-control-allow-origin'], origin).to.equal(undefined);
        expect(answer.headers['vary'], origin).to.match(/\bOrigin\b/i);
      }
      const none = await send(stage().server, method, path, sent);
      expect(none.headers['access-control-allow-origin']).to.equal(undefined);
      // A cache must not hand this answer to an origin that would get another one.
      expect(none.headers['vary']).to.match(/\bOrigin\b/i);
    });

    it(`${path}: a preflight is answered alike`, async () => {
      const ask = (origin: string) =>
        send(stage().server, 'OPTIONS', path, {
          headers: {
            origin,
            'access-control-request-method': method,
            'access-control-request-headers': 'authorization,content-type',
          },
        });
      for (const origin of registered) {
        const answer = await ask(origin);
        expect(answer.status).to.equal(204);
        expect(answer.headers['access-control-allow-origin']).to.equal(origin);
        expect(answer.headers['access-control-allow-methods']).to.match(/\bPOST\b/);
        expect(answer.headers['access-control-allow-headers'])
          .to.match(/authorization/)
          .and.match(/content-type/);
        expect(answer.headers['access-control-allow-credentials']).to.equal(undefined);
      }
      for (const origin of strangers)
        expect((await ask(origin)).headers['access-control-allow-origin'], origin).to.equal(undefined);
    });
  }

  for (const path of [
    '/demo/oauth/authorize',
    `/demo/login/${'A'.repeat(43)}`,
    '/demo/session/end',
    '/demo/session/manage',
    '/demo/logout',
    '/demo/federation/callback/partner',
    '/demo/nothing/here',
  ]) {
    it(`${path}: for no origin`, async () => {
      for (const origin of registered) {
        for (const method of ['GET', 'POST', 'OPTIONS']) {
          const answer = await send(stage().server, method, path, {
            headers: { origin, 'access-control-request-method': 'GET' },
          });
          expect(answer.headers['access-control-allow-origin'], method).to.equal(undefined);
          expect(answer.headers['access-control-allow-methods'], method).to.equal(undefined);
        }
      }
    });
  }

  it('an origin of another tenant’s app is a stranger here, and one of a disabled app too', async () => {
    const { server, admin } = stage();
    const app = (clientId: string, origin: string) => ({
      clientId,
      clientName: clientId,
      tokenEndpointAuthMethods: ['none'],
      grantTypes: ['authorization_code'],
      redirectUris: [`${origin}/callback`],
      scopes: ['openid'],
    });
    await admin('POST', '/tenants/partner/clients', app('there', 'https://there.example'));
    await admin('POST', '/tenants/demo/clients', app('here', 'https://here.example'));
    const allowed = async (tenant: string, origin: string) =>
      (await send(server, 'GET', `/${tenant}/userinfo`, { headers: { origin } })).headers[
        'access-control-allow-origin'
      ];
    expect(await allowed('partner', 'https://there.example')).to.equal('https://there.example');
    expect(await allowed('demo', 'https://there.example')).to.equal(undefined);
    expect(await allowed('demo', 'https://here.example')).to.equal('https://here.example');
    await admin('PATCH', '/tenants/demo/clients/here', { enabled: false });
    expect(await allowed('demo', 'https://here.example')).to.equal(undefined);
  });
});
