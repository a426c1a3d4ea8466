/**
 * A small OpenID Provider that tells the truth unless it is told to lie. One server holds several issuers, one below each
 * path, so that what was discovered of one is not remembered for another.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';

export const clientId = 'sallyport';
export const clientSecret = 'lying-demo-secret';

/** What may be false, each with the truth as its default. */
export interface Lie {
  /** Changes the claims of the ID token. */
  readonly claims?: (claims: JWTPayload) => JWTPayload;
  /** Who signs the ID token. */
  readonly signature?:
    'another key' | 'another key of the same name' | 'the client secret' | 'nobody' | 'a changed text';
  /** Changes the token answer. */
  readonly answer?: (body: Record<string, unknown>) => Record<string, unknown>;
  /** Answers the token request in place of it. */
  readonly token?: (response: ServerResponse) => void;
  readonly userinfo?: Record<string, unknown>;
  /** Changes the parameters of the authorization response. */
  readonly response?: (parameters: URLSearchParams) => void;
}

export interface LyingProvider {
  readonly origin: string;
  lie: Lie;
  /** Changes of discovery documents, by the issuer's path. */
  readonly discovery: Record<string, (document: Record<string, unknown>) => Record<string, unknown>>;
  /** The token requests that arrived: the issuer's path and the form. */
  readonly redeemed: { readonly issuer: string; readonly form: URLSearchParams }[];
  /** What its authorization endpoint does: answers at once, for the person `sub`. */
  authorize(away: URL, sub?: string): URL;
  close(): Promise<void>;
}

export async function startLyingProvider(port: number): Promise<LyingProvider> {
  const origin = `http://localhost:${port}`;
  const [own, other] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
  const jwks = { keys: [{ ...(await exportJWK(own.publicKey)), kid: 'own', alg: 'RS256', use: 'sig' }] };
  const codes = new Map<string, { readonly nonce: string; readonly sub: string }>();

  async function idToken(issuer: string, code: string): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const truth = { iss: issuer, aud: clientId, ...codes.get(code), iat: now, exp: now + 300 };
    const { claims = (same: JWTPayload) => same, signature } = provider.lie;
    const jwt = new SignJWT(claims(truth));
    if (signature === 'nobody') return new UnsecuredJWT(claims(truth)).encode();
    if (signature === 'the client secret')
      return jwt.setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(clientSecret));
    if (signature === 'another key')
      return jwt.setProtectedHeader({ alg: 'RS256', kid: 'other' }).sign(other.privateKey);
    jwt.setProtectedHeader({ alg: 'RS256', kid: 'own' });
    if (signature === 'another key of the same name') return jwt.sign(other.privateKey);
    const token = await jwt.sign(own.privateKey);
    if (signature !== 'a changed text') return token;
    const [header, , end] = token.split('.');
    const changed = Buffer.from(JSON.stringify({ ...truth, email: 'jane@demo.example' })).toString('base64url');
    return [header, changed, end].join('.');
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, path = '', ...rest] = (request.url ?? '').split('/');
    const issuer = `${origin}/${path}`;
    const send = (body: unknown, status = 200) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    switch (rest.join('/')) {
      case '.well-known/openid-configuration': {
        const change = provider.discovery[path] ?? ((same) => same);
        return send(change(discoveryOf(issuer)));
      }
      case 'jwks':
        return send(jwks);
      case 'userinfo':
        return send(provider.lie.userinfo ?? { sub: codes.get(secretOf(request))?.sub, given_name: 'Ada' });
      case 'token': {
        const form = new URLSearchParams(await text(request));
        provider.redeemed.push({ issuer: path, form });
        if (provider.lie.token) return provider.lie.token(response);
        if (secretOf(request) !== clientSecret) return send({ error: 'invalid_client' }, 401);
        const code = form.get('code') ?? '';
        if (!codes.has(code)) return send({ error: 'invalid_grant' }, 400);
        const { answer = (same: Record<string, unknown>) => same } = provider.lie;
        return send(
          answer({
            access_token: code,
            token_type: 'Bearer',
            expires_in: 60,
            id_token: await idToken(issuer, code),
          }),
        );
      }
      default:
        return send({ error: 'not_found' }, 404);
    }
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  const provider: LyingProvider = {
    origin,
    lie: {},
    discovery: {},
    redeemed: [],
    authorize(away, sub = 'ada') {
      const code = randomBytes(16).toString('hex');
      codes.set(code, { nonce: away.searchParams.get('nonce') ?? '', sub });
      const back = new URL(away.searchParams.get('redirect_uri') ?? '');
      back.search = new URLSearchParams({ code, state: away.searchParams.get('state') ?? '' }).toString();
      provider.lie.response?.(back.searchParams);
      return back;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return provider;
}

/** The secret of a Basic header (form-encoded, RFC 6749 section 2.3.1), or the token of a Bearer one. */
function secretOf(request: IncomingMessage): string {
  const [scheme, value = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme === 'Bearer') return value;
  const [, secret = ''] = Buffer.from(value, 'base64').toString('utf8').split(':');
  return decodeURIComponent(secret.replaceAll('+', ' '));
}

function discoveryOf(issuer: string): Record<string, unknown> {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    userinfo_endpoint: `${issuer}/userinfo`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic'],
    code_challenge_methods_supported: ['S256'],
  };
}
