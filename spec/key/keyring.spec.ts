import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import { createLocalJWKSet, decodeProtectedHeader, exportJWK, jwtVerify } from 'jose';
import { createKeyring } from '../../engine/key/open.ts';
import { openStore } from '../../engine/store/open.ts';
import type { Store } from '../../engine/store/store.ts';
import type { Jwk, SigningAlgorithm, Tenant } from '../../engine/tenant/tenant.ts';
import { databases, type OpenedDatabase } from '../support/databases.ts';
import { rejectionCode } from '../support/rejection.ts';

const ALL: readonly SigningAlgorithm[] = ['RS256', 'RS384', 'PS256', 'ES256', 'ES384'];
const masterKey = Buffer.alloc(32, 7);

/** The keyring reads the id and the keystore of a tenant, nothing else. */
function tenantOf(id: string, algorithms: readonly SigningAlgorithm[], imported: readonly Jwk[] = []): Tenant {
  const parts: Pick<Tenant, 'id' | 'keystore'> = { id, keystore: { algorithms, imported } };
  return parts as Tenant;
}

async function privateJwk(kind: 'rsa' | 'P-256' | 'P-384', members: object = {}, bits = 2048): Promise<Jwk> {
  const pair =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: bits })
      : generateKeyPairSync('ec', { namedCurve: kind });
  return { kty: kind === 'rsa' ? 'RSA' : 'EC', ...(await exportJWK(pair.privateKey)), ...members };
}

for (const database of databases()) {
  describe(`keyring on ${database.name}`, function () {
    this.timeout(60_000);
    let opened: OpenedDatabase;
    let store: Store;
    let keyring: ReturnType<typeof createKeyring>;
    before(async () => {
      opened = await database.open();
      store = opened.store;
      keyring = createKeyring({ store, masterKey });
    });
    after(() => opened.close());

    const whole = tenantOf('whole', ALL);

    for (const algorithm of ALL) {
      it(`signs with ${algorithm} so that another library agrees`, async () => {
        const token = await keyring.sign(whole, { sub: 'ann', text: 'ü' }, { algorithm, type: 'at+jwt' });
        const jwks = await keyring.publicJwks(whole);
        const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet({ keys: [...jwks.keys] }));
        expect(payload).to.deep.equal({ sub: 'ann', text: 'ü' });
        expect(protectedHeader).to.include({ alg: algorithm, typ: 'at+jwt' });
        expect((await keyring.verify(whole, token))?.claims).to.deep.equal({ sub: 'ann', text: 'ü' });
      });
    }

    it('signs with the first algorithm and type JWT unless told otherwise', async () => {
      const header = decodeProtectedHeader(await keyring.sign(whole, {}));
      expect(header).to.include({ alg: 'RS256', typ: 'JWT' });
    });

    it('publishes public members only', async () => {
      const { keys } = await keyring.publicJwks(whole);
      expect(keys).to.have.length(ALL.length);
      for (const key of keys) {
        const expected = key.kty === 'RSA' ? ['n', 'e'] : ['crv', 'x', 'y'];
        expect(key).to.have.all.keys('kty', 'kid', 'alg', 'use', ...expected);
        expect(key.use).to.equal('sig');
      }
    });

    it('stores private keys encrypted', async () => {
      for (const key of await store.keys.list('whole')) {
        expect(JSON.stringify(key.publicJwk)).to.not.contain('"d"');
        expect(key.sealedPrivateJwk).to.match(/^v1\.[A-Za-z0-9_-]+$/);
        expect(Buffer.from(key.sealedPrivateJwk.slice(3), 'base64url').toString('latin1')).to.not.contain('"kty"');
      }
    });

    it('refuses an algorithm the tenant does not have', async () => {
      const small = tenantOf('small', ['ES256']);
      await keyring.prepare(small);
      expect(await rejectionCode(keyring.sign(small, {}, { algorithm: 'RS256' }))).to.equal('key-missing');
    });

    it('verifies no changed, foreign, unsigned or malformed token', async () => {
      const token = await keyring.sign(whole, { sub: 'ann' }, { algorithm: 'ES256' });
      const [head = '', body = '', signature = ''] = token.split('.');
      const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      const header = decodeProtectedHeader(token);
      const other = tenantOf('other', ['ES256']);
      await keyring.prepare(other);
      expect(await keyring.verify(other, token)).to.equal(undefined);
      const bad = [
        `${head}.${encode({ sub: 'eve' })}.${signature}`,
        `${encode({ ...header, alg: 'none' })}.${body}.`,
        `${encode({ ...header, alg: 'RS256' })}.${body}.${signature}`,
        `${encode({ ...header, alg: 'HS256' })}.${body}.${signature}`,
        `${encode({ ...header, kid: undefined })}.${body}.${signature}`,
        `${encode({ ...header, kid: 'unknown' })}.${body}.${signature}`,
        `${encode({ ...header, crit: ['exp'] })}.${body}.${signature}`,
        `${head}.${body}`,
        `${token}.x`,
        `${head}.${body}.${signature}=`,
        '',
        'a.b.c',
      ];
      for (const each of bad) expect(await keyring.verify(whole, each), each).to.equal(undefined);
    });

    it('makes one active key when two nodes prepare at once, and each verifies the other', async () => {
      const second = database.name === 'PostgreSQL' ? await openStore(opened.options) : store;
      const tenant = tenantOf('race', ['RS256', 'ES256']);
      const rings = [keyring, createKeyring({ store: second, masterKey }), createKeyring({ store: second, masterKey })];
      await Promise.all(rings.map((ring) => ring.prepare(tenant)));
      expect(await store.keys.list('race')).to.have.length(2);
      const token = await rings[1]?.sign(tenant, { a: 1 });
      expect((await rings[0]?.verify(tenant, token ?? ''))?.claims).to.deep.equal({ a: 1 });
      if (second !== store) await second.close();
    });

    it('prepares again without new keys', async () => {
      const before = await store.keys.list('whole');
      await keyring.prepare(whole);
      expect(await store.keys.list('whole')).to.deep.equal(before);
    });

    it('imports keys, with the algorithm their type implies, and prefers them', async () => {
      const generated = tenantOf('import', ['RS256', 'ES384']);
      await keyring.prepare(generated);
      const old = await keyring.sign(generated, {});
      const tenant = tenantOf(
        'import',
        ['RS256', 'ES384'],
        [
          await privateJwk('rsa', { kid: 'r1' }),
          await privateJwk('rsa', { kid: 'r2' }),
          await privateJwk('P-384', { kid: 'e1' }),
          await privateJwk('rsa', { kid: 'p1', alg: 'PS256' }),
        ],
      );
      await keyring.prepare(tenant);
      await keyring.prepare(tenant);
      expect(decodeProtectedHeader(await keyring.sign(tenant, {})).kid).to.equal('r1');
      expect(decodeProtectedHeader(await keyring.sign(tenant, {}, { algorithm: 'ES384' })).kid).to.equal('e1');
      expect(decodeProtectedHeader(await keyring.sign(tenant, {}, { algorithm: 'PS256' })).kid).to.equal('p1');
      // Tokens of the key that was active before stay good.
      expect(await keyring.verify(tenant, old)).to.not.equal(undefined);
      expect((await keyring.publicJwks(tenant)).keys).to.have.length(6);
    });

    it('rotates: publishes the next key, then signs with it, and still verifies the old tokens', async () => {
      const tenant = tenantOf('rotate', ['ES256']);
      await keyring.prepare(tenant);
      const old = await keyring.sign(tenant, {});
      const next = await keyring.publishNext(tenant, 'ES256');
      expect((await keyring.publicJwks(tenant)).keys.map((key) => key.kid)).to.include(next);
      expect(decodeProtectedHeader(await keyring.sign(tenant, {})).kid).to.not.equal(next);
      await keyring.activate(tenant, next);
      expect(decodeProtectedHeader(await keyring.sign(tenant, {})).kid).to.equal(next);
      expect(await keyring.verify(tenant, old)).to.not.equal(undefined);
      await keyring.prepare(tenant);
      expect(decodeProtectedHeader(await keyring.sign(tenant, {})).kid).to.equal(next);
    });

    it('activates no unknown key and none of another tenant', async () => {
      const tenant = tenantOf('rotate-other', ['ES256']);
      await keyring.prepare(tenant);
      const [foreign] = (await keyring.publicJwks(whole)).keys;
      for (const kid of ['unknown', foreign?.kid ?? '']) {
        expect(await rejectionCode(keyring.activate(tenant, kid))).to.equal('key-missing');
      }
    });

    it('rejects keys that cannot sign', async () => {
      const { d, ...publicOnly } = await privateJwk('P-256', { kid: 'x' });
      const attempts: readonly [Jwk, string][] = [
        [publicOnly as Jwk, 'key-not-private'],
        [await privateJwk('rsa', { kid: 'x' }, 1024), 'key-too-small'],
        [await privateJwk('P-256', { kid: 'x', alg: 'RS256' }), 'key-unsupported'],
        [await privateJwk('P-256', { kid: 'x', alg: 'ES384' }), 'key-unsupported'],
        [{ kty: 'oct', k: 'c2VjcmV0', kid: 'x', alg: 'HS256' }, 'key-unsupported'],
        [{ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', d: 'AA', kid: 'x' }, 'key-unsupported'],
      ];
      for (const [jwk, code] of attempts) {
        expect(await rejectionCode(keyring.prepare(tenantOf('bad', ['RS256'], [jwk])))).to.equal(code);
      }
      expect(await store.keys.list('bad')).to.deep.equal([]);
    });

    it('rejects another key under an id in use', async () => {
      await keyring.prepare(tenantOf('reuse', ['ES256'], [await privateJwk('P-256', { kid: 'same' })]));
      const again = tenantOf('reuse', ['ES256'], [await privateJwk('P-256', { kid: 'same' })]);
      expect(await rejectionCode(keyring.prepare(again))).to.equal('key-reused-id');
    });

    it('does not open keys with another master key, nor keys moved to another tenant', async () => {
      const stranger = createKeyring({ store, masterKey: Buffer.alloc(32, 8) });
      expect(await rejectionCode(stranger.sign(whole, {}))).to.equal('master-key-wrong');
      const [stolen] = await store.keys.list('whole');
      if (stolen === undefined) throw new Error('no key');
      await store.keys.save({ ...stolen, tenantId: 'thief' });
      expect(await rejectionCode(keyring.sign(tenantOf('thief', ['RS256']), {}))).to.equal('master-key-wrong');
    });
  });
}
