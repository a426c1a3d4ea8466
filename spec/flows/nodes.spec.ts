/** Two servers of one issuer on one PostgreSQL behave as one: either may take the next step, none is taken twice. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { expect } from 'chai';
import { sharedPostgres } from '../support/databases.ts';
import { authorizationRequest, basic, clientAssertion, logIn } from '../support/oauth.ts';
import { createPerson } from '../support/person.ts';
import { freePort, startTestServer, type TestServer } from '../support/server.ts';
import { inherited } from '../support/environment.ts';

describe('two nodes on one PostgreSQL', () => {
  let server: TestServer;
  let second: ChildProcess;
  let nodes: readonly string[];
  before(async () => {
    const databaseUrl = await (await sharedPostgres()).url(`nodes_${randomUUID().replaceAll('-', '')}`);
    server = await startTestServer({ databaseUrl });
    const port = await freePort();
    second = spawn(process.execPath, [join(import.meta.dirname, '../../tools/cli/main.ts'), 'serve'], {
      env: {
        ...inherited,
        SALLYPORT_CONFIG: server.config,
        SALLYPORT_DATA: server.data,
        PORT: String(port),
        LOG_LEVEL: 'warn',
        DATABASE_URL: databaseUrl,
      },
      stdio: 'ignore',
    });
    nodes = [server.url, `http://localhost:${port}`];
    for (let attempt = 0; attempt < 300; attempt += 1) {
      if ((await fetch(`${nodes[1]}/health/ready`).catch(() => undefined))?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('the second node did not become ready');
  });
  after(async () => {
    const gone = new Promise((resolve) => second.once('exit', resolve));
    second.kill();
    await gone;
    await server.close();
  });

  /** Both nodes are reached under the issuer's name, as behind a balancer. */
  const post = async (
    node: number,
    path: string,
    form: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> => {
    const sent = request(`${nodes[node]}/demo/oauth/token${path}`, {
      method: 'POST',
      headers: {
        host: new URL(server.url).host,
        'content-type': 'application/x-www-form-urlencoded',
        ...headers,
      },
    });
    sent.end(new URLSearchParams(form).toString());
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: answer.statusCode ?? 0, body: (await json(answer)) as Record<string, unknown> };
  };
  const active = async (node: number, token: unknown) =>
    (await post(node, '/introspect', { token: String(token) }, basic('resource-server', 'demo-secret'))).body['active'];
  const form = (code: string, verifier: string) => ({
    grant_type: 'authorization_code',
    code,
    redirect_uri: 'http://127.0.0.1:45678/callback',
    code_verifier: verifier,
    client_id: 'sample-native',
  });

  it('of two redemptions of one code at once exactly one succeeds, and its tokens end', async () => {
    for (let round = 0; round < 10; round += 1) {
      const person = createPerson(server.url);
      const { url, verifier } = authorizationRequest(server);
      const code = (await person.walk(await person.open(url), { username: 'jane' })).searchParams.get('code') ?? '';
      const answers = await Promise.all([0, 1].map((node) => post(node, '', form(code, verifier))));
      expect(answers.map(({ status }) => status).sort(), JSON.stringify(answers)).to.deep.equal([200, 400]);
      const won = answers.find(({ status }) => status === 200)?.body['access_token'];
      expect([await active(0, won), await active(1, won)]).to.deep.equal([false, false]);
    }
  });

  it('a token of one node is refreshed at the other, and revoking it there ends it at both at once', async () => {
    const { body } = await logIn(server, createPerson(server.url), 'jane');
    const refresh = { grant_type: 'refresh_token', client_id: 'sample-native' };
    const next = await post(1, '', { ...refresh, refresh_token: String(body['refresh_token']) });
    expect(next.status, JSON.stringify(next.body)).to.equal(200);
    expect(await active(0, next.body['access_token'])).to.equal(true);
    const reuse = await post(0, '', { ...refresh, refresh_token: String(body['refresh_token']) });
    expect(reuse.body['error']).to.equal('invalid_grant');
    expect([await active(0, next.body['access_token']), await active(1, next.body['access_token'])]).to.deep.equal([
      false,
      false,
    ]);
  });

  it('an assertion used at one node is refused by the other', async () => {
    const assertion = await clientAssertion(server, 'sample-backend');
    const asked = { grant_type: 'client_credentials', scope: 'system/*.rs', ...assertion };
    expect((await post(0, '', asked)).status).to.equal(200);
    expect((await post(1, '', asked)).body['error']).to.equal('invalid_client');
  });
});
