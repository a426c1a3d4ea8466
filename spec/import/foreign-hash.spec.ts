/** Hashes of other servers' making are verified, closed against anything near them, and known by their form alone. */
import { pbkdf2Sync } from 'node:crypto';
import { hash as hashBcrypt } from '@node-rs/bcrypt';
import { expect } from 'chai';
import { isForeignHash, schemeOf, verifyForeignHash } from '../../engine/store/foreign-hash.ts';
import { hashClientSecret, newHandle, verifyClientSecret, verifySlowHash } from '../../engine/store/secret.ts';

const phc = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
const hex = (text: string) => Buffer.from(text, 'hex');

function derivedHash(digest: string, secret: string, iterations: number, saltBytes = 16): string {
  const salt = Buffer.alloc(saltBytes, 7);
  const made = pbkdf2Sync(secret, salt, iterations, 32, digest === 'any' ? 'sha1' : digest);
  return `$pbkdf2-${digest}$i=${iterations}$${phc(salt)}$${phc(made)}`;
}

describe('foreign hashes', function () {
  this.timeout(60_000);

  it('verifies bcrypt as $2a$, $2b$ and $2y$', async () => {
    const made = await hashBcrypt('geheim', 5);
    for (const prefix of ['$2a$', '$2b$', '$2y$']) {
      const hash = prefix + made.slice(4);
      expect(isForeignHash(hash), hash).to.equal(true);
      expect(await verifyForeignHash(hash, 'geheim')).to.equal(true);
      expect(await verifyForeignHash(hash, 'geheim ')).to.equal(false);
      expect(await verifyForeignHash(hash, '')).to.equal(false);
    }
  });

  it('verifies a bcrypt hash that another implementation made', async () => {
    // OpenBSD's test vector.
    const hash = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';
    expect(await verifyForeignHash(hash, 'U*U')).to.equal(true);
    expect(await verifyForeignHash(hash, 'U*V')).to.equal(false);
  });

  it('verifies PBKDF2 with the digest it names', async () => {
    // RFC 6070, vector 5.
    const key = hex('3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038');
    const salt = phc(Buffer.from('saltSALTsaltSALTsaltSALTsaltSALTsalt'));
    const secret = 'passwordPASSWORDpassword';
    expect(await verifyForeignHash(`$pbkdf2-sha1$i=4096$${salt}$${phc(key)}`, secret)).to.equal(true);
    expect(await verifyForeignHash(`$pbkdf2-any$i=4096$${salt}$${phc(key)}`, secret)).to.equal(true);
    expect(await verifyForeignHash(`$pbkdf2-sha256$i=4096$${salt}$${phc(key)}`, secret)).to.equal(false);
    expect(await verifyForeignHash(`$pbkdf2-sha1$i=4097$${salt}$${phc(key)}`, secret)).to.equal(false);
  });

  for (const digest of ['sha1', 'sha256', 'sha512', 'any']) {
    it(`verifies PBKDF2 ${digest} with salts of 8 and 16 bytes, and nothing near`, async () => {
      for (const salt of [8, 16]) {
        const hash = derivedHash(digest, 'geheim', 1000, salt);
        expect(isForeignHash(hash), hash).to.equal(true);
        expect(await verifyForeignHash(hash, 'geheim')).to.equal(true);
        expect(await verifyForeignHash(hash, 'Geheim')).to.equal(false);
        expect(await verifyForeignHash(hash, '')).to.equal(false);
      }
    });
  }

  it('refuses what both schemes would take for the password: NUL and more behind it', async () => {
    const made = await hashBcrypt('a', 4);
    expect(await verifyForeignHash(made, 'a\0a')).to.equal(false);
    expect(await verifyForeignHash(derivedHash('sha256', 'a', 1000), 'a\0')).to.equal(false);
    expect(await verifyForeignHash(made, 'a')).to.equal(true);
  });

  const unknown = [
    '',
    'plain',
    '$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    '$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    '$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe',
    '{bcrypt}$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    '$pbkdf2-md5$i=1000$BwcHBwcHBwcHBwcHBwcHBw$OJLJdxwCDtN8l2bNnWyBqzVbYzxYUBXYlLFZgX3zGHs',
    '$pbkdf2-sha256$i=0$BwcHBwcHBwcHBwcHBwcHBw$OJLJdxwCDtN8l2bNnWyBqzVbYzxYUBXYlLFZgX3zGHs',
    '$pbkdf2-sha256$i=10000000$BwcHBwcHBwcHBwcHBwcHBw$OJLJdxwCDtN8l2bNnWyBqzVbYzxYUBXYlLFZgX3zGHs',
    '$pbkdf2-sha256$i=1000$BwcHBwcHBwcHBwcHBwcHBw$',
  ];
  for (const hash of unknown) {
    it(`does not know "${hash}", and matches nothing with it`, async () => {
      expect(isForeignHash(hash)).to.equal(false);
      expect(schemeOf(hash)).to.equal(undefined);
      for (const presented of ['', 'a', hash]) {
        expect(await verifyForeignHash(hash, presented)).to.equal(false);
        expect(await verifySlowHash(hash, presented)).to.equal(false);
        expect(await verifyClientSecret(hash, presented)).to.equal(false);
      }
    });
  }

  it('tells schemes and costs apart, and not the hashes', async () => {
    expect(schemeOf(await hashBcrypt('a', 4))).to.equal(schemeOf(await hashBcrypt('b', 4)));
    expect(schemeOf(await hashBcrypt('a', 4))).not.to.equal(schemeOf(await hashBcrypt('a', 5)));
    expect(schemeOf(derivedHash('sha1', 'a', 1000))).not.to.equal(schemeOf(derivedHash('sha256', 'a', 1000)));
    expect(schemeOf(await hashClientSecret('a'))).to.equal(undefined);
  });

  it('accepts a foreign client secret, also from the cache, and never a wrong one', async () => {
    const hash = await hashBcrypt('geheim', 12);
    expect(await verifyClientSecret(hash, 'wrong')).to.equal(false);
    expect(await verifyClientSecret(hash, 'geheim')).to.equal(true);
    const begun = performance.now();
    expect(await verifyClientSecret(hash, 'geheim')).to.equal(true);
    expect(performance.now() - begun).to.be.below(50);
    expect(await verifyClientSecret(hash, 'wrong')).to.equal(false);
  });

  it('replaces a secret that nobody can guess by SHA-256, any other by argon2id', async () => {
    expect(await hashClientSecret(newHandle())).to.match(/^sha256:[A-Za-z0-9_-]{43}$/);
    for (const secret of [
      'geheim',
      newHandle(31),
      'a'.repeat(60),
      'correct horse battery staple and quite a few words more than that',
    ]) {
      const hash = await hashClientSecret(secret);
      expect(hash, secret).to.match(/^\$argon2id\$/);
      expect(await verifyClientSecret(hash, secret)).to.equal(true);
      expect(await verifyClientSecret(hash, `${secret}x`)).to.equal(false);
    }
  });
});
