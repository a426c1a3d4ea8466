/** Foreign hashes give way to ours at their first use: in the store for clients of a document, in the row of a person. */
import { hash as hashBcrypt } from '@node-rs/bcrypt';
import { expect } from 'chai';
import { createLocalModule } from '../../engine/identity/local.ts';
import { createLoginThrottle } from '../../engine/identity/login-throttle.ts';
import { createPasswordLogIn } from '../../engine/identity/password-log-in.ts';
import { createReplacedSecrets } from '../../engine/oauth/replaced-secrets.ts';
import { verifySlowHash } from '../../engine/store/secret.ts';
import type { Store } from '../../engine/store/store.ts';
import type { Client, Tenant, User } from '../../engine/tenant/tenant.ts';
import { databases, type OpenedDatabase } from '../support/databases.ts';

const NOW = 1_800_000_000_000;

for (const database of databases()) {
  describe(`replaced hashes on ${database.name}`, function () {
    this.timeout(120_000);
    let opened: OpenedDatabase;
    let store: Store;
    before(async () => {
      opened = await database.open();
      store = opened.store;
    });
    after(() => opened.close());

    const clientOf = (...hashes: readonly string[]): Client =>
      ({
        clientId: 'app',
        secrets: hashes.map((hash, index) => ({ id: String(index + 1), hash })),
      }) as unknown as Client;

    it('keeps a hash of ours by tenant, client and the foreign hash it replaces, over a restart', async () => {
      await store.replacedSecrets.save('a', 'app', '$2a$old', 'new');
      await store.replacedSecrets.save('a', 'app', '$2a$old', 'newer');
      store = await opened.reopen();
      expect((await store.replacedSecrets.find('a', 'app'))('$2a$old')).to.equal('newer');
      expect((await store.replacedSecrets.find('a', 'app'))('$2a$other')).to.equal(undefined);
      expect((await store.replacedSecrets.find('a', 'other'))('$2a$old')).to.equal(undefined);
      expect((await store.replacedSecrets.find('b', 'app'))('$2a$old')).to.equal(undefined);
    });

    it('replaces the one secret that was used, and asks nobody about clients without foreign ones', async () => {
      const [used, unused] = [await hashBcrypt('used', 4), await hashBcrypt('unused', 4)];
      const replaced = createReplacedSecrets(store.replacedSecrets);
      const client = clientOf(used, unused);
      expect(await replaced.applyTo('t', client)).to.deep.equal(client);
      await replaced.replace('t', 'app', used, 'used');
      const [first, second] = (await replaced.applyTo('t', client)).secrets;
      expect(first?.hash).to.match(/^\$argon2id\$/);
      expect(await verifySlowHash(first?.hash ?? '', 'used')).to.equal(true);
      expect(second?.hash).to.equal(unused);
      // The document is read anew with another secret: what replaced the old one says nothing about it.
      const renewed = clientOf(await hashBcrypt('used', 4));
      expect(await replaced.applyTo('t', renewed)).to.deep.equal(renewed);
      expect((await replaced.applyTo('u', client)).secrets[0]?.hash).to.equal(used);
      const ours = clientOf(first?.hash ?? '');
      expect(replaced.applyTo('t', ours)).to.equal(ours);
    });

    const person = (more: Partial<User>): User => ({
      id: more.username ?? '',
      username: '',
      enabled: true,
      authorities: [],
      defaultLaunchContexts: [],
      userData: {},
      ...more,
    });
    const logIn = (username: string, password: string, foreignHashes: readonly string[] = []) => {
      const local = createLocalModule({ users: store.users });
      return createPasswordLogIn({
        users: store.users,
        throttle: createLoginThrottle(),
        ask: (_module, attempt) => local.authenticate(attempt),
        answered: () => undefined,
      }).authenticate({
        tenant: {
          id: 't',
          inbound: [{ type: 'local', id: 'local' }],
          passwords: { hashing: { memoryKibibytes: 19_456, passes: 2, parallelism: 1 } },
          users: foreignHashes.map((passwordHash) => ({ passwordHash })),
        } as unknown as Tenant,
        username,
        password,
        remoteAddress: '192.0.2.1',
        now: NOW,
      });
    };
    const hashOf = async (username: string) => (await store.users.findByUsername('t', username))?.passwordHash;

    it('a log-in by a foreign hash stores argon2id, once, and the password goes on to work', async () => {
      const foreign = await hashBcrypt('geheim', 5);
      await store.users.save('t', person({ username: 'ada', passwordHash: foreign, notes: 'kept' }));
      expect(await logIn('ada', 'geheim')).to.deep.include({ ok: true });
      const ours = await hashOf('ada');
      expect(ours).to.match(/^\$argon2id\$/);
      expect((await store.users.findByUsername('t', 'ada'))?.notes).to.equal('kept');
      expect(await logIn('ada', 'geheim')).to.deep.include({ ok: true });
      expect(await hashOf('ada')).to.equal(ours);
      expect(await logIn('ada', 'Geheim')).to.deep.equal({ ok: false, reason: 'wrong-credentials' });
    });

    const kept: readonly (readonly [string, Partial<User>, string])[] = [
      ['a wrong password', { username: 'wrong' }, 'falsch'],
      ['no password', { username: 'none' }, ''],
      ['a disabled person', { username: 'off', enabled: false }, 'geheim'],
      ['a password with more behind NUL', { username: 'nul' }, 'geheim\0geheim'],
    ];
    for (const [what, more, password] of kept) {
      it(`${what} is refused and leaves the foreign hash`, async () => {
        const passwordHash = await hashBcrypt('geheim', 4);
        await store.users.save('t', person({ ...more, passwordHash }));
        expect(await logIn(more.username ?? '', password)).to.deep.equal({ ok: false, reason: 'wrong-credentials' });
        expect(await hashOf(more.username ?? '')).to.equal(passwordHash);
      });
    }

    it('a locked person is refused with the right password, and keeps the foreign hash', async () => {
      const passwordHash = await hashBcrypt('geheim', 4);
      await store.users.save('t', person({ username: 'locked', passwordHash }));
      for (let attempt = 0; attempt < 6; attempt += 1) await store.users.recordLogin('t', 'locked', false, NOW);
      expect(await logIn('locked', 'geheim')).to.deep.equal({ ok: false, reason: 'wrong-credentials' });
      expect(await hashOf('locked')).to.equal(passwordHash);
    });

    it('a malformed hash in the store refuses, and breaks nothing', async () => {
      await store.users.save('t', person({ username: 'broken', passwordHash: '$argon2id$broken' }));
      expect(await logIn('broken', 'geheim')).to.deep.equal({ ok: false, reason: 'wrong-credentials' });
    });

    it('a failure takes alike for strangers, people with a foreign hash and people with one of ours', async () => {
      const slow = await hashBcrypt('geheim', 11);
      await store.users.save('t', person({ username: 'foreign', passwordHash: slow }));
      // The fastest of several: what else the machine does can only lengthen one.
      const fastestOf = async (username: string) => {
        const times: number[] = [];
        for (let run = 0; run < 3; run += 1) {
          const begun = performance.now();
          await logIn(username, 'falsch', [slow]);
          times.push(performance.now() - begun);
        }
        return Math.min(...times);
      };
      const [strange, foreign, ours] = [
        await fastestOf('stranger'),
        await fastestOf('foreign'),
        await fastestOf('ada'),
      ];
      const fastest = Math.min(strange, foreign, ours);
      // bcrypt of this cost alone takes about five times as long as argon2id.
      expect(Math.max(strange, foreign, ours) / fastest, `${strange} ${foreign} ${ours}`).to.be.below(3);
    });
  });
}
