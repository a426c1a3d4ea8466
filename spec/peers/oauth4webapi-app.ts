/** An app made of oauth4webapi's functions, as its documentation puts them together. */
import { expect } from 'chai';
import * as oauth from 'oauth4webapi';
import { createPerson } from '../support/person.ts';
import type { TestServer } from '../support/server.ts';
import { callback } from './stage.ts';

export const scope = 'openid fhirUser profile launch/patient patient/*.rs offline_access';
/** The one leniency: plain http, for the server is on loopback. */
export const http = { [oauth.allowInsecureRequests]: true };

export async function discover(issuer: string): Promise<oauth.AuthorizationServer> {
  const url = new URL(issuer);
  const answer = await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...http });
  expect(answer.url).to.equal(`${url.origin}/.well-known/oauth-authorization-server${url.pathname}`);
  return oauth.processDiscoveryResponse(url, answer);
}

export interface App {
  readonly as: oauth.AuthorizationServer;
  readonly client: oauth.Client;
  readonly authentication: oauth.ClientAuth;
}

export interface Returned {
  readonly back: URL;
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
}

export async function authorize(server: TestServer, { as, client }: App, username = 'jane'): Promise<Returned> {
  const [verifier, state, nonce] = [
    oauth.generateRandomCodeVerifier(),
    oauth.generateRandomState(),
    oauth.generateRandomNonce(),
  ];
  const url = new URL(as.authorization_endpoint ?? '');
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: callback,
    scope,
    aud: `${server.issuer}/fhir/r4`,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }).toString();
  const person = createPerson(server.url);
  return { back: await person.walk(await person.open(url.href), { username }), verifier, state, nonce };
}

export async function redeem({ as, client, authentication }: App, returned: Returned, verifier = returned.verifier) {
  const parameters = oauth.validateAuthResponse(as, client, returned.back, returned.state);
  const answer = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    authentication,
    parameters,
    callback,
    verifier,
    http,
  );
  return oauth.processAuthorizationCodeResponse(as, client, answer, {
    expectedNonce: returned.nonce,
    requireIdToken: true,
  });
}

export async function refresh(
  { as, client, authentication }: App,
  token: string,
): Promise<oauth.TokenEndpointResponse> {
  const answer = await oauth.refreshTokenGrantRequest(as, client, authentication, token, http);
  return oauth.processRefreshTokenResponse(as, client, answer);
}

export async function clientCredentials(app: App, parameters: Record<string, string> = { scope: 'system/*.rs' }) {
  const { as, client, authentication } = app;
  const answer = await oauth.clientCredentialsGrantRequest(as, client, authentication, parameters, http);
  return oauth.processClientCredentialsResponse(as, client, answer);
}

export async function introspect(server: TestServer, token: string): Promise<oauth.IntrospectionResponse> {
  const as = await discover(server.issuer);
  const client = { client_id: 'resource-server' };
  const method = oauth.ClientSecretBasic('demo-secret');
  const answer = await oauth.introspectionRequest(as, client, method, token, http);
  return oauth.processIntrospectionResponse(as, client, answer);
}

/** The OAuth error code and status the server told the library. */
export async function refusal(
  promise: Promise<unknown>,
): Promise<{ readonly error: string; readonly status?: number }> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof oauth.ResponseBodyError) return { error: error.error, status: error.status };
  if (error instanceof oauth.AuthorizationResponseError) return { error: error.error };
  if (error instanceof oauth.WWWAuthenticateChallengeError) {
    const told = error.cause[0]?.parameters['error'];
    const body = (await error.response.clone().text()) || '{}';
    return { error: told ?? String((JSON.parse(body) as { error?: unknown }).error), status: error.status };
  }
  throw error ?? new Error('the server should have refused');
}
