import { expect } from 'chai';
import {
  errorBody,
  insufficientScope,
  invalidClient,
  sanitizeDescription,
  temporarilyUnavailable,
} from '../../engine/oauth/oauth-error.ts';
import { readParameters } from '../../engine/oauth/parameters.ts';
import { matchRedirectUri } from '../../engine/smart/redirect-uri.ts';

describe('OAuth parameters', () => {
  it('reads values and leaves out empty ones', () => {
    const read = readParameters('state=a%20b+c&scope=&client_id=x');
    expect(read.ok && [...read.parameters]).to.deep.equal([
      ['state', 'a b c'],
      ['client_id', 'x'],
    ]);
  });

  it('lets resource and audience be repeated, and keeps the first', () => {
    const read = readParameters(new URLSearchParams('resource=a&resource=b&audience=c&audience=d'));
    expect(read.ok && [...read.parameters]).to.deep.equal([
      ['resource', 'a'],
      ['audience', 'c'],
    ]);
  });

  const wrong: readonly (readonly [string, string])[] = [
    ['a repeated parameter', 'state=a&state=a'],
    ['a repeated parameter whose first value is empty', 'scope=&scope=openid'],
    ['too many parameters', Array.from({ length: 101 }, (_, index) => `p${index}=1`).join('&')],
    ['a long value', `state=${'a'.repeat(40_000)}`],
    ['a long name', `${'a'.repeat(200)}=1`],
    ['a long text', Array.from({ length: 10 }, (_, index) => `p${index}=${'a'.repeat(20_000)}`).join('&')],
  ];
  for (const [name, text] of wrong) {
    it(`refuses ${name}`, () => {
      for (const read of [readParameters(text), readParameters(new URLSearchParams(text))]) {
        expect(read.ok).to.equal(false);
        if (!read.ok) expect(read.error).to.include({ error: 'invalid_request', status: 400 });
      }
    });
  }
});

describe('OAuth errors', () => {
  it('lets only allowed characters out', () => {
    expect(sanitizeDescription('a "b" \\ ü\r\nSet-Cookie: x')).to.equal("a 'b' ? ???Set-Cookie: x");
    expect(sanitizeDescription('x'.repeat(1000))).to.have.length(400);
  });

  it('names the scheme', () => {
    expect(invalidClient('No', { realm: 'a"b' }).headers).to.deep.equal({
      'WWW-Authenticate': `Basic realm="a'b", charset="UTF-8"`,
    });
    expect(invalidClient('No')).to.not.have.property('headers');
    expect(insufficientScope('No', 'a b').headers?.['WWW-Authenticate']).to.match(
      /^Bearer error="insufficient_scope", .*scope="a b"$/,
    );
    expect(temporarilyUnavailable('Wait', 1.2).headers).to.deep.equal({ 'Retry-After': '2' });
    expect(errorBody(invalidClient('No', { hint: 'secret' }))).to.deep.equal({
      error: 'invalid_client',
      error_description: 'No',
    });
  });
});

describe('redirect URIs', () => {
  const accepted: readonly (readonly [string, string])[] = [
    ['https://app.example.org/cb', 'https://app.example.org/cb'],
    ['org.example.app:/cb', 'org.example.app:/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:51004/cb'],
    ['http://127.0.0.1:1234/cb?x=1', 'http://127.0.0.1:4321/cb?x=1'],
    ['http://[::1]:1/cb', 'http://[::1]/cb'],
    ['http://localhost:3000/cb', 'http://localhost:3000/cb'],
  ];
  for (const [registered, presented] of accepted) {
    it(`accepts ${presented} for ${registered}`, () =>
      expect(matchRedirectUri([registered], presented)).to.equal(true));
  }
  const refused: readonly (readonly [string, string])[] = [
    ['https://app.example.org/cb', 'https://app.example.org/cb/'],
    ['https://app.example.org/cb', 'https://app.example.org/cb?x=1'],
    ['https://app.example.org/cb', 'https://APP.example.org/cb'],
    ['https://app.example.org/cb', 'https://app.example.org:443/cb'],
    ['https://app.example.org/cb', 'https://app.example.org/cb#x'],
    ['https://app.example.org/cb#x', 'https://app.example.org/cb#x'],
    ['https://app.example.org/cb', 'https://app.example.org/cb/../cb'],
    ['https://127.0.0.1/cb', 'https://127.0.0.1:8443/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:99999/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:80@evil.example/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1.evil.example/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:1/other'],
    ['http://127.0.0.1/cb', 'http://[::1]/cb'],
    ['http://localhost:3000/cb', 'http://localhost:3001/cb'],
    ['http://10.0.0.1/cb', 'http://10.0.0.1:81/cb'],
    ['', ''],
  ];
  for (const [registered, presented] of refused) {
    it(`refuses ${presented} for ${registered}`, () =>
      expect(matchRedirectUri([registered], presented)).to.equal(false));
  }
});
