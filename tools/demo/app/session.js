/* Shows what came with the log-in: the token response and the claims of both tokens, but never the tokens. */
import { make } from '/app/record.js';

const element = (id) => document.getElementById(id);
const SECRET = new Set(['access_token', 'refresh_token', 'id_token']);
const STANDARD = new Set([
  'iss',
  'sub',
  'aud',
  'exp',
  'iat',
  'nbf',
  'jti',
  'client_id',
  'scope',
  'auth_time',
  'acr',
  'amr',
  'sid',
  'azp',
  'cnf',
  'at_hash',
  'authorities',
  'fhirUser',
  'patient',
  'encounter',
]);
const TIMES = new Set(['exp', 'iat', 'nbf', 'auth_time']);

/** The claims of a JWT, unverified: only for showing. Undefined for an opaque token. */
function claimsOf(token) {
  try {
    const [, body] = token.split('.');
    const bytes = Uint8Array.from(atob(body.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function textOf(name, value) {
  if (TIMES.has(name) && typeof value === 'number') return new Date(value * 1000).toLocaleString();
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function fill(list, entries, none) {
  const rows = entries.flatMap(([name, value]) => {
    const term = make('dt');
    term.append(make('code', name));
    return [term, make('dd', textOf(name, value))];
  });
  list.replaceChildren(...(rows.length > 0 ? rows : [make('dt', none), make('dd', '')]));
}

export function showSession(client) {
  const response = client.state.tokenResponse ?? {};
  fill(
    element('launch-values'),
    Object.entries(response).filter(([name]) => !SECRET.has(name)),
    'Nothing',
  );
  fill(element('identity-values'), Object.entries(claimsOf(response.id_token ?? '') ?? {}), 'No ID token was issued.');
  const access = Object.entries(claimsOf(response.access_token ?? '') ?? {});
  const custom = access.filter(([name]) => !STANDARD.has(name));
  const standard = access.filter(([name]) => STANDARD.has(name));
  fill(element('access-values'), [...custom, ...standard], 'The access token is opaque.');
  const expires = client.state.expiresAt
    ? new Date(client.state.expiresAt * 1000).toLocaleTimeString()
    : 'an unknown time';
  const renewal = response.refresh_token
    ? 'The app may ask for a new one by itself.'
    : 'No refresh token was issued, so after that you log in again.';
  element('session-text').textContent = `The access token is good until ${expires}. ${renewal}`;
}
