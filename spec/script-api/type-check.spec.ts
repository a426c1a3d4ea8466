/** The type check of `sallyport check`: without a word from the author, it knows what each hook is called with. */
import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { makeScript } from '../../engine/script/script.ts';
import { checkTypes, type TypeReport } from '../../tools/cli/check/types.ts';

type Files = Readonly<Record<string, string>>;

async function checked(file: string, source: string, modules: Files = {}): Promise<TypeReport> {
  const script = makeScript(
    file,
    source,
    Object.entries(modules).map(([name, text]) => ({ name, source: text })),
  );
  const report = await checkTypes([script]);
  if (!report) throw new Error('TypeScript is not installed');
  return report;
}

/** Each problem in one line. */
async function problems(file: string, source: string, modules: Files = {}): Promise<readonly string[]> {
  const report = await checked(file, source, modules);
  return report.problems.map(
    ({ severity, file: at, line, column, code, message }) => `${severity} ${at}:${line}:${column} ${code} ${message}`,
  );
}

async function uses(file: string, source: string): Promise<readonly string[]> {
  const report = await checked(file, source);
  return report.uses.map(({ line, column, name, compatibility }) => `${line}:${column} ${compatibility} ${name}`);
}

describe('the type check of scripts', () => {
  describe('of a plain classic script', () => {
    it('finds a wrong name on what a hook is called with, on its line and column', async () => {
      const source = `
/**
 * Called before a token is made.
 * @param theUserSession the user
 * @param {*} theDetails what was asked for
 */
function onTokenGenerating(theUserSession, theDetails) {
  if (!theUserSession) return;
  Log.info(theUserSession.userName); theDetails.addAccesTokenClaim('a', 1);
}`;
      expect(await problems('callbacks.js', source)).to.deep.equal([
        "warning callbacks.js:9:27 TS2551 Property 'userName' does not exist on type 'UserSessionDetails'. Did you mean 'username'?",
        "warning callbacks.js:9:49 TS2551 Property 'addAccesTokenClaim' does not exist on type 'OAuth2AuthorizationRequestDetails'. Did you mean 'addAccessTokenClaim'?",
      ]);
    });

    const hooks: readonly (readonly [source: string, type: string])[] = [
      ['function onAuthenticateSuccess(a, b, c) { c.modulId; }', 'SecurityInSmartAuthenticationContext'],
      ['function getUserName(a, b) { return b.nam; }', 'OAuth2Server'],
      ['function authenticate(a, b) { return b.newSucces(); }', 'ScriptAuthenticationOutcomeFactory'],
      ['function authenticate(a, b) { a.authorizationToken.claim; }', 'SignedToken'],
      ['function onSmartLoginPreContextSelection(a, b) { b.addChoices(); }', 'ContextSelectionChoices'],
      ['function onTokenGenerating(a, b, c) { c.clientID; }', 'ClientDetails'],
      ['function onPostAuthorize(a) { a.scopes; }', 'SmartOnPostAuthorizeDetails'],
      ['const onPostAuthorize = (a) => a.scopes;', 'SmartOnPostAuthorizeDetails'],
      ['var onPostAuthorize = async function (a) { await a.scopes; };', 'SmartOnPostAuthorizeDetails'],
      ['export function onPostAuthorize(a) { a.scopes; }', 'SmartOnPostAuthorizeDetails'],
      ['export const onPostAuthorize = async (a) => a.scopes;', 'SmartOnPostAuthorizeDetails'],
    ];
    for (const [source, type] of hooks)
      it(`knows ${type} in ${source}`, async () => {
        const [first = '', ...more] = await problems('callbacks.js', source);
        expect(first).to.include(`type '${type}'`);
        expect(more).to.deep.equal([]);
      });

    it('finds wrong globals, wrong members of them and wrong calls', async () => {
      const source = `function onPostAuthorize(theDetails) {
  Htpp.get('x');
  Http.get('https://a.example').execute().parseResponseAsJSON();
  Log.warning('x');
  deny('a', 'b');
  Converter.base64Decode();
  theDetails.clientId = 'other';
}`;
      expect(await problems('callbacks.js', source)).to.deep.equal([
        `warning callbacks.js:2:3 TS2304 Cannot find name 'Htpp'. Did you mean "Http"?`,
        "warning callbacks.js:3:43 TS2551 Property 'parseResponseAsJSON' does not exist on type 'HttpRequest'. Did you mean 'parseResponseAsJson'?",
        "warning callbacks.js:4:7 TS2339 Property 'warning' does not exist on type 'LogApi'.",
        'warning callbacks.js:5:13 TS2554 Expected 0-1 arguments, but got 2.',
        'warning callbacks.js:6:13 TS2554 Expected 1 arguments, but got 0.',
        "warning callbacks.js:7:14 TS2540 Cannot assign to 'clientId' because it is a read-only property.",
      ]);
    });

    it('says of what is missing what to use instead', async () => {
      const source = `function onTokenGenerating(theUserSession, theDetails) {
  setTimeout(function () {}, 10);
  require('lodash');
  process.env.HOME;
  if (theUserSession) theUserSession.pid;
  if (theUserSession) theUserSession.authorities.add('x');
}`;
      const found = await problems('callbacks.js', source);
      expect(found.map((line) => line.replace(/ TS.*? is not/, ' … is not').slice(0, 46))).to.deep.equal([
        'warning callbacks.js:2:3 … is not supported. A',
        'warning callbacks.js:3:11 … is not supported. ',
        'warning callbacks.js:4:3 … is not supported. S',
        'warning callbacks.js:5:38 … is not supported. ',
        'warning callbacks.js:6:50 … is not supported. ',
      ]);
      expect(found[4]).to.include('Use `push(item)`');
    });

    it('leaves the author’s own JavaScript alone', async () => {
      const source = `#!/usr/bin/env node
roles = ['a']; counter++;
var cache = {}; cache.any.thing = 1;
function helper(a) { return a.whatever.it.is; }
function onPostAuthorize(theDetails) {
  helper(1, 2, 3); helper();
  var x = 1; x = 'text'; x.foo;
  const [first] = roles.map(function (r) { return r.b; });
  theDetails.claims.anything.at.all = first;
  const parts = theDetails.clientId.split('/').pop(); Log.info(parts.trim());
  theDetails.launchParameters.patient; theDetails.requestingPractitioner.identifier[0].value;
  with (cache) { any; }
}`;
      expect(await problems('callbacks.js', source)).to.deep.equal([]);
    });

    it('finds nothing wrong with the demo', async () => {
      const folder = new URL('../../scripts-examples/demo/', import.meta.url);
      const names = ['callbacks.js', 'codap.js', 'local-login.js', 'partner-login.js'];
      const sources = await Promise.all(names.map((name) => readFile(new URL(name, folder), 'utf8')));
      // In one go, though they define the same hooks.
      const report = await checkTypes(names.map((name, index) => makeScript(name, sources[index] ?? '')));
      expect(report?.problems).to.deep.equal([]);
    });
  });

  describe('under // @ts-check', () => {
    it('tells every error of types', async () => {
      const source = `/* A script. */
// @ts-check
function getUserName(theOidcUserInfoMap, theServerInfo) {
  let count = 1;
  count = 'text';
  return theOidcUserInfoMap.sub ? 5 : theServerInfo.name;
}`;
      const found = await problems('login.js', source);
      expect(found[0]).to.equal("error login.js:5:3 TS2322 Type 'string' is not assignable to type 'number'.");
      expect(found[1]).to.match(/^error login\.js:6:35 TS2322 Type 'number' is not assignable/);
      expect(found).to.have.length(2);
    });

    it('tells a user who may be missing', async () => {
      const source = '// @ts-check\nfunction onTokenGenerating(theUserSession) {\n  theUserSession.notes = null;\n}';
      expect(await problems('callbacks.js', source)).to.deep.equal([
        'error callbacks.js:3:3 TS18047 theUserSession is null where there is no user, as for client credentials: test it first.',
      ]);
    });

    it('believes what the author says a hook takes', async () => {
      const source = `// @ts-check
/** @param {UserSessionDetails} theUserSession */
function onTokenGenerating(theUserSession) { theUserSession.username.trim(); }
/** @type {OnPostAuthorize} */
function onPostAuthorize(theDetails) { theDetails.nope; }`;
      expect(await problems('callbacks.js', source)).to.deep.equal([
        "error callbacks.js:5:51 TS2339 Property 'nope' does not exist on type 'SmartOnPostAuthorizeDetails'.",
      ]);
    });

    it('does not count where it stands below the first statement', async () => {
      expect(await problems('a.js', 'let a = 1; // @ts-check\na = "x";\nfunction onPostAuthorize() {}')).to.deep.equal(
        [],
      );
    });
  });

  describe('of TypeScript', () => {
    it('gives parameters without a type the one they have', async () => {
      const source = `export async function onTokenGenerating(user, details): Promise<void> {
  if (user !== null) details.addIdTokenClaim('n', user.nme);
}
export function onPostAuthorize(details: { wrong: string }) { details.wrong; }
export const getUserName = (claims, server) => server.nam;
`;
      expect(await problems('callbacks.ts', source)).to.deep.equal([
        "error callbacks.ts:2:56 TS2339 Property 'nme' does not exist on type 'UserSessionDetails'.",
        "error callbacks.ts:5:55 TS2551 Property 'nam' does not exist on type 'OAuth2Server'. Did you mean 'name'?",
      ]);
    });

    it('follows imports of the tenant’s files and of the library', async () => {
      const source = `import { get, HttpError } from 'sallyport/http';
import { covers, type Scope } from 'sallyport/scopes';
import type { OnPostAuthorize } from 'sallyport';
import { say } from './lib/say.ts';
export const onPostAuthorize: OnPostAuthorize = async (details) => {
  const answer = await get('https://a.example', { retry: 3 });
  say(answer.status);
  const kind: Scope['kind'] = 'resource';
  if (covers(kind, details.grantedScopes)) throw new HttpError('no', 'blocked');
};
`;
      const modules = { 'lib/say.ts': 'export function say(text: string): void {\n  Log.infos(text);\n}\n' };
      expect(await problems('callbacks.ts', source, modules)).to.deep.equal([
        "error callbacks.ts:6:51 TS2353 Object literal may only specify known properties, and 'retry' does not exist in type 'HttpOptions'.",
        "error callbacks.ts:7:7 TS2345 Argument of type 'number' is not assignable to parameter of type 'string'.",
        "error callbacks.ts:9:20 TS2345 Argument of type 'JavaList<string>' is not assignable to parameter of type 'string'.",
        "error lib/say.ts:2:7 TS2551 Property 'infos' does not exist on type 'LogApi'. Did you mean 'info'?",
      ]);
    });

    it('knows no name of a browser or of Node', async () => {
      const source = 'export function onPostAuthorize(): void {\n  window.alert(Buffer.from("x"));\n}\n';
      const found = await problems('callbacks.ts', source);
      expect(found[0]).to.include("callbacks.ts:2:3 TS2304 Cannot find name 'window'");
      expect(found[1]).to.include('callbacks.ts:2:16 TS2591 Buffer is not supported. Use `Uint8Array`');
    });
  });

  describe('lists where Smile CDR means otherwise', () => {
    it('by what the object is, whatever it is called', async () => {
      const source = `function onAuthenticateSuccess(who, make, context) {
  who.addAuthority('ROLE_FHIR_CLIENT');
  const { startTime } = context;
  context.getHeaders().get('x');
  const own = { addAuthority: 1, startTime: 2 }; own.addAuthority; own.startTime;
  note(who);
  return who;
}
function note(theOutcome) { theOutcome.addAuthority('FHIR_ALL_READ'); Environment.getEnv('X'); }`;
      expect(await uses('login.js', source)).to.deep.equal([
        '2:7 different UserSessionDetails.addAuthority',
        '3:11 different AuthenticationContext.startTime',
        '4:11 different AuthenticationContext.headers',
        '9:40 different UserSessionDetails.addAuthority',
        '9:71 different Environment',
      ]);
    });

    it('and what Java’s maps have', async () => {
      const source = 'function onPostAuthorize(d) {\n  d.claims.put("a", 1);\n  d.getClaims().keySet();\n}';
      expect(await uses('a.js', source)).to.deep.equal(['2:12 missing JavaMap.put', '3:17 missing JavaMap.keySet']);
    });

    it('but not to who writes modules', async () => {
      const source = 'export function onTokenGenerating(user, details) {\n  details.addAccessTokenClaim("a", 1);\n}';
      expect(await uses('a.js', source)).to.deep.equal([]);
    });
  });

  it('is done with a tenant of ten scripts in two seconds', async () => {
    const body =
      'function onTokenGenerating(a, b, c) {\n' + '  b.addAccessTokenClaim("x", c.clientId);\n'.repeat(200) + '}';
    const scripts = Array.from({ length: 10 }, (_, index) => makeScript(`s${index}.js`, body));
    await checkTypes(scripts.slice(0, 1));
    const began = performance.now();
    const report = await checkTypes(scripts);
    expect(report?.uses).to.have.length(2000);
    // Ten times as long as it takes on a free machine.
    expect(performance.now() - began).to.be.lessThan(20_000);
  });

  it('leaves a script that does not compile to those who tell of it', async () => {
    expect(await checked('a.js', 'function (')).to.deep.equal({ problems: [], uses: [] });
  });
});
