/** Nobody learns from the log-in who has an account: neither from what it says nor from how long it takes. */
import { expect } from 'chai';
import { type Admin, asAdmin } from '../admin/support.ts';
import { authorizationRequest } from '../support/oauth.ts';
import { createPerson } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const people = 15;
const median = (values: readonly number[]) => values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0;

describe('a failed log-in', function () {
  this.timeout(120_000);
  let server: TestServer;
  let admin: Admin;
  before(async () => {
    server = await startTestServer({ environment: { SALLYPORT_TRUST_PROXY: '127.0.0.1' } });
    admin = await asAdmin(server);
    for (let index = 0; index < people; index += 1)
      for (const enabled of [true, false])
        await admin('POST', '/tenants/demo/users', {
          username: `${enabled ? 'known' : 'disabled'}-${index}`,
          password: 'a lantern for an otter',
          enabled,
        });
  });
  after(() => server.close());

  it('says the same in the same time of who is known, unknown or disabled', async () => {
    const times: Record<string, number[]> = { known: [], unknown: [], disabled: [] };
    const said = new Set<string>();
    // In turn, so that what else happens on the machine meets all of them; each account fails once, so none is locked.
    for (let index = 0; index < people; index += 1)
      for (const kind of Object.keys(times)) {
        const person = createPerson(server.url, { 'x-forwarded-for': `10.2.0.${index + 1}` });
        const page = await person.open(authorizationRequest(server).url);
        const began = performance.now();
        const answer = await person.submit(page, { username: `${kind}-${index}`, password: 'wrong', do: 'login' });
        times[kind]?.push(performance.now() - began);
        const text = answer.body
          .replace(/(value|action|href|data-options)="[^"]*"/g, '')
          .replaceAll(`${kind}-${index}`, '');
        said.add(`${answer.status} ${text}`);
      }
    expect(said.size).to.equal(1);
    const unknown = median(times['unknown'] ?? []);
    for (const kind of ['known', 'disabled'])
      expect(median(times[kind] ?? []) / unknown, kind)
        .to.be.above(0.6)
        .and.below(1.7);
  });
});
