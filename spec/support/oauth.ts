/** The app's side of the flows, as small as a test wants it. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importJWK, SignJWT } from 'jose';
import type { Person } from './person.ts';
import type { TestServer } from './server.ts';

export interface TokenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export function pkce() {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

export async function postForm(
  url: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<TokenAnswer> {
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form), headers });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    body: text ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

export function basic(id: string, secret: string): Record<string, string> {
  return {
    authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
  };
}

/** A JWT signed with one of the demo keys. */
export async function signWith(
  server: TestServer,
  keys: string,
  algorithm: string,
  claims: Record<string, unknown>,
): Promise<string> {
  const set = JSON.parse(await readFile(join(server.config, `demo/keys/${keys}.jwks.json`), 'utf8')) as {
    keys: { alg: string; kid: string }[];
  };
  const key = set.keys.find(({ alg }) => alg === algorithm);
  if (!key) throw new Error(`no ${algorithm} key for ${keys}`);
  return new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, kid: key.kid, typ: 'JWT' })
    .sign(await importJWK(key as never, algorithm));
}

export async function clientAssertion(
  server: TestServer,
  clientId: string,
  algorithm = 'ES384',
  more: Record<string, unknown> = {},
): Promise<Record<string, string>> {
  const now = Math.floor(Date.now() / 1000);
  const token = await signWith(server, clientId, algorithm, {
    iss: clientId,
    sub: clientId,
    aud: `${server.issuer}/oauth/token`,
    exp: now + 240,
    iat: now,
    jti: randomUUID(),
    ...more,
  });
  return { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: token };
}

export interface Authorization {
  readonly url: string;
  readonly verifier: string;
}

/** An authorization request of the native sample app, with anything changed. */
export function authorizationRequest(server: TestServer, more: Record<string, string | undefined> = {}): Authorization {
  const { verifier, challenge } = pkce();
  const parameters = {
    response_type: 'code',
    client_id: 'sample-native',
    redirect_uri: 'http://127.0.0.1:45678/callback',
    scope: 'openid fhirUser launch/patient patient/*.rs offline_access',
    state: 'state-1',
    aud: `${server.issuer}/fhir/r4`,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...more,
  };
  const kept = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { url: `${server.issuer}/oauth/authorize?${new URLSearchParams(kept)}`, verifier };
}

/** The whole interactive flow of the native sample app. */
export async function logIn(
  server: TestServer,
  person: Person,
  username: string,
  more: Record<string, string | undefined> = {},
): Promise<TokenAnswer & { readonly code: string; readonly verifier: string }> {
  const { url, verifier } = authorizationRequest(server, more);
  const back = await person.walk(await person.open(url), { username });
  const code = back.searchParams.get('code') ?? '';
  const answer = await redeem(server, code, verifier);
  return { ...answer, code, verifier };
}

export function redeem(
  server: TestServer,
  code: string,
  verifier: string,
  more: Record<string, string> = {},
): Promise<TokenAnswer> {
  return postForm(`${server.issuer}/oauth/token`, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: 'http://127.0.0.1:45678/callback',
    code_verifier: verifier,
    client_id: 'sample-native',
    ...more,
  });
}
