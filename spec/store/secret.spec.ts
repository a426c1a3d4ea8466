import { expect } from 'chai';
import {
  hashHandle,
  hashLowEntropySecret,
  newClientSecret,
  newHandle,
  verifyClientSecret,
} from '../../engine/store/secret.ts';

describe('secrets', () => {
  it('hashes a handle with SHA-256 in base64url', () => {
    // SHA-256 of "abc", FIPS 180-4 example.
    expect(Buffer.from(hashHandle('abc'), 'base64url').toString('hex')).to.equal(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });
  it('makes handles of the length asked for, never twice', () => {
    expect(newHandle()).to.match(/^[A-Za-z0-9_-]{43}$/);
    expect(newHandle(16)).to.have.length(22);
    expect(newHandle()).to.not.equal(newHandle());
  });
  it('accepts a generated secret and nothing near it', async () => {
    const { secret, hash } = newClientSecret();
    expect(hash).to.not.contain(secret);
    expect(await verifyClientSecret(hash, secret)).to.equal(true);
    expect(await verifyClientSecret(hash, `${secret}x`)).to.equal(false);
    expect(await verifyClientSecret(hash, '')).to.equal(false);
    expect(await verifyClientSecret(hash, hash)).to.equal(false);
  });
  it('accepts a chosen secret by argon2id, also from its cache, and never a wrong one', async () => {
    const hash = await hashLowEntropySecret('correct horse');
    expect(hash).to.match(/^\$argon2id\$/);
    expect(await verifyClientSecret(hash, 'wrong')).to.equal(false);
    expect(await verifyClientSecret(hash, 'correct horse')).to.equal(true);
    const begun = performance.now();
    expect(await verifyClientSecret(hash, 'correct horse')).to.equal(true);
    expect(performance.now() - begun).to.be.below(5);
    expect(await verifyClientSecret(hash, 'wrong')).to.equal(false);
    expect(await verifyClientSecret(await hashLowEntropySecret('other'), 'correct horse')).to.equal(false);
  });
  it('fails closed for a hash it does not know', async () => {
    expect(await verifyClientSecret('plain', 'plain')).to.equal(false);
    expect(await verifyClientSecret('', '')).to.equal(false);
    expect(await verifyClientSecret('sha256:', '')).to.equal(false);
    expect(await verifyClientSecret('$argon2id$broken', 'x')).to.equal(false);
  });
});
