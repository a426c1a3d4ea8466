import { expect } from 'chai';
import { encodeBase32, matchingStep, newTotpSecret, totpCode, totpStep, totpUri } from '../../engine/identity/totp.ts';
import { missingFactor, withFactor } from '../../engine/identity/strength.ts';
import type { SecondFactorRules } from '../../engine/tenant/tenant.ts';

describe('TOTP', () => {
  const secret = encodeBase32(Buffer.from('12345678901234567890'));
  // RFC 6238 appendix B, whose codes have eight digits: the last six of them are ours.
  for (const [seconds, code] of [
    [59, '94287082'],
    [1111111109, '07081804'],
    [1111111111, '14050471'],
    [1234567890, '89005924'],
    [2000000000, '69279037'],
    [20000000000, '65353130'],
  ] as const)
    it(`is that of RFC 6238 at ${seconds}`, () => {
      expect(totpCode(secret, totpStep(seconds * 1000))).to.equal(code.slice(2));
      expect(matchingStep(secret, code.slice(2), seconds * 1000)).to.equal(Math.floor(seconds / 30));
    });

  it('takes the steps beside this one, and no other', () => {
    const now = 1_700_000_000_000;
    const step = totpStep(now);
    for (const off of [-3, -2, -1, 0, 1, 2, 3])
      expect(matchingStep(secret, totpCode(secret, step + off), now)).to.equal(
        Math.abs(off) <= 1 ? step + off : undefined,
      );
    for (const text of ['', '1', `${totpCode(secret, step)} `, 'ａｂｃｄｅｆ'])
      expect(matchingStep(secret, text, now)).to.equal(undefined);
  });

  it('has secrets of 160 bits, each another, and an address that no name breaks', () => {
    expect(newTotpSecret())
      .to.match(/^[A-Z2-7]{32}$/)
      .and.not.equal(newTotpSecret());
    expect(encodeBase32(Buffer.from('foobar'))).to.equal('MZXW6YTBOI');
    const uri = new URL(totpUri('ABC', 'A & B: C?', 'jane/doe:x'));
    expect(uri.searchParams.get('secret')).to.equal('ABC');
    expect(uri.searchParams.get('issuer')).to.equal('A & B  C?');
    expect(decodeURIComponent(uri.pathname)).to.match(/A & B  C\?:jane\/doe x$/);
    expect(totpUri('A'.repeat(32), '😀'.repeat(100), '😀'.repeat(255))).to.have.length.below(2953);
    expect(totpUri('ABC', 'T', 'lone \ud800')).to.include('lone%20%EF%BF%BD');
  });
});

describe('what is missing of a proof', () => {
  const rules: SecondFactorRules = {
    level: 'optional',
    requiredFor: ['WRITE'],
    askAfterProvider: false,
    passkeyLogIn: true,
    rememberDays: 30,
    issuerName: 'T',
    acrValues: ['mfa'],
  };
  const password = { amr: ['pwd'] };
  const both = { amr: ['pwd', 'otp', 'mfa'] };
  const provider = { amr: ['pwd'], provider: 'p' };
  const device = { ...password, device: true };
  const write = [{ permission: 'WRITE' }];
  type Row = readonly [
    title: string,
    proof: { readonly amr: readonly string[] },
    enrolled: boolean,
    logIn: 'code' | 'enrolment' | undefined,
    account: 'code' | 'enrolment' | undefined,
    more?: { readonly rules?: Partial<SecondFactorRules>; readonly authorities?: typeof write },
  ];
  const rows: readonly Row[] = [
    ['a password, and there is no more', password, false, undefined, undefined],
    ['a password of who has a second factor', password, true, 'code', 'code'],
    ['both', both, true, undefined, undefined],
    ['a remembered device', device, true, undefined, 'code'],
    ['nothing that is known', { amr: [] }, true, 'code', 'code'],
    ['a provider’s word', provider, false, undefined, undefined],
    ['a provider’s word of who has a second factor', provider, true, undefined, 'code'],
    ['a provider’s word that is not enough', provider, true, 'code', 'code', { rules: { askAfterProvider: true } }],
    [
      'a provider’s word of two factors',
      { ...provider, amr: ['mfa'] },
      true,
      undefined,
      undefined,
      { rules: { askAfterProvider: true } },
    ],
    ['a password where all must', password, false, 'enrolment', 'enrolment', { rules: { level: 'required' } }],
    ['a device where all must', device, true, undefined, 'code', { rules: { level: 'required' } }],
    ['a device of who has none by now', device, false, 'enrolment', 'enrolment', { rules: { level: 'required' } }],
    ['a provider’s word where all must', provider, false, undefined, undefined, { rules: { level: 'required' } }],
    [
      'a provider’s word where really all must',
      provider,
      false,
      'enrolment',
      'enrolment',
      { rules: { level: 'required', askAfterProvider: true } },
    ],
    ['a password of who may do more', password, false, 'enrolment', 'enrolment', { authorities: write }],
    ['a password where nobody is asked', password, true, undefined, undefined, { rules: { level: 'off' } }],
  ];
  for (const [title, proof, enrolled, logIn, account, more = {}] of rows)
    it(`is found of ${title}`, () => {
      const known = { proof, authorities: more.authorities ?? [], enrolled };
      const all = { ...rules, ...more.rules };
      expect(missingFactor(known, all, 'log-in')).to.equal(logIn);
      expect(missingFactor(known, all, 'account')).to.equal(account);
    });

  it('is nothing once it is proved', () => {
    const proof = withFactor(device, 'otp');
    expect(proof).to.deep.equal({ amr: ['pwd', 'otp', 'mfa'] });
    expect(missingFactor({ proof, authorities: [], enrolled: true }, rules, 'account')).to.equal(undefined);
  });
});
