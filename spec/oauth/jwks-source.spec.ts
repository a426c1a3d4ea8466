import { expect } from 'chai';
import { cacheLifetime, createJwksSource } from '../../engine/oauth/jwks-source.ts';
import type { OutboundRequest, OutboundResult } from '../../engine/outbound/client.ts';

const URL_ = 'https://app.example.org/jwks';

function setUp() {
  const state = {
    now: 1_000_000,
    requests: [] as OutboundRequest[],
    headers: {} as Record<string, string>,
    kid: 'one',
    result: undefined as OutboundResult | undefined,
  };
  const source = createJwksSource({
    now: () => state.now,
    outbound: {
      async request(request) {
        state.requests.push(request);
        return (
          state.result ?? {
            ok: true,
            response: {
              status: 200,
              headers: state.headers,
              body: JSON.stringify({ keys: [{ kty: 'EC', kid: state.kid }, 7] }),
            },
          }
        );
      },
      close: async () => {},
    },
  });
  return { state, source };
}

describe('JWKS source', () => {
  it('answers registered keys without asking anybody', async () => {
    const { state, source } = setUp();
    expect(await source.keys({ jwks: { keys: [{ kty: 'EC' }] }, jwksUri: URL_ }, 'x')).to.deep.equal({
      ok: true,
      keys: [{ kty: 'EC' }],
    });
    expect(await source.keys({})).to.have.property('ok', false);
    expect(await source.keys({ jwksUri: 'nonsense' })).to.have.property('ok', false);
    expect(state.requests).to.have.length(0);
  });

  it('fetches with bounds, once for all who wait, and keeps it', async () => {
    const { state, source } = setUp();
    await Promise.all([
      source.keys({ jwksUri: URL_ }, 'one'),
      source.keys({ jwksUri: URL_ }),
      source.keys({ jwksUri: URL_ }, 'one'),
    ]);
    await source.keys({ jwksUri: URL_ }, 'one');
    expect(state.requests).to.have.length(1);
    expect(state.requests[0]).to.deep.include({
      url: URL_,
      headers: { Accept: 'application/json' },
      maximumBytes: 262_144,
      timeoutMilliseconds: 5000,
    });
    expect(state.requests[0]).to.not.have.any.keys('allow', 'allowPrivate');
  });

  it('keeps keys no longer than allowed, not even when the URL is down', async () => {
    const { state, source } = setUp();
    state.headers = { 'Cache-Control': 'public, max-age=60' };
    await source.keys({ jwksUri: URL_ }, 'one');
    state.now += 59_999;
    expect(await source.keys({ jwksUri: URL_ }, 'one')).to.have.property('ok', true);
    state.now += 1;
    state.result = { ok: false, code: 'timeout', message: '' };
    expect(await source.keys({ jwksUri: URL_ }, 'one')).to.have.property('ok', false);
    await source.keys({ jwksUri: URL_ }, 'one');
    expect(state.requests).to.have.length(2);
    state.now += 30_000;
    state.result = undefined;
    expect(await source.keys({ jwksUri: URL_ }, 'one')).to.have.property('ok', true);
  });

  it('looks once more for an unknown kid, at most every 30 seconds', async () => {
    const { state, source } = setUp();
    await source.keys({ jwksUri: URL_ }, 'one');
    for (let index = 0; index < 20; index += 1) await source.keys({ jwksUri: URL_ }, `invented-${index}`);
    expect(state.requests).to.have.length(1);
    state.now += 30_000;
    state.kid = 'two';
    const result = await source.keys({ jwksUri: URL_ }, 'two');
    expect(result.ok && result.keys[0]?.kid).to.equal('two');
    await source.keys({ jwksUri: URL_ }, 'three');
    expect(state.requests).to.have.length(2);
  });

  for (const body of [
    '',
    '[]',
    '{"keys":1}',
    'null',
    JSON.stringify({ keys: Array.from({ length: 101 }, () => ({ kty: 'EC' })) }),
  ]) {
    it(`refuses ${body.slice(0, 20) || 'nothing'} as a set`, async () => {
      const { state, source } = setUp();
      state.result = { ok: true, response: { status: 200, headers: {}, body } };
      expect(await source.keys({ jwksUri: URL_ })).to.have.property('ok', false);
    });
  }

  it('lifts the guard only for hosts the tenant lists', async () => {
    const { state, source } = setUp();
    const allow = { allow: ['127.0.0.1:9000'], allowPrivate: true };
    await source.keys({ jwksUri: 'http://127.0.0.1:9000/jwks', ...allow });
    await source.keys({ jwksUri: 'http://127.0.0.1:9001/jwks', ...allow });
    await source.keys({ jwksUri: 'http://127.0.0.1:9000/jwks' });
    expect(state.requests.map((request) => request.allowPrivate === true)).to.deep.equal([true, false, false]);
  });

  const lifetimes: readonly (readonly [Record<string, string>, number])[] = [
    [{}, 300_000],
    [{ 'cache-control': 'max-age=10' }, 10_000],
    [{ 'Cache-Control': 'public, max-age=100', Age: '40' }, 60_000],
    [{ 'cache-control': 'max-age=999999999' }, 86_400_000],
    [{ 'cache-control': 'max-age=100, no-store' }, 0],
    [{ 'cache-control': 'no-cache' }, 0],
    [{ 'cache-control': 'max-age=1', age: '5' }, 0],
    [{ 'cache-control': 'max-age=x' }, 300_000],
  ];
  for (const [headers, expected] of lifetimes) {
    it(`keeps ${JSON.stringify(headers)} for ${expected} ms`, () => expect(cacheLifetime(headers)).to.equal(expected));
  }
});
