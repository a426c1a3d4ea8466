/** A sandbox process that lies: what the engine believes, what it answers, and what others notice of it. */
import { join } from 'node:path';
import { expect } from 'chai';
import { createScriptRunner } from '../../engine/script/pool.ts';
import type { InvocationResult, ScriptRunner } from '../../engine/script/runner.ts';
import { validateEffect } from '../../engine/flow/effect.ts';
import {
  answerOf,
  inputs,
  invocationOf,
  kindOf,
  sandboxProcesses,
  type StubOutbound,
  stubOutbound,
  wait,
} from './support.ts';
import { isThorough } from '../support/thorough.ts';

const main = join(import.meta.dirname, 'forged/main.ts');
/** Of the two processes each has one of them. */
const bystanders = ['a', 'b'];
const source = 'function onTokenGenerating() {}\n';

const killed = ['crashed'];
const malformed = ['shape'];

/** What the tenant itself gets for each lie. */
const outcomes: Readonly<Record<string, readonly string[]>> = {
  'no JSON': killed,
  'an empty line': killed,
  'bytes that are no text': killed,
  null: killed,
  'a number': killed,
  'a list': killed,
  'deeply nested JSON': killed,
  'a line without end': killed,
  'a line of five megabytes': killed,
  'an unknown type': killed,
  'no type': killed,
  'a type that is no text': killed,
  'no id': killed,
  'an id that is text': killed,
  'an id that is a list': killed,
  'an id below zero': killed,
  'an id that is no whole number': killed,
  'an id beyond all numbers': killed,
  'a body that is no text': killed,
  'a body that cannot be read': killed,
  'a body that is no JSON': malformed,
  'a body of null': malformed,
  'a body that is a list': malformed,
  'a body that is a number': malformed,
  'a body that says nothing': malformed,
  'a body without a value': malformed,
  'a body that is not ok': malformed,
  'a body that hides a callback': malformed,
  'a body nested too deeply': malformed,
  'a body above the limit': malformed,
  'a prototype': malformed,
  'a prototype in disguise': malformed,
  'a prototype of the message': ['ok'],
  'CPU beyond all numbers': killed,
  'CPU that is text': killed,
  'CPU below zero': killed,
  'CPU of a century': ['ok'],
  'done twice': ['ok'],
  'failed, then done': ['denied'],
  'done, then all else': ['ok'],
  'an unknown kind': ['runtime'],
  'a kind that is a member of objects': ['runtime'],
  'a kind that cannot be read': killed,
  'a message that cannot be read': killed,
  'a message of a megabyte': ['runtime'],
  'a place below the first line': ['runtime'],
  'a place beyond the last line': ['runtime'],
  'a place beyond all numbers': ['runtime'],
  'a place far to the right': ['runtime'],
  'a place in another file': ['runtime'],
  'a place that cannot be read': ['runtime'],
  'a place that is text': ['runtime'],
  'a word for a debugger': ['ok'],
  'a word for a debugger that is no text': killed,
  'a log that cannot be read': killed,
  'a level that cannot be read': killed,
  'an unknown level': ['ok'],
  'a long log': ['ok'],
  'more logs than are allowed': ['ok'],
  'a flood of logs': ['crashed', 'timeout'],
  'a call that is no text': killed,
  'a call that cannot be read': killed,
  'a call without a number': killed,
  'a call for an unknown service': ['ok'],
  'a call for a service of objects': ['ok'],
  'a call to a host that is not listed': ['ok'],
  'a call of deeply nested JSON': ['ok'],
  'one call twice': ['ok'],
  'more calls than are allowed': ['ok'],
  'a flood of calls': ['crashed', 'timeout'],
  'a flood of malformed calls': ['crashed', 'timeout'],
  'about everybody in the process and beyond': ['ok'],
  'about those to come': killed,
  'about nobody': ['crashed', 'timeout'],
  'ready without end': ['crashed', 'timeout'],
  'that it is fatal': ['memory'],
  'that it is fatal, in other words': ['runtime'],
  // Whether its time is over or it answers no ping, it is given up.
  'nothing, for ever': ['timeout', 'crashed'],
  'nothing, with its mouth shut': ['timeout', 'crashed'],
  'nothing, with its ears shut': ['timeout', 'crashed'],
  'the end: exit 0': killed,
  'the end: exit 1': killed,
  'the end: abort': killed,
  'the end: a wrong address': killed,
  'the end: killed': killed,
  'the end: an error': killed,
  'the end after the truth': ['ok', 'crashed'],
  'the truth in pieces': ['ok'],
};
/** With these the process may speak in the name of others in it, which nobody can tell from the truth. */
const forging = ['about everybody in the process and beyond'];

describe('a sandbox process that lies', () => {
  let runner: ScriptRunner;
  let outbound: StubOutbound;
  before(() => {
    outbound = stubOutbound();
    runner = createScriptRunner({ outbound, processes: 2, main });
  });
  after(() => runner.close());
  beforeEach(() => {
    outbound.requests.length = 0;
    tenants += 1;
  });
  // One character with an odd code, so that each test has a tenant of its own that is known to run beside `a`.
  let tenants = 0;
  const liar = () => String.fromCharCode(99 + 2 * tenants);

  const run = (tenantId: string, clientId: string) => {
    const base = inputs.onTokenGenerating as { request: object };
    return runner.run(
      invocationOf(source, {
        tenantId,
        // Enough for the others on a busy machine; the liar is to be given up soon.
        limits: { wallMilliseconds: bystanders.includes(tenantId) ? 10_000 : 2500 },
        input: { ...base, request: { ...base.request, clientId } },
      }),
    );
  };

  /** Others' invocations before, while and after `work` runs. */
  async function amidst(work: () => Promise<InvocationResult>): Promise<InvocationResult> {
    let over = false;
    const seen: string[] = [];
    const keepOn = async (tenantId: string) => {
      for (;;) {
        const last = over;
        const result = await run(tenantId, last ? 'truth' : 'truth, later');
        seen.push(`${tenantId} ${result.ok ? String(answerOf(result)) : `${result.kind} ${result.message}`}`);
        if (last) return;
        await wait(10);
      }
    };
    const others = bystanders.map(keepOn);
    await wait(100);
    const result = await work().finally(() => (over = true));
    await Promise.all(others);
    expect([...new Set(seen)].sort()).to.deep.equal(bystanders.map((tenantId) => `${tenantId} truth`));
    return result;
  }

  for (const [index, [lie, kinds]] of Object.entries(outcomes).entries()) {
    // Others stand by at every third, unless all is asked for: what ends a process ends it in one way.
    const beside = !forging.includes(lie) && (isThorough || index % 3 === 0);
    it(`${lie}: ${kinds.join(' or ')}${beside ? ', and others notice nothing' : ''}`, async () => {
      const result = beside ? await amidst(() => run(liar(), lie)) : await run(liar(), lie);
      expect(kinds, JSON.stringify(result).slice(0, 500)).to.include(kindOf(result));
      if (result.ok) expect(answerOf(result)).to.match(/^tr[uü]th$/);
      else expect(result.message).not.to.equal('there is no such lie');
      // Whatever it says of itself stays within bounds.
      expect(result.cpuMicroseconds).to.be.within(0, result.wallMicroseconds);
      expect(result.wallMicroseconds).to.be.below(30_000_000);
      expect(result.logs.length).to.be.at.most(200);
      expect(result.calls.length).to.be.at.most(51);
      for (const { level, message } of result.logs) {
        expect(level).to.be.oneOf(['debug', 'info', 'warn', 'error']);
        expect(message.length).to.be.at.most(2000);
      }
      if (!result.ok) {
        expect(result.message.length).to.be.at.most(1000);
        if (result.location) {
          expect(Object.keys(result.location).sort()).to.deep.equal(['column', 'file', 'line']);
          expect(result.location).to.include({ file: 'callbacks.js', line: 1 });
          expect(result.location.column).to.be.within(1, source.length);
        }
      } else expect(validateEffect('onTokenGenerating', result.value)).to.equal(undefined);
      expect(({} as Record<string, unknown>)['polluted'] ?? ({} as Record<string, unknown>)['admin']).to.equal(
        undefined,
      );
      // Nobody was called who is not on the list, nor more often than is allowed.
      expect(outbound.requests.every(({ allow }) => allow?.join() === 'localhost')).to.equal(true);
      expect(outbound.requests.length).to.be.at.most(10);
    });
  }

  it('a process speaks for nobody in the other process', async () => {
    const [later] = await Promise.all([run('b', 'truth, later'), wait(100).then(() => run(liar(), forging[0] ?? ''))]);
    expect(answerOf(later)).to.equal('truth');
  });

  it('what it says of invocations to come is forgotten when it is killed', async () => {
    await run(liar(), 'about those to come');
    for (let round = 0; round < 20; round += 1) expect(answerOf(await run('a', 'truth'))).to.equal('truth');
  });

  it('a process that lies is gone, and another in its place', async () => {
    await run('a', 'truth');
    await run('b', 'truth');
    const before = sandboxProcesses().map(({ id }) => id);
    expect(before).to.have.length(2);
    expect(kindOf(await run(liar(), 'no JSON'))).to.equal('crashed');
    expect(answerOf(await run('a', 'truth'))).to.equal('truth');
    for (let round = 0; round < 100 && sandboxProcesses().length > 2; round += 1) await wait(50);
    const after = sandboxProcesses().map(({ id }) => id);
    expect(after).to.have.length(2);
    expect(after.filter((id) => before.includes(id))).to.have.length(1);
  });

  it('calls it made for an invocation keep that from being run again', async () => {
    const slow = stubOutbound(async () => {
      await wait(1000);
      return { ok: true, response: { status: 200, headers: {}, body: '' } };
    });
    const other = createScriptRunner({ outbound: slow, processes: 1 });
    try {
      const posting = invocationOf(
        "async function onTokenGenerating() { await fetch('http://localhost/', { method: 'POST' }) }",
      );
      const under = other.run(posting);
      while (slow.requests.length === 0) await wait(10);
      for (const { id } of sandboxProcesses()) process.kill(id, 'SIGKILL');
      expect(kindOf(await under)).to.equal('crashed');
      expect(slow.requests).to.have.length(1);
    } finally {
      await other.close();
    }
  });

  it('where no process comes up, invocations fail at once, and few are tried', async () => {
    const broken = createScriptRunner({ outbound, processes: 1, main: join(import.meta.dirname, 'forged/broken.ts') });
    try {
      const kinds = new Set<string>();
      let most = 0;
      const until = Date.now() + 2500;
      while (Date.now() < until) {
        kinds.add(kindOf(await broken.run(invocationOf(source, { tenantId: String(Math.random()) }))));
        most = Math.max(most, sandboxProcesses().length);
        await wait(50);
      }
      expect([...kinds]).to.deep.equal(['crashed']);
      // Two of this test's own runner, one that is tried, and one apart.
      expect(most).to.be.at.most(5);
    } finally {
      await broken.close();
    }
  });
});
