/** Requests to the token endpoint, and whether what came of them still works. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importJWK, type JWK, SignJWT } from 'jose';
import { authorizationRequest, basic } from '../../support/oauth.ts';
import { createPerson } from '../../support/person.ts';
import type { TestServer } from '../../support/server.ts';
import { callback } from './authorize-support.ts';
import type { Stage } from './stage.ts';
import { type Answer, jsonOf, send } from './wire.ts';

export const path = '/demo/oauth/token';
export type Form = Readonly<Record<string, string>>;

export function tokensOf(stage: () => Stage) {
  const post = (form: string | Form, headers: Form = {}, at = path): Promise<Answer> =>
    send(stage().server, 'POST', at, { form, headers });
  const introspect = async (token: unknown, at = '/demo'): Promise<Record<string, unknown>> =>
    jsonOf(
      await post({ token: String(token) }, basic('resource-server', 'demo-secret'), `${at}/oauth/token/introspect`),
    );

  /** A code for an app, from a person who approves everything, with the form that redeems it. */
  async function codeFor(
    change: Readonly<Record<string, string | undefined>> = {},
    username = 'jane',
    password = 'demo-password',
  ): Promise<Form> {
    const { server } = stage();
    const { url, verifier } = authorizationRequest(server, change);
    const person = createPerson(server.url);
    const back = await person.walk(await person.open(url), { username, password });
    const code = back.searchParams.get('code');
    if (code === null) throw new Error(`no code: ${back.href}`);
    return {
      grant_type: 'authorization_code',
      code,
      redirect_uri: callback,
      ...('code_challenge' in change ? {} : { code_verifier: verifier }),
      client_id: change['client_id'] ?? 'sample-native',
    };
  }

  return {
    post,
    introspect,
    codeFor,
    active: async (token: unknown): Promise<boolean> => (await introspect(token))['active'] === true,
    /** Tokens of the native app. */
    tokens: async (
      change: Readonly<Record<string, string | undefined>> = {},
      username = 'jane',
    ): Promise<Record<string, unknown>> => jsonOf(await post(await codeFor(change, username))),
  };
}

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** A JWT signed by one of the demo's keys, with any claims and header. */
export async function signed(
  server: TestServer,
  keys: string,
  claims: Readonly<Record<string, unknown>>,
  header: { readonly alg: string } & Readonly<Record<string, unknown>>,
): Promise<string> {
  const text = await readFile(join(server.config, `demo/keys/${keys}.jwks.json`), 'utf8');
  const set = (JSON.parse(text) as { keys: (JWK & { kid: string })[] }).keys;
  const key = set.find(({ alg }) => alg === header.alg) ?? set.find(({ kty }) => kty === 'RSA');
  if (!key) throw new Error(`no key for ${header.alg}`);
  const { alg: _alg, ...material } = key;
  return new SignJWT(claims)
    .setProtectedHeader({ kid: key.kid, typ: 'JWT', ...header })
    .sign(await importJWK(material, header.alg));
}

/** The form without these parameters. */
export function without(form: Form, ...names: readonly string[]): Form {
  return Object.fromEntries(Object.entries(form).filter(([name]) => !names.includes(name)));
}
