/** What scripts ask of the engine, against real servers and both databases: FHIR, HTTP, the key-value store, tokens, secrets. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createJwksSource } from '../../engine/oauth/jwks-source.ts';
import { createOutboundClient } from '../../engine/outbound/guarded-client.ts';
import type { OutboundClient } from '../../engine/outbound/client.ts';
import { createScriptRunner } from '../../engine/script/pool.ts';
import type { Invocation, InvocationResult, Json, ScriptRunner } from '../../engine/script/runner.ts';
import { makeScript } from '../../engine/script/script.ts';
import type { FhirServer } from '../../engine/tenant/tenant.ts';
import { databases, type OpenedDatabase } from '../support/databases.ts';
import { invocationOf } from '../sandbox/support.ts';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

for (const database of databases()) {
  describe(`services of the engine for scripts on ${database.name}`, function () {
    this.timeout(60_000);
    let opened: OpenedDatabase;
    let outbound: OutboundClient;
    let runner: ScriptRunner;
    let server: Server;
    let origin: string;
    let seen: Seen[] = [];
    let answer: (request: Seen, response: ServerResponse) => void;

    before(async () => {
      opened = await database.open();
      outbound = createOutboundClient();
      runner = createScriptRunner({
        outbound,
        services: {
          values: opened.store.scriptValues,
          jwks: createJwksSource({ outbound }),
          ownToken: async (tenantId, audience, scope) => `own ${tenantId} ${audience} ${scope}`,
        },
      });
      server = createServer((request, response) => {
        void text(request).then((body) => {
          const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
          seen.push(one);
          answer(one, response);
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    });
    after(async () => {
      await runner.close();
      await outbound.close();
      await opened.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    beforeEach(() => {
      seen = [];
      answer = (_request, response) => response.end('{}');
    });

    const send = (response: ServerResponse, body: unknown, status = 200, headers: Record<string, string> = {}) =>
      response.writeHead(status, { 'content-type': 'application/fhir+json', ...headers }).end(JSON.stringify(body));

    /** Runs a module's `value()` and answers what it gives, or the failure. */
    async function run(body: string, changes: Partial<Invocation> = {}, imports = ''): Promise<InvocationResult> {
      const host = new URL(origin).host;
      return runner.run({
        ...invocationOf(''),
        outboundHttp: { allow: [host], allowPrivate: true },
        fhirServers: [{ name: 'r4', url: `${origin}/fhir`, access: { type: 'own-token', scope: 'system/*.rs' } }],
        ...changes,
        script: makeScript(
          'main.js',
          `${imports}\nexport async function onTokenGenerating(theUserSession, theDetails) {
            theDetails.addAccessTokenClaim('value', { value: await (async () => { ${body} })() });
          }`,
        ),
      });
    }
    async function value(body: string, changes: Partial<Invocation> = {}, imports = ''): Promise<unknown> {
      const result = await run(body, changes, imports);
      if (!result.ok) throw new Error(`${result.kind}: ${result.message}`);
      return (result.value as { accessTokenClaims: { value: { value?: Json } } }).accessTokenClaims.value.value;
    }

    describe('FHIR', () => {
      const patients = {
        resourceType: 'Bundle',
        type: 'searchset',
        entry: [
          { resource: { resourceType: 'Patient', id: '1' }, search: { mode: 'match' } },
          { resource: { resourceType: 'OperationOutcome' }, search: { mode: 'outcome' } },
        ],
      };

      it('is read with the credential of the tenant, in both styles', async () => {
        answer = (_request, response) => send(response, { resourceType: 'Patient', id: '1' });
        const both = await value(
          "return [Fhir.read('Patient/1').id, (await read('Patient/1')).id, (await server('r4').read('Patient/1')).id];",
          {},
          "import { read, server } from 'sallyport/fhir';",
        );
        expect(both).to.deep.equal(['1', '1', '1']);
        for (const { url, headers, method } of seen) {
          expect([method, url]).to.deep.equal(['GET', '/fhir/Patient/1']);
          expect(headers.authorization).to.equal(`Bearer own tenant ${origin}/fhir system/*.rs`);
          expect(headers.accept).to.equal('application/fhir+json');
        }
      });

      it('that is absent is null, or undefined in the native style; any other failure is an error with its status', async () => {
        answer = (_request, response) => send(response, { resourceType: 'OperationOutcome' }, 410);
        expect(
          await value(
            "return [Fhir.read('Patient/1'), typeof (await read('Patient/1'))];",
            {},
            "import { read } from 'sallyport/fhir';",
          ),
        ).to.deep.equal([null, 'undefined']);
        answer = (_request, response) =>
          send(response, { resourceType: 'OperationOutcome', issue: [{ diagnostics: 'not for you' }] }, 403);
        expect(
          await value("try { Fhir.read('Patient/1'); } catch (error) { return [error.status, error.message]; }"),
        ).to.deep.equal([403, 'reading Patient/1 failed: not for you']);
        const failure = await run("await read('Patient/1');", {}, "import { read } from 'sallyport/fhir';");
        expect(failure).to.include({
          ok: false,
          kind: 'runtime',
          message: 'FhirError: reading Patient/1 failed: not for you',
        });
        expect(failure).to.have.nested.property('location.file', 'main.js');
      });

      it('is searched with parameters that cannot break out of their place', async () => {
        answer = (_request, response) => send(response, patients);
        const found = await value(
          `const list = Fhir.search().forResource('Patient').whereToken('identifier', 'http://mrn', 'a|b&c=d').whereString('name', 'x,y').whereDate('birthdate', 'ge', '2000').sort('name').count(5).asList();
           const more = await search('Patient', { name: 'a&b', _id: ['1', '2'] });
           return [list.size(), list.get(0).id, more.length, Fhir.search().forResource('Patient').first().id];`,
          {},
          "import { search } from 'sallyport/fhir';",
        );
        expect(found).to.deep.equal([1, '1', 1, '1']);
        const [first, second] = seen.map(({ url }) => [...new URL(url, origin).searchParams]);
        expect(first).to.deep.equal([
          ['identifier', 'http://mrn|a\\|b&c=d'],
          ['name', 'x\\,y'],
          ['birthdate', 'ge2000'],
          ['_sort', 'name'],
          ['_count', '5'],
        ]);
        expect(second).to.deep.equal([
          ['name', 'a&b'],
          ['_id', '1'],
          ['_id', '2'],
        ]);
      });

      it('is written: create fills in the id, update, delete, operation, transaction', async () => {
        answer = ({ method, body }, response) =>
          method === 'POST' && body.includes('Observation')
            ? response.writeHead(201, { location: `${origin}/fhir/Observation/77/_history/1` }).end()
            : send(response, body === '' ? { resourceType: 'Parameters' } : JSON.parse(body));
        const done = await value(`
          const observation = { resourceType: 'Observation', status: 'final' };
          Fhir.create(observation);
          Fhir.update({ resourceType: 'Patient', id: '1', active: true });
          Fhir.delete('Patient/1');
          const answer = Fhir.operation('Patient/1/$everything');
          const bundle = Fhir.transaction({ resourceType: 'Bundle', type: 'transaction' });
          return [observation.id, observation.meta.versionId, answer.resourceType, bundle.type];`);
        expect(done).to.deep.equal(['77', '1', 'Parameters', 'transaction']);
        expect(seen.map(({ method, url }) => `${method} ${url}`)).to.deep.equal([
          'POST /fhir/Observation',
          'PUT /fhir/Patient/1',
          'DELETE /fhir/Patient/1',
          'GET /fhir/Patient/1/$everything',
          'POST /fhir',
        ]);
      });

      it('stays below the server, whatever path a script names', async () => {
        for (const path of [
          '../admin',
          '/../../x',
          `${origin}/other`,
          'http://elsewhere.example/Patient/1',
          'Patient/../../../x',
        ]) {
          const failure = await run(`Fhir.read(${JSON.stringify(path)});`);
          expect(failure, path).to.include({ ok: false, kind: 'runtime' });
        }
        await run("Fhir.read('//elsewhere.example/x');");
        expect(seen.filter(({ url }) => !url.startsWith('/fhir/'))).to.deep.equal([]);
        answer = (_request, response) => send(response, { resourceType: 'Patient', id: '1' });
        expect(await value(`return Fhir.read(${JSON.stringify(`${origin}/fhir/Patient/1`)}).id;`)).to.equal('1');
      });

      it('of another server takes no credential along, and only an allowed one is reached', async () => {
        answer = (_request, response) => send(response, { resourceType: 'Patient', id: '9' });
        expect(
          await value(
            `return FhirClientFactory.newClient(${JSON.stringify(`${origin}/foreign`)}).read('Patient/9').id;`,
          ),
        ).to.equal('9');
        expect(seen[0]?.headers.authorization).to.equal(undefined);
        expect(await run("FhirClientFactory.newClient('http://127.0.0.1:1').read('Patient/9');")).to.include({
          ok: false,
        });
        expect(await run("FhirClientFactory.newClient('unknown').read('Patient/9');")).to.include({ ok: false });
        expect(await run("Fhir.read('Patient/1');", { fhirServers: [] })).to.include({
          message: 'reading Patient/1 failed: the tenant has no FHIR server',
        });
      });

      it('proves the tenant by a fixed token, by Basic, or by a token of another authorization server, asked for once', async () => {
        const servers: readonly FhirServer[] = [
          { name: 'bearer', url: `${origin}/fhir`, access: { type: 'bearer', token: 'fixed' } },
          { name: 'basic', url: `${origin}/fhir`, access: { type: 'basic', username: 'u', password: 'p' } },
          { name: 'none', url: `${origin}/fhir`, access: { type: 'none' } },
          {
            name: 'oauth',
            url: `${origin}/fhir`,
            access: {
              type: 'client-credentials',
              tokenUrl: `${origin}/token`,
              clientId: 'me',
              clientSecret: 'hush',
              scope: 'system/*.rs',
            },
          },
        ];
        answer = ({ url }, response) =>
          url === '/token'
            ? send(response, { access_token: 'granted', expires_in: 300 })
            : send(response, { resourceType: 'Patient', id: '1' });
        await value(
          "for (const name of ['bearer', 'basic', 'none', 'oauth', 'oauth']) await server(name).read('Patient/1');",
          { fhirServers: servers },
          "import { server } from 'sallyport/fhir';",
        );
        const fhir = seen.filter(({ url }) => url !== '/token').map(({ headers }) => headers.authorization);
        expect(fhir).to.deep.equal([
          'Bearer fixed',
          `Basic ${Buffer.from('u:p').toString('base64')}`,
          undefined,
          'Bearer granted',
          'Bearer granted',
        ]);
        const asked = seen.filter(({ url }) => url === '/token');
        expect(asked).to.have.length(1);
        expect(asked[0]?.body).to.equal('grant_type=client_credentials&scope=system%2F*.rs');
      });

      it('is not written by a version on trial', async () => {
        answer = (_request, response) => send(response, { resourceType: 'Patient', id: '1' });
        const result = await run(
          "Fhir.create({ resourceType: 'Observation' }); Fhir.update({ resourceType: 'Patient', id: '1' }); Fhir.delete('Patient/1'); return Fhir.read('Patient/1').id;",
          { suppressWrites: true },
        );
        expect(result.ok, JSON.stringify(result)).to.equal(true);
        expect(seen.map(({ method }) => method)).to.deep.equal(['GET']);
        expect(result.calls.map(({ outcome }) => outcome)).to.deep.equal([
          'suppressed',
          'suppressed',
          'suppressed',
          '200',
        ]);
      });
    });

    describe('HTTP', () => {
      it('answers in the compatible and in both native styles', async () => {
        answer = ({ method, body, headers }, response) =>
          response
            .writeHead(201, { 'x-answer': 'yes' })
            .end(
              JSON.stringify({ method, body, type: headers['content-type'] ?? null, mine: headers['x-mine'] ?? null }),
            );
        const all = await value(
          `const a = Http.post('${origin}/a').addRequestHeader('X-Mine', '1').setContentJson({ n: 1 }).execute();
           const b = await post('${origin}/b', { json: { n: 2 }, headers: { 'X-Mine': '2' } });
           const c = await fetch('${origin}/c', { method: 'PUT', body: new URLSearchParams({ n: '3' }) });
           return [a.isSuccess(), a.getStatusCode(), a.parseResponseAsJson(), b.status, b.headers['x-answer'], b.json(), c.ok, c.headers.get('X-Answer'), await c.json()];`,
          {},
          "import { post } from 'sallyport/http';",
        );
        expect(all).to.deep.equal([
          true,
          201,
          { method: 'POST', body: '{"n":1}', type: 'application/json', mine: '1' },
          201,
          'yes',
          { method: 'POST', body: '{"n":2}', type: 'application/json', mine: '2' },
          true,
          'yes',
          { method: 'PUT', body: 'n=3', type: 'application/x-www-form-urlencoded;charset=UTF-8', mine: null },
        ]);
      });

      it('is tried again where that is safe, and only there', async () => {
        let failures = 2;
        answer = (_request, response) => (failures-- > 0 ? response.writeHead(503).end() : response.end('well'));
        expect(
          await value(
            `return (await get('${origin}/', { retries: 3 })).text;`,
            {},
            "import { get } from 'sallyport/http';",
          ),
        ).to.equal('well');
        expect(seen).to.have.length(3);
        seen = [];
        failures = 1;
        expect(
          await value(
            `return (await post('${origin}/', { retries: 3 })).status;`,
            {},
            "import { post } from 'sallyport/http';",
          ),
        ).to.equal(503);
        expect(seen).to.have.length(1);
      });

      it('leaves a host alone that does not answer, for this tenant only', async () => {
        answer = (_request, response) => void response.destroy();
        const tenantId = `broken-${database.name}`;
        for (let call = 0; call < 5; call += 1) await run(`await fetch('${origin}/');`, { tenantId });
        const before = seen.length;
        const started = Date.now();
        const refused = await run(`await fetch('${origin}/');`, { tenantId });
        expect(refused)
          .to.have.property('message')
          .that.matches(/tried again in \d+ s/);
        expect([seen.length, Date.now() - started < 1000]).to.deep.equal([before, true]);
        answer = (_request, response) => response.end('fine');
        expect(await value(`return (await fetch('${origin}/')).text();`, { tenantId: 'another' })).to.equal('fine');
      });

      it('keeps to the rules of the host: methods, path and sizes', async () => {
        const { host } = new URL(origin);
        const rules = [
          { host, methods: ['GET', 'POST'], path: '/context', maximumRequestBytes: 5, maximumResponseBytes: 10 },
        ];
        const outboundHttp = { allow: [host], allowPrivate: true, rules };
        const status = (call: string) =>
          value(`try { return (await ${call}).status; } catch (error) { return error.message; }`, { outboundHttp });
        expect(await status(`fetch('${origin}/context/1')`)).to.equal(200);
        expect(await status(`fetch('${origin}/contextual')`)).to.include('below /context');
        expect(await status(`fetch('${origin}/context/../admin')`)).to.include('below /context');
        expect(await status(`fetch('${origin}/context', { method: 'DELETE' })`)).to.include('DELETE is not allowed');
        expect(await status(`fetch('${origin}/context', { method: 'POST', body: '123456' })`)).to.include('5 bytes');
        answer = (_request, response) => response.end('x'.repeat(11));
        expect(await status(`fetch('${origin}/context')`)).to.include('10 bytes');
      });

      it('counts calls and refuses more than are allowed', async () => {
        const limits = { ...invocationOf('').limits, httpCalls: 2, hostCalls: 3 };
        const messages = (await value(
          `const said = []; for (let n = 0; n < 4; n += 1) { try { await fetch('${origin}/'); said.push('sent'); } catch (error) { said.push(error.message); } } return said;`,
          { limits },
        )) as string[];
        expect(messages).to.deep.equal([
          'sent',
          'sent',
          'fetch failed: more than 2 HTTP calls',
          'fetch failed: more than 3 calls to the engine',
        ]);
        expect(seen).to.have.length(2);
      });

      it('sends no header that frames a request or breaks out of its line, and nothing but text', async () => {
        for (const headers of [
          { Host: 'x' },
          { 'content-length': '1' },
          { a: 'b\r\nc: d' },
          { 'a b': 'c' },
          { 'transfer-encoding': 'chunked' },
        ])
          expect(
            await run(`await fetch('${origin}/', { headers: ${JSON.stringify(headers)} });`),
            JSON.stringify(headers),
          ).to.include({ ok: false });
        expect(seen).to.deep.equal([]);
      });
    });

    describe('the key-value store', () => {
      const imports = "import * as kv from 'sallyport/kv';";
      it('keeps values for a while, for the tenant alone', async () => {
        await value(
          "await kv.set('a', { n: [1, null, 'x'] }); await kv.set('b', 1, { ttlSeconds: 60 }); await kv.set('a', { n: 2 });",
          {},
          imports,
        );
        expect(
          await value("return [await kv.get('a'), await kv.get('b'), typeof (await kv.get('none'))];", {}, imports),
        ).to.deep.equal([{ n: 2 }, 1, 'undefined']);
        expect(await value("return typeof (await kv.get('a'));", { tenantId: 'other' }, imports)).to.equal('undefined');
        await value("await kv.remove('a');", {}, imports);
        expect(await value("return typeof (await kv.get('a'));", {}, imports)).to.equal('undefined');
        await value("await kv.set('soon', 1, { ttlSeconds: 1 });", {}, imports);
        await new Promise((resolve) => setTimeout(resolve, 1100));
        expect(await value("return typeof (await kv.get('soon'));", {}, imports)).to.equal('undefined');
      });

      it('counts without losing one, however many count at once', async () => {
        await Promise.all(
          Array.from({ length: 20 }, () => value("await kv.increment('n'); await kv.increment('n', 2);", {}, imports)),
        );
        expect(await value("return kv.increment('n', 0);", {}, imports)).to.equal(60);
        await value("await kv.set('text', 'x');", {}, imports);
        expect(
          await value("try { await kv.increment('text'); } catch (error) { return error.message; }", {}, imports),
        ).to.equal('the value is no number');
      });

      it('is bounded in keys, bytes, lengths and time', async () => {
        const tenantId = `bounded-${database.name}`;
        const limits = { ...invocationOf('').limits, kvKeys: 2, kvBytes: 20_000 };
        const attempt = (call: string) =>
          value(
            `try { await ${call}; return 'kept'; } catch (error) { return error.code; }`,
            { tenantId, limits },
            imports,
          );
        expect(await attempt("kv.set('a', 1)")).to.equal('kept');
        expect(await attempt("kv.set('b', 1)")).to.equal('kept');
        expect(await attempt("kv.set('c', 1)")).to.equal('full');
        expect(await attempt("kv.increment('c')")).to.equal('full');
        expect(await attempt("kv.set('a', 2)")).to.equal('kept');
        expect(await attempt("kv.set('a', 'x'.repeat(16000))")).to.equal('kept');
        expect(await attempt("kv.set('b', 'x'.repeat(16000))")).to.equal('full');
        expect(await attempt("kv.set('b', 'x'.repeat(17000))")).to.equal('value');
        expect(await attempt("kv.set('', 1)")).to.equal('key');
        expect(await attempt("kv.set('x'.repeat(201), 1)")).to.equal('key');
        expect(await attempt("kv.set('a', 1, { ttlSeconds: 0 })")).to.equal('ttl');
        expect(await attempt("kv.set('a', 1, { ttlSeconds: 1e9 })")).to.equal('ttl');
      });

      it('is not written by a version on trial', async () => {
        await value("await kv.set('trial', 1);", { suppressWrites: true }, imports);
        expect(await value("return typeof (await kv.get('trial'));", {}, imports)).to.equal('undefined');
      });
    });

    describe('tokens of others', () => {
      const imports = "import { decode, verify } from 'sallyport/jwt';";
      it('are verified by a JWKS that is fetched once, and refused for every reason there is', async () => {
        const { publicKey, privateKey } = await generateKeyPair('ES256');
        const other = await generateKeyPair('ES256');
        const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' };
        answer = (_request, response) =>
          response.writeHead(200, { 'cache-control': 'max-age=60' }).end(JSON.stringify({ keys: [jwk] }));
        const now = Math.floor(Date.now() / 1000);
        const make = (claims: object, key = privateKey, header: object = {}) =>
          new SignJWT({ iss: 'i', aud: 'a', sub: 's', exp: now + 60, iat: now, ...claims })
            .setProtectedHeader({ alg: 'ES256', kid: 'k1', ...header })
            .sign(key);
        const check = async (token: string, options: object = {}) =>
          value(
            `try { return (await verify(${JSON.stringify(token)}, { jwksUri: '${origin}/jwks', issuer: 'i', audience: 'a', ...${JSON.stringify(options)} })).claims.sub; } catch (error) { return error.code; }`,
            {},
            imports,
          );
        expect(await check(await make({}))).to.equal('s');
        expect(await check(await make({}))).to.equal('s');
        expect(seen).to.have.length(1);
        expect(await check(await make({ exp: now - 60 }))).to.equal('expired');
        expect(await check(await make({ exp: undefined }))).to.equal('claim');
        expect(await check(await make({ iss: 'x' }))).to.equal('issuer');
        expect(await check(await make({ aud: 'x' }))).to.equal('audience');
        expect(await check(await make({}, other.privateKey))).to.equal('signature');
        expect(await check(await make({}), { algorithms: ['RS256'] })).to.equal('algorithm');
        expect(await check(await make({}), { algorithms: ['none'] })).to.equal('malformed');
        expect(await check(await make({ iat: now - 600 }), { maximumAgeSeconds: 60 })).to.be.oneOf([
          'expired',
          'claim',
        ]);
        expect(await check(await make({}, privateKey, { kid: 'unknown' }))).to.equal('key');
        expect(await check('x.y')).to.equal('malformed');
        expect(await check(await make({}), { jwksUri: 'http://127.0.0.1:1/jwks' })).to.equal('blocked');
        expect(await check(await make({}), { jwks: { keys: [jwk] } })).to.equal('malformed');
        expect(await check(await make({}), { jwksUri: undefined, jwks: { keys: [{ ...jwk }] } })).to.be.oneOf([
          's',
          'malformed',
        ]);
      });

      it('are never verified by a symmetric key', async () => {
        const token = await new SignJWT({ iss: 'i', aud: 'a', exp: Math.floor(Date.now() / 1000) + 60 })
          .setProtectedHeader({ alg: 'HS256' })
          .sign(new TextEncoder().encode('x'.repeat(32)));
        const tried = `try { await verify(${JSON.stringify(token)}, { jwks: { keys: [{ kty: 'oct', k: btoa('x'.repeat(32)) }] }, issuer: 'i', audience: 'a', algorithms: ['HS256'] }); return 'verified'; } catch (error) { return error.code; }`;
        expect(await value(tried, {}, imports)).to.equal('malformed');
      });

      it('are read without being believed', async () => {
        const token = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"jä"}').toString('base64url')}.`;
        expect(await value(`return decode('${token}');`, {}, imports)).to.deep.equal({
          header: { alg: 'none' },
          claims: { sub: 'jä' },
        });
        for (const wrong of ['', 'a.b', 'a.b.c', '....'])
          expect(
            await value(`try { decode('${wrong}'); } catch (error) { return error.code; }`, {}, imports),
            wrong,
          ).to.equal('malformed');
      });
    });

    describe('secrets', () => {
      const secrets = {
        apiKey: { value: 'hush-hush-42', hooks: ['onTokenGenerating'] },
        later: { value: 'other-secret', hooks: ['onPostAuthorize'] },
      };
      it('are read in their hooks and go out with calls, but into no log, call record or error', async () => {
        const result = await run(
          `await fetch('${origin}/path/' + secret('apiKey'), { headers: { 'x-api-key': Secrets.get('apiKey') } });
           Log.info('key ' + secret('apiKey'), btoa(secret('apiKey')), { nested: secret('apiKey') });
           throw new Error('with ' + secret('apiKey'));`,
          { secrets },
          "import { secret } from 'sallyport/secrets';",
        );
        expect(seen[0]?.headers['x-api-key']).to.equal('hush-hush-42');
        expect(result.ok).to.equal(false);
        expect(JSON.stringify(result))
          .not.to.include('hush-hush-42')
          .and.not.to.include(Buffer.from('hush-hush-42').toString('base64'));
        expect(result).to.have.property('message', 'with ***');
        expect(result.logs.map(({ message }) => message)).to.deep.equal(['key *** *** {"nested":"***"}']);
      });

      it('are not there in other hooks, and the error says what to do', async () => {
        const said = await value(
          "return ['later', 'none'].map((name) => { try { return Secrets.get(name); } catch (error) { return error.message; } });",
          { secrets },
        );
        expect(said).to.deep.equal([
          'the secret later is not for this hook: name the hook in secrets.later.hooks',
          'there is no secret none',
        ]);
        expect(
          await value('return JSON.stringify(Object.keys(Secrets)) + String(Secrets.values);', { secrets }),
        ).not.to.include('hush');
      });
    });
  });
}
