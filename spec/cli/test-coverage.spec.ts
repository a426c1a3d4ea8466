/** `npx sallyport test --coverage`: which lines and branches of the callbacks the cases reach. */
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { expect } from 'chai';
import { type TestOptions, testCases } from '../../tools/cli/test.ts';
import { parseFile } from '../../engine/script/compile/parse.ts';
import { instrument } from '../../tools/cli/test/coverage/instrument.ts';
import { folderOf } from './support.ts';
import { tenant } from './test-command-support.ts';

const typed = `import type { OnTokenGenerating } from 'sallyport';
import { wardOf, type Ward } from './lib/ward.ts';
interface Told {
  readonly ward: Ward;
}
export const onTokenGenerating: OnTokenGenerating = (theUserSession, theDetails) => {
  if (theDetails.clientId === 'denied') deny('no such app');
  if (theDetails.clientId === 'chatty') for (let line = 0; line < 300; line += 1) Log.info(\`line \${line}\`);
  const ward = wardOf(theDetails.clientId); if (ward === 'lost') (theUserSession as unknown as { x: { y: Told } }).x.y;
  if (theDetails.clientId === 'endless') {
    Log.info('for ever');
    for (;;);
  }
  theDetails.addAccessTokenClaim('ward', ward ?? 'none');
};
export const onPostAuthorize = () => {
  Log.info('never asked');

  // Nor this.
  Log.info('neither');
};
`;
const library = `export type Ward = 'A' | 'B' | 'lost';
const wards: Readonly<Record<string, Ward>> = { a: 'A', b: 'B', broken: 'lost' };
export function wardOf(clientId: string): Ward | undefined {
  return Object.hasOwn(wards, clientId) ? wards[clientId] : undefined;
}
`;
const classic = `function onTokenGenerating(theUserSession, theDetails) {
  var console = null;
  theDetails.addAccessTokenClaim('app', theDetails.clientId === 'a' ? 'first' : 'another');
}
`;
const as = (clientId: string) => ({ session: null, request: { clientId } });

interface Ran {
  readonly code: number;
  readonly lines: readonly string[];
  /** The cells of a file's row, by the end of its name. */
  row(file: string): readonly string[];
  readonly lcov: string;
}

async function ran(files: Readonly<Record<string, unknown>>, options: TestOptions = {}): Promise<Ran> {
  const folder = await folderOf(files);
  const lines: string[] = [];
  const lcov = join(folder.path, 'lcov.info');
  try {
    const code = await testCases([folder.path], { coverageLcov: lcov, ...options }, (line) => lines.push(line));
    return {
      code,
      lines,
      row: (file) => (lines.find((line) => line.includes(`${file} `)) ?? '').split('|').map((cell) => cell.trim()),
      lcov: (await readFile(lcov, 'utf8')).replaceAll(relative(process.cwd(), folder.path), 'here'),
    };
  } finally {
    await folder.remove();
  }
}

describe('sallyport test --coverage', function () {
  this.timeout(60_000);
  let result: Ran;
  before(async () => {
    const one = tenant(
      'one',
      typed,
      [
        { name: 'a ward', input: as('a'), expect: { effect: { accessTokenClaims: { ward: 'A' } } } },
        { name: 'another ward', input: as('b') },
        { name: 'no ward', input: as('c'), expect: { effect: { accessTokenClaims: { ward: 'none' } } } },
        { name: 'too much said', input: as('chatty') },
        { name: 'broken', input: as('broken'), expect: { outcome: 'denied' } },
        { name: 'endless', input: as('endless'), expect: { outcome: 'timeout', logs: ['for ever'] } },
      ],
      { scriptLimits: { cpuMilliseconds: 100 } },
      'callbacks.ts',
    );
    const two = tenant('two', classic, [
      { name: 'the first', input: as('a'), expect: { effect: { accessTokenClaims: { app: 'first' } } } },
    ]);
    result = await ran({ ...one, 'one/lib/ward.ts': library, ...two });
  });

  it('tells of each file the share of lines and branches, and what was not reached, in its own lines', () => {
    expect(result.row('one/callbacks.ts').slice(1)).to.deep.equal(['81.81', '88.88', '17-20', '7 then']);
    expect(result.row('one/lib/ward.ts').slice(1)).to.deep.equal(['100.00', '100.00', '', '']);
    expect(result.row('two/callbacks.js').slice(1)).to.deep.equal(['100.00', '50.00', '', '3 :']);
    expect(result.row('all files').slice(1, 3)).to.deep.equal(['86.66', '84.61']);
  });

  it('sums up what many runs reached, those that ran into a limit or threw included', () => {
    expect(result.lcov).to.include('DA:14,4\n');
    expect(result.lcov).to.include('DA:11,1\nDA:12,1\n');
    expect(result.lcov).to.include('DA:17,0\n');
    expect(result.lcov).to.match(/SF:here\/one\/lib\/ward\.ts\nDA:2,6\nDA:4,6\nLF:2\nLH:2\n/);
    expect(result.lcov).to.match(/BRDA:4,1,0,3\nBRDA:4,1,1,3\n/);
    expect(result.lcov.match(/end_of_record/g)).to.have.length(3);
  });

  it('changes nothing of what the cases find: outcomes, logs, and the places of what goes wrong', () => {
    const failed = result.lines.filter((line) => line.startsWith('FAILED'));
    expect(failed).to.deep.equal(['FAILED one: broken']);
    expect(result.lines.find((line) => line.includes('expected the outcome denied'))).to.match(
      /runtime \(TypeError: Cannot read properties of null \(reading 'x'\) at callbacks\.ts:9:116\)$/,
    );
    expect(result.lines.join('\n')).not.to.include('Covered');
  });

  it('fails where less is reached than is asked for, and only then', async () => {
    const files = tenant('two', classic, [{ name: 'the first', input: as('a') }]);
    const enough = await ran(files, { coverageMin: 50 });
    expect(enough.code, enough.lines.join('\n')).to.equal(0);
    const less = await ran(files, { coverageMin: 50.01, reporter: 'tap' });
    expect(less.code).to.equal(1);
    expect(less.lines).to.include('# 50.00 % of the branches are covered, less than 50.01 %.');
    expect(less.lines.every((line) => /^(#|ok |TAP |1\.\.1)/.test(line))).to.equal(true);
  });
});

describe('a script that counts', () => {
  /** Runs a text as a classic script does, plain and counting. */
  function run(text: string) {
    const read = parseFile('x.js', text);
    if (!read.ok) throw new Error(read.problem.message);
    const made = instrument(read.parsed, '');
    const hits = new Set<number>();
    const evaluate = (source: string): unknown =>
      // oxlint-disable-next-line no-implied-eval -- It is what a test of changed programs needs.
      new Function(`${source}\nreturn this.result`).call({
        console: { debug: (point: string) => hits.add(Number(point)) },
      });
    return {
      made,
      plain: evaluate(text),
      counting: evaluate(made.text),
      reached: [...made.statements].filter(([point]) => hits.has(point)).map(([, { line }]) => line),
      untaken: made.branches.filter(({ point }) => !hits.has(point)).map(({ line, way }) => `${line} ${way}`),
    };
  }

  const programs: readonly (readonly [name: string, text: string, untaken: readonly string[]])[] = [
    ['a dangling else', 'var r = 0\nif (r) if (r) r = 1; else r = 2\nreturn r', ['2 then', '2 then', '2 else']],
    ['no semicolons', 'var a = 1\nvar b = a\n++b\nif (b) a = b\nelse a = 3\nreturn [a, b]', ['5 else']],
    [
      'a chain of else',
      'var a = 2\nif (a === 1) a = 5; else if (a === 2) a = 6; else a = 7;\nreturn a',
      ['2 then', '2 else'],
    ],
    ['labels', 'var n = 0;\nouter: for (;;) { for (;;) { if (n++ > 2) break outer; continue outer } }\nreturn n', []],
    ['do and while', 'var n = 3; do n--; while (n) while (n < 2) n++\nreturn n', []],
    [
      'a switch that falls through',
      'switch (2) { case 1: case 2: case 3: return "x"; default: return "y" }',
      ['1 case', '1 default'],
    ],
    [
      'defaults',
      'function f({ a = 1 } = {}, [b = () => 2] = []) { return [a, b.name] }\nreturn [f(), f({ a: 3 })]',
      [],
    ],
    ['operators within each other', 'var o = null;\nreturn o?.a ?? ((o && o.b) || (o ? 1 : (2, 3)))', ['2 &&', '2 ?']],
    ['arrows', 'var f = (a) => ({ a }), g = (a) => (b) => a && b\nreturn [f(1), g(1)(2)]', []],
    [
      'classes',
      'class A { #x = 1; static { this.y = 2 } get x() { return this.#x } }\nreturn [new A().x, A.y, A.name]',
      [],
    ],
    ['strictness', '"use strict";\nfunction f() { "use strict"; return this === undefined }\nreturn f()', []],
    ['generators', 'function* g(a) { if (a) yield a || 2; yield* [3] }\nreturn [...g(1), ...g(0)]', ['1 ||']],
    ['functions that stand later', 'return f()\nfunction f() { return 1 }', []],
    ['try', 'try { throw 1 } catch { return "caught" } finally { }\nreturn 2', []],
  ];
  // What follows is no program by itself but the body of a function, as scripts are; so are they read.
  for (const [name, text, untaken] of programs)
    it(`does the same with ${name}`, () => {
      const inner = text.includes('return') ? `var __f = function () {${text}\n}\nvar __r = __f.call(undefined)` : text;
      const { plain, counting, made, untaken: found } = run(`${inner}\nthis.result = __r;`);
      expect(counting).to.deep.equal(plain);
      expect(found).to.deep.equal(untaken);
      expect(made.text.split('\n')).to.have.length(inner.split('\n').length + 1);
    });
});
