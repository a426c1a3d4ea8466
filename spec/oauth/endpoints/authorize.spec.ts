/** Authorization requests that the app learns the error of, and those that must be understood all the same. */
import { expect } from 'chai';
import { callback, type Change, path, requestsOf } from './authorize-support.ts';
import { leavesNothing, useStage } from './stage.ts';
import { backOf, expectOAuthError, expectPage, send } from './wire.ts';

describe('the authorization endpoint', () => {
  const stage = useStage();
  const { get, methods, queryOf, expectLogIn } = requestsOf(stage);

  describe('tells the app when', () => {
    leavesNothing(stage);
    const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
    const repeated = (name: string) => [`${name} is repeated`, {}, 'invalid_request', `${name}=x&${name}=y`] as const;
    const rows: readonly (readonly [string, Change, string, string?])[] = [
      ['response_type is empty', { response_type: '' }, 'invalid_request'],
      ['response_type is id_token', { response_type: 'id_token' }, 'unsupported_response_type'],
      ['response_type is code token', { response_type: 'code token' }, 'unsupported_response_type'],
      ['response_type is code id_token', { response_type: 'code id_token' }, 'unsupported_response_type'],
      ['response_type is CODE', { response_type: 'CODE' }, 'unsupported_response_type'],
      ['response_type is none', { response_type: 'none' }, 'unsupported_response_type'],
      ['response_mode is fragment', { response_mode: 'fragment' }, 'invalid_request'],
      ['response_mode is form_post', { response_mode: 'form_post' }, 'invalid_request'],
      ['a request object comes', { request: 'a.b.c' }, 'request_not_supported'],
      ['a request_uri comes', { request_uri: 'https://app.example.org/r' }, 'request_uri_not_supported'],
      ['a pushed request comes', { request_uri: 'urn:ietf:params:oauth:request_uri:x' }, 'request_uri_not_supported'],
      ['a registration comes', { registration: '{}' }, 'registration_not_supported'],
      ['the client may not use codes', { client_id: 'no-code' }, 'unauthorized_client'],
      ['the challenge is empty', { code_challenge: '' }, 'invalid_request'],
      ['the challenge is short', { code_challenge: challenge.slice(1) }, 'invalid_request'],
      ['the challenge is long', { code_challenge: `${challenge}A` }, 'invalid_request'],
      ['the challenge is padded', { code_challenge: `${challenge}=` }, 'invalid_request'],
      ['the challenge is no base64url', { code_challenge: challenge.replace('-', '+') }, 'invalid_request'],
      ['the challenge method is missing', { code_challenge_method: undefined }, 'invalid_request'],
      ['the challenge method is s256', { code_challenge_method: 's256' }, 'invalid_request'],
      [
        'the challenge is plain, the client confidential',
        { client_id: 'plain-oidc', scope: 'openid', code_challenge_method: 'plain' },
        'invalid_request',
      ],
      [
        'there is a method without a challenge',
        { client_id: 'plain-oidc', scope: 'openid', code_challenge: undefined },
        'invalid_request',
      ],
      ['aud is empty', { aud: '' }, 'invalid_request'],
      ['aud is the issuer', { aud: 'http://localhost/demo' }, 'invalid_request'],
      ['aud is relative', { aud: '/fhir/r4' }, 'invalid_request'],
      ['aud is longer', { aud: 'AUD/x' }, 'invalid_request'],
      ['aud has two slashes more', { aud: 'AUD//' }, 'invalid_request'],
      ['aud has a query', { aud: 'AUD?x=1' }, 'invalid_request'],
      ['resource is unknown', { aud: undefined, resource: 'https://evil.example/' }, 'invalid_target'],
      ['aud is right, resource is not', { resource: 'https://evil.example/' }, 'invalid_target'],
      ['scope is missing', { scope: undefined }, 'invalid_scope'],
      ['scope is blank', { scope: '  ' }, 'invalid_scope'],
      ['scope is not listed', { scope: 'user/*.cud unheard-of' }, 'invalid_scope'],
      ['scope has letters out of order', { scope: 'openid patient/*.sr' }, 'invalid_scope'],
      ['scope has no type', { scope: 'openid patient/.rs' }, 'invalid_scope'],
      ['scope has a quote', { scope: 'openid a"b' }, 'invalid_scope'],
      ['scope has a tab', { scope: 'openid\tprofile' }, 'invalid_scope'],
      ['scope has an empty query', { scope: 'openid patient/Observation.rs?' }, 'invalid_scope'],
      ['a launch scope is malformed', { scope: 'openid launch/patient/x' }, 'invalid_scope'],
      ['prompt is none and consent', { prompt: 'none consent' }, 'invalid_request'],
      ['prompt is none and select_account', { prompt: 'select_account none' }, 'invalid_request'],
      ['prompt is none and nobody is there', { prompt: 'none', login_hint: 'jane' }, 'login_required'],
      ['max_age is negative', { max_age: '-1' }, 'invalid_request'],
      ['max_age is a word', { max_age: 'soon' }, 'invalid_request'],
      ['max_age is broken', { max_age: '1.5' }, 'invalid_request'],
      ['max_age is exponential', { max_age: '1e3' }, 'invalid_request'],
      ['max_age is endless', { max_age: '9'.repeat(400) }, 'invalid_request'],
      ['id_token_hint is no JWT', { id_token_hint: 'x' }, 'invalid_request'],
      ['id_token_hint is unsigned', { id_token_hint: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJqYW5lIn0.' }, 'invalid_request'],
      ...['scope', 'aud', 'response_type', 'code_challenge', 'code_challenge_method', 'nonce', 'prompt'].map(repeated),
      ['an unknown parameter is repeated', {}, 'invalid_request', 'unheard=1&unheard=2'],
      ['a repeated parameter is empty', {}, 'invalid_request', 'scope='],
      ['a name is badly encoded', {}, 'invalid_request', '%zz=1'],
      ['a value is badly encoded', {}, 'invalid_request', 'nonce=%e0%a4%a'],
      ['a value is no UTF-8', {}, 'invalid_request', 'nonce=%ff'],
      ['a value holds NUL', { nonce: 'a\0b' }, 'invalid_request'],
      [
        'there are too many parameters',
        {},
        'invalid_request',
        Array.from({ length: 101 }, (_, n) => `p${n}=`).join('&'),
      ],
      ['a name is too long', {}, 'invalid_request', `${'n'.repeat(101)}=1`],
    ];
    for (const [name, change, error, extra] of rows) {
      it(name, async () => {
        for (const [method, ask] of methods) {
          const back = backOf(await ask(queryOf(change) + (extra ? `&${extra}` : '')), callback, method);
          expect(back.get('error'), `${method} ${back}`).to.equal(error);
          expect(back.get('error_description')).to.match(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
          expect(back.get('state')).to.equal('state-1');
          expect(back.get('iss')).to.equal(stage().server.issuer);
          expect([...back.keys()].sort()).to.deep.equal(['error', 'error_description', 'iss', 'state']);
        }
      });
    }

    it('state itself is repeated or cannot be kept: then the error comes without it', async () => {
      for (const extra of ['state=state-1', 'state=', 'state=x']) {
        const back = backOf(await get(`${queryOf({})}&${extra}`), callback, extra);
        expect([back.get('error'), back.get('state')]).to.deep.equal(['invalid_request', null]);
      }
      for (const bad of ['%00', 'a%ffb', '%e0%a4%a', 'a%c3']) {
        const back = backOf(await get(`${queryOf({ state: undefined })}&state=${bad}`), callback, bad);
        expect([back.get('error'), back.get('state')]).to.deep.equal(['invalid_request', null]);
      }
    });
  });

  describe('gives state back as it was', () => {
    for (const state of [
      '0',
      ' ',
      'null',
      'a b+c%20d',
      '&x=1&error=none#?/\\"\'<>',
      'Grüße, 你好 😀',
      'a\r\nSet-Cookie: evil=1',
      '{"a":[1,2]}',
      'x'.repeat(4000),
    ]) {
      it(JSON.stringify(state).slice(0, 40), async () => {
        for (const [method, ask] of methods) {
          const answer = await ask(queryOf({ state, prompt: 'none' }));
          const back = backOf(answer, callback, method);
          expect(back.getAll('state')).to.deep.equal([state]);
          expect(back.get('error')).to.equal('login_required');
          // Only the cookie that binds flows to this browser, if any: nothing of the state becomes a header.
          expect(String(answer.headers['set-cookie'] ?? '')).not.to.include('evil');
        }
      });
    }

    it('none came, or an empty one', async () => {
      for (const state of [undefined, '']) {
        const back = backOf(await get(queryOf({ state, prompt: 'none' })), callback);
        expect(back.has('state')).to.equal(false);
      }
    });
  });

  describe('understands', () => {
    const rows: readonly (readonly [string, Change, string?])[] = [
      ['parameters it does not know', { unheard: 'of', display: 'popup', acr_values: 'x', claims_locales: 'en' }],
      ['a claims parameter it does not honour', { claims: '{"id_token":{"acr":null}}' }],
      ['aud with a slash more', { aud: 'AUD/' }],
      ['resource in place of aud', { aud: undefined, resource: 'AUD' }],
      ['no aud where no FHIR data is asked for', { aud: undefined, scope: 'openid profile' }],
      ['no openid', { scope: 'patient/*.rs' }],
      ['scopes in any order, twice, with spaces', { scope: ' patient/*.rs  openid patient/*.rs openid ' }],
      ['scopes of which it gives some', { scope: 'openid unheard-of patient/*.cruds' }],
      ['scopes with a query', { scope: 'patient/Observation.rs?category=http://example.org|laboratory' }],
      ['response_mode=query', { response_mode: 'query' }],
      ['a repeated resource', { aud: undefined, resource: 'AUD' }, 'resource=https%3A%2F%2Felsewhere.example'],
      ['garbage in ui_locales and login_hint', { ui_locales: '../../x <b> \\', login_hint: '"><script>' }],
      ['an unknown prompt', { prompt: 'create' }],
      ['an empty parameter', {}, 'nonce=&login_hint='],
      ['empty pairs', {}, '&&&'],
      ['a launch without its scope', { launch: 'whatever' }],
      [
        'a plain OpenID Connect client without PKCE',
        {
          client_id: 'plain-oidc',
          scope: 'openid',
          aud: undefined,
          code_challenge: undefined,
          code_challenge_method: undefined,
        },
      ],
    ];
    for (const [name, change, extra] of rows) {
      it(name, async () => {
        for (const [method, ask] of methods)
          expectLogIn(await ask(queryOf(change) + (extra ? `&${extra}` : '')), method);
      });
    }

    it('a question mark within the query, as granular scopes have it', async () => {
      const granular = 'patient/Observation.rs?category=http://example.org|laboratory';
      const query = `scope=${granular.replace('=', '%3D').replace('|', '%7C')}&${queryOf({ scope: undefined })}`;
      expect(query.split('?')).to.have.length(2);
      expectLogIn(await get(query));
    });

    it('a POST whose address says something else', async () => {
      const evil = queryOf({ redirect_uri: 'https://evil.example/' });
      expectLogIn(
        await send(stage().server, 'POST', `${path}?${evil}`, { form: `${queryOf({})}&x=${'x'.repeat(6000)}` }),
      );
    });

    it('a POST with a charset, and bytes that an address may not hold', async () => {
      const { server } = stage();
      const answer = await send(server, 'POST', path, {
        form: `${queryOf({})}&note=ü\r\nX: y #z`,
        headers: { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' },
      });
      const location = String(answer.headers['location']);
      expect(location)
        .to.match(/^[\x21-\x7e]+$/)
        .and.not.to.include('#');
      expectLogIn(await send(server, 'GET', location.slice(server.url.length)));
    });
  });

  describe('refuses forms and methods', () => {
    leavesNothing(stage);
    it('of another content type: a page, not a redirect', async () => {
      const body = queryOf({});
      for (const type of [
        'application/json',
        'text/plain',
        'multipart/form-data; boundary=x',
        'application/x-www-form-urlencoded-not',
        undefined,
      ]) {
        const answer = await send(stage().server, 'POST', path, {
          body,
          headers: type ? { 'content-type': type } : {},
        });
        expectPage(answer, 400, type);
      }
      expectPage(await send(stage().server, 'POST', path, { body, headers: { 'content-type': ';' } }), 415);
    });

    it('that are too large, or carry their parameters in the address', async () => {
      expectPage(await send(stage().server, 'POST', path, { form: `${queryOf({})}&x=${'x'.repeat(140_000)}` }), 413);
      const evil = queryOf({ redirect_uri: 'https://evil.example/' });
      expectPage(await send(stage().server, 'POST', `${path}?${evil}`, { form: '' }), 400);
    });

    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      it(`by ${method}`, async () => {
        const answer = await send(stage().server, method, `${path}?${queryOf({})}`);
        expectOAuthError(answer, 405, 'invalid_request');
        expect(answer.headers['allow']).to.equal('GET, POST');
      });
    }

    it('by HEAD, which starts nothing', async () => {
      const answer = await send(stage().server, 'HEAD', `${path}?${queryOf({})}`);
      expect(answer.status).to.equal(405);
      expect(answer.headers['allow']).to.equal('GET, POST');
    });
  });
});
