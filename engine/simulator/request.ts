/** What the app sends: the authorization request and the requests to the token endpoint, as a plan wants them. */
import { createHash, randomUUID } from 'node:crypto';
import type { TokenRequest } from '../flow/facts.ts';
import type { Client, Tenant } from '../tenant/tenant.ts';
import type { MadeUpCredentials } from './credentials.ts';
import { type CompletePlan, hasPerson, type Parameters } from './plan.ts';

const verifier = 'the-verifier-of-the-simulator-is-the-same-each-time';
export const remoteAddress = '192.0.2.1';
/** Whose system asks in a simulated CODAP request. */
const practitioner = 'dr-jones';

function laidOver(under: Readonly<Record<string, string>>, over: Parameters = {}): Readonly<Record<string, string>> {
  const all: Readonly<Record<string, string | null>> = { ...under, ...over };
  return Object.fromEntries(Object.entries(all).filter((each): each is [string, string] => each[1] !== null));
}

/** RFC 6749 section 4.1.1 with PKCE, and `aud` and `launch` as SMART App Launch 2.2 has them. */
export function authorizationParameters(
  plan: CompletePlan,
  tenant: Tenant,
  client: Client | undefined,
  launch: string | undefined,
): Readonly<Record<string, string>> {
  const server = tenant.fhirServers[0];
  return laidOver(
    {
      response_type: 'code',
      client_id: plan.client,
      redirect_uri: client?.redirectUris[0] ?? 'https://app.example/callback',
      scope: plan.scopes.join(' '),
      state: 'a-state',
      nonce: 'a-nonce',
      ...(server ? { aud: server.url } : {}),
      ...(launch === undefined ? {} : { launch }),
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    },
    plan.request,
  );
}

interface World {
  readonly plan: CompletePlan;
  readonly tenant: Tenant;
  readonly client: Client | undefined;
  readonly credentials: MadeUpCredentials;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** How the app proves itself in this flow, of the ways that it is registered for. */
function methodOf({ plan, client }: World): string | undefined {
  const methods = client?.tokenEndpointAuthMethods ?? [];
  if (plan.flow === 'client-credentials') return methods.find((method) => method.startsWith('client_secret'));
  return hasPerson(plan.flow) ? methods[0] : methods.find((method) => method === 'private_key_jwt');
}

async function proven(
  world: World,
  own: Readonly<Record<string, string>>,
  over: Parameters | undefined,
): Promise<TokenRequest> {
  const { plan, tenant, client, credentials, now } = world;
  const { parameters, authorization } = client
    ? await credentials.proofOf(client, tenant, methodOf(world), plan.credentials === 'right', now)
    : { parameters: { client_id: plan.client } };
  return {
    parameters: laidOver({ ...own, ...parameters }, over),
    remoteAddress,
    ...(authorization === undefined ? {} : { authorization }),
  };
}

/** RFC 6749 section 4.1.3: the code for tokens. */
export function codeRequest(world: World, code: string, redirectUri: string): Promise<TokenRequest> {
  const own = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier };
  return proven(world, own, world.plan.tokenRequest);
}

/** The request of a flow without a person. */
export async function machineRequest(world: World): Promise<TokenRequest> {
  const { plan } = world;
  if (plan.flow !== 'codap') {
    const scope: Record<string, string> = plan.scopes.length === 0 ? {} : { scope: plan.scopes.join(' ') };
    return proven(world, { grant_type: 'client_credentials', ...scope }, plan.request);
  }
  const own = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: await authorizationToken(world) };
  return proven(world, own, plan.request);
}

/** The Argonaut cross-organizational draft's authorization token, signed for an issuer that the tenant trusts. */
async function authorizationToken({ plan, tenant, credentials, now }: World): Promise<string> {
  const { trust } = tenant.codap;
  const trusted = trust.find(({ clients }) => clients.includes(plan.client)) ?? trust[0];
  if (!trusted) return 'no.trusted.issuer';
  const issuedAt = Math.floor(now / 1000);
  const claims = {
    iss: trusted.issuer,
    sub: practitioner,
    aud: `${tenant.issuer}/oauth/token`,
    acr: trusted.requiredAcr[0] ?? 'urn:example:assurance:high',
    iat: issuedAt,
    exp: issuedAt + 240,
    jti: randomUUID(),
    requested_record: {
      resourceType: 'Patient',
      identifier: [{ system: 'urn:example:mrn', value: 'MRN-10000' }],
      name: [{ family: 'Doe', given: ['Jane'] }],
      birthDate: '1984-06-02',
    },
    requested_scopes: plan.scopes.join(' '),
    requesting_practitioner: { resourceType: 'Practitioner', id: practitioner },
    reason_for_request: 'treatment',
    ...plan.authorization,
  };
  return credentials.sign(trusted, Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null)));
}
