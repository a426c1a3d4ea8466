import { expect } from 'chai';
import type { Store } from '../../engine/store/store.ts';
import { databases, type OpenedDatabase } from '../support/databases.ts';

const NOW = 1_700_000_000_000;
const day = 86_400_000;
const many = <Value>(times: number, call: () => Promise<Value>) => Promise.all(Array.from({ length: times }, call));
const authenticator = { sealedSecret: 'sealed', lastStep: 10, enrolledAt: NOW };

for (const database of databases()) {
  describe(`second factors on ${database.name}`, function () {
    this.timeout(60_000);
    let opened: OpenedDatabase;
    let store: Store;
    before(async () => {
      opened = await database.open();
      store = opened.store;
    });
    after(() => opened.close());

    it('are kept once, with their recovery codes, for one person of one tenant', async () => {
      const { secondFactors } = store;
      const taken = await many(10, () => secondFactors.enrol('a', 'u', authenticator, ['h1', 'h2']));
      expect(taken.filter(Boolean)).to.have.length(1);
      expect(await secondFactors.find('a', 'u', NOW)).to.deep.equal({
        authenticator,
        passkeys: 0,
        recoveryCodes: 2,
        devices: 0,
      });
      for (const [tenant, id] of [
        ['b', 'u'],
        ['a', 'v'],
      ] as const)
        expect(await secondFactors.find(tenant, id, NOW)).to.deep.equal({ passkeys: 0, recoveryCodes: 0, devices: 0 });
    });

    it('take each step and each recovery code once, whoever comes at one time', async () => {
      const { secondFactors } = store;
      const steps = await many(50, () => secondFactors.useStep('a', 'u', 12));
      expect(steps.filter(Boolean)).to.have.length(1);
      for (const step of [10, 11, 12]) expect(await secondFactors.useStep('a', 'u', step)).to.equal(false);
      expect(await secondFactors.useStep('b', 'u', 13)).to.equal(false);
      expect(await secondFactors.useRecoveryCode('a', 'v', 'h1')).to.equal(false);
      const codes = await many(50, () => secondFactors.useRecoveryCode('a', 'u', 'h1'));
      expect(codes.filter(Boolean)).to.have.length(1);
      await secondFactors.replaceRecoveryCodes('a', 'u', ['h3', 'h4', 'h5']);
      expect(await secondFactors.useRecoveryCode('a', 'u', 'h2')).to.equal(false);
      expect((await secondFactors.find('a', 'u', NOW)).recoveryCodes).to.equal(3);
    });

    it('count attempts one by one: of fifty at one time one goes on', async () => {
      const { secondFactors } = store;
      for (const before of [0, 1, 2]) {
        const claimed = await many(50, () => secondFactors.claimAttempt('a', 'u', before, NOW + before));
        expect(claimed.filter(Boolean)).to.have.length(1);
        expect(await secondFactors.failures('a', 'u')).to.deep.equal({ count: before + 1, lastAt: NOW + before });
      }
      // They are no failed log-ins of anybody, however they call themselves.
      expect((await store.users.failures('a', 'u')).count).to.equal(0);
      expect((await store.users.failures('a', 'second-factor:u')).count).to.equal(0);
      await store.users.recordLogin('a', 'second-factor:u', true, NOW);
      expect((await secondFactors.failures('a', 'u')).count).to.equal(3);
      await secondFactors.clearFailures('a', 'u');
      expect(await secondFactors.failures('a', 'u')).to.deep.equal({ count: 0, lastAt: 0 });
    });

    it('remember devices of one person, for as long as they may and the tenant wants', async () => {
      const { secondFactors } = store;
      await secondFactors.rememberDevice({
        tenantId: 'a',
        hash: 'd',
        userId: 'u',
        rememberedAt: NOW,
        expiresAt: NOW + 30 * day,
      });
      const knows = (tenant: string, user: string, hash: string, now: number, days: number) =>
        secondFactors.knowsDevice(tenant, user, hash, now, now - days * day);
      expect(await knows('a', 'u', 'd', NOW + day, 30)).to.equal(true);
      expect(await knows('a', 'v', 'd', NOW + day, 30)).to.equal(false);
      expect(await knows('b', 'u', 'd', NOW + day, 30)).to.equal(false);
      expect(await knows('a', 'u', 'e', NOW + day, 30)).to.equal(false);
      // Fewer days hold for devices that were remembered before, more do not.
      expect(await knows('a', 'u', 'd', NOW + 8 * day, 7)).to.equal(false);
      expect(await knows('a', 'u', 'd', NOW + 30 * day, 90)).to.equal(false);
      expect((await secondFactors.find('a', 'u', NOW)).devices).to.equal(1);
      expect((await secondFactors.find('a', 'u', NOW + 30 * day)).devices).to.equal(0);
      expect(await secondFactors.forgetDevices('a', 'u')).to.equal(1);
      expect(await knows('a', 'u', 'd', NOW + day, 30)).to.equal(false);
    });

    it('are passkeys, too: one of each id, used once for each count, and taken away by its person only', async () => {
      const { secondFactors } = store;
      const passkey = {
        credentialId: 'k1',
        userId: 'u',
        publicKey: 'key',
        counter: 3,
        synced: false,
        transports: ['usb'],
        device: { browser: 'Firefox' },
        createdAt: NOW,
      };
      const taken = await many(10, () => secondFactors.addPasskey('a', passkey));
      expect(taken.filter(Boolean)).to.have.length(1);
      expect(await secondFactors.addPasskey('a', { ...passkey, userId: 'v' })).to.equal(false);
      expect(await secondFactors.findPasskey('a', 'k1')).to.deep.equal(passkey);
      expect(await secondFactors.findPasskey('b', 'k1')).to.equal(undefined);
      expect((await secondFactors.find('a', 'u', NOW)).passkeys).to.equal(1);
      const used = await many(20, () => secondFactors.usePasskey('a', 'k1', 3, 4, NOW + 1));
      expect(used.filter(Boolean)).to.have.length(1);
      expect(await secondFactors.listPasskeys('a', 'u')).to.deep.equal([
        { ...passkey, counter: 4, lastUsedAt: NOW + 1 },
      ]);
      expect(await secondFactors.removePasskey('a', 'v', 'k1')).to.equal(false);
      expect(await secondFactors.removePasskey('b', 'u', 'k1')).to.equal(false);
      expect(await secondFactors.removePasskey('a', 'u', 'k1')).to.equal(true);
      await secondFactors.addPasskey('a', passkey);
    });

    it('leave with their person, and by themselves', async () => {
      const { secondFactors, users } = store;
      const device = { tenantId: 'a', userId: 'u', rememberedAt: NOW, expiresAt: NOW + day };
      await secondFactors.rememberDevice({ ...device, hash: 'd1' });
      await secondFactors.rememberDevice({ ...device, hash: 'd2', expiresAt: NOW + 2 * day });
      await store.sweep(NOW + day);
      expect((await secondFactors.find('a', 'u', NOW)).devices).to.equal(1);
      expect(await secondFactors.remove('a', 'u')).to.equal(true);
      expect(await secondFactors.remove('a', 'u')).to.equal(false);
      expect(await secondFactors.find('a', 'u', NOW)).to.deep.equal({ passkeys: 0, recoveryCodes: 0, devices: 0 });
      await secondFactors.enrol('a', 'u', authenticator, ['h1']);
      await users.save('a', {
        id: 'u',
        username: 'ann',
        enabled: true,
        authorities: [],
        defaultLaunchContexts: [],
        userData: {},
      });
      await users.delete('a', 'u');
      expect(await secondFactors.find('a', 'u', NOW)).to.deep.equal({ passkeys: 0, recoveryCodes: 0, devices: 0 });
    });

    it('make a session stronger that is there, and no other', async () => {
      const proof = { amr: ['pwd', 'otp', 'mfa'] };
      const session = {
        tenantId: 'a',
        idHash: 's',
        userId: 'u',
        authenticatedAt: NOW,
        expiresAt: NOW + day,
        details: {},
      };
      await store.sessions.save({ ...session, proof: { amr: ['pwd'], device: true } });
      expect((await store.sessions.find('a', 's', NOW))?.proof).to.deep.equal({ amr: ['pwd'], device: true });
      expect(await store.sessions.strengthen('a', 's', proof, NOW)).to.equal(true);
      expect((await store.sessions.find('a', 's', NOW))?.proof).to.deep.equal(proof);
      expect(await store.sessions.strengthen('a', 's', proof, NOW + day)).to.equal(false);
      expect(await store.sessions.strengthen('b', 's', proof, NOW)).to.equal(false);
      expect(await store.sessions.strengthen('a', 't', proof, NOW)).to.equal(false);
      await store.sessions.save(session);
      expect(await store.sessions.find('a', 's', NOW)).not.to.have.property('proof');
    });
  });
}
