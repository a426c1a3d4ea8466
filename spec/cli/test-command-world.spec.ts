/** What a case of `npx sallyport test` makes of the outside: clock, hosts, values, what is sent, and secrets, which are never printed. */
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type CaseFile, type Ran, ran, tenant } from './test-command-support.ts';

describe('sallyport test and the world', function () {
  this.timeout(120_000);

  describe('the world of a case', () => {
    const issuer = 'http://localhost:9200/one';
    const calling = `import { get } from 'sallyport/http';
import * as kv from 'sallyport/kv';
import { verify } from 'sallyport/jwt';
import { search } from 'sallyport/fhir';
export async function onTokenGenerating(theUserSession, theDetails, theClientDetails) {
  const claim = (name, value) => theDetails.addAccessTokenClaim(name, value);
  const what = theClientDetails.clientName;
  if (what === 'clock') {
    const before = Date.now();
    for (let index = 0; index < 1e6; index += 1);
    claim('clock', [new Date().toISOString(), Date.now() - before, Math.random() === Math.random()]);
    claim('dice', Math.random());
  }
  if (what === 'get') claim('got', (await get(theDetails.getRequestParameters().get('aud'))).text);
  if (what === 'count') {
    claim('before', (await kv.get('seen')) ?? 'nothing');
    claim('sum', await kv.increment('count', 2));
    await kv.set('seen', { at: theDetails.clientId });
    await kv.remove('gone');
  }
  if (what === 'search') claim('found', (await search('Patient')).length);
  if (what === 'verify') {
    const options = { jwksUri: 'https://keys.example/jwks', issuer: 'https://issuer.example', audience: 'me' };
    claim('verified', (await verify(theDetails.getRequestParameters().get('aud'), options)).claims.sub);
  }
}
`;
    const of = (clientName: string, aud = '', more: object = {}) => ({
      input: { session: null, client: { clientName }, request: { requestParameters: { aud } } },
      ...more,
    });
    let result: Ran;
    before(async () => {
      const { privateKey, publicKey } = await generateKeyPair('ES256');
      const token = await new SignJWT({ sub: 'ada' })
        .setProtectedHeader({ alg: 'ES256', kid: 'k' })
        .setIssuer('https://issuer.example')
        .setAudience('me')
        .setIssuedAt(Date.parse('2001-01-01T00:00:00Z') / 1000)
        .setExpirationTime(Date.parse('2001-01-01T00:05:00Z') / 1000)
        .sign(privateKey);
      const keys = {
        url: 'https://keys.example/jwks',
        body: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] },
      };
      const bundle = { url: 'https://fhir.example/r4/Patient', body: { resourceType: 'Bundle', entry: [] } };
      const tokens = { method: 'POST', url: 'https://auth.example/token' };
      const bearer = (value: string) => [
        { method: 'GET', url: '{fhir}/Patient', headers: { authorization: `Bearer ${value}` } },
      ];
      const cases: CaseFile[] = [
        {
          name: 'the clock stands',
          now: '2001-02-03T04:05:06Z',
          ...of('clock'),
          expect: { effect: { accessTokenClaims: { clock: ['2001-02-03T04:05:06.000Z', 0, false] } } },
        },
        { name: 'dice', ...of('clock'), expect: { effect: { accessTokenClaims: { dice: 'DICE' } } } },
        { name: 'dice again', ...of('clock'), expect: { effect: { accessTokenClaims: { dice: 'DICE' } } } },
        {
          name: 'an answer',
          ...of('get', 'https://api.example/a?x=1 2', { calls: [{ url: 'https://api.example/a?*', body: 'yes' }] }),
          expect: { effect: { accessTokenClaims: { got: 'yes' } }, calls: ['GET https://api.example/a'] },
        },
        {
          name: 'no answer',
          ...of('get', 'https://api.example/b', { calls: [{ url: 'https://api.example/a' }] }),
          expect: { outcome: 'ok' },
        },
        {
          name: 'another method',
          ...of('get', 'https://api.example/b', { calls: [{ method: 'POST', url: 'https://api.example/b' }] }),
          expect: { outcome: 'runtime', message: 'no answer for GET https://api.example/b' },
        },
        {
          name: 'an unlisted host',
          ...of('get', 'https://other.example/', { calls: [{ url: 'https://other.example/' }] }),
          expect: { outcome: 'runtime', message: 'other.example is not on the allow-list' },
        },
        {
          name: 'another port',
          ...of('get', 'https://api.example:8443/', { calls: [{ url: 'https://api.example:8443/' }] }),
          expect: { outcome: 'runtime', message: 'api.example:8443 is not on the allow-list' },
        },
        {
          name: 'a private address',
          ...of('get', 'http://10.0.0.7/', { calls: [{ url: 'http://10.0.0.7/' }] }),
          expect: { outcome: 'runtime', message: 'not public' },
        },
        {
          name: 'a rule of the host',
          ...of('get', 'https://ruled.example/elsewhere', { calls: [{ url: 'https://ruled.example/elsewhere' }] }),
          expect: { outcome: 'runtime', message: 'only addresses below /here' },
        },
        {
          name: 'an answer that is too large',
          ...of('get', 'https://ruled.example/here', {
            calls: [{ url: 'https://ruled.example/here', body: 'x'.repeat(200) }],
          }),
          expect: { outcome: 'runtime', message: 'larger than 100 bytes' },
        },
        {
          name: 'a malformed escape',
          ...of('get', 'https://api.example/%zz', { calls: [{ url: 'https://api.example/%zz', body: 'z' }] }),
          expect: { effect: { accessTokenClaims: { got: 'z' } } },
        },
        {
          name: 'values',
          values: { count: 40, gone: true },
          ...of('count'),
          expect: {
            effect: { accessTokenClaims: { before: 'nothing', sum: 42 } },
            values: { count: 42, seen: { at: 'app' }, gone: null },
          },
        },
        { name: 'values of their own', ...of('count'), expect: { values: { count: 2 } } },
        { name: 'other values', ...of('count'), expect: { values: { count: 3, more: 1 } } },
        {
          name: 'a token of the case',
          ...of('search', '', { calls: [bundle, { ...tokens, body: { access_token: 'told', expires_in: 3600 } }] }),
          expect: { effect: { accessTokenClaims: { found: 0 } }, sent: bearer('told') },
        },
        // The one before is not kept for this one.
        {
          name: 'a token that is made up',
          ...of('search', '', { calls: [bundle] }),
          expect: { sent: bearer('a-token-of-the-case') },
        },
        {
          name: 'no token',
          ...of('search', '', { calls: [bundle, { ...tokens, unreachable: true }] }),
          expect: { outcome: 'runtime', message: 'gave no token' },
        },
        {
          name: 'a token of somebody else, in its time',
          now: '2001-01-01T00:04:00Z',
          ...of('verify', token, { calls: [keys] }),
          expect: { effect: { accessTokenClaims: { verified: 'ada' } } },
        },
        {
          name: 'and after it',
          now: '2001-01-01T00:06:00Z',
          ...of('verify', token, { calls: [keys] }),
          expect: { outcome: 'runtime', message: 'expired' },
        },
      ];
      result = await ran(
        tenant(
          'one',
          calling,
          cases,
          {
            issuer,
            outboundHttp: {
              allow: [
                'api.example',
                'keys.example',
                '10.0.0.7',
                { host: 'ruled.example', path: '/here', maximumResponseBytes: 100 },
              ],
            },
            fhirServers: [
              {
                name: 'r4',
                url: 'https://fhir.example/r4',
                access: {
                  type: 'client-credentials',
                  tokenUrl: 'https://auth.example/token',
                  clientId: 'sallyport',
                  clientSecret: { env: 'FHIR_SECRET' },
                  scope: 'system/*.rs',
                },
              },
            ],
          },
          'callbacks.mjs',
        ),
      );
    });

    for (const name of [
      'the clock stands',
      'an answer',
      'another method',
      'an unlisted host',
      'another port',
      'a private address',
      'a rule of the host',
      'an answer that is too large',
      'a malformed escape',
      'values',
      'values of their own',
      'a token of the case',
      'a token that is made up',
      'no token',
      'a token of somebody else, in its time',
      'and after it',
    ])
      it(`has ${name}`, () => expect(result.of(name)).to.equal(''));

    it('has the same dice each time', () => {
      const dice = /dice: expected "DICE", found ([\d.e-]+)/;
      const [, first = ''] = dice.exec(result.of('dice')) ?? [];
      expect(Number(first)).to.be.within(0, 1);
      expect(dice.exec(result.of('dice again'))?.[1]).to.equal(first);
    });

    it('fails a call that it has no answer for, and says which', () => {
      expect(result.of('no answer')).to.include('found runtime').and.include('no answer for GET https://api.example/b');
    });

    it('tells values that are otherwise afterwards', () => {
      expect(result.of('other values')).to.include('values /count: expected 3, found 2');
      expect(result.of('other values')).to.include('values /more: expected 1, found nothing');
    });
  });

  describe('what a case sends', () => {
    const sending = `function onPostAuthorize(theDetails) {
  Http.post('https://audit.example/events').addRequestHeader('X-Kind', 'token').setContentJson({ user: theDetails.username, n: 1 }).execute();
  Http.post('https://audit.example/texts').setContentType('text/plain').setContentString('plain ' + theDetails.username).execute();
}
`;
    const calls = [{ method: 'POST', url: 'https://audit.example/*', status: 202 }];
    const sends = (name: string, sent: readonly object[]) => ({
      name,
      hook: 'onPostAuthorize',
      calls,
      expect: { sent },
    });
    const event = 'https://audit.example/events';
    const text = 'https://audit.example/texts';
    let result: Ran;
    before(async () => {
      result = await ran(
        tenant(
          'one',
          sending,
          [
            sends('both', [
              {
                url: event,
                headers: { 'x-kind': 'token', 'Content-Type': 'application/json' },
                body: { user: 'drsmith' },
              },
              { url: text, body: 'plain drsmith' },
            ]),
            sends('the second alone', [{ url: text }]),
            sends('another body', [{ url: event, body: { user: 'jane', n: 1 } }]),
            sends('another header', [{ url: event, headers: { 'X-Kind': 'code' } }]),
            sends('another order', [{ url: text }, { url: event }]),
            sends('nothing there', [{ method: 'PUT', url: event }]),
          ],
          { outboundHttp: { allow: ['audit.example'] } },
        ),
      );
    });

    it('is held against headers and body, as far as they are named', () => {
      expect(result.of('both')).to.equal('');
      expect(result.of('the second alone')).to.equal('');
    });

    it('is told where it differs', () => {
      expect(result.of('another body')).to.include(`sent POST ${event} /body/user: expected "jane", found "drsmith"`);
      expect(result.of('another header')).to.include(
        `sent POST ${event} /headers/x-kind: expected "code", found "token"`,
      );
      expect(result.of('another order')).to.include(`sent POST ${event}: nothing is sent there`);
      expect(result.of('nothing there')).to.include(`sent PUT ${event}: nothing is sent there`);
    });
  });

  describe('secrets', () => {
    const leaking = `function onTokenGenerating(theUserSession, theDetails, theClientDetails) {
  const key = Secrets.get('apiKey');
  Log.info('the key is ' + key);
  theDetails.addAccessTokenClaim('length', key.length);
  if (theClientDetails.clientName === 'leaks') theDetails.addAccessTokenClaim('key', key);
  if (theClientDetails.clientName === 'throws') throw new Error('with ' + key);
  if (theClientDetails.clientName === 'sends')
    Http.post('https://api.example/' + encodeURIComponent(key)).addRequestHeader('Authorization', 'Bearer ' + key).setContentString(Base64.encode(key)).execute();
}
function onPostAuthorize() { Secrets.get('apiKey'); }
`;
    const as = (clientName: string) => ({ session: null, client: { clientName } });
    const cases: readonly CaseFile[] = [
      { name: 'made up', input: as('reads'), expect: { effect: { accessTokenClaims: { length: 0 } } } },
      {
        name: 'of the case',
        input: as('reads'),
        secrets: { apiKey: 'hunter2-of-the-case' },
        expect: { effect: { accessTokenClaims: { length: 19 } } },
      },
      {
        name: 'in a claim',
        input: as('leaks'),
        secrets: { apiKey: 'hunter2-of-the-case' },
        expect: { effect: { accessTokenClaims: { key: 'x' } } },
      },
      { name: 'in an error', input: as('throws'), expect: {} },
      { name: 'in a log', input: as('reads'), expect: { logs: ['nothing like it'] } },
      { name: 'masked in a log', input: as('reads'), expect: { logs: ['the key is ***'] } },
      {
        name: 'in a request',
        input: as('sends'),
        calls: [{ method: 'POST', url: 'https://api.example/*' }],
        expect: {
          sent: [{ url: 'https://api.example/*', headers: { authorization: 'x' }, body: 'y' }],
          calls: ['GET x'],
        },
      },
      { name: 'in a hook that may not', hook: 'onPostAuthorize', expect: { outcome: 'runtime', message: 'apiKey' } },
    ];
    const document = {
      secrets: { apiKey: { value: { env: 'API_KEY' }, hooks: ['onTokenGenerating'] } },
      outboundHttp: { allow: ['api.example'] },
    };
    let absent: Ran;
    let present: Ran;
    before(async () => {
      absent = await ran(tenant('one', leaking, cases, document));
      present = await ran(tenant('one', leaking, cases, document), { API_KEY: 'hunter2 from the environment' });
    });

    it('are made up where the environment has none', () => {
      expect(absent.of('made up')).to.match(/length: expected 0, found (\d\d)/);
      expect(absent.of('of the case')).to.equal('');
      expect(absent.of('in a hook that may not')).to.equal('');
    });

    it('are made up where there is no file, and read where there is one', async () => {
      const inFile = {
        ...document,
        secrets: { apiKey: { ...document.secrets.apiKey, value: { file: 'keys/api.txt' } } },
      };
      const files = tenant('one', leaking, cases, inFile);
      const without = await ran(files);
      expect(without.of('made up'), without.output).to.match(/length: expected 0, found 22/);
      expect(without.of('of the case')).to.equal('');
      const within = await ran({ ...files, 'one/keys/api.txt': 'of the file\n' });
      expect(within.of('made up')).to.match(/length: expected 0, found 11/);
      const outside = await ran(
        tenant('one', leaking, cases, {
          ...document,
          secrets: { apiKey: { ...document.secrets.apiKey, value: { file: '../../../etc/hostname' } } },
        }),
      );
      expect(outside.output, 'nothing outside is read').to.include("expected a file inside the tenant's folder");
      for (const { output } of [without, within]) expect(output).not.to.match(/of the file|a made-up/);
    });

    it('are never printed, wherever a script puts them', () => {
      for (const { output, junit } of [absent, present])
        for (const form of [
          'hunter2',
          'made-up API_KEY',
          'a made-up',
          encodeURIComponent('hunter2 from the environment'),
          Buffer.from('hunter2 from the environment').toString('base64'),
        ]) {
          expect(output).not.to.include(form);
          expect(junit).not.to.include(form);
        }
      expect(present.of('in a claim')).to.include('expected "x", found "***"');
      expect(present.of('in an error')).to.include('with ***');
      expect(present.of('in a log')).to.include('the key is ***');
      expect(present.of('in a request')).to.include('/headers/authorization: expected "x", found "Bearer ***"');
      expect(present.of('in a request')).to.include('/body: expected "y", found "***"');
      expect(present.of('in a request')).to.include('POST https://api.example/***');
      expect(present.of('masked in a log')).to.equal('');
    });
  });
});
