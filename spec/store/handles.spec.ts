import { expect } from 'chai';
import type { Store, StoredFlow, StoredLaunch } from '../../engine/store/store.ts';
import { databases, type OpenedDatabase } from '../support/databases.ts';
import { rejectionCode } from '../support/rejection.ts';

const NOW = 1_700_000_000_000;

function flow(id: string, changes: Partial<StoredFlow> = {}): StoredFlow {
  return {
    id,
    tenantId: 'a',
    flow: 'authorization_code',
    state: 'begun',
    revision: 1,
    facts: { scope: ['openid'] },
    trace: [],
    expiresAt: NOW + 1000,
    ...changes,
  };
}

for (const database of databases()) {
  describe(`flow, session, replay and launch repositories on ${database.name}`, function () {
    this.timeout(60_000);
    let opened: OpenedDatabase;
    let store: Store;
    before(async () => {
      opened = await database.open();
      store = opened.store;
    });
    after(() => opened.close());

    describe('flows', () => {
      it('finds a flow by id and by handle', async () => {
        await store.flows.create(flow('f1'), [{ kind: 'code', hash: 'h1' }]);
        expect(await store.flows.find('a', 'f1')).to.deep.equal(flow('f1'));
        expect(await store.flows.findByHandle('a', 'code', 'h1')).to.deep.equal(flow('f1'));
      });
      it('finds nothing for another tenant, kind or handle', async () => {
        await store.flows.create(flow('f2'), [{ kind: 'code', hash: 'h2' }]);
        expect(await store.flows.find('b', 'f2')).to.equal(undefined);
        expect(await store.flows.findByHandle('b', 'code', 'h2')).to.equal(undefined);
        expect(await store.flows.findByHandle('a', 'state', 'h2')).to.equal(undefined);
        expect(await store.flows.findByHandle('a', 'code', 'other')).to.equal(undefined);
      });
      it('rejects a second flow of one id or handle, and keeps nothing of it', async () => {
        await store.flows.create(flow('f3'), [{ kind: 'code', hash: 'h3' }]);
        expect(await rejectionCode(store.flows.create(flow('f3')))).to.equal('conflict');
        expect(await rejectionCode(store.flows.create(flow('f3b'), [{ kind: 'code', hash: 'h3' }]))).to.equal(
          'conflict',
        );
        expect(await store.flows.find('a', 'f3b')).to.equal(undefined);
      });
      it('advances for the first of fifty callers only', async () => {
        await store.flows.create(flow('f4'));
        const results = await Promise.all(
          Array.from({ length: 50 }, (_, index) =>
            store.flows.advance(flow('f4', { revision: 2, state: `s${index}` }), 1, [
              { kind: 'code', hash: `f4-${index}` },
            ]),
          ),
        );
        const winner = results.indexOf(true);
        expect(results.filter(Boolean)).to.have.length(1);
        expect((await store.flows.find('a', 'f4'))?.state).to.equal(`s${winner}`);
        expect(await store.flows.findByHandle('a', 'code', `f4-${winner}`)).to.not.equal(undefined);
        expect(await store.flows.findByHandle('a', 'code', `f4-${(winner + 1) % 50}`)).to.equal(undefined);
      });
      it('does not advance an unknown flow, a foreign one or an old revision', async () => {
        await store.flows.create(flow('f5', { revision: 3 }));
        expect(await store.flows.advance(flow('f5', { revision: 3 }), 2)).to.equal(false);
        expect(await store.flows.advance(flow('f5', { tenantId: 'b', revision: 4 }), 3)).to.equal(false);
        expect(await store.flows.advance(flow('unknown', { revision: 2 }), 1)).to.equal(false);
      });
      it('undoes the transition when its handle is taken', async () => {
        await store.flows.create(flow('f6'), [{ kind: 'code', hash: 'h6' }]);
        const change = store.flows.advance(flow('f6', { revision: 2 }), 1, [{ kind: 'code', hash: 'h6' }]);
        expect(await rejectionCode(change)).to.equal('conflict');
        expect((await store.flows.find('a', 'f6'))?.revision).to.equal(1);
      });
    });

    describe('sessions', () => {
      const session = {
        idHash: 's',
        tenantId: 'a',
        userId: 'u',
        authenticatedAt: NOW,
        expiresAt: NOW + 9,
        details: { x: 1 },
      };
      it('answers a live session, replaced or as saved', async () => {
        await store.sessions.save(session);
        expect(await store.sessions.find('a', 's', NOW)).to.deep.equal(session);
        await store.sessions.save({ ...session, details: { x: 2 } });
        expect((await store.sessions.find('a', 's', NOW))?.details).to.deep.equal({ x: 2 });
      });
      it('answers no expired, foreign or deleted one', async () => {
        await store.sessions.save(session);
        expect(await store.sessions.find('a', 's', NOW + 9)).to.equal(undefined);
        expect(await store.sessions.find('b', 's', NOW)).to.equal(undefined);
        expect(await store.sessions.end('b', 's', NOW)).to.equal(undefined);
        expect(await store.sessions.find('a', 's', NOW)).to.not.equal(undefined);
        expect(await store.sessions.end('a', 's', NOW)).to.deep.equal([]);
        expect(await store.sessions.find('a', 's', NOW)).to.equal(undefined);
      });
      it('keeps what is known of the device, and when it was last seen, never going back', async () => {
        const known = { ...session, seenAt: NOW, device: { browser: 'Firefox', system: 'Linux' } };
        await store.sessions.save(known);
        await store.sessions.touch('b', 's', NOW + 5);
        expect(await store.sessions.find('a', 's', NOW)).to.deep.equal(known);
        await store.sessions.touch('a', 's', NOW + 5);
        await store.sessions.touch('a', 's', NOW + 3);
        expect((await store.sessions.find('a', 's', NOW))?.seenAt).to.equal(NOW + 5);
        await store.sessions.end('a', 's', NOW);
      });
      it('ends once, and leaves a notice for each of its apps and for no others', async () => {
        const app = (clientId: string) => ({ clientId, subject: 'ann' });
        for (const [tenantId, idHash] of [
          ['a', 's1'],
          ['a', 's2'],
          ['b', 's1'],
        ] as const) {
          await store.sessions.save({ ...session, tenantId, idHash });
          await store.sessions.addApp(tenantId, idHash, app('one'));
        }
        await store.sessions.addApp('a', 's1', app('two'));
        await store.sessions.addApp('a', 's1', app('two'));
        await store.sessions.addApp('a', 'nowhere', app('two'));
        const ended = await Promise.all([1, 2, 3].map(() => store.sessions.end('a', 's1', NOW)));
        expect(ended.filter((apps) => apps !== undefined)).to.deep.equal([[app('one'), app('two')]]);
        expect(await store.sessions.find('a', 's2', NOW)).to.not.equal(undefined);
        expect(await store.sessions.find('b', 's1', NOW)).to.not.equal(undefined);
        await store.sessions.addApp('a', 's1', app('late'));

        expect(await store.logoutNotices.take(NOW - 1, NOW + 10, 9)).to.deep.equal([]);
        const taken = await Promise.all([1, 2].map(() => store.logoutNotices.take(NOW, NOW + 10, 9)));
        const notices = taken.flat();
        expect(notices.map(({ clientId }) => clientId).sort()).to.deep.equal(['one', 'two']);
        expect(notices[0]).to.include({ tenantId: 'a', sessionIdHash: 's1', userId: 'u', subject: 'ann', attempts: 1 });
        expect(await store.logoutNotices.take(NOW + 9, NOW + 20, 9)).to.deep.equal([]);
        const [first, second] = notices;
        if (!first || !second) throw new Error('two notices are expected');
        await store.logoutNotices.remove(first);
        await store.logoutNotices.remove({ ...second, tenantId: 'b' });
        await store.logoutNotices.postpone(second, NOW + 100);
        expect(await store.logoutNotices.take(NOW + 99, NOW + 200, 9)).to.deep.equal([]);
        expect(await store.logoutNotices.take(NOW + 100, NOW + 200, 9)).to.deep.equal([{ ...second, attempts: 2 }]);
        await store.sweep(NOW + 2 * 86_400_000);
        expect(await store.logoutNotices.take(NOW + 1_000_000_000, NOW + 1_000_000_001, 9)).to.deep.equal([]);
      });
      it('end for a person, all but one', async () => {
        for (const idHash of ['p1', 'p2', 'p3']) {
          await store.sessions.save({ ...session, userId: 'p', idHash });
          await store.sessions.addApp('a', idHash, { clientId: 'one', subject: 'pat' });
        }
        await store.sessions.save({ ...session, tenantId: 'b', userId: 'p', idHash: 'p1' });
        expect(await store.sessions.endForUser('a', 'p', NOW, 'p2')).to.equal(2);
        const left = await store.sessions.listForUser('a', 'p', NOW);
        expect(left.map(({ idHash }) => idHash)).to.deep.equal(['p2']);
        expect(await store.sessions.endForUser('a', 'p', NOW)).to.equal(1);
        expect(await store.sessions.endForUser('a', 'p', NOW)).to.equal(0);
        expect(await store.sessions.listForUser('b', 'p', NOW)).to.have.length(1);
        expect(await store.logoutNotices.take(NOW, NOW + 1, 9)).to.have.length(3);
      });
    });

    describe('replays', () => {
      it('is true for the first of fifty callers only', async () => {
        const results = await Promise.all(
          Array.from({ length: 50 }, () => store.replays.remember('a', 'jti', 'v1', NOW + 10)),
        );
        expect(results.filter(Boolean)).to.have.length(1);
      });
      it('separates tenants, spaces and values of any length', async () => {
        const long = `${'y'.repeat(100_000)}\0`;
        expect(await store.replays.remember('a', 'jti', long, NOW + 10)).to.equal(true);
        expect(await store.replays.remember('a', 'jti', long, NOW + 10)).to.equal(false);
        expect(await store.replays.remember('a', 'par', long, NOW + 10)).to.equal(true);
        expect(await store.replays.remember('b', 'jti', long, NOW + 10)).to.equal(true);
      });
      it('forgets in the sweep after expiry only', async () => {
        await store.replays.remember('a', 'jti', 'v3', NOW + 10);
        await store.sweep(NOW + 9);
        expect(await store.replays.remember('a', 'jti', 'v3', NOW + 10)).to.equal(false);
        await store.sweep(NOW + 10);
        expect(await store.replays.remember('a', 'jti', 'v3', NOW + 20)).to.equal(true);
      });
    });

    describe('launches', () => {
      const launch = (hash: string): StoredLaunch => ({
        hash,
        tenantId: 'a',
        clientId: 'c',
        username: 'ann',
        context: { patient: '1' },
        expiresAt: NOW + 10,
      });
      it('is taken by one of fifty callers', async () => {
        await store.launches.save(launch('l1'));
        expect(await store.launches.find('a', 'l1', NOW)).to.deep.equal(launch('l1'));
        const taken = await Promise.all(Array.from({ length: 50 }, () => store.launches.take('a', 'l1', NOW)));
        expect(taken.filter(Boolean)).to.deep.equal([launch('l1')]);
        expect(await store.launches.find('a', 'l1', NOW)).to.equal(undefined);
      });
      it('answers no expired, foreign or unknown one, and rejects a second of one handle', async () => {
        await store.launches.save(launch('l2'));
        expect(await store.launches.take('a', 'l2', NOW + 10)).to.equal(undefined);
        expect(await store.launches.find('a', 'l2', NOW + 10)).to.equal(undefined);
        expect(await store.launches.take('b', 'l2', NOW)).to.equal(undefined);
        expect(await store.launches.take('a', 'l3', NOW)).to.equal(undefined);
        expect(await rejectionCode(store.launches.save(launch('l2')))).to.equal('conflict');
      });
    });
  });
}
