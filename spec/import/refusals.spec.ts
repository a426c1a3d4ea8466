/** What an import refuses: it says everything that is wrong at once, nothing secret, and leaves nothing behind. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'chai';
import type { ImportOptions } from '../../tools/import/smilecdr/import.ts';
import { outboundRules } from '../../tools/import/smilecdr/rules/outbound.ts';
import {
  documentIn,
  faultsOf,
  meadow,
  minimal,
  type Node,
  nodeOf,
  propertiesFile,
  reportOf,
  secretsOfMeadow,
} from './support.ts';

const seed = (name: string) => `classes/config_seeding/${name}.json`;
const add = (line: string) => (text: string) => `${text}\n${line}\n`;
const smart = (line: string) => add(`module.smart_auth.config.${line}`);

describe('an import from Smile CDR', function () {
  this.timeout(120_000);
  let node: Node;
  afterEach(() => node?.remove());

  interface Refusal {
    readonly what: string;
    readonly file?: string;
    readonly edit?: (text: string) => string;
    readonly options?: Partial<ImportOptions> & { readonly environment?: Readonly<Record<string, string>> };
    readonly says: RegExp;
  }
  const refusals: readonly Refusal[] = [
    {
      what: 'malformed properties',
      file: propertiesFile,
      edit: smart('pin_host=\\u12'),
      says: /line \d+: It is malformed: .*"u"/,
    },
    {
      what: 'a module without a type',
      file: propertiesFile,
      edit: add('module.lonely.config.port=1'),
      says: /module\.lonely\.type: It is missing/,
    },
    {
      what: 'properties without such a module',
      file: propertiesFile,
      edit: () => 'node.id=Master',
      says: /no module of type SECURITY_OUT_SMART/,
    },
    {
      what: 'a variable without a value',
      options: { environment: {} },
      says: /issuer\.url: It refers to the environment variable BASE_URL/,
    },
    {
      what: 'a system property without a value',
      file: propertiesFile,
      edit: smart("auth_request_detail.whitelist=#{systemProperties['list']}"),
      says: /system property list \(--property list=…\)/,
    },
    {
      what: 'no issuer',
      file: propertiesFile,
      edit: (text) => text.replace(/^module\.smart_auth\.config\.issuer\.url.*$/m, ''),
      says: /issuer\.url: It is missing; .*--issuer/,
    },
    {
      what: 'an issuer that is no URL',
      file: propertiesFile,
      edit: smart('issuer.url=auth'),
      says: /issuer\.url: It is no URL/,
    },
    {
      what: 'a public issuer without TLS',
      file: propertiesFile,
      edit: smart('issuer.url=http://auth.example'),
      says: /must be https unless it is on loopback/,
    },
    {
      what: 'two modules of one issuer',
      file: propertiesFile,
      edit: smart("issuer.url=#{env['BASE_URL']}/orchard"),
      says: /smart_auth\/tenant\.json.*orchard_auth/,
    },
    {
      what: 'a script that is not there',
      file: propertiesFile,
      edit: smart('post_authorize_script.file=classpath:/no/such.js'),
      says: /post_authorize_script\.file: It names classpath:\/no\/such\.js: it was not found/,
    },
    {
      what: 'a script that does not load',
      file: 'codap.js',
      edit: () => 'function authenticate( {',
      says: /codap\.auth_script\.file: The script does not load: .* in line 1, column/,
    },
    {
      what: 'a seed file that is not there',
      file: propertiesFile,
      edit: (text) => text.replaceAll('/config_seeding/clients.json', '/no/such.json'),
      says: /smart_auth\.config\.seed_clients\.file: .*not found.* Without it there are no clients/,
    },
    {
      what: 'a seed file of the wrong kind',
      file: propertiesFile,
      edit: smart('seed_clients.file=classpath:/config_seeding/users.json'),
      says: /has no list of clients/,
    },
    {
      what: 'a seed file that is no JSON',
      file: seed('clients'),
      edit: (text) => text.slice(0, -9),
      says: /clients\.json .*: It is malformed JSON/,
    },
    {
      what: 'two clients of one id',
      file: seed('clients'),
      edit: (text) => text.replace('"clientId": "meadow-web"', '"clientId": "meadow-native"'),
      says: /\/clients\/2\/clientId: There is another one called meadow-native/,
    },
    {
      what: 'a client without an id',
      file: seed('clients'),
      edit: (text) => text.replace('"clientId": "meadow-web",', ''),
      says: /\/clients\/2\/clientId: It is no client id/,
    },
    {
      what: 'a client id that cannot be',
      file: seed('clients'),
      edit: (text) => text.replace('meadow-web"', 'meadow web"'),
      says: /\/clients\/2\/clientId: It is no client id/,
    },
    {
      what: 'a field of the wrong type',
      file: seed('clients'),
      edit: (text) => text.replace('"scopes": ["openid", "profile"]', '"scopes": [1]'),
      says: /\/clients\/2\/scopes: It is not a list of texts/,
    },
    {
      what: 'a flag that is none',
      file: seed('clients'),
      edit: (text) => text.replace('"secretRequired": true', '"secretRequired": "perhaps"'),
      says: /secretRequired: It is not true or false/,
    },
    {
      what: 'an instant that is none',
      file: seed('clients'),
      edit: (text) => text.replace('2099-01-01T00:00:00Z', 'some day'),
      says: /expiration: It is no instant/,
    },
    {
      what: 'two people of one name',
      file: seed('users'),
      edit: (text) => text.replace('"username": "plain"', '"username": "orchard"'),
      says: /\/users\/2\/username: There is another one called orchard/,
    },
    {
      what: 'two servers of one issuer',
      file: seed('servers'),
      edit: (text) =>
        text.replace(
          '"issuer": "https://nowhere.example"',
          `"issuer": "#{env['BASE_URL']}/partner", "tokenIntrospectionClientId": "x"`,
        ),
      says: /\/servers\/1\/issuer: There is another one called/,
    },
    {
      what: 'a federating module that nobody can log in to',
      file: seed('servers'),
      edit: () => '{"servers": []}',
      says: /federate_mode\.enabled: .*nobody could log in/,
    },
    {
      what: 'scripts of a server that do not load',
      file: seed('servers'),
      edit: (text) => text.replace("const prefix = 'FEDERATED';", 'const prefix = ;'),
      says: /federationAuthScriptText: The script does not load/,
    },
    {
      what: 'a keystore without keys',
      file: 'classes/meadow.jwks.json',
      edit: () => '{"keys": []}',
      says: /keystores\/1\/filePath: It is no JSON Web Key Set/,
    },
    {
      what: 'a keystore whose keys cannot sign',
      file: 'classes/meadow.jwks.json',
      edit: () => '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}',
      says: /None of its keys can sign here/,
    },
    {
      what: 'a keystore without its file',
      file: seed('keystores'),
      edit: (text) => text.replace('meadow.jwks', 'nowhere.jwks'),
      says: /classpath:\/nowhere\.jwks\.json: it was not found/,
    },
    {
      what: 'a keystore with neither',
      file: seed('keystores'),
      edit: (text) => text.replace('filePath', 'file'),
      says: /neither jsonKeys nor filePath/,
    },
    {
      what: 'one issuer for two tenants',
      options: { issuer: 'https://auth.example' },
      says: /--issuer: It is for one tenant, but there are 2/,
    },
    {
      what: 'a file that is not there',
      options: { files: ['/no/such.properties'] },
      says: /\/no\/such\.properties: It cannot be read/,
    },
  ];
  for (const { what, file, edit, options, says } of refusals) {
    it(`refuses ${what}, and leaves nothing behind`, async () => {
      node = await meadow();
      if (file && edit) await node.change(file, edit);
      const before = (await readdir(node.path)).sort();
      const faults = faultsOf(await node.run(options));
      expect(
        faults.filter((fault) => says.test(fault)),
        faults.join('\n'),
      ).to.have.length.greaterThan(0);
      for (const secret of secretsOfMeadow) expect(faults.join('\n')).not.to.include(secret);
      expect((await readdir(node.path)).sort()).to.deep.equal(before);
    });
  }

  it('tells everything that is wrong at once', async () => {
    node = await meadow();
    await node.change(propertiesFile, smart('post_authorize_script.file=classpath:/no/such.js'));
    await node.change(propertiesFile, smart('pin_host=\\u1'));
    await node.change(seed('users'), (text) => text.replace('"username": "plain"', '"username": "orchard"'));
    expect(faultsOf(await node.run())).to.have.length(3);
  });

  describe('into a folder that is there', () => {
    beforeEach(async () => {
      node = await nodeOf({ [propertiesFile]: minimal.join('\n') });
    });

    it('refuses one that is not empty, and touches nothing in it', async () => {
      await mkdir(node.into);
      await writeFile(join(node.into, 'tenant.json'), 'mine');
      expect(faultsOf(await node.run()).join()).to.match(/exists and is not empty.*--force/);
      expect(await readFile(join(node.into, 'tenant.json'), 'utf8')).to.equal('mine');
    });

    it('refuses one that is a file', async () => {
      await writeFile(node.into, 'mine');
      expect(faultsOf(await node.run()).join()).to.include('exists');
      expect(await readFile(node.into, 'utf8')).to.equal('mine');
    });

    it('takes an empty one', async () => {
      await mkdir(node.into);
      reportOf(await node.run());
      expect((await documentIn(node.into)).id).to.equal('auth');
    });

    it('writes over one by force, and keeps what is not of the import', async () => {
      await mkdir(join(node.into, 'secrets'), { recursive: true });
      await writeFile(join(node.into, 'tenant.json'), 'old', { mode: 0o666 });
      await writeFile(join(node.into, 'notes.txt'), 'mine');
      await writeFile(join(node.into, 'secrets/client-a-1'), 'old', { mode: 0o644 });
      const clients = [
        { clientId: 'a', allowedGrantTypes: ['CLIENT_CREDENTIALS'], clientSecrets: [{ secret: 'new' }] },
      ];
      await writeFile(join(node.path, 'clients.json'), JSON.stringify({ clients }));
      const files = [join(node.path, propertiesFile), join(node.path, 'clients.json')];
      reportOf(await node.run({ files, force: true }));
      expect((await documentIn(node.into)).id).to.equal('auth');
      expect(await readFile(join(node.into, 'notes.txt'), 'utf8')).to.equal('mine');
      expect(await readFile(join(node.into, 'secrets/client-a-1'), 'utf8')).to.equal('new\n');
      expect((await stat(join(node.into, 'secrets/client-a-1'))).mode & 0o777).to.equal(0o600);
    });

    it('by force, too, leaves it as it is where the import is refused', async () => {
      await mkdir(node.into);
      await writeFile(join(node.into, 'tenant.json'), 'mine');
      await node.change(propertiesFile, (text) => text.replace('https://', 'http://'));
      faultsOf(await node.run({ force: true }));
      expect(await readdir(node.into)).to.deep.equal(['tenant.json']);
    });
  });

  it('never tells the value of a property, whatever it is', async () => {
    // These hold addresses and names of files, which a person has to see.
    const told = /^(issuer\.url|allowed_audience_list|seed_|post_authorize_script|codap\.auth_script|openid\.signing)/;
    const keys = outboundRules.map(({ key }) => key).filter((key) => !told.test(key));
    expect(keys.length).to.be.greaterThan(60);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...keys, 'unknown.one', 'another'), fc.uuid()), {
          minLength: 1,
          maxLength: 30,
        }),
        async (pairs) => {
          const made = await nodeOf({
            [propertiesFile]: [...minimal, ...pairs.map(([key, value]) => `module.auth.config.${key}=${value}`)].join(
              '\n',
            ),
          });
          try {
            const report = reportOf(await made.run());
            for (const [key, value] of pairs) {
              expect(report).not.to.include(value);
              expect(report).to.include(`module.auth.config.${key}`);
            }
          } finally {
            await made.remove();
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});
