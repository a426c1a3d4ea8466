/** Whatever an endpoint refuses stands in the audit trail once, with its reason and nothing of what was sent. */
import { expect } from 'chai';
import { type Admin, asAdmin, itemsOf } from '../../admin/support.ts';
import { authorizationRequest, basic, postForm } from '../../support/oauth.ts';
import { createPerson } from '../../support/person.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';

describe('the trail of refusals', () => {
  let server: TestServer;
  let admin: Admin;
  before(async () => {
    server = await startTestServer();
    admin = await asAdmin(server);
  });
  after(() => server.close());

  const token = (path = '') => `${server.issuer}/oauth/token${path}`;
  const cases: readonly (readonly [
    string,
    () => Promise<unknown>,
    { readonly type: string; readonly reason: string },
  ])[] = [
    [
      'introspection without a client',
      () => postForm(token('/introspect'), { token: 'hush' }),
      { type: 'request.refused', reason: 'invalid_client' },
    ],
    [
      'introspection by a client that may not',
      () => postForm(token('/introspect'), { token: 'hush' }, basic('sample-service', 'demo-secret')),
      { type: 'request.refused', reason: 'unauthorized_client' },
    ],
    [
      'revocation with a wrong secret',
      () => postForm(token('/revoke'), { token: 'hush' }, basic('sample-web', 'hush')),
      { type: 'request.refused', reason: 'invalid_client' },
    ],
    [
      'userinfo without a token',
      () => fetch(`${server.issuer}/userinfo`),
      { type: 'request.refused', reason: 'token_missing' },
    ],
    [
      'userinfo with another',
      () => fetch(`${server.issuer}/userinfo`, { headers: { authorization: 'Bearer hush' } }),
      { type: 'request.refused', reason: 'invalid_token' },
    ],
    [
      'a grant that is not offered',
      () => postForm(token(), { grant_type: 'password', password: 'hush' }),
      { type: 'request.refused', reason: 'unsupported_grant_type' },
    ],
    [
      'a repeated parameter',
      () => fetch(token(), { method: 'POST', body: new URLSearchParams('grant_type=a&grant_type=b') }),
      { type: 'request.refused', reason: 'invalid_request' },
    ],
    ['a wrong method', () => fetch(token()), { type: 'request.refused', reason: 'invalid_request' }],
    [
      'a client with a wrong secret',
      () => postForm(token(), { grant_type: 'client_credentials' }, basic('sample-service', 'hush')),
      { type: 'flow.client-credentials', reason: 'client-authentication' },
    ],
    [
      'an unknown code',
      () => postForm(token(), { grant_type: 'authorization_code', code: 'hush', client_id: 'sample-native' }),
      { type: 'flow.interactive', reason: 'code-unknown' },
    ],
    [
      'an app nobody knows',
      () => createPerson(server.url).open(authorizationRequest(server, { client_id: 'nobody' }).url),
      { type: 'flow.interactive', reason: 'client-unknown' },
    ],
    [
      'a page of a flow that is gone',
      () => createPerson(server.url).open(`${server.issuer}/login/${'x'.repeat(43)}`),
      { type: 'request.refused', reason: 'flow-gone' },
    ],
  ];
  for (const [name, act, expected] of cases)
    it(name, async () => {
      const before = itemsOf(await admin('GET', '/tenants/demo/audit')).length;
      await act();
      let events: readonly Record<string, unknown>[] = [];
      for (let attempt = 0; attempt < 50 && events.length <= before; attempt += 1) {
        events = itemsOf(await admin('GET', '/tenants/demo/audit'));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(events.length - before, JSON.stringify(events[0])).to.equal(1);
      expect(events[0]).to.include({ ...expected, outcome: 'failure' });
      expect(JSON.stringify(events)).not.to.include('hush');
    });
});
