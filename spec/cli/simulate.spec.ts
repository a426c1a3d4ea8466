/** `npx sallyport simulate`: what a tester and a script author read off it. */
import { spawn } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { Command } from 'commander';
import { addSimulateCommand } from '../../tools/cli/simulate.ts';
import { testCases, type TestOptions } from '../../tools/cli/test.ts';
import { hospital } from '../simulator/support.ts';
import { folderOf, type Outcome, program, sallyport } from './support.ts';
import { inherited } from '../support/environment.ts';

const callbacks = `function onTokenGenerating(theUserSession, theDetails) {
  theDetails.addAccessTokenClaim('ward', 'north');
  if (theDetails.clientId === 'app' && theUserSession.username === 'nobody-knows') throw new Error('x');
  Log.info('a token');
}
`;

/** The command without a process of its own, which takes seconds to start. */
async function inProcess(args: readonly string[]): Promise<Outcome> {
  const lines: string[] = [];
  let code: number | null = null;
  const command = new Command().exitOverride();
  addSimulateCommand(
    command,
    (text) => lines.push(...text.split('\n').filter((line) => line !== '')),
    (ended) => void (code = ended),
  );
  await command.parseAsync(['simulate', ...args], { from: 'user' });
  return { code, output: lines.join('\n'), lines };
}

async function tested(paths: readonly string[], options: TestOptions = {}): Promise<Outcome> {
  const lines: string[] = [];
  const code = await testCases(paths, options, (line) => lines.push(line));
  return { code, output: lines.join('\n'), lines };
}

describe('sallyport simulate', function () {
  this.timeout(120_000);
  let folder: Awaited<ReturnType<typeof folderOf>>;
  before(async () => {
    folder = await folderOf({
      ...hospital(callbacks),
      'input.json': { session: null, request: { clientId: 'service' } },
    });
  });
  after(() => folder.remove());
  const simulate = (...args: readonly string[]) => inProcess([folder.path, ...args]);

  it('shows the path, each callback with its change and log, the tokens, and ends with 0', async () => {
    const { code, output, lines } = await sallyport(['simulate', folder.path]);
    expect(code, output).to.equal(0);
    expect(lines[0]).to.equal('hospital, interactive, app app, person jane');
    expect(output).to.match(/^\* token generating +continue +\d+\.\d ms$/m);
    expect(output).to.match(
      /^ +onTokenGenerating in callbacks\.js CPU \d+\.\d ms, wall \d+\.\d ms, heap \d+\.\d MiB$/m,
    );
    expect(output).to.include('+ /grant/accessTokenClaims/ward "north"').and.to.include('info: a token');
    expect(output).to.match(/Access token \(at\+jwt, RS256\)\n {2}\{/);
    expect(output)
      .to.include('page consent')
      .and.to.match(/Success in \d+\.\d ms/);
    // No terminal, no colours; no token as a whole.
    // oxlint-disable-next-line no-control-regex
    expect(output).not.to.match(/\u001b\[/);
    expect(output).not.to.match(/eyJ[\w-]{40}/);
  });

  it('ends with 1 where the flow is refused, and says why', async () => {
    const declined = await simulate('--decide', 'consent=decline');
    expect(declined.code).to.equal(1);
    expect(declined.output).to.include('Refused: consent-denied').and.to.include('"error": "access_denied"');
    const wrong = await simulate('--flow', 'client-credentials', '--wrong-credentials');
    expect(wrong.code).to.equal(1);
    expect(wrong.output).to.include('The secret is wrong');
  });

  it('ends with 2 where the command is wrong', async () => {
    for (const [args, sentence] of [
      [['--flow', 'implicit'], 'at /given/flow: found "implicit", expected one of interactive'],
      [['--decide', 'consnt=decline'], 'did you mean "consent"?'],
      [['--decide', 'consent'], '--decide takes a state and a word'],
      [['--given', 'no/such.json'], 'The file no/such.json cannot be read.'],
      [['--claims', '{'], '--claims takes a JSON object'],
      [['--tenant', 'clinic'], 'Name one with --tenant: hospital.'],
      [['--hook', 'onTokenGenerated'], 'did you mean "onTokenGenerating"?'],
    ] as const) {
      const { code, output } = await simulate(...args);
      expect(code, output).to.equal(2);
      expect(output).to.include(sentence);
    }
    expect((await inProcess(['no/such/folder'])).code).to.equal(2);
    const { code, output } = await sallyport(['simulate', folder.path, '--flw', 'codap']);
    expect({ code, output }).to.deep.equal({
      code: 2,
      output: "error: unknown option '--flw'\n(Did you mean --flow?)\n",
    });
  });

  it('--json is the whole run, for programs', async () => {
    const { code, output } = await simulate('--flow', 'client-credentials', '--json');
    expect(code).to.equal(0);
    const run = JSON.parse(output) as { outcome: string; claims: object; path: { hook?: { logs: object[] } }[] };
    expect(run.outcome).to.equal('success');
    expect(run.claims).to.include({ ward: 'north', sub: 'service' });
    expect(run.path.find(({ hook }) => hook)?.hook?.logs).to.deep.equal([{ level: 'info', message: 'a token' }]);
  });

  it('--hook runs one callback with an input, and shows where it fails', async () => {
    const fine = await simulate('--hook', 'onTokenGenerating', '--input', join(folder.path, 'input.json'));
    expect(fine.code, fine.output).to.equal(0);
    expect(fine.output).to.include('+ /accessTokenClaims/ward "north"').and.to.include('Outcome: ok');

    const broken = { ...hospital('') };
    const other = await folderOf({
      ...broken,
      'callbacks.js': `function onTokenGenerating(a, details) {\n  details.nothing.here();\n}\n`,
    });
    const { code, output } = await inProcess([other.path, '--hook', 'onTokenGenerating']);
    await other.remove();
    expect(code).to.equal(1);
    expect(output).to.include('at callbacks.js:2:').and.to.include('> 2 |   details.nothing.here();');
  });

  it('--pages writes what the person sees, in the skin of the tenant', async () => {
    const pages = join(folder.path, 'pages');
    await simulate('--pages', pages);
    const files = (await readdir(pages)).sort();
    expect(files).to.deep.equal(['1-login.html', '2-consent.html']);
    expect(await readFile(join(pages, '2-consent.html'), 'utf8')).to.include('Jane');
  });

  it('--save makes a case that `sallyport test` finds to hold, until the script changes', async () => {
    const file = join(folder.path, 'cases', 'a-token.case.json');
    const saved = await simulate('--save', file);
    expect(saved.code, saved.output).to.equal(0);
    const document = JSON.parse(await readFile(file, 'utf8')) as { expect: { claims: Record<string, unknown> } };
    expect(document.expect.claims).to.deep.include({ ward: 'north', jti: { $type: 'string' } });
    const holds = await tested([folder.path]);
    expect(holds.lines).to.deep.equal(['ok     hospital: a token', '1 passed, 0 failed']);

    const script = join(folder.path, 'callbacks.js');
    await writeFile(script, callbacks.replace("'north'", "'south'"));
    const fails = await tested([file]);
    expect(fails.code).to.equal(1);
    expect(fails.output).to.include('claims /ward: expected "north", found "south"');
    const updated = await tested([file], { update: true });
    expect(updated.code, updated.output).to.equal(0);
    const after = JSON.parse(await readFile(file, 'utf8')) as typeof document;
    expect(after).to.deep.equal({
      ...document,
      expect: { ...document.expect, claims: { ...document.expect.claims, ward: 'south' } },
    });
    await writeFile(script, callbacks);
  });

  it('--watch runs again when a file is saved', async () => {
    const child = spawn(
      process.execPath,
      [program, 'simulate', folder.path, '--flow', 'client-credentials', '--watch'],
      {
        env: { ...inherited },
      },
    );
    let output = '';
    const seen = async (text: string) => {
      while (!output.includes(text)) await new Promise((resolve) => child.stdout.once('data', resolve));
    };
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    try {
      await seen('waiting for changes');
      await writeFile(join(folder.path, 'callbacks.js'), callbacks.replace("'north'", "'west'"));
      await seen('/grant/accessTokenClaims/ward "west"');
      await seen('again after');
      await writeFile(join(folder.path, 'callbacks.js'), 'function onTokenGenerating( {');
      await seen('callbacks.js:1:');
      await writeFile(join(folder.path, 'callbacks.js'), callbacks.replace("'north'", "'east'"));
      await seen('ward "east"');
    } finally {
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('close', resolve));
      await writeFile(join(folder.path, 'callbacks.js'), callbacks);
    }
  });
});
