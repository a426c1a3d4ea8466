/** What the token endpoint does with a request (RFC 6749 section 3.2): one grant type, one flow. Knows no HTTP. */
import { backendServices } from '../flow/backend-services.ts';
import { clientCredentials } from '../flow/client-credentials.ts';
import { codap } from '../flow/codap.ts';
import type { TokenRequest } from '../flow/facts.ts';
import { interactive } from '../flow/interactive.ts';
import { type FlowResult, resumeFlow, startFlow } from '../flow/machine.ts';
import type { Ports } from '../flow/ports.ts';
import { refresh } from '../flow/refresh.ts';
import type { Flow } from '../flow/table.ts';

export type TokenGrant =
  | { readonly kind: 'result'; readonly result: FlowResult }
  | {
      readonly kind: 'error';
      readonly error: {
        readonly error: string;
        readonly description: string;
        readonly status?: number;
        readonly headers?: Readonly<Record<string, string>>;
      };
      /** Whether the audit trail knows of it already. */
      readonly inTrail: boolean;
    };

/** The flows behind the grant types. The simulator takes the same ones and watches them. */
export const grantFlows = { interactive, clientCredentials, backendServices, codap, refresh } as const;

function refusal(error: string, description: string, inTrail = false): TokenGrant {
  return { kind: 'error', error: { error, description }, inTrail };
}

export async function grantTokens(
  tokenRequest: TokenRequest,
  ports: Ports,
  flows: Readonly<Record<keyof typeof grantFlows, Flow>> = grantFlows,
): Promise<TokenGrant> {
  const begin = async (flow: Flow, request: TokenRequest): Promise<TokenGrant> => ({
    kind: 'result',
    result: await startFlow(flow, { tokenRequest: request }, ports),
  });
  const { parameters } = tokenRequest;
  switch (parameters['grant_type']) {
    case 'authorization_code':
      return redeem(tokenRequest, ports, flows.interactive);
    case 'refresh_token':
      return begin(flows.refresh, await withPublicClient(tokenRequest, ports));
    case 'client_credentials':
      return begin(
        parameters['client_assertion'] === undefined ? flows.clientCredentials : flows.backendServices,
        tokenRequest,
      );
    case 'urn:ietf:params:oauth:grant-type:jwt-bearer':
      return begin(flows.codap, tokenRequest);
    case undefined:
      return refusal('invalid_request', 'grant_type is missing');
    case 'password':
      return refusal('unsupported_grant_type', 'The password grant is not offered; use authorization_code with PKCE');
    default:
      return refusal('unsupported_grant_type', 'This grant type is not offered');
  }
}

/** The interactive flow waits for its code; the client is authenticated before the code is looked at. */
async function redeem(tokenRequest: TokenRequest, ports: Ports, flow: Flow): Promise<TokenGrant> {
  const { tenant } = ports;
  const { parameters } = tokenRequest;
  const client = await ports.clientAuthentication.authenticate(tenant, tokenRequest, true);
  const note = (reason: string, clientId?: string) =>
    ports.audit({
      tenantId: tenant.id,
      at: ports.now(),
      type: 'flow.interactive',
      outcome: 'failure',
      ...(clientId === undefined ? {} : { clientId }),
      reason,
    });
  if (!client.ok) {
    note('client-authentication');
    return { kind: 'error', error: client.error, inTrail: true };
  }
  const { clientId } = client.client;
  const refuse = (reason: string) => {
    note(reason, clientId);
    return refusal('invalid_grant', 'The authorization code is not valid', true);
  };
  if (!client.client.grantTypes.includes('authorization_code'))
    return refusal('unauthorized_client', 'The client may not use this grant');
  const code = parameters['code'];
  if (code === undefined) return refusal('invalid_request', 'code is missing');
  const stored = await ports.store.flows.findByHandle(tenant.id, 'code', ports.hash(code));
  if (!stored) return refuse('code-unknown');
  const result = await resumeFlow(
    flow,
    stored,
    'code',
    {
      clientId,
      redirectUri: parameters['redirect_uri'],
      ...(parameters['code_verifier'] === undefined ? {} : { codeVerifier: parameters['code_verifier'] }),
    },
    ports,
  );
  if (result.kind === 'expired') return refuse('code-expired');
  if (result.kind === 'stale' || result.kind === 'again') {
    // A second use ends what the first one got (RFC 6749 section 4.1.2).
    const { grantId } = stored.facts as { grantId?: string };
    if (grantId) await ports.store.tokens.revokeGrant(tenant.id, grantId, ports.now());
    return refuse('code-replayed');
  }
  return { kind: 'result', result };
}

/** SMART's refresh request has no `client_id`; a public client is then known by its token. */
async function withPublicClient(tokenRequest: TokenRequest, ports: Ports): Promise<TokenRequest> {
  const { parameters, authorization } = tokenRequest;
  const token = parameters['refresh_token'];
  if (
    parameters['client_id'] !== undefined ||
    authorization !== undefined ||
    parameters['client_assertion'] !== undefined ||
    token === undefined
  )
    return tokenRequest;
  const stored = await ports.store.tokens.find(ports.tenant.id, ports.hash(token));
  const client = stored && (await ports.client(stored.clientId));
  return client?.tokenEndpointAuthMethods.includes('none')
    ? { ...tokenRequest, parameters: { ...parameters, client_id: client.clientId } }
    : tokenRequest;
}
