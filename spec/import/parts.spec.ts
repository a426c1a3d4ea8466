/** What an import makes of single clients, keys and scripts. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { exportJWK, generateKeyPair } from 'jose';
import { compileScript } from '../../engine/script/compile/compile.ts';
import { makeScript } from '../../engine/script/script.ts';
import { joinScripts, needsOf } from '../../tools/import/smilecdr/scripts.ts';
import { clientDefinition, importOf, minimal, type Node, propertiesFile } from './support.ts';

describe('an import from Smile CDR, part by part', function () {
  this.timeout(60_000);
  let node: Node;
  afterEach(() => node?.remove());

  const made = async (files: Readonly<Record<string, unknown>>) => {
    const { node: imported, ...rest } = await importOf(files);
    node = imported;
    return rest;
  };

  describe('of clients', () => {
    const clientsOf = async (...clients: readonly object[]) => {
      const { report, document } = await made({ [propertiesFile]: minimal.join('\n'), 'clients.json': { clients } });
      return { report, clients: document.clients ?? [] };
    };

    it('asks a client for the secret that it has, though it need not have sent it', async () => {
      const { report, clients } = await clientsOf(
        clientDefinition('a', {
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
        clientDefinition('a', {
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
        clientDefinition('a', { accessTokenValiditySeconds: 1_000_000, refreshTokenValiditySeconds: '3600' }),
        clientDefinition('b', { accessTokenValiditySeconds: 0, refreshTokenValiditySeconds: -1 }),
      );
      expect(clients[0]).to.deep.include({ accessTokenSeconds: 86_400, refreshTokenSeconds: 3600 });
      expect(clients[1]).not.to.have.any.keys('accessTokenSeconds', 'refreshTokenSeconds');
      expect(report).to.include('longer than 86400 seconds').and.to.include('not positive');
    });

    it('takes only public keys that are some, and an address that is one', async () => {
      const { privateKey } = await generateKeyPair('ES384', { extractable: true });
      const jwk = { ...(await exportJWK(privateKey)), kid: 'mine' };
      const { report, clients } = await clientsOf(
        clientDefinition('private', { clientSecrets: [], secretRequired: false, publicJwks: JSON.stringify(jwk) }),
        clientDefinition('symmetric', { publicJwks: '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}' }),
        clientDefinition('address', {
          clientSecrets: [],
          secretRequired: false,
          jwksUrl: 'https://a.example/jwks.json',
        }),
        clientDefinition('local', {
          clientSecrets: [],
          secretRequired: false,
          jwksUrl: 'http://localhost:1234/jwks.json',
        }),
        clientDefinition('nonsense', { jwksUrl: 'nonsense' }),
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
      const { clients } = await clientsOf(...names.map((clientId) => clientDefinition(clientId)));
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
      const { report } = await made({
        [propertiesFile]: [
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
      const { report } = await made({
        [propertiesFile]: [
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
      const { report, document } = await made({
        [propertiesFile]: [...minimal, 'module.auth.config.openid.signing.keystore_id=mine'].join('\n'),
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
    const { document } = await made({
      [propertiesFile]: [...minimal, 'module.auth.config.post_authorize_script.file=callbacks.js'].join('\n'),
      'callbacks.js': script,
    });
    expect(document.fhirServers?.[0]?.access).to.deep.equal({ type: 'own-token', scope: 'system/*.cruds' });
  });

  it('takes the file where a script is given twice, and an empty one for none', async () => {
    const { report, document } = await made({
      [propertiesFile]: [
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
