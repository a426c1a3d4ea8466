/** Cases of whole flows: what they may expect, what they tell, how they are replayed, told to build servers and renewed. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { disagreements } from '../../engine/script/case/compare.ts';
import { type FlowExpectation, readFlowCase, runFlowCase } from '../../engine/simulator/case.ts';
import { createSimulator, type Simulator } from '../../engine/simulator/simulator.ts';
import type { Tenant } from '../../engine/tenant/tenant.ts';
import { testCases, type TestOptions } from '../../tools/cli/test.ts';
import { folderOf } from '../cli/support.ts';
import { hospital, loaded } from './support.ts';

const callbacks = `
import { get, post } from 'sallyport/http';
export async function onTokenGenerating(theUserSession, theDetails) {
  if (theUserSession === null) {
    const { json } = await get('https://rights.example/of/' + theDetails.clientId);
    theDetails.addAccessTokenClaim('rights', json());
    await post('https://rights.example/used', { json: { client: theDetails.clientId } });
    return;
  }
  theDetails.addAccessTokenClaim('seen', new Date().toISOString());
  console.log('first'); console.log('second');
}
`;

describe('a case of a whole flow', function () {
  this.timeout(60_000);
  let simulator: Simulator;
  let tenant: Tenant;
  before(async () => {
    simulator = createSimulator();
    tenant = await loaded(hospital(callbacks));
  });
  after(() => simulator.close());

  async function failures(given: object, expected: FlowExpectation): Promise<readonly string[]> {
    const read = readFlowCase({ name: 'x', given, expect: expected }, 'x.case.json');
    if (!read.ok) return read.problems.map(({ message }) => message);
    return (await runFlowCase(read.document, tenant, simulator)).failures;
  }

  const rights = { url: 'https://rights.example/of/*', body: ['read'] };
  const used = { method: 'POST', url: 'https://rights.example/used', status: 204 };

  it('holds where all that it names agrees', async () => {
    expect(
      await failures(
        { now: '2026-05-04T12:00:00Z' },
        {
          outcome: 'success',
          at: 'answered',
          claims: {
            sub: 'jane',
            seen: '2026-05-04T12:00:00.000Z',
            jti: { $match: '^[\\w-]{22}$' },
            exp: { $type: 'number' },
          },
          idToken: { aud: 'app', nonce: 'a-nonce', at_hash: { $any: true } },
          scopes: ['patient/*.rs', 'openid', 'fhirUser', 'launch/patient', 'user/*.rs', 'offline_access'],
          context: { patient: 'jane', encounter: null },
          response: { token_type: 'Bearer', refresh_token: { $type: 'string' } },
          states: ['login', 'consent', 'code', 'answered'],
          pages: ['login', 'consent'],
          logs: ['first', 'second'],
          calls: [],
        },
      ),
    ).to.deep.equal([]);
  });

  it('tells each difference with its place', async () => {
    const found = await failures(
      { decisions: { consent: { scope: ['patient/*.rs'] } } },
      {
        outcome: 'consent-denied',
        at: 'consent',
        claims: { sub: 'john', jti: { $match: '^x{22}$' }, nothing: 'x' },
        idToken: null,
        scopes: ['openid'],
        context: { patient: 'john' },
        states: ['consent', 'login'],
        pages: ['login', 'terms'],
        logs: ['second', 'first'],
      },
    );
    const text = found.join('\n');
    for (const part of [
      'expected the outcome consent-denied, found success',
      'expected to end at consent, found answered',
      'claims /sub: expected "john", found "jane"',
      'claims /jti: expected {"$match":"^x{22}$"}, found "',
      'claims /nothing: expected "x", found nothing',
      'idToken /: expected null, found {',
      'scopes /: expected 1 items, found 3: ["launch/patient","openid","patient/*.rs"]',
      'context /patient: expected "john", found "jane"',
      'the state login is not passed in this order',
      'pages /1: expected "terms", found "consent"',
      'no line is logged with "first"',
    ])
      expect(text).to.include(part);
  });

  it('foresees what callbacks call, and tells what it did not', async () => {
    const given = { flow: 'client-credentials', calls: [rights, used] };
    const sent = { method: 'POST', url: 'https://rights.example/used', headers: {}, body: { client: 'service' } };
    expect(await failures(given, { claims: { rights: ['read'] }, sent: [sent] })).to.deep.equal([]);
    expect(await failures(given, { sent: [{ ...sent, body: { client: 'app' } }] })).to.deep.equal([
      'sent POST https://rights.example/used /body/client: expected "app", found "service"',
    ]);
    const [first, ...others] = await failures({ ...given, calls: [rights] }, {});
    expect(first).to.match(/^expected the outcome success, found onTokenGenerating-runtime \(.*callbacks\.js:7:\d+\)$/);
    expect(others).to.deep.equal(['nothing in the case answers POST https://rights.example/used']);
  });

  it('is refused where it is none, and where the tenant cannot have it', async () => {
    expect(await failures({ flow: 'implicit' }, {})).to.match(/at \/given\/flow/);
    expect(await failures({}, { claim: {} } as never)).to.match(/the unknown name "claim"/);
    expect(await failures({ flow: 'codap' }, {})).to.match(/at \/given\/client/);
  });

  it('has matchers that fail closed', () => {
    expect(disagreements({ $match: '(' }, '(')).to.have.length(1);
    expect(disagreements({ $match: 'x' }, undefined)).to.have.length(1);
    expect(disagreements({ $type: 'string' }, 1)).to.have.length(1);
    expect(disagreements({ $type: 'array' }, [])).to.have.length(0);
    expect(disagreements({ $any: true }, undefined)).to.have.length(1);
    // Two members are an object like any other.
    expect(disagreements({ $any: true, x: 1 }, { x: 1 })).to.have.length(1);
  });

  describe('in a folder', () => {
    let folder: Awaited<ReturnType<typeof folderOf>>;
    before(async () => {
      folder = await folderOf({
        ...hospital(callbacks),
        'cases/1.case.json': { name: 'jane gets a token', given: {}, expect: { claims: { sub: 'jane' } } },
        'cases/2.case.json': {
          name: 'a # of john',
          given: {},
          expect: { claims: { sub: 'john', jti: { $type: 'string' } } },
        },
        'cases/3.case.json': { name: 'a callback', hook: 'onTokenGenerating', expect: { logs: ['first'] } },
        'cases/4.case.json': { name: 'none', given: { flow: 'implicit' }, expect: {} },
      });
    });
    after(() => folder.remove());

    async function tested(options: TestOptions = {}, paths: readonly string[] = [folder.path]) {
      const lines: string[] = [];
      const code = await testCases(paths, options, (line) => lines.push(line));
      return { code, lines, output: lines.join('\n') };
    }

    it('stands beside cases of callbacks; all are told in their order', async () => {
      const { code, lines } = await tested();
      expect(code).to.equal(1);
      expect(lines.filter((line) => /^(ok|FAILED)/.test(line)).map((line) => line.slice(0, 40))).to.deep.equal([
        'ok     hospital: jane gets a token',
        'FAILED hospital: a # of john',
        'ok     hospital: a callback',
        lines.find((line) => line.includes('4.case.json'))?.slice(0, 40),
      ]);
      expect(lines.at(-1)).to.equal('2 passed, 2 failed');
    });

    it('is found by a text, or by its file', async () => {
      expect((await tested({ filter: 'JANE' })).lines).to.deep.equal([
        'ok     hospital: jane gets a token',
        '1 passed, 0 failed',
      ]);
      const none = await tested({ filter: 'nobody' });
      expect(none).to.include({ code: 1 });
      expect(none.output).to.include('There is no *.case.json with "nobody" in its name');
      const file = await tested({}, [join(folder.path, 'cases/1.case.json')]);
      expect(file.lines.at(-1)).to.equal('1 passed, 0 failed');
    });

    it('is told in TAP and in JUnit', async () => {
      const { lines } = await tested({ reporter: 'tap' });
      expect(lines.slice(0, 4)).to.deep.equal([
        'TAP version 14',
        '1..4',
        'ok 1 - hospital: jane gets a token',
        'not ok 2 - hospital: a \\# of john',
      ]);
      expect(lines.every((line) => /^(TAP |1\.\.|ok |not ok |# )/.test(line))).to.equal(true);
      const { output } = await tested({ reporter: 'junit' });
      expect(output)
        .to.match(/^<\?xml/)
        .and.to.include('tests="4" failures="2"');
      expect(output).to.not.include('passed');
    });

    it('is renewed where it fails, and nowhere else', async () => {
      const file = join(folder.path, 'cases/2.case.json');
      const other = join(folder.path, 'cases/1.case.json');
      const before = await readFile(other, 'utf8');
      await tested({ update: true });
      const { expect: renewed } = JSON.parse(await readFile(file, 'utf8')) as { expect: object };
      expect(renewed).to.deep.equal({ claims: { sub: 'jane', jti: { $type: 'string' } } });
      expect(await readFile(other, 'utf8')).to.equal(before);
      await writeFile(file, JSON.stringify({ name: 'refused', given: { client: 'nobody' }, expect: {} }));
      await tested({ update: true, filter: 'refused' });
      expect(JSON.parse(await readFile(file, 'utf8'))).to.have.nested.property('expect.outcome', 'client-unknown');
    });
  });

  it('of the demo shows each of the five flows, and holds', async () => {
    const lines: string[] = [];
    const code = await testCases([join(import.meta.dirname, '../../scripts-examples/demo')], {}, (line) =>
      lines.push(line),
    );
    expect(code, lines.join('\n')).to.equal(0);
    expect(lines.length).to.be.greaterThan(12);
  });
});
