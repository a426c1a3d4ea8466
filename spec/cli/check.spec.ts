/** `npx sallyport check`: everything that is wrong, at once, with its place, and never a secret. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { copyTenants } from '../support/server.ts';
import { folderOf, nodeOfTheSystem, sallyport, tenantDocument } from './support.ts';

const examples = join(import.meta.dirname, '../../scripts-examples');

/** Checks these files and answers what was said, each path shortened to the name below the folder. */
async function checked(files: Readonly<Record<string, unknown>>, environment: Readonly<Record<string, string>> = {}) {
  const folder = await folderOf(files);
  try {
    const outcome = await sallyport(['check', folder.path], { environment });
    const output = outcome.output.replaceAll(`${folder.path}/`, '');
    return { ...outcome, output, lines: output.split('\n').filter((line) => line !== '') };
  } finally {
    await folder.remove();
  }
}

describe('sallyport check', () => {
  it('finds nothing wrong with the examples, and shows none of their secrets', async () => {
    const { code, output, lines } = await sallyport(['check', 'scripts-examples']);
    expect(code, output).to.equal(0);
    expect(
      lines.every((line) => /^(ok|note) /.test(line)),
      output,
    ).to.equal(true);
    expect(output).to.include('demo (http://localhost:9200/demo)').and.include('partner');
    expect(output).not.to.match(/demo-secret|demo-password|partner-demo-secret/);
  });

  it('runs with the Node that the machine has, whichever that is', async () => {
    const { code, output } = await sallyport(['check', join(examples, 'demo')], { node: nodeOfTheSystem() });
    expect(code, output).to.equal(0);
    expect(output).to.match(/(^|\n)ok {7}demo \(http:\/\/localhost:9200\/demo\)\n$/);
  });

  it('checks what the server would serve where no folder is named', async () => {
    const folder = await folderOf({ 'one/tenant.json': tenantDocument('one') });
    try {
      const { code, output } = await sallyport(['check'], { environment: { SALLYPORT_CONFIG: folder.path } });
      expect({ code, output }).to.deep.equal({ code: 0, output: 'ok       one (https://auth.example/one)\n' });
    } finally {
      await folder.remove();
    }
  });

  it('warns of people whose password in the document they could not set themselves, and does not show it', async () => {
    const users = ['short', 'stolen', 'sound', 'hashed'].map((username) => ({
      username,
      password: { env: `PW_${username}` },
    }));
    const passwords = { minimumLength: 12, breachedList: 'breached.txt' };
    const environment = {
      PW_short: 'too brief',
      PW_stolen: 'taken by many',
      PW_sound: 'a lantern for an otter',
      PW_hashed: 'x',
    };
    const hash = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$qL2iVv0zQm9R5C7cBv0c1Xl6b8k2e0N1m3Q4r5S6t7U';
    const document = (more: object) =>
      tenantDocument('one', {
        passwords,
        users: [...users.slice(0, 3), { username: 'hashed', passwordHash: hash }],
        ...more,
      });
    const { code, output, lines } = await checked(
      { 'one/tenant.json': document({}), 'one/breached.txt': 'taken by many' },
      environment,
    );
    expect(code, output).to.equal(0);
    expect(lines.filter((line) => line.startsWith('warning'))).to.deep.equal([
      'warning  one/tenant.json at /users/0/password: found a password that is refused elsewhere (too-short), expected one that fits the rules of `passwords`. the person can log in with it; set mustChangePassword, or choose another one',
      'warning  one/tenant.json at /users/1/password: found a password that is refused elsewhere (breached), expected one that fits the rules of `passwords`. the person can log in with it; set mustChangePassword, or choose another one',
    ]);
    expect(output).not.to.match(/too brief|taken by many|lantern/);
    const demo = await checked(
      {
        'one/tenant.json': document({ demo: true, issuer: 'http://localhost:9200/one' }),
        'one/breached.txt': 'taken by many',
      },
      environment,
    );
    expect(demo.output, 'people of a demo').not.to.contain('warning');
  });

  it('checks a server file with the tenants it names', async () => {
    const files = {
      'server.json': { tenants: 'hospitals', prt: 9200, workers: 0 },
      'hospitals/one/tenant.json': tenantDocument('one', { skin: 7 }),
    };
    const folder = await folderOf(files);
    try {
      const { code, output } = await sallyport(['check', join(folder.path, 'server.json')]);
      expect(code).to.equal(1);
      expect(output).to.include('/prt: found the unknown name "prt", expected a known name. did you mean "port"?');
      expect(output).to.include('/workers: found 0, expected at least 1.');
      expect(output).to.include('one/tenant.json at /skin: found 7, expected a text.');
    } finally {
      await folder.remove();
    }
  });

  describe('a configuration that is wrong in many ways', () => {
    let lines: readonly string[];
    let code: number | null;
    before(async () => {
      const client = {
        clientId: 'app',
        clientName: 'App',
        tokenEndpointAuthMethods: ['client_secret_basic'],
        grantTypes: ['authorization_code'],
      };
      ({ code, lines } = await checked({
        'first/tenant.json': tenantDocument('first', {
          lifetime: { accessTokenSeconds: 60 },
          lifetimes: { sessionSeconds: '8h', acessTokenSeconds: 5 },
          policy: { unlistedScopes: 'ignored' },
          frameAncestors: 'https://ehr.example',
          scripts: { callbacks: 'callbacks.js', codapAuthorisation: 'codap.js' },
          clients: [
            {
              ...client,
              redirectUris: ['https://app.example/#top'],
              secrets: [{ value: { env: 'NO_SUCH_VARIABLE' } }],
            },
            { ...client, secrets: [{ value: { file: '../elsewhere' } }] },
          ],
          keystore: { jwksFile: 'keys.json' },
        }),
        'first/callbacks.js': 'function onTokenGenerating(session) {\n  return session +;\n}\n',
        'first/keys.json': { keys: [{ kty: 'EC' }] },
        'second/tenant.json': '{\n  "id": "second",\n  "name": \n}\n',
        'third/tenant.json': tenantDocument('third', { issuer: 'http://auth.example/third' }),
        'fourth/tenant.json': tenantDocument('third'),
      }));
    });

    const said: readonly [what: string, line: string | RegExp][] = [
      [
        'an unknown name',
        'error    first/tenant.json at /lifetime: found the unknown name "lifetime", expected a known name. did you mean "lifetimes"?',
      ],
      [
        'an unknown name further in',
        'error    first/tenant.json at /lifetimes/acessTokenSeconds: found the unknown name "acessTokenSeconds", expected a known name. did you mean "accessTokenSeconds"?',
      ],
      [
        'a wrong type',
        'error    first/tenant.json at /lifetimes/sessionSeconds: found a text, expected a whole number.',
      ],
      [
        'a value that is not on the list',
        'error    first/tenant.json at /policy/unlistedScopes: found "ignored", expected one of ignore, reject. did you mean "ignore"?',
      ],
      ['a text for a list', 'error    first/tenant.json at /frameAncestors: found a text, expected a list.'],
      [
        'a misspelt script, read as what was meant',
        'error    first/tenant.json at /scripts/codapAuthorization: found "codap.js", which cannot be read, expected a readable file. check the name and its permissions',
      ],
      ['a syntax error', 'error    first/callbacks.js:2:19: Unexpected token.'],
      ['a redirect URI', /^error {4}first\/tenant\.json at \/clients\/0\/redirectUris\/0: found .*no fragment/],
      [
        'a missing variable',
        "error    first/tenant.json at /clients/0/secrets/0/value/env: found no variable NO_SUCH_VARIABLE, expected a variable with a value. set NO_SUCH_VARIABLE in the server's environment",
      ],
      [
        'a file outside the folder',
        `error    first/tenant.json at /clients/1/secrets/0/value/file: found "../elsewhere", expected a file inside the tenant's folder.`,
      ],
      [
        'a name used twice',
        'error    first/tenant.json at /clients/1/clientId: found "app" again, expected a value used once.',
      ],
      [
        'no redirect URI',
        /^error {4}first\/tenant\.json at \/clients\/1: found authorization_code without redirectUris/,
      ],
      [
        'a key that cannot sign',
        'error    first/tenant.json at /keystore/jwksFile: found key 1 of "keys.json" without kid and alg and d, expected a private key with kid and alg.',
      ],
      [
        'malformed JSON with its place',
        'error    second/tenant.json: found malformed JSON (line 4 column 1), expected JSON.',
      ],
      [
        'an issuer without TLS',
        /^error {4}third\/tenant\.json at \/issuer: found .*, expected https\. http is for loopback only$/,
      ],
    ];
    for (const [what, line] of said) {
      it(`tells ${what}`, () => {
        const found = typeof line === 'string' ? lines.includes(line) : lines.some((each) => line.test(each));
        expect(found, `${String(line)}\n\nin\n${lines.join('\n')}`).to.equal(true);
      });
    }

    it('ends with the count and exit code 1, and tells nothing twice', () => {
      expect(code).to.equal(1);
      expect(lines.at(-1)).to.equal(`${lines.length - 1} errors, 0 warnings`);
      expect(new Set(lines).size).to.equal(lines.length);
      expect(lines.filter((line) => line.startsWith('ok'))).to.deep.equal([]);
    });

    it('does not complain about what only follows from something else', () => {
      // "codapAuthorisation" was read as the script it was meant to be; lists and secrets are said once each.
      expect(lines.filter((line) => line.includes('/frameAncestors'))).to.have.length(1);
      expect(lines.filter((line) => line.includes('/scripts/codapAuthoris'))).to.have.length(1);
    });
  });

  it('tells two tenants of one id or issuer', async () => {
    const { code, output } = await checked({
      'a/tenant.json': tenantDocument('same'),
      'b/tenant.json': tenantDocument('same', { issuer: 'https://auth.example/b' }),
      'c/tenant.json': tenantDocument('c', { issuer: 'https://auth.example/b' }),
    });
    expect(code).to.equal(1);
    expect(output).to.match(/b\/tenant\.json at \/id: found what .*a has, too/);
    expect(output).to.match(/c\/tenant\.json at \/issuer: found what .*b has, too/);
  });

  it('says of alternatives what each of them would be, once', async () => {
    const users = [
      { username: 'a', password: { envv: 'X' } },
      { username: 'b', password: 5 },
      { username: 'c', password: {} },
      { username: 'd', password: '' },
    ];
    const { lines } = await checked({
      'one/tenant.json': tenantDocument('one', {
        users,
        fhirServers: [{ name: 'r4', url: 'https://fhir.example', access: { type: 'beerer' } }],
      }),
    });
    const expected = 'expected a text or {"env": …} or {"file": …}.';
    expect(lines.slice(0, -1)).to.deep.equal([
      'error    one/tenant.json at /fhirServers/0/access: found an object, expected {"type": "none", …} or {"type": "bearer", …} or {"type": "basic", …} or {"type": "client-credentials", …} or {"type": "own-token", …}.',
      `error    one/tenant.json at /users/0/password: found an object, ${expected} did you mean "env"?`,
      `error    one/tenant.json at /users/1/password: found 5, ${expected}`,
      `error    one/tenant.json at /users/2/password: found an object, ${expected}`,
      'error    one/tenant.json at /users/3/password: found an empty text, expected at least 1 character.',
    ]);
  });

  it('tells what is wrong with the environment as well', async () => {
    const { code, output } = await checked(
      { 'one/tenant.json': tenantDocument('one', { skin: 1 }) },
      { SALLYPORT_WORKRS: '2', PORT: 'many', LOG_LEVEL: 'loud', SALLYPORT_MASTER_KEY: 'short-master-key' },
    );
    expect(code).to.equal(1);
    expect(output).to.include('the unknown variable SALLYPORT_WORKRS').and.include('did you mean "SALLYPORT_WORKERS"?');
    expect(output).to.include('the variable PORT: found a text, expected a whole number.');
    expect(output).to.include('the variable LOG_LEVEL: found "loud", expected one of trace, debug,');
    expect(output).to.include('the variable SALLYPORT_MASTER_KEY: found a text, expected at least 32 characters.');
    expect(output).to.include('one/tenant.json at /skin: found 1, expected a text.');
  });

  for (const [what, args, sentence] of [
    ['a folder that is not there', ['check', 'no/such/folder'], 'There is no file or folder no/such/folder.'],
    ['two folders', ['check', 'a', 'b'], 'too many arguments'],
    ['an unknown option', ['check', '--quick'], "unknown option '--quick'"],
    ['an unknown command', ['chek'], 'Did you mean check?'],
  ] as const) {
    it(`ends with 2 for ${what}`, async () => {
      const { code, output } = await sallyport(args);
      expect(code).to.equal(2);
      expect(output).to.include(sentence);
    });
  }

  it('ends with 1 for a folder without any tenant', async () => {
    const { code, output } = await checked({ 'readme.txt': 'nothing' });
    expect(code).to.equal(1);
    expect(output).to.include('found no tenant, expected a folder with tenant.json');
  });

  describe('scripts', () => {
    /** One tenant for each script, so that one run checks them all. */
    async function scripts(sources: readonly (readonly [file: string, source: string, document?: object])[]) {
      const files: Record<string, unknown> = {};
      for (const [index, [file, source, document]] of sources.entries()) {
        files[`t${index}/tenant.json`] = tenantDocument(`t${index}`, document ?? { scripts: { callbacks: file } });
        files[`t${index}/${file}`] = source;
      }
      return checked(files);
    }

    it('that do not load are told with line and column, in each language', async () => {
      const { code, lines } = await scripts([
        ['classic.js', 'function onTokenGenerating(a) {\n  if (a {\n  }\n}\n'],
        ['module.mjs', 'export function onTokenGenerating(a) {\n  const x = ;\n}\n'],
        ['types.ts', 'export function onTokenGenerating(a: string): void {\n  enum E { A }\n}\n'],
        ['missing.js', "import { x } from './nothing.js';\nexport function onPostAuthorize() { x(); }\n"],
        ['library.js', "import { get } from 'sallyport/htpp';\nexport function onPostAuthorize() { get(); }\n"],
        ['top.js', '\nnoSuchFunction();\nfunction onPostAuthorize() {}\n'],
      ]);
      expect(code).to.equal(1);
      const at = (start: string) => lines.filter((line) => line.startsWith(`error    ${start}`)).join('\n');
      expect(at('t0/classic.js:2:9')).to.include('Unexpected token');
      expect(at('t1/module.mjs:2:13')).to.include('Unexpected token');
      expect(at('t2/types.ts:2:')).to.include('enum').and.include('no enum, namespace or parameter properties');
      expect(at('t3/')).to.include('nothing.js').and.include('cannot be read');
      expect(at('t4/library.js:1:')).to.include('did you mean "sallyport/http"?');
      expect(at('t5/top.js:2:1')).to.include('fails before any hook is called').and.include('noSuchFunction');
      expect(lines).to.have.length(7);
    });

    it('with hooks that nothing would call are warned of, with exit code 0', async () => {
      const inbound = { inbound: [{ type: 'local', id: 'local', script: 'in.js' }] };
      const { code, lines } = await scripts([
        ['slip.js', 'function onTokenGenerated(a) {}\nfunction onPostAuthorise(a) {}\nfunction helper() {}\n'],
        ['in.js', 'function onAuthenticationSuccess(theUserSession) {}\n', inbound],
        ['other.js', 'var onLogin = function () {};\nfunction onPostAuthorize() {}\n'],
        ['elsewhere.js', 'function authenticate(a, b) {}\nfunction onPostAuthorize(a) {}\n'],
        ['arity.js', 'function onPostAuthorize(theDetails, theSession) {}\n'],
        ['hidden.mjs', 'function onPostAuthorize() {}\nexport function onTokenGenerating() {}\n'],
        ['empty.js', '// Nothing yet.\n'],
      ]);
      expect(code, lines.join('\n')).to.equal(0);
      const warnings = lines.filter((line) => line.startsWith('warning  '));
      expect(warnings.map((line) => line.slice(9))).to.deep.equal([
        't0/slip.js:1:1: onTokenGenerated is no hook, so nothing calls it. did you mean "onTokenGenerating"?',
        't0/slip.js:2:1: onPostAuthorise is no hook, so nothing calls it. did you mean "onPostAuthorize"?',
        't0/slip.js: nothing in it is ever called. it needs onSmartLoginPreContextSelection or onTokenGenerating or onPostAuthorize or onSelfRegistration',
        't1/in.js:1:1: onAuthenticationSuccess is no hook, so nothing calls it. did you mean "onAuthenticateSuccess"?',
        't1/in.js: nothing in it is ever called. it needs onAuthenticateSuccess or authenticate',
        't2/other.js:1:5: onLogin is no hook, so nothing calls it. the hooks are onAuthenticateSuccess, getUserName, authenticate, onSmartLoginPreContextSelection, onTokenGenerating, onPostAuthorize, onSelfRegistration',
        "t3/elsewhere.js:1:1: authenticate is never called here. it belongs into scripts.codapAuthorization or an inbound module's script",
        't4/arity.js:1:1: onPostAuthorize has 2 parameters, but is called with 1. theDetails',
        't5/hidden.mjs:1:1: onPostAuthorize is not exported, so nothing calls it. write export function onPostAuthorize',
        't6/empty.js: nothing in it is ever called. it needs onSmartLoginPreContextSelection or onTokenGenerating or onPostAuthorize or onSelfRegistration',
      ]);
      expect(lines.at(-1)).to.equal('0 errors, 10 warnings');
    });

    it('one file may serve several places', async () => {
      const { code, output } = await scripts([
        [
          'all.js',
          'function onTokenGenerating() {}\nfunction onAuthenticateSuccess(s) {}\n',
          { scripts: { callbacks: 'all.js' }, inbound: [{ type: 'local', id: 'local', script: 'all.js' }] },
        ],
      ]);
      expect({ code, output }).to.deep.equal({ code: 0, output: 'ok       t0 (https://auth.example/t0)\n' });
    });

    const unguarded: readonly [what: string, source: string, place: string][] = [
      ['a property', 'function onTokenGenerating(s) {\n  Log.info(s.username);\n}', '2:12'],
      ['a method', 'function onTokenGenerating(s, d) {\n  s.addAuthority("A");\n}', '2:3'],
      ['an index', 'function onTokenGenerating(s) {\n  return s["username"];\n}', '2:10'],
      ['taking apart', 'function onTokenGenerating(s) {\n  const { username } = s;\n}', '2:24'],
      ['taking apart as a parameter', 'function onTokenGenerating({ username }) {}', '1:28'],
      ['before the test', 'function onTokenGenerating(s) {\n  s.notes = "";\n  if (s) return;\n}', '2:3'],
      [
        'a test for undefined alone',
        'function onTokenGenerating(s) {\n  if (typeof s !== "undefined")\n    s.getUsername();\n}',
        '3:5',
      ],
      ['in a function within', 'function onTokenGenerating(s) {\n  [1].map(() => s.username);\n}', '2:17'],
      [
        'in a helper',
        'function onTokenGenerating(s) {\n  mark(s);\n}\nfunction mark(user) {\n  user.notes = "";\n}',
        '5:3',
      ],
      ['an assigned function', 'onTokenGenerating = function (s) {\n  s.getUsername();\n};', '2:3'],
      ['an arrow of a module', 'export const onTokenGenerating = async (s) => {\n  await s.getUsername();\n};', '2:9'],
      ['a default value', 'function onTokenGenerating(s = {}) {\n  s.getUsername();\n}', '2:3'],
    ];
    const guarded: readonly [what: string, source: string][] = [
      ['a test before', 'function onTokenGenerating(s) {\n  if (!s) return;\n  s.getUsername();\n}'],
      ['a comparison', 'function onTokenGenerating(s) {\n  if (s !== null) s.getUsername();\n}'],
      ['a loose comparison', 'function onTokenGenerating(s) {\n  if (s == null) return;\n  s.getUsername();\n}'],
      ['an optional chain', 'function onTokenGenerating(s) {\n  s?.getUsername();\n  Log.info(s?.username);\n}'],
      ['a short circuit', 'function onTokenGenerating(s) {\n  const name = s && s.username;\n}'],
      ['a conditional', 'function onTokenGenerating(s) {\n  const name = s ? s.username : "none";\n}'],
      ['a catch', 'function onTokenGenerating(s) {\n  try {\n    s.getUsername();\n  } catch (e) {}\n}'],
      ['no use', 'function onTokenGenerating(s, d) {\n  d.addAccessTokenClaim("a", 1);\n}'],
      [
        'a helper that tests',
        'function onTokenGenerating(s) {\n  mark(s);\n}\nfunction mark(u) {\n  if (u) u.getUsername();\n}',
      ],
      ['another of that name', 'function onTokenGenerating(s) {\n  [1].map(function (s) { return s.x; });\n}'],
      ['another hook, which has a person', 'function onSmartLoginPreContextSelection(s) {\n  s.getUsername();\n}'],
      [
        'a guard in a helper called in a ring',
        'function onTokenGenerating(s) {\n  a(s);\n}\nfunction a(s) {\n  b(s);\n}\nfunction b(s) {\n  a(s);\n}',
      ],
    ];

    it('that do not guard against the missing person are warned of, at the place', async () => {
      const { code, lines } = await scripts(unguarded.map(([, source]) => ['callbacks.js', source]));
      expect(code).to.equal(0);
      const warnings = lines.filter((line) => line.startsWith('warning  '));
      expect(warnings).to.have.length(unguarded.length);
      for (const [index, [what, , place]] of unguarded.entries())
        expect(
          warnings.find((line) => line.includes(`t${index}/`)),
          what,
        )
          .to.include(`t${index}/callbacks.js:${place}: onTokenGenerating uses its first parameter without asking`)
          .and.include('null where a client acts for itself');
    });

    it('that do guard are not', async () => {
      const { code, lines } = await scripts(guarded.map(([, source]) => ['callbacks.js', source]));
      expect(code).to.equal(0);
      for (const [index, [what]] of guarded.entries())
        expect(
          lines.filter((line) => line.includes(`t${index}/`) && !/^(ok|note) /.test(line)),
          what,
        ).to.deep.equal([]);
    });
  });

  it('checks the types of scripts: errors where their author asks for it, warnings else', async () => {
    const { code, lines } = await checked({
      'one/tenant.json': tenantDocument('one', {
        scripts: { callbacks: 'callbacks.js' },
        inbound: [{ type: 'local', id: 'local', script: 'login.ts' }],
      }),
      'one/callbacks.js':
        'function onPostAuthorize(theDetails) {\n  Log.info(theDetails.grantedScope + theDetails.accessToken);\n  theDetails.claims.keySet();\n}\n',
      'one/login.ts':
        "import { name } from './name.ts';\nexport function onAuthenticateSuccess(user) {\n  user.setUserData(name, user.nmae);\n}\n",
      'one/name.ts': "export const name: number = 'a';\n",
    });
    expect(code).to.equal(1);
    expect(lines).to.deep.equal([
      "error    one/login.ts:3:20: Argument of type 'number' is not assignable to parameter of type 'string'. (TS2345)",
      "error    one/login.ts:3:31: Property 'nmae' does not exist on type 'UserSessionDetails'. (TS2339)",
      "error    one/name.ts:1:14: Type 'string' is not assignable to type 'number'. (TS2322)",
      "warning  one/callbacks.js:2:23: Property 'grantedScope' does not exist on type 'SmartOnPostAuthorizeDetails'. Did you mean 'grantedScopes'?",
      'warning  one/callbacks.js:3:21: JavaMap.keySet is not supported. Maps are JavaScript objects here. Use `Object.keys(map)`.',
      'note     one/callbacks.js:2:49: SmartOnPostAuthorizeDetails.accessToken differs from Smile CDR. `***` unless the tenant’s `policy.showAccessTokenToPostAuthorize` is on.',
      '3 errors, 2 warnings',
    ]);
  });

  it('says once of a session that may be missing what the types prove', async () => {
    const { code, lines } = await checked({
      'one/tenant.json': tenantDocument('one', { scripts: { callbacks: 'callbacks.js' } }),
      'one/callbacks.js': '// @ts-check\nfunction onTokenGenerating(user) {\n  Log.info(user.username);\n}\n',
    });
    expect(code).to.equal(1);
    expect(lines).to.deep.equal([
      "error    one/callbacks.js:3:12: 'user' is possibly 'null'. (TS18047)",
      '1 error, 0 warnings',
    ]);
  });

  it('warns of apps without a FHIR server', async () => {
    const client = {
      clientId: 'app',
      clientName: 'App',
      tokenEndpointAuthMethods: ['none'],
      grantTypes: ['authorization_code'],
      redirectUris: ['https://app.example/'],
    };
    const smart = await checked({ 'one/tenant.json': tenantDocument('one', { clients: [client] }) });
    expect(smart.code).to.equal(0);
    expect(smart.lines[0]).to.match(/^warning {2}one\/tenant\.json at \/fhirServers: found no FHIR server/);
    const oidc = await checked({
      'one/tenant.json': tenantDocument('one', { clients: [{ ...client, profile: 'oidc' }] }),
    });
    expect(oidc.output).to.equal('ok       one (https://auth.example/one)\n');
  });

  describe('secrets', () => {
    const secrets = ['hunter2-inline', 'hunter2-in-file', 'hunter2-in-variable', 'hunter2-in-json', 'hunter2-database'];

    it('are not shown, however wrong their place is', async () => {
      const client = {
        clientId: 'a',
        clientName: 'A',
        tokenEndpointAuthMethods: ['client_secret_basic'],
        grantTypes: [],
      };
      const { code, output } = await checked(
        {
          'one/tenant.json': tenantDocument('one', {
            clients: [{ ...client, secrets: [{ value: 'hunter2-inline' }], secret: 'hunter2-inline' }],
            providers: [{ id: 'p', issuer: 'https://p.example', clientId: 'c', clientSecret: ['hunter2-inline'] }],
            users: [{ username: 'u', password: { env: 'PASSWORD', file: 'secret', value: 'hunter2-inline' } }],
            environment: { KEY: { file: 'secret' }, OTHER: 7 },
            fhirServers: [
              { name: 'r4', url: 'https://f.example', access: { type: 'bearer', token: 'hunter2-inline', x: 1 } },
            ],
            secrets: { name: { value: 'hunter2-inline', hooks: ['onTokenGeneratin'] } },
          }),
          'one/secret': 'hunter2-in-file\n',
          'two/tenant.json': '{ "clients": [ { "secrets": [ { "value": "hunter2-in-json" ',
          'three/tenant.json': tenantDocument('three', {
            environment: { KEY: { file: 'secret' }, OTHER: { env: 'PASSWORD' } },
            clients: [{ ...client, secrets: [{ value: 'hunter2-inline' }, { value: { file: 'secret' } }] }],
            keystore: { jwks: { keys: [{ kty: 'EC', kid: 'k', alg: 'ES256', crv: 'P-256', d: 'hunter2-inline' }] } },
          }),
          'three/secret': 'hunter2-in-file\n',
        },
        {
          PASSWORD: 'hunter2-in-variable',
          DATABASE_URL: 'mysql://user:hunter2-database@db.example/x',
          SALLYPORT_ADMIN_SECRET: 'hunter2-inline',
        },
      );
      expect(code).to.equal(1);
      for (const secret of secrets) expect(output).not.to.include(secret);
      expect(output).to.include('three/tenant.json at /clients/0/secrets/0/value: found an inline secret');
      expect(output).to.include('three/tenant.json at /keystore/jwks: found inline private keys');
      expect(output).to.include('the variable DATABASE_URL: found a text, expected a text that matches ^postgres');
    });

    it('of a sound configuration are not shown, nor are private keys', async () => {
      const config = await copyTenants('http://localhost:9200');
      try {
        const { output } = await sallyport(['check', config]);
        const { keys } = JSON.parse(await readFile(join(config, 'demo/keys/sample-asym.jwks.json'), 'utf8')) as {
          keys: { d: string }[];
        };
        for (const { d } of keys) expect(output).not.to.include(d);
        expect(output).not.to.include('demo-secret');
      } finally {
        await rm(config, { recursive: true, force: true });
      }
    });
  });
});
