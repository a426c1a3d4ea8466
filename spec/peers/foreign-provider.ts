/** `oidc-provider` in this process, on a loopback port: the foreign organization whose people log in here. */
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { Provider, type RequestContext } from 'oidc-provider';

export const clientId = 'sallyport';
export const clientSecret = 'foreign-demo-secret';

export interface ForeignPerson {
  readonly given_name: string;
  readonly family_name: string;
  readonly email: string;
}

export interface ForeignProvider {
  readonly issuer: string;
  /** The authorization requests that led to its log-in page, oldest first. */
  readonly asked: Readonly<Record<string, string | undefined>>[];
  /** What became of its refresh tokens: `saved`, `consumed`, `destroyed`, oldest first. */
  readonly refreshTokens: string[];
  /** Everybody it knows, by subject; a test may add to it. */
  readonly people: Record<string, ForeignPerson>;
  close(): Promise<void>;
}

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

export function newSigningKey(kid: string): SigningKey {
  return { kid, privateKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey };
}

/** The same after a restart, as it would be anywhere. */
const firstKey = newSigningKey('foreign');

/** @param redirectUris Where it may send people back to. */
export async function startForeignProvider(
  port: number,
  redirectUris: readonly string[],
  signing: SigningKey = firstKey,
): Promise<ForeignProvider> {
  const issuer = `http://localhost:${port}`;
  const people: Record<string, ForeignPerson> = {
    ada: { given_name: 'Ada', family_name: 'Byron', email: 'ada@foreign.example' },
    grace: { given_name: 'Grace', family_name: 'Murray', email: 'grace@foreign.example' },
  };
  const asked: Readonly<Record<string, string | undefined>>[] = [];
  const provider = new Provider(issuer, configuration(redirectUris, people, signing));
  const refreshTokens: string[] = [];
  for (const event of ['saved', 'consumed', 'destroyed'])
    provider.on(`refresh_token.${event}`, () => void refreshTokens.push(event));
  const handle = provider.callback();
  const server = createServer((request, response) => {
    if (!request.url?.startsWith('/log-in/')) return handle(request, response);
    logIn(provider, asked, request, response).catch((error: unknown) => {
      response.statusCode = 500;
      response.end(String(error));
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    issuer,
    asked,
    refreshTokens,
    people,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function configuration(
  redirectUris: readonly string[],
  people: Readonly<Record<string, ForeignPerson>>,
  { kid, privateKey }: SigningKey,
): object {
  return {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['authorization_code', 'refresh_token'],
        post_logout_redirect_uris: redirectUris.map((uri) =>
          uri.replace('/federation/callback/foreign', '/session/ended'),
        ),
        response_types: ['code'],
        redirect_uris: redirectUris,
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid }] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    claims: { openid: ['sub'], profile: ['given_name', 'family_name'], email: ['email'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
    issueRefreshToken: () => true,
    interactions: { url: (_context: RequestContext, { uid }: { readonly uid: string }) => `/log-in/${uid}` },
    findAccount: (_context: RequestContext, sub: string) =>
      people[sub] && { accountId: sub, claims: () => ({ sub, ...people[sub] }) },
    // Its people need not agree to the use of their own account.
    async loadExistingGrant({ oidc }: RequestContext) {
      const grant = new oidc.provider.Grant({
        accountId: oidc.session.accountId ?? '',
        clientId: oidc.client.clientId,
      });
      grant.addOIDCScope(oidc.params['scope'] ?? '');
      await grant.save();
      return grant;
    },
    ttl: {
      RefreshToken: 600,
      AccessToken: 300,
      AuthorizationCode: 60,
      Grant: 600,
      IdToken: 300,
      Interaction: 600,
      Session: 600,
    },
  };
}

/** Its log-in page: a name is enough, and people may say no. */
async function logIn(
  provider: Provider,
  asked: Readonly<Record<string, string | undefined>>[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'POST') {
    const form = new URLSearchParams(await text(request));
    const result =
      form.get('do') === 'deny' ? { error: 'access_denied' } : { login: { accountId: form.get('login') ?? '' } };
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }
  const { params } = await provider.interactionDetails(request, response);
  asked.push(params);
  const hint = (params['login_hint'] ?? '').replace(/[^\w@.]/g, '');
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(`<!doctype html><title>Foreign organization</title><link rel="icon" href="data:,"><h1>Foreign organization</h1>
<form method="post" action="${request.url ?? ''}"><label>Name <input name="login" value="${hint}"></label>
<button name="do" value="log-in">Go on</button><button name="do" value="deny">No</button></form>`);
  return undefined;
}
