/** Where a text stops being JSON. */
import { expect } from 'chai';
import fc from 'fast-check';
import { firstFault } from '../../engine/tenant/json-fault.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('the first fault of a JSON text', () => {
  const cases: readonly [text: string, offset: number][] = [
    ['', 0],
    ['  ', 2],
    ['{', 1],
    ['{"a": }', 6],
    ['{"a": 1,}', 8],
    ['{"a" 1}', 5],
    ["{'a': 1}", 1],
    ['{"a": 1 "b": 2}', 8],
    ['[1, 2', 5],
    ['[1 2]', 3],
    ['[,]', 1],
    ['[1,]', 3],
    ['[1}', 2],
    ['{"a": [1, {"b": tru}]}', 16],
    ['{"a": "line\nbreak"}', 6],
    ['{"a": "\\x"}', 6],
    ['01', 1],
    ['1.', 1],
    ['{} {}', 3],
    ['nul', 0],
    ['{"a": 1} // comment', 9],
  ];
  for (const [text, offset] of cases) {
    it(`of ${JSON.stringify(text)} is at ${offset}`, () => {
      expect(isJson(text)).to.equal(false);
      expect(firstFault(text)).to.equal(offset);
    });
  }

  it('is found where JSON.parse refuses, and nowhere else', () => {
    fc.assert(
      fc.property(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', ',', '"', '}', ']', 'x', ':', '1', '\\'),
        (text, at, more) => {
          const place = at % (text.length + 1);
          for (const changed of [text, text.slice(0, place) + more + text.slice(place), text.slice(0, place)])
            expect(firstFault(changed) === undefined, changed).to.equal(isJson(changed));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
