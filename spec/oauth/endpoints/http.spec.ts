/** Below OAuth: hosts, paths, headers and bytes that lead nowhere, and what every answer carries. */
import { expect } from 'chai';
import { basic } from '../../support/oauth.ts';
import { leavesNothing, useStage } from './stage.ts';
import { tokensOf } from './token-support.ts';
import { expectOAuthError, send, sendBytes } from './wire.ts';

describe('the server, below OAuth', () => {
  const stage = useStage(leavesNothing);
  const { post } = tokensOf(stage);
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    send(stage().server, 'GET', path, { headers });

  describe('finds nothing at', () => {
    const nowhere = [
      '/nobody/oauth/token',
      '/nobody/oauth/authorize?client_id=sample-native',
      '/nobody/userinfo',
      '/DEMO/userinfo',
      '/demo2/userinfo',
      '/demo.evil/userinfo',
      '/dem/o/userinfo',
      '/oauth/token',
      '/userinfo',
      '/%00/userinfo',
      '/__proto__/userinfo',
      '/constructor/jwk',
      '/t/demo/jwk',
      '/t/demo/userinfo',
      '/%74/demo/jwk',
      '/%74/demo/userinfo',
      '//t/demo/jwk',
      '/t%2fdemo/jwk',
      '/./t/demo/jwk',
      '//demo/jwk',
      '/demo/../partner/jwk',
      '/demo/%2e%2e/partner/jwk',
      '/demo/..%2fpartner/jwk',
      '/nobody/../demo/jwk',
      '/demo%2fjwk',
      '/demo%5cjwk',
      '/demo/oauth%2ftoken',
      '/demo/oauth/token%2f',
      '/demo/oauth//token',
      '/demo//oauth/token',
      '/demo/./jwk',
      '/demo/jwk/.',
      '/demo;x/jwk',
      '/demo/jwk;x=1',
      '/demo/jwk%00',
      '/demo/jwk%20',
      '/demo/JWK',
      '/demo/login',
      '/demo/login/a/b',
      '/demo/skin/../layout.mustache',
    ];
    for (const path of nowhere) {
      it(path, async () => {
        for (const method of ['GET', 'POST']) {
          const answer = await send(stage().server, method, path, method === 'POST' ? { form: 'a=b' } : {});
          expect(answer.status, answer.body).to.equal(404);
          expect(answer.headers['content-type'] ?? 'application/json').to.match(/^application\/json/);
          expect(answer.headers['set-cookie']).to.equal(undefined);
        }
      });
    }

    for (const file of [
      '..%2f..%2fpackage.json',
      'layout.mustache',
      '%2e%2e%2fen.json',
      'messages%2fen.json',
      'style',
      '%00.css',
    ]) {
      it(`/demo/skin/${file}`, async () => {
        const answer = await get(`/demo/skin/${file}`);
        expect([answer.status, answer.body]).to.deep.equal([404, '']);
      });
    }

    it('any host that no tenant has, whatever other headers say', async () => {
      const { port } = stage().server;
      for (const host of [
        'evil.example',
        `evil.example:${port}`,
        'localhost',
        `localhost:${port + 1}`,
        `localhost.:${port}`,
        `localhost:0${port}`,
        `localhost:${port}.evil.example`,
        `demo@localhost:${port}`,
        `[::1]:${port}`,
      ]) {
        const headers = { 'x-forwarded-host': `localhost:${port}`, forwarded: `host=localhost:${port}` };
        for (const path of ['/demo/jwk', '/demo/oauth/authorize', '/partner/userinfo', '/%74/demo/jwk'])
          expect((await send(stage().server, 'GET', path, { host, headers })).status, `${host} ${path}`).to.equal(404);
      }
    });
  });

  it('takes the host as hosts are written, and a whole address for what it says', async () => {
    const { server } = stage();
    expect((await send(server, 'GET', '/demo/jwk', { host: `LOCALHOST:${server.port}` })).status).to.equal(200);
    const lines = (target: string, host: string) =>
      sendBytes(server, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const own = `localhost:${server.port}`;
    expect(await lines(`http://${own}/demo/jwk`, own)).to.include(' 200 ');
    expect(await lines(`http://${own}/demo/jwk`, 'evil.example')).to.include(' 200 ');
    expect(await lines('http://evil.example/demo/jwk', own)).to.include(' 404 ');
    expect(await lines(`http://${own}/t/demo/jwk`, own)).to.include(' 404 ');
    expect(await lines('http://evil.example/t/demo/jwk', own)).to.include(' 404 ');
    expect(await lines('http://evil.example/%74/demo/jwk', own)).to.include(' 404 ');
    expect(await lines(`HTTP://${own}/t/demo/jwk`, own)).to.match(/ 40[04] /);
    // Of two hosts neither is the right one.
    expect(await lines('/demo/jwk', `${own}\r\nHost: evil.example`)).to.match(/ 40[04] /);
    expect(await lines('/demo/jwk', `evil.example\r\nHOST: ${own}`)).to.match(/ 40[04] /);
    expect(await lines(`ftp://${own}/demo/jwk`, own)).to.match(/ 40[04] /);
  });

  describe('answers, and does not stumble over', () => {
    for (const path of [
      '/demo/%zz',
      '/demo/%',
      '/demo/%ff',
      '/demo/%c3%28',
      '/demo/login/%zz',
      '/demo/login/%ff',
      `/demo/login/${'A'.repeat(5000)}`,
      '/demo/login/:flow',
      '/demo/login/(',
      '/demo/:x(',
      '/demo/*',
      '/demo/federation/callback/%zz',
      '/demo/federation/callback/partner?state=%zz',
      '/demo/federation/callback/partner?state=%00',
      '/demo/federation/callback/partner?state=a&state=b&code=x',
      '/demo/federation/callback/%00?state=x',
      '/demo/federation/callback/nobody',
      '/demo/session/manage?%zz=%00',
      '/demo/userinfo?%zz',
      '/demo/jwk?%zz&%00',
      '/demo/skin/%00.css',
      '/demo/skin/style.css?x=%zz',
      '/%zz',
      '/%ff/jwk',
    ]) {
      for (const method of ['GET', 'POST', 'PUT', 'OPTIONS']) {
        it(`${method} ${path.slice(0, 60)}`, async () => {
          const { status, body } = await send(stage().server, method, path);
          expect(status, body).to.be.below(500);
        });
      }
    }

    it('cookies of any kind', async () => {
      for (const cookie of [
        'sallyport_session=%00; sallyport_browser=%00',
        'sallyport_session=%zz; sallyport_browser=%ff',
        `sallyport_session=${'x'.repeat(6000)}`,
        'sallyport_session=a; sallyport_session=b',
        'sallyport_session="; sallyport_browser="',
        '=; ;;; =x',
        '__proto__=x; constructor=y',
      ])
        for (const path of ['/demo/oauth/authorize?client_id=x', '/demo/session/end', '/demo/session/manage'])
          expect((await get(path, { cookie })).status, `${cookie.slice(0, 40)} ${path}`).to.be.below(500);
    });

    it('languages and types of any kind', async () => {
      for (const language of [
        '*',
        'x'.repeat(5000),
        ',;q=',
        'de;q=9',
        '../../etc',
        '<script>',
        'de'.padEnd(4000, ','),
      ]) {
        const { status, body } = await get('/demo/oauth/authorize', {
          'accept-language': language,
          accept: 'nothing/known',
        });
        expect(status).to.equal(400);
        expect(body)
          .to.match(/<html lang="(en|de)">/)
          .and.not.to.include('<script');
      }
    });

    it('headers and addresses without end: 431 or 414, and the next request is served', async () => {
      const { server } = stage();
      for (const head of [
        `GET /demo/jwk?${'x'.repeat(40_000)} HTTP/1.1\r\nHost: localhost:${server.port}`,
        `GET /demo/jwk HTTP/1.1\r\nHost: localhost:${server.port}\r\nX: ${'x'.repeat(40_000)}`,
        `GET /demo/jwk HTTP/1.1\r\nHost: localhost:${server.port}\r\nCookie: ${'a=b; '.repeat(10_000)}`,
        `POST /demo/oauth/token HTTP/1.1\r\nHost: localhost:${server.port}\r\nAuthorization: Basic ${'A'.repeat(40_000)}`,
      ])
        expect(await sendBytes(server, `${head}\r\nConnection: close\r\n\r\n`)).to.match(/ (431|414) /);
      expect((await get('/demo/jwk')).status).to.equal(200);
    });

    it('what is no HTTP: 400, and the next request is served', async () => {
      const { server } = stage();
      const host = `Host: localhost:${server.port}`;
      for (const bytes of [
        `GET /demo/jwk\0 HTTP/1.1\r\n${host}\r\n\r\n`,
        `GET /demo/jwk HTTP/1.1\r\n${host}\r\nX: a\0b\r\n\r\n`,
        `GET /demo/jwk HTTP/1.1\r\n\r\n`,
        `GET /demo/jwk HTTP/9.9\r\n${host}\r\n\r\n`,
        `NONSENSE /demo/jwk HTTP/1.1\r\n${host}\r\n\r\n`,
        `POST /demo/oauth/token HTTP/1.1\r\n${host}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        `POST /demo/oauth/token HTTP/1.1\r\n${host}\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc`,
        `POST /demo/oauth/token HTTP/1.1\r\n${host}\r\nContent-Length: -1\r\n\r\n`,
        `POST /demo/oauth/token HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
        '\0\0\0\0\r\n\r\n',
      ])
        expect(await sendBytes(server, bytes), JSON.stringify(bytes.slice(0, 60))).to.match(/^(HTTP\/1\.1 400 .*)?$/);
      expect((await get('/demo/jwk')).status).to.equal(200);
    });

    it('methods that HTTP has, and nobody needs here', async () => {
      for (const method of ['TRACE', 'PROPFIND', 'LOCK', 'SEARCH', 'PURGE', 'MKCOL']) {
        const answer = await send(stage().server, method, '/demo/oauth/token');
        expect(answer.status, method).to.be.oneOf([404, 405]);
        expect(answer.body).not.to.include('host:');
      }
    });
  });

  it('tells which methods there are, and what is nowhere', async () => {
    for (const [path, allow] of [
      ['/demo/oauth/authorize', 'GET, POST'],
      ['/demo/oauth/token', 'POST'],
      ['/demo/userinfo', 'GET, HEAD, POST'],
      ['/demo/jwk', 'GET, HEAD'],
      [`/demo/login/${'A'.repeat(43)}`, 'GET, HEAD, POST'],
      ['/demo/session/end', 'GET, POST'],
      ['/demo/federation/callback/partner', 'GET'],
    ] as const) {
      const options = await send(stage().server, 'OPTIONS', path);
      expect([options.status, options.headers['allow']], path).to.deep.equal([204, allow]);
      const answer = await send(stage().server, 'DELETE', path);
      expectOAuthError(answer, 405, 'invalid_request', path);
      expect(answer.headers['allow'], path).to.equal(allow);
    }
    for (const path of ['/demo/nothing', '/demo/oauth', '/demo/login/a/b'])
      expect((await send(stage().server, 'OPTIONS', path)).status, path).to.equal(404);
  });

  it('lets no browser guess at a type', async () => {
    const answers = [
      await post({ grant_type: 'client_credentials' }, basic('sample-service', 'wrong')),
      await get('/demo/jwk'),
      await get('/demo/nothing'),
      await get('/demo/userinfo'),
      await get('/demo/oauth/authorize'),
      await get('/demo/skin/style.css'),
      await send(stage().server, 'DELETE', '/demo/oauth/token'),
      await send(stage().server, 'POST', '/demo/oauth/token', { form: { x: 'x'.repeat(140_000) } }),
    ];
    for (const { headers } of answers) {
      expect(headers['x-content-type-options']).to.equal('nosniff');
      expect(headers['x-powered-by']).to.equal(undefined);
      expect(headers['server']).to.equal(undefined);
    }
  });
});
