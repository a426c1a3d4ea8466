/** Callbacks bound to some apps or flows only take the place of the tenant's; nobody else notices. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { loadTenant } from '../../engine/tenant/load.ts';
import { basic, clientAssertion, postForm } from '../support/oauth.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const marking = (mark: string) =>
  `function onTokenGenerating(theUserSession, theDetails) { theDetails.addAccessTokenClaim('by', '${mark}'); }`;

describe('bound callbacks', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer({
      async prepare(config) {
        const file = join(config, 'demo/tenant.json');
        const document = JSON.parse(await readFile(file, 'utf8')) as { scripts: object };
        document.scripts = {
          ...document.scripts,
          bound: [
            { id: 'service', script: 'service.js', clients: ['sample-service'] },
            { id: 'machines', script: 'machines.js', flows: ['client-credentials', 'backend-services'] },
          ],
        };
        await writeFile(file, JSON.stringify(document));
        await writeFile(join(config, 'demo/service.js'), marking('service'));
        await writeFile(join(config, 'demo/machines.js'), marking('machines'));
      },
    });
  });
  after(() => server.close());

  const claimsOf = async (form: Record<string, string>, headers: Record<string, string> = {}) => {
    const { body } = await postForm(
      `${server.issuer}/oauth/token`,
      { grant_type: 'client_credentials', ...form },
      headers,
    );
    return decodeJwt(String(body['access_token']));
  };

  it('serve the app they name', async () => {
    expect(await claimsOf({}, basic('sample-service', 'demo-secret'))).to.include({ by: 'service' });
  });

  it('serve the flows they name, where no binding before fits', async () => {
    expect(await claimsOf(await clientAssertion(server, 'sample-backend'))).to.include({ by: 'machines' });
  });

  it('leave everybody else to the callbacks of the tenant', async () => {
    const people = await fetch(`${server.issuer}/.well-known/smart-configuration`);
    expect(people.status).to.equal(200);
    const claims = await claimsOf(await clientAssertion(server, 'sample-backend'));
    expect(claims).not.to.have.property('demo_department');
  });

  it('have an id each, and files that are there', async () => {
    const file = join(server.config, 'demo/tenant.json');
    const before = await readFile(file, 'utf8');
    const document = JSON.parse(before) as { scripts: { bound: object[] } };
    document.scripts.bound = [
      { id: 'a', script: 'service.js' },
      { id: 'a', script: 'gone.js' },
      { id: 'b', script: 'service.js', flows: ['implicit'] },
    ];
    await writeFile(file, JSON.stringify(document));
    const result = await loadTenant(join(server.config, 'demo'));
    await writeFile(file, before);
    expect(result.ok).to.equal(false);
    const pointers = result.ok ? [] : result.problems.map(({ pointer }) => pointer);
    expect(pointers).to.include('/scripts/bound/2/flows/0');
  });
});
