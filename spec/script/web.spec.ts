/** The web's standard names in the realm, held against Node's own in the same questions. */
import { expect } from 'chai';
import fc from 'fast-check';
import { createScriptRunner } from '../../engine/script/pool.ts';
import type { Json, ScriptRunner } from '../../engine/script/runner.ts';
import { invocationOf } from '../sandbox/support.ts';

describe('the standard names of the web', function () {
  this.timeout(60_000);
  let runner: ScriptRunner;
  before(() => {
    runner = createScriptRunner({
      outbound: { request: async () => ({ ok: false, code: 'blocked', message: 'no' }), close: async () => undefined },
      processes: 1,
    });
  });
  after(() => runner.close());

  /** The value of an async function's body, evaluated in the realm with `input` at hand. */
  async function inRealm(body: string, input: Json = null): Promise<unknown> {
    const source = `async function value(input) { ${body} }
async function onTokenGenerating(theUserSession, theDetails) {
  theDetails.addAccessTokenClaim('value', { value: await value(theUserSession.userData.input) });
}`;
    const invocation = invocationOf(source);
    const { session, ...rest } = invocation.input as { session: object };
    const result = await runner.run({
      ...invocation,
      input: { ...rest, session: { ...session, userData: { input } } } as Json,
    });
    if (!result.ok) throw new Error(`${result.kind}: ${result.message}`);
    return (result.value as { accessTokenClaims: { value: { value: unknown } } }).accessTokenClaims.value.value;
  }

  /** The same body here, with Node's own names. */
  async function here(body: string, input: Json): Promise<unknown> {
    const make = Object.getPrototypeOf(async () => undefined).constructor as new (
      ...args: string[]
    ) => (input: Json) => Promise<unknown>;
    return JSON.parse(JSON.stringify((await new make('input', body)(input)) ?? null)) as unknown;
  }

  async function agrees(body: string, inputs: Json): Promise<void> {
    const wrapped = `return Promise.all(input.map(async (input) => { try { return await (async () => { ${body} })(); } catch { return 'throws'; } }));`;
    expect(await inRealm(wrapped, inputs)).to.deep.equal(await here(wrapped, inputs));
  }

  const strings = (seed: number) =>
    fc.sample(fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' })), { seed, numRuns: 120 });

  it('URL', async () => {
    const addresses = [
      'https://a.example/x?y=1#z',
      'http://[::1]:8080/a b',
      'HTTPS://Ä.example:443/%zz',
      'mailto:a@b',
      '',
      '//x',
      'http://',
      'javascript:1',
      'https://u:p@h/',
      'http://0x7f.1/',
    ];
    await agrees(
      'const u = new URL(input); return [u.href, u.origin, u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname, u.search, u.hash, String(u), JSON.stringify(u), [...u.searchParams]];',
      addresses,
    );
    await agrees("return new URL(input, 'https://base.example/a/b?c#d').href;", [
      ...addresses,
      '../x',
      '?q',
      '#h',
      '//other',
    ]);
    await agrees(
      "const u = new URL('https://a.example/x?y=1'); u.pathname = input; u.hash = input; u.search = input; u.port = input; u.hostname = input; u.protocol = input; return u.href;",
      ['80', 'a b', 'ä', '/p', 'http', ''],
    );
    await agrees(
      "const u = new URL('https://a.example/?y=1'); u.searchParams.append('k', input); u.searchParams.delete('y'); const a = u.href; u.search = '?n=1'; return [a, u.searchParams.get('n'), u.href];",
      strings(1).map((text) => text.toWellFormed()),
    );
    await agrees('return URL.canParse(input);', addresses);
  });

  it('URLSearchParams', async () => {
    const texts = [
      ...strings(2).map((text) => text.toWellFormed()),
      'a=1&a=2&b',
      '?x=%20+y',
      '&&=&',
      'a=%ff%fe',
      '%E4=%e2%82%ac',
    ];
    await agrees(
      'const p = new URLSearchParams(input); p.sort(); return [p.toString(), [...p], p.size, p.getAll("a"), p.has("a"), p.get("none")];',
      texts,
    );
    await agrees('return new URLSearchParams([[input, input], ["k", input]]).toString();', texts);
    await agrees(
      'const p = new URLSearchParams({ a: input }); p.set("a", "2"); p.set("b", input); p.append("a", "3"); p.delete("a", "2"); const seen = []; p.forEach((v, k) => seen.push([k, v])); return [p.toString(), seen, [...p.keys()], [...p.values()]];',
      texts,
    );
  });

  it('TextEncoder and TextDecoder', async () => {
    await agrees('return [...new TextEncoder().encode(input)];', strings(3));
    const bytes = fc.sample(fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 12 }), { seed: 4, numRuns: 300 });
    const edges = [
      [0xef, 0xbb, 0xbf, 65],
      [0xf0, 0x9f, 0x98, 0x80],
      [0xed, 0xa0, 0x80],
      [0xc0, 0x80],
      [0xf5, 0x80, 0x80, 0x80],
      [0xe2, 0x82],
    ];
    // What Node makes of broken sequences differs in how many replacement characters there are; whether there is one does not.
    await agrees('return new TextDecoder().decode(new Uint8Array(input)).replace(/\\ufffd+/g, "?");', [
      ...bytes,
      ...edges,
    ]);
    await agrees('return new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(input));', [
      ...bytes,
      ...edges,
    ]);
  });

  it('atob and btoa', async () => {
    await agrees('return btoa(input);', [...strings(5), 'abc', '\u00ff', '\u0100', '']);
    await agrees('return atob(input);', ['YWJj', 'YWI=', 'YQ==', 'YQ', ' Y Q = = ', '$$$$', '']);
  });

  it('structuredClone', async () => {
    const body = `const value = { d: new Date(5), r: /a/gi, m: new Map([[1, { x: 1 }]]), s: new Set([1, 'a']), n: [1, , 3], u: undefined, t: new Uint8Array([1, 2]) };
      value.self = value;
      const copy = structuredClone(value);
      return [copy !== value, copy.self === copy, copy.d.getTime(), String(copy.r), [...copy.m], [...copy.s], copy.n.length, [...copy.t], copy.m.get(1) !== value.m.get(1)];`;
    await agrees(body, [1]);
    await agrees('return structuredClone(() => 1);', [1]);
  });

  it('crypto.subtle: digests, HMAC, and signatures of others', async () => {
    const hex =
      'const hex = (b) => [...new Uint8Array(b)].map((x) => x.toString(16).padStart(2, "0")).join(""); const bytes = new TextEncoder().encode(input);';
    for (const name of ['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'])
      await agrees(`${hex} return hex(await crypto.subtle.digest('${name}', bytes));`, ['', 'abc', 'ä']);
    await agrees(
      `${hex} const k = await crypto.subtle.importKey('raw', new TextEncoder().encode('key'), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
       const s = await crypto.subtle.sign('HMAC', k, bytes);
       return [hex(s), await crypto.subtle.verify('HMAC', k, s, bytes), await crypto.subtle.verify('HMAC', k, new Uint8Array(32), bytes), k.type, k.extractable, k.algorithm.name];`,
      ['abc', ''],
    );
    const { publicKey, privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
      'verify',
    ]);
    const jwk = await crypto.subtle.exportKey('jwk', publicKey);
    const signature = await crypto.subtle.sign(
      { name: 'ECDSA', hash: 'SHA-256' },
      privateKey,
      new TextEncoder().encode('hello'),
    );
    const checked = await inRealm(
      `const key = await crypto.subtle.importKey('jwk', input.jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify']);
       const check = (text) => crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, new Uint8Array(input.signature), new TextEncoder().encode(text));
       return [await check('hello'), await check('other')];`,
      { jwk: jwk as unknown as Json, signature: [...new Uint8Array(signature)] },
    );
    expect(checked).to.deep.equal([true, false]);
    for (const body of [
      "await crypto.subtle.digest('MD5', new Uint8Array(1))",
      "await crypto.subtle.importKey('pkcs8', new Uint8Array(1), { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['sign'])",
      "await crypto.subtle.digest('SHA-256', 'text')",
      'new URL("nothing")',
      'crypto.getRandomValues(new Uint8Array(70000))',
    ])
      expect(await inRealm(`try { ${body}; return 'done'; } catch (error) { return error.name; }`), body).to.match(
        /Error$/,
      );
  });

  it('randomness that is never twice the same', async () => {
    const ids = (await inRealm(
      'return [crypto.randomUUID(), Uuid.randomUuid(), [...crypto.getRandomValues(new Uint8Array(8))].join()];',
    )) as string[];
    expect(ids[0]).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set([...ids, ...((await inRealm('return [crypto.randomUUID()];')) as string[])]).size).to.equal(4);
  });

  it('Headers', async () => {
    await agrees(
      'const h = new Headers({ A: "1 ", "x-b": "2" }); h.append("a", "3"); h.set("c", input); h.delete("x-b"); return [[...h], h.get("A"), h.get("none"), h.has("C"), [...h.keys()], [...h.values()]];',
      ['v'],
    );
    await agrees('new Headers({ [input]: "1" }); return true;', ['ok-name', 'not a name', '', 'ä']);
  });

  it('are frozen, so that nothing put on them reaches the next invocation', async () => {
    for (const name of ['URL', 'URLSearchParams', 'TextEncoder', 'TextDecoder', 'Headers', 'structuredClone']) {
      await inRealm(
        `'use strict'; try { ${name}.kept = 1; } catch {} try { ${name}.prototype.kept = 1; } catch {} return 1;`,
      );
      expect(await inRealm(`return [typeof ${name}.kept, typeof ${name}.prototype?.kept];`), name).to.deep.equal([
        'undefined',
        'undefined',
      ]);
    }
    await inRealm('crypto.kept = 1; URL = 5; return 1;');
    expect(await inRealm('return [typeof crypto.kept, typeof URL];')).to.deep.equal(['undefined', 'function']);
  });
});
