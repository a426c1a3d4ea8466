import { expect } from 'chai';
import { type Admin, asAdmin } from '../admin/support.ts';
import { basic, postForm } from '../support/oauth.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

describe('metrics', () => {
  let server: TestServer;
  let admin: Admin;
  before(async () => {
    server = await startTestServer();
    admin = await asAdmin(server);
  });
  after(() => server.close());

  const scrape = (token?: string) =>
    fetch(`${server.url}/metrics`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  const tokenOf = async (body: object) => String((await admin('POST', '/tokens', body)).body['token']);

  it('count flows, callbacks, calls and requests by tenant, hook and outcome', async () => {
    await postForm(
      `${server.issuer}/oauth/token`,
      { grant_type: 'client_credentials' },
      basic('sample-service', 'demo-secret'),
    );
    await postForm(
      `${server.issuer}/oauth/token`,
      { grant_type: 'client_credentials' },
      basic('sample-service', 'wrong-secret'),
    );
    const answer = await scrape(await tokenOf({ name: 'prometheus', role: 'auditor' }));
    expect(answer.status).to.equal(200);
    expect(answer.headers.get('content-type')).to.match(/^text\/plain; version=/);
    const text = await answer.text();
    expect(text).to.include('sallyport_flows_total{tenant="demo",flow="client-credentials",outcome="success"} 1');
    expect(text).to.include(
      'sallyport_flows_total{tenant="demo",flow="client-credentials",outcome="client-authentication"} 1',
    );
    expect(text).to.include(
      'sallyport_script_invocations_total{tenant="demo",hook="onTokenGenerating",outcome="ok"} 1',
    );
    expect(text).to.match(/sallyport_script_cpu_seconds_total\{tenant="demo",hook="onPostAuthorize"\} [\d.e-]+/);
    expect(text).to.match(/sallyport_script_heap_bytes\{tenant="demo",hook="onTokenGenerating"\} \d{6,}/);
    expect(text).to.include('sallyport_sandbox_replaced_total 0');
    expect(text).to.match(
      /sallyport_http_request_duration_seconds_count\{method="POST",route="\/oauth\/token",status="200"\} 1/,
    );
    expect(text).to.include('process_cpu_seconds_total');
    expect(text).not.to.include('sample-service');
  });

  it('are for tokens that may read every tenant, and for nobody else', async () => {
    const refused = await scrape();
    expect(refused.status).to.equal(401);
    expect(refused.headers.get('www-authenticate')).to.match(/^Bearer/);
    expect(await refused.text()).not.to.include('sallyport_');
    expect((await scrape('x'.repeat(43))).status).to.equal(401);
    expect((await scrape(await tokenOf({ name: 'ehr', role: 'launcher' }))).status).to.equal(403);
    expect((await scrape(await tokenOf({ name: 'one', role: 'auditor', tenants: ['demo'] }))).status).to.equal(403);
  });

  it('give unknown addresses one label', async () => {
    for (const path of ['/a', '/b', '/demo/c']) await fetch(server.url + path);
    const text = await (await scrape(await tokenOf({ name: 'again', role: 'auditor' }))).text();
    expect(text).not.to.match(/route="\/(a|b|demo\/c)"/);
  });
});
