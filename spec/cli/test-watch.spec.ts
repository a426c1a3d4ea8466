/** `npx sallyport test --watch`: on each save the cases that it concerns, and no others. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { testCases } from '../../tools/cli/test.ts';
import { folderOf, tenantDocument } from './support.ts';
import { tenant } from './test-command-support.ts';

const callbacks = (claim: string) => `function onTokenGenerating(theUserSession, theDetails) {
  theDetails.addAccessTokenClaim('ward', '${claim}');
}
`;
const client = (clientId: string) => ({
  clientId,
  clientName: clientId,
  tokenEndpointAuthMethods: ['client_secret_basic'],
  secrets: [{ value: { env: 'A_SECRET' } }],
  grantTypes: ['client_credentials'],
  scopes: ['system/Patient.rs'],
});
const document = {
  scripts: { callbacks: 'callbacks.js', bound: [{ id: 'other', script: 'other.js', clients: ['other'] }] },
  clients: [client('service'), client('other')],
};

describe('sallyport test --watch', function () {
  this.timeout(60_000);
  let folder: Awaited<ReturnType<typeof folderOf>>;
  let end: () => void;
  let code: Promise<number>;
  let lines: string[] = [];
  const times: number[] = [];
  const save = (file: string, content: unknown) =>
    writeFile(join(folder.path, file), typeof content === 'string' ? content : JSON.stringify(content));

  /** What is told from now on until it waits again. */
  async function told(change: () => Promise<unknown>): Promise<readonly string[]> {
    lines = [];
    await change();
    for (let attempt = 0; attempt < 500; attempt += 1) {
      const last = lines.find((line) => line.includes('waiting for changes'));
      if (last !== undefined) {
        times.push(Number(/again after (\d+) ms/.exec(last)?.[1] ?? Infinity));
        return lines;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`nothing ran again: ${lines.join('\n')}`);
  }

  before(async () => {
    folder = await folderOf({
      ...tenant(
        'one',
        callbacks('A'),
        [{ name: 'of the callbacks', expect: { effect: { accessTokenClaims: { ward: 'A' } } } }],
        document,
      ),
      'one/other.js': callbacks('A'),
      'one/cases/other.case.json': { name: 'of the other', slot: 'bound/other', hook: 'onTokenGenerating', expect: {} },
      'one/cases/whole.case.json': {
        name: 'of a flow',
        given: { flow: 'client-credentials' },
        expect: { claims: { ward: 'A' } },
      },
      ...tenant('two', callbacks('B'), [{ name: 'of a neighbour' }]),
    });
    const ended = new Promise<void>((resolve) => (end = resolve));
    const first = await told(async () => {
      code = testCases([folder.path], { watch: true }, (line) => lines.push(line), ended);
    });
    expect(
      first.filter((line) => line.startsWith('ok')),
      first.join('\n'),
    ).to.have.length(4);
    expect(first).to.include('4 passed, 0 failed');
  });
  after(async () => {
    end();
    await code;
    await folder.remove();
  });

  const names = (all: readonly string[]) =>
    all.filter((line) => /^(ok|FAILED) /.test(line)).map((line) => line.replace(/\s+/g, ' '));

  it('runs again the cases of a callback that was saved, and those of flows', async () => {
    const after = await told(() => save('one/callbacks.js', callbacks('C')));
    expect(names(after)).to.deep.equal(['FAILED one: of the callbacks', 'FAILED one: of a flow']);
    expect(after).to.include('2 passed, 2 failed; 2 of them ran again');
  });

  it('runs a case alone that was saved, and none where nothing is other', async () => {
    const other = {
      name: 'of the other',
      slot: 'bound/other',
      hook: 'onTokenGenerating',
      expect: { outcome: 'denied' },
    };
    expect(names(await told(() => save('one/cases/other.case.json', other)))).to.deep.equal([
      'FAILED one: of the other',
    ]);
    const same = await told(() => save('one/cases/other.case.json', other));
    expect(names(same)).to.deep.equal([]);
    expect(same).to.include('1 passed, 3 failed; 0 of them ran again');
  });

  it('runs all of a tenant whose document was saved, and no neighbour', async () => {
    const after = await told(() =>
      save('one/tenant.json', tenantDocument('one', { ...document, environment: { A: 'b' } })),
    );
    expect(names(after))
      .to.have.length(3)
      .and.to.satisfy((all: string[]) => all.every((line) => line.includes('one:')));
  });

  it('goes on where the files are wrong meanwhile', async () => {
    const wrong = await told(() => save('one/callbacks.js', 'function onTokenGenerating( {'));
    expect(wrong.find((line) => line.startsWith('error'))).to.match(/one\/callbacks\.js:1:\d+: Unexpected token/);
    const mended = await told(() => save('one/callbacks.js', callbacks('A')));
    expect(names(mended)).to.include('ok one: of the callbacks').and.not.to.include('ok two: of a neighbour');
  });

  it('knows new cases and forgets those that are gone, and ends with what was found last', async () => {
    const added = await told(() =>
      save('two/cases/new.case.json', { name: 'new', hook: 'onTokenGenerating', expect: {} }),
    );
    expect(names(added)).to.deep.equal(['ok two: new']);
    const gone = await told(() => rm(join(folder.path, 'one/cases/other.case.json')));
    expect(gone).to.include('4 passed, 0 failed; 0 of them ran again');
    end();
    expect(await code).to.equal(0);
  });

  it('does not keep who saves waiting', () => {
    // Any one of them may have met a busy machine.
    expect(Math.min(...times), times.join(', ')).to.be.below(300);
  });

  it('tells no other form than lines', async () => {
    const told: string[] = [];
    expect(
      await testCases(['scripts-examples/demo'], { watch: true, reporter: 'tap' }, (line) => told.push(line)),
    ).to.equal(2);
    expect(told.join()).to.include('--watch tells lines');
  });
});
