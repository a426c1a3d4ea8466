import { expect } from 'chai';
import fc from 'fast-check';
import {
  covers,
  equivalent,
  formatScope,
  intersectScopes,
  isSubset,
  parseScope,
  parseScopeList,
  PERMISSION_LETTERS,
  type Scope,
  simplify,
  unionScopes,
} from '../../engine/smart/scope.ts';

const letters = fc.subarray([...PERMISSION_LETTERS], { minLength: 1 }).map((list) => list.join(''));
const query = fc
  .uniqueArray(
    fc.constantFrom('category=laboratory', 'category=http://terminology.hl7.org/x|vital-signs', 'status=final'),
    { maxLength: 2 },
  )
  .map((parts) => (parts.length === 0 ? '' : `?${parts.join('&')}`));
const context = fc.constantFrom('patient', 'user', 'system');
const type = fc.constantFrom('*', 'Observation', 'Patient', 'Condition');
const v2 = fc.tuple(context, type, letters, query).map(([c, t, l, q]) => `${c}/${t}.${l}${q}`);
const v1 = fc.tuple(context, type, fc.constantFrom('read', 'write', '*')).map(([c, t, p]) => `${c}/${t}.${p}`);
const other = fc.constantFrom(
  'openid',
  'fhirUser',
  'launch',
  'launch/patient',
  'launch/imagingstudy?role=manifest',
  'offline_access',
  '__custom',
  'http://example.org/x',
);
const scope = fc.oneof(v2, v1, other);
const scopes = fc.array(scope, { maxLength: 6 });

describe('SMART scope notation', () => {
  it('reads both notations', () => {
    expect(parseScope('patient/Observation.rs?category=laboratory&status=final')).to.deep.equal({
      kind: 'resource',
      context: 'patient',
      resourceType: 'Observation',
      permissions: ['r', 's'],
      query: [
        ['category', 'laboratory'],
        ['status', 'final'],
      ],
      notation: 'v2',
    });
    expect(parseScope('user/*.write')).to.deep.include({
      resourceType: '*',
      permissions: ['c', 'u', 'd'],
      notation: 'v1',
    });
    expect(parseScope('launch/patient')).to.deep.equal({ kind: 'launch', resourceType: 'patient' });
    expect(parseScope('launch/x?role=a')).to.deep.equal({ kind: 'launch', resourceType: 'x', role: 'a' });
    expect(parseScope('launch')).to.deep.equal({ kind: 'launch' });
    expect(parseScope('openid')).to.deep.equal({ kind: 'plain', text: 'openid' });
  });

  const wrong = [
    '',
    'a b',
    'a"b',
    'a\\b',
    'naïve',
    'patient/',
    'patient/Observation',
    'patient/Observation.',
    'patient/observation.rs',
    'patient/*.dus',
    'patient/*.rr',
    'patient/*.sr',
    'patient/*.reads',
    'patient/*.read?a=b',
    'patient/*.rs?',
    'patient/*.rs?a',
    'patient/*.rs?a=',
    'patient/*.rs?=b',
    'patient/*.rs?a=b&',
    'patient/**.rs',
    'patient/*.rs.rs',
    'user/../x.rs',
    'system/*.constructor',
    'launch/',
    'launch/a/b',
    'launch/x?role=',
    'launch/x?other=1',
  ];
  for (const text of wrong) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const parsed = parseScope(text);
      expect(parsed.kind).to.equal('malformed');
      expect(parsed).to.have.property('error').that.is.a('string');
    });
  }

  it('writes what it read', () => {
    fc.assert(fc.property(scope, (text) => formatScope(parseScope(text) as Scope) === text));
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => parseScopeList(text).length >= 0));
  });
});

describe('SMART scope sets', () => {
  const meaning: readonly (readonly [string, string])[] = [
    ['patient/*.read', 'patient/*.rs'],
    ['user/Patient.write', 'user/Patient.cud'],
    ['system/*.*', 'system/*.cruds'],
  ];
  for (const [older, newer] of meaning) {
    it(`takes ${older} for ${newer}`, () => expect(equivalent([older], [newer])).to.equal(true));
  }

  it('does not take read for what it is not', () => {
    expect(isSubset(['patient/*.d'], ['patient/*.read'])).to.equal(false);
    expect(isSubset(['patient/Observation.rs'], ['user/*.cruds'])).to.equal(false);
    expect(isSubset(['patient/*.rs'], ['patient/Observation.rs'])).to.equal(false);
    expect(isSubset(['patient/Observation.rs'], ['patient/Observation.rs?category=laboratory'])).to.equal(false);
    expect(isSubset(['launch/patient'], ['launch'])).to.equal(false);
    expect(isSubset(['patient/*.dus'], ['patient/*.dus'])).to.equal(false);
  });

  it('covers the constrained by the unconstrained', () => {
    const [wide, narrow] = parseScopeList('patient/*.rs patient/Observation.r?category=laboratory') as [Scope, Scope];
    expect(covers(wide, narrow)).to.equal(true);
    expect(covers(narrow, wide)).to.equal(false);
  });

  it('lets several scopes cover one', () => {
    expect(isSubset(['patient/Observation.rs'], ['patient/Observation.r', 'patient/*.s'])).to.equal(true);
  });

  const narrowing: readonly (readonly [string[], string[], string[]])[] = [
    [['patient/*.read'], ['patient/*.cruds'], ['patient/*.read']],
    [['patient/*.*'], ['patient/*.rs'], ['patient/*.read']],
    [['patient/*.cruds'], ['patient/*.read'], ['patient/*.rs']],
    [['patient/*.read'], ['patient/*.r'], ['patient/*.r']],
    [
      ['patient/*.read'],
      ['patient/Observation.rs', 'patient/Condition.cruds'],
      ['patient/Observation.read', 'patient/Condition.read'],
    ],
    [
      ['patient/Condition.rs'],
      ['patient/Condition.rs?category=a', 'patient/Condition.rs?category=b'],
      ['patient/Condition.rs?category=a', 'patient/Condition.rs?category=b'],
    ],
    [
      ['patient/Observation.rs?status=final'],
      ['patient/Observation.rs?category=a'],
      ['patient/Observation.rs?status=final&category=a'],
    ],
    [
      ['openid', 'launch', 'fhirUser'],
      ['fhirUser', 'openid'],
      ['openid', 'fhirUser'],
    ],
    [['user/*.read'], ['patient/*.read'], []],
    [['patient/*.dus'], ['patient/*.dus', 'patient/*.cruds'], []],
    [['constructor', '__proto__'], [], []],
  ];
  for (const [requested, allowed, granted] of narrowing) {
    it(`narrows ${requested.join(' ')} by ${allowed.join(' ') || 'nothing'}`, () =>
      expect(intersectScopes(requested, allowed)).to.deep.equal(granted));
  }

  it('factors', () => {
    expect(simplify(['patient/*.r', 'patient/*.s', 'patient/Observation.rs', 'openid', 'openid'])).to.deep.equal([
      'openid',
      'patient/*.rs',
    ]);
    expect(simplify(['patient/*.read', 'patient/*.write'])).to.deep.equal(['patient/*.*']);
    expect(unionScopes(['patient/A.c?x=1'], ['patient/A.cr'])).to.deep.equal(['patient/A.cr']);
  });

  it('is reflexive and transitive', () => {
    fc.assert(fc.property(scopes, (a) => isSubset(a, a)));
    fc.assert(fc.property(scopes, scopes, scopes, (a, b, c) => !isSubset(a, b) || !isSubset(b, c) || isSubset(a, c)));
    fc.assert(fc.property(scopes, scopes, scopes, (a, b, c) => isSubset(intersectScopes(intersectScopes(a, b), c), c)));
  });

  it('intersects to a part of both, all of a part, and again to the same', () => {
    fc.assert(
      fc.property(scopes, scopes, (a, b) => {
        const both = intersectScopes(a, b);
        return (
          isSubset(both, a) &&
          isSubset(both, b) &&
          (!isSubset(a, b) || equivalent(both, a)) &&
          equivalent(intersectScopes(both, b), both)
        );
      }),
    );
  });

  it('intersects to the most that both allow', () => {
    fc.assert(
      fc.property(scopes, scopes, scopes, (a, b, c) => {
        const common = c.filter((one) => isSubset([one], a) && isSubset([one], b));
        return isSubset(common, intersectScopes(a, b));
      }),
    );
  });

  it('unites to cover both and no more', () => {
    fc.assert(
      fc.property(scopes, scopes, (a, b) => {
        const either = unionScopes(a, b);
        return isSubset(a, either) && isSubset(b, either) && isSubset(either, [...a, ...b]);
      }),
    );
  });
});
