/** What a person typed stays a value, in a filter as in a distinguished name. */
import { expect } from 'chai';
import fastCheck from 'fast-check';
import { EqualityFilter, FilterParser } from 'ldapts';
import {
  escapeDnValue,
  escapeFilterValue,
  fillTemplate,
  foldName,
  normalizeDn,
} from '../../engine/identity/ldap/names.ts';

const anyText = fastCheck.string({ unit: 'grapheme', minLength: 1 });
const special = fastCheck.string({ unit: fastCheck.constantFrom(...'ab*()\\\0,+"<>;=# é|&!{}'), minLength: 1 });
const typed = fastCheck.oneof(anyText, special);

describe('names in a directory', () => {
  it('a filter stays one comparison with what was typed (RFC 4515)', () => {
    fastCheck.assert(
      fastCheck.property(typed, (name) => {
        const filter = FilterParser.parseString(
          fillTemplate('(uid={username})', { username: name }, escapeFilterValue),
        );
        expect(filter).to.be.instanceOf(EqualityFilter);
        const { attribute, value } = filter as EqualityFilter;
        expect(attribute).to.equal('uid');
        expect(String(value)).to.equal(name);
      }),
      { numRuns: 500 },
    );
  });

  it('a distinguished name keeps its parts (RFC 4514)', () => {
    fastCheck.assert(
      fastCheck.property(typed, (name) => {
        const dn = fillTemplate('uid={username},ou=people', { username: name }, escapeDnValue);
        const normal = normalizeDn(dn);
        expect(normal, dn).to.be.a('string');
        expect(normal?.endsWith(',ou=people')).to.equal(true);
        expect(normal?.replace(/\\./gs, '').split(',')).to.have.length(2);
        expect(normal?.replace(/\\./gs, '').includes('+')).to.equal(false);
      }),
      { numRuns: 500 },
    );
  });

  const escapes: readonly (readonly [string, string])[] = [
    ['Smith, Dr.', 'Smith\\, Dr.'],
    [' lead', '\\ lead'],
    ['trail ', 'trail\\ '],
    [' ', '\\ '],
    ['#hash', '\\#hash'],
    ['a+b=c', 'a\\+b\\=c'],
    ['"<>;\\', '\\"\\<\\>\\;\\\\'],
    ['nul\0', 'nul\\00'],
  ];
  for (const [value, escaped] of escapes)
    it(`writes ${JSON.stringify(value)} as ${escaped}`, () => expect(escapeDnValue(value)).to.equal(escaped));

  it('a gap is filled once: what is put in is not filled again', () => {
    expect(fillTemplate('(a={dn})(b={username})', { dn: '{username}', username: 'x' }, escapeFilterValue)).to.equal(
      '(a={username})(b=x)',
    );
  });

  const same: readonly (readonly [string, string])[] = [
    ['CN=Doctors, OU=Groups', 'cn=doctors,ou=groups'],
    ['cn=a\\,b', 'cn=a\\2Cb'],
    ['cn=a  b', 'CN=A b'],
    ['cn=é', 'cn=\\C3\\A9'],
    ['cn=x+uid=y,dc=z', 'UID=y + cn=X,dc=z'],
  ];
  for (const [left, right] of same)
    it(`${left} is ${right}`, () => expect(normalizeDn(left)).to.equal(normalizeDn(right)).and.not.to.equal(undefined));
  it('tells others apart', () => {
    expect(normalizeDn('cn=a,cn=b')).not.to.equal(normalizeDn('cn=a\\,cn=b'));
    expect(normalizeDn('cn=a')).not.to.equal(normalizeDn('ou=a'));
  });
  for (const bad of ['', 'doctors', 'cn=a,', 'cn=a,,dc=b', '=a', 'cn="a"', 'cn=a\\', 'cn=a;dc=b'])
    it(`${JSON.stringify(bad)} is no distinguished name`, () => expect(normalizeDn(bad)).to.equal(undefined));

  it('spellings of one name count as one', () => {
    for (const other of ['ANNA', ' anna ', 'an\u00adna', 'ánna', 'ａｎｎａ', 'anna\u200b'])
      expect(foldName(other), JSON.stringify(other)).to.equal('anna');
    expect(foldName('anna b')).not.to.equal(foldName('annab'));
  });
});
