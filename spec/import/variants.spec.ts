/** The ways a configuration may come, and what an import makes of each. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  clientDefinition,
  documentIn,
  faultsOf,
  importOf,
  minimal,
  type Node,
  nodeOf,
  propertiesFile,
  reportOf,
} from './support.ts';

describe('an import from Smile CDR, otherwise', function () {
  this.timeout(60_000);
  let node: Node;
  afterEach(() => node?.remove());

  const made = async (files: Readonly<Record<string, unknown>>) => {
    const { node: imported, ...rest } = await importOf(files);
    node = imported;
    return rest;
  };

  it('makes one folder of one module, with what a document needs and no more', async () => {
    const { report, document } = await made({ [propertiesFile]: minimal.join('\n') });
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
    const first = await made({ [propertiesFile]: lines.join('\n') });
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
    const second = await made({ 'config.json': { nodes: [{ nodeId: 'Master', modules: [auth, people] }] } });
    expect(second.document).to.deep.equal(first.document);
    expect(second.report).to.include('config.json `/nodes/0/modules/0/options/0`');
    await node.remove();
    const third = await made({ 'a.json': auth, 'b.json': { modules: [people] } });
    expect(third.document).to.deep.equal(first.document);
  });

  it('takes another issuer, and tells whom that concerns', async () => {
    node = await nodeOf({
      [propertiesFile]: minimal.join('\n').replace('https://auth.example/a', 'http://internal:9200'),
    });
    expect(faultsOf(await node.run()).join()).to.include('--issuer');
    const report = reportOf(await node.run({ issuer: 'https://auth.example/new/' }));
    expect((await documentIn(node.into)).issuer).to.equal('https://auth.example/new');
    expect(report).to.match(/## Differs[^#]*issuer\.url`: `issuer` is https:\/\/auth\.example\/new, as --issuer says/);
  });

  it('warns where the database, not the file, is what Smile CDR runs by', async () => {
    const { report } = await made({ [propertiesFile]: [...minimal, 'node.propertysource=DATABASE'].join('\n') });
    expect(report).to.match(/node\.propertysource`: Smile CDR runs by its database/);
  });

  it('tells a property that stands there twice, and takes the last', async () => {
    const { report, document } = await made({
      [propertiesFile]: [...minimal, 'module.auth.config.issuer.url=https://auth.example/b'].join('\n'),
    });
    expect(document.issuer).to.equal('https://auth.example/b');
    expect(report).to.match(/## Differs[^#]*issuer\.url`: It stands there more than once/);
  });

  it('tells properties of no known form, and files of no known content', async () => {
    const { report } = await made({
      [propertiesFile]: [...minimal, 'modul.auth.config.port=1', 'module.auth.confg.port=2'].join('\n'),
      'other.json': { something: [] },
      'unnamed.js': 'function onTokenGenerating() {}',
    });
    for (const place of ['`modul.auth.config.port`', '`module.auth.confg.port`', 'other.json `/`', 'unnamed.js `/`'])
      expect(report.split('## Differs')[0], place).to.include(place);
  });

  it('brings a scripted log-in module over with its script, and says what is left to do of a directory', async () => {
    const text = 'function authenticate(theRequest, theOutcomeFactory) { return theOutcomeFactory.newFailure(); }';
    const scripted = [
      ...minimal,
      'module.auth.requires.SECURITY_IN_UP=checks',
      'module.checks.type=SECURITY_IN_SCRIPTED',
      `module.checks.config.callback_script.text=${text}`,
    ];
    const first = await made({ [propertiesFile]: scripted.join('\n') });
    expect(first.document.inbound).to.deep.equal([{ type: 'scripted', id: 'checks', script: 'checks.js' }]);
    expect(first.report).to.include('the scripted module checks');
    await node.remove();
    const directory = scripted.map((line) => line.replace('SECURITY_IN_SCRIPTED', 'SECURITY_IN_LDAP'));
    const second = await made({ [propertiesFile]: directory.join('\n') });
    expect(second.document.inbound).to.deep.equal([]);
    expect(second.report).to.include('a module of type `ldap`').and.include('Nothing runs checks.js');
  });

  describe('where seeds are', () => {
    it('takes files that no property names, and items that name no module, where it is clear whose they are', async () => {
      const users = [{ username: 'ada', password: 'geheim' }];
      const { report, document } = await made({
        [propertiesFile]: [...minimal, 'module.auth.requires.SECURITY_IN_UP=people'].join('\n'),
        'export.json': {
          clients: [clientDefinition('a'), clientDefinition('b', { moduleId: 'auth' })],
          pageIndex: 0,
          totalPages: 1,
        },
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
        [propertiesFile]: [...minimal, ...second].join('\n'),
        'clients.json': { clients: [clientDefinition('a')] },
      });
      const report = reportOf(
        await node.run({ files: [propertiesFile, 'clients.json'].map((file) => join(node.path, file)) }),
      );
      expect(report).to.include('It names no module, and there is not exactly one that it could be of.');
      for (const id of ['auth', 'other']) expect((await documentIn(join(node.into, id))).clients).to.equal(undefined);
    });

    it('makes do with an export where the file of the property is not there', async () => {
      const { report, document } = await made({
        [propertiesFile]: [
          ...minimal,
          'module.auth.config.seed_clients.file=classpath:/config_seeding/clients.json',
        ].join('\n'),
        'export.json': { clients: [clientDefinition('a')] },
      });
      expect(document.clients).to.have.length(1);
      expect(report).to.include('The clients of other files are brought over.');
    });

    it('finds references in given folders, and by a name that is the only one', async () => {
      node = await nodeOf({
        [propertiesFile]: [
          ...minimal,
          'module.auth.config.seed_clients.file = classpath:/deep/clients.json ',
          'module.auth.config.post_authorize_script.file=file:///opt/smile/callbacks.js',
        ].join('\n'),
      });
      await mkdir(join(node.path, 'given/deep'), { recursive: true });
      await writeFile(join(node.path, 'given/deep/clients.json'), JSON.stringify({ clients: [clientDefinition('a')] }));
      await writeFile(join(node.path, 'given/callbacks.js'), 'function onPostAuthorize(theDetails) {}');
      reportOf(await node.run({ files: [join(node.path, propertiesFile), join(node.path, 'given')] }));
      const document = await documentIn(node.into);
      expect([document.clients?.length, document.scripts?.callbacks]).to.deep.equal([1, 'callbacks.js']);
      await mkdir(join(node.path, 'given/other'));
      await writeFile(join(node.path, 'given/other/callbacks.js'), '// another');
      const faults = faultsOf(
        await node.run({ files: [join(node.path, propertiesFile), join(node.path, 'given')], force: true }),
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
    const { report, document } = await made({
      [propertiesFile]: [...minimal, 'module.auth.requires.SECURITY_IN_UP=people'].join('\n'),
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
      const { report, document } = await made({
        [propertiesFile]: [
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
      const { report, document } = await made({ [propertiesFile]: minimal.slice(0, 2).join('\n') });
      expect(document.fhirServers).to.equal(undefined);
      expect(report).to.include('Name the FHIR servers of the tenant auth in `fhirServers`');
    });

    it('names two of one last step apart, and tells what is no address', async () => {
      const { report, document } = await made({
        [propertiesFile]: [
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
});
