/** A directory is asked again whether it still has somebody, and what follows for their session and their apps. */
import { expect } from 'chai';
import { findSession } from '../../engine/flow/step/log-in.ts';
import { rotateRefreshToken } from '../../engine/flow/step/refresh.ts';
import { createLdapModule } from '../../engine/identity/ldap/directory.ts';
import { createVouching } from '../../engine/identity/vouching.ts';
import type { LdapSettings, Tenant, User } from '../../engine/tenant/tenant.ts';
import { allFacts, createStage, session, user as person } from '../flows/machine-stage.ts';
import { groupEntry, personEntry, startDirectory, suffix, type TestDirectory } from '../support/directory.ts';
import { groups, people, searching } from './stage.ts';

const NOW = 1_800_000_000_000;
const portal = `cn=portal,${groups}`;

describe('a directory that is asked again', function () {
  this.timeout(60_000);
  let directory: TestDirectory;
  let asked = 0;
  let failures: string[] = [];
  before(async () => {
    directory = await startDirectory(
      [
        ...['anna', 'bruno', 'clara'].map((uid) => personEntry(uid, 'a secret')),
        groupEntry('portal', `uid=anna,${people}`, `uid=clara,${people}`),
      ].join('\n'),
    );
  });
  after(() => directory?.close());

  function setUp(more: Partial<LdapSettings> = {}, inbound?: Tenant['inbound']) {
    const { caFile: _caFile, ...settings } = searching(directory);
    const ldap = {
      ...settings,
      ca: directory.ca,
      startTls: true,
      timeoutMilliseconds: 2000,
      search: { ...settings.search, scope: 'sub' },
      attributes: {
        subject: 'uid',
        username: 'uid',
        givenName: 'givenName',
        familyName: 'sn',
        email: 'mail',
        userData: {},
      },
      defaultAuthorities: [],
      groups: { base: groups, filter: '(member={dn})', nested: false, required: portal, authorities: [] },
      recheckSeconds: 600,
      ...more,
    } as LdapSettings;
    asked = 0;
    failures = [];
    const module = createLdapModule({ users: undefined as never, log: () => undefined });
    const vouching = createVouching({
      ldap: {
        knows(...input) {
          asked += 1;
          return module.knows(...input);
        },
      },
      failed: (_tenant, id, { problem }) => void failures.push(`${id} ${problem}`),
    });
    const tenant = { id: 't', inbound: inbound ?? [{ type: 'ldap', id: 'directory', ldap }] } as unknown as Tenant;
    return (name: string, now = NOW, subject = name) =>
      vouching(tenant, { id: name, username: name, external: { provider: 'inbound/directory', subject } } as User, now);
  }

  it('vouches for whom it has, once in so many seconds', async () => {
    const vouchesFor = setUp();
    expect(await vouchesFor('anna')).to.equal('yes');
    expect(await vouchesFor('anna', NOW + 599_000)).to.equal('yes');
    expect(asked).to.equal(1);
    expect(await vouchesFor('anna', NOW + 600_000)).to.equal('yes');
    expect(asked).to.equal(2);
  });

  it('does not vouch for who left the group, is another person by now, or is gone', async () => {
    const vouchesFor = setUp();
    expect(await vouchesFor('bruno')).to.equal('no');
    expect(await vouchesFor('anna', NOW, 'somebody before her')).to.equal('no');
    expect(await vouchesFor('zoe')).to.equal('no');
    expect(await vouchesFor('*', NOW, 'anna')).to.equal('no');
    expect(await vouchesFor('clara')).to.equal('yes');
    await directory.modify(`dn: uid=clara,${people}\nchangetype: delete\n`);
    expect(await vouchesFor('clara', NOW + 1000)).to.equal('yes');
    expect(await vouchesFor('clara', NOW + 600_000)).to.equal('no');
    // It is not believed again without being asked.
    expect(await vouchesFor('clara', NOW + 600_001)).to.equal('no');
  });

  it('cannot say while it is down, and says so', async () => {
    const vouchesFor = setUp({ urls: ['ldap://localhost:1'] });
    expect(await vouchesFor('anna')).to.equal('unavailable');
    expect(failures).to.deep.equal(['directory unreachable']);
  });

  it('is not asked where the tenant does not want it; nobody vouches where its module is gone', async () => {
    const quiet = setUp({ recheckSeconds: undefined as never });
    expect(await quiet('zoe')).to.equal('yes');
    expect(asked).to.equal(0);
    expect(await setUp({}, [{ type: 'local', id: 'local' }])('anna')).to.equal('no');
    expect(await setUp({}, [{ type: 'local', id: 'directory' }])('anna')).to.equal('no');
  });

  describe(`and the people below ${suffix}`, () => {
    const stored = { idHash: 'h', userId: 'u', authenticatedAt: NOW, details: session };
    const facts = { ...allFacts, request: { ...allFacts.request, sessionIdHash: 'h' } } as never;
    const seek = async (answer: string) => {
      const ended: unknown[] = [];
      const { ports, audits } = createStage({
        'identity.vouchesFor': answer,
        'sessions.find': stored,
        'sessions.end': (...args: unknown[]) => void ended.push(args[1]),
        'look.user': person,
      });
      const result = await findSession(facts, ports);
      return { outcome: result.kind === 'continue' ? result.outcome : result.reason, ended, audits };
    };

    it('go on with their session, must log in, or have it ended', async () => {
      expect(await seek('yes')).to.include({ outcome: 'reused' });
      expect(await seek('unavailable')).to.deep.include({ outcome: 'login', ended: [] });
      const gone = await seek('no');
      expect(gone).to.deep.include({ outcome: 'login', ended: ['h'] });
      expect(gone.audits).to.deep.include.members([
        { ...gone.audits[0], type: 'session.ended', reason: 'module-refused' },
      ]);
    });

    it('keep their tokens, may try again, or lose them', async () => {
      const refresh = async (answer: string) => {
        let consumed = 0;
        const { ports, revokedGrants } = createStage({
          'identity.vouchesFor': answer,
          'look.user': person,
          'tokens.find': {
            kind: 'refresh',
            clientId: 'app',
            grantId: 'grant',
            expiresAt: Number.MAX_SAFE_INTEGER,
            details: { grant: allFacts.grant },
          },
          'tokens.consume': () => {
            consumed += 1;
            return true;
          },
        });
        const result = await rotateRefreshToken(allFacts as never, ports);
        const { kind, error, status } = result as { kind: string; error?: string; status?: number };
        return { kind, error, status, consumed, revokedGrants };
      };
      expect(await refresh('yes')).to.include({ kind: 'continue', consumed: 1 });
      expect(await refresh('unavailable')).to.deep.include({
        error: 'temporarily_unavailable',
        status: 503,
        consumed: 0,
        revokedGrants: [],
      });
      expect(await refresh('no')).to.deep.include({
        error: 'invalid_grant',
        status: 400,
        consumed: 0,
        revokedGrants: ['grant'],
      });
    });
  });
});
