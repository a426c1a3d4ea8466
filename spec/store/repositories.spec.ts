import { expect } from 'chai';
import { costOf } from '../../engine/store/foreign-hash.ts';
import type { Store, TraceFilter } from '../../engine/store/store.ts';
import type { Client, Provider, User } from '../../engine/tenant/tenant.ts';
import { databases, type OpenedDatabase } from '../support/databases.ts';
import { rejectionCode } from '../support/rejection.ts';

const NOW = 1_700_000_000_000;

function user(id: string, username: string, changes: Partial<User> = {}): User {
  return { id, username, enabled: true, authorities: [], defaultLaunchContexts: [], userData: {}, ...changes };
}

function client(clientId: string): Client {
  return {
    clientId,
    clientName: `Name of ${clientId}`,
    enabled: true,
    profile: 'smart',
    tokenEndpointAuthMethods: ['none'],
    secrets: [],
    grantTypes: ['authorization_code'],
    redirectUris: ['https://app.example/callback'],
    postLogoutRedirectUris: [],
    scopes: ['openid'],
    autoApproveScopes: [],
    autoGrantScopes: [],
    rememberApprovedScopes: false,
    alwaysRequireApproval: false,
    accessTokenFormat: 'jwt',
    permissions: [],
    canIntrospectAnyTokens: false,
    canIntrospectOwnTokens: false,
  };
}

for (const database of databases()) {
  describe(`repositories on ${database.name}`, function () {
    this.timeout(60_000);
    let opened: OpenedDatabase;
    let store: Store;
    before(async () => {
      opened = await database.open();
      store = opened.store;
    });
    after(() => opened.close());

    describe('users', () => {
      const external = { provider: 'hospital', subject: 'sub-1' };
      it('finds a user by id, name and foreign identity', async () => {
        const ann = user('u1', 'ann', { external, email: 'ann@example.org' });
        await store.users.save('a', ann);
        expect(await store.users.findById('a', 'u1')).to.deep.equal(ann);
        expect(await store.users.findByUsername('a', 'ann')).to.deep.equal(ann);
        expect(await store.users.findByExternal('a', 'hospital', 'sub-1')).to.deep.equal(ann);
      });
      it('answers one hash of each cost', async () => {
        const argon = (cost: string, salt: string) => `$argon2id$v=19$${cost}$${salt}$aGFzaA`;
        const bcrypt = (cost: string) => `$2b$${cost}$${'a'.repeat(53)}`;
        const pbkdf2 = '$pbkdf2-sha256$i=1000$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5a2U';
        const hashes = [
          argon('m=19456,t=2,p=1', 'one'),
          argon('m=19456,t=2,p=1', 'two'),
          argon('m=65536,t=3,p=1', 'one'),
        ];
        const others = [bcrypt('10'), bcrypt('12'), pbkdf2, 'not a hash', ''];
        for (const [index, passwordHash] of [...hashes, ...others].entries())
          await store.users.save('hashed', user(`h${index}`, `h${index}`, { passwordHash }));
        await store.users.save('hashed', user('none', 'none'));
        const found = await store.users.hashesByCost('hashed');
        expect(new Set(found.map((hash) => costOf(hash))).size, found.join('\n')).to.equal(5);
        expect(found).to.include.members([hashes[2], bcrypt('10'), bcrypt('12'), pbkdf2]);
        expect(found).to.have.length(5);
      });
      it('finds nobody for another tenant, name or identity', async () => {
        expect(await store.users.findById('b', 'u1')).to.equal(undefined);
        expect(await store.users.findByUsername('b', 'ann')).to.equal(undefined);
        expect(await store.users.findByUsername('a', "ann' or '1'='1")).to.equal(undefined);
        expect(await store.users.findByUsername('a', 'ann\0')).to.equal(undefined);
        expect(await store.users.findByExternal('a', 'other', 'sub-1')).to.equal(undefined);
      });
      it('replaces by id and frees the old name', async () => {
        await store.users.save('a', user('u2', 'bob'));
        await store.users.save('a', user('u2', 'robert'));
        expect(await store.users.findByUsername('a', 'bob')).to.equal(undefined);
        expect((await store.users.findByUsername('a', 'robert'))?.id).to.equal('u2');
      });
      it('rejects a name or foreign identity of somebody else, in the same tenant only', async () => {
        expect(await rejectionCode(store.users.save('a', user('u3', 'ann')))).to.equal('conflict');
        expect(await rejectionCode(store.users.save('a', user('u3', 'cy', { external })))).to.equal('conflict');
        await store.users.save('b', user('u3', 'ann', { external }));
        expect(await store.users.findById('a', 'u3')).to.equal(undefined);
      });
      it('lists by name and takes search text literally', async () => {
        await store.users.save('c', user('1', 'zoe', { familyName: 'Ng' }));
        await store.users.save('c', user('2', 'a_b', { email: 'Person@Example.org' }));
        const names = async (search?: string) =>
          (await store.users.list('c', search === undefined ? {} : { search })).map((each) => each.username);
        expect(await names()).to.deep.equal(['a_b', 'zoe']);
        expect(await names('NG')).to.deep.equal(['zoe']);
        expect(await names('person@')).to.deep.equal(['a_b']);
        expect(await names('_')).to.deep.equal(['a_b']);
        expect(await names('%')).to.deep.equal([]);
        expect(await names('\\')).to.deep.equal([]);
        await store.users.delete('c', '1');
        expect(await names()).to.deep.equal(['a_b']);
      });
      it('counts concurrent failed log-ins and forgets them at success', async () => {
        const name = `${'x'.repeat(5000)}\0`;
        await Promise.all(Array.from({ length: 20 }, () => store.users.recordLogin('a', name, false, NOW)));
        expect(await store.users.failures('a', name)).to.deep.equal({ count: 20, lastAt: NOW });
        expect(await store.users.recordLogin('a', name, false, NOW + 1)).to.equal(21);
        expect(await store.users.failures('b', name)).to.deep.equal({ count: 0, lastAt: 0 });
        expect(await store.users.recordLogin('a', name, true, NOW)).to.equal(0);
        expect(await store.users.failures('a', name)).to.deep.equal({ count: 0, lastAt: 0 });
      });
    });

    describe('clients and providers', () => {
      const provider: Provider = {
        id: 'p',
        name: 'P',
        issuer: 'https://idp.example',
        clientId: 'x',
        scopes: ['openid'],
        defaultAuthorities: [],
      };
      it('saves, replaces, lists and deletes', async () => {
        await store.clients.save('a', client('one'));
        await store.clients.save('a', client('two'));
        await store.clients.save('a', { ...client('two'), enabled: false });
        expect(await store.clients.find('a', 'one')).to.deep.equal(client('one'));
        expect((await store.clients.find('a', 'two'))?.enabled).to.equal(false);
        expect((await store.clients.list('a')).map((each) => each.clientId)).to.deep.equal(['one', 'two']);
        await store.clients.delete('a', 'one');
        expect(await store.clients.find('a', 'one')).to.equal(undefined);
        await store.providers.save('a', provider);
        expect(await store.providers.find('a', 'p')).to.deep.equal(provider);
        expect(await store.providers.list('a')).to.deep.equal([provider]);
        await store.providers.delete('a', 'p');
        expect(await store.providers.list('a')).to.deep.equal([]);
      });
      it('keeps tenants apart and survives odd ids', async () => {
        await store.clients.save('a', client('mine'));
        expect(await store.clients.find('b', 'mine')).to.equal(undefined);
        expect(await store.clients.find('a', 'mine\0')).to.equal(undefined);
        await store.clients.delete('a', '\0');
        await store.clients.delete('b', 'mine');
        expect(await store.clients.find('a', 'mine')).to.not.equal(undefined);
      });
    });

    describe('remembered contexts', () => {
      const key = { tenantId: 'a', userId: 'u', clientId: 'c', kind: 'patient' };
      it('keeps one of each kind, for one person and one app, until it expires', async () => {
        await store.rememberedContexts.save(key, 'jane', NOW + 10);
        await store.rememberedContexts.save(key, 'ann', NOW + 20);
        await store.rememberedContexts.save({ ...key, kind: 'encounter' }, 'visit', NOW + 20);
        expect(await store.rememberedContexts.find(key, NOW)).to.equal('ann');
        expect(await store.rememberedContexts.find(key, NOW + 20)).to.equal(undefined);
        for (const other of [{ tenantId: 'b' }, { userId: 'v' }, { clientId: 'd' }, { kind: 'location' }])
          expect(await store.rememberedContexts.find({ ...key, ...other }, NOW), JSON.stringify(other)).to.equal(
            undefined,
          );
        expect(await store.rememberedContexts.listForUser('a', 'u', NOW)).to.deep.equal([
          { clientId: 'c', kind: 'encounter' },
          { clientId: 'c', kind: 'patient' },
        ]);
        expect(await store.rememberedContexts.listForUser('a', 'u', NOW + 20)).to.deep.equal([]);
      });
      it('forgets one kind, one app, or one person', async () => {
        await store.rememberedContexts.save({ ...key, clientId: 'd' }, 'ann', NOW + 20);
        await store.rememberedContexts.save({ ...key, userId: 'v' }, 'ann', NOW + 20);
        expect(await store.rememberedContexts.delete('a', 'u', { clientId: 'c', kind: 'encounter' })).to.equal(true);
        expect(await store.rememberedContexts.find(key, NOW)).to.equal('ann');
        expect(await store.rememberedContexts.delete('a', 'u', { clientId: 'c' })).to.equal(true);
        expect(await store.rememberedContexts.delete('a', 'u', { clientId: 'c' })).to.equal(false);
        expect(await store.rememberedContexts.listForUser('a', 'u', NOW)).to.deep.equal([
          { clientId: 'd', kind: 'patient' },
        ]);
        expect(await store.rememberedContexts.delete('a', 'u')).to.equal(true);
        expect(await store.rememberedContexts.listForUser('a', 'u', NOW)).to.deep.equal([]);
        expect(await store.rememberedContexts.find({ ...key, userId: 'v' }, NOW)).to.equal('ann');
      });
      it('is swept when it has expired', async () => {
        await store.sweep(NOW + 20);
        expect(await store.rememberedContexts.listForUser('a', 'v', 0)).to.deep.equal([]);
      });
    });

    describe('consents', () => {
      it('keeps consent and terms and forgets them together', async () => {
        await store.consents.save('a', 'u', 'c', ['openid', 'fhirUser'], NOW + 10);
        await store.consents.saveTerms('a', 'u', 'c', '1', NOW);
        await store.consents.saveTerms('a', 'u', 'c', '2', NOW + 1);
        expect(await store.consents.find('a', 'u', 'c')).to.deep.equal({
          scopes: ['openid', 'fhirUser'],
          expiresAt: NOW + 10,
        });
        expect(await store.consents.findTerms('a', 'u', 'c')).to.deep.equal({ version: '2', acceptedAt: NOW + 1 });
        await store.consents.delete('a', 'u', 'other');
        expect(await store.consents.find('a', 'u', 'c')).to.not.equal(undefined);
        await store.consents.delete('a', 'u', 'c');
        expect(await store.consents.find('a', 'u', 'c')).to.equal(undefined);
        expect(await store.consents.findTerms('a', 'u', 'c')).to.equal(undefined);
      });
      it('knows nothing of another tenant, person or client', async () => {
        await store.consents.save('a', 'u', 'c', ['openid'], NOW + 10);
        expect(await store.consents.find('b', 'u', 'c')).to.equal(undefined);
        expect(await store.consents.find('a', 'v', 'c')).to.equal(undefined);
        expect(await store.consents.findTerms('a', 'u', 'c')).to.equal(undefined);
      });
    });

    describe('keys', () => {
      const key = (kid: string, active: boolean, algorithm = 'RS256') => ({
        tenantId: 'a',
        kid,
        algorithm,
        active,
        publicJwk: { kty: 'RSA', kid },
        sealedPrivateJwk: 'sealed',
        createdAt: NOW,
      });
      it('holds one active key of an algorithm', async () => {
        await store.keys.save(key('k1', true));
        await store.keys.save(key('k2', false));
        await store.keys.save(key('k3', true, 'ES256'));
        expect(await rejectionCode(store.keys.save(key('k4', true)))).to.equal('conflict');
        expect(await rejectionCode(store.keys.save(key('k1', false)))).to.equal('conflict');
        await Promise.all([
          store.keys.activate('a', 'k2'),
          store.keys.activate('a', 'k1'),
          store.keys.activate('a', 'k2'),
        ]);
        await store.keys.activate('a', 'k2');
        const listed = await store.keys.list('a');
        expect(listed.filter((each) => each.active).map((each) => each.kid)).to.deep.equal(['k2', 'k3']);
        expect(listed[0]).to.deep.equal(key('k1', false));
      });
      it('does not touch other tenants or unknown keys', async () => {
        await store.keys.activate('b', 'k1');
        await store.keys.activate('a', 'unknown');
        expect(await store.keys.list('b')).to.deep.equal([]);
        expect((await store.keys.list('a')).filter((each) => each.active)).to.have.length(2);
      });
    });

    describe('audit, traces, admin tokens, settings', () => {
      it('lists the newest events of a tenant', async () => {
        const event = { tenantId: 'a', at: NOW, type: 'login', outcome: 'failure', reason: 'bad\0' } as const;
        await store.audit.record(event);
        await store.audit.record({ ...event, at: NOW + 1, clientId: 'c', details: { a: 'b\0' } });
        const [newest, oldest] = await store.audit.list('a', 10);
        expect(newest).to.deep.include({ at: NOW + 1, clientId: 'c', details: { a: 'b\uFFFD' } });
        expect(oldest).to.deep.equal({ ...event, reason: 'bad\uFFFD' });
        expect(await store.audit.list('a', 1)).to.have.length(1);
        expect(await store.audit.list('b', 10)).to.deep.equal([]);
      });
      it('forgets events that are older than they are kept, of every tenant, and no others', async () => {
        const event = (tenantId: string, at: number) =>
          store.audit.record({ tenantId, at, type: 'login', outcome: 'success' });
        // More than one step of the sweep.
        await Promise.all(Array.from({ length: 2_100 }, () => event('old-a', NOW - 10)));
        for (const [tenantId, at] of [
          ['old-a', NOW],
          ['old-b', NOW - 1],
          ['old-b', NOW + 1],
          ['old-c', NOW],
        ] as const)
          await event(tenantId, at);
        const left = async () =>
          Object.fromEntries(
            await Promise.all(
              ['old-a', 'old-b', 'old-c'].map(
                async (id) => [id, (await store.audit.list(id, 5_000)).map(({ at }) => at - NOW)] as const,
              ),
            ),
          );
        await store.sweep(NOW * 2);
        expect((await left())['old-a'], 'kept unless it is said for how long').to.have.length(2_101);
        await store.sweep(NOW, { auditBefore: NOW });
        expect(await left()).to.deep.equal({ 'old-a': [0], 'old-b': [1], 'old-c': [0] });
        await store.sweep(NOW, { auditBefore: NOW });
        expect((await left())['old-a']).to.deep.equal([0]);
      });
      it('keeps the newest 500 traces of a tenant', async () => {
        const trace = (index: number) => ({
          id: `t${index}`,
          tenantId: 'a',
          flow: 'f',
          outcome: 'ok',
          startedAt: NOW + index,
          trace: [index],
        });
        for (let index = 0; index < 503; index++) await store.traces.save(trace(index));
        await store.sweep(NOW);
        expect(await store.traces.list('a', 1000)).to.have.length(500);
        expect(await store.traces.find('a', 't2')).to.equal(undefined);
        expect(await store.traces.find('a', 't502')).to.deep.equal(trace(502));
        expect(await store.traces.find('b', 't502')).to.equal(undefined);
        expect((await store.traces.list('a', 1))[0]?.id).to.equal('t502');
      });
      it('keeps traces as long and as many as each tenant wants, and finds them by what they hold', async () => {
        const day = 86_400_000;
        const save = (tenantId: string, id: string, age: number, more: object = {}) =>
          store.traces.save({
            id,
            tenantId,
            flow: 'f',
            outcome: 'success',
            startedAt: NOW - age * day,
            trace: { entries: [], ...more },
          });
        const left = async (tenantId: string) => (await store.traces.list(tenantId, 100)).map(({ id }) => id);
        for (const [id, age] of Object.entries({ new: 1, week: 8, month: 31 }))
          for (const tenantId of ['short', 'few', 'silent']) await save(tenantId, id, age);
        await store.sweep(NOW, {
          traces: [
            { tenantId: 'short', days: 7, most: 500 },
            { tenantId: 'few', days: 3650, most: 1 },
          ],
        });
        expect(await left('short')).to.deep.equal(['new']);
        expect(await left('few')).to.deep.equal(['new']);
        expect(await left('silent')).to.deep.equal(['new', 'week']);

        const ran = (name: string, version: string) => ({ entries: [{ state: 's' }, { hook: { name, version } }] });
        await save('kept', 'one', 3, { clientId: 'app', userId: 'u1', ...ran('onTokenGenerating', 'abc123') });
        await save('kept', 'two', 2, { clientId: "o'app", ...ran('getUserName', 'abd456') });
        const found = async (filter: TraceFilter) => (await store.traces.list('kept', 100, filter)).map(({ id }) => id);
        expect(await found({})).to.deep.equal(['two', 'one']);
        expect(await found({ clientId: "o'app" })).to.deep.equal(['two']);
        expect(await found({ userId: 'u1', clientId: 'app', flow: 'f', outcome: 'success' })).to.deep.equal(['one']);
        expect(await found({ outcome: 'failure' })).to.deep.equal([]);
        expect(await found({ hook: 'getUserName' })).to.deep.equal(['two']);
        expect(await found({ version: 'ab' })).to.deep.equal(['two', 'one']);
        expect(await found({ version: 'abc', hook: 'getUserName' })).to.deep.equal([]);
        expect(await found({ version: '%' })).to.deep.equal([]);
        expect(await found({ since: NOW - 2 * day })).to.deep.equal(['two']);
        expect(await found({ before: NOW - 2 * day })).to.deep.equal(['one']);
      });
      it('keeps both sides of a trial as long as traces, and the sums for good', async () => {
        const day = 86_400_000;
        const told = { activeHash: 'a', shadowHash: 'b', hook: 'onTokenGenerating', counts: { runs: 1 } };
        for (const age of [8, 1]) {
          const at = NOW - age * day;
          const samples = [{ at, flowId: `f${age}`, sides: { active: {}, shadow: {} } }];
          for (const tenantId of ['short', 'silent'])
            await store.scripts.compare(tenantId, 'callbacks', { ...told, samples, lastAt: at });
        }
        await store.sweep(NOW, { traces: [{ tenantId: 'short', days: 7, most: 500 }] });
        const withSides = async (tenantId: string) => {
          const [found] = await store.scripts.comparisons(tenantId, 'callbacks');
          expect(found?.counts).to.deep.equal({ runs: 2 });
          return found?.samples.map(({ flowId, sides }) => `${String(flowId)} ${sides !== undefined}`);
        };
        expect(await withSides('short')).to.deep.equal(['f1 true', 'f8 false']);
        expect(await withSides('silent')).to.deep.equal(['f1 true', 'f8 true']);
      });
      it('finds a live admin token only', async () => {
        const token = { id: 'one', name: 'root', role: 'admin', createdAt: 1, expiresAt: NOW + 5 };
        await store.adminTokens.save({ ...token, hash: 'h' });
        expect(await store.adminTokens.find('h', NOW)).to.deep.equal(token);
        expect(await store.adminTokens.find('h', NOW + 5)).to.equal(undefined);
        expect(await store.adminTokens.find('other', NOW)).to.equal(undefined);
      });
      it('replaces an admin token of the same id, limits it to tenants, lists and deletes it', async () => {
        const token = { id: 'two', name: 'ehr', role: 'launcher', createdAt: 2, expiresAt: NOW + 5 };
        await store.adminTokens.save({ ...token, hash: 'h1' });
        await store.adminTokens.save({ ...token, tenants: ['a'], hash: 'h2' });
        expect(await store.adminTokens.find('h1', NOW)).to.equal(undefined);
        expect(await store.adminTokens.find('h2', NOW)).to.deep.equal({ ...token, tenants: ['a'] });
        expect((await store.adminTokens.list(NOW)).map(({ id }) => id)).to.include('two');
        expect(await store.adminTokens.delete('two')).to.equal(true);
        expect(await store.adminTokens.delete('two')).to.equal(false);
        expect(await store.adminTokens.find('h2', NOW)).to.equal(undefined);
      });
      it('keeps settings by name', async () => {
        expect(await store.setting('x')).to.equal(undefined);
        await store.setSetting('x', '1');
        await store.setSetting('x', '2');
        expect(await store.setting('x')).to.equal('2');
        await store.ping();
      });
    });

    describe('restart', () => {
      it('keeps everything', async () => {
        await store.setSetting('kept', 'yes');
        store = await opened.reopen();
        expect(await store.setting('kept')).to.equal('yes');
        expect((await store.users.findById('a', 'u1'))?.username).to.equal('ann');
      });
    });
  });
}
