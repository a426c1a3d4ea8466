/** Audit events and traces on their way into the store. */
import { expect } from 'chai';
import { createRecords, type FlowRecord } from '../../engine/store/records.ts';

const refuse = () => Promise.reject(new Error('the store is away'));
const record = (write: () => Promise<void>, more: Partial<FlowRecord> = {}): FlowRecord => ({
  what: 'an audit event',
  outcome: 'success',
  flowId: 'f',
  required: true,
  write,
  ...more,
});

/** A write that ends when told. */
function held() {
  let release = (): void => undefined;
  const ended = new Promise<void>((resolve) => (release = resolve));
  return { write: () => ended, release };
}

describe('records', () => {
  it('waits for every write of the flow, and for no other flow', async () => {
    const records = createRecords(() => undefined);
    const [first, second, foreign] = [held(), held(), held()];
    records.add(record(first.write));
    records.add(record(second.write, { required: false }));
    records.add(record(foreign.write, { flowId: 'g' }));
    let settled: boolean | undefined;
    const waiting = records.settled('f').then((value) => (settled = value));
    first.release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled).to.equal(undefined);
    second.release();
    await waiting;
    expect(settled).to.equal(true);
    expect(await records.settled('never seen')).to.equal(true);
    foreign.release();
    await records.drain();
  });

  it('tells of a lost audit event, also one lost before anybody asked, and not of a lost trace', async () => {
    const heard: string[] = [];
    const records = createRecords((what) => heard.push(what));
    records.add(record(refuse));
    records.add(record(async () => undefined));
    expect(await records.settled('f')).to.equal(false);
    await records.drain();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await records.settled('f')).to.equal(false);
    records.add(record(refuse, { flowId: 'g', what: 'a trace', required: false }));
    expect(await records.settled('g')).to.equal(true);
    expect(heard).to.deep.equal(['an audit event', 'a trace']);
  });

  it('gives up those of failures when too many wait, never those of successes', async () => {
    const heard: string[] = [];
    const records = createRecords((what) => heard.push(what), 1);
    const slow = held();
    let written = 0;
    records.add(record(slow.write));
    records.add(record(async () => void (written += 1), { outcome: 'failure' }));
    expect([heard, written]).to.deep.equal([['an audit event'], 0]);
    records.add(record(async () => void (written += 1)));
    slow.release();
    await records.drain();
    expect([heard.length, written]).to.deep.equal([1, 1]);
  });
});
