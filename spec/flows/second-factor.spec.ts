/** No way through the interactive flow makes a session of less than is asked for. */
import { expect } from 'chai';
import { interactive } from '../../engine/flow/interactive.ts';
import { resumeFlow, startFlow } from '../../engine/flow/machine.ts';
import { allFacts, type Changes, createStage, session } from './machine-stage.ts';

const enrolled = { 'secondFactor.isEnrolled': true };
const asking = { ...allFacts.request, parameters: { ...allFacts.request.parameters, acr_values: 'mfa' } };

async function from(state: string, facts: Changes, world: Changes) {
  const stage = createStage(world);
  const started = await startFlow(
    { ...interactive, first: state },
    { ...allFacts, ...facts } as typeof allFacts,
    stage.ports,
  );
  return { ...stage, started };
}

describe('the second factor in the interactive flow', () => {
  const refused: Readonly<Record<string, readonly [facts: Changes, world: Changes]>> = {
    'of a person who set one up while this log-in waited': [{ proof: { amr: ['pwd'] } }, enrolled],
    'of a person who must have one by now': [
      { proof: { amr: ['pwd'] } },
      { tenant: { secondFactor: { level: 'required', requiredFor: [], acrValues: ['mfa'] } } },
    ],
    'for an app that asks for two factors': [{ proof: { amr: ['pwd'], device: true }, request: asking }, enrolled],
    'in a session that is to be stepped up and was not': [
      { proof: { amr: ['pwd'] }, steppingUp: { sessionIdHash: 'h', authenticatedAt: 1 } },
      enrolled,
    ],
  };
  for (const [title, [facts, world]] of Object.entries(refused))
    it(`makes no session ${title}`, async () => {
      const { started, traces } = await from('session', facts, world);
      expect(started).to.include({ kind: 'rejected' });
      expect(traces[0]?.outcome).to.equal('second-factor-missing');
      expect(started.reveal).not.to.have.property('sessionId');
    });

  it('does not step a session up that has ended meanwhile', async () => {
    const { started, traces } = await from(
      'session',
      { proof: { amr: ['pwd', 'otp', 'mfa'] }, steppingUp: { sessionIdHash: 'h', authenticatedAt: 1 } },
      { ...enrolled, 'sessions.strengthen': false },
    );
    expect(started.kind).to.equal('rejected');
    expect(traces[0]?.outcome).to.equal('session-ended');
  });

  it('is not skipped by who chose a provider, came back, and gave the password', async () => {
    const stage = createStage(enrolled);
    const { ports, flows } = stage;
    const { flowId } = await startFlow({ ...interactive, first: 'login' }, allFacts, ports);
    const at = () => flows.get(flowId) ?? expect.fail('no flow');
    await resumeFlow(interactive, at(), 'login', { provider: 'partner' }, ports);
    await resumeFlow(interactive, at(), 'at the provider', { returned: true }, ports);
    await resumeFlow(interactive, at(), 'login', { username: 'jane', password: 'right' }, ports);
    expect(at().state).to.equal('second factor');
    expect((at().facts as { proof: unknown }).proof).to.deep.equal({ amr: ['pwd'] });
  });

  const passkeyLogIn = { level: 'optional', requiredFor: [], passkeyLogIn: true, acrValues: ['mfa'] };
  const local = [{ id: 'local', type: 'local' }];
  const withChallenge = { request: { ...allFacts.request, challenge: 'c' } };
  const byPasskey = async (world: Changes, facts: Changes = withChallenge) => {
    const { started, flows, ports, audits } = await from('login', facts, world);
    const record = flows.get(started.flowId) ?? expect.fail('no flow');
    const result = await resumeFlow(interactive, record, 'login', { do: 'passkey', passkey: '{}' }, ports);
    return { result, audits, proof: (flows.get(started.flowId)?.facts as { proof?: unknown }).proof };
  };
  const tenant = { secondFactor: passkeyLogIn, inbound: local };
  const stranger = {
    id: 'u',
    username: 'jane',
    enabled: true,
    authorities: [],
    defaultLaunchContexts: [],
    userData: {},
  };
  it('is needless for who logs in with a passkey alone', async () => {
    const jane = { ...stranger, defaultLaunchContexts: session.defaultLaunchContexts };
    const { result, proof } = await byPasskey({ tenant, 'look.user': jane, ...enrolled });
    expect(result).to.include({ kind: 'waiting', state: 'consent' });
    expect(proof).to.deep.equal({ amr: ['hwk', 'user', 'mfa'] });
  });
  it('leaves the age of a password alone that nobody used, and not that it must be changed', async () => {
    const jane = { ...stranger, defaultLaunchContexts: session.defaultLaunchContexts, passwordHash: 'argon2' };
    const old = { ...tenant, passwords: { minimumLength: 8, maximumAgeDays: 1 } };
    const aged = await byPasskey({ tenant: old, 'look.user': jane, ...enrolled });
    expect(aged.result).to.include({ kind: 'waiting', state: 'consent' });
    const due = { ...jane, mustChangePassword: true };
    const asked = await byPasskey({ tenant: old, 'look.user': due, ...enrolled });
    expect(asked.result).to.include({ kind: 'waiting', state: 'new password' });
  });
  const notByPasskey: Readonly<Record<string, readonly [Changes, Changes?]>> = {
    'where the tenant does not want it': [
      { tenant: { ...tenant, secondFactor: { ...passkeyLogIn, passkeyLogIn: false } } },
    ],
    'where nobody is asked for a second factor': [
      { tenant: { ...tenant, secondFactor: { ...passkeyLogIn, level: 'off' } } },
    ],
    'where people log in at providers only': [
      { tenant: { ...tenant, federation: { autoRedirect: false, passwordForm: false } } },
    ],
    'where accounts are in a directory': [{ tenant: { ...tenant, inbound: [{ id: 'hospital', type: 'ldap' }] } }],
    'of somebody whom a provider or a directory vouches for': [
      { tenant, 'look.user': { ...stranger, external: { provider: 'partner', subject: 's' } } },
    ],
    'of somebody who is disabled': [{ tenant, 'look.user': { ...stranger, enabled: false } }],
    'of nobody': [{ tenant, 'look.user': undefined }],
    'in a flow that has no challenge': [{ tenant }, {}],
    'that was not accepted': [{ tenant, 'secondFactor.verifyPasskey': { ok: false, reason: 'wrong-passkey' } }],
  };
  for (const [title, [world, facts]] of Object.entries(notByPasskey))
    it(`is not replaced by a passkey ${title}`, async () => {
      const { result, audits } = await byPasskey(world, facts);
      expect(result).to.include({ kind: 'again', state: 'login', error: 'wrong-passkey' });
      expect(audits[0]).to.include({ type: 'login', outcome: 'failure', reason: 'wrong-passkey' });
    });

  it('is what a provider said, cleaned, for who came from there', async () => {
    const claims = { amr: ['pwd', 'mfa', 7, '<b>', 'x'.repeat(33)] };
    const { started } = await from('user linked', { claims, userId: undefined }, {});
    expect(started.facts['proof']).to.deep.equal({ amr: ['pwd', 'mfa'], provider: 'partner' });
    const none = await from('user linked', { claims: { amr: 'mfa' }, userId: undefined }, {});
    expect(none.started.facts['proof']).to.deep.equal({ amr: [], provider: 'partner' });
  });

  it('is asked for in a session from before anything was kept of what was proved', async () => {
    const request = { ...allFacts.request, sessionIdHash: 'h' };
    const stored = { idHash: 'h', userId: 'u', authenticatedAt: 1, details: session };
    const { started } = await from('session sought', { request }, { ...enrolled, 'sessions.find': stored });
    expect(started).to.include({ kind: 'waiting', state: 'second factor' });
    const silent = await from(
      'session sought',
      { request, prompt: ['none'] },
      { ...enrolled, 'sessions.find': stored },
    );
    expect(silent.traces[0]?.outcome).to.equal('login-required');
  });

  it('keeps neither secret nor codes in the flow beyond where they are needed', async () => {
    const { started, flows, ports } = await from(
      'second factor setup',
      {},
      { 'secondFactor.sealCodes': 'sealed new codes' },
    );
    const at = () => flows.get(started.flowId) ?? expect.fail('no flow');
    await resumeFlow(interactive, at(), 'second factor setup', { code: '123456', do: 'confirm' }, ports);
    expect(at().state).to.equal('recovery codes');
    expect(JSON.parse(JSON.stringify(at().facts)))
      .to.include({ newCodes: 'sealed new codes' })
      .and.not.have.property('setup');
    await resumeFlow(interactive, at(), 'recovery codes', { do: 'saved' }, ports);
    expect(JSON.parse(JSON.stringify(at().facts))).not.to.have.any.keys('setup', 'newCodes');
  });
});
