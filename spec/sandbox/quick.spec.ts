/** Hooks on the process's own thread: which may run there, and that nobody notices where one did. */
import { expect } from 'chai';
import { createScriptRunner } from '../../engine/script/pool.ts';
import { createQuickHooks } from '../../engine/script/sandbox/quick.ts';
import type { Invocation, InvocationResult, ScriptRunner } from '../../engine/script/runner.ts';
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
} from './support.ts';

describe('which hooks are quick', () => {
  const quick = { asked: false, cpu: 50 };
  const run = (hooks: ReturnType<typeof createQuickHooks>, times: number, hook = 'a') => {
    for (let time = 0; time < times; time += 1) hooks.ran(hook, quick, false);
  };

  it('those that were, several times in a row', () => {
    const hooks = createQuickHooks(3);
    expect(hooks.may('a')).to.equal(false);
    run(hooks, 2);
    expect(hooks.may('a')).to.equal(false);
    run(hooks, 1);
    expect(hooks.may('a')).to.equal(true);
    expect(hooks.may('b')).to.equal(false);
  });

  it('not those that asked the engine, or took long, in between', () => {
    for (const other of [
      { asked: true, cpu: 50 },
      { asked: false, cpu: 5_000 },
    ]) {
      const hooks = createQuickHooks(3);
      run(hooks, 2);
      hooks.ran('a', other, false);
      run(hooks, 2);
      expect(hooks.may('a')).to.equal(false);
      run(hooks, 1);
      expect(hooks.may('a')).to.equal(true);
    }
  });

  it('after a failure only those that were many more times, and more each time', () => {
    const hooks = createQuickHooks(2);
    run(hooks, 2);
    hooks.failed('a');
    run(hooks, 15);
    expect(hooks.may('a')).to.equal(false);
    run(hooks, 1);
    expect(hooks.may('a')).to.equal(true);
    hooks.failed('a');
    run(hooks, 127);
    expect(hooks.may('a')).to.equal(false);
  });

  it('not those that were slow on the process’s own thread, until that is long ago', () => {
    const hooks = createQuickHooks(2);
    run(hooks, 2);
    hooks.ran('a', { asked: false, cpu: 1_000 }, true);
    run(hooks, 2);
    expect(hooks.may('a')).to.equal(true);
    hooks.ran('a', { asked: false, cpu: 20_000 }, true);
    run(hooks, 15);
    expect(hooks.may('a')).to.equal(false);
    run(hooks, 16 * 64 + 1);
    // Forgiven: two in a row are enough again.
    hooks.ran('a', { asked: true, cpu: 50 }, false);
    run(hooks, 2);
    expect(hooks.may('a')).to.equal(true);
  });

  it('never none: where all are tried, one that failed is not tried at once', () => {
    const hooks = createQuickHooks(0);
    expect(hooks.may('a')).to.equal(true);
    hooks.failed('a');
    expect(hooks.may('a')).to.equal(false);
  });
});

describe('an invocation on the thread of the process', () => {
  let runner: ScriptRunner;
  let outbound: StubOutbound;
  beforeEach(() => {
    outbound = stubOutbound();
    runner = createScriptRunner({ outbound, processes: 1, quickAfter: 3 });
  });
  afterEach(() => runner.close());

  /** The client's id says what the script is to do this time. */
  const plan = (source: string, clientId: string, more: Partial<Invocation['limits']> = {}): Invocation => {
    const base = inputs.onTokenGenerating as { request: object };
    return invocationOf(source, { input: { ...base, request: { ...base.request, clientId } }, limits: more });
  };
  const warm = async (source: string): Promise<void> => {
    for (let round = 0; round < 5; round += 1)
      expect(answerOf(await runner.run(plan(source, 'quick')))).to.equal('quick');
  };
  const told = ({ logs }: InvocationResult) => logs.map(({ level, message }) => `${level}: ${message}`);

  it('logs in order, once, with the limit on lines', async () => {
    const source = callback(
      "for (let n = 0; n < 5; n += 1) { Log.warn('line ' + n); console.error({ n }) } return request.clientId",
    );
    await warm(source);
    const lines = ['warn: line 0', 'error: {"n":0}', 'warn: line 1'];
    expect(told(await runner.run(plan(source, 'quick', { logLines: 3 })))).to.deep.equal(lines);
  });

  it('fails at the line of the script, and denies', async () => {
    const source = callback(
      "Log.info('before')\nif (request.clientId === 'throw') throw new Error('oh')\nif (request.clientId === 'deny') deny('no')\nreturn request.clientId",
    );
    await warm(source);
    const thrown = await runner.run(plan(source, 'throw'));
    expect(thrown).to.include({ ok: false, kind: 'runtime' }).and.have.nested.property('location.line', 5);
    expect(told(thrown)).to.deep.equal(['info: before']);
    const denied = await runner.run(plan(source, 'deny'));
    expect(denied).to.include({ ok: false, kind: 'denied', message: 'no' });
    expect(answerOf(await runner.run(plan(source, 'quick')))).to.equal('quick');
  });

  it('which asks the engine after all is run again elsewhere: one call, one log line', async () => {
    const source = asyncCallback(
      `Log.info('said')
      if (request.clientId === 'ask') return (await fetch('http://localhost/asked')).text();
      if (request.clientId === 'ask now') return Http.get('http://localhost/now').execute().getResponseString();
      if (request.clientId === 'catch') { try { await fetch('http://localhost/caught') } catch { return 'caught' } return 'answered' }
      if (request.clientId === 'address') return new URL('/path', 'http://localhost').pathname;
      return request.clientId`,
    );
    await warm(source);
    for (const [asks, answer] of [
      ['ask', '/asked'],
      ['ask now', '/now'],
      ['catch', 'answered'],
      ['address', '/path'],
    ] as const) {
      outbound.requests.length = 0;
      const result = await runner.run(plan(source, asks));
      expect(answerOf(result)).to.equal(answer);
      expect(told(result)).to.deep.equal(['info: said']);
      expect(outbound.requests.length).to.equal(asks === 'address' ? 0 : 1);
    }
  });

  const endless = {
    'loops for ever': 'for (;;) {}',
    'awaits for ever': 'return (async () => { for (;;) await 1 })()',
    'has no end of microtasks': 'const go = () => Promise.resolve().then(go); return go()',
    'matches for ever': "return /^(a+)+$/.test('a'.repeat(60) + 'b')",
    'waits for what never comes': 'return new Promise(() => {})',
  };
  for (const [title, does] of Object.entries(endless))
    it(`which ${title} is stopped with its own limit, and others go on meanwhile`, async () => {
      const source = callback(`if (request.clientId === 'quick') return 'quick';\n${does}`);
      await warm(source);
      const stuck = runner.run(plan(source, 'slow', { cpuMilliseconds: 400, wallMilliseconds: 1500 }));
      const began = performance.now();
      const other = await runner.run({ ...invocationOf(callback('return 7')), tenantId: 'other' });
      expect(answerOf(other)).to.equal(7);
      const waited = performance.now() - began;
      // What is waited for piles up as well: which limit is met first is the machine's affair.
      expect(kindOf(await stuck)).to.be.oneOf(
        title === 'has no end of microtasks' ? ['timeout', 'memory'] : ['timeout'],
      );
      // The other had its answer while this one still ran.
      expect(performance.now() - began).to.be.above(waited);
      expect(answerOf(await runner.run(plan(source, 'quick')))).to.equal('quick');
    });

  it('which takes too much memory fails as elsewhere', async () => {
    const source = callback(
      "if (request.clientId === 'quick') return 'quick'; const kept = []; for (;;) kept.push(new Array(100000).fill(kept.length))",
    );
    await warm(source);
    expect(kindOf(await runner.run(plan(source, 'eat', { cpuMilliseconds: 5000 })))).to.equal('memory');
    expect(answerOf(await runner.run(plan(source, 'quick')))).to.equal('quick');
  });

  it('which recurses without end gets a RangeError', async () => {
    const source = callback(
      "if (request.clientId === 'quick') return 'quick'; const down = (n) => down(n + 1) + 1; try { down(0) } catch (error) { return error.name }",
    );
    await warm(source);
    expect(answerOf(await runner.run(plan(source, 'recurse')))).to.equal('RangeError');
  });

  it('leaves nothing to the next, whatever it left open', async () => {
    const source = asyncCallback(
      "const seen = carry; if (request.clientId === 'leave') { void Promise.resolve().then(() => { carry = 'left' }); void fetch('http://localhost/x').catch(() => { carry = 'left' }); return 'quick' } return seen === null ? 'quick' : seen",
      'let carry = null;',
    );
    await warm(source);
    await runner.run(plan(source, 'leave'));
    expect(answerOf(await runner.run(plan(source, 'quick')))).to.equal('quick');
  });

  it('a process whose own thread stands still is replaced long before the deadline, and others are answered', async function () {
    this.timeout(30_000);
    // Stopped from outside, as no script can be relied on to do it.
    const source = callback('return 7');
    expect(answerOf(await runner.run(invocationOf(source)))).to.equal(7);
    const [only] = sandboxProcesses();
    process.kill(only?.id ?? 0, 'SIGSTOP');
    const began = performance.now();
    const result = await runner.run(invocationOf(source, { limits: { wallMilliseconds: 20_000 } }));
    expect(answerOf(result)).to.equal(7);
    expect(performance.now() - began).to.be.below(10_000);
  });
});
