/** Whose address counts behind a reverse proxy, and that nobody else's word for it does. */
import { expect } from 'chai';
import { authorizationRequest } from '../support/oauth.ts';
import { createPerson, type Page } from '../support/person.ts';
import { loadServerSettings } from '../../engine/tenant/server.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

describe('the address of a caller', function () {
  this.timeout(120_000);
  const most = 31;

  /** Fails to log in from an address, as a proxy tells it, and answers the last page. */
  async function guess(server: TestServer, address: string, times: number): Promise<Page> {
    const person = createPerson(server.url, { 'x-forwarded-for': address });
    let page = await person.open(authorizationRequest(server).url);
    for (let attempt = 0; attempt < times; attempt += 1)
      page = await person.submit(page, { username: `nobody-${attempt}`, password: 'wrong', do: 'login' });
    return page;
  }

  it('is the one the trusted proxy tells: the bound of one is not the bound of another', async () => {
    const server = await startTestServer({ environment: { SALLYPORT_TRUST_PROXY: '127.0.0.1,::1' } });
    try {
      const blocked = await guess(server, '198.51.100.7', most);
      const other = await guess(server, '203.0.113.9', 1);
      expect(blocked.body).not.to.equal(other.body);
      expect(blocked.body).to.match(/wait|later|minute/i);
      expect(other.body).not.to.match(/wait a|later|minute/i);
    } finally {
      await server.close();
    }
  });

  it('is the one it comes from where no proxy is trusted, whatever it says', async () => {
    const server = await startTestServer();
    try {
      await guess(server, '198.51.100.7', most);
      expect((await guess(server, '203.0.113.9', 1)).body).to.match(/wait|later|minute/i);
    } finally {
      await server.close();
    }
  });

  it('is told by addresses and networks only', async () => {
    const read = await loadServerSettings({ SALLYPORT_TRUST_PROXY: '10.0.0.0/8, 127.0.0.1' });
    expect(read.ok && read.settings.trustProxy).to.deep.equal(['10.0.0.0/8', '127.0.0.1']);
    for (const wrong of ['proxy.example', 'true', '*', '10.0.0.0/8;127.0.0.1'])
      expect((await loadServerSettings({ SALLYPORT_TRUST_PROXY: wrong })).ok, wrong).to.equal(false);
  });
});
