import { expect } from 'chai';
import type { Store, StoredRegistration } from '../../engine/store/store.ts';
import type { User } from '../../engine/tenant/tenant.ts';
import { databases, type OpenedDatabase } from '../support/databases.ts';

const NOW = 1_700_000_000_000;
const times = { now: NOW, keptUntil: NOW + 10_000 };

function waiting(id: string, email: string, changes: Partial<StoredRegistration> = {}): StoredRegistration {
  return {
    tenantId: 'a',
    id,
    state: 'mailed',
    linkHash: `link-${id}`,
    email,
    details: { person: { email } },
    createdAt: NOW,
    expiresAt: NOW + 5_000,
    ...changes,
  };
}

function person(username: string, email: string): User & { readonly email: string } {
  return {
    id: `id-${username}`,
    username,
    email,
    enabled: true,
    authorities: [],
    defaultLaunchContexts: [],
    userData: {},
  };
}

for (const database of databases()) {
  describe(`registrations on ${database.name}`, function () {
    this.timeout(60_000);
    let opened: OpenedDatabase;
    let store: Store;
    before(async () => {
      opened = await database.open();
      store = opened.store;
    });
    after(() => opened.close());
    const link = (id: string, tenantId = 'a') => ({ tenantId, linkHash: `link-${id}` });

    it('are found by their link, of their tenant, in their time', async () => {
      await store.registrations.add(waiting('r1', 'r1@x.example', { username: 'r1' }), 3, NOW);
      expect(await store.registrations.findByLink('a', 'link-r1', NOW)).to.deep.equal(
        waiting('r1', 'r1@x.example', { username: 'r1' }),
      );
      expect(await store.registrations.findByLink('b', 'link-r1', NOW)).to.equal(undefined);
      expect(await store.registrations.findByLink('a', 'link-r1', NOW + 5_000)).to.equal(undefined);
    });

    it('are no more at one address than wanted; those that ended do not count', async () => {
      for (const [id, expected] of [
        ['m1', 'added'],
        ['m2', 'added'],
        ['m3', 'too-many'],
      ] as const)
        expect(await store.registrations.add(waiting(id, 'm@x.example'), 2, NOW)).to.equal(expected);
      expect(
        await store.registrations.add(waiting('m4', 'm@x.example', { expiresAt: NOW + 9_000 }), 2, NOW + 5_000),
      ).to.equal('added');
    });

    it('become one account, whoever comes first of fifty with links to one address', async () => {
      for (let index = 0; index < 10; index += 1)
        await store.registrations.add(waiting(`c${index}`, 'c@x.example'), 100, NOW);
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          store.registrations.complete(link(`c${index % 10}`), person(`c-${index}`, 'C@x.example'), {}, times),
        ),
      );
      expect(results.filter((result) => result === 'created')).to.have.length(1);
      const first = results.indexOf('created');
      expect([...new Set(results)]).to.have.members(['created', 'done', 'gone']);
      expect((await store.users.findByEmail('a', 'c@X.example')).map(({ username }) => username)).to.deep.equal([
        `c-${first}`,
      ]);
      const done = await store.registrations.findByLink('a', `link-c${first % 10}`, NOW + 6_000);
      expect(done).to.deep.include({ state: 'done', details: {} });
    });

    it('become one account of a user name, in any case of its letters; the other may choose again', async () => {
      const names = ['Name', 'name', 'NAME'];
      for (const [index] of names.entries())
        await store.registrations.add(waiting(`n${index}`, `n${index}@x.example`), 3, NOW);
      const results: string[] = [];
      for (const [index, name] of names.entries())
        results.push(
          await store.registrations.complete(link(`n${index}`), person(name, `n${index}@x.example`), {}, times),
        );
      expect(results).to.deep.equal(['created', 'username-taken', 'username-taken']);
      expect(await store.registrations.complete(link('n1'), person('other', 'n1@x.example'), {}, times)).to.equal(
        'created',
      );
    });

    it('make no second account of an address, an id, or for another tenant', async () => {
      await store.users.save('a', person('known', 'Known@x.example'));
      await store.registrations.add(waiting('k1', 'known@x.example'), 3, NOW);
      expect(await store.registrations.complete(link('k1'), person('k1', 'known@x.example'), {}, times)).to.equal(
        'email-known',
      );
      await store.registrations.add(waiting('k2', 'k2@x.example'), 3, NOW);
      const sameId = { ...person('k2', 'k2@x.example'), id: 'id-known' };
      expect(await store.registrations.complete(link('k2'), sameId, {}, times)).to.equal('username-taken');
      expect(await store.registrations.complete(link('k2', 'b'), person('k2', 'k2@x.example'), {}, times)).to.equal(
        'gone',
      );
      expect(
        await store.registrations.complete(
          link('k2'),
          person('k2', 'k2@x.example'),
          {},
          { ...times, now: NOW + 5_000 },
        ),
      ).to.equal('gone');
      expect((await store.users.findById('a', 'id-known'))?.username).to.equal('known');
    });

    it('are thrown away, unless they are done', async () => {
      await store.registrations.add(waiting('d1', 'd1@x.example'), 3, NOW);
      await store.registrations.discard('b', 'link-d1');
      expect(await store.registrations.findByLink('a', 'link-d1', NOW)).to.not.equal(undefined);
      await store.registrations.discard('a', 'link-d1');
      expect(await store.registrations.complete(link('d1'), person('d1', 'd1@x.example'), {}, times)).to.equal('gone');
      await store.registrations.add(waiting('d2', 'd2@x.example'), 3, NOW);
      await store.registrations.complete(link('d2'), person('d2', 'd2@x.example'), {}, times);
      await store.registrations.discard('a', 'link-d2');
      expect((await store.registrations.findByLink('a', 'link-d2', NOW))?.state).to.equal('done');
    });

    it('wait for an administrator, who decides once', async () => {
      const pendingUntil = NOW + 20_000;
      const pend = async (id: string, username: string, later = 0) => {
        const email = `${id}@x.example`;
        await store.registrations.add(waiting(id, email, { createdAt: NOW + later }), 3, NOW);
        const user = person(username, email);
        return store.registrations.complete(link(id), user, { user }, { ...times, pendingUntil });
      };
      expect(await pend('p1', 'pending-1', 2)).to.equal('pending');
      expect(await pend('p2', 'pending-2', 1)).to.equal('pending');
      expect(await pend('p3', 'Pending-1'), 'a name that waits is taken').to.equal('username-taken');
      expect(await store.users.findByUsername('a', 'pending-1')).to.equal(undefined);
      expect(await store.registrations.add(waiting('p4', 'p1@x.example'), 3, NOW)).to.equal('pending');
      expect(await store.registrations.complete(link('p1'), person('x', 'p1@x.example'), {}, times)).to.equal(
        'pending',
      );
      const ids = async (page: { limit: number; after?: string }) =>
        (await store.registrations.listPending('a', page, NOW)).map(({ id }) => id);
      expect(await ids({ limit: 10 })).to.deep.equal(['p2', 'p1']);
      expect(await ids({ limit: 1 })).to.deep.equal(['p2']);
      expect(await ids({ limit: 10, after: 'p2' })).to.deep.equal(['p1']);
      expect(await ids({ limit: 10, after: 'nobody' })).to.deep.equal([]);
      expect(await store.registrations.listPending('b', { limit: 10 }, NOW)).to.deep.equal([]);
      expect(await store.registrations.listPending('a', { limit: 10 }, pendingUntil)).to.deep.equal([]);
      expect(await store.registrations.findPending('a', 'p1', NOW)).to.deep.include({ username: 'pending-1' });
      expect(await store.registrations.findPending('b', 'p1', NOW)).to.equal(undefined);
      const approve = (tenantId: string, now = NOW) =>
        store.registrations.approve(tenantId, 'p1', person('pending-1', 'p1@x.example'), { ...times, now });
      expect(await approve('b')).to.equal('gone');
      expect(await approve('a', pendingUntil)).to.equal('gone');
      const results = await Promise.all([approve('a'), approve('a'), approve('a')]);
      expect(results.toSorted()).to.deep.equal(['created', 'gone', 'gone']);
      expect((await store.registrations.findByLink('a', 'link-p1', NOW))?.state).to.equal('done');
      expect(await store.registrations.refuse('b', 'p2', NOW)).to.equal(undefined);
      await store.registrations.discard('a', 'link-p2');
      expect((await store.registrations.refuse('a', 'p2', NOW))?.id).to.equal('p2');
      expect(await store.registrations.refuse('a', 'p2', NOW)).to.equal(undefined);
      expect(await store.registrations.findByLink('a', 'link-p2', NOW)).to.equal(undefined);
    });

    it('never take the name of somebody who was deleted, unless it is their own address', async () => {
      for (const [id, name] of [
        ['f1', 'former'],
        ['f2', 'f2@x.example'],
      ] as const) {
        await store.users.save('a', person(name, `${id}-before@x.example`));
        await store.users.delete('a', `id-${name}`);
        await store.users.delete('a', `id-${name}`);
        await store.registrations.add(waiting(id, `${id}@x.example`), 3, NOW);
      }
      await store.sweep(NOW + 4_000);
      expect(await store.registrations.complete(link('f1'), person('Former', 'f1@x.example'), {}, times)).to.equal(
        'username-taken',
      );
      expect(
        await store.registrations.complete(
          link('f2'),
          { ...person('f2@x.example', 'f2@x.example'), id: 'new' },
          {},
          times,
        ),
      ).to.equal('created');
    });

    it('are swept when they have ended', async () => {
      await store.registrations.add(waiting('s1', 's1@x.example'), 3, NOW);
      await store.sweep(NOW + 5_000);
      expect(await store.registrations.findByLink('a', 'link-s1', NOW)).to.equal(undefined);
    });
  });
}
