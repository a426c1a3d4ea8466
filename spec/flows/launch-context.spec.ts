/** An EHR launch against a callback that offers patients at every log-in, as the demo's does. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { authorizationRequest, redeem } from '../support/oauth.ts';
import { createPerson, type Page } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const scope = 'openid launch patient/*.rs';

describe('the context of an EHR launch', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(() => server.close());

  async function launch(context: object): Promise<string> {
    const secret = (await readFile(join(server.data, 'admin-secret'), 'utf8')).trim();
    const answer = await fetch(`${server.url}/admin/api/tenants/demo/launches`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ clientId: 'sample-native', username: 'drsmith', context }),
    });
    return String(((await answer.json()) as { launch: string }).launch);
  }

  async function pageAfterLogin(request: string): Promise<Page> {
    const person = createPerson(server.url);
    return person.submit(await person.open(request), { username: 'drsmith', password: 'demo-password', do: 'login' });
  }

  it('is the patient the EHR named, whatever the callback offers and however often', async () => {
    for (const patient of ['patient-03', 'patient-05']) {
      const { url, verifier } = authorizationRequest(server, { scope, launch: await launch({ patient }) });
      const person = createPerson(server.url);
      const back = await person.walk(await person.open(url), { username: 'drsmith', choice: '0' });
      const { body } = await redeem(server, back.searchParams.get('code') ?? '', verifier);
      expect(body, JSON.stringify(body)).to.include({ patient });
      expect(decodeJwt(String(body['access_token']))).to.include({ patient });
    }
  });

  it('leaves nothing to choose where it names the patient', async () => {
    const { url } = authorizationRequest(server, { scope, launch: await launch({ patient: 'patient-03' }) });
    expect((await pageAfterLogin(url)).body).not.to.include('name="choice"');
  });

  it('is chosen where the EHR named no patient, and where there is no launch', async () => {
    const named = authorizationRequest(server, { scope, launch: await launch({ intent: 'review' }) });
    expect((await pageAfterLogin(named.url)).body).to.include('name="choice"');
    const alone = authorizationRequest(server, { scope: 'openid launch/patient patient/*.rs' });
    expect((await pageAfterLogin(alone.url)).body).to.include('name="choice"');
  });
});
