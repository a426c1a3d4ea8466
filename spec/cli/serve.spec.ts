/** What `sallyport serve` says when it starts, and when it cannot. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { copyTenants, freePort } from '../support/server.ts';

const main = join(import.meta.dirname, '../../tools/cli/main.ts');

describe('sallyport serve', function () {
  this.timeout(60_000);
  let data: string;
  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), 'sallyport-serve-'));
  });
  afterEach(() => rm(data, { recursive: true, force: true }));

  /** Runs the command until it ends, or until it has greeted, and answers what it wrote. */
  function serve(
    environment: Record<string, string>,
  ): Promise<{ readonly code: number | null; readonly text: string }> {
    const child = spawn(process.execPath, [main, 'serve'], {
      env: { PATH: process.env['PATH'], SALLYPORT_DATA: data, LOG_LEVEL: 'error', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    const hear = (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('secret is in')) child.kill('SIGTERM');
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    return new Promise((resolve) => child.once('exit', (code) => resolve({ code, text: text.trim() })));
  }

  async function listen(port: number): Promise<Server> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return server;
  }

  it('says in one sentence that its port is taken', async () => {
    const port = await freePort();
    const other = await listen(port);
    const { code, text } = await serve({ PORT: String(port) });
    other.close();
    expect(code).to.equal(1);
    expect(text).to.equal(
      `Sallyport cannot start. Port ${port} of 127.0.0.1 is in use. Stop what listens there, or set PORT.`,
    );
  });

  it('says in one sentence that another process has its data', async () => {
    // A lock without a time of birth holds as long as a process of its number lives: this one.
    await writeFile(join(data, 'postgres.lock'), `${process.pid} \n`);
    const { code, text } = await serve({ PORT: String(await freePort()) });
    expect(code).to.equal(1);
    expect(text).to.match(/^Sallyport cannot start\. The data folder is in use by process \d+\. .*DATABASE_URL.*$/);
  });

  it('says in one sentence that its database is away, and keeps the password to itself', async () => {
    const { code, text } = await serve({
      PORT: String(await freePort()),
      DATABASE_URL: 'postgres://someone:hunter2@127.0.0.1:1/none',
    });
    expect(code).to.equal(1);
    expect(text).to.match(/^Sallyport cannot start\. The database could not be prepared: .*$/);
    expect(text).not.to.contain('hunter2');
  });

  it('tells which tenants are not reached at its port', async () => {
    const port = await freePort();
    const { code, text } = await serve({ PORT: String(port) });
    expect(code).to.equal(0);
    expect(text).to.contain(`at http://localhost:${port}`);
    expect(text.match(/no server listens there/g)).to.have.length(2);
  });

  it('tells nothing of that where the issuers name its port', async () => {
    const port = await freePort();
    const config = await copyTenants(`http://localhost:${port}`);
    const { code, text } = await serve({ PORT: String(port), SALLYPORT_CONFIG: config });
    await rm(config, { recursive: true, force: true });
    expect(code).to.equal(0);
    expect(text).to.contain(`http://localhost:${port}/demo`);
    expect(text).not.to.contain('no server listens there');
  });
});
