/** `npx sallyport import smilecdr` as a person types it. */
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { sallyport } from '../cli/support.ts';
import { meadow, type Node, secretsOfMeadow, variablesOfMeadow } from './support.ts';

describe('sallyport import smilecdr', function () {
  this.timeout(120_000);
  let node: Node;
  before(async () => {
    node = await meadow();
  });
  after(() => node.remove());

  const environment = { BASE_URL: 'http://localhost:9200' };
  const command = (...more: readonly string[]) => [
    'import',
    'smilecdr',
    join(node.path, 'cdr-config-Master.properties'),
    '--into',
    node.into,
    ...more,
  ];

  it('refuses with every reason, exit code 1, and writes nothing', async () => {
    const { code, output, lines } = await sallyport(command());
    expect(code).to.equal(1);
    expect(lines[0]).to.match(/^Nothing was written: \d+ reasons\.$/);
    for (const place of ['smart_auth.config.issuer.url', 'orchard_auth.config.issuer.url', '/servers/0/issuer'])
      expect(output, place).to.match(new RegExp(`${place}: It refers to the environment variable BASE_URL`));
    for (const secret of secretsOfMeadow) expect(output).not.to.include(secret);
    expect(
      await access(node.into).then(
        () => 'there',
        () => 'nothing',
      ),
    ).to.equal('nothing');
  });

  const wrong: readonly (readonly [what: string, args: () => readonly string[], says: string])[] = [
    ['no folder', () => command().slice(0, 3), '--into'],
    ['no files', () => ['import', 'smilecdr', '--into', node.into], 'files'],
    ['a system property without a value', () => command('--property', 'partner.secret'), 'name=value'],
    ['another server', () => ['import', 'keycloak', 'x', '--into', node.into], 'keycloak'],
    ['an unknown option', () => command('--fast'), '--fast'],
  ];
  for (const [what, args, says] of wrong) {
    it(`ends with 2 for ${what}`, async () => {
      const { code, output } = await sallyport(args(), { environment });
      expect(code, output).to.equal(2);
      expect(output).to.include(says);
    });
  }

  it('prints the report it writes, says what comes next, and that passes', async () => {
    const { code, output } = await sallyport(command('--property', 'partner.secret=partner-demo-secret'), {
      environment,
    });
    expect(code, output).to.equal(0);
    expect(output).to.include(await readFile(join(node.into, 'import-report.md'), 'utf8'));
    expect(output).to.include(`Next: npx sallyport check ${node.into}`);
    for (const secret of secretsOfMeadow) expect(output).not.to.include(secret);
    const checked = await sallyport(['check', node.into], { environment: variablesOfMeadow });
    expect(checked.code, checked.output).to.equal(0);
    expect(checked.output)
      .to.match(/^ok +smart_auth/m)
      .and.to.match(/^ok +orchard_auth/m);
    const unset = await sallyport(['check', node.into]);
    expect(unset.code).to.equal(1);
    expect(unset.output).to.include('MEADOW_MASKED_SECRET');
  });

  it('writes over the folder only by force', async () => {
    const again = command('--property', 'partner.secret=partner-demo-secret');
    const refused = await sallyport(again, { environment });
    expect([refused.code, refused.output.includes('--force')]).to.deep.equal([1, true]);
    expect((await sallyport([...again, '--force'], { environment })).code).to.equal(0);
  });
});
