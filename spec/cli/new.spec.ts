/** The first ten minutes of docs/writing-callbacks.md: a new tenant is sound, typed, tested and served. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { basic, postForm } from '../support/oauth.ts';
import { startTestServer } from '../support/server.ts';
import { inherited } from '../support/environment.ts';

const root = join(import.meta.dirname, '../..');
const cli = (...args: string[]) => {
  const { status, stdout } = spawnSync(process.execPath, [join(root, 'tools/cli/main.ts'), ...args], {
    encoding: 'utf8',
    env: { ...inherited },
  });
  return { status, stdout };
};

describe('sallyport new', function () {
  this.timeout(60_000);
  let parent: string;
  let folder: string;
  before(async () => {
    parent = await mkdtemp(join(tmpdir(), 'sallyport-new-'));
    folder = join(parent, 'hospital');
    expect(cli('new', folder)).to.have.property('status', 0);
  });
  after(() => rm(parent, { recursive: true }));

  it('makes a tenant that is sound, whose case holds and whose types are right', () => {
    const checked = cli('check', folder);
    expect(checked.stdout)
      .to.match(/^ok +hospital/m)
      .and.not.to.match(/warning|error/);
    expect(cli('test', folder)).to.deep.include({ status: 0 });
    const types = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], {
      encoding: 'utf8',
    });
    expect([types.status, types.stdout]).to.deep.equal([0, '']);
  });

  it('lets an editor find a wrong name, and its case find a wrong claim', async () => {
    const file = join(folder, 'callbacks.ts');
    const before = await readFile(file, 'utf8');
    await writeFile(file, before.replace('getEnv(', 'getEnvironment(').replace("'department'", "'ward'"));
    const types = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], {
      encoding: 'utf8',
    });
    expect(types.stdout).to.match(/callbacks\.ts\(5,\d+\): error TS2\d+: .*getEnvironment/);
    await writeFile(file, before.replace("'department'", "'ward'"));
    const tested = cli('test', folder);
    expect(tested.status).to.equal(1);
    expect(tested.stdout).to.include('effect /accessTokenClaims/department: expected "cardiology", found nothing');
    await writeFile(file, before);
  });

  it('is served, and its callback marks a token', async () => {
    const server = await startTestServer({
      async prepare(config, url) {
        for (const entry of await readdir(config)) await rm(join(config, entry), { recursive: true });
        cli('new', join(config, 'hospital'));
        const file = join(config, 'hospital/tenant.json');
        await writeFile(file, (await readFile(file, 'utf8')).replaceAll('http://localhost:9200', url));
      },
    });
    try {
      const { body } = await postForm(
        `${server.url}/hospital/oauth/token`,
        { grant_type: 'client_credentials' },
        basic('my-service', 'my-service-secret'),
      );
      expect(decodeJwt(String(body['access_token']))).to.include({ department: 'cardiology', scope: 'system/*.rs' });
    } finally {
      await server.close();
    }
  });

  it('refuses a folder that holds something, and a name that is none', async () => {
    const again = cli('new', folder);
    expect(again.status).to.equal(1);
    expect(again.stdout).to.include('holds files already');
    expect(cli('new', join(parent, 'not a name')).status).to.equal(1);
    expect(await readdir(parent)).to.deep.equal(['hospital']);
  });
});
