import { expect } from 'chai';
import { openStore } from '../../engine/store/open.ts';
import type { Store, StoredToken } from '../../engine/store/store.ts';
import { databases, type OpenedDatabase } from '../support/databases.ts';

const NOW = 1_700_000_000_000;
let count = 0;

function token(changes: Partial<StoredToken> = {}): StoredToken {
  count++;
  return {
    hash: `hash-${count}`,
    tenantId: 'a',
    kind: 'refresh',
    grantId: `grant-${count}`,
    clientId: 'client',
    userId: 'user',
    sessionId: 'session',
    scope: 'openid patient/*.rs',
    details: { patient: '123', nested: [1, 'two', null] },
    issuedAt: NOW,
    expiresAt: NOW + 1000,
    ...changes,
  };
}

for (const database of databases()) {
  describe(`token repository on ${database.name}`, function () {
    this.timeout(60_000);
    let opened: OpenedDatabase;
    let store: Store;
    before(async () => {
      opened = await database.open();
      store = opened.store;
    });
    after(() => opened.close());

    it('answers what was saved, with absent members absent', async () => {
      const full = token({ usedAt: NOW });
      const { userId, sessionId, ...bare } = token();
      await store.tokens.save([full, bare]);
      expect(await store.tokens.find('a', full.hash)).to.deep.equal(full);
      expect(await store.tokens.find('a', bare.hash)).to.deep.equal(bare);
    });

    it('finds nothing under another hash or for another tenant', async () => {
      const saved = token();
      await store.tokens.save([saved]);
      expect(await store.tokens.find('b', saved.hash)).to.equal(undefined);
      expect(await store.tokens.find('a', 'unknown')).to.equal(undefined);
    });

    it('accepts an empty list', async () => {
      await store.tokens.save([]);
    });

    it('joins many concurrent saves without losing one', async () => {
      const tokens = Array.from({ length: 300 }, () => token());
      await Promise.all(tokens.map((each) => store.tokens.save([each])));
      const found = await Promise.all(tokens.map((each) => store.tokens.find('a', each.hash)));
      expect(found).to.deep.equal(tokens);
    });

    it('stores all tokens of one call or none, and spares concurrent callers', async () => {
      const taken = token();
      await store.tokens.save([taken]);
      const innocent = token();
      const fresh = token();
      const results = await Promise.allSettled([
        store.tokens.save([innocent]),
        store.tokens.save([fresh, { ...token(), hash: taken.hash }]),
      ]);
      expect(results.map((result) => result.status)).to.deep.equal(['fulfilled', 'rejected']);
      expect(results[1]).to.have.nested.property('reason.code', 'conflict');
      expect(await store.tokens.find('a', innocent.hash)).to.not.equal(undefined);
      expect(await store.tokens.find('a', fresh.hash)).to.equal(undefined);
    });

    it('stores what PostgreSQL refuses in text with a replacement character', async () => {
      const odd = token({ details: { 'k\0': ['a\0b', '\uD800', 'back\\u0000slash'] } });
      await store.tokens.save([odd]);
      const found = await store.tokens.find('a', odd.hash);
      expect(found?.details).to.deep.equal({ 'k\uFFFD': ['a\uFFFDb', '\uFFFD', 'back\\u0000slash'] });
    });

    it('lets exactly one of fifty concurrent callers consume a refresh token', async () => {
      const saved = token();
      await store.tokens.save([saved]);
      const stores = [store];
      if (database.name === 'PostgreSQL') stores.push(await openStore(opened.options));
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          (stores[index % stores.length] ?? store).tokens.consume('a', saved.hash, NOW),
        ),
      );
      expect(results.filter(Boolean)).to.have.length(1);
      expect((await store.tokens.find('a', saved.hash))?.usedAt).to.equal(NOW);
      await stores[1]?.close();
    });

    it('consumes no access, revoked, expired, foreign or unknown token', async () => {
      const access = token({ kind: 'access' });
      const revoked = token({ revokedAt: NOW });
      const live = token();
      await store.tokens.save([access, revoked, live]);
      expect(await store.tokens.consume('a', access.hash, NOW)).to.equal(false);
      expect(await store.tokens.consume('a', revoked.hash, NOW)).to.equal(false);
      expect(await store.tokens.consume('a', live.hash, live.expiresAt)).to.equal(false);
      expect(await store.tokens.consume('b', live.hash, NOW)).to.equal(false);
      expect(await store.tokens.consume('a', 'unknown', NOW)).to.equal(false);
      expect(await store.tokens.consume('a', live.hash, NOW)).to.equal(true);
    });

    it('revokes one token and keeps the first instant', async () => {
      const [first, second] = [token(), token()];
      await store.tokens.save([first, second]);
      await store.tokens.revoke('b', first.hash, NOW);
      expect((await store.tokens.find('a', first.hash))?.revokedAt).to.equal(undefined);
      await store.tokens.revoke('a', first.hash, NOW + 1);
      await store.tokens.revoke('a', first.hash, NOW + 2);
      expect((await store.tokens.find('a', first.hash))?.revokedAt).to.equal(NOW + 1);
      expect((await store.tokens.find('a', second.hash))?.revokedAt).to.equal(undefined);
    });

    it('revokes a grant, also for a token that is saved later', async () => {
      const early = token({ grantId: 'family' });
      const other = token();
      await store.tokens.save([early, other]);
      await store.tokens.revokeGrant('a', 'family', NOW + 5);
      await store.tokens.revokeGrant('a', 'family', NOW + 6);
      const late = token({ grantId: 'family', userId: 'late' });
      const foreign = token({ grantId: 'family', tenantId: 'b' });
      await store.tokens.save([late, foreign]);
      expect((await store.tokens.find('a', early.hash))?.revokedAt).to.equal(NOW + 5);
      expect((await store.tokens.find('a', late.hash))?.revokedAt).to.equal(NOW + 5);
      expect((await store.tokens.find('a', other.hash))?.revokedAt).to.equal(undefined);
      expect((await store.tokens.find('b', foreign.hash))?.revokedAt).to.equal(undefined);
      expect(await store.tokens.consume('a', late.hash, NOW)).to.equal(false);
      expect(await store.tokens.listForUser('a', 'late', NOW)).to.deep.equal([]);
    });

    it('revokes the tokens of a user for one client or for all', async () => {
      const one = token({ userId: 'u1', clientId: 'c1' });
      const two = token({ userId: 'u1', clientId: 'c2' });
      const other = token({ userId: 'u2', clientId: 'c1' });
      await store.tokens.save([one, two, other]);
      await store.tokens.revokeForUser('a', 'u1', 'c1', NOW);
      expect((await store.tokens.listForUser('a', 'u1', NOW)).map((each) => each.hash)).to.deep.equal([two.hash]);
      await store.tokens.revokeForUser('a', 'u1', undefined, NOW);
      expect(await store.tokens.listForUser('a', 'u1', NOW)).to.deep.equal([]);
      expect((await store.tokens.find('a', other.hash))?.revokedAt).to.equal(undefined);
    });

    it('revokes the tokens of a session and no others of the grant', async () => {
      const online = token({ sessionId: 's9', grantId: 'mixed' });
      const { sessionId, ...offline } = token({ grantId: 'mixed' });
      await store.tokens.save([online, offline]);
      await store.sessions.save({
        tenantId: 'a',
        idHash: 's9',
        userId: 'u1',
        authenticatedAt: NOW,
        expiresAt: NOW + 9,
        details: {},
      });
      await store.sessions.end('a', 's9', NOW);
      const late = token({ sessionId: 's9', grantId: 'mixed' });
      await store.tokens.save([late]);
      expect((await store.tokens.find('a', online.hash))?.revokedAt).to.equal(NOW);
      expect((await store.tokens.find('a', late.hash))?.revokedAt).to.equal(NOW);
      expect((await store.tokens.find('a', offline.hash))?.revokedAt).to.equal(undefined);
    });

    it('lists live tokens only, newest first', async () => {
      const older = token({ userId: 'lister', issuedAt: NOW - 5 });
      const newer = token({ userId: 'lister' });
      const dead = [
        token({ userId: 'lister', usedAt: NOW }),
        token({ userId: 'lister', revokedAt: NOW }),
        token({ userId: 'lister', expiresAt: NOW }),
        token({ userId: 'lister', tenantId: 'b' }),
      ];
      await store.tokens.save([older, newer, ...dead]);
      const listed = await store.tokens.listForUser('a', 'lister', NOW);
      expect(listed.map((each) => each.hash)).to.deep.equal([newer.hash, older.hash]);
    });

    it('tells when a grant was used last, whatever the order of the writes', async () => {
      const used = token({ userId: 'user of apps', grantId: 'used' });
      const unused = token({ userId: 'user of apps', grantId: 'unused', issuedAt: NOW - 5 });
      await store.tokens.save([used, unused]);
      const use = (usedAt: number, tenantId = 'a') => ({ tenantId, grantId: 'used', usedAt });
      await store.tokens.recordUses([use(NOW + 1), use(NOW + 3), use(NOW + 9, 'b')]);
      await store.tokens.recordUses([use(NOW + 2)]);
      const uses = async () =>
        (await store.tokens.listForUser('a', 'user of apps', NOW)).map(({ lastUsedAt }) => lastUsedAt);
      expect(await uses()).to.deep.equal([NOW + 3, undefined]);
    });

    it('sweeps what has expired and no more', async () => {
      const dead = token({ expiresAt: NOW - 1 });
      const live = token({ expiresAt: NOW + 1, grantId: 'swept-family' });
      await store.tokens.save([dead, live]);
      await store.tokens.revokeGrant('a', 'swept-family', 5);
      await store.sweep(NOW);
      expect(await store.tokens.find('a', dead.hash)).to.equal(undefined);
      expect((await store.tokens.find('a', live.hash))?.revokedAt).to.equal(5);
    });
  });
}
