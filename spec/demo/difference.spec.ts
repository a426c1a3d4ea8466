import { expect } from 'chai';
import { brief, changesOf } from '../../tools/demo/start/difference.ts';

describe('what a callback changed', () => {
  const session = { username: 'jane', userData: {}, authorities: [{ permission: 'A' }, { permission: 'B' }] };

  it('is nothing where all is as it was, or has nothing in it', () => {
    const before = { session, request: { approvedScopes: ['openid'] } };
    const same = {
      session: structuredClone(session),
      approvedScopes: ['openid'],
      idTokenClaims: {},
      launchParameters: {},
    };
    expect(changesOf(before, same)).to.deep.equal([]);
    for (const after of [undefined, null, {}, [], 'text', 7]) expect(changesOf(before, after)).to.deep.equal([]);
  });
  it('is told place by place', () => {
    const after = {
      session: { ...session, username: 'joan', userData: { ward: 'B', beds: 2 }, authorities: [{ permission: 'B' }] },
      accessTokenClaims: { department: 'Cardiology' },
    };
    expect(changesOf({ session }, after)).to.deep.equal([
      { path: 'session.username', removed: ['jane'], added: ['joan'] },
      { path: 'session.userData.ward', removed: [], added: ['B'] },
      { path: 'session.userData.beds', removed: [], added: ['2'] },
      { path: 'session.authorities', removed: ['permission: A'], added: [] },
      { path: 'accessTokenClaims.department', removed: [], added: ['Cardiology'] },
    ]);
  });
  it('counts a list entry as often as it stands there', () => {
    expect(changesOf({ list: [1, 1, 2] }, { list: [1, 2, 2] })).to.deep.equal([
      { path: 'list', removed: ['1'], added: ['2'] },
    ]);
  });
  it('finds in the request what the answer names at the top', () => {
    const before = { request: { approvedScopes: ['openid', 'profile'] } };
    expect(changesOf(before, { approvedScopes: ['openid'] })).to.deep.equal([
      { path: 'approvedScopes', removed: ['profile'], added: [] },
    ]);
  });
  it('is all of a session that was made from nothing, and the end of one that is gone', () => {
    expect(changesOf({ session: null }, { session: { username: 'x' } })).to.deep.equal([
      { path: 'session.username', removed: [], added: ['x'] },
    ]);
    expect(changesOf({ session }, { session: { ...session, authorities: null } })).to.deep.equal([
      { path: 'session.authorities', removed: ['[permission: A, permission: B]'], added: [] },
    ]);
  });
  it('takes a change of kind as one', () => {
    expect(changesOf({ a: [1] }, { a: { b: 1 } })).to.deep.equal([{ path: 'a', removed: ['[1]'], added: ['b: 1'] }]);
    expect(changesOf({ a: true }, { a: false })).to.deep.equal([{ path: 'a', removed: ['true'], added: ['false'] }]);
  });
  it('does not take what every object has for something it was given', () => {
    expect(changesOf({}, JSON.parse('{"constructor":"x","__proto__":"y"}'))).to.deep.equal([
      { path: 'constructor', removed: [], added: ['x'] },
      { path: '__proto__', removed: [], added: ['y'] },
    ]);
    expect(changesOf({ a: {} }, { a: { toString: 'x' } })).to.deep.equal([
      { path: 'a.toString', removed: [], added: ['x'] },
    ]);
  });
  it('is brief, but shows text that cannot be seen otherwise in quotes', () => {
    expect(brief({ a: { b: [1, 'two'] }, c: '' })).to.equal('a: { b: [1, two] }, c: ""');
    expect(brief(' x')).to.equal('" x"');
  });
});
