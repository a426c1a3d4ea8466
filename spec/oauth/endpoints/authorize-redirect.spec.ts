/** Who is told of a bad authorization request: the app only at an address that is its own, character by character. */
import { expect } from 'chai';
import { callback, type Change, requestsOf } from './authorize-support.ts';
import { leavesNothing, useStage } from './stage.ts';
import { backOf, expectPage } from './wire.ts';

const https = 'https://app.example.org/callback';

describe("the authorization endpoint's redirects", () => {
  const stage = useStage();
  const { get, methods, queryOf, expectLogIn } = requestsOf(stage);

  describe('tells the person, and never redirects, when', () => {
    leavesNothing(stage);
    const nobody: readonly (readonly [string, Change, string?])[] = [
      ['the client is missing', { client_id: undefined }],
      ['the client is empty', { client_id: '' }],
      ['the client is unknown', { client_id: 'nobody' }],
      ['the client is written otherwise', { client_id: 'Sample-Native' }],
      ['the client is disabled', { client_id: 'disabled' }],
      ["the client is another tenant's", { client_id: 'demo-federation' }],
      ['the client holds markup', { client_id: '<script>alert(1)</script>' }],
      ['the client holds NUL', { client_id: 'sample-native\0' }],
      ['the client is a name of objects', { client_id: '__proto__' }],
      ['the client is very long', { client_id: 'x'.repeat(5000) }],
      ['the client is repeated', {}, 'client_id=sample-native'],
      ['the redirect URI is missing', { redirect_uri: undefined }],
      ['the redirect URI is empty', { redirect_uri: '' }],
      ['the redirect URI is repeated', {}, `redirect_uri=${encodeURIComponent(callback)}`],
      ['a second redirect URI is evil', {}, 'redirect_uri=https%3A%2F%2Fevil.example%2F'],
      ['the redirect URI is badly encoded', { redirect_uri: undefined }, 'redirect_uri=http://127.0.0.1/callback%ff'],
    ];
    for (const [name, change, extra] of nobody) {
      it(name, async () => {
        for (const [method, ask] of methods) {
          const answer = await ask(queryOf(change) + (extra ? `&${extra}` : ''));
          expectPage(answer, 400, method);
          expect(answer.body).not.to.include('<script').and.not.to.include('evil.example');
        }
      });
    }

    for (const uri of [
      `${https}/`,
      `${https}?x=1`,
      `${https}#x`,
      `${https}#`,
      `${https}%23`,
      `${https} `,
      ` ${https}`,
      `${https}\n`,
      `\t${https}`,
      `${https}\0`,
      'https://APP.example.org/callback',
      'HTTPS://app.example.org/callback',
      'https://app.example.org/Callback',
      'https://app.example.org:443/callback',
      'https://app.example.org:8443/callback',
      'https://app.example.org./callback',
      'http://app.example.org/callback',
      '//app.example.org/callback',
      'https://app.example.org.evil.example/callback',
      'https://app.example.org@evil.example/callback',
      'https://app.example.org:x@evil.example/callback',
      'https://evil.example@app.example.org/callback',
      'https://evil.example/https://app.example.org/callback',
      'https://app.example.org\\@evil.example/callback',
      'https://evil.example\\.app.example.org/callback',
      'https://app.example.org/callback/../callback',
      'https://app.example.org/./callback',
      'https://app.example.org//callback',
      'https://app.example.org/callback;x',
      'https://app.example.org/%63allback',
      'https://app.example.org/x/..%2fcallback',
      'https://app.example.org/with',
      'https://app.example.org/with?query=2',
      'https://app.example.org/with?query=1&more=2',
      'http://localhost:3001/callback',
      'http://localhost/callback',
      'http://127.0.0.1:3000/callback',
      'https://[::1]/callback',
      'http://[::1]:99999/callback',
      'http://[::1]:80@evil.example/callback',
      'http://[::1]@evil.example/callback',
      'http://[::1].evil.example/callback',
      'http://[0:0:0:0:0:0:0:1]/callback',
      'http://[::1]/callback/',
      'org.example.places:/other',
      'org.example.places://callback',
      'ORG.EXAMPLE.PLACES:/callback',
      'javascript:alert(1)',
      'data:text/html,x',
      callback,
    ]) {
      it(`the redirect URI is ${JSON.stringify(uri)}`, async () => {
        const answer = await get(queryOf({ client_id: 'places', redirect_uri: uri }));
        expectPage(answer, 400);
        expect(answer.body).not.to.include('evil.example').and.not.to.include('javascript:');
      });
    }
  });

  describe('answers at exactly the redirect URI', () => {
    for (const [client, uri] of [
      ['places', https],
      ['places', 'https://app.example.org/with?query=1'],
      ['places', 'http://localhost:3000/callback'],
      ['places', 'http://[::1]/callback'],
      ['places', 'http://[::1]:1/callback'],
      ['places', 'http://[::1]:65535/callback'],
      ['places', 'org.example.places:/callback'],
      ['sample-native', 'http://127.0.0.1/callback'],
      ['sample-native', 'http://127.0.0.1:1024/callback'],
    ] as const) {
      it(uri, async () => {
        const back = backOf(await get(queryOf({ client_id: client, redirect_uri: uri, prompt: 'none' })), uri);
        expect(back.get('error')).to.equal('login_required');
        expectLogIn(await get(queryOf({ client_id: client, redirect_uri: uri })));
      });
    }
  });
});
