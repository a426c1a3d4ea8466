/** The rules for passwords by themselves: what may be set, what is remembered, when another one is due. */
import { expect } from 'chai';
import {
  breachKeyOf,
  checkPassword,
  hashPassword,
  isHashedAs,
  whyChange,
  withPassword,
} from '../../engine/identity/password.ts';
import type { PasswordRules, User } from '../../engine/tenant/tenant.ts';

const hashing = { memoryKibibytes: 7168, passes: 1, parallelism: 1 };
const plain: PasswordRules = { minimumLength: 8, maximumLength: 1024, minimumStrength: 0, history: 1, hashing };
const jane: User = {
  id: 'u-1',
  username: 'jdoe',
  givenName: 'Jane',
  email: 'jane.doe@example.org',
  enabled: true,
  authorities: [],
  defaultLaunchContexts: [],
  userData: {},
};
const day = 86_400_000;

describe('which passwords may be set', () => {
  const rows: readonly (readonly [string, Partial<PasswordRules>, string, readonly string[]])[] = [
    ['one that is long enough', {}, 'eight8ch', []],
    ['one that is one character short', {}, 'seven7c', ['too-short']],
    ['nothing', {}, '', ['too-short']],
    ['one whose characters take many bytes each', {}, '🦄🦄🦄🦄🦄🦄🦄🦄', []],
    ['bytes that are too few characters', {}, '🦄🦄🦄🦄', ['too-short']],
    ['one without end', {}, 'x'.repeat(1025), ['too-long']],
    ['one of the longest length', {}, 'x'.repeat(1024), []],
    ['one of the tenant’s longest length', { maximumLength: 64 }, '🦄'.repeat(64), []],
    ['one that is a character longer than the tenant wants', { maximumLength: 64 }, 'x'.repeat(65), ['too-long']],
    ['one with the user name in it', {}, 'hello-JDOE-hello', ['names-you']],
    ['one with a given name in it', {}, 'my-jane-2026', ['names-you']],
    ['one with the mailbox in it', {}, 'jane.doe-2026', ['names-you']],
    ['one that is easy to guess', { minimumStrength: 3 }, 'password1', ['too-weak']],
    ['one that repeats itself', { minimumStrength: 3 }, 'aaaaaaaaaaaa', ['too-weak']],
    ['one that is hard to guess', { minimumStrength: 3 }, 'quartz lantern mauve otter', []],
    ['one that is easy where that does not matter', { minimumStrength: 0 }, 'password1', []],
    ['one of the list', { breached: new Set([breachKeyOf('stolen-password')]) }, 'stolen-password', ['breached']],
    ['one beside the list', { breached: new Set([breachKeyOf('stolen-password')]) }, 'Stolen-password', []],
    ['one with two faults', { minimumLength: 20 }, 'jdoe-jdoe', ['too-short', 'names-you']],
  ];
  for (const [title, rules, candidate, faults] of rows)
    it(title, async () => {
      expect(await checkPassword({ ...plain, ...rules }, jane, candidate)).to.deep.equal(faults);
    });

  it('the estimate does not take longer for a longer text', async () => {
    const rules = { ...plain, minimumStrength: 4 };
    const began = performance.now();
    await checkPassword(rules, jane, `${'ab1'.repeat(300)}`);
    expect(performance.now() - began).to.be.below(5_000);
  });

  it('none of those before, as far back as the rules say', async () => {
    const rules = { ...plain, history: 3 };
    let user = jane;
    for (const [at, password] of ['first-of-all', 'second-of-all', 'third-of-all', 'fourth-of-all'].entries())
      user = withPassword(user, await hashPassword(password, rules), rules, at);
    for (const used of ['fourth-of-all', 'third-of-all', 'second-of-all'])
      expect(await checkPassword(rules, user, used), used).to.deep.equal(['used-before']);
    expect(await checkPassword(rules, user, 'first-of-all')).to.deep.equal([]);
    expect(await checkPassword({ ...rules, history: 0 }, user, 'fourth-of-all')).to.deep.equal([]);
    expect(user.passwordHistory).to.have.length(2);
    expect(JSON.stringify(user)).not.to.match(/of-all/);
  });
});

describe('when another password is due', () => {
  const withOne: User = { ...jane, passwordHash: '$argon2id$x', passwordChangedAt: 0 };
  const rows: readonly (readonly [string, User, Partial<PasswordRules>, number, string | undefined])[] = [
    ['not where nothing is said', withOne, {}, 10_000 * day, undefined],
    ['when somebody asked for it', { ...withOne, mustChangePassword: true }, {}, 0, 'asked'],
    ['not before its age', withOne, { maximumAgeDays: 30 }, 30 * day - 1, undefined],
    ['at its age', withOne, { maximumAgeDays: 30 }, 30 * day, 'expired'],
    ['where its age is not known', { ...jane, passwordHash: 'x' }, { maximumAgeDays: 30 }, 31 * day, 'expired'],
    ['never for who has none', { ...jane, mustChangePassword: true }, { maximumAgeDays: 1 }, 9 * day, undefined],
  ];
  for (const [title, user, rules, now, why] of rows)
    it(title, () => expect(whyChange(user, { ...plain, ...rules }, now)).to.equal(why));

  it('no longer after it was set', () => {
    const changed = withPassword({ ...withOne, mustChangePassword: true }, 'new', plain, 5);
    expect(changed).not.to.have.property('mustChangePassword');
    expect(changed).to.include({ passwordHash: 'new', passwordChangedAt: 5 });
  });
});

it('hashes say what they cost', async () => {
  const made = await hashPassword('a password', { hashing });
  expect(made).to.match(/^\$argon2id\$v=19\$m=7168,t=1,p=1\$/);
  expect(isHashedAs(made, { hashing })).to.equal(true);
  expect(isHashedAs(made, { hashing: { ...hashing, passes: 11 } })).to.equal(false);
  expect(isHashedAs('$2b$12$x', { hashing })).to.equal(false);
});
