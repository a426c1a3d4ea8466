/** The commands that manage a running server, as an administrator types them. */
import { generateKeyPairSync } from 'node:crypto';
import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { authorizationRequest, basic, postForm } from '../support/oauth.ts';
import { createPerson } from '../support/person.ts';
import { copyTenants, freePort, type TestServer } from '../support/server.ts';
import { nodeOfTheSystem, type Outcome, type RunOptions, sallyport, type Serving, serving } from './support.ts';

const service = {
  clientId: 'export',
  clientName: 'Nightly export',
  tokenEndpointAuthMethods: ['client_secret_basic'],
  grantTypes: ['client_credentials'],
  scopes: ['system/*.rs'],
  permissions: [{ permission: 'ROLE_FHIR_CLIENT' }, { permission: 'FHIR_ALL_READ' }],
};

describe('managing a running server from the command line', function () {
  this.timeout(180_000);
  let running: Serving;
  let server: TestServer;
  let config: string;
  let data: string;
  const outputs: string[] = [];

  before(async () => {
    const port = String(await freePort());
    config = await copyTenants(`http://localhost:${port}`);
    data = await mkdtemp(join(tmpdir(), 'sallyport-remote-'));
    running = await serving({ PORT: port, SALLYPORT_CONFIG: config, SALLYPORT_DATA: data });
    const nothing = async () => undefined;
    const { url } = running;
    server = { url, issuer: `${url}/demo`, config, data, port: Number(port), kill: nothing, close: nothing };
  });
  after(async () => {
    await running.end();
    for (const folder of [config, data]) await rm(folder, { recursive: true, force: true });
  });

  /** With the data folder and the port in the environment, as where the server runs. */
  async function run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const environment = { SALLYPORT_DATA: data, PORT: String(server.port), ...options.environment };
    const outcome = await sallyport(args, { ...options, environment });
    outputs.push(outcome.output);
    return outcome;
  }
  async function done(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const outcome = await run(args, options);
    expect(outcome.code, outcome.output).to.equal(0);
    return outcome;
  }
  async function answered(args: readonly string[], options: RunOptions = {}): Promise<Record<string, unknown>> {
    return JSON.parse((await done(args, options)).output) as Record<string, unknown>;
  }
  async function refused(args: readonly string[], code: 1 | 2, options: RunOptions = {}): Promise<string> {
    const outcome = await run(args, options);
    expect(outcome.code, outcome.output).to.equal(code);
    expect(outcome.output).not.to.match(/^\s+at .*:\d+:\d+/m);
    return outcome.output;
  }
  const token = (id: string, secret: string) =>
    postForm(`${server.issuer}/oauth/token`, { grant_type: 'client_credentials' }, basic(id, secret));
  const demo = ['--tenant', 'demo'];
  const set = (...members: string[]) => members.flatMap((member) => ['--set', member]);

  describe('apps', () => {
    let secret: string;

    it('are created from --json; the secret is in that answer and nowhere else', async () => {
      const made = await answered(['client', 'create', ...demo, '--json', JSON.stringify(service)], {
        node: nodeOfTheSystem(),
      });
      expect(made).to.include({ clientId: 'export', source: 'store' });
      secret = String(made['secret']);
      expect(secret).to.match(/^[\w-]{43}$/);
      expect((await token('export', secret)).status).to.equal(200);
      for (const args of [
        ['client', 'show', 'export', ...demo],
        ['client', 'list', ...demo, '--raw'],
        ['client', 'secrets', 'export', ...demo],
        ['audit', 'list', ...demo, '--raw'],
      ]) {
        const { output } = await done(args);
        expect(output, args.join(' '))
          .not.to.include(secret)
          .and.not.to.match(/sha256:|argon2/);
      }
    });

    it('are created from --set, with lists, numbers, and members of objects', async () => {
      const made = await answered([
        'client',
        'create',
        ...demo,
        ...set('clientId=growth-chart', 'clientName=Growth Chart'),
        ...set('tokenEndpointAuthMethods=none', 'grantTypes=authorization_code,refresh_token'),
        ...set('redirectUris=https://app.example/callback', 'scopes=launch/patient openid patient/*.rs'),
        ...set('accessTokenSeconds=120', 'rememberApprovedScopes=false'),
        ...set('attestation.text=We keep it safe.', 'attestation.date=2026-01-01'),
      ]);
      expect(made).not.to.have.property('secret');
      expect(made['grantTypes']).to.deep.equal(['authorization_code', 'refresh_token']);
      expect(made['scopes']).to.deep.equal(['launch/patient', 'openid', 'patient/*.rs']);
      expect(made).to.include({ accessTokenSeconds: 120, rememberApprovedScopes: false });
      expect(made['attestation']).to.deep.equal({ text: 'We keep it safe.', date: '2026-01-01' });
    });

    it('are created from a --file, and from the standard input, with --set over it', async () => {
      const file = join(data, 'client.json');
      await writeFile(file, JSON.stringify({ ...service, clientId: 'from-file' }));
      const first = await answered(['client', 'create', ...demo, '--file', file, '--set', 'clientName=From a file']);
      expect(first).to.include({ clientId: 'from-file', clientName: 'From a file' });
      const second = await answered(['client', 'create', ...demo, '--file', '-'], {
        input: JSON.stringify({ ...service, clientId: 'from-input' }),
      });
      expect(second).to.include({ clientId: 'from-input' });
    });

    it('are listed as a table, searched, and paged', async () => {
      const { lines } = await done(['client', 'list', ...demo, '--search', 'from-', '--limit', '1']);
      expect(lines[0]).to.match(/^clientId +clientName +enabled +grantTypes +source$/);
      expect(lines[1]).to.match(/^from-file +From a file +true +client_credentials +store$/);
      expect(lines[2]).to.match(/^More follow: --after \S+$/);
      const after = lines[2]?.split(' ').at(-1) ?? '';
      const next = await done(['client', 'list', ...demo, '--search', 'from-', '--after', after]);
      expect(next.lines.slice(1)).to.have.length(1);
      expect(next.lines[1]).to.match(/^from-input /);
      expect((await done(['client', 'list', ...demo, '--search', 'no-such-app'])).output).to.equal('None.\n');
    });

    it('are edited; null takes a member away', async () => {
      const edited = await answered([
        'client',
        'edit',
        'growth-chart',
        ...demo,
        '--set',
        'attestation=null',
        '--set',
        'clientName=Charts',
      ]);
      expect(edited)
        .to.include({ clientName: 'Charts', accessTokenSeconds: 120 })
        .and.not.to.have.property('attestation');
    });

    it('get no token while disabled, and some when enabled again', async () => {
      expect((await answered(['client', 'disable', 'export', ...demo]))['enabled']).to.equal(false);
      expect((await token('export', secret)).body).to.include({ error: 'invalid_client' });
      expect((await answered(['client', 'enable', 'export', ...demo]))['enabled']).to.equal(true);
      expect((await token('export', secret)).status).to.equal(200);
    });

    it('rotate their secrets', async () => {
      const added = await answered(['client', 'add-secret', 'export', ...demo, '--set', 'description=next']);
      const next = String(added['secret']);
      expect((await token('export', next)).status).to.equal(200);
      const { items } = (await answered(['client', 'secrets', 'export', ...demo, '--raw'])) as {
        items: { id: string; description?: string }[];
      };
      const old = items.find(({ description }) => description !== 'next');
      expect((await done(['client', 'remove-secret', ...demo, '--', 'export', String(old?.id)])).output).to.equal(
        'Done.\n',
      );
      expect((await token('export', secret)).body).to.include({ error: 'invalid_client' });
      expect((await token('export', next)).status).to.equal(200);
    });

    it('are deleted', async () => {
      expect((await done(['client', 'delete', 'export', ...demo])).output).to.equal('Done.\n');
      expect(await refused(['client', 'show', 'export', ...demo], 1)).to.match(/export/);
    });

    it('are refused with every violation, and with exit code 1', async () => {
      const output = await refused(
        [
          'client',
          'create',
          ...demo,
          '--json',
          JSON.stringify({ ...service, clientNam: 'x', grantTypes: ['implicit'] }),
        ],
        1,
      );
      expect(output)
        .to.include('/clientNam: found the unknown name "clientNam"')
        .and.include('did you mean "clientName"?');
      expect(output).to.include('/grantTypes/0: found "implicit", expected one of authorization_code');
      expect(await refused(['client', 'edit', 'sample-app', ...demo, '--set', 'enabled=false'], 1)).to.match(
        /document|configuration/i,
      );
    });
  });

  describe('people', () => {
    const password = 'a-password-that-is-long';

    it('are created with a password from the standard input, and log in with it', async () => {
      const args = ['user', 'create', ...demo, '--set', 'username=nurse', '--set', 'givenName=Noor'];
      const json = [
        '--json',
        JSON.stringify({ authorities: [{ permission: 'ROLE_FHIR_CLIENT' }, { permission: 'FHIR_ALL_READ' }] }),
      ];
      const made = await answered([...args, ...json, '--ask', 'password'], { input: `${password}\n` });
      expect(made).to.include({ username: 'nurse', hasPassword: true });
      expect(made).not.to.have.property('password');
      const person = createPerson(server.url);
      const { url } = authorizationRequest(server);
      const back = await person.walk(await person.open(url), { username: 'nurse', password });
      expect(back.searchParams.get('code')).to.be.a('string');
    });

    it('are created without a password where none is asked for', async () => {
      const made = await answered(['user', 'create', ...demo, '--set', 'username=later']);
      expect(made).to.include({ username: 'later', hasPassword: false });
      const id = String(made['id']);
      expect((await done(['user', 'set-password', ...demo, '--', id], { input: `${password}\n` })).output).to.equal(
        'Done.\n',
      );
      expect(await answered(['user', 'show', ...demo, '--', id])).to.include({ hasPassword: true });
      expect(await refused(['user', 'set-password', ...demo, '--', id], 1, { input: 'short\n' })).to.include(
        '/password: found a text, expected at least 8 characters',
      );
    });

    it('never take a password from the command line', async () => {
      for (const args of [
        ['--set', `password=${password}`, '--set', 'username=refused'],
        ['--json', JSON.stringify({ username: 'refused', password })],
      ]) {
        const output = await refused(['user', 'create', ...demo, ...args], 2);
        expect(output).to.include('password is a secret').and.include('--ask password').and.not.to.include(password);
      }
      const { output } = await done(['user', 'list', ...demo, '--search', 'refused']);
      expect(output).to.equal('None.\n');
      // A file is no part of the command line.
      const file = join(data, 'user.json');
      await writeFile(file, JSON.stringify({ username: 'from-file', password }));
      expect(await answered(['user', 'create', ...demo, '--file', file])).to.include({ hasPassword: true });
      expect(await refused(['user', 'create', ...demo, '--ask', 'username'], 2)).to.include(
        '--ask takes password, not "username"',
      );
    });

    it('are listed, disabled and deleted; what they are logged in to is shown and ended', async () => {
      const { lines } = await done(['user', 'list', ...demo, '--search', 'noor']);
      const id = lines[1]?.split(' ')[0] ?? '';
      const sessions = (await answered(['user', 'sessions', ...demo, '--raw', '--', id])) as {
        items: { id: string }[];
      };
      expect(sessions.items).to.have.length(1);
      expect((await done(['user', 'end-session', ...demo, '--', id, sessions.items[0]?.id ?? ''])).output).to.equal(
        'Done.\n',
      );
      expect(await answered(['user', 'disable', ...demo, '--', id])).to.include({ enabled: false });
      expect((await done(['user', 'delete', ...demo, '--', id])).output).to.equal('Done.\n');
      expect(await refused(['user', 'show', ...demo, '--', id], 1)).not.to.equal('');
    });
  });

  describe('keys, providers, launches, the trail', () => {
    it('publishes, lists and activates keys', async () => {
      const [kid = ''] = (await answered(['keys', 'publish', ...demo, '--set', 'algorithm=ES384']))['kids'] as string[];
      const { lines } = await done(['keys', 'list', ...demo]);
      expect(lines[0]).to.match(/^kid +algorithm +active +createdAt$/);
      expect(lines.find((line) => line.includes(kid))).to.match(/ ES384 +false /);
      expect((await done(['keys', 'activate', '--tenant', 'demo', '--', kid])).output).to.equal('Done.\n');
      expect(await refused(['keys', 'activate', 'no-such-key', ...demo], 1)).to.include('no key no-such-key');
    });

    it('imports a private key from a file only', async () => {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
      const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'imported', alg: 'ES384' };
      const body = JSON.stringify({ jwks: { keys: [jwk] } });
      const output = await refused(['keys', 'import', ...demo, '--json', body], 2);
      expect(output).to.include('jwks is a secret').and.include('Give it in a --file').and.not.to.include(jwk.d);
      const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
      expect(await refused(['keys', 'import', ...demo, '--set', `pem=${pem}`], 2)).to.include('pem is a secret');
      const made = await done(['keys', 'import', ...demo, '--file', '-'], { input: body });
      expect(made.output).to.include('imported').and.not.to.include(jwk.d);
    });

    it('adds a provider whose secret is asked for and never shown', async () => {
      const made = await answered(
        [
          'provider',
          'create',
          ...demo,
          ...set('id=other', 'name=Other', 'clientId=us'),
          ...set('issuer=https://login.example'),
          '--ask',
          'clientSecret',
        ],
        { input: 'the-secret-over-there\n' },
      );
      expect(made).to.include({ id: 'other', hasClientSecret: true });
      const { output } = await done(['provider', 'show', 'other', ...demo]);
      expect(output).not.to.include('the-secret-over-there');
      expect((await done(['provider', 'list', ...demo])).output).to.match(/^other /m);
      const edit = ['provider', 'edit', 'other', ...demo, '--set', 'clientSecret=a-new-one-in-the-open'];
      expect(await refused(edit, 2)).to.include('clientSecret is a secret');
      const key = ['--json', '{"saml":{"requestKey":"-----BEGIN"}}'];
      expect(await refused([...edit.slice(0, 5), ...key], 2)).to.include(
        "saml.requestKey is a secret, which the shell's history and other users of this machine would see. Give it in a",
      );
      expect(
        await answered([...edit.slice(0, 5), '--ask', 'clientSecret'], { input: 'the-next-secret-there\n' }),
      ).to.include({ hasClientSecret: true });
      expect((await done(['provider', 'delete', 'other', ...demo])).output).to.equal('Done.\n');
    });

    it('makes a launch handle', async () => {
      const made = await answered([
        'launch',
        'create',
        ...demo,
        ...set('clientId=sample-app', 'username=drsmith'),
        ...set('context.patient=patient-03', 'context.need_patient_banner=true'),
      ]);
      expect(made['launch'])
        .to.be.a('string')
        .and.match(/^[\w-]{20,}$/);
      expect(made).to.include({ iss: `${server.issuer}/fhir/r4` });
      expect(
        await refused(['launch', 'create', ...demo, '--set', 'clientId=nobody', '--set', 'username=drsmith'], 1),
      ).to.match(/unknown/);
    });

    it('shows the audit trail and traces', async () => {
      const audit = await done(['audit', 'list', ...demo]);
      expect(audit.output)
        .to.include('admin.client.created')
        .and.include('admin.user.created')
        .and.include('admin.key.published');
      const { items } = (await answered(['trace', 'list', ...demo, '--raw'])) as {
        items: { flowId?: string; id?: string }[];
      };
      expect(items.length).to.be.greaterThan(0);
      const id = String(items[0]?.id ?? items[0]?.flowId);
      expect((await done(['trace', 'show', '--tenant', 'demo', '--', id])).output).to.include('"entries"');
      expect(await refused(['trace', 'show', 'no-such-trace', ...demo], 1)).not.to.equal('');
    });

    it('tells who one is, which tenants there are, and makes tokens of fewer rights', async () => {
      expect(await answered(['admin', 'whoami'])).to.include({ role: 'admin' });
      expect((await done(['admin', 'tenants'])).output)
        .to.match(/^demo /m)
        .and.to.match(/^partner /m);
      const made = await answered([
        'admin',
        'create-token',
        ...set('name=reader', 'role=auditor'),
        ...set('tenants=demo', 'days=1'),
      ]);
      const reader = String(made['token']);
      const environment = { SALLYPORT_ADMIN_SECRET: reader };
      // A token for one tenant need not name it.
      expect((await done(['client', 'list'], { environment })).output).to.match(/^sample-app /m);
      expect(await refused(['client', 'disable', 'growth-chart'], 1, { environment })).to.include(
        'The role auditor may not do this.',
      );
      expect(await refused(['client', 'list', '--tenant', 'partner'], 1, { environment })).to.include(
        'not for the tenant',
      );
      expect((await done(['admin', 'tokens'])).output).not.to.include(reader);
      expect((await done(['admin', 'delete-token', '--', String(made['id'])])).output).to.equal('Done.\n');
      expect(await refused(['client', 'list'], 1, { environment })).to.include(
        'A valid token of the admin API is needed.',
      );
    });
  });

  describe('what goes wrong', () => {
    it('a wrong secret is told as such, also where the tenant must be found out first', async () => {
      for (const args of [
        ['client', 'list', ...demo],
        ['client', 'list'],
        ['admin', 'tenants'],
      ]) {
        const output = await refused(args, 1, {
          environment: { SALLYPORT_ADMIN_SECRET: 'not-the-secret-of-this-server' },
        });
        expect(output).to.include('A valid token of the admin API is needed.').and.not.to.include('not-the-secret');
      }
    });

    it('a secret that is not there, or cannot be one, is wrong use', async () => {
      const file = join(data, 'nowhere');
      const output = await refused(['client', 'list', ...demo, '--secret-file', file], 2);
      expect(output).to.equal(
        `The administrator's secret is not in ${file}. Set SALLYPORT_ADMIN_SECRET, or name the file with --secret-file.\n`,
      );
      for (const secret of ['two words', 'zwölf'])
        expect(await refused(['admin', 'whoami'], 2, { environment: { SALLYPORT_ADMIN_SECRET: secret } })).to.include(
          'holds characters that no secret has',
        );
    });

    it('documents that are wrong fail the reload, which tells them', async () => {
      expect((await done(['admin', 'reload'])).output).to.match(/"problems": \[\]/);
      const file = join(config, 'partner/tenant.json');
      const text = await readFile(file, 'utf8');
      try {
        await writeFile(file, text.replace('{', '{ "skn": "none",'));
        expect(await refused(['admin', 'reload'], 1)).to.include('did you mean');
      } finally {
        await writeFile(file, text);
      }
      await done(['admin', 'reload']);
    });

    it('the tenant must be named where there are several, and known', async () => {
      expect(await refused(['client', 'list'], 2)).to.equal('Name the tenant with --tenant: demo, partner.\n');
      expect(await refused(['client', 'list', '--tenant', 'nowhere'], 1)).to.match(/nowhere/);
      expect(await refused(['client', 'list', '--tenant', '../partner'], 1)).not.to.equal('');
    });

    it('a server that is down is told with its address', async () => {
      const url = `http://localhost:${await freePort()}`;
      expect(await refused(['client', 'list', ...demo, '--server', url], 2)).to.equal(
        `No server answers at ${url}. Start it with npm start, or name it with --server.\n`,
      );
    });

    it('so is something that is no Sallyport server, which gets no second request by a redirect', async () => {
      const seen: string[] = [];
      const other = createServer((request, response) => {
        seen.push(request.url ?? '');
        if (request.url?.startsWith('/moved')) response.writeHead(302, { location: '/elsewhere' }).end();
        else response.end('<html>hello</html>');
      });
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
      try {
        expect(await refused(['admin', 'tenants', '--server', url], 2)).to.equal(
          `What answers at ${url} is no Sallyport server.\n`,
        );
        expect(await refused(['admin', 'tenants', '--server', `${url}/moved`], 2)).to.include('No server answers');
        expect(seen).not.to.include('/elsewhere');
      } finally {
        other.close();
      }
    });

    for (const [what, args, said] of [
      ['JSON that is none', ['--json', '{"clientId":'], '--json is not well-formed JSON.'],
      ['JSON that is no object', ['--json', '[]'], 'The body must be a JSON object.'],
      ['--json beside --file', ['--json', '{}', '--file', 'x'], 'Give either --json or --file, not both.'],
      ['a file that is not there', ['--file', 'no-such-file.json'], 'The file no-such-file.json cannot be read.'],
      ['--set without a value', ['--set', 'clientId'], '--set takes member=value, not "clientId".'],
      ['a list that is none', ['--set', 'scopes=[1'], 'is not well-formed JSON'],
    ] as const) {
      it(`${what} is wrong use`, async () => {
        expect(await refused(['client', 'create', ...demo, ...args], 2)).to.include(said);
      });
    }

    it('so are missing arguments, unknown options and unknown commands', async () => {
      expect(await refused(['client', 'show', ...demo], 2)).to.include("missing required argument 'client-id'");
      expect(await refused(['client', 'list', ...demo, '--colour'], 2)).to.include("unknown option '--colour'");
      expect(await refused(['client', 'lst', ...demo], 2)).to.include('Did you mean list?');
      expect(await refused(['client'], 2)).to.include('Commands:');
      expect(await refused(['keys', 'activate', '-3fK', ...demo], 2)).to.include(
        'an id that begins with - goes behind --',
      );
    });
  });

  describe('afterwards', () => {
    it("shows the administrator's secret nowhere, and no secret twice", async () => {
      const secret = (await readFile(join(data, 'admin-secret'), 'utf8')).trim();
      const all = outputs.join('\n');
      expect(all).not.to.include(secret);
      for (const each of [
        'a-password-that-is-long',
        'the-secret-over-there',
        'the-next-secret-there',
        'demo-secret',
        'demo-password',
      ])
        expect(all, each).not.to.include(each);
      const shown = [...all.matchAll(/"(?:secret|token)": "([\w-]{40,})"/g)].map(([, value]) => value);
      expect(shown).to.have.length.greaterThan(4);
      expect(new Set(shown).size).to.equal(shown.length);
      for (const value of shown) expect(all.split(value ?? '')).to.have.length(2);
      const { output } = await done(['audit', 'list', ...demo, '--limit', '500', '--raw']);
      for (const value of shown) expect(output).not.to.include(value);
      expect(running.output()).not.to.include(secret);
      for (const value of shown) expect(running.output()).not.to.include(value);
    });
  });
});
