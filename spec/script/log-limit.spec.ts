import { expect } from 'chai';
import { createLogLimit } from '../../engine/script/log-limit.ts';

describe('the limit on what scripts log', () => {
  it('keeps so many lines of a tenant in a second and counts the rest for the next', () => {
    const limit = createLogLimit(10);
    expect(limit.take('a', 7, 1000)).to.deep.equal({ allowed: 7, dropped: 0 });
    expect(limit.take('a', 7, 1400)).to.deep.equal({ allowed: 3, dropped: 0 });
    expect(limit.take('a', 5, 1999)).to.deep.equal({ allowed: 0, dropped: 0 });
    expect(limit.take('a', 2, 2000)).to.deep.equal({ allowed: 2, dropped: 9 });
    expect(limit.take('a', 2, 2001)).to.deep.equal({ allowed: 2, dropped: 0 });
  });

  it('takes nothing from another tenant', () => {
    const limit = createLogLimit(1);
    limit.take('a', 100, 0);
    expect(limit.take('b', 1, 0).allowed).to.equal(1);
  });
});
