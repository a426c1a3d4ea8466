/** `oidc-provider` with its in-memory adapter, set up to issue what Sallyport issues; the argument is JSON. */
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const { port, clientId, clientSecret } = JSON.parse(process.argv[2] ?? '{}') as {
  port: number;
  clientId: string;
  clientSecret: string;
};
const issuer = `http://localhost:${port}`;
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      scope: 'system/*.rs',
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid: 'bench' }] },
  scopes: ['system/*.rs'],
  ttl: { ClientCredentials: 300 },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => `${issuer}/fhir/r4`,
      getResourceServerInfo: () => ({
        scope: 'system/*.rs',
        audience: `${issuer}/fhir/r4`,
        accessTokenTTL: 300,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  // The counterpart of the claim that Sallyport's script adds.
  extraTokenClaims: () => ({ department: 'Cardiology' }),
});
const handle = provider.callback();
const server = createServer((request, response) => {
  if (request.url === '/health/ready') return void response.end('{}');
  handle(request, response);
});
server.listen(port, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
