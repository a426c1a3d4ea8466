/** `npx sallyport serve`: what stops a start is told in full or in one sentence, and a stop lets flows finish. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { access, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { sharedPostgres } from '../support/databases.ts';
import { basic, postForm } from '../support/oauth.ts';
import { copyTenants, freePort } from '../support/server.ts';
import { folderOf, nodeOfTheSystem, sallyport, type Serving, serving, tenantDocument } from './support.ts';

const examples = join(import.meta.dirname, '../../scripts-examples');
const durability = /survives a killed process but not a power cut.*DATABASE_URL/;

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}

describe('sallyport serve', function () {
  // Several of these start two or three servers, one after the other.
  this.timeout(180_000);
  let data: string;
  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), 'sallyport-start-'));
  });
  afterEach(() => rm(data, { recursive: true, force: true }));

  /** Starts with these tenants, which must be refused before anything is stored. */
  async function refused(
    files: Readonly<Record<string, unknown>>,
    environment: Record<string, string> = {},
    node?: string,
  ) {
    const folder = await folderOf(files);
    try {
      const all = { SALLYPORT_CONFIG: folder.path, SALLYPORT_DATA: join(data, 'new'), PORT: '0', ...environment };
      const outcome = await sallyport(['serve'], { environment: all, ...(node ? { node } : {}) });
      expect(outcome.code, outcome.output).to.equal(1);
      expect(outcome.output).not.to.match(/^\s+at .*:\d+:\d+/m);
      return outcome;
    } finally {
      await folder.remove();
    }
  }

  describe('refuses a wrong configuration with exit code 1', () => {
    it('listing every problem of the environment and of every tenant', async () => {
      const { output } = await refused(
        {
          'one/tenant.json': tenantDocument('one', { skn: 'x', scripts: { callbacks: 'a.js' } }),
          'one/a.js': 'function (',
          'two/tenant.json': '[]',
        },
        { SALLYPORT_X: '1', SALLYPORT_WORKERS: '1000' },
      );
      expect(output).to.include('Sallyport cannot start: 5 problems in its configuration.');
      expect(output).to.include('the unknown variable SALLYPORT_X');
      expect(output).to.include('the variable SALLYPORT_WORKERS: found 1000, expected at most 64.');
      expect(output).to.include(
        'one/tenant.json at /skn: found the unknown name "skn", expected a known name. did you mean "skin"?',
      );
      expect(output).to.include('one/a.js:1:10: Unexpected token.');
      expect(output).to.include('two/tenant.json: found a list of 0, expected an object.');
      expect(
        await access(join(data, 'new')).then(
          () => true,
          () => false,
        ),
        'a data folder was made',
      ).to.equal(false);
    });

    it('naming the variable that was probably meant', async () => {
      const { output } = await refused({ 'one/tenant.json': tenantDocument('one') }, { SALLYPORT_MASTERKEY: 'x' });
      expect(output).to.include('Sallyport cannot start: 1 problem in its configuration.');
      expect(output).to.include('did you mean "SALLYPORT_MASTER_KEY"?');
    });

    it('without tenants', async () => {
      const { output } = await refused({ 'readme.txt': '' });
      expect(output).to.include('found no tenant, expected a folder with tenant.json');
      const nowhere = await refused({}, { SALLYPORT_CONFIG: join(data, 'nowhere') });
      expect(nowhere.output)
        .to.include('expected a server file or a folder of tenants')
        .and.include('set SALLYPORT_CONFIG');
    });

    it('CODAP without its script', async () => {
      const trust = {
        issuer: 'https://p.example',
        jwksUri: 'https://p.example/jwks',
        algorithms: ['ES384'],
        clients: [],
      };
      const { output } = await refused({
        'one/tenant.json': tenantDocument('one', {
          codap: { enabled: true, trust: [{ ...trust, clients: ['x'], scopes: [] }] },
        }),
      });
      expect(output).to.include('found CODAP without its script, expected "codapAuthorization"');
    });

    it('demo keys, and demo tenants, away from loopback', async () => {
      const keys = JSON.parse(await readFile(join(examples, 'demo/keys/sample-asym.jwks.json'), 'utf8')) as object;
      const client = {
        clientId: 'app',
        clientName: 'App',
        tokenEndpointAuthMethods: ['private_key_jwt'],
        grantTypes: ['client_credentials'],
        jwksFile: 'keys.json',
      };
      const trust = {
        issuer: 'https://p.example',
        jwksFile: 'keys.json',
        algorithms: ['ES384'],
        clients: ['app'],
        scopes: [],
      };
      const { output } = await refused({
        'one/tenant.json': tenantDocument('one', {
          clients: [client],
          codap: { trust: [trust] },
          keystore: { jwksFile: 'keys.json' },
        }),
        'one/keys.json': keys,
        'two/tenant.json': tenantDocument('two', { demo: true }),
      });
      for (const place of ['/clients/0', '/codap/trust/0', '/keystore'])
        expect(output).to.include(
          `one/tenant.json at ${place}: found a demo key, expected a key of its own. demo keys are public`,
        );
      expect(output).to.include('two/tenant.json at /demo: found a demo tenant with a public issuer');
    });

    it('the demo as it is, moved to a public issuer', async () => {
      const config = await copyTenants('https://auth.example');
      try {
        const { output, code } = await sallyport(['serve'], {
          environment: { SALLYPORT_CONFIG: config, SALLYPORT_DATA: data },
        });
        expect(code).to.equal(1);
        expect(output)
          .to.include('a demo tenant with a public issuer')
          .and.include('a demo key')
          .and.include('an inline secret');
        expect(output).not.to.include('demo-secret').and.not.to.include('demo-password');
      } finally {
        await rm(config, { recursive: true, force: true });
      }
    });
  });

  describe('refuses in one sentence, with exit code 1,', () => {
    const sentence = (output: string) => {
      const lines = output.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
      expect(lines, output).to.have.length(1);
      return lines[0] as string;
    };

    it('a port in use', async () => {
      const other = createServer();
      const port = await listening(other);
      try {
        const { output } = await refused(
          { 'one/tenant.json': tenantDocument('one') },
          { PORT: String(port) },
          process.execPath,
        );
        expect(sentence(output)).to.equal(
          `Sallyport cannot start: port ${port} of 127.0.0.1 is in use already. Name another one in PORT.`,
        );
      } finally {
        other.close();
      }
      // Nothing is left behind that would keep the next one from starting.
      const folder = await folderOf({ 'one/tenant.json': tenantDocument('one') });
      const next = await serving({ SALLYPORT_CONFIG: folder.path, SALLYPORT_DATA: join(data, 'new') });
      expect(await next.end()).to.equal(0);
      await folder.remove();
    });

    it("an address that is not this machine's", async () => {
      const { output } = await refused(
        { 'one/tenant.json': tenantDocument('one') },
        { HOST: '203.0.113.7' },
        process.execPath,
      );
      expect(sentence(output)).to.equal(
        'Sallyport cannot start: 203.0.113.7 is no address of this machine. Name one in HOST.',
      );
    });

    it('a data folder that is a file', async () => {
      await writeFile(join(data, 'new'), 'a file');
      const { output } = await refused(
        { 'one/tenant.json': tenantDocument('one') },
        { SALLYPORT_DATA: join(data, 'new/x') },
      );
      expect(sentence(output)).to.match(/^Sallyport cannot start: the data folder .* cannot be written \(ENOTDIR\)\./);
    });

    it('a database that does not answer, without its password', async () => {
      const databaseUrl = `postgres://sallyport:pass-word-1@127.0.0.1:${await freePort()}/x`;
      const { output } = await refused(
        { 'one/tenant.json': tenantDocument('one') },
        { DATABASE_URL: databaseUrl },
        process.execPath,
      );
      expect(sentence(output)).to.match(/^Sallyport cannot start: The database could not be prepared: /);
      expect(output).not.to.include('pass-word-1');
    });

    it('the keys of another master key', async () => {
      const folder = await folderOf({ 'one/tenant.json': tenantDocument('one') });
      const environment = { SALLYPORT_CONFIG: folder.path, SALLYPORT_DATA: data, SALLYPORT_MASTER_KEY: 'a'.repeat(64) };
      const first = await serving(environment);
      await first.end();
      const { code, output } = await sallyport(['serve'], {
        node: process.execPath,
        environment: { ...environment, PORT: '0', SALLYPORT_MASTER_KEY: 'b'.repeat(64) },
      });
      await folder.remove();
      expect(code).to.equal(1);
      expect(sentence(output)).to.include('master key').and.not.to.include('bbbb');
    });
  });

  describe('running', () => {
    let config: string;
    let running: Serving;
    before(async () => {
      config = await mkdtemp(join(tmpdir(), 'sallyport-start-config-'));
      await cp(join(examples, 'partner'), join(config, 'partner'), { recursive: true });
    });
    after(() => rm(config, { recursive: true, force: true }));
    afterEach(() => running?.end('SIGKILL'));

    it('says where it is, which tenants it has and where the secret lies, and what the embedded store cannot do', async () => {
      running = await serving({ SALLYPORT_CONFIG: config, SALLYPORT_DATA: data }, nodeOfTheSystem());
      const said = running.output();
      expect(said).to.include(`Sallyport serves 1 tenant at ${running.url}`);
      expect(said).to.include('Partner Hospital: http://localhost:9200/partner');
      expect(said).to.include(`The administrator's secret is in ${join(data, 'admin-secret')}`);
      expect(said).not.to.include((await readFile(join(data, 'admin-secret'), 'utf8')).trim());
      expect(said.split('\n').filter((line) => durability.test(line))).to.have.length(1);
      expect(await running.end()).to.equal(0);
    });

    it('says nothing of power cuts where PostgreSQL keeps the data', async () => {
      const databaseUrl = await (await sharedPostgres()).url(`start_${randomUUID().replaceAll('-', '')}`);
      running = await serving({ SALLYPORT_CONFIG: config, SALLYPORT_DATA: data, DATABASE_URL: databaseUrl });
      expect(running.output()).not.to.match(/power cut|DATABASE_URL/);
      expect(await running.end('SIGINT')).to.equal(0);
    });

    it('lets no second process have its embedded data, and is not disturbed by it', async () => {
      running = await serving({ SALLYPORT_CONFIG: config, SALLYPORT_DATA: data });
      const { code, output } = await sallyport(['serve'], {
        node: process.execPath,
        environment: { SALLYPORT_CONFIG: config, SALLYPORT_DATA: data, PORT: '0' },
      });
      expect(code).to.equal(1);
      const lines = output.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
      expect(lines).to.have.length(1);
      expect(lines[0]).to.match(/^Sallyport cannot start: The data folder is in use by process \d+\. .*DATABASE_URL/);
      const migrated = await sallyport(['migrate'], {
        environment: { SALLYPORT_CONFIG: config, SALLYPORT_DATA: data },
      });
      expect(migrated).to.include({ code: 1 });
      expect(migrated.output).to.match(/The data folder is in use by process/);
      expect((await fetch(`${running.url}/health/ready`)).status).to.equal(200);
      // After a kill the next one may have it, although nobody cleaned up.
      const [, holder] = /process (\d+)/.exec(lines[0] as string) ?? [];
      process.kill(Number(holder), 'SIGKILL');
      expect(await running.end()).to.equal(1);
      running = await serving({ SALLYPORT_CONFIG: config, SALLYPORT_DATA: data });
      expect(await running.end()).to.equal(0);
    });
  });

  describe('told to stop', () => {
    it('stops as well when the process that started it is killed', async () => {
      const folder = await folderOf({ 'one/tenant.json': tenantDocument('one') });
      const server = await serving({ SALLYPORT_CONFIG: folder.path, SALLYPORT_DATA: data });
      await server.end('SIGKILL');
      const isThere = async () => (await fetch(`${server.url}/health/live`).catch(() => undefined)) !== undefined;
      const holdsData = () => existsSync(join(data, 'postgres.lock'));
      for (let round = 0; round < 300 && ((await isThere()) || holdsData()); round += 1)
        await new Promise((resolve) => setTimeout(resolve, 50));
      expect({ isThere: await isThere(), holdsData: holdsData() }).to.deep.equal({ isThere: false, holdsData: false });
      await folder.remove();
    });

    it('finishes the flow that is under way, takes no new one, and ends with 0', async () => {
      let arrived = () => undefined as void;
      const asked = new Promise<void>((resolve) => (arrived = resolve));
      let answer = () => undefined as void;
      // A service that a callback waits for, until this test lets it answer.
      const slow = createServer((_request, response) => {
        answer = () => void response.end('{"department":"slow"}');
        arrived();
      });
      const slowPort = await listening(slow);
      const port = await freePort();
      const folder = await folderOf({
        'one/tenant.json': tenantDocument('one', {
          issuer: `http://localhost:${port}/one`,
          demo: true,
          scripts: { callbacks: 'callbacks.js' },
          scriptLimits: { wallMilliseconds: 30_000 },
          outboundHttp: { allow: [`127.0.0.1:${slowPort}`], allowPrivate: true },
          clients: [
            {
              clientId: 'service',
              clientName: 'Service',
              tokenEndpointAuthMethods: ['client_secret_basic'],
              secrets: [{ value: 'service-secret' }],
              grantTypes: ['client_credentials'],
              scopes: ['system/*.rs'],
              permissions: [{ permission: 'ROLE_FHIR_CLIENT_SUPERUSER_RO' }],
            },
          ],
        }),
        'one/callbacks.js': `function onTokenGenerating(s, details) {
          const answer = Http.get('http://127.0.0.1:${slowPort}/').execute();
          details.addAccessTokenClaim('department', answer.parseResponseAsJson().department);
        }`,
      });
      const server = await serving({ SALLYPORT_CONFIG: folder.path, SALLYPORT_DATA: data, PORT: String(port) });
      const token = `http://localhost:${port}/one/oauth/token`;
      const request = () => postForm(token, { grant_type: 'client_credentials' }, basic('service', 'service-secret'));
      const underWay = request();
      await Promise.race([asked, underWay.then(({ body }) => expect.fail(`answered early: ${JSON.stringify(body)}`))]);
      const ended = server.end();
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(server.child.exitCode).to.equal(null);
      expect(
        await request().then(
          () => 'answered',
          () => 'refused',
        ),
      ).to.equal('refused');
      const answered = Date.now();
      answer();
      const { status, body } = await underWay;
      expect(status, `${JSON.stringify(body)} ${server.output()}`).to.equal(200);
      expect(await ended).to.equal(0);
      // The app's connection is not waited for until it times out, which takes more than a minute.
      expect(Date.now() - answered).to.be.below(40_000);
      slow.close();
      await folder.remove();
    });
  });
});
