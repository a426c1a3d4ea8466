import { expect } from 'chai';
import type { Store, StoredFlow, StoredLaunch } from '../../engine/store/store.ts';
import type { Client, Provider, User } from '../../engine/tenant/tenant.ts';
import { databases, type OpenedDatabase } from '../support/databases.ts';

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

async function rejectionCode(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
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
        expect(await rejectionCode(store.flows.create(flow('f3b'), [{ kind: 'code', hash: 'h3' }]))).to.equal('conflict');
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
      const session = { idHash: 's', tenantId: 'a', userId: 'u', authenticatedAt: NOW, expiresAt: NOW + 9, details: { x: 1 } };
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
        await store.sessions.delete('b', 's');
        expect(await store.sessions.find('a', 's', NOW)).to.not.equal(undefined);
        await store.sessions.delete('a', 's');
        expect(await store.sessions.find('a', 's', NOW)).to.equal(undefined);
      });
    });

    describe('users', () => {
      const external = { provider: 'hospital', subject: 'sub-1' };
      it('finds a user by id, name and foreign identity', async () => {
        const ann = user('u1', 'ann', { external, email: 'ann@example.org' });
        await store.users.save('a', ann);
        expect(await store.users.findById('a', 'u1')).to.deep.equal(ann);
        expect(await store.users.findByUsername('a', 'ann')).to.deep.equal(ann);
        expect(await store.users.findByExternal('a', 'hospital', 'sub-1')).to.deep.equal(ann);
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
        const names = async (search?: string) => (await store.users.list('c', search)).map((each) => each.username);
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
        await Promise.all([store.keys.activate('a', 'k2'), store.keys.activate('a', 'k1'), store.keys.activate('a', 'k2')]);
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
      it('finds a live admin token only', async () => {
        await store.adminTokens.save({ hash: 'h', name: 'root', role: 'admin', expiresAt: NOW + 5 });
        expect(await store.adminTokens.find('h', NOW)).to.deep.equal({ name: 'root', role: 'admin' });
        expect(await store.adminTokens.find('h', NOW + 5)).to.equal(undefined);
        expect(await store.adminTokens.find('other', NOW)).to.equal(undefined);
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
