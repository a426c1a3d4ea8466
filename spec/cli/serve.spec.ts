/** What `sallyport serve` says of tenants that its port does not reach. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { copyTenants, freePort } from '../support/server.ts';
import { serving } from './support.ts';

describe('sallyport serve, at another port than the issuers name', function () {
  this.timeout(60_000);
  let data: string;
  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), 'sallyport-serve-'));
  });
  afterEach(() => rm(data, { recursive: true, force: true }));

  /** What the command writes until it has said all of it. */
  async function greeting(environment: Record<string, string>): Promise<string> {
    const server = await serving({ SALLYPORT_DATA: data, LOG_LEVEL: 'error', ...environment });
    while (!server.output().includes('secret is in')) await new Promise((resolve) => setTimeout(resolve, 20));
    await server.end();
    return server.output();
  }

  it('tells which tenants are not reached there', async () => {
    const port = await freePort();
    const text = await greeting({ PORT: String(port) });
    expect(text).to.contain(`at http://localhost:${port}`);
    expect(text.match(/not at this port/g)).to.have.length(2);
    expect(text).not.to.contain('start the sample app');
    expect(text).to.contain('The demo answers only at http://localhost:9200').and.contain('Start with PORT=9200.');
  });

  it('warns at the start of sample terms that people who are no demo users are asked to accept, and of nothing else', async () => {
    const port = await freePort();
    const config = await copyTenants(`http://localhost:${port}`);
    const file = join(config, 'partner/tenant.json');
    const { id, name, issuer, keystore } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    const started = async (more: object) => {
      await writeFile(file, JSON.stringify({ id, name, issuer, keystore, ...more }));
      return greeting({ PORT: String(port), SALLYPORT_CONFIG: config, LOG_LEVEL: 'warn' });
    };
    const warning = /partner\/tenant\.json at \/termsOfService: found no text/;
    expect(await started({ termsOfService: { version: '1' } })).to.match(warning);
    const text = await started({ termsOfService: { version: '1', text: 'Ours.' } });
    expect(text).not.to.match(warning);
    await rm(config, { recursive: true, force: true });
    // This issuer names the port, of which nothing is to be told either.
    expect(text).to.contain(`http://localhost:${port}/demo`);
    expect(text).not.to.contain('not at this port');
    expect(text).to.contain(`Open http://localhost:${port}/ and start the sample app`);
  });
});
