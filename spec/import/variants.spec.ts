/** The ways a configuration may come, and what an import makes of each. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { exportJWK, generateKeyPair } from 'jose';
import { compileScript } from '../../engine/script/compile/compile.ts';
import { makeScript } from '../../engine/script/script.ts';
import { joinScripts, needsOf } from '../../tools/import/smilecdr/scripts.ts';
import { documentIn, faultsOf, type Node, nodeOf, reportOf } from './support.ts';

const properties = 'cdr-config-Master.properties';
const minimal = [
  'module.auth.type=SECURITY_OUT_SMART',
  'module.auth.config.issuer.url=https://auth.example/a',
  'module.auth.config.allowed_audience_list=https://fhir.example/r4',
];
const client = (clientId: string, more: object = {}) => ({
  clientId,
  allowedGrantTypes: ['CLIENT_CREDENTIALS'],
  scopes: ['system/*.read'],
  secretRequired: true,
  clientSecrets: [{ secret: `secret-of-${clientId}` }],
  ...more,
});

describe('an import from Smile CDR, otherwise', function () {
  this.timeout(60_000);
  let node: Node;
  afterEach(() => node?.remove());

  async function importOf(files: Readonly<Record<string, unknown>>, given = Object.keys(files)) {
    node = await nodeOf(files);
    const report = reportOf(await node.run({ files: given.map((file) => join(node.path, file)) }));
    return { report, document: await documentIn(node.into) };
  }

  it('makes one folder of one module, with what a document needs and no more', async () => {
    const { report, document } = await importOf({ [properties]: minimal.join('\n') });
    expect((await readdir(node.into)).sort()).to.deep.equal(['import-report.md', 'tenant.json']);
    expect(document).to.deep.equal({
      id: 'auth',
      name: 'auth',
      issuer: 'https://auth.example/a',
      fhirServers: [{ name: 'r4', url: 'https://fhir.example/r4' }],
      inbound: [],
    });
    expect(report).not.to.include('## Missing').and.not.to.include('## Before the first start');
  });

  it('makes the same of what the JSON admin API answers', async () => {
    const lines = [
      ...minimal,
      'module.auth.requires.SECURITY_IN_UP=people',
      'module.people.type=SECURITY_IN_LOCAL',
      'module.people.config.callback_script.text=function onAuthenticateSuccess(a) { return a; }',
    ];
    const first = await importOf({ [properties]: lines.join('\n') });
    await node.remove();
    const auth = {
      moduleId: 'auth',
      moduleType: 'SECURITY_OUT_SMART',
      options: [
        { key: 'issuer.url', value: 'https://auth.example/a' },
        { key: 'allowed_audience_list', value: 'https://fhir.example/r4' },
        { key: 'unset', value: null },
      ],
      dependencies: [{ type: 'SECURITY_IN_UP', moduleId: 'people' }],
    };
    const people = {
      moduleId: 'people',
      moduleType: 'SECURITY_IN_LOCAL',
      options: [{ key: 'callback_script.text', value: 'function onAuthenticateSuccess(a) { return a; }' }],
    };
    const second = await importOf({ 'config.json': { nodes: [{ nodeId: 'Master', modules: [auth, people] }] } });
    expect(second.document).to.deep.equal(first.document);
    expect(second.report).to.include('config.json `/nodes/0/modules/0/options/0`');
    await node.remove();
    const third = await importOf({ 'a.json': auth, 'b.json': { modules: [people] } });
    expect(third.document).to.deep.equal(first.document);
  });

  it('takes another issuer, and tells whom that concerns', async () => {
    node = await nodeOf({ [properties]: minimal.join('\n').replace('https://auth.example/a', 'http://internal:9200') });
    expect(faultsOf(await node.run()).join()).to.include('--issuer');
    const report = reportOf(await node.run({ issuer: 'https://auth.example/new/' }));
    expect((await documentIn(node.into)).issuer).to.equal('https://auth.example/new');
    expect(report).to.match(/## Differs[^#]*issuer\.url`: `issuer` is https:\/\/auth\.example\/new, as --issuer says/);
  });

  it('warns where the database, not the file, is what Smile CDR runs by', async () => {
    const { report } = await importOf({ [properties]: [...minimal, 'node.propertysource=DATABASE'].join('\n') });
    expect(report).to.match(/node\.propertysource`: Smile CDR runs by its database/);
  });

  it('tells a property that stands there twice, and takes the last', async () => {
    const { report, document } = await importOf({
      [properties]: [...minimal, 'module.auth.config.issuer.url=https://auth.example/b'].join('\n'),
    });
    expect(document.issuer).to.equal('https://auth.example/b');
    expect(report).to.match(/## Differs[^#]*issuer\.url`: It stands there more than once/);
  });

  it('tells properties of no known form, and files of no known content', async () => {
    const { report } = await importOf({
      [properties]: [...minimal, 'modul.auth.config.port=1', 'module.auth.confg.port=2'].join('\n'),
      'other.json': { something: [] },
      'unnamed.js': 'function onTokenGenerating() {}',
    });
    for (const place of ['`modul.auth.config.port`', '`module.auth.confg.port`', 'other.json `/`', 'unnamed.js `/`'])
      expect(report.split('## Differs')[0], place).to.include(place);
  });

  describe('where seeds are', () => {
    it('takes files that no property names, and items that name no module, where it is clear whose they are', async () => {
      const users = [{ username: 'ada', password: 'geheim' }];
      const { report, document } = await importOf({
        [properties]: [...minimal, 'module.auth.requires.SECURITY_IN_UP=people'].join('\n'),
        'export.json': { clients: [client('a'), client('b', { moduleId: 'auth' })], pageIndex: 0, totalPages: 1 },
        'users.json': { users },
      });
      expect(document.clients?.map(({ clientId }) => clientId)).to.deep.equal(['a', 'b']);
      expect(document.users?.map(({ username }) => username)).to.deep.equal(['ada']);
      expect(document.inbound).to.deep.equal([{ type: 'local', id: 'people' }]);
      expect(report).to.include('The module people is in none of the files: it is taken for a local one.');
    });

    it('does not guess whose an item is', async () => {
      const second = minimal.map((line) => line.replaceAll('auth.', 'other.').replace('/a', '/b'));
      node = await nodeOf({
        [properties]: [...minimal, ...second].join('\n'),
        'clients.json': { clients: [client('a')] },
      });
      const report = reportOf(
        await node.run({ files: [properties, 'clients.json'].map((file) => join(node.path, file)) }),
      );
      expect(report).to.include('It names no module, and there is not exactly one that it could be of.');
      for (const id of ['auth', 'other']) expect((await documentIn(join(node.into, id))).clients).to.equal(undefined);
    });

    it('makes do with an export where the file of the property is not there', async () => {
      const { report, document } = await importOf({
        [properties]: [...minimal, 'module.auth.config.seed_clients.file=classpath:/config_seeding/clients.json'].join(
          '\n',
        ),
        'export.json': { clients: [client('a')] },
      });
      expect(document.clients).to.have.length(1);
      expect(report).to.include('The clients of other files are brought over.');
    });

    it('finds references in given folders, and by a name that is the only one', async () => {
      node = await nodeOf({
        [properties]: [
          ...minimal,
          'module.auth.config.seed_clients.file = classpath:/deep/clients.json ',
          'module.auth.config.post_authorize_script.file=file:///opt/smile/callbacks.js',
        ].join('\n'),
      });
      await mkdir(join(node.path, 'given/deep'), { recursive: true });
      await writeFile(join(node.path, 'given/deep/clients.json'), JSON.stringify({ clients: [client('a')] }));
      await writeFile(join(node.path, 'given/callbacks.js'), 'function onPostAuthorize(theDetails) {}');
      reportOf(await node.run({ files: [join(node.path, properties), join(node.path, 'given')] }));
      const document = await documentIn(node.into);
      expect([document.clients?.length, document.scripts?.callbacks]).to.deep.equal([1, 'callbacks.js']);
      await mkdir(join(node.path, 'given/other'));
      await writeFile(join(node.path, 'given/other/callbacks.js'), '// another');
      const faults = faultsOf(
        await node.run({ files: [join(node.path, properties), join(node.path, 'given')], force: true }),
      );
      expect(faults.join()).to.include('several of the given files are called callbacks.js');
    });
  });

  it('leaves variables of people to the server, and has masked and unknown passwords set anew', async () => {
    const users = [
      { username: 'variable', password: "#{env['ADA_PASSWORD']}" },
      { username: 'masked', password: '***' },
      { username: 'rounds', password: `{SHA256_1000_ROUND}${'ab'.repeat(40)}` },
    ];
    const { report, document } = await importOf({
      [properties]: [...minimal, 'module.auth.requires.SECURITY_IN_UP=people'].join('\n'),
      'users.json': { users },
    });
    expect(document.users?.map(({ password, passwordHash }) => password ?? passwordHash)).to.deep.equal([
      { env: 'ADA_PASSWORD' },
      undefined,
      undefined,
    ]);
    expect(report).to.include('- Set ADA_PASSWORD');
    expect(report).to.include('The password of masked has to be set anew: it is masked.');
    expect(report).to.include(
      'The password of rounds has to be set anew: it is a hash in a form that is not known here.',
    );
    expect(report).not.to.include('abababab');
  });

  describe('of FHIR servers', () => {
    const endpoint = (id: string, url: string, trusts?: string) => [
      `module.${id}.type=ENDPOINT_FHIR_REST`,
      `module.${id}.config.base_url.fixed=${url}`,
      ...(trusts ? [`module.${id}.requires.SECURITY_IN_OIC=${trusts}`] : []),
    ];

    it('takes the endpoints that trust the module where no list names any', async () => {
      const { report, document } = await importOf({
        [properties]: [
          ...minimal.slice(0, 2),
          ...endpoint('fhir', 'https://one.example/fhir/', 'auth'),
          ...endpoint('other', 'https://two.example/fhir'),
          ...endpoint('default', 'default', 'auth'),
        ].join('\n'),
      });
      expect(document.fhirServers).to.deep.equal([{ name: 'fhir', url: 'https://one.example/fhir' }]);
      expect(report).to.match(/## Differs[^#]*allowed_audience_list`: It is empty/);
    });

    it('says so where there is none, for no app gets a token for FHIR then', async () => {
      const { report, document } = await importOf({ [properties]: minimal.slice(0, 2).join('\n') });
      expect(document.fhirServers).to.equal(undefined);
      expect(report).to.include('Name the FHIR servers of the tenant auth in `fhirServers`');
    });

    it('names two of one last step apart, and tells what is no address', async () => {
      const { report, document } = await importOf({
        [properties]: [
          ...minimal.slice(0, 2),
          'module.auth.config.allowed_audience_list=https://a.example/r4 https://b.example/r4/ https://a.example/r4/ nonsense',
        ].join('\n'),
      });
      expect(document.fhirServers).to.deep.equal([
        { name: 'r4', url: 'https://a.example/r4' },
        { name: 'r4-2', url: 'https://b.example/r4' },
      ]);
      expect(report).to.include('something that is no address');
    });
  });

  describe('of clients', () => {
    const clientsOf = async (...clients: readonly object[]) => {
      const { report, document } = await importOf({ [properties]: minimal.join('\n'), 'clients.json': { clients } });
      return { report, clients: document.clients ?? [] };
    };

    it('asks a client for the secret that it has, though it need not have sent it', async () => {
      const { report, clients } = await clientsOf(
        client('a', {
          secretRequired: false,
          allowedGrantTypes: ['AUTHORIZATION_CODE'],
          registeredRedirectUris: ['https://a.example/'],
        }),
      );
      expect(clients[0]?.tokenEndpointAuthMethods).to.deep.equal(['client_secret_basic', 'client_secret_post']);
      expect(report).to.match(
        /## Differs[^#]*secretRequired`: The client has a secret that it need not send; here it must/,
      );
    });

    it('takes away a grant whose addresses are all refused, and tells a client that is left with none', async () => {
      const { report, clients } = await clientsOf(
        client('a', {
          allowedGrantTypes: ['AUTHORIZATION_CODE', 'MAGIC'],
          registeredRedirectUris: ['javascript:alert(1)'],
        }),
      );
      expect(clients[0]).to.deep.include({ grantTypes: [], redirectUris: [] });
      expect(report)
        .to.include('No redirect URI is left')
        .and.to.include('The grant MAGIC is not known')
        .and.to.include('No grant is left');
    });

    it('bounds lifetimes, and leaves those that are none to the tenant', async () => {
      const { report, clients } = await clientsOf(
        client('a', { accessTokenValiditySeconds: 1_000_000, refreshTokenValiditySeconds: '3600' }),
        client('b', { accessTokenValiditySeconds: 0, refreshTokenValiditySeconds: -1 }),
      );
      expect(clients[0]).to.deep.include({ accessTokenSeconds: 86_400, refreshTokenSeconds: 3600 });
      expect(clients[1]).not.to.have.any.keys('accessTokenSeconds', 'refreshTokenSeconds');
      expect(report).to.include('longer than 86400 seconds').and.to.include('not positive');
    });

    it('takes only public keys that are some, and an address that is one', async () => {
      const { privateKey } = await generateKeyPair('ES384', { extractable: true });
      const jwk = { ...(await exportJWK(privateKey)), kid: 'mine' };
      const { report, clients } = await clientsOf(
        client('private', { clientSecrets: [], secretRequired: false, publicJwks: JSON.stringify(jwk) }),
        client('symmetric', { publicJwks: '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}' }),
        client('address', { clientSecrets: [], secretRequired: false, jwksUrl: 'https://a.example/jwks.json' }),
        client('local', { clientSecrets: [], secretRequired: false, jwksUrl: 'http://localhost:1234/jwks.json' }),
        client('nonsense', { jwksUrl: 'nonsense' }),
      );
      const methods = clients.map(({ tokenEndpointAuthMethods }) => tokenEndpointAuthMethods.join());
      const bySecret = 'client_secret_basic,client_secret_post';
      expect(methods).to.deep.equal(['private_key_jwt', bySecret, 'private_key_jwt', 'private_key_jwt', bySecret]);
      const kept = await readFile(join(node.into, 'keys/private.jwks.json'), 'utf8');
      expect(kept).to.include('"kid": "mine"').and.not.to.include('"d"');
      expect(report).not.to.include(String(jwk.d));
      expect(report)
        .to.include('It holds private keys')
        .and.to.include('no RSA or EC key')
        .and.to.include('no web address');
      expect(report).to.include('add "localhost:1234" to `outboundHttp.allow`');
    });

    it('gives files of secrets names of their own, whatever the clients are called', async () => {
      const names = ['a/b', 'a b', 'A-B', '../../etc/passwd', '\u00e4\u00f6', '.', 'x'.repeat(150)].filter((id) =>
        /^[\x21-\x7e]+$/.test(id),
      );
      const { clients } = await clientsOf(...names.map((clientId) => client(clientId)));
      const files = clients.map(({ secrets }) => (secrets?.[0]?.value as { file: string }).file);
      expect(new Set(files.map((file) => file.toLowerCase())).size).to.equal(names.length);
      for (const [index, file] of files.entries()) {
        expect(file).to.match(/^secrets\/[A-Za-z0-9][A-Za-z0-9_.-]*$/);
        expect(await readFile(join(node.into, file), 'utf8')).to.equal(`secret-of-${names[index]}\n`);
      }
    });
  });

  describe('of keys', () => {
    const keySet = async (...kids: readonly string[]) => {
      const keys = [];
      for (const kid of kids) {
        const { privateKey } = await generateKeyPair('RS256', { extractable: true });
        keys.push({ ...(await exportJWK(privateKey)), ...(kid === '' ? {} : { kid }) });
      }
      return JSON.stringify({ keys });
    };
    const kidsOf = async () => {
      const text = await readFile(join(node.into, 'keys/signing.jwks.json'), 'utf8');
      return (JSON.parse(text) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
    };
    const escaped = (text: string) => text.replaceAll('\\', '\\\\');

    it('reads the older properties: the text, the key that signs, keys without a name', async () => {
      const { report } = await importOf({
        [properties]: [
          ...minimal,
          `module.auth.config.openid.signing.jwks_text=${escaped(await keySet('old', 'new', ''))}`,
          'module.auth.config.openid.signing.key_id=new',
        ].join('\n'),
      });
      const [first, second, third] = await kidsOf();
      expect([first, second]).to.deep.equal(['new', 'old']);
      expect(third).to.match(/^[A-Za-z0-9_-]{43}$/);
      expect(report).to.include('new signs.');
    });

    it('reads the file, and says where another property wins or no key has the name', async () => {
      const { report } = await importOf({
        [properties]: [
          ...minimal,
          'module.auth.config.openid.signing.jwks_file=classpath:/set.json',
          'module.auth.config.openid.signing.jwks_text={}',
          'module.auth.config.openid.signing.key_id=elsewhere',
        ].join('\n'),
        'set.json': await keySet('only'),
      });
      expect(await kidsOf()).to.deep.equal(['only']);
      expect(report).to.include('another property names the keys').and.to.include('no key of this id');
    });

    it('has keys generated where the keystore is in no file, and says who has to know', async () => {
      const { report, document } = await importOf({
        [properties]: [...minimal, 'module.auth.config.openid.signing.keystore_id=mine'].join('\n'),
      });
      expect(document.keystore).to.equal(undefined);
      expect(report).to.match(/## Missing[^#]*keystore_id`: The keystore mine is in none of the seed files/);
    });
  });

  it('says what a script will ask for: hosts, variables and FHIR', async () => {
    const script = [
      'function onTokenGenerating(theUserSession) {',
      "  Fhir.update(Fhir.read('Patient/1'));",
      "  Http.post('https://one.example:8443/x').execute();",
      '  fetch(`https://two.example/${1}`);',
      "  FhirClientFactory.newClient('http://three.example');",
      "  const base = 'https://four.example/y';",
      "  return Environment.getEnv('KEY') + Environment.getEnv(base) + Environment.getEnv('KEY');",
      '}',
    ].join('\n');
    expect(needsOf(script)).to.deep.equal({
      called: ['one.example:8443', 'three.example', 'two.example'],
      named: ['four.example'],
      variables: ['KEY'],
      fhir: 'writes',
    });
    expect(needsOf("Log.info('Fhir is read')")).to.deep.equal({ called: [], named: [], variables: [], fhir: 'none' });
    const { document } = await importOf({
      [properties]: [...minimal, 'module.auth.config.post_authorize_script.file=callbacks.js'].join('\n'),
      'callbacks.js': script,
    });
    expect(document.fhirServers?.[0]?.access).to.deep.equal({ type: 'own-token', scope: 'system/*.cruds' });
  });

  it('takes the file where a script is given twice, and an empty one for none', async () => {
    const { report, document } = await importOf({
      [properties]: [
        ...minimal,
        'module.auth.config.post_authorize_script.file=callbacks.js',
        'module.auth.config.post_authorize_script.text=function ignored() {}',
        'module.auth.config.codap.auth_script.file=',
        'module.auth.config.codap.auth_script.text=',
      ].join('\n'),
      'callbacks.js': '// from the file',
    });
    expect(document.scripts).to.deep.equal({ callbacks: 'callbacks.js' });
    expect(await readFile(join(node.into, 'callbacks.js'), 'utf8')).to.equal('// from the file');
    expect(report).to.include('the file counts').and.to.include('It is empty');
  });

  describe('two scripts made one', () => {
    const functionsOf = (source: string) => {
      const compiled = compileScript(makeScript('joined.js', source));
      if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
      return compiled.program.functions.map(({ name }) => name);
    };
    const authentication = 'const a = 1;\nfunction onAuthenticateSuccess(o) { return o; }';

    it('stand one after the other where they share no name', () => {
      const joined = joinScripts(authentication, 'const b = 2;\nfunction getUserName(m) { return m.sub + b; }');
      expect(functionsOf(joined)).to.include.members(['onAuthenticateSuccess', 'getUserName', 'a', 'b']);
    });

    it('keep their names to themselves where they do', () => {
      const joined = joinScripts(authentication, 'const a = 2;\nfunction getUserName(m) { return m.sub + a; }');
      expect(functionsOf(joined)).to.have.members(['a', 'onAuthenticateSuccess', 'getUserName']);
      expect(
        Array.from(runInNewContext(`${joined}; [getUserName({ sub: 'x' }), a, onAuthenticateSuccess(3)]`) as unknown[]),
      ).to.deep.equal(['x2', 1, 3]);
    });

    it('let the mapping script decide where the other has a getUserName, too', () => {
      const joined = joinScripts(
        `${authentication}\nfunction getUserName() { return 'first'; }`,
        "function getUserName() { return 'second'; }",
      );
      expect(runInNewContext(`${joined}; getUserName()`)).to.equal('second');
    });
  });
});
