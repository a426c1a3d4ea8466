/** What every peer's spec needs: a real server on each database, and the demo clients' keys in the peers' own form. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importJWK, type JWK } from 'jose';
import { sharedPostgres } from '../support/databases.ts';
import { startTestServer, type TestServer, type TestServerOptions } from '../support/server.ts';
import { someDatabase } from '../support/thorough.ts';

/** Where the demo's native, web and asymmetric clients are answered; nobody listens there, for the person stops before. */
export const callback = 'http://127.0.0.1:45678/callback';

/**
 * Defines a suite that asks about what is said between servers: on PostgreSQL alone, unless
 * SALLYPORT_SPEC_THOROUGH is set. `server()` answers the running server within tests.
 */
export function onPostgres(
  title: string,
  suite: (server: () => TestServer) => void,
  options: Pick<TestServerOptions, 'prepare'> = {},
): void {
  for (const database of someDatabase) {
    describe(`${title} on ${database}`, () => {
      let server: TestServer | undefined;
      before(async () => {
        const databaseUrl =
          database === 'PostgreSQL'
            ? await (await sharedPostgres()).url(`peers_${randomUUID().replaceAll('-', '')}`)
            : undefined;
        server = await startTestServer({ ...options, ...(databaseUrl ? { databaseUrl } : {}) });
      });
      after(() => server?.close());
      suite(() => {
        if (!server) throw new Error('the server did not start');
        return server;
      });
    });
  }
}

/** A demo client's private key of one algorithm, as the peers take it for `private_key_jwt`. */
export async function demoKey(server: TestServer, clientId: string, algorithm: string) {
  const text = await readFile(join(server.config, `demo/keys/${clientId}.jwks.json`), 'utf8');
  const jwk = (JSON.parse(text) as { keys: (JWK & { kid: string })[] }).keys.find(({ alg }) => alg === algorithm);
  if (!jwk) throw new Error(`no ${algorithm} key for ${clientId}`);
  const key = await importJWK(jwk, algorithm);
  if (!(key instanceof CryptoKey)) throw new Error(`the ${algorithm} key of ${clientId} is not a private key`);
  return { key, kid: jwk.kid };
}
