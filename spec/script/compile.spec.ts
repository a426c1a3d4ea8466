/** What a script's files become: linked, positions kept, and refused with the place of each fault. */
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { codeFrame } from '../../engine/script/compile/frame.ts';
import { compileScript } from '../../engine/script/compile/compile.ts';
import { libraryNames } from '../../engine/script/compile/library.ts';
import type { Program, ScriptProblem } from '../../engine/script/compile/program.ts';
import { makeScript } from '../../engine/script/script.ts';

const script = (entry: string, source: string, modules: Readonly<Record<string, string>> = {}) =>
  makeScript(
    entry,
    source,
    Object.entries(modules).map(([name, text]) => ({ name, source: text })),
  );

function compiled(entry: string, source: string, modules: Readonly<Record<string, string>> = {}): Program {
  const result = compileScript(script(entry, source, modules));
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.program;
}

function problems(entry: string, source: string, modules: Readonly<Record<string, string>> = {}) {
  const result = compileScript(script(entry, source, modules));
  return result.ok ? [] : result.problems;
}

function first(entry: string, source: string, modules: Readonly<Record<string, string>> = {}): ScriptProblem {
  const [problem] = problems(entry, source, modules);
  if (!problem) throw new Error('the script compiles');
  return problem;
}

/** Evaluates a module program as the realm does, and answers what its entry exports. */
function evaluate(program: Program): Record<string, (...args: unknown[]) => unknown> {
  const evaluated = new Map<string, unknown>();
  for (const { file, code, imports } of program.parts) {
    const factory = runInNewContext(code, {}, { filename: file }) as (...args: unknown[]) => unknown;
    evaluated.set(
      file,
      factory((number: number) => evaluated.get(imports[number] ?? ''), {}),
    );
  }
  return evaluated.get(program.parts.at(-1)?.file ?? '') as Record<string, () => unknown>;
}

describe('compiling a script', () => {
  describe('its style', () => {
    it('is classic without imports and exports, and a module with them', () => {
      expect(compiled('a.js', 'function getUserName(m) { return m.sub; }').style).to.equal('classic');
      expect(compiled('a.js', 'export function getUserName(m) { return m.sub; }').style).to.equal('module');
      expect(compiled('a.ts', 'function getUserName(m: {sub: string}) { return m.sub; }').style).to.equal('module');
    });

    it('lets classic scripts be as sloppy as they always were', () => {
      const sloppy = 'with ({}) {}\nvar delete_ = 010;\nundeclared = 1;\nfunction f(a, a) {}\narguments;';
      expect(compiled('a.js', sloppy).assignedNames).to.deep.equal(['undeclared']);
    });

    it('finds every name a classic script may assign without declaring it', () => {
      const source =
        'a = 1; b += 1; c++; [d, ...e] = [1]; ({ f, g: h = 2 } = {}); for (i in {}); for (j of []); k ??= 1;';
      expect([...compiled('a.js', source).assignedNames].sort()).to.deep.equal(
        ['a', 'b', 'c', 'd', 'e', 'f', 'h', 'i', 'j', 'k'].sort(),
      );
    });
  });

  describe('the functions it declares', () => {
    it('are found with their parameters and places', () => {
      const source = '\n  function getUserName(a, b) {}\nconst onPostAuthorize = async (d) => {};\nlet made = make();';
      expect(compiled('a.js', source).functions).to.deep.equal([
        { name: 'getUserName', parameters: 2, location: { file: 'a.js', line: 2, column: 3 } },
        { name: 'onPostAuthorize', parameters: 1, location: { file: 'a.js', line: 3, column: 7 } },
        { name: 'made', parameters: undefined, location: { file: 'a.js', line: 4, column: 5 } },
      ]);
    });

    it('are the exported ones of a module', () => {
      const source =
        'function helper() {}\nexport async function getUserName(a, b = 1) {}\nfunction x() {}\nexport { x };';
      expect(compiled('a.js', source).functions.map(({ name, parameters }) => [name, parameters])).to.deep.equal([
        ['getUserName', 1],
        ['x', 0],
      ]);
    });
  });

  describe('modules', () => {
    it('see each other by every form of import and export', () => {
      const program = compiled(
        'main.js',
        `import standard, { one as uno, two } from './lib/a.js';
import * as all from './lib/a.js';
import './lib/side.js';
export { four } from './lib/b.js';
export * from './lib/b.js';
export * as b from './lib/b.js';
export const answer = () => [standard(), uno, two, all.one, Object.keys(all).sort().join()];
export default class { static name2 = 'default'; }`,
        {
          'lib/a.js': `import { three } from './b.js';
const one = 1;
let two = three - 1;
export { one, two };
export default function () { return 'standard'; }`,
          'lib/b.js': 'export const three = 3, { four, rest: [five = 5] } = { four: 4, rest: [] };',
          'lib/side.js': 'globalThis.side = true;',
        },
      );
      expect(program.parts.map(({ file }) => file)).to.deep.equal(['lib/b.js', 'lib/a.js', 'lib/side.js', 'main.js']);
      const exports = evaluate(program);
      expect([...(exports['answer']?.() as unknown[])]).to.deep.equal(['standard', 1, 2, 1, 'default,one,two']);
      expect(exports['three']).to.equal(3);
      expect(exports['four']).to.equal(4);
      expect((exports['b'] as unknown as { five: number }).five).to.equal(5);
      expect((exports['default'] as unknown as { name2: string }).name2).to.equal('default');
    });

    it('take their types out without moving anything', () => {
      const source = `import type { Nothing } from './types.ts';
interface A { readonly a: number }
export function fail(theUserSession: A | null, more?: string): never {
  const wide = theUserSession as unknown as { a: number };
  throw new Error(\`\${wide.a satisfies number} \${more}\`);
}`;
      const program = compiled('main.ts', source);
      try {
        evaluate(program)['fail']?.({ a: 1 });
        expect.fail('it throws');
      } catch (error) {
        expect((error as Error).stack).to.match(/main\.ts:5:9/);
      }
    });

    it('keep the columns of their first line by a known shift', () => {
      const program = compiled('main.js', "export const f = () => { throw new Error('x'); };");
      const [part] = program.parts;
      try {
        evaluate(program)['f']?.();
        expect.fail('it throws');
      } catch (error) {
        const [, column] = /main\.js:1:(\d+)/.exec((error as Error).stack ?? '') ?? [];
        expect(Number(column) - (part?.shift ?? 0)).to.equal(32);
      }
    });

    it('may have names of their own for the globals', () => {
      expect(
        evaluate(compiled('a.js', 'const Log = () => 1, fetch = 2; export const f = () => Log() + fetch;'))['f']?.(),
      ).to.equal(3);
    });

    it('are evaluated once each, however many import them', () => {
      const program = compiled(
        'm.js',
        "import { a } from './a.js'; import { b } from './b.js'; export const f = () => a === b;",
        {
          'a.js': "import { c } from './c.js'; export const a = c;",
          'b.js': "import { c } from './c.js'; export const b = c;",
          'c.js': 'export const c = {};',
        },
      );
      expect(program.parts).to.have.length(4);
      expect(evaluate(program)['f']?.()).to.equal(true);
    });

    it('bring the library where they ask for it', () => {
      for (const name of libraryNames) {
        const program = compiled('a.js', `import * as it from '${name}'; export const f = () => it;`);
        expect(program.parts.length, name).to.be.greaterThan(1);
      }
    });
  });

  describe('what is refused, with its place', () => {
    const cases: readonly (readonly [string, string, Partial<ScriptProblem>, [number, number]])[] = [
      ['a.js', 'function f( {\n', { code: 'syntax' }, [2, 1]],
      ['a.js', '\n  return 1;', { code: 'syntax' }, [2, 3]],
      ['a.js', '}})(); globalThis.x = 1; (function(){{', { code: 'syntax' }, [1, 1]],
      ['a.js', '/* never ends', { code: 'syntax' }, [1, 1]],
      ['a.js', '`never ends', { code: 'syntax' }, [1, 2]],
      ['a.js', 'export function f() { with ({}) {} }', { code: 'syntax' }, [1, 23]],
      ['a.js', 'export let a; let a;', { code: 'syntax' }, [1, 19]],
      ['a.js', 'export { missing };', { code: 'syntax' }, [1, 10]],
      ['a.ts', 'const a = 1;\nenum A { b }', { code: 'typescript' }, [2, 1]],
      ['a.ts', 'function f(a: ) {}', { code: 'typescript' }, [1, 15]],
      ['a.js', "const x = 1;\n  import('./b.js');", { code: 'dynamic-import' }, [2, 3]],
      ['a.js', 'export const u = import.meta.url;', { code: 'import-meta' }, [1, 18]],
      ['a.js', "const a = await fetch('x');\nexport { a };", { code: 'top-level-await' }, [1, 11]],
      ['a.js', "import { a } from './gone.js';", { code: 'import-missing' }, [1, 19]],
      ['a.js', "import { a } from '../outside.js';", { code: 'import-unknown' }, [1, 19]],
      ['a.js', "import { a } from 'lodash';", { code: 'import-unknown' }, [1, 19]],
      ['a.js', "import { a } from 'node:fs';", { code: 'import-unknown' }, [1, 19]],
      ['a.js', "import { call } from 'sallyport:host';", { code: 'import-unknown' }, [1, 22]],
      ['a.js', "import { call } from './sallyport:host';", { code: 'import-unknown' }, [1, 22]],
      ['a.js', "import { a } from '/etc/passwd';", { code: 'import-unknown' }, [1, 19]],
    ];
    for (const [file, source, expected, [line, column]] of cases)
      it(`${expected.code}: ${source.replaceAll('\n', ' ⏎ ')}`, () => {
        const problem = first(file, source);
        expect(problem).to.include(expected);
        expect(problem.location).to.deep.equal({ file, line, column });
        expect(problem.message).not.to.equal('');
      });

    it('a name that the other file does not export, with the nearest one', () => {
      const problem = first('a.js', "import { patiens } from './b.js';\nexport { patiens };", {
        'b.js': 'export const patients = [];',
      });
      expect(problem).to.include({ code: 'export-unknown', hint: 'did you mean "patients"?' });
      expect(problem.location).to.deep.equal({ file: 'a.js', line: 1, column: 10 });
    });

    it('files that import each other in a ring', () => {
      const problem = first('a.js', "import './b.js';", { 'b.js': "import './c.js';", 'c.js': "import './b.js';" });
      expect(problem).to.include({ code: 'import-cycle', message: 'b.js imports c.js imports b.js' });
      expect(first('a.js', "import './a.js';")).to.include({ code: 'import-cycle' });
    });

    it('a fault in an imported file, at its place in that file', () => {
      const problem = first('a.js', "import './b.js';", { 'b.js': '\n\nlet let = 1;' });
      expect(problem.location).to.include({ file: 'b.js', line: 3 });
    });

    it('all at once', () => {
      expect(
        problems('a.js', "import 'x';\nimport { y } from './b.js';\nimport.meta;", { 'b.js': 'export {};' }).map(
          ({ code }) => code,
        ),
      ).to.have.members(['import-unknown', 'export-unknown', 'import-meta']);
    });

    it('more text than a script may have, before it is read', () => {
      expect(first('a.js', `// ${'x'.repeat(1_100_000)}`)).to.include({ code: 'too-large' });
    });

    it('nesting that no parser survives, without harm to the engine', () => {
      expect(first('a.js', `${'['.repeat(200_000)}`).code).to.be.oneOf(['syntax', 'too-large']);
      for (const deep of [
        `const a = ${'('.repeat(100_000)}`,
        `const a = ${'('.repeat(5_000)}1${')'.repeat(5_000)}`,
        `let a: ${'Array<'.repeat(20_000)}string${'>'.repeat(20_000)}`,
        `const a = ${'!'.repeat(500_000)}1`,
        `const a = ${'a ? b : '.repeat(50_000)}c`,
      ]) {
        expect(first('a.ts', deep).code).to.be.oneOf(['syntax', 'typescript']);
        // Others go on to write TypeScript.
        expect(compiled('b.ts', 'const a: number = 1;').parts).to.have.length(1);
      }
    });
  });

  it('frames a place with the lines around it', () => {
    const source = 'one\ntwo\nthree();\nfour\nfive\nsix';
    expect(codeFrame(script('a.js', source), { file: 'a.js', line: 3, column: 4 })).to.equal(
      '  1 | one\n  2 | two\n> 3 | three();\n    |    ^\n  4 | four\n  5 | five',
    );
    expect(codeFrame(script('a.js', source), { file: 'b.js', line: 1, column: 1 })).to.equal(undefined);
    expect(codeFrame(script('a.js', source), { file: 'a.js', line: 99, column: 1 })).to.equal(undefined);
  });
});
