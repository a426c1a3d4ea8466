import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openStore, type StoreOptions } from '../../engine/store/open.ts';
import { sharedPostgres } from '../support/databases.ts';
import { placeStore } from '../support/embedded-store.ts';

async function failure(options: StoreOptions): Promise<unknown> {
  return openStore(options).then(
    (store) => store.close().then(() => undefined),
    (error: unknown) => error,
  );
}

describe('opening the store', function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-open-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('needs a place', async () => {
    expect(await failure({})).to.include({ code: 'store-unconfigured' });
  });

  it('says when PostgreSQL cannot be reached, and does not tell the password', async () => {
    const error = await failure({ databaseUrl: 'postgres://someone:hunter2@127.0.0.1:1/none' });
    expect(error).to.include({ code: 'store-unavailable' });
    expect(String(error)).to.not.contain('hunter2');
  });

  it('keeps a second opener of one folder out, until the first one closes', async () => {
    await placeStore(folder);
    const warnings: string[] = [];
    const logger = { info() {}, warn: (message: string) => warnings.push(message) };
    const first = await openStore({ dataFolder: folder, logger });
    expect(warnings.join()).to.contain('DATABASE_URL');
    expect(await failure({ dataFolder: folder })).to.include({ code: 'store-locked' });
    await first.close();
    await first.close();
    const second = await openStore({ dataFolder: folder });
    await second.close();
    expect(await readdir(folder)).to.deep.equal(['postgres']);
  });

  it("keeps the machine's other users out of the embedded database, also of one that they could read before", async () => {
    const database = join(folder, 'postgres');
    const mode = async () => ((await stat(database)).mode & 0o777).toString(8);
    await (await openStore({ dataFolder: folder })).close();
    expect(await mode()).to.equal('700');
    await chmod(database, 0o755);
    await (await openStore({ dataFolder: folder })).close();
    expect(await mode()).to.equal('700');
  });

  it('respects the lock of a living process and takes over that of a dead one', async () => {
    await placeStore(folder);
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(child, 'spawn');
    await mkdir(folder, { recursive: true });
    const lock = join(folder, 'postgres.lock');
    await writeFile(lock, `${child.pid}\n`);
    const error = await failure({ dataFolder: folder });
    expect(error).to.include({ code: 'store-locked' });
    expect(String(error)).to.contain(String(child.pid));
    expect(await readFile(lock, 'utf8')).to.equal(`${child.pid}\n`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = await openStore({ dataFolder: folder });
    expect(await failure({ dataFolder: folder })).to.include({ code: 'store-locked' });
    await store.close();
  });

  it('loses no acknowledged token when its process is killed', async () => {
    await placeStore(folder);
    const script = new URL('../support/save-token.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [script, folder, 'survivor'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = await once(child.stdout, 'data');
    expect(String(said)).to.equal('saved\n');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = await openStore({ dataFolder: folder });
    expect(await store.tokens.find('a', 'survivor')).to.include({ hash: 'survivor' });
    await store.close();
  });

  it('lets nodes start together on one empty PostgreSQL and share it', async () => {
    const databaseUrl = await (await sharedPostgres()).url('together');
    const stores = await Promise.all([1, 2, 3].map(() => openStore({ databaseUrl })));
    await stores[0]?.setSetting('shared', 'yes');
    expect(await stores[2]?.setting('shared')).to.equal('yes');
    await Promise.all(stores.map((store) => store.close()));
  });

  it('rejects calls after closing instead of hanging', async () => {
    await placeStore(folder);
    const store = await openStore({ dataFolder: folder });
    await store.close();
    const outcome = await store.ping().then(
      () => 'answered',
      () => 'rejected',
    );
    expect(outcome).to.equal('rejected');
  });
});
