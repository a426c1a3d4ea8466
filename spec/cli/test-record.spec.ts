/** `npx sallyport test --record`: what a case does not foresee is really asked, once, and stands in the case from then on. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { type TestOptions, testCases } from '../../tools/cli/test.ts';
import { simulate } from '../../tools/cli/simulate.ts';
import { folderOf, tenantDocument } from './support.ts';

const secrets = {
  RECORD_API_KEY: 'key-4711',
  RECORD_FHIR_SECRET: 'the secret of the FHIR server',
  RECORD_CLIENT: 'a-client-secret',
};
const script = `import { get, post } from 'sallyport/http';
import { search } from 'sallyport/fhir';
import { secret } from 'sallyport/secrets';
export async function onTokenGenerating(theUserSession, theDetails, theClientDetails) {
  const claim = (name, value) => theDetails.addAccessTokenClaim(name, value);
  const base = Environment.getEnv('BASE');
  const what = theClientDetails.clientName;
  if (what === 'http' || what === 'both') {
    const authorization = 'Bearer ' + secret('apiKey');
    const answer = await get(base + '/rights?key=' + encodeURIComponent(secret('apiKey')) + '&of=me', { headers: { authorization } });
    claim('rights', JSON.parse(answer.text).rights);
    claim('tag', answer.headers.etag);
  }
  if (what === 'post') claim('created', (await post(base + '/events', { body: 'hello' })).status);
  if (what === 'fhir' || what === 'both') claim('patients', (await search('Patient', { name: 'doe' })).map(({ id }) => id));
  if (what === 'elsewhere') claim('metadata', (await get('http://127.0.0.1:1/latest/meta-data').catch(({ message }) => ({ text: message }))).text);
}
`;

describe('sallyport test --record', function () {
  this.timeout(60_000);
  let server: Server;
  let base: string;
  let folder: Awaited<ReturnType<typeof folderOf>>;
  const asked: string[] = [];
  const headersSeen: IncomingMessage['headers'][] = [];

  before(async () => {
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      headersSeen.push(request.headers);
      const answer = (status: number, body: object, headers: object = {}) =>
        response
          .writeHead(status, { 'content-type': 'application/json', 'set-cookie': 'session=stolen', ...headers })
          .end(JSON.stringify(body));
      if (request.url?.startsWith('/rights'))
        return answer(
          200,
          { rights: ['read'], echo: request.headers.authorization, access_token: 'of-somebody', token: 're' },
          { etag: '"7"' },
        );
      if (request.url === '/events') return answer(201, {}, { location: '/events/1' });
      if (request.url === '/token')
        return answer(200, { access_token: 'a-real-token', token_type: 'Bearer', expires_in: 60 });
      if (request.url?.startsWith('/fhir/Patient'))
        return answer(request.headers.authorization === 'Bearer a-real-token' ? 200 : 401, {
          resourceType: 'Bundle',
          entry: [{ resource: { resourceType: 'Patient', id: 'jane', note: 'a-real-token' } }],
        });
      return answer(404, {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    base = `http://127.0.0.1:${port}`;
    const of = (clientName: string, more: object = {}) => ({
      name: clientName,
      hook: 'onTokenGenerating',
      input: { session: null, client: { clientName } },
      expect: {},
      ...more,
    });
    folder = await folderOf({
      'tenant.json': tenantDocument('recording', {
        issuer: 'http://localhost:9200/recording',
        scripts: { callbacks: 'callbacks.js' },
        environment: { BASE: base },
        outboundHttp: { allow: [`127.0.0.1:${port}`], allowPrivate: true },
        fhirServers: [
          {
            name: 'r4',
            url: `${base}/fhir`,
            access: {
              type: 'client-credentials',
              tokenUrl: `${base}/token`,
              clientId: 'us',
              clientSecret: { env: 'RECORD_FHIR_SECRET' },
              scope: 'system/Patient.s',
            },
          },
        ],
        secrets: { apiKey: { value: { env: 'RECORD_API_KEY' }, hooks: ['onTokenGenerating'] } },
        clients: [
          {
            clientId: 'service',
            clientName: 'both',
            tokenEndpointAuthMethods: ['client_secret_basic'],
            secrets: [{ value: { env: 'RECORD_CLIENT' } }],
            grantTypes: ['client_credentials'],
            scopes: ['system/Patient.rs'],
          },
        ],
      }),
      'callbacks.js': script,
      'cases/http.case.json': of('http', {
        expect: { effect: { accessTokenClaims: { rights: ['read'], tag: '"7"' } } },
      }),
      'cases/fhir.case.json': of('fhir', { expect: { effect: { accessTokenClaims: { patients: ['jane'] } } } }),
      'cases/post.case.json': of('post', { expect: { effect: { accessTokenClaims: { created: 201 } } } }),
      'cases/whole.case.json': {
        name: 'whole',
        given: { flow: 'client-credentials' },
        expect: { claims: { patients: ['jane'] } },
      },
      'cases/foreseen.case.json': of('foreseen'),
      'cases/elsewhere.case.json': of('elsewhere'),
    });
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await folder.remove();
  });

  async function run(options: TestOptions, environment: Readonly<Record<string, string>>) {
    const lines: string[] = [];
    Object.assign(process.env, environment);
    try {
      const code = await testCases([folder.path], options, (line) => lines.push(line));
      return { code, output: lines.join('\n') };
    } finally {
      for (const name of Object.keys(environment)) delete process.env[name];
    }
  }
  const read = (name: string) => readFile(join(folder.path, `cases/${name}.case.json`), 'utf8');

  it('asks nothing where a secret is not there to ask with', async () => {
    const { code, output } = await run({ record: true }, {});
    expect(code).to.equal(1);
    expect(output).to.include('RECORD_API_KEY');
    expect(asked).to.deep.equal([]);
  });

  it('asks what is not foreseen as production would, and each case holds by the answers', async () => {
    const { mtimeMs } = await stat(join(folder.path, 'cases/foreseen.case.json'));
    const { code, output } = await run({ record: true }, secrets);
    expect(code, output).to.equal(0);
    expect(output).to.match(/ok {5}recording: http \(1 answer recorded\)/);
    expect(output).to.match(/ok {5}recording: whole \(2 answers recorded\)/);
    expect(output).to.match(/ok {5}recording: foreseen\n/);
    expect(asked.filter((each) => each.startsWith('GET /rights'))).to.have.length(2);
    expect(headersSeen.some(({ authorization }) => authorization === 'Bearer key-4711')).to.equal(true);
    expect((await stat(join(folder.path, 'cases/foreseen.case.json'))).mtimeMs).to.equal(mtimeMs);
  });

  it('writes answers into cases of both kinds, and nothing secret', async () => {
    const [http, fhir, post, whole] = await Promise.all(['http', 'fhir', 'post', 'whole'].map(read));
    expect(JSON.parse(http ?? '')).to.deep.include({
      calls: [
        {
          url: `${base}/rights?key=***&of=me`,
          headers: { 'content-type': 'application/json', etag: '"7"' },
          body: { rights: ['read'], echo: 'Bearer ***', access_token: '***', token: '***' },
        },
      ],
    });
    const [search] = (JSON.parse(fhir ?? '') as { calls: { url: string; body: object }[] }).calls;
    expect(search?.url).to.equal('{fhir}/Patient?name=doe');
    expect(search?.body).to.deep.include({
      entry: [{ resource: { resourceType: 'Patient', id: 'jane', note: '***' } }],
    });
    expect((JSON.parse(post ?? '') as { calls: unknown[] }).calls).to.deep.equal([
      {
        method: 'POST',
        url: `${base}/events`,
        status: 201,
        headers: { 'content-type': 'application/json', location: '/events/1' },
        body: {},
      },
    ]);
    expect((JSON.parse(whole ?? '') as { given: { calls: unknown[] } }).given.calls).to.have.length(2);
    for (const text of [http, fhir, post, whole])
      expect(text).not.to.match(/key-4711|the secret of|a-real-token|stolen|of-somebody|\/token/);
  });

  it('reaches nothing that the tenant does not allow', async () => {
    expect(JSON.parse(await read('elsewhere'))).not.to.have.property('calls');
    expect(asked.filter((each) => each.includes('meta-data'))).to.deep.equal([]);
  });

  it('needs neither network nor secrets the next time', async () => {
    const before = asked.length;
    const { code, output } = await run({}, {});
    expect(code, output).to.equal(0);
    expect(output).not.to.include('recorded');
    expect(asked).to.have.length(before);
  });

  it('tells what no host answers, and keeps nothing of it', async () => {
    const file = join(folder.path, 'cases/post.case.json');
    const document = {
      ...(JSON.parse(await readFile(file, 'utf8')) as object),
      calls: [],
      expect: { outcome: 'runtime' },
    };
    await writeFile(file, JSON.stringify(document));
    const tenant = join(folder.path, 'tenant.json');
    const text = await readFile(tenant, 'utf8');
    await writeFile(
      tenant,
      text
        .replace(`"BASE": "${base}"`, '"BASE": "http://127.0.0.1:1"')
        .replace(/"allow": \[/, '"allow": ["127.0.0.1:1",'),
    );
    const { code, output } = await run({ record: true, filter: 'post' }, secrets);
    await writeFile(tenant, text);
    expect(code).to.equal(1);
    expect(output).to.include('POST http://127.0.0.1:1/events could not be recorded: the host could not be reached');
    expect(JSON.parse(await readFile(file, 'utf8'))).to.deep.equal(document);
  });

  it('makes a case of a simulated run as well', async () => {
    Object.assign(process.env, secrets);
    const file = join(folder.path, 'cases/saved.case.json');
    const lines: string[] = [];
    try {
      const options = { flow: 'client-credentials', record: true, save: file, json: true };
      expect(await simulate(folder.path, options, (line) => lines.push(line)), lines.join('\n')).to.equal(0);
    } finally {
      for (const name of Object.keys(secrets)) delete process.env[name];
    }
    for (const text of [await readFile(file, 'utf8'), lines.join('\n')])
      expect(text).not.to.match(/key-4711|the secret of|a-real-token|stolen/);
    const { code, output } = await run({ filter: 'saved' }, {});
    expect(code, output).to.equal(0);
    expect(output).to.include('1 passed');
  });
});
