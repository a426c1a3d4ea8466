/** Keystores that come with a tenant's folder: imported, published, kept from sight, and rotated while old tokens last. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { expect } from 'chai';
import { calculateJwkThumbprint, createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import pg from 'pg';
import { type Admin, asAdmin, itemsOf } from '../admin/support.ts';
import { folderOf, sallyport, type Serving, serving, tenantDocument } from '../cli/support.ts';
import { sharedPostgres } from '../support/databases.ts';
import { basic, postForm } from '../support/oauth.ts';
import { freePort, type TestServer } from '../support/server.ts';
import { someDatabase } from '../support/thorough.ts';

type PrivateKey = Record<string, string> & { readonly kid: string; readonly d: string };

function rsa(kid: string, bits = 2048, alg = 'RS256'): PrivateKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', kid, alg } as unknown as PrivateKey;
}

function ec(kid: string, namedCurve: string, alg: string): PrivateKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', kid, alg } as unknown as PrivateKey;
}

/** As Smile CDR's keystores are written: the exponent alone, without the primes. */
function smile({ kty, d, e, use, kid, alg, n }: PrivateKey) {
  return { kty, d, e, use, kid, alg, n };
}

/** What of a private key must be nowhere in the clear. */
function privateParts(key: PrivateKey): readonly string[] {
  return ['d', 'p', 'q', 'dp', 'dq', 'qi'].map((name) => key[name]).filter((part) => part !== undefined);
}

const service = {
  clientId: 'service',
  clientName: 'Service',
  tokenEndpointAuthMethods: ['client_secret_basic'],
  secrets: [{ value: 'service-secret' }],
  grantTypes: ['client_credentials'],
  scopes: ['system/*.rs'],
  permissions: [{ permission: 'ROLE_FHIR_CLIENT' }, { permission: 'FHIR_ALL_READ' }],
  canIntrospectAnyTokens: true,
};

for (const database of someDatabase) {
  describe(`imported keystores on ${database}`, function () {
    this.timeout(180_000);
    const keys = {
      first: rsa('first-rs256'),
      second: rsa('second-rs256'),
      curve: ec('curve-es384', 'P-384', 'ES384'),
      inline: rsa('inline-rs256'),
      later: rsa('later-rs256'),
    };
    let running: Serving;
    let config: string;
    let environment: Record<string, string>;
    let admin: Admin;
    let databaseUrl: string | undefined;

    async function start(): Promise<void> {
      running = await serving(environment);
      admin = await asAdmin({ url: running.url, data: environment['SALLYPORT_DATA'] } as TestServer);
    }

    before(async () => {
      const port = String(await freePort());
      const url = `http://localhost:${port}`;
      const tenant = (id: string, keystore: object) =>
        tenantDocument(id, { issuer: `${url}/${id}`, demo: true, clients: [service], keystore });
      const folder = await folderOf({
        'file/tenant.json': tenant('file', { algorithms: ['RS256', 'ES384'], jwksFile: 'keys/signing.jwks.json' }),
        'file/keys/signing.jwks.json': { keys: [smile(keys.first), keys.second, keys.curve] },
        'inline/tenant.json': tenant('inline', { algorithms: ['RS256'], jwks: { keys: [keys.inline] } }),
        'none/tenant.json': tenant('none', { algorithms: ['ES256', 'RS256'] }),
      });
      config = folder.path;
      if (database === 'PostgreSQL')
        databaseUrl = await (await sharedPostgres()).url(`keys_${randomUUID().replaceAll('-', '')}`);
      environment = {
        PORT: port,
        SALLYPORT_CONFIG: config,
        SALLYPORT_DATA: await mkdtemp(join(tmpdir(), 'sallyport-keys-')),
        ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}),
      };
      await start();
    });
    after(async () => {
      await running.end();
      for (const folder of [config, environment['SALLYPORT_DATA'] ?? ''])
        await rm(folder, { recursive: true, force: true });
    });

    async function token(tenant: string): Promise<string> {
      const { status, body } = await postForm(
        `${running.url}/${tenant}/oauth/token`,
        { grant_type: 'client_credentials' },
        basic('service', 'service-secret'),
      );
      expect(status, JSON.stringify(body)).to.equal(200);
      return String(body['access_token']);
    }
    const kidOf = async (tenant: string) => decodeProtectedHeader(await token(tenant)).kid;
    const published = async (tenant: string) =>
      (await (await fetch(`${running.url}/${tenant}/jwk`)).json()) as JSONWebKeySet & { keys: { kid: string }[] };
    const kids = async (tenant: string) => (await published(tenant)).keys.map(({ kid }) => kid);
    const isGood = async (tenant: string, value: string) => {
      const claims = await jwtVerify(value, createLocalJWKSet(await published(tenant))).then(
        ({ payload }) => payload,
        () => undefined,
      );
      const { body } = await postForm(
        `${running.url}/${tenant}/oauth/token/introspect`,
        { token: value },
        basic('service', 'service-secret'),
      );
      return { verifies: claims !== undefined, active: body['active'] };
    };
    /** Ids stand behind `--`, as a thumbprint may begin with a `-`. */
    const cli = (group: string, name: string, ids: readonly string[] = [], ...options: string[]) =>
      sallyport([group, name, ...options, '--server', running.url, '--tenant', 'file', '--', ...ids], {
        environment: { SALLYPORT_DATA: environment['SALLYPORT_DATA'] ?? '' },
      });

    it('sign with the first key of a file, as Smile CDR writes it, and publish all of them', async () => {
      const value = await token('file');
      expect(decodeProtectedHeader(value)).to.include({ kid: 'first-rs256', alg: 'RS256' });
      expect(await isGood('file', value)).to.deep.equal({ verifies: true, active: true });
      expect(await kids('file')).to.have.members(['first-rs256', 'second-rs256', 'curve-es384']);
      const [first] = (await published('file')).keys.filter(({ kid }) => kid === 'first-rs256');
      expect(first).to.deep.equal({
        kty: 'RSA',
        n: keys.first['n'],
        e: 'AQAB',
        kid: 'first-rs256',
        alg: 'RS256',
        use: 'sig',
      });
      const other = await (await fetch(`${running.url}/file/.well-known/jwks.json`)).json();
      expect(other).to.deep.equal(await published('file'));
    });

    it('sign with a key that stands in the document of a demo', async () => {
      expect(await kidOf('inline')).to.equal('inline-rs256');
      expect(await kids('inline')).to.deep.equal(['inline-rs256']);
    });

    it('are generated at the first start where none is given, and stay', async () => {
      const { keys: made } = await published('none');
      expect(made.map(({ alg }) => alg)).to.have.members(['ES256', 'RS256']);
      for (const key of made) expect(key.kid).to.equal(await calculateJwkThumbprint(key));
      const before = await token('none');
      expect(decodeProtectedHeader(before).alg).to.equal('ES256');
      expect(await running.end()).to.equal(0);
      await start();
      expect((await published('none')).keys).to.deep.equal(made);
      expect(await isGood('none', before)).to.deep.equal({ verifies: true, active: true });
      expect(await kidOf('file')).to.equal('first-rs256');
    });

    it('have one active key of each algorithm', async () => {
      const listed = itemsOf(await admin('GET', '/tenants/file/keys'));
      expect(listed.map(({ kid, algorithm, active }) => [kid, algorithm, active])).to.have.deep.members([
        ['first-rs256', 'RS256', true],
        ['second-rs256', 'RS256', false],
        ['curve-es384', 'ES384', true],
      ]);
    });

    it('are rotated through the admin API; tokens of the old key stay good, also after a restart', async () => {
      const old = await token('file');
      const made = await admin('POST', '/tenants/file/keys', { algorithm: 'RS256' });
      const [next = ''] = made.body['kids'] as string[];
      expect(await kids('file')).to.include(next);
      expect(await kidOf('file')).to.equal('first-rs256');
      expect((await admin('POST', `/tenants/file/keys/${next}/activate`)).status).to.equal(204);
      expect(await kidOf('file')).to.equal(next);
      expect(await isGood('file', old)).to.deep.equal({ verifies: true, active: true });
      expect(await running.end()).to.equal(0);
      await start();
      // The file still names another key first, as it did before the rotation.
      expect(await kidOf('file')).to.equal(next);
      expect(await isGood('file', old)).to.deep.equal({ verifies: true, active: true });
    });

    it('are rotated through the command line; a key leaves when it is retired, and no sooner', async () => {
      const old = await token('file');
      const before = String(decodeProtectedHeader(old).kid);
      const made = await cli('keys', 'publish', [], '--set', 'algorithm=RS256');
      expect(made.code, made.output).to.equal(0);
      const [next = ''] = (JSON.parse(made.output) as { kids: string[] }).kids;
      expect((await cli('keys', 'activate', [next])).output).to.equal('Done.\n');
      expect(await kidOf('file')).to.equal(next);
      const list = await cli('keys', 'list');
      expect(list.lines.find((line) => line.startsWith(next))).to.match(/ true /);
      expect(list.lines.find((line) => line.startsWith(before))).to.match(/ false /);
      expect(list.output).not.to.match(/"d"|sealed/);
      expect(await isGood('file', old)).to.deep.equal({ verifies: true, active: true });

      const active = await cli('keys', 'retire', [next]);
      expect(active).to.include({ code: 1 });
      expect(active.output).to.include('Activate another key of its algorithm first.');
      expect(await cli('keys', 'retire', [before])).to.include({ code: 0, output: 'Done.\n' });
      expect(await kids('file')).not.to.include(before);
      expect((await isGood('file', old)).verifies).to.equal(false);
      expect((await cli('keys', 'retire', [before])).code).to.equal(1);
    });

    it('keep the keys that the document names, which would come back', async () => {
      const refused = await cli('keys', 'retire', ['second-rs256']);
      expect(refused).to.include({ code: 1 });
      expect(refused.output).to.include(
        'The document of tenant file names the key second-rs256. Take it out there first',
      );
      expect(await kids('file')).to.include('second-rs256');
      expect((await admin('DELETE', '/tenants/file/keys/second-rs256')).body).to.include({
        status: 409,
        code: 'key-configured',
      });
    });

    it('are taken over when the file names another key first; those it names no more stay published', async () => {
      const old = await token('file');
      const file = join(config, 'file/keys/signing.jwks.json');
      await writeFile(`${file}.draft`, JSON.stringify({ keys: [keys.later, keys.first] }));
      await rename(`${file}.draft`, file);
      for (let attempt = 0; (await kidOf('file')) !== 'later-rs256'; attempt += 1) {
        if (attempt > 200) throw new Error(`the key was not taken over: ${running.output()}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(await kids('file')).to.include.members(['later-rs256', 'first-rs256', 'second-rs256', 'curve-es384']);
      expect(await isGood('file', old)).to.deep.equal({ verifies: true, active: true });
      // Now the second key may go.
      expect((await cli('keys', 'retire', ['second-rs256'])).code).to.equal(0);
      expect(await kids('file')).not.to.include('second-rs256');
    });

    it("are imported through the command line, too, without the primes, and kept from the shell's history", async () => {
      const key = rsa('by-command');
      const file = join(environment['SALLYPORT_DATA'] ?? '', 'import.json');
      await writeFile(file, JSON.stringify({ jwks: { keys: [smile(key)] } }));
      const made = await cli('keys', 'import', [], '--file', file);
      expect(made.code, made.output).to.equal(0);
      await rm(file);
      for (const part of privateParts(key)) expect(made.output).not.to.include(part);
      expect((await cli('keys', 'activate', ['by-command'])).code).to.equal(0);
      const value = await token('file');
      expect(decodeProtectedHeader(value).kid).to.equal('by-command');
      expect((await isGood('file', value)).verifies).to.equal(true);
    });

    it('publish, log and answer no private part', async () => {
      const said = [running.output()];
      for (const path of ['/file/jwk', '/inline/jwk', '/none/jwk', '/file/.well-known/openid-configuration'])
        said.push(await (await fetch(`${running.url}${path}`)).text());
      for (const tenant of ['file', 'inline', 'none'])
        said.push(JSON.stringify((await admin('GET', `/tenants/${tenant}/keys`)).body));
      said.push(JSON.stringify((await admin('GET', '/tenants/file/audit?limit=200')).body));
      const text = said.join('\n');
      expect(text).not.to.match(/"(d|p|q|dp|dq|qi)":|sealed/);
      for (const key of Object.values(keys)) for (const part of privateParts(key)) expect(text).not.to.include(part);
    });

    it('store no private part in the clear', async () => {
      expect(await running.end()).to.equal(0);
      const dump = await dumpOf(databaseUrl, environment['SALLYPORT_DATA'] ?? '');
      // What is looked for would be found: the public parts are there.
      for (const key of [keys.first, keys.inline]) expect(dump).to.include(key['n']);
      expect(dump).to.include(keys.curve['x']);
      for (const key of Object.values(keys)) {
        for (const part of privateParts(key)) {
          const bytes = Buffer.from(part, 'base64url');
          for (const form of [part, bytes.toString('hex'), bytes.toString('base64')])
            expect(dump.includes(form), `a private part of ${key.kid}`).to.equal(false);
        }
      }
      if (!databaseUrl) {
        const raw = await filesOf(environment['SALLYPORT_DATA'] ?? '');
        expect(raw.includes(Buffer.from(keys.first.kid))).to.equal(true);
        for (const key of Object.values(keys))
          for (const part of privateParts(key)) {
            expect(raw.includes(Buffer.from(part)), `a private part of ${key.kid} in a file`).to.equal(false);
            expect(raw.includes(Buffer.from(part, 'base64url')), `its bytes in a file`).to.equal(false);
          }
      }
      await start();
    });

    it('stop the start in one sentence when another key has the id', async () => {
      expect(await running.end()).to.equal(0);
      const file = join(config, 'file/keys/signing.jwks.json');
      const before = await readFile(file, 'utf8');
      await writeFile(file, JSON.stringify({ keys: [rsa('first-rs256')] }));
      const { code, output } = await sallyport(['serve'], { environment, node: process.execPath });
      expect(code).to.equal(1);
      expect(output).to.include(
        'Sallyport cannot start: Tenant file has another key with the id first-rs256 already. Give the imported key an id of its own.',
      );
      await writeFile(file, before);
      await start();
      expect(await kidOf('file')).to.equal('by-command');
    });
  });
}

describe('keystores that cannot be used', () => {
  const good = ec('good', 'P-256', 'ES256');
  const { d: _d, ...publicOnly } = good;
  const without = (name: string) => Object.fromEntries(Object.entries(good).filter(([member]) => member !== name));
  const faults: readonly [what: string, keys: unknown, said: string][] = [
    [
      'a key of 1024 bits',
      { keys: [rsa('small', 1024)] },
      'The imported key small has 1024 bits. RSA keys need at least 2048 bits.',
    ],
    ['a public key', { keys: [publicOnly] }, 'key 1 of "keys.json" without d'],
    ['a key without id', { keys: [without('kid')] }, 'key 1 of "keys.json" without kid'],
    [
      'a key without algorithm',
      { keys: [good, { ...without('alg'), kid: 'other' }] },
      'key 2 of "keys.json" without alg',
    ],
    ['an algorithm of another kind of key', { keys: [{ ...good, alg: 'RS256' }] }, 'its type EC does not sign RS256'],
    ['an algorithm of another curve', { keys: [{ ...good, alg: 'ES384' }] }, 'does not sign ES384'],
    [
      'a shared secret',
      { keys: [{ kty: 'oct', k: 'c2VjcmV0', d: 'x', kid: 'o', alg: 'HS256' }] },
      'its type oct does not sign HS256',
    ],
    ['an RSA key of nonsense', { keys: [{ ...smile(rsa('odd')), d: 'AQAB' }] }, 'The imported key odd is malformed.'],
    [
      'one id twice',
      { keys: [good, { ...ec('x', 'P-256', 'ES256'), kid: 'good' }] },
      'found "good" again, expected a kid used once',
    ],
    ['no keys', { keys: [] }, 'found "keys.json", which is no JWKS'],
    ['no JWKS', 'nonsense', 'found "keys.json", which is no JWKS'],
  ];
  let output: string;
  before(async () => {
    const files: Record<string, unknown> = {};
    for (const [index, [, keys]] of faults.entries()) {
      files[`t${index}/tenant.json`] = tenantDocument(`t${index}`, { keystore: { jwksFile: 'keys.json' } });
      files[`t${index}/keys.json`] = keys;
    }
    files['inline/tenant.json'] = tenantDocument('inline', { keystore: { jwks: { keys: [good] } } });
    files['both/tenant.json'] = tenantDocument('both', { keystore: { jwks: { keys: [good] }, jwksFile: 'keys.json' } });
    files['both/keys.json'] = { keys: [good] };
    const folder = await folderOf(files);
    const checked = await sallyport(['check', folder.path]);
    await folder.remove();
    expect(checked.code).to.equal(1);
    output = checked.output;
  });

  for (const [index, [what, , said]] of faults.entries()) {
    it(`are told: ${what}`, () => {
      const lines = output.split('\n').filter((line) => line.includes(`/t${index}/`));
      expect(lines.join('\n')).to.include(said).and.include('/keystore/jwksFile');
      expect(lines).to.have.length(1);
    });
  }

  it('are told: private keys in a document that is no demo, and two sources', () => {
    expect(output).to.match(/inline\/tenant\.json at \/keystore\/jwks: found inline private keys, expected "jwksFile"/);
    expect(output).to.match(/both\/tenant\.json at \/keystore: found jwks and jwksFile, expected one of them/);
  });

  it('show no private part', () => {
    for (const part of privateParts(good)) expect(output).not.to.include(part);
  });
});

/** Every row of every table as text. */
async function dumpOf(databaseUrl: string | undefined, data: string): Promise<string> {
  const client = databaseUrl ? new pg.Client({ connectionString: databaseUrl }) : undefined;
  const embedded = databaseUrl ? undefined : await PGlite.create(join(data, 'postgres'));
  await client?.connect();
  const query = async (sql: string) => {
    const result = client ? await client.query(sql) : await embedded?.query(sql);
    return (result?.rows ?? []) as Record<string, string>[];
  };
  const tables = await query("select table_name as name from information_schema.tables where table_schema = 'public'");
  const text: string[] = [];
  for (const { name } of tables)
    for (const { row } of await query(`select row_to_json(t)::text as row from "${name}" t`)) text.push(row ?? '');
  await client?.end();
  await embedded?.close();
  expect(tables.length).to.be.greaterThan(8);
  return text.join('\n');
}

async function filesOf(folder: string): Promise<Buffer> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Buffer.concat(await Promise.all(files.map((file) => readFile(file))));
}
