/** What the secrets of seed files are taken for. */
import { expect } from 'chai';
import { isForeignHash } from '../../engine/store/foreign-hash.ts';
import { readSecret, readSentSecret } from '../../tools/import/smilecdr/secret-text.ts';

const variables = { environment: { SET: 'from the environment' }, properties: { 'a.b': 'from a property' } };
const read = (text: string, encoding?: string) => readSecret(text, encoding, variables);

const bcrypt = '$2a$10$2k7dIiVSAOGDD65zKkftn.O3O7W31Ch.FwszMjgKhr4wNtz1uIB1S';
const [short, long] = ['0123456789abcdef'.repeat(5), '0123456789ABCDEF'.repeat(6)];

describe('secrets of seed files', () => {
  const hashes: readonly (readonly [
    what: string,
    text: string,
    encoding: string | undefined,
    hash: RegExp,
    isDoubtful: boolean,
  ])[] = [
    ['bcrypt', bcrypt, undefined, /^\$2a\$10\$2k7d/, false],
    ['bcrypt whatever the encoding', bcrypt, 'PBKDF2_256_1000_RND', /^\$2a\$10\$2k7d/, false],
    ['{bcrypt}', `{bcrypt}${bcrypt}`, undefined, /^\$2a\$10\$2k7d/, false],
    ['{BCRYPT_10_ROUND}', `{BCRYPT_10_ROUND}${bcrypt}`, undefined, /^\$2a\$10\$2k7d/, false],
    ['PBKDF2 with a salt of 8 bytes', short, 'PBKDF2_256_10000_RND', /^\$pbkdf2-any\$i=10000\$.{11}\$.{43}$/, true],
    ['PBKDF2 with a salt of 16 bytes', long, 'PBKDF2_256_100000_RND', /^\$pbkdf2-any\$i=100000\$.{22}\$.{43}$/, true],
    ['{PBKDF2_256_1000_RND}', `{PBKDF2_256_1000_RND}${short}`, undefined, /^\$pbkdf2-any\$i=1000\$/, true],
    ["Spring Security's {pbkdf2}", `{pbkdf2}${short}`, undefined, /^\$pbkdf2-sha1\$i=185000\$/, false],
    [
      "Spring Security's newer {pbkdf2@…}",
      `{pbkdf2@SpringSecurity_v5_8}${long}`,
      undefined,
      /^\$pbkdf2-sha256\$i=310000\$/,
      false,
    ],
    [
      'the form of this server',
      '$pbkdf2-sha512$i=1000$BwcHBwcHBwc$OJLJdxwCDtN8l2bNnWyBqzVbYzxYUBXYlLFZgX3zGHs',
      undefined,
      /^\$pbkdf2-sha512/,
      false,
    ],
  ];
  for (const [what, text, encoding, pattern, isDoubtful] of hashes) {
    it(`knows a hash by ${what}`, () => {
      const secret = read(text, encoding);
      if (secret.kind !== 'hash') throw new Error(JSON.stringify(secret));
      expect(secret.hash).to.match(pattern);
      expect(isForeignHash(secret.hash)).to.equal(true);
      expect(secret.doubt !== undefined).to.equal(isDoubtful);
    });
  }

  const unusable: readonly (readonly [what: string, text: string, encoding?: string])[] = [
    ['a mask', '***'],
    ['a mask with its first letter', 'x***'],
    ['SHA256 rounds by its name', `{SHA256_10000_ROUND}${short}`],
    ['SHA256 rounds by the encoding', short, 'SHA256_10000_ROUND'],
    ['SHA256 rounds without a salt', 'ab'.repeat(32), 'SHA256_1000_ROUND'],
    ['PBKDF2 of another length by its name', `{PBKDF2_256_1000_RND}${short}00`],
    ["Spring Security's {pbkdf2} of another length", `{pbkdf2}${long}`],
    ['{bcrypt} around something else', '{bcrypt}hunter2'],
    ['a scheme nobody knows', '{md5}0123456789abcdef'],
    ['bcrypt that is cut off', bcrypt.slice(0, 50)],
    ['bcrypt of an impossible cost', bcrypt.replace('$10$', '$31$')],
    ['a buggy variant of bcrypt', bcrypt.replace('$2a$', '$2x$')],
    ['crypt of Unix', '$6$saltsaltsaltsalt$0123456789abcdef0123456789abcdef'],
    ['a reference to nothing', "before-#{env['UNSET']}-after"],
  ];
  for (const [what, text, encoding] of unusable) {
    it(`has ${what} set anew`, () => {
      const secret = read(text, encoding);
      if (secret.kind !== 'unusable') throw new Error(JSON.stringify(secret));
      expect(secret.why).not.to.include(text);
    });
  }

  const plain: readonly (readonly [text: string, encoding: string | undefined, value: string])[] = [
    ['hunter2', 'PBKDF2_256_10000_RND', 'hunter2'],
    ['a secret with $2a$ in it', undefined, 'a secret with $2a$ in it'],
    ['{noop}hunter2', undefined, 'hunter2'],
    ['ab'.repeat(32), 'BCRYPT_12_ROUND', 'ab'.repeat(32)],
    [short, 'BCRYPT_12_ROUND', short],
    [short, undefined, short],
    ["#{env['SET']}!", undefined, 'from the environment!'],
    ["#{systemProperties['a.b']}", undefined, 'from a property'],
    ["#{env['UNSET'] ?: 'otherwise'}", undefined, 'otherwise'],
  ];
  for (const [text, encoding, value] of plain) {
    it(`takes ${JSON.stringify(text)} for itself${encoding === undefined ? '' : `, with ${encoding}`}`, () => {
      expect(read(text, encoding)).to.deep.equal({ kind: 'plain', text: value });
    });
  }

  it('leaves a whole variable to the server, set here or not', () => {
    for (const text of ["#{env['SET']}", '#{ env["SET"] }'])
      expect(read(text)).to.deep.equal({ kind: 'variable', name: 'SET' });
    expect(read("#{env['UNSET']}")).to.deep.equal({ kind: 'variable', name: 'UNSET' });
    expect(readSentSecret("#{env['UNSET']}", variables)).to.deep.equal({ kind: 'variable', name: 'UNSET' });
  });

  it('takes a secret that is sent to others for no hash', () => {
    expect(readSentSecret(bcrypt, variables)).to.deep.equal({ kind: 'plain', text: bcrypt });
    expect(readSentSecret('***', variables)).to.have.property('kind', 'unusable');
  });
});
