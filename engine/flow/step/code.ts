/** The authorization code: issued once, redeemed once by the client it was made for (RFC 6749 section 4.1, RFC 7636). */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Approved, CodeIssued, Grant } from '../facts.ts';
import type { Ports } from '../ports.ts';
import { move, reject, type StepResult } from '../table.ts';
import { acrOf } from './second-factor.ts';

export async function issueCode(
  facts: Approved,
  ports: Ports,
): Promise<StepResult<{ issued: Pick<CodeIssued, 'grantId'> }>> {
  // Before the app can know of the session, so that its end reaches every app that does.
  if (facts.approvedScopes.includes('openid'))
    await ports.store.sessions.addApp(ports.tenant.id, facts.sessionIdHash, {
      clientId: facts.clientId,
      subject: facts.session.username,
    });
  const code = ports.newHandle();
  return move(
    'issued',
    { grantId: ports.newHandle() },
    { reveal: { code }, handles: [{ kind: 'code', hash: ports.hash(code) }] },
  );
}

/** `input` holds the authenticated `clientId` and the parameters of the token request. */
export async function redeemCode(
  facts: CodeIssued,
  input: Readonly<Record<string, unknown>>,
  ports: Ports,
): Promise<StepResult<{ redeemed: { readonly grant: Grant } }>> {
  const refuse = (description: string, reason: string) => reject('invalid_grant', description, reason, { status: 400 });
  if (input['clientId'] !== facts.clientId)
    return refuse('The authorization code was issued to another client', 'code-other-client');
  if (input['redirectUri'] !== facts.replyTo.redirectUri)
    return refuse('redirect_uri differs from the authorization request', 'code-redirect-uri');
  const verifier = input['codeVerifier'];
  if (facts.codeChallenge === undefined) {
    // A verifier without a challenge is a downgrade somebody tries (RFC 9700 section 4.8.2).
    if (verifier !== undefined) return refuse('code_verifier was sent, but no challenge was', 'pkce-downgrade');
  } else if (
    typeof verifier !== 'string' ||
    !/^[A-Za-z0-9._~-]{43,128}$/.test(verifier) ||
    !matchesChallenge(verifier, facts.codeChallenge)
  ) {
    return refuse('code_verifier does not match', 'pkce-mismatch');
  }
  const user = await ports.user(facts.userId);
  if (!user?.enabled) return refuse('The user is not active', 'user-disabled');
  // Who logged out in between is not logged in anew by a code that was on its way.
  if (!(await ports.store.sessions.find(ports.tenant.id, facts.sessionIdHash, ports.now())))
    return refuse('The session has ended', 'session-ended');
  return move('redeemed', { grant: grantOf(facts, ports) });
}

function matchesChallenge(verifier: string, challenge: string): boolean {
  const computed = Buffer.from(createHash('sha256').update(verifier).digest('base64url'));
  const expected = Buffer.from(challenge);
  return computed.length === expected.length && timingSafeEqual(computed, expected);
}

function grantOf(facts: CodeIssued, ports: Ports): Grant {
  const { amr } = facts.proof;
  const acr = acrOf(facts, facts.proof, ports.tenant);
  const allowed = new Set(ports.tenant.requestParameterAllowList);
  const online = facts.approvedScopes.includes('online_access');
  const offline = facts.approvedScopes.includes('offline_access');
  return {
    id: facts.grantId,
    startedAt: ports.now(),
    clientId: facts.clientId,
    grantType: 'authorization_code',
    requestedScopes: facts.requestedScopes,
    approvedScopes: facts.approvedScopes,
    audience: facts.audience,
    session: facts.session,
    userId: facts.userId,
    sessionIdHash: facts.sessionIdHash,
    subject: facts.session.username,
    authenticatedAt: facts.authenticatedAt,
    ...(amr.length > 0 ? { amr } : {}),
    ...(acr === undefined ? {} : { acr }),
    ...(facts.nonce === undefined ? {} : { nonce: facts.nonce }),
    ...(facts.launch === undefined ? {} : { launch: facts.launch }),
    launchParameters: facts.launchParameters,
    requestParameters: Object.fromEntries(
      Object.entries(facts.request.parameters).filter(([name]) => allowed.has(name)),
    ),
    accessTokenClaims: {},
    idTokenClaims: {},
    refresh: offline ? 'offline' : online ? 'online' : 'none',
  };
}
