/** What the pages point at is there: files, headings, commands, calls, packages. */
import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { expect } from 'chai';
import { Command } from 'commander';
import { routes } from '../../engine/admin/routes.ts';
import { addRemoteCommands } from '../../tools/cli/remote/commands.ts';

const root = resolve(import.meta.dirname, '../..');

/** README, CHANGELOG, everything in docs/, and the README of every example. */
async function pages(): Promise<readonly string[]> {
  const within = async (folder: string) =>
    (await readdir(join(root, folder), { recursive: true })).map((file) => join(root, folder, file));
  const documents = (await within('docs')).filter((file) => file.endsWith('.md'));
  const examples = (await within('scripts-examples')).filter((file) => file.endsWith('README.md'));
  return [join(root, 'README.md'), join(root, 'CHANGELOG.md'), ...documents, ...examples].sort();
}

/** Without code, in which brackets are no links and a hash is no heading. */
function prose(text: string): string {
  return text.replace(/^(`{3,})[\s\S]*?^\1`*$/gm, '').replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, '_'));
}

interface Link {
  readonly target: string;
  readonly anchor: string | undefined;
}

/** The links to files, not those to other hosts. */
function linksOf(text: string): readonly Link[] {
  return [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, address = '']) => {
    if (/^[a-z]+:/i.test(address)) return [];
    const [target = '', anchor] = address.split('#');
    return [{ target, anchor }];
  });
}

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(text: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const anchors = [...text.replace(/^(`{3,})[\s\S]*?^\1`*$/gm, '').matchAll(/^#{1,6}\s+(.+?)\s*$/gm)].map(
    ([, heading = '']) => {
      const name = heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replace(/`/g, '')
        .toLowerCase()
        .replace(/[^\p{Letter}\p{Number} _-]/gu, '')
        .replace(/ /g, '-');
      const count = seen.get(name) ?? 0;
      seen.set(name, count + 1);
      return count === 0 ? name : `${name}-${count}`;
    },
  );
  return new Set(anchors);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Commands as they stand in code: `npx sallyport client create …`, or several at once as `client|user`. */
function commandsOf(text: string): readonly string[] {
  return [...text.matchAll(/npx sallyport ([a-z][a-z|-]*)(?: ([a-z][a-z-]*))?/g)].flatMap(([, groups = '', name]) =>
    groups.split('|').map((group) => (name === undefined ? group : `${group} ${name}`)),
  );
}

/** The program's commands, each by its group and name. Those that are no calls of the admin API are read off their files. */
async function knownCommands(): Promise<{ readonly top: ReadonlySet<string>; readonly all: ReadonlySet<string> }> {
  const program = new Command();
  addRemoteCommands(program, () => undefined);
  const files = (await readdir(join(root, 'tools/cli'))).filter((file) => file.endsWith('.ts'));
  const sources = await Promise.all(files.map((file) => readFile(join(root, 'tools/cli', file), 'utf8')));
  const local = [...sources.join('\n').matchAll(/\.command\('([a-z]+)/g)].map(([, name = '']) => name);
  const groups = program.commands.flatMap((group) => group.commands.map((each) => `${group.name()} ${each.name()}`));
  const top = new Set([...local, ...program.commands.map((group) => group.name())]);
  return { top, all: new Set([...top, ...groups]) };
}

describe('the documentation', () => {
  it('leads to files and headings that are there', async () => {
    const wrong: string[] = [];
    let found = 0;
    for (const page of await pages()) {
      for (const { target, anchor } of linksOf(await readFile(page, 'utf8'))) {
        found += 1;
        const file = target === '' ? page : resolve(dirname(page), target);
        const link = `${relative(root, page)}: ${target}${anchor === undefined ? '' : `#${anchor}`}`;
        if (!(await exists(file))) wrong.push(`${link} is no file`);
        else if (relative(root, file).startsWith('..')) wrong.push(`${link} leads out of the project`);
        else if (anchor !== undefined && !anchorsOf(await readFile(file, 'utf8')).has(anchor))
          wrong.push(`${link} is no heading`);
      }
    }
    expect(wrong).to.deep.equal([]);
    expect(found).to.be.greaterThan(50);
  });

  it('names commands that the program has', async () => {
    const { top, all } = await knownCommands();
    const wrong: string[] = [];
    let found = 0;
    for (const page of await pages()) {
      for (const command of commandsOf(await readFile(page, 'utf8'))) {
        found += 1;
        const [group = ''] = command.split(' ');
        const isGroup = [...all].some((known) => known.startsWith(`${group} `));
        // What follows a command without subcommands is an argument.
        if (isGroup ? !all.has(command) : !top.has(group)) wrong.push(`${relative(root, page)}: ${command}`);
      }
    }
    expect(wrong).to.deep.equal([]);
    expect(found).to.be.greaterThan(30);
  });

  it('lists every page in its index', async () => {
    const index = linksOf(await readFile(join(root, 'docs/README.md'), 'utf8')).map(({ target }) => target);
    const all = (await readdir(join(root, 'docs'))).filter((file) => file.endsWith('.md') && file !== 'README.md');
    expect(index).to.include.members(all);
  });

  it('lists every call of the admin API with its command', async () => {
    const page = await readFile(join(root, 'docs/administration.md'), 'utf8');
    const missing = routes.flatMap(({ method, path, commands }) => {
      const row = page.split('\n').find((line) => line.includes(`\`${method} ${path}\``));
      const absent = commands.filter(({ name }) => !row?.includes(`\`${name}\``)).map(({ name }) => name);
      return row === undefined ? [`${method} ${path}`] : absent;
    });
    expect(missing).to.deep.equal([]);
  });

  it('gives a reason for every package', async () => {
    const page = await readFile(join(root, 'docs/dependencies.md'), 'utf8');
    const described = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Readonly<
      Record<string, Readonly<Record<string, string>>>
    >;
    const names = ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides'].flatMap((kind) =>
      Object.keys(described[kind] ?? {}),
    );
    expect(names.filter((name) => !page.includes(`\`${name}\``))).to.deep.equal([]);
    expect(names).to.include('fastify');
  });

  it('is read as this spec believes', () => {
    const text =
      '# A `b`: c/d\n\n```sh\n# no heading [no](link.md)\nnpx sallyport keys list\n```\n[x](y.md#z) `[n](o)` [w](https://e.example)\n# A b c d\n## A `b`: c/d\n';
    expect(linksOf(text)).to.deep.equal([{ target: 'y.md', anchor: 'z' }]);
    expect([...anchorsOf(text)]).to.deep.equal(['a-b-cd', 'a-b-c-d', 'a-b-cd-1']);
    expect(commandsOf(`${text} \`npx sallyport client|user list\``)).to.deep.equal([
      'keys list',
      'client list',
      'user list',
    ]);
  });
});
