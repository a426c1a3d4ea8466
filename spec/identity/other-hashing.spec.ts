/** A tenant changes what its hashes cost, and how old a password may be: what people who were there before notice. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { openStore } from '../../engine/store/open.ts';
import { asAdmin } from '../admin/support.ts';
import { authorizationRequest } from '../support/oauth.ts';
import { createPerson } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const people = 9;
const password = 'a lantern for an otter';
const median = (values: readonly number[]) => values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0;

describe('people whose passwords were hashed at another cost', function () {
  this.timeout(120_000);
  let server: TestServer;
  const environment = { SALLYPORT_TRUST_PROXY: '127.0.0.1' };
  const configure = async (config: string, passwords: object) => {
    const path = join(config, 'demo/tenant.json');
    const document = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...document, passwords }));
  };
  before(async () => {
    const first = await startTestServer({ environment });
    const admin = await asAdmin(first);
    for (const username of ['reader', ...Array.from({ length: people }, (_, index) => `known-${index}`)])
      expect((await admin('POST', '/tenants/demo/users', { username, password })).status).to.equal(201);
    await first.kill();
    server = await startTestServer({
      again: first,
      environment,
      prepare: (config) => configure(config, { hashing: { memoryKibibytes: 131_072, passes: 3 }, maximumAgeDays: 365 }),
    });
  });
  after(() => server.close());

  async function enter(username: string, presented: string, address: string) {
    const person = createPerson(server.url, { 'x-forwarded-for': address });
    const page = await person.open(authorizationRequest(server).url);
    const began = performance.now();
    const answer = await person.submit(page, { username, password: presented, do: 'login' });
    return { person, answer, took: performance.now() - began };
  }

  it('fail to log in as fast as who does not exist', async () => {
    const times: Record<string, number[]> = { known: [], unknown: [] };
    await enter('nobody-at-all', 'wrong', '10.3.1.1');
    for (let index = 0; index < people; index += 1)
      for (const kind of Object.keys(times)) {
        const { answer, took } = await enter(`${kind}-${index}`, 'wrong', `10.3.0.${index + 1}`);
        expect(answer.body).to.contain('User name or password is wrong.');
        times[kind]?.push(took);
      }
    expect(median(times['known'] ?? []) / median(times['unknown'] ?? []))
      .to.be.above(0.7)
      .and.below(1.45);
  });

  it('have a hash of the new cost once they have logged in, and still the same password', async () => {
    for (const attempt of [1, 2]) {
      const { answer } = await enter('reader', password, '10.3.2.1');
      expect(answer.body, `attempt ${attempt}`).not.to.contain('User name or password is wrong.');
      expect(answer.body, 'the password is as old as before, and not too old').not.to.contain('name="again"');
    }
    expect((await enter('reader', 'wrong', '10.3.2.2')).answer.body).to.contain('User name or password is wrong.');
  });

  it('must choose another password where theirs is older than the tenant wants, or its age is not known', async () => {
    // Of people in the document nobody knows since when they have their password.
    const { person, answer } = await enter('drsmith', 'demo-password', '10.3.3.1');
    expect(answer.body).to.contain('name="again"').and.contain('Your password is too old.');
    const next = await person.submit(answer, { password, again: password, do: 'save' });
    expect(next.body).not.to.contain('name="again"');
    const { answer: later } = await enter('drsmith', password, '10.3.3.1');
    expect(later.body).not.to.contain('name="again"').and.not.contain('User name or password is wrong.');
  });

  it('and in the store only those who logged in have it', async () => {
    await server.kill();
    const store = await openStore({ dataFolder: server.data });
    try {
      const hashOf = async (username: string) =>
        (await store.users.findByUsername('demo', username))?.passwordHash ?? '';
      expect(await hashOf('reader')).to.match(/^\$argon2id\$v=19\$m=131072,t=3,p=1\$/);
      expect(await hashOf('known-1')).to.match(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
      const costs = (await store.users.hashesByCost('demo')).map((hash) => hash.split('$')[3]);
      expect(costs).to.have.members(['m=131072,t=3,p=1', 'm=19456,t=2,p=1']);
      expect(await store.users.hashesByCost('nowhere')).to.deep.equal([]);
    } finally {
      await store.close();
    }
  });
});
