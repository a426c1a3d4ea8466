/** What holds at the token endpoint for every grant: one form, one client, one way to say who it is. */
import { expect } from 'chai';
import { basic, clientAssertion } from '../../support/oauth.ts';
import { leavesNothing, useStage } from './stage.ts';
import { type Form, path, tokensOf } from './token-support.ts';
import { expectNotStored, expectOAuthError, jsonOf, send, type Sent } from './wire.ts';

describe('the token endpoint', () => {
  const stage = useStage();
  const { post } = tokensOf(stage);
  const grant = { grant_type: 'client_credentials' };
  const byBody = { ...grant, client_id: 'sample-service', client_secret: 'demo-secret' };
  const header = basic('sample-service', 'demo-secret');

  it('answers tokens that nobody stores, as JSON, whatever unknown or empty parameters come along', async () => {
    for (const [form, headers] of [
      [byBody, {}],
      [grant, header],
      [{ ...grant, client_id: 'sample-service' }, header],
      [{ ...grant, unheard: 'of', scope: '', refresh_token: '', code: 'x' }, header],
      [grant, { authorization: String(header['authorization']).replace('Basic', 'bAsIc  ') }],
      [grant, { ...header, 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }],
    ] as [Form, Form][]) {
      const answer = await post(form, headers);
      expect(answer.status, answer.body).to.equal(200);
      expectNotStored(answer);
      expect(answer.headers['content-type']).to.match(/^application\/json/);
      expect(jsonOf(answer)).to.include({ token_type: 'Bearer', expires_in: 300, scope: 'system/*.rs' });
    }
    // What is no parameter of the endpoint does no harm in its address.
    expect((await post(byBody, {}, `${path}?tenant=x`)).status).to.equal(200);
  });

  it('is also found at the alias of Smile CDR', async () => {
    expect((await post(byBody, {}, '/demo/token')).status).to.equal(200);
  });

  describe('refuses', () => {
    leavesNothing(stage);
    const wire: readonly (readonly [string, Sent, number, string])[] = [
      ['no body', {}, 400, 'invalid_request'],
      ['an empty form', { form: '' }, 400, 'invalid_request'],
      [
        'JSON',
        { body: JSON.stringify(byBody), headers: { 'content-type': 'application/json' } },
        400,
        'invalid_request',
      ],
      [
        'text',
        { body: new URLSearchParams(byBody).toString(), headers: { 'content-type': 'text/plain' } },
        400,
        'invalid_request',
      ],
      ['no content type', { body: new URLSearchParams(byBody).toString() }, 400, 'invalid_request'],
      ['a broken content type', { body: 'x', headers: { 'content-type': ';;' } }, 415, 'invalid_request'],
      [
        'a multipart form',
        { body: '--x--', headers: { 'content-type': 'multipart/form-data; boundary=x' } },
        400,
        'invalid_request',
      ],
      [
        'a compressed form',
        { form: '\u001f\u008b\u0008', headers: { 'content-encoding': 'gzip' } },
        400,
        'invalid_request',
      ],
      ['a form without end', { form: { ...byBody, x: 'x'.repeat(140_000) } }, 413, 'invalid_request'],
      [
        'bytes without end',
        { body: 'x'.repeat(2_000_000), headers: { 'content-type': 'x/y' } },
        413,
        'invalid_request',
      ],
      ['a value without end', { form: { ...byBody, x: 'x'.repeat(40_000) } }, 400, 'invalid_request'],
      ['too many parameters', { form: 'a=1&'.repeat(101) }, 400, 'invalid_request'],
      ['a bad encoding', { form: `${new URLSearchParams(byBody)}&x=%zz` }, 400, 'invalid_request'],
      ['bytes that are no UTF-8', { form: `${new URLSearchParams(byBody)}&x=%c3%28` }, 400, 'invalid_request'],
      ['NUL', { form: { ...byBody, scope: 'system/*.rs\0' } }, 400, 'invalid_request'],
      [
        'grant_type twice',
        { form: `${new URLSearchParams(byBody)}&grant_type=client_credentials` },
        400,
        'invalid_request',
      ],
      ['scope twice', { form: `${new URLSearchParams(byBody)}&scope=system/*.rs&scope=` }, 400, 'invalid_request'],
      ['client_id twice', { form: `${new URLSearchParams(byBody)}&client_id=sample-service` }, 400, 'invalid_request'],
      ['an unknown one twice', { form: `${new URLSearchParams(byBody)}&x=1&x=1` }, 400, 'invalid_request'],
      ['no grant_type', { form: { ...byBody, grant_type: '' } }, 400, 'invalid_request'],
      ...[
        'password',
        'implicit',
        'CLIENT_CREDENTIALS',
        'urn:ietf:params:oauth:grant-type:device_code',
        '__proto__',
        'x',
      ].map((type) => [type, { form: { ...byBody, grant_type: type } }, 400, 'unsupported_grant_type'] as const),
    ];
    for (const [name, sent, status, error] of wire) {
      it(`${name}: ${status} ${error}`, async () => {
        expectOAuthError(await send(stage().server, 'POST', path, sent), status, error);
      });
    }

    it('parameters in the address, however they are written', async () => {
      const body = new URLSearchParams(byBody);
      for (const query of [
        `?${body}`,
        '?client_secret=demo-secret',
        '?client%5Fsecret=demo-secret',
        '?x=1&&code=abc',
        '?refresh_token=abc',
        '?client_assertion=a.b.c',
        '?token=abc',
        '?access_token=abc',
      ])
        expectOAuthError(await post(body.toString(), {}, path + query), 400, 'invalid_request', query);
      expectOAuthError(await post('', {}, `${path}?grant_type=client_credentials`), 400, 'invalid_request');
    });

    const several: readonly (readonly [string, Form, Form, number, string])[] = [
      ['header and body', byBody, header, 400, 'invalid_request'],
      ['a client_id that is another one', { ...grant, client_id: 'no-code' }, header, 400, 'invalid_request'],
      ['header and assertion', { ...grant, client_assertion: 'a.b.c' }, header, 400, 'invalid_request'],
      ['secret and assertion', { ...byBody, client_assertion: 'a.b.c' }, {}, 400, 'invalid_request'],
      ['an assertion of no type', { ...grant, client_assertion: 'a.b.c' }, {}, 400, 'invalid_request'],
      [
        'a SAML assertion',
        {
          ...grant,
          client_assertion: 'a',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer',
        },
        {},
        400,
        'invalid_request',
      ],
      ['nobody', grant, {}, 401, 'invalid_client'],
      ['a client without its secret', { ...grant, client_id: 'sample-service' }, {}, 401, 'invalid_client'],
      ['a public client', { ...grant, client_id: 'sample-native' }, {}, 401, 'invalid_client'],
      ['a public client with a secret', { ...byBody, client_id: 'sample-native' }, {}, 401, 'invalid_client'],
      ['an unknown client', { ...byBody, client_id: 'nobody' }, {}, 401, 'invalid_client'],
      ['a disabled client', { ...byBody, client_id: 'disabled' }, {}, 401, 'invalid_client'],
      ['a key client with a secret', { ...byBody, client_id: 'sample-backend' }, {}, 401, 'invalid_client'],
      ["another tenant's client", { ...byBody, client_id: 'demo-federation' }, {}, 401, 'invalid_client'],
      ['a wrong secret', { ...byBody, client_secret: 'demo-secreT' }, {}, 401, 'invalid_client'],
      ['an empty secret', { ...byBody, client_secret: '' }, {}, 401, 'invalid_client'],
      ['a secret without end', { ...byBody, client_secret: 'x'.repeat(30_000) }, {}, 401, 'invalid_client'],
    ];
    for (const [name, form, headers, status, error] of several) {
      it(`${name}: ${status} ${error}`, async () => {
        expectOAuthError(await post(form, headers), status, error);
      });
    }

    const encoded = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    for (const [name, authorization] of [
      ['a wrong secret', encoded('sample-service:wrong')],
      ['an unknown client', encoded('nobody:demo-secret')],
      ['no colon', encoded('sample-service')],
      ['no client', encoded(':demo-secret')],
      ['no secret', encoded('sample-service:')],
      ['a bad encoding inside', encoded('sample-service:demo%zzsecret')],
      ['NUL inside', encoded('sample-service\0:demo-secret')],
      ['NUL encoded inside', encoded('sample-service%00:demo-secret')],
      ['nothing', 'Basic'],
      ['no base64', 'Basic ###'],
      ['two values', `${encoded('sample-service:demo-secret')}, ${encoded('x:y')}`],
      ['no end', `Basic ${'QUFB'.repeat(3000)}`],
      ['a bearer token', 'Bearer abc'],
      ['a digest', 'Digest username="sample-service"'],
      ['no scheme', 'demo-secret'],
    ]) {
      it(`an Authorization header with ${name}: 401 and the scheme`, async () => {
        const answer = await post(grant, { authorization: authorization ?? '' });
        expectOAuthError(answer, 401, 'invalid_client');
        expect(answer.headers['www-authenticate']).to.match(/^Basic realm="demo"/);
      });
    }

    it('tells unknown, disabled, public and wrong alike', async () => {
      const answers = await Promise.all(
        ['sample-service', 'nobody', 'disabled', 'sample-native', 'sample-backend'].map((id) =>
          post(grant, basic(id, 'wrong')),
        ),
      );
      expect(new Set(answers.map(({ body, status }) => `${status} ${body}`)).size).to.equal(1);
    });

    it('an assertion for the client of another tenant', async () => {
      const { server } = stage();
      const elsewhere = await clientAssertion({ ...server, issuer: `${server.url}/partner` }, 'sample-backend');
      expectOAuthError(await post({ ...grant, ...elsewhere }), 401, 'invalid_client');
    });

    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']) {
      it(`${method}: 405`, async () => {
        for (const at of [path, '/demo/token']) {
          const answer = await send(stage().server, method, `${at}?${new URLSearchParams(byBody)}`);
          if (method === 'HEAD') expect(answer.status).to.equal(405);
          else expectOAuthError(answer, 405, 'invalid_request');
          expect(answer.headers['allow']).to.equal('POST');
        }
      });
    }
  });
});
