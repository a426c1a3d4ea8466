/**
 * `npm test`: brings what the tests need beyond npm, checks types and style, runs every spec, ends with
 * `N passed, N failed`. Names of spec files after it run those alone.
 */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join, normalize, sep } from 'node:path';

const root = join(import.meta.dirname, '../..');

function run(command: string, args: readonly string[]): number {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

function end(passed: number, failed: number): never {
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exit(failed > 0 ? 1 : 0);
}

/** A program comes from Debian where it is missing and we may install it. */
function ensureProgram(path: string, packages: readonly string[]): boolean {
  const there = () => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  if (there()) return true;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    run('apt-get', ['update', '-qq']);
    run('env', [
      'DEBIAN_FRONTEND=noninteractive',
      // It is the tests that start a program, not its package.
      'RUNLEVEL=1',
      'apt-get',
      'install',
      '-y',
      '-qq',
      '--no-install-recommends',
      ...packages,
    ]);
  }
  return there();
}

// Hundreds of processes load the same files: what Node makes of one is kept for the next.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), `sallyport-compiled-${process.getuid?.() ?? 0}`);

if (
  !ensureProgram(process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium-headless-shell', ['chromium-headless-shell']) &&
  !ensureProgram('/usr/bin/chromium', ['chromium'])
) {
  process.stdout.write(
    'Chromium is missing: install the package chromium-headless-shell, or name the program in CHROMIUM_PATH\n',
  );
  end(0, 1);
}
if (!ensureProgram('/usr/sbin/slapd', ['slapd', 'ldap-utils', 'openssl'])) {
  process.stdout.write('OpenLDAP is missing: install the packages slapd, ldap-utils and openssl\n');
  end(0, 1);
}
/** The simulator's page is checked as what it is: code for browsers. */
const projects = ['.', 'tools/simulator/page'];
const compiler = join(root, 'node_modules/typescript/bin/tsc');
if (projects.some((project) => run(process.execPath, [compiler, '--noEmit', '-p', project]) !== 0)) {
  process.stdout.write('The types do not hold\n');
  end(0, 1);
}
const filter = process.argv.slice(2);
if (filter.length === 0 && run('npm', ['run', '--silent', 'lint']) !== 0) {
  process.stdout.write('The linter or the formatter objects\n');
  end(0, 1);
}
/** Slow groups first, so that none of them is left to run alone at the end. What is not named comes after these. */
const order = [
  'page',
  'simulator',
  'sandbox',
  'cli',
  'peers',
  'flows',
  'key',
  'oauth',
  'script',
  'import',
  'tenant',
  'script-api',
  'store',
  'examples',
];
/** They measure: nothing else may run beside them. */
const alone = ['bench'];

function rank(group: string): number {
  const place = order.indexOf(group);
  return alone.includes(group) ? order.length + 1 : place < 0 ? order.length : place;
}

/** Spec files by the folder of `spec/` they stand in. */
function groupsOf(files: readonly string[]): readonly (readonly string[])[] {
  const groups = new Map<string, string[]>();
  for (const file of files) {
    const group = file.split(sep)[1] ?? '';
    groups.set(group, [...(groups.get(group) ?? []), file]);
  }
  return [...groups].sort(([a], [b]) => rank(a) - rank(b)).map(([, names]) => names);
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** Runs files in a Mocha of their own. What it says is printed when it ends, so that groups do not mix. */
function runMocha(files: readonly string[]): Promise<Counts> {
  const arguments_ = [
    '--no-config',
    '--exit',
    '--timeout',
    '60000',
    '--reporter',
    join(root, 'tools/test/reporter.cjs'),
  ];
  const child = spawn(
    process.execPath,
    ['--no-node-snapshot', join(root, 'node_modules/mocha/bin/mocha.js'), ...arguments_, ...files],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  // As the engine's sandbox processes are, which would else wait for every test that computes, on a machine that is busy with tests.
  if (child.pid) setPriority(child.pid, 10);
  const said: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  return new Promise((resolve) => {
    child.once('close', () => {
      const text = Buffer.concat(said).toString('utf8');
      const last = /(\d+) passed, (\d+) failed\s*$/.exec(text);
      process.stdout.write(last ? text.slice(0, last.index) : text);
      const group = files[0]?.split(sep)[1] ?? '';
      process.stdout.write(`${group}: ${last?.[0].trim() ?? 'it ended before its last test'}\n`);
      resolve(last ? { passed: Number(last[1]), failed: Number(last[2]) } : { passed: 0, failed: 1 });
    });
  });
}

/** Four groups at a time: most tests wait for servers more than they compute. */
async function runGroups(groups: readonly (readonly string[])[]): Promise<Counts> {
  const isAlone = (files: readonly string[]) => alone.includes(files[0]?.split(sep)[1] ?? '');
  const waiting = groups.filter((files) => !isAlone(files));
  const results: Counts[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) results.push(await runMocha(next));
  };
  await Promise.all([work(), work(), work(), work()]);
  for (const files of groups.filter(isAlone)) results.push(await runMocha(files));
  return {
    passed: results.reduce((sum, { passed }) => sum + passed, 0),
    failed: results.reduce((sum, { failed }) => sum + failed, 0),
  };
}

const specs =
  filter.length > 0
    ? filter.map((file) => normalize(file))
    : readdirSync(join(root, 'spec'), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.spec.ts'))
        .map((file) => join('spec', file))
        .sort();
const { passed, failed } = await runGroups(groupsOf(specs));
end(passed, failed);
