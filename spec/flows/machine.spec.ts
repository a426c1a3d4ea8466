/** The driver itself: one exit, one winner of a step, nothing taken from another tenant or flow. */
import { expect } from 'chai';
import { flows } from '../../engine/flow/flows.ts';
import { resumeFlow, startFlow } from '../../engine/flow/machine.ts';
import type { Flow } from '../../engine/flow/table.ts';
import type { Store } from '../../engine/store/store.ts';
import { databases, type OpenedDatabase } from '../support/databases.ts';
import { allFacts, createStage, rightVerifier, type Stage, tenant } from './machine-stage.ts';

const interactive = flows['interactive'] as Flow;
const rightCode = { clientId: 'app', redirectUri: 'https://app.example/callback', codeVerifier: rightVerifier };

async function waitingAt(state: string, stage: Stage) {
  const { flowId } = await startFlow({ ...interactive, first: state }, allFacts, stage.ports);
  const record = await stage.ports.store.flows.find('t', flowId);
  if (!record) throw new Error('the wait was not persisted');
  return record;
}

const ended = ({ audits }: Stage) => audits.filter(({ type }) => type === 'flow.interactive');

describe('the flow machine', () => {
  it('refuses the record of another tenant and of another flow, and changes nothing', async () => {
    const stage = createStage();
    const record = await waitingAt('consent', stage);
    const input = { do: 'approve', scope: ['patient/*.rs'] };
    const gone = { kind: 'stale', state: 'gone' };
    const other = { ...stage.ports, tenant: tenant({ id: 'other' }) as unknown as Stage['ports']['tenant'] };
    expect(await resumeFlow(interactive, record, 'consent', input, other)).to.deep.equal(gone);
    expect(await resumeFlow({ ...interactive, name: 'codap' }, record, 'consent', input, stage.ports)).to.deep.equal(
      gone,
    );
    expect(stage.flows.get(record.id)).to.deep.equal(record);
    expect(ended(stage)).to.deep.equal([]);
  });

  it('ends a flow whose store fails at a wait with one error, one audit event and one trace', async () => {
    const stage = createStage();
    const flowsRepository = {
      ...stage.ports.store.flows,
      create: async () => {
        throw new Error('the store is gone');
      },
    };
    const ports = { ...stage.ports, store: { ...stage.ports.store, flows: flowsRepository } as Store };
    const result = await startFlow({ ...interactive, first: 'consent' }, allFacts, ports);
    expect(result.kind === 'rejected' && result.rejection).to.include({ error: 'server_error', status: 500 });
    expect(ended(stage)).to.have.length(1);
    expect(stage.traces.map(({ outcome }) => outcome)).to.deep.equal(['step-failed']);
  });

  it('revokes tokens that were stored when the answer cannot be recorded any more', async () => {
    const stage = createStage();
    const record = await waitingAt('code', stage);
    let calls = 0;
    const advance: Store['flows']['advance'] = async (...given) => {
      calls += 1;
      if (calls > 1) throw new Error('the store is gone');
      return stage.ports.store.flows.advance(...given);
    };
    const ports = {
      ...stage.ports,
      store: { ...stage.ports.store, flows: { ...stage.ports.store.flows, advance } } as Store,
    };
    const result = await resumeFlow(interactive, record, 'code', rightCode, ports);
    expect(result.kind).to.equal('rejected');
    expect(stage.revokedGrants).to.deep.equal(['grant']);
    expect(stage.traces).to.have.length(1);
  });

  it('keeps what a client presents and what it is given out of the stored record', async () => {
    const stage = createStage();
    const record = await waitingAt('code', stage);
    await resumeFlow(interactive, record, 'code', rightCode, stage.ports);
    const kept = stage.flows.get(record.id);
    expect(kept?.state).to.equal('answered');
    expect(kept?.facts).not.to.have.any.keys('tokenRequest', 'accessToken', 'tokenContents');
  });
});

for (const database of databases()) {
  describe(`one step, many callers, on ${database.name}`, () => {
    let opened: OpenedDatabase;
    before(async () => {
      opened = await database.open();
    });
    after(() => opened.close());

    for (const [state, input] of [
      ['consent', { do: 'approve', scope: ['patient/*.rs'] }],
      ['code', rightCode],
    ] as const) {
      it(`${state}: of eight answers with the same record one goes on, the others are told so`, async () => {
        const stage = createStage({ 'sessions.find': { idHash: 'h' } });
        const ports = { ...stage.ports, store: { ...stage.ports.store, flows: opened.store.flows } as Store };
        const record = await waitingAt(state, { ...stage, ports });
        const results = await Promise.all(
          Array.from({ length: 8 }, () => resumeFlow(interactive, record, state, input, ports)),
        );
        const kinds = results.map(({ kind }) => kind);
        expect(kinds.filter((kind) => kind === 'stale')).to.have.length(7);
        expect(kinds.filter((kind) => kind === (state === 'code' ? 'done' : 'waiting'))).to.have.length(1);
        expect(ended(stage)).to.have.length(state === 'code' ? 1 : 0);
        const late = await resumeFlow(interactive, record, state, input, ports);
        expect(late.kind).to.equal('stale');
      });
    }
  });
}
