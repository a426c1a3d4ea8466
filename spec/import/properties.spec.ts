/** Java properties files are read as Java reads them. */
import fc from 'fast-check';
import { expect } from 'chai';
import { decodeProperties, readProperties } from '../../tools/import/smilecdr/properties.ts';

const read = (text: string) => readProperties(text).entries.map(({ key, value }) => [key, value]);

/** As `Properties.store` writes it. */
function write(key: string, value: string): string {
  const escape = (text: string, isKey: boolean) =>
    [...text]
      .map((letter, index) => {
        const code = letter.charCodeAt(0);
        if (letter.length > 1)
          return [...Array(letter.length).keys()]
            .map((at) => `\\u${letter.charCodeAt(at).toString(16).padStart(4, '0')}`)
            .join('');
        if (code < 32 || code > 126) return `\\u${code.toString(16).padStart(4, '0')}`;
        if ('\\=:#!'.includes(letter)) return `\\${letter}`;
        return letter === ' ' && (isKey || index === 0) ? '\\ ' : letter;
      })
      .join('');
  return `${escape(key, true)}=${escape(value, false)}\n`;
}

describe('Java properties', () => {
  const cases: readonly (readonly [what: string, text: string, entries: readonly (readonly [string, string])[]])[] = [
    [
      'separators: =, : and white space',
      'a=1\nb:2\nc 3\nd\t=\t4\ne : 5',
      [
        ['a', '1'],
        ['b', '2'],
        ['c', '3'],
        ['d', '4'],
        ['e', '5'],
      ],
    ],
    [
      'one separator, and what looks like a second in the value',
      'url =jdbc:postgresql://h:1/d?x=y',
      [['url', 'jdbc:postgresql://h:1/d?x=y']],
    ],
    ['comments, empty lines and leading space', '# a=1\n! b=2\n\n   \t\n  c=3', [['c', '3']]],
    ['a comment that a backslash does not continue', '# a \\\nb=2', [['b', '2']]],
    [
      'continued lines, whose leading space does not count',
      'a=1, \\\n    2, \\\n\t3\nb=4',
      [
        ['a', '1, 2, 3'],
        ['b', '4'],
      ],
    ],
    ['a comment sign within a continuation', 'a=1\\\n#2', [['a', '1#2']]],
    [
      'escaped backslashes at the end',
      'a=b\\\\\nc=d',
      [
        ['a', 'b\\'],
        ['c', 'd'],
      ],
    ],
    ['three backslashes at the end', 'a=b\\\\\\\nc', [['a', 'b\\c']]],
    ['escapes', 'a=\\t\\n\\r\\f\\\\\\=\\:\\q\\"', [['a', '\t\n\r\f\\=:q"']]],
    ['Unicode escapes', 'a=Gr\\u00fc\\u00DFe \\ud83d\\ude00', [['a', 'Grüße 😀']]],
    ['escaped keys', 'a\\ b\\=c\\:d=1', [['a b=c:d', '1']]],
    ['space at the end, which Java keeps', 'a=1  ', [['a', '1  ']]],
    ['space that is escaped at the beginning', 'a=\\  1', [['a', '  1']]],
    [
      'no value',
      'a\nb=\nc:',
      [
        ['a', ''],
        ['b', ''],
        ['c', ''],
      ],
    ],
    [
      'line ends of all kinds, and a byte order mark',
      '\uFEFFa=1\r\nb=2\rc=3\\\r\n4',
      [
        ['a', '1'],
        ['b', '2'],
        ['c', '34'],
      ],
    ],
    ['a backslash at the very end', 'a=1\\', [['a', '1']]],
    [
      'the same key twice, both told',
      'a=1\na=2',
      [
        ['a', '1'],
        ['a', '2'],
      ],
    ],
  ];
  for (const [what, text, entries] of cases) {
    it(`reads ${what}`, () => {
      expect(read(text)).to.deep.equal(entries);
      expect(readProperties(text).faults).to.deep.equal([]);
    });
  }

  it('knows the line each property begins on', () => {
    const { entries } = readProperties('# first\na=1\\\n2\n\nb=3');
    expect(entries.map(({ key, line }) => [key, line])).to.deep.equal([
      ['a', 2],
      ['b', 5],
    ]);
  });

  const faulty: readonly (readonly [what: string, text: string, line: number])[] = [
    ['a Unicode escape that ends early', 'a=1\nb=\\u12', 2],
    ['a Unicode escape of no digits', 'a=\\uzzzz', 1],
    ['a Unicode escape in a key', 'a\\u00=1', 1],
    ['a value without a key', 'a=1\n=secret', 2],
  ];
  for (const [what, text, line] of faulty) {
    it(`refuses ${what}, by its line and without the value`, () => {
      const { faults } = readProperties(text);
      expect(faults.map((fault) => fault.line)).to.deep.equal([line]);
      expect(JSON.stringify(faults)).not.to.match(/secret|zzzz/);
    });
  }

  it('an escaped backslash before "u" begins no escape', () => {
    expect(read('a=C:\\\\users')).to.deep.equal([['a', 'C:\\users']]);
  });

  it('reads whatever Java writes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ unit: 'grapheme' }), (key, value) => {
        expect(read(write(key, value))).to.deep.equal([[key, value]]);
      }),
    );
  });

  it('never rejects, whatever stands in the file', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('\\', 'u', '0', '=', ':', ' ', '\n', '\r', '#', 'a') }), (text) => {
        const { entries, faults } = readProperties(text);
        expect(entries.every(({ line }) => line > 0) && faults.every(({ line }) => line > 0)).to.equal(true);
      }),
    );
  });

  it('reads UTF-8, and ISO 8859-1 where it is none', () => {
    expect(decodeProperties(Buffer.from('a=Grüße', 'utf8'))).to.equal('a=Grüße');
    expect(decodeProperties(Buffer.from('a=Grüße', 'latin1'))).to.equal('a=Grüße');
  });
});
