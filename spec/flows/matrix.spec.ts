/**
 * Every flow, state and outcome, read off the tables: each is taken on a stage and seen in the flow's record. A state or
 * an outcome without its row fails, and so does a row whose state or outcome is gone.
 */
import { expect } from 'chai';
import { flows } from '../../engine/flow/flows.ts';
import { resumeFlow, startFlow } from '../../engine/flow/machine.ts';
import type { AnyState, Flow } from '../../engine/flow/table.ts';
import type { TraceEntry } from '../../engine/flow/trace.ts';
import { allFacts, createStage, type Stage } from './machine-stage.ts';
import { type Row, rows } from './matrix-rows.ts';

/** Outcomes that a row must bring about; refusals and repeats are read off the step's own text. */
function outcomesOf(state: AnyState): readonly string[] {
  if (state.kind === 'end') return [];
  if (state.kind === 'hook') return ['continue', 'no callback', 'denied', 'fault'];
  const text = String(state.kind === 'step' ? state.run : state.accept);
  return [
    ...Object.keys(state.leads),
    ...(/\breject\(/.test(text) ? ['reject'] : []),
    ...(/kind: 'again'/.test(text) ? ['again'] : []),
  ];
}

function entriesOf({ traces, flows: stored }: Stage): readonly TraceEntry[] {
  const [record] = [...stored.values()];
  return traces.at(-1)?.entries ?? (record?.trace as { entries: TraceEntry[] } | undefined)?.entries ?? [];
}

async function take(flow: Flow, name: string, row: Row, facts: object = { ...allFacts, ...row.facts }) {
  const stage = createStage(row.world);
  const started = await startFlow({ ...flow, first: name }, facts as typeof allFacts, stage.ports);
  const waiting = flow.states[name]?.kind === 'wait';
  const record = waiting ? stage.flows.get(started.flowId) : undefined;
  const result = record ? await resumeFlow(flow, record, name, row.input ?? {}, stage.ports) : started;
  return { stage, result, record };
}

for (const flow of Object.values(flows)) {
  describe(`the matrix of ${flow.title}`, () => {
    for (const [name, state] of Object.entries(flow.states)) {
      for (const outcome of outcomesOf(state)) {
        it(`${name}: ${outcome}`, async () => {
          const row = rows[`${name}/${outcome}`];
          if (!row) throw new Error(`no row takes ${flow.name}: ${name}: ${outcome}`);
          const { stage, result, record } = await take(flow, name, row);
          if (outcome === 'again') {
            expect(result).to.include({ kind: 'again', state: name });
            expect(stage.flows.get(record?.id ?? '')).to.deep.equal(record);
            return;
          }
          const entries = entriesOf(stage);
          const at = entries.findIndex((entry) => entry.state === name && entry.kind !== 'wait');
          const left = entries[at];
          const next = entries[at + 1]?.state;
          const leads = 'leads' in state ? (state.leads as Readonly<Record<string, string>>) : {};
          if (['reject', 'denied', 'fault'].includes(outcome)) {
            expect(result.kind).to.equal('rejected');
            expect(next).to.equal('rejected');
            expect(stage.traces).to.have.length(1);
            expect(left?.outcome).to.equal(stage.traces[0]?.outcome);
            const audit = stage.audits.find(({ type }) => type === `flow.${flow.name}`);
            expect(audit).to.include({ outcome: 'failure', reason: left?.outcome });
            if (outcome === 'denied') expect(left?.hook?.kind).to.equal('denied');
            if (outcome === 'fault') expect(left?.hook?.kind).to.equal('threw');
          } else {
            expect(left?.outcome, JSON.stringify(entries)).to.equal(outcome);
            const closed = outcome === 'no callback' && name === 'script authorization';
            expect(next).to.equal(closed ? 'rejected' : leads[outcome === 'no callback' ? 'continue' : outcome]);
          }
        });
      }

      if (state.kind === 'end') {
        it(`${name}: success`, async () => {
          const { stage, result } = await take(flow, name, {});
          expect(result.kind).to.equal('done');
          expect(stage.traces[0]).to.include({ flow: flow.name, outcome: 'success' });
          expect(stage.audits).to.deep.include.members([{ ...stage.audits[0], outcome: 'success' }]);
        });
      }
      if (state.kind === 'wait') {
        it(`${name}: expired`, async () => {
          const { ports, flows: stored, pass } = createStage();
          const { flowId } = await startFlow({ ...flow, first: name }, allFacts, ports);
          const record = stored.get(flowId);
          if (!record) throw new Error('a wait was not persisted');
          pass(state.expiresIn(ports) * 1000 + 60_000);
          expect(await resumeFlow(flow, record, name, {}, ports)).to.deep.equal({ kind: 'expired' });
          expect(stored.get(flowId)).to.deep.equal(record);
        });
        it(`${name}: answered for another state`, async () => {
          const { ports, flows: stored } = createStage();
          const { flowId } = await startFlow({ ...flow, first: name }, allFacts, ports);
          const record = stored.get(flowId);
          if (!record) throw new Error('a wait was not persisted');
          expect(await resumeFlow(flow, record, 'another', {}, ports)).to.deep.equal({ kind: 'stale', state: name });
          expect(stored.get(flowId)).to.deep.equal(record);
        });
      }
      if (state.kind !== 'end') {
        it(`${name}: a defect`, async () => {
          const broken = () => {
            throw new TypeError('a defect');
          };
          const defective = (state.kind === 'hook'
            ? { ...state, binding: { ...state.binding, read: () => undefined, without: broken } }
            : { ...state, ...(state.kind === 'wait' ? { accept: broken } : { run: broken }) }) as unknown as AnyState;
          const { stage, result } = await take({ ...flow, states: { ...flow.states, [name]: defective } }, name, {});
          expect(result.kind).to.equal('rejected');
          if (result.kind === 'rejected') expect(result.rejection).to.include({ error: 'server_error', status: 500 });
          expect(stage.traces[0]?.outcome).to.equal('step-failed');
          expect(stage.audits[0]).to.include({ outcome: 'failure', reason: 'step-failed' });
        });
      }
    }
  });
}

describe('the matrix', () => {
  it('has no row for a state or an outcome that is gone', () => {
    const present = new Set(
      Object.values(flows).flatMap((flow) =>
        Object.entries(flow.states).flatMap(([name, state]) =>
          outcomesOf(state).map((outcome) => `${name}/${outcome}`),
        ),
      ),
    );
    expect(Object.keys(rows).filter((key) => !present.has(key))).to.deep.equal([]);
  });
});
