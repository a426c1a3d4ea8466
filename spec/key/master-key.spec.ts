import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadMasterKey } from '../../engine/key/master-key.ts';

describe('master key', () => {
  let dataFolder: string;
  beforeEach(async () => {
    dataFolder = await mkdtemp(join(tmpdir(), 'sallyport-master-'));
  });
  afterEach(() => rm(dataFolder, { recursive: true, force: true }));

  const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => index * 7));

  it('reads hex and base64url, with the line end of a file', async () => {
    expect(await loadMasterKey({ value: bytes.toString('hex'), dataFolder })).to.deep.equal(bytes);
    expect(await loadMasterKey({ value: `${bytes.toString('base64url')}\n`, dataFolder })).to.deep.equal(bytes);
  });

  it('derives 32 bytes from a passphrase, always the same', async () => {
    const value = 'a passphrase that is long enough to count';
    const key = await loadMasterKey({ value, dataFolder });
    expect(key).to.have.length(32);
    expect(await loadMasterKey({ value, dataFolder })).to.deep.equal(key);
    expect(await loadMasterKey({ value: `${value}!`, dataFolder })).to.not.deep.equal(key);
  });

  for (const value of ['', 'abc', 'x'.repeat(31)]) {
    it(`refuses a text of ${value.length} characters without repeating it`, async () => {
      const error = await loadMasterKey({ value, dataFolder }).catch((reason: unknown) => reason);
      expect(error).to.include({ code: 'master-key-malformed' });
      if (value !== '') expect(String(error)).to.not.contain(value);
    });
  }

  it('generates a file once, for its owner only, also when asked twice at once', async () => {
    const folder = join(dataFolder, 'new');
    const keys = await Promise.all([1, 2, 3].map(() => loadMasterKey({ dataFolder: folder })));
    expect(keys[1]).to.deep.equal(keys[0]);
    expect(keys[2]).to.deep.equal(keys[0]);
    expect(await loadMasterKey({ dataFolder: folder })).to.deep.equal(keys[0]);
    expect((await stat(join(folder, 'master.key'))).mode & 0o777).to.equal(0o600);
    expect((await readFile(join(folder, 'master.key'), 'utf8')).trim()).to.have.length(43);
  });

  it('refuses a damaged file instead of replacing it', async () => {
    await writeFile(join(dataFolder, 'master.key'), '');
    const error = await loadMasterKey({ dataFolder }).catch((reason: unknown) => reason);
    expect(error).to.include({ code: 'master-key-malformed' });
    expect(await readFile(join(dataFolder, 'master.key'), 'utf8')).to.equal('');
  });
});
