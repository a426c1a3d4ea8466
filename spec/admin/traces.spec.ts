/** Flows that happened: found again, told without people, made into cases, and run again against another script. */
import { randomUUID } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { readCase } from '../../engine/script/case/document.ts';
import { editTenant } from '../peers/federated-stage.ts';
import { sharedPostgres } from '../support/databases.ts';
import { authorizationRequest, basic, logIn, postForm } from '../support/oauth.ts';
import { createPerson } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Admin, adminWith, asAdmin, itemsOf } from './support.ts';
import { someDatabase } from '../support/thorough.ts';

const callbacks = (more = '') => `
function onTokenGenerating(user, request, client) {
  if (client.clientId === 'resource-server') throw new Error('not for ' + client.clientId);
  request.addAccessTokenClaim('department', 'Cardiology');
  ${more}
  Log.info('a token for ' + (user ? user.username : client.clientId));
}
function onPostAuthorize(details) { Log.info('sent ' + details.grantedScopes.length); }
`;

for (const database of someDatabase) {
  describe(`traces on ${database}`, () => {
    let server: TestServer;
    let admin: Admin;
    before(async () => {
      const databaseUrl =
        database === 'PostgreSQL'
          ? await (await sharedPostgres()).url(`traces_${randomUUID().replaceAll('-', '')}`)
          : undefined;
      server = await startTestServer({
        ...(databaseUrl ? { databaseUrl } : {}),
        async prepare(config) {
          await writeFile(join(config, 'demo/callbacks.js'), callbacks());
          await cp(join(config, 'demo'), join(config, 'clinic'), { recursive: true });
          const document = await readFile(join(config, 'clinic/tenant.json'), 'utf8');
          const clinic = JSON.parse(document.replaceAll('/demo', '/clinic')) as object;
          await writeFile(
            join(config, 'clinic/tenant.json'),
            JSON.stringify({ ...clinic, id: 'clinic', traces: { values: 'redacted' } }),
          );
          let app: unknown;
          await editTenant(config, 'demo', (tenant) => {
            app = (tenant['clients'] as { clientId: string }[]).find(({ clientId }) => clientId === 'sample-native');
          });
          await editTenant(config, 'partner', (tenant) => {
            tenant['traces'] = { values: 'none', share: 0 };
            tenant['clients'] = [...(tenant['clients'] as unknown[]), app];
          });
        },
      });
      admin = await asAdmin(server);
    });
    after(() => server.close());

    const at = '/tenants/demo';
    const token = (tenant: string, clientId: string, secret = 'demo-secret') =>
      postForm(
        `${server.url}/${tenant}/oauth/token`,
        { grant_type: 'client_credentials', scope: 'system/*.rs' },
        basic(clientId, secret),
      );
    const list = async (query: string, tenant = 'demo') =>
      itemsOf(await admin('GET', `/tenants/${tenant}/traces?limit=200&${query}`));
    const newest = async (query: string) => String((await list(query))[0]?.['id']);
    async function enter(tenant = 'demo'): Promise<string> {
      const there = { ...server, issuer: `${server.url}/${tenant}` };
      expect((await logIn(there, createPerson(server.url), 'jane')).status).to.equal(200);
      return String((await list('flow=interactive', tenant))[0]?.['id']);
    }

    it('are found by flow, outcome, app, person, hook, version and time', async () => {
      await enter();
      expect((await token('demo', 'sample-service')).status).to.equal(200);
      expect((await token('demo', 'sample-service', 'wrong')).status).to.equal(401);
      const [interactive] = await list('flow=interactive');
      expect(interactive).to.include({ flow: 'interactive', outcome: 'success', clientId: 'sample-native' });
      expect(interactive?.['hooks']).to.include.members(['onTokenGenerating', 'onPostAuthorize']);
      const userId = String(interactive?.['userId']);
      expect((await list(`userId=${userId}`)).map(({ id }) => id)).to.include(interactive?.['id']);
      expect(await list('userId=nobody')).to.deep.equal([]);
      expect(new Set((await list('clientId=sample-service')).map(({ clientId }) => clientId))).to.deep.equal(
        new Set(['sample-service']),
      );
      const failed = await list('outcome=failure');
      expect(failed.length).to.be.above(0);
      expect(failed.every(({ outcome }) => outcome !== 'success')).to.equal(true);
      expect((await list(`outcome=${String(failed[0]?.['outcome'])}`)).length).to.be.above(0);
      const [{ active } = { active: '' }] = itemsOf(await admin('GET', `${at}/scripts`)) as { active: string }[];
      expect(await list(`version=${active.slice(0, 12)}&hook=onTokenGenerating`)).to.not.deep.equal([]);
      expect(await list(`version=${active.slice(0, 12)}&hook=getUserName`)).to.deep.equal([]);
      expect(await list('version=abcdef')).to.deep.equal([]);
      const now = encodeURIComponent(new Date().toISOString());
      expect(await list(`since=${now}`)).to.deep.equal([]);
      expect((await list(`before=${now}`)).length).to.be.above(2);
      for (const wrong of ['version=%25', 'since=yesterday', 'limit=501', 'clientid=x'])
        expect((await admin('GET', `${at}/traces?${wrong}`)).status, wrong).to.equal(400);
    });

    it('tell no one’s name where values are redacted, and nothing where they are not kept', async () => {
      const { body } = await admin('GET', `/tenants/clinic/traces/${await enter('clinic')}`);
      const text = JSON.stringify(
        (body['entries'] as { hook?: { before?: unknown; after?: unknown } }[]).map(({ hook }) => [
          hook?.before,
          hook?.after,
        ]),
      );
      expect(text).to.include('redacted-').and.include('sample-native').and.include('launch/patient');
      for (const told of ['jane', 'Jane', 'Doe', '1984']) expect(text, told).to.not.include(told);
      expect((await token('partner', 'partner-service', 'wrong')).status).to.equal(401);
      const [none] = await list('outcome=failure', 'partner');
      const shown = await admin('GET', `/tenants/partner/traces/${String(none?.['id'])}`);
      expect(JSON.stringify(shown.body)).to.not.include('before');
    });

    it('a share of what went well is kept, and all of what did not', async () => {
      const person = createPerson(server.url);
      const partner = { ...server, issuer: `${server.url}/partner` };
      const { url } = authorizationRequest(partner, { scope: 'openid', aud: undefined });
      const denied = await person.submit(await person.open(url), { do: 'cancel' });
      expect(new URL(denied.url).searchParams.get('error'), denied.body).to.equal('access_denied');
      const kept = await list('flow=interactive', 'partner');
      expect(kept.map(({ outcome }) => outcome))
        .to.include('login-cancelled')
        .and.not.include('success');
      expect(
        (await logIn(partner, createPerson(server.url), 'drjones', { scope: 'openid', aud: undefined })).status,
      ).to.be.oneOf([200, 302]);
      expect((await list('flow=interactive', 'partner')).map(({ outcome }) => outcome)).to.not.include('success');
    });

    it('become cases that hold', async () => {
      const id = await enter();
      for (const hook of ['onTokenGenerating', 'onPostAuthorize']) {
        const { status, body } = await admin('GET', `${at}/traces/${id}/case?hook=${hook}`);
        expect(status, JSON.stringify(body)).to.equal(200);
        expect(body).to.include({ hook, slot: 'callbacks' });
        expect(readCase(body, 'trace.case.json')).to.have.property('ok', true);
      }
      // Of a flow that failed it is the hook that did.
      expect((await token('demo', 'resource-server')).status).to.be.above(399);
    });

    it('are run again: the same comes of the same script, and of another what it does otherwise', async () => {
      const id = await enter();
      for (const [tenant, flow] of [
        ['demo', id],
        ['clinic', await enter('clinic')],
      ] as const) {
        const same = await admin('POST', `/tenants/${tenant}/traces/${flow}/replay`, {});
        expect(same.status, JSON.stringify(same.body)).to.equal(200);
        expect(itemsOf(same).length).to.be.above(1);
        for (const item of itemsOf(same)) expect(item['same'], JSON.stringify(item)).to.equal(true);
      }

      const files = [
        { name: 'callbacks.js', source: callbacks("request.addAccessTokenClaim('department', 'Oncology');") },
      ];
      const { body } = await admin('POST', `${at}/scripts/callbacks/versions`, { entry: 'callbacks.js', files });
      const other = await admin('POST', `${at}/traces/${id}/replay`, { version: String(body['hash']).slice(0, 10) });
      const [token_, post] = ['onTokenGenerating', 'onPostAuthorize'].map((name) =>
        itemsOf(other).find(({ hook }) => hook === name),
      );
      expect(token_).to.include({ same: false, version: body['hash'] });
      expect(JSON.stringify(token_?.['differences'])).to.include('Cardiology').and.include('Oncology');
      expect(post).to.include({ same: true });
      // Nothing of it is real: no flow, no token, no version became the active one.
      expect(await newest('flow=interactive')).to.equal(id);
      const one = await admin('POST', `${at}/traces/${id}/replay`, { hook: 'onPostAuthorize' });
      expect(itemsOf(one)).to.have.length(1);
    });

    it('nothing is run for who may not, of what is not there, or of what was not kept', async () => {
      const id = await newest('flow=interactive');
      const made = await admin('POST', '/tokens', { name: 'looks', role: 'auditor' });
      const auditor = adminWith(server, String(made.body['token']));
      expect((await auditor('GET', `${at}/traces/${id}`)).status).to.equal(200);
      expect((await auditor('POST', `${at}/traces/${id}/replay`, {})).status).to.equal(403);
      expect((await admin('POST', `${at}/traces/nothing/replay`, {})).status).to.equal(404);
      expect((await admin('GET', `${at}/traces/nothing/case`)).status).to.equal(404);
      expect((await admin('GET', `${at}/traces/${id}/case?hook=getUserName`)).body).to.include({ code: 'trace-hook' });
      expect((await admin('POST', `${at}/traces/${id}/replay`, { version: 'abcdef' })).status).to.equal(404);
      expect((await admin('POST', `${at}/traces/${id}/replay`, { version: 'xyz' })).status).to.equal(400);
      expect((await admin('POST', `${at}/traces/${id}/replay`, { script: 'x' })).status).to.equal(400);
      expect((await admin('GET', `/tenants/partner/traces/${id}`)).status).to.equal(404);
    });
  });
}
