/**
 * `npm test`: brings what the tests need beyond npm, checks types and style, runs every spec, ends with
 * `N passed, N failed`. Names of spec files after it run those alone.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

function run(command: string, args: readonly string[]): number {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

function end(passed: number, failed: number): never {
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exit(failed > 0 ? 1 : 0);
}

/** Chromium comes from Debian where it is missing and we may install it. */
function ensureChromium(): boolean {
  const path = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
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
      'apt-get',
      'install',
      '-y',
      '-qq',
      '--no-install-recommends',
      'chromium',
    ]);
  }
  return there();
}

if (!ensureChromium()) {
  process.stdout.write('Chromium is missing: install the package chromium, or name the program in CHROMIUM_PATH\n');
  end(0, 1);
}
if (run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit']) !== 0) {
  process.stdout.write('The types do not hold\n');
  end(0, 1);
}
const filter = process.argv.slice(2);
if (filter.length === 0 && run('npm', ['run', '--silent', 'lint']) !== 0) {
  process.stdout.write('The linter or the formatter objects\n');
  end(0, 1);
}
const specs =
  filter.length > 0
    ? filter
    : (readdirSync(join(root, 'spec'), { recursive: true, encoding: 'utf8' }) as string[])
        .filter((file) => file.endsWith('.spec.ts'))
        .map((file) => join('spec', file))
        .sort();
const result = spawnSync(
  process.execPath,
  [
    '--no-node-snapshot',
    join(root, 'node_modules/mocha/bin/mocha.js'),
    '--no-config',
    '--exit',
    '--timeout',
    '60000',
    '--reporter',
    join(root, 'tools/test/reporter.cjs'),
    ...specs,
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exit(result.status === 0 ? 0 : 1);
