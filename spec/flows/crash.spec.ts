/** A server killed without warning in the middle of a flow and started again on the same data. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { sharedPostgres } from '../support/databases.ts';
import { authorizationRequest, basic, logIn, postForm, redeem } from '../support/oauth.ts';
import { createPerson } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

for (const database of ['PGlite', 'PostgreSQL']) {
  it(`a kill loses no log-in, code or token and leaves none to be used twice, on ${database}`, async () => {
    const databaseUrl =
      database === 'PostgreSQL'
        ? await (await sharedPostgres()).url(`crash_${randomUUID().replaceAll('-', '')}`)
        : undefined;
    const options = databaseUrl ? { databaseUrl } : {};
    let server: TestServer = await startTestServer(options);
    const restart = async () => {
      await server.kill();
      server = await startTestServer({ ...options, again: server });
    };
    try {
      const token = `${server.issuer}/oauth/token`;
      const introspect = async (value: unknown) =>
        (await postForm(`${token}/introspect`, { token: String(value) }, basic('resource-server', 'demo-secret'))).body;

      const atLogin = createPerson(server.url);
      const { url, verifier } = authorizationRequest(server);
      const page = await atLogin.open(url);
      const answered = await logIn(server, createPerson(server.url), 'jane');
      expect(answered.status).to.equal(200);
      await restart();

      // Right after a token answer: the returned tokens are known.
      expect(await introspect(answered.body['access_token'])).to.include({ active: true });
      // At the log-in wait: the same page goes on. Its form is taken afresh, as by a reload.
      const back = await atLogin.walk(await atLogin.open(page.url), { username: 'jane' });
      const code = back.searchParams.get('code') ?? '';
      await restart();

      // Between code and token: the code redeems once.
      const redeemed = await redeem(server, code, verifier);
      expect(redeemed.status, JSON.stringify(redeemed.body)).to.equal(200);
      await restart();
      expect((await redeem(server, code, verifier)).body['error']).to.equal('invalid_grant');
      expect(await introspect(redeemed.body['access_token'])).to.deep.equal({ active: false });
      await restart();
      expect(await introspect(redeemed.body['access_token'])).to.deep.equal({ active: false });
      expect(await introspect(answered.body['access_token'])).to.include({ active: true });
    } finally {
      await server.close();
    }
  });
}
