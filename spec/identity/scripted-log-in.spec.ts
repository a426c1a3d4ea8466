/** A log-in module whose script checks user names and passwords: what it says counts, what it breaks lets nobody in. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { scriptedLogIn } from '../../engine/flow/scripted-log-in.ts';
import type { Ports } from '../../engine/flow/ports.ts';
import { createScriptRunner } from '../../engine/script/pool.ts';
import { makeScript } from '../../engine/script/script.ts';
import { type Admin, asAdmin, itemsOf } from '../admin/support.ts';
import { createStage, tenant } from '../flows/machine-stage.ts';
import { addTenant, textOf, unavailable, visitors, wrong } from '../ldap/stage.ts';
import { limits } from '../sandbox/support.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const script = `
const right = { ada: 'ada secret', grace: 'grace secret', admin: 'another secret' };
function authenticate(theRequest, theOutcomeFactory) {
  Log.info('asked for ' + theRequest.username + ' with ' + theRequest.password);
  const failure = theOutcomeFactory.newFailure();
  const success = theOutcomeFactory.newSuccess();
  success.addAuthority('ROLE_FHIR_CLIENT');
  switch (theRequest.username) {
    case 'throws': throw new Error('no, not ' + theRequest.getPassword());
    case 'loops': while (true);
    case 'nothing': return undefined;
    case 'truth': return true;
    case 'session': return { username: 'ada', authorities: [] };
    case 'keeps': success.setUserData('typed', { again: theRequest.password }); return success;
    case 'breaks': success.username = 'ada\\nadmin'; return success;
    case 'reserved': success.addLaunchResourceId('access_token', '1'); return success;
    case 'takes': success.username = 'admin'; return success;
    case 'no-rights': success.authorities.push({ permission: 'lower case' }); return success;
    case 'a.lovelace': if (theRequest.password !== right.ada) return failure; success.username = 'ada'; return success;
  }
  const known = right[theRequest.username];
  failure.unknownUsername = known === undefined || theRequest.username === 'admin';
  failure.incorrectPassword = !failure.unknownUsername;
  if (known !== theRequest.password || failure.unknownUsername) return failure;
  success.givenName = 'Ada';
  success.setUserData('ward', 'B');
  if (theRequest.username === 'grace') success.addAuthority('FHIR_ALL_READ');
  return success;
}
function onAuthenticateSuccess(theUserSession, theOutcomeFactory, theContext) {
  if (theUserSession.username === 'grace') return theOutcomeFactory.newFailure();
  theUserSession.setUserData('seenBy', theContext.moduleId);
}
`;

describe('a scripted log-in module', function () {
  this.timeout(120_000);
  let server: TestServer;
  let admin: Admin;
  const { attempt, enter } = visitors(() => server);
  const accountOf = async (username: string) =>
    itemsOf(await admin('GET', '/tenants/scripted/users')).find((user) => user['username'] === username);

  before(async () => {
    server = await startTestServer({
      environment: { SALLYPORT_TRUST_PROXY: '127.0.0.1' },
      prepare: async (config, url) => {
        await addTenant(config, url, 'scripted', '', {
          inbound: [
            { type: 'scripted', id: 'legacy', script: 'log-in.js' },
            { type: 'local', id: 'local' },
          ],
          users: [{ username: 'admin', password: 'admin secret' }],
        });
        await writeFile(join(config, 'scripted/log-in.js'), script);
      },
    });
    admin = await asAdmin(server);
  });
  after(() => server?.close());

  it('lets in whom its script names, with an account that holds what the script said', async () => {
    const first = await enter('scripted', 'ada', 'ada secret');
    expect(await accountOf('ada')).to.deep.include({
      givenName: 'Ada',
      external: { provider: 'inbound/legacy', subject: 'ada' },
      authorities: [{ permission: 'ROLE_FHIR_CLIENT' }],
      userData: { ward: 'B', seenBy: 'legacy' },
      hasPassword: false,
    });
    const again = await enter('scripted', 'a.lovelace', 'ada secret');
    expect(again['sub']).to.equal(first['sub']);
    // What the script does not say any more is gone.
    expect(await accountOf('ada'))
      .to.deep.include({ userData: { seenBy: 'legacy' } })
      .and.not.have.property('givenName');
  });

  it('has the next module asked for whom it does not know', async () => {
    await enter('scripted', 'admin', 'admin secret');
    expect(await accountOf('admin')).not.to.have.property('external');
  });

  it('makes no account where onAuthenticateSuccess denies', async () => {
    expect((await attempt('scripted', 'grace', 'grace secret')).url).to.match(/error=access_denied/);
    expect(await accountOf('grace')).to.equal(undefined);
  });

  const refused = [
    ['ada', 'wrong'],
    ['ada', ''],
    ['zoe', 'wrong'],
    ['admin', 'another secret'],
    ['nothing', 'whatever'],
    ['takes', 'whatever'],
    ['a.lovelace', 'wrong'],
  ] as const;
  const faulty = ['throws', 'loops', 'truth', 'session', 'keeps', 'breaks', 'reserved', 'no-rights'];
  it('refuses all others alike, and says that nobody can be checked where the script fails', async () => {
    const said = await Promise.all([
      ...refused.map(async ([name, password]) => [name, textOf(await attempt('scripted', name, password)), wrong]),
      ...faulty.map(async (name) => [name, textOf(await attempt('scripted', name, 'a long password')), unavailable]),
    ]);
    for (const [name, text, expected = ''] of said) expect(text, name).to.include(expected);
    const events = itemsOf(await admin('GET', '/tenants/scripted/audit?type=login&outcome=failure&limit=100'));
    const told = events.flatMap(({ details }) => (details as { problem?: string } | undefined)?.problem ?? []);
    expect(told).to.include.members(['script-runtime', 'script-timeout', 'script-shape', 'script-policy']);
    for (const what of [events, itemsOf(await admin('GET', '/tenants/scripted/traces'))])
      expect(JSON.stringify(what)).not.to.include('a long password');
    for (const name of faulty) expect(await accountOf(name)).to.equal(undefined);
  });

  it('is not asked for somebody who is locked', async () => {
    for (let count = 0; count < 5; count += 1) await attempt('scripted', 'a.lovelace', 'wrong');
    expect(textOf(await attempt('scripted', 'A.Lovelace', 'ada secret'))).to.include(wrong);
  });
});

describe('the password of a scripted log-in', () => {
  const runner = createScriptRunner({
    outbound: { request: async () => ({ ok: false, code: 'unreachable', message: '' }), close: async () => undefined },
    processes: 1,
  });
  after(() => runner.close());

  async function logIn(username: string, password: string) {
    const said: unknown[] = [];
    const stage = createStage({ tenant: tenant({ demo: true, scriptLimits: limits }) });
    const ports: Ports = {
      ...stage.ports,
      scripts: runner,
      scriptFor: async (slot) => ({ slot, script: makeScript('log-in.js', script) }),
      scriptLog: (lines) => void said.push(...lines),
      log: (_level, message, fields) => void said.push(message, fields),
    };
    const answer = await scriptedLogIn(
      { id: 'legacy' },
      { tenant: ports.tenant, name: username, password, remoteAddress: '::1', now: 1, mayTry: async () => true },
      ports,
    );
    return { answer, said: JSON.stringify(said) };
  }

  it('is masked in what the script logs and throws', async () => {
    const { answer, said } = await logIn('throws', 'correct horse');
    expect(answer).to.include({ kind: 'unavailable', problem: 'script-runtime' });
    expect(said).to.include('asked for throws with ***').and.include('no, not ***').and.not.include('horse');
  });

  it('has nothing said at all where it is too short to be masked', async () => {
    const { said } = await logIn('throws', 'no');
    expect(said).not.to.include('asked for').and.not.include('detail');
  });
});
