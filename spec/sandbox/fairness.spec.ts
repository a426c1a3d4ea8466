/** A tenant's share and queue, its quarantine, and that other tenants notice nothing of either. */
import { expect } from 'chai';
import { createGate } from '../../engine/script/gate.ts';
import { createScriptRunner } from '../../engine/script/pool.ts';
import { createQuarantine } from '../../engine/script/quarantine.ts';
import type { InvocationResult, ScriptRunner } from '../../engine/script/runner.ts';
import {
  answerOf,
  asyncCallback,
  callback,
  inputs,
  invocationOf,
  kindOf,
  sandboxProcesses,
  type StubOutbound,
  stubOutbound,
  wait,
} from './support.ts';

const crash = "'x'.repeat(2 ** 28).split('')";
/** One character each: `a` and `c` share a process, `b` has the other. */
const [self, beside, apart] = ['a', 'c', 'b'];

const asks = (clientId: string) => {
  const base = inputs.onTokenGenerating as { request: object };
  return { ...base, request: { ...base.request, clientId } };
};

describe('shares of tenants', () => {
  let runner: ScriptRunner;
  let outbound: StubOutbound;
  let hold: Promise<void>;
  let letGo: () => void;
  let underWay = 0;
  let most = 0;
  beforeEach(() => {
    hold = new Promise((resolve) => (letGo = resolve));
    underWay = 0;
    most = 0;
    outbound = stubOutbound(async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await hold;
      underWay -= 1;
      return { ok: true, response: { status: 200, headers: {}, body: '' } };
    });
    runner = createScriptRunner({ outbound, processes: 2 });
  });
  afterEach(async () => {
    letGo();
    await runner.close();
  });

  const waiting = asyncCallback("await fetch('http://localhost/'); return 1");
  const quick = callback('return 1');
  const until = async (condition: () => boolean) => {
    for (let round = 0; round < 1600 && !condition(); round += 1) await wait(25);
    expect(condition()).to.equal(true);
  };

  describe('concurrency', () => {
    it('no more than its share runs at once, the rest waits its turn, and nothing is lost', async () => {
      const limits = { concurrency: 3, queue: 100, wallMilliseconds: 20_000 };
      const all = Array.from({ length: 20 }, () => runner.run(invocationOf(waiting, { tenantId: self, limits })));
      await until(() => underWay === 3);
      await wait(200);
      expect(most).to.equal(3);
      letGo();
      expect((await Promise.all(all)).map(answerOf)).to.deep.equal(Array.from({ length: 20 }, () => 1));
      expect(most).to.equal(3);
    });

    it('a share of one is one after the other, in the order they came', async () => {
      letGo();
      const order: number[] = [];
      const limits = { concurrency: 1 };
      await Promise.all(
        Array.from({ length: 10 }, async (_, n) => {
          await runner.run(invocationOf(waiting, { tenantId: self, limits }));
          order.push(n);
        }),
      );
      expect(order).to.deep.equal(Array.from({ length: 10 }, (_, n) => n));
      expect(most).to.equal(1);
    });

    it('a queue is bounded: who finds it full is told so at once', async () => {
      const limits = { concurrency: 2, queue: 3, wallMilliseconds: 20_000 };
      const run = () => runner.run(invocationOf(waiting, { tenantId: self, limits }));
      const held = [run(), run()];
      await until(() => underWay === 2);
      const queued = [run(), run(), run()];
      const began = performance.now();
      const refused = await Promise.all([run(), run()]);
      expect(performance.now() - began).to.be.below(1000);
      expect(refused.map(kindOf)).to.deep.equal(['overloaded', 'overloaded']);
      letGo();
      expect((await Promise.all([...held, ...queued])).map(kindOf)).to.deep.equal(
        Array.from({ length: 5 }, () => 'ok'),
      );
      expect(kindOf(await run())).to.equal('ok');
    });

    it('a queue of none refuses what does not run at once', async () => {
      const limits = { concurrency: 1, queue: 0 };
      const held = runner.run(invocationOf(waiting, { tenantId: self, limits }));
      await until(() => underWay === 1);
      expect(kindOf(await runner.run(invocationOf(quick, { tenantId: self, limits })))).to.equal('overloaded');
      letGo();
      expect(kindOf(await held)).to.equal('ok');
    });

    it('another tenant waits for none of it, in the same process or the other', async () => {
      const limits = { concurrency: 16, queue: 100, wallMilliseconds: 20_000 };
      const held = Array.from({ length: 60 }, () => runner.run(invocationOf(waiting, { tenantId: self, limits })));
      await until(() => underWay === 16);
      for (const tenantId of [beside, apart]) {
        // Once for the isolate, then as always.
        await runner.run(invocationOf(quick, { tenantId }));
        const began = performance.now();
        for (let round = 0; round < 20; round += 1)
          expect(answerOf(await runner.run(invocationOf(quick, { tenantId })))).to.equal(1);
        expect((performance.now() - began) / 20).to.be.below(200);
      }
      letGo();
      expect(new Set((await Promise.all(held)).map(kindOf))).to.deep.equal(new Set(['ok']));
    });

    it('sixteen that wait for a slow host at once all end in the time of one', async () => {
      const slow = createScriptRunner({
        outbound: stubOutbound(async () => {
          await wait(2000);
          return { ok: true, response: { status: 200, headers: {}, body: '' } };
        }),
        processes: 1,
      });
      try {
        await slow.run(invocationOf(quick, { tenantId: self }));
        const before = sandboxProcesses().map(({ id }) => id);
        const limits = { concurrency: 16, wallMilliseconds: 5000 };
        for (const call of ["await fetch('http://localhost/')", "Http.get('http://localhost/').execute()"]) {
          const began = performance.now();
          const source = asyncCallback(`${call}; return 1`);
          const all = await Promise.all(
            Array.from({ length: 16 }, () => slow.run(invocationOf(source, { tenantId: self, limits }))),
          );
          expect(all.map(kindOf)).to.deep.equal(Array.from({ length: 16 }, () => 'ok'));
          expect(performance.now() - began).to.be.below(4900);
        }
        // Nobody was taken for a process that hangs.
        expect(sandboxProcesses().map(({ id }) => id)).to.include.members(before);
      } finally {
        await slow.close();
      }
    });

    it('a tenant that computes in all its share holds up no other', async () => {
      const busy = callback('const until = Date.now() + 150; while (Date.now() < until); return 1');
      const limits = { concurrency: 16, queue: 100, cpuMilliseconds: 1000, wallMilliseconds: 20_000 };
      await runner.run(invocationOf(quick, { tenantId: apart }));
      await runner.run(invocationOf(quick, { tenantId: beside }));
      const all = Array.from({ length: 48 }, () => runner.run(invocationOf(busy, { tenantId: self, limits })));
      const times: number[] = [];
      for (let round = 0; round < 10; round += 1)
        for (const tenantId of [beside, apart]) {
          const began = performance.now();
          expect(answerOf(await runner.run(invocationOf(quick, { tenantId })))).to.equal(1);
          times.push(performance.now() - began);
        }
      expect(times.sort((a, b) => a - b)[10]).to.be.below(300);
      expect(new Set((await Promise.all(all)).map(kindOf))).to.deep.equal(new Set(['ok']));
    });

    it('who waits in vain for an isolate is told so, and no process ends for it', async () => {
      const busy = callback('const until = Date.now() + 700; while (Date.now() < until); return 1');
      const limits = { concurrency: 16, cpuMilliseconds: 2000, wallMilliseconds: 1000 };
      await runner.run(invocationOf(quick, { tenantId: self }));
      const before = sandboxProcesses().map(({ id }) => id);
      const all = await Promise.all(
        Array.from({ length: 16 }, () => runner.run(invocationOf(busy, { tenantId: self, limits }))),
      );
      const kinds = new Set(all.map(kindOf));
      for (const kind of kinds) expect(kind).to.be.oneOf(['ok', 'timeout', 'overloaded']);
      expect(sandboxProcesses().map(({ id }) => id)).to.include.members(before);
      expect(kindOf(await runner.run(invocationOf(quick, { tenantId: self })))).to.equal('ok');
    });
  });

  describe('quarantine', () => {
    const source = callback(`if (request.clientId === 'crash') { ${crash} } return 1`);
    const run = (tenantId: string, clientId = 'app') =>
      runner.run(
        invocationOf(source, {
          tenantId,
          input: asks(clientId),
          limits: { cpuMilliseconds: 5000, wallMilliseconds: 20_000 },
        }),
      );

    /** Milliseconds until the tenant is let in again. */
    async function held(tenantId: string): Promise<number> {
      const began = performance.now();
      for (;;) {
        const result = await run(tenantId);
        if (result.ok) return performance.now() - began;
        expect(kindOf(result)).to.equal('overloaded');
        await wait(20);
      }
    }

    it('holds back who ended a process, longer each time, and nobody else', async function () {
      this.timeout(60_000);
      for (let round = 0; round < 3; round += 1) {
        expect(kindOf(await run(self, 'crash'))).to.be.oneOf(['crashed', 'memory', 'timeout']);
        const began = performance.now();
        // Held back by now: it cannot end another process meanwhile, however it tries.
        const ids = sandboxProcesses().length;
        expect((await Promise.all(Array.from({ length: 10 }, () => run(self, 'crash')))).map(kindOf)).to.deep.equal(
          Array.from({ length: 10 }, () => 'overloaded'),
        );
        expect(sandboxProcesses().length).to.be.at.most(ids + 1);
        for (const tenantId of [beside, apart]) expect(kindOf(await run(tenantId))).to.equal('ok');
        // Nothing of the tenant runs well in between, so the next time counts on.
        for (;;) {
          const result = await runner.run(
            invocationOf("function onTokenGenerating() { throw new Error('x') }", { tenantId: self }),
          );
          if (kindOf(result) !== 'overloaded') break;
          await wait(20);
        }
        // Half a second, then twice as long each time; less what passed before the crash was known here.
        expect(performance.now() - began).to.be.above(400 * 2 ** round);
      }
    });

    it('ends when the tenant’s script runs well again', async () => {
      await run(self, 'crash');
      await held(self);
      await run(self, 'crash');
      // The second time is as the first was.
      expect(await held(self)).to.be.below(3000);
    });

    it('is not lifted by what was under way when it began', async () => {
      const slow = callback('const until = Date.now() + 600; while (Date.now() < until); return 1');
      const limits = { cpuMilliseconds: 5000, wallMilliseconds: 20_000 };
      const under = runner.run(invocationOf(slow, { tenantId: self, limits }));
      await wait(150);
      await Promise.all([under, run(self, 'crash')]);
      // Had it been lifted, the next would be the first again, which is half as long.
      for (let status = 'overloaded'; status === 'overloaded'; await wait(20))
        status = kindOf(await run(self, 'crash'));
      expect(await held(self)).to.be.above(700);
    });

    it('meets those that waited behind the culprit, too', async () => {
      const limits = { concurrency: 1, queue: 50, cpuMilliseconds: 5000, wallMilliseconds: 20_000 };
      const all = await Promise.all(
        Array.from({ length: 20 }, () =>
          runner.run(invocationOf(source, { tenantId: self, input: asks('crash'), limits })),
        ),
      );
      const kinds = all.map(kindOf);
      expect(kinds.filter((kind) => kind === 'overloaded').length).to.be.above(15);
      for (const kind of kinds) expect(kind).to.be.oneOf(['overloaded', 'crashed', 'memory', 'timeout']);
    });

    it('those who were in the process with the culprit run once more, and once only', async () => {
      const calm = callback('const until = Date.now() + 400; while (Date.now() < until); return 1');
      const limits = { cpuMilliseconds: 5000, wallMilliseconds: 20_000 };
      const others = Array.from({ length: 3 }, () => runner.run(invocationOf(calm, { tenantId: beside, limits })));
      await wait(100);
      const [culprit, ...results] = await Promise.all([run(self, 'crash'), ...others]);
      expect(kindOf(culprit as InvocationResult)).to.be.oneOf(['crashed', 'memory', 'timeout']);
      expect(results.map(answerOf)).to.deep.equal([1, 1, 1]);
      expect(kindOf(await run(beside))).to.equal('ok');
    });

    it('a process that is killed from outside is nobody’s fault', async () => {
      const calm = callback('const until = Date.now() + 600; while (Date.now() < until); return 1');
      const limits = { cpuMilliseconds: 5000, wallMilliseconds: 20_000 };
      await Promise.all([run(self), run(apart)]);
      for (const company of [[self], [self, beside, apart]]) {
        const under = company.map((tenantId) => runner.run(invocationOf(calm, { tenantId, limits })));
        await wait(200);
        for (const { id } of sandboxProcesses()) process.kill(id, 'SIGKILL');
        expect((await Promise.all(under)).map(answerOf)).to.deep.equal(company.map(() => 1));
        for (const tenantId of company) expect(kindOf(await run(tenantId))).to.equal('ok');
      }
    });
  });
});

describe('a gate', () => {
  it('lets in as many as it is told, then the next in line for each that leaves', async () => {
    const gate = createGate();
    expect(await gate.enter(2, 2)).to.equal(true);
    expect(await gate.enter(2, 2)).to.equal(true);
    const seen: string[] = [];
    const third = gate.enter(2, 2).then((entered) => seen.push(`third ${entered}`));
    const fourth = gate.enter(2, 2).then((entered) => seen.push(`fourth ${entered}`));
    expect(await gate.enter(2, 2)).to.equal(false);
    gate.leave();
    await third;
    expect(seen).to.deep.equal(['third true']);
    gate.leave();
    await fourth;
    gate.leave();
    gate.leave();
    expect(await gate.enter(1, 0)).to.equal(true);
    expect(await gate.enter(1, 0)).to.equal(false);
  });
});

describe('a quarantine', () => {
  it('doubles with each time up to a minute, and forgets who ran well after it', () => {
    let now = 0;
    const quarantine = createQuarantine(() => now);
    const length = () => {
      const began = now;
      while (quarantine.holds('t')) now += 10;
      return now - began;
    };
    const lengths = Array.from({ length: 10 }, () => {
      quarantine.punish('t');
      return length();
    });
    expect(lengths).to.deep.equal([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect(quarantine.holds('other')).to.equal(false);
    quarantine.absolve('t', now - 60_001);
    quarantine.punish('t');
    expect(length()).to.equal(60_000);
    quarantine.absolve('t', now);
    quarantine.punish('t');
    expect(length()).to.equal(500);
  });
});
