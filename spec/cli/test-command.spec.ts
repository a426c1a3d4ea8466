/** `npx sallyport test`: what a script author and a build server read off it. */
import { join } from 'node:path';
import { expect } from 'chai';
import { folderOf, sallyport } from './support.ts';
import { type Ran, ran, tenant } from './test-command-support.ts';

const department = `function onTokenGenerating(theUserSession, theDetails) {
  theDetails.addAccessTokenClaim('department', Environment.getEnv('DEPARTMENT') || 'none');
}
`;

describe('sallyport test', function () {
  this.timeout(120_000);

  describe('its exit code', () => {
    const holds = { name: 'holds', expect: { effect: { accessTokenClaims: { department: 'none' } } } };
    const fails = { name: 'fails', expect: { effect: { accessTokenClaims: { department: 'cardiology' } } } };

    it('is 0 where every case holds, and each is told by its tenant and name', async () => {
      const { code, lines } = await ran({
        ...tenant('one', department, [holds]),
        ...tenant('two', department, [holds]),
      });
      expect(lines).to.deep.equal(['ok     one: holds', 'ok     two: holds', '2 passed, 0 failed']);
      expect(code).to.equal(0);
    });

    it('is 1 where one fails; the others are replayed all the same', async () => {
      const { code, lines } = await ran(tenant('one', department, [fails, holds]));
      expect(code).to.equal(1);
      expect(lines[0]).to.equal('FAILED one: fails');
      expect(lines.slice(-2)).to.deep.equal(['ok     one: holds', '1 passed, 1 failed']);
    });

    it('is 1 where there is none', async () => {
      const folder = await folderOf(tenant('one', department, []));
      const { code, lines } = await sallyport(['test', folder.path]);
      await folder.remove();
      expect({ code, lines }).to.deep.equal({
        code: 1,
        lines: [`There is no *.case.json below ${folder.path}.`, '0 passed, 0 failed'],
      });
    });

    it('is 1 where a tenant does not load, and says why', async () => {
      const { code, output } = await ran(tenant('one', 'function onTokenGenerating( {', [holds], { skin: 7 }));
      expect(code).to.equal(1);
      expect(output).to.include('one/tenant.json at /skin: found 7, expected a text.');
      expect(output).to.match(/one\/callbacks\.js:1:\d+: Unexpected token/);
    });

    it('is 2 where the command itself was wrong', async () => {
      for (const [args, sentence] of [
        [['test', 'no/such/folder'], 'There is no file or folder no/such/folder.'],
        [['test'], "missing required argument 'paths'"],
        [['test', '.', '--junt', 'x'], "unknown option '--junt'"],
      ] as const) {
        const { code, output } = await sallyport(args);
        expect(code, output).to.equal(2);
        expect(output).to.include(sentence);
      }
    });

    it('is 1 where the results cannot be written, which is said after them', async () => {
      const folder = await folderOf(tenant('one', department, [holds]));
      const { code, lines } = await sallyport(['test', folder.path, '--junit', join(folder.path, 'no/x.xml')]);
      await folder.remove();
      expect(code).to.equal(1);
      expect(lines.at(-2)).to.equal('1 passed, 0 failed');
      expect(lines.at(-1)).to.match(/^The results could not be written to .*x\.xml \(ENOENT\)\.$/);
    });
  });

  describe('of a case that fails', () => {
    let result: Ran;
    before(async () => {
      const script = `import { mark } from './lib/mark.ts';
import type { OnTokenGenerating } from 'sallyport';
export const onTokenGenerating: OnTokenGenerating = (theUserSession, theDetails) => {
  if (theDetails.clientId === 'broken') mark(theUserSession as never);
  if (theDetails.clientId === 'denied') deny('no such app');
  if (theDetails.clientId === 'forbidden') theDetails.addAccessTokenClaim('sub', 'mallory');
  if (theDetails.clientId === 'endless') for (;;);
  Log.info('first'); Log.info('second');
  theDetails.addAccessTokenClaim('list', ['a', { b: 1 }]);
};
`;
      const mark = `export function mark(session: { notes: string }): void {\n  session.notes = '';\n}\n`;
      const as = (clientId: string) => ({ session: null, request: { clientId } });
      result = await ran({
        ...tenant(
          'one',
          script,
          [
            { name: 'a value', expect: { effect: { accessTokenClaims: { list: ['a', { b: 2 }] } } } },
            { name: 'a length', expect: { effect: { accessTokenClaims: { list: ['a'] } } } },
            { name: 'nothing', expect: { effect: { accessTokenClaims: { other: 'x' }, idTokenClaims: { y: null } } } },
            { name: 'a throw', input: as('broken') },
            { name: 'a denial', input: as('denied') },
            { name: 'no denial', expect: { outcome: 'denied', message: 'not you' } },
            { name: 'another message', input: as('denied'), expect: { outcome: 'denied', message: 'not you' } },
            { name: 'left bounds', input: as('forbidden') },
            {
              name: 'known bounds',
              input: as('forbidden'),
              expect: { outcome: 'policy', message: 'access-token-claim' },
            },
            { name: 'known end', input: as('endless'), expect: { outcome: 'timeout' } },
            { name: 'logs', expect: { logs: ['second', 'first'] } },
            { name: 'no hook', hook: 'onPostAuthorize' },
            { name: 'known absence', hook: 'onPostAuthorize', expect: { outcome: 'absent' } },
          ],
          {},
          'callbacks.ts',
        ),
        'one/lib/mark.ts': mark,
      });
    });

    it('says what was expected and found, each with its place in the effect', () => {
      expect(result.of('a value')).to.include('effect /accessTokenClaims/list/1/b: expected 2, found 1');
      expect(result.of('a length')).to.include('/accessTokenClaims/list: expected 1 items, found 2: ["a",{"b":1}]');
      expect(result.of('nothing')).to.include('effect /accessTokenClaims/other: expected "x", found nothing');
      expect(result.of('nothing')).not.to.include('idTokenClaims');
      expect(result.of('a value')).to.match(/one\/cases\/0\.case\.json/);
    });

    it('says where the script failed, with the lines around it, also in a module and in TypeScript', () => {
      const block = result.of('a throw');
      expect(block).to.match(/expected the outcome ok, found runtime \(.*null.* at lib\/mark\.ts:2:\d+\)/);
      expect(block)
        .to.include("> 2 |   session.notes = '';")
        .and.match(/ {4}\| +\^/);
      expect(block).to.include('  1 | export function mark(session: { notes: string }): void {');
    });

    it('tells a decision from a fault', () => {
      expect(result.of('a denial')).to.include('expected the outcome ok, found denied (no such app');
      expect(result.of('no denial')).to.include('expected the outcome denied, found ok');
      expect(result.of('another message')).to.include('expected a message with "not you", found "no such app"');
      expect(result.of('known end')).to.equal('');
    });

    it('tells a result that the server would refuse', () => {
      expect(result.of('left bounds')).to.include(
        'expected the outcome ok, found policy (onTokenGenerating-policy-access-token-claim)',
      );
      expect(result.of('known bounds')).to.equal('');
    });

    it('tells lines that were not logged in this order, and a hook that the script lacks', () => {
      expect(result.of('logs')).to.include('no line is logged with "first", but ["first","second"]');
      expect(result.of('no hook')).to.include('expected the outcome ok, found absent');
      expect(result.of('known absence')).to.equal('');
    });
  });

  describe('of a file that is no case', () => {
    let result: Ran;
    before(async () => {
      const files = {
        'syntax.case.json': '{\n  "name": "x",\n  "hook": \n}\n',
        'unknown.case.json': { name: 'x', hook: 'onTokenGenerating', expects: {}, expect: { outcom: 'ok' } },
        'types.case.json': { name: '', hook: 'onTokenGenerated', calls: [{ url: 5 }], expect: { outcome: 'denid' } },
        'input.case.json': {
          name: 'x',
          hook: 'onTokenGenerating',
          input: { sesion: null, request: { clientID: 'x' }, session: { userData: { anything: 1 } } },
          expect: {},
        },
        'slot.case.json': { name: 'x', hook: 'authenticate', expect: {} },
        'script.case.json': { name: 'x', slot: 'bound/kisok', hook: 'onTokenGenerating', expect: {} },
        'secret.case.json': { name: 'y', hook: 'onTokenGenerating', secrets: { apiKye: 'x' }, expect: {} },
        'empty.case.json': '',
        'list.case.json': [],
      };
      result = await ran({
        ...tenant('one', department, [], {
          demo: true,
          issuer: 'http://localhost:9200/one',
          secrets: { apiKey: { value: 'made-up-key', hooks: ['onTokenGenerating'] } },
          scripts: { callbacks: 'callbacks.js', bound: [{ id: 'kiosk', script: 'callbacks.js', clients: ['k'] }] },
        }),
        ...Object.fromEntries(Object.entries(files).map(([name, content]) => [`one/cases/${name}`, content])),
      });
    });

    const said: readonly (readonly [what: string, sentence: RegExp])[] = [
      [
        'malformed JSON by line and column',
        /syntax\.case\.json: found malformed JSON \(line 4 column 1\), expected JSON\./,
      ],
      ['an empty file', /empty\.case\.json: found malformed JSON \(line 1 column 1\)/],
      ['a list', /list\.case\.json: found a list of 0, expected an object/],
      [
        'an unknown name',
        /unknown\.case\.json at \/expects: found the unknown name "expects".*did you mean "expect"\?/,
      ],
      ['one further in', /at \/expect\/outcom: found the unknown name "outcom".*did you mean "outcome"\?/],
      [
        'a hook that is none',
        /at \/hook: found "onTokenGenerated", expected one of .*did you mean "onTokenGenerating"\?/,
      ],
      ['a wrong type', /at \/calls\/0\/url: found 5, expected a text/],
      ['an outcome that is none', /at \/expect\/outcome: found "denid", expected one of ok, .*did you mean "denied"\?/],
      ['an empty name', /at \/name: found an empty text/],
      ['an input that no hook has', /at \/input\/sesion: found the unknown name "sesion".*did you mean "session"\?/],
      ['a member that no model has', /at \/input\/request\/clientID: .*did you mean "clientId"\?/],
      [
        'a hook of another slot',
        /at \/hook: found "authenticate", expected one of .* which callbacks has\. authenticate stands in scripts\.codapAuthorization or an inbound module's script: name its "slot"/,
      ],
      ['a slot without a script', /the tenant has no script at bound\/kisok\. did you mean "bound\/kiosk"\?/],
      ['a secret that the tenant lacks', /the tenant has no secret "apiKye"\. did you mean "apiKey"\?/],
    ];
    for (const [what, sentence] of said) it(`tells ${what}`, () => expect(result.output).to.match(sentence));

    it('says nothing against what may have any name, and counts each file once', () => {
      expect(result.output).not.to.include('anything');
      expect(result.lines.at(-1)).to.equal('0 passed, 9 failed');
      expect(result.code).to.equal(1);
    });
  });

  describe('the JUnit file', () => {
    /** Whether every tag is closed, every attribute quoted, and no character stands for itself that must not. */
    function faultIn(xml: string): string | undefined {
      const open: string[] = [];
      const body = xml.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\s*/, '');
      if (body === xml) return 'no declaration';
      for (const [token = ''] of body.matchAll(/<[^>]*>|[^<]+/g)) {
        // oxlint-disable-next-line no-control-regex
        if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(token)) return `a character in ${token}`;
        if (/&(?!#\d+;|amp;|lt;|gt;|quot;|apos;)/.test(token)) return `an ampersand in ${token}`;
        if (!token.startsWith('<')) continue;
        const [, closing, name = '', attributes = '', alone] =
          /^<(\/?)([a-z]+)((?: [a-z]+="[^"<]*")*)(\/?)>$/.exec(token) ?? [];
        if (name === '') return `the tag ${token}`;
        if (closing && open.pop() !== name) return `the end of ${name}`;
        if (!closing && !alone) open.push(name);
        if (closing && attributes) return `attributes of ${token}`;
      }
      return open.length > 0 ? `no end of ${open.join(' ')}` : undefined;
    }

    let result: Ran;
    before(async () => {
      const script = `function onTokenGenerating(a, details) { details.addAccessTokenClaim('x', '</failure>]]>&<"\\u0001\\ud83d\\ude00'); }`;
      result = await ran({
        ...tenant('one', script, [
          { name: `<"odd" & 'names'>`, expect: { effect: { accessTokenClaims: { x: 'y' } } } },
          { name: 'holds', expect: {} },
        ]),
        'one/cases/z.case.json': '{',
      });
    });

    it('is well-formed, whatever stands in names and failures', () => {
      expect(faultIn(result.junit), result.junit).to.equal(undefined);
      expect(faultIn('<?xml version="1.0" encoding="UTF-8"?><a b="<"></a>')).not.to.equal(undefined);
    });

    it('has each case once, with its failure and its time', () => {
      expect(result.junit).to.include('<testsuite name="sallyport" tests="3" failures="2">');
      expect(result.junit.match(/<testcase /g)).to.have.length(3);
      expect(result.junit.match(/<failure /g)).to.have.length(2);
      expect(result.junit).to.match(
        /<testcase classname="one" name="holds" file="[^"]*1\.case\.json" time="\d+\.\d{3}"\/>/,
      );
      expect(result.junit).to.include('name="&#60;&#34;odd&#34; &#38; &#39;names&#39;&#62;"');
      expect(result.junit).to.match(/malformed JSON \(line 1 column 2\)/);
    });
  });

  it('names files from where it is run', async () => {
    const folder = await folderOf(tenant('one', department, [{ name: 'x', expect: { outcome: 'denied' } }]));
    const { lines } = await sallyport(['test', 'one'], { folder: folder.path });
    await folder.remove();
    expect(lines[1]?.trim()).to.equal(join('one', 'cases', '0.case.json'));
  });
});
