import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { FLOWS, stage } from './stage.ts';
import type { Stage } from './stage.ts';

describe('the demo pages', () => {
  let demo: Stage;
  before(async () => {
    demo = await stage();
  });
  after(() => demo.close());
  const get = (url: string, host = new URL(demo.baseUrl).host) => demo.server.inject({ url, headers: { host } });
  const launch = (payload: string, headers: Record<string, string> = {}) =>
    demo.server.inject({
      method: 'POST',
      url: '/demo/ehr-launch',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      payload,
    });

  for (const path of ['/', '/app/', '/app/index.html', '/app/launch.html', '/demo/traces', '/demo/traces/flow-1']) {
    it(`serves ${path} as a page without inline script or style`, async () => {
      const answer = await get(path);
      expect(answer.statusCode).to.equal(200);
      expect(answer.headers['content-type']).to.match(/^text\/html/);
      expect(answer.headers['content-security-policy']).to.contain("default-src 'none'").and.not.contain('unsafe');
      expect(answer.body).to.not.match(/<style|style="|<script>|\son[a-z]+="/);
      expect(answer.body).to.match(/<html lang="en">/);
    });
  }
  for (const name of ['app.js', 'launch.js', 'record.js', 'session.js', 'vendor/fhir-client.js']) {
    it(`serves ${name} as a script`, async () => {
      const answer = await get(`/app/${name}`);
      expect([answer.statusCode, answer.headers['content-type']]).to.deep.equal([
        200,
        'text/javascript; charset=utf-8',
      ]);
    });
  }
  it('shows on the start page what runs here', async () => {
    const { body } = await get('/');
    for (const text of ['/app/', '/demo/ehr-launch', 'jane-demo', 'Haddad, Omar', '/demo/traces/flow-1']) {
      expect(body).to.contain(text);
    }
    expect(body).to.contain('http://localhost:9200/demo/.well-known/smart-configuration');
    expect(body).to.contain('http://localhost:9200/partner/.well-known/openid-configuration');
  });
  it('invites nobody to the sample app at an address where the demo does not answer, and says where it does', async () => {
    const here = (await get('/')).body;
    expect(here).to.contain('Open the sample app').and.not.contain('does not answer here');
    for (const host of ['localhost:9317', 'other.example:9200']) {
      const { body } = await get('/', host);
      expect(body, host).to.contain('does not answer here').and.contain(`href="${demo.baseUrl}/"`);
      expect(body, host)
        .not.to.contain('Open the sample app')
        .and.not.contain('/demo/ehr-launch')
        .and.not.contain(host);
    }
  });
  it('shows a flow with its hooks, what they changed and logged, escaped', async () => {
    const { body } = await get('/demo/traces/flow-1');
    for (const text of [
      'onTokenGenerating',
      'cardiology',
      'callbacks.js:12:3',
      'x is not defined',
      'api.example.org',
    ]) {
      expect(body).to.contain(text);
    }
    expect(body).to.not.contain('<script>').and.not.contain('<b>department');
  });
  it('leads to the latest flow, and to the list when there is none', async () => {
    expect((await get('/demo/traces/latest')).headers.location).to.equal('/demo/traces/flow-1');
    const empty = await stage(false, { traces: async () => [] });
    expect((await empty.server.inject({ url: '/demo/traces/latest' })).headers.location).to.equal('/demo/traces');
    expect((await empty.server.inject({ url: '/demo/traces' })).body).to.contain('None yet');
    await empty.close();
  });
  it('shows an odd trace instead of failing', async () => {
    const odd = await stage(false, {
      traces: async () => [
        {
          ...FLOWS[0]!,
          trace: {
            entries: [null, 7, { hook: 'no' }, { hook: { before: [], after: { a: { b: undefined } }, calls: 1 } }],
          },
        },
      ],
    });
    expect((await odd.server.inject({ url: '/demo/traces/flow-1' })).statusCode).to.equal(200);
    await odd.close();
  });
  it('says so when a flow is not there', async () => {
    expect((await get('/demo/traces/nobody')).statusCode).to.equal(404);
  });

  it('sends a browser from a loopback address to the name the app is registered with', async () => {
    const answer = await demo.server.inject({ url: '/app/?code=1', headers: { host: '127.0.0.1:9200' } });
    expect([answer.statusCode, answer.headers.location]).to.deep.equal([302, 'http://localhost:9200/app/?code=1']);
    const other = await demo.server.inject({ url: '/app/', headers: { host: '127.0.0.1.example:9200' } });
    expect(other.statusCode).to.equal(200);
  });
  it('serves the documents as text', async () => {
    const folder = fileURLToPath(new URL('.', import.meta.url));
    const reader = await stage(false, { docsFolder: `${folder}documents` });
    expect((await reader.server.inject({ url: '/' })).body).to.match(/href="\/docs\/sample\.md">A sample<\/a>/);
    const answer = await reader.server.inject({ url: '/docs/sample.md' });
    expect([answer.statusCode, answer.headers['content-type']]).to.deep.equal([200, 'text/plain; charset=utf-8']);
    await reader.close();
  });
  it('does not start on a list that is not one of patients', async () => {
    const file = fileURLToPath(import.meta.url);
    let failure: unknown;
    await stage(false, { patientsFile: file }).catch((error: unknown) => (failure = error));
    expect(failure).to.be.instanceOf(Error);
  });

  it('launches the app for the chosen patient', async () => {
    const answer = await launch('patient=jane', { origin: 'http://localhost:9200' });
    expect(answer.statusCode).to.equal(303);
    const target = new URL(String(answer.headers.location), 'http://localhost:9200');
    expect(target.pathname).to.equal('/app/launch.html');
    expect(target.searchParams.get('iss')).to.equal('http://localhost:9200/demo/fhir/r4');
    expect(target.searchParams.get('launch')).to.equal('launch handle+1');
    expect(demo.launches.at(-1)).to.deep.equal({
      clientId: 'sample-app',
      username: 'drsmith',
      context: { patient: 'jane', encounter: 'jane-visit-4', need_patient_banner: true },
    });
  });
  for (const payload of ['patient=nobody', '', 'patient=jane&patient=patient-02']) {
    it(`refuses to launch for "${payload}"`, async () => {
      const before = demo.launches.length;
      expect((await launch(payload)).statusCode).to.equal(400);
      expect(demo.launches).to.have.length(before);
    });
  }
  it('refuses a launch posted from another site', async () => {
    expect((await launch('patient=jane', { origin: 'https://elsewhere.example' })).statusCode).to.equal(403);
  });

  for (const name of ['..%2Fpackage.json', 'nothing.md', '%2e%2e%2f%2e%2e%2fREADME.md', 'page.txt']) {
    it(`has no document ${name}`, async () => expect((await get(`/docs/${name}`)).statusCode).to.equal(404));
  }
});
