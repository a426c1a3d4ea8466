/** Whatever is done below a folder is told, also after folders were replaced. */
import { appendFile, cp, mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type TreeWatcher, watchTree } from '../../engine/tenant/watch-tree.ts';

describe('watching a folder', function () {
  this.timeout(120_000);
  let base: string;
  let root: string;
  let watcher: TreeWatcher | undefined;
  let told = 0;
  const failures: string[] = [];
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'sallyport-watch-'));
    root = join(base, 'tenants');
    await mkdir(join(root, 'demo/keys'), { recursive: true });
    await writeFile(join(root, 'demo/a.js'), '1');
    failures.length = 0;
    watcher = await watchTree(
      root,
      async () => (told += 1),
      (reason) => failures.push(reason),
    );
  });
  afterEach(async () => {
    watcher?.close();
    await rm(base, { recursive: true, force: true });
  });
  const at = (name: string) => join(root, name);

  /** Does something and waits until it was told; what was begun before is told before. */
  async function tells(what: string, act: () => Promise<unknown>): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 400));
    const before = told;
    await act();
    for (let attempt = 0; attempt < 200; attempt += 1) {
      if (told > before) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`nothing was told: ${what}`);
  }
  const replace = async (name: string, content: string) => {
    await writeFile(at(`${name}.draft`), content);
    await rename(at(`${name}.draft`), at(name));
  };

  it('tells of files that are written, replaced, removed and made again', async () => {
    await tells('written', () => appendFile(at('demo/a.js'), '2'));
    await tells('replaced', () => replace('demo/a.js', '3'));
    await tells('written after that', () => appendFile(at('demo/a.js'), '4'));
    await tells('removed', () => unlink(at('demo/a.js')));
    await tells('made again', () => replace('demo/a.js', '5'));
    await tells('replaced after that', () => replace('demo/a.js', '6'));
    await tells('one further in', () => writeFile(at('demo/keys/k.json'), '{}'));
  });

  it('tells of folders that are made, removed and made again, and of files within', async () => {
    await tells('made', () => mkdir(at('new/deep'), { recursive: true }));
    await tells('a file within', () => writeFile(at('new/deep/a'), '1'));
    await tells('removed', () => rm(at('new'), { recursive: true }));
    await tells('made again', () => mkdir(at('new/deep'), { recursive: true }));
    await tells('a file within again', () => writeFile(at('new/deep/a'), '1'));
  });

  it('tells of files in a folder that took the place of another', async () => {
    await cp(at('demo'), join(base, 'next'), { recursive: true });
    await tells('replaced', async () => {
      await rename(at('demo'), join(base, 'before'));
      await rename(join(base, 'next'), at('demo'));
    });
    await tells('a file within', () => appendFile(at('demo/a.js'), '2'));
    await tells('a file further in', () => writeFile(at('demo/keys/k.json'), '{}'));
  });

  it('tells of files in a root that took the place of another, and of one that was away', async () => {
    await cp(root, join(base, 'next'), { recursive: true });
    await tells('replaced', async () => {
      await rename(root, join(base, 'before'));
      await rename(join(base, 'next'), root);
    });
    await tells('a file within', () => appendFile(at('demo/a.js'), '2'));
    await rename(root, join(base, 'away'));
    await new Promise((resolve) => setTimeout(resolve, 400));
    await mkdir(at('demo'), { recursive: true });
    await tells('a file in the new root', () => writeFile(at('demo/a.js'), '3'));
  });

  it('follows links, and goes round in no circle', async () => {
    await mkdir(join(base, 'real'));
    await tells('a link', () => symlink(join(base, 'real'), at('linked')));
    await tells('a file behind it', () => writeFile(join(base, 'real/a'), '1'));
    await tells('a circle', () => symlink(root, at('demo/circle')));
    await tells('a file after that', () => appendFile(at('demo/a.js'), '2'));
    expect(failures).to.deep.equal([]);
  });

  it('tells many changes at once a few times, and nothing once it is closed', async () => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    const before = told;
    await tells('the first of many', async () => {
      for (let each = 0; each < 50; each += 1) await writeFile(at(`demo/${each}.js`), '1');
    });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(told - before).to.be.below(15);
    watcher?.close();
    const after = told;
    await writeFile(at('demo/a.js'), '9');
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(told).to.equal(after);
  });
});
