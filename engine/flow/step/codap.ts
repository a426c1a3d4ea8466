/**
 * Cross-Organization Data Access: a trusted organisation's system asks on behalf of its own user. The wire is the
 * Argonaut cross-organizational draft: JWT bearer grant, `assertion` is the authorization token, `client_assertion` the
 * authentication token.
 */
import { decodeJwt } from 'jose';
import { intersectScopes } from '../../smart/scope.ts';
import type { Json } from '../../script/runner.ts';
import type { ClientAuthenticated, CodapAuthorized, CodapVerified, Grant } from '../facts.ts';
import type { Ports } from '../ports.ts';
import { move, reject, type StepResult } from '../table.ts';
import { readScopes } from './requested-scopes.ts';

const requiredClaims = [
  'iss',
  'sub',
  'aud',
  'acr',
  'exp',
  'iat',
  'jti',
  'requested_record',
  'requested_scopes',
  'requesting_practitioner',
  'reason_for_request',
];

/** Verifies the authorization token against the tenant's trust list. One answer for every way it can be wrong. */
export async function verifyAuthorization(
  facts: ClientAuthenticated,
  ports: Ports,
): Promise<StepResult<{ verified: Omit<CodapVerified, keyof ClientAuthenticated> }>> {
  const refuse = (reason: string) =>
    reject('invalid_grant', 'The authorization token is not valid', reason, { status: 400 });
  const { codap } = ports.tenant;
  const client = await ports.client(facts.clientId);
  if (!codap.enabled || !client)
    return reject('unauthorized_client', 'The client may not use this grant', 'codap-disabled', { status: 400 });
  const token = facts.tokenRequest.parameters['assertion'];
  if (!token) return reject('invalid_request', 'assertion is missing', 'assertion-missing', { status: 400 });
  let issuer: string | undefined;
  try {
    issuer = decodeJwt(token).iss;
  } catch {
    return refuse('authorization-malformed');
  }
  const trust = codap.trust.find((candidate) => candidate.issuer === issuer);
  if (!trust) return refuse('authorization-issuer');
  if (!trust.clients.includes(client.clientId)) {
    return reject('unauthorized_client', 'The client may not present tokens of this issuer', 'codap-client', {
      status: 400,
    });
  }
  const verified = await ports.clientAuthentication.verifyAssertion({
    tenant: ports.tenant,
    token,
    keys: { ...(trust.jwks ? { jwks: trust.jwks } : {}), ...(trust.jwksUri ? { jwksUri: trust.jwksUri } : {}) },
    issuer: trust.issuer,
    algorithms: trust.algorithms,
    replaySpace: `codap:${trust.issuer}`,
  });
  if (!verified.ok) return refuse(`authorization-${verified.reason}`);
  const claims = verified.claims as Readonly<Record<string, Json>>;
  if (requiredClaims.some((name) => claims[name] === undefined)) return refuse('authorization-claims');
  const practitioner = claims['requesting_practitioner'];
  const practitionerId =
    practitioner !== null && typeof practitioner === 'object' && 'id' in practitioner ? practitioner.id : undefined;
  if (typeof practitionerId !== 'string' || practitionerId !== claims['sub'])
    return refuse('authorization-practitioner');
  const { acr, requested_scopes: wanted, reason_for_request: reason, requested_record: record } = claims;
  if (typeof acr !== 'string' || typeof wanted !== 'string' || typeof reason !== 'string' || !isResource(record))
    return refuse('authorization-claims');
  if (trust.requiredAcr.length > 0 && !trust.requiredAcr.includes(acr)) return refuse('authorization-acr');
  const asked = readScopes(wanted, 400);
  if ('kind' in asked) return asked;
  const narrowed = readScopes(facts.tokenRequest.parameters['scope'], 400);
  if ('kind' in narrowed) return narrowed;
  const requestedScopes = narrowed.length > 0 ? intersectScopes(narrowed, asked) : asked;
  const grantableScopes = intersectScopes(intersectScopes(requestedScopes, [...client.scopes]), [...trust.scopes]);
  if (grantableScopes.length === 0)
    return reject('invalid_scope', 'None of the requested scopes is allowed', 'scope-none', { status: 400 });
  return move('verified', {
    issuer: trust.issuer,
    authorization: { header: verified.header as Readonly<Record<string, Json>>, claims },
    requestedScopes,
    grantableScopes,
  });
}

/** What the record is, and whether there is one, is for the script to say; that it is a resource at all is not. */
function isResource(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A short grant for the foreign user: no refresh token, no ID token. */
export function grantForeignUser(
  facts: CodapAuthorized,
  ports: Ports,
): StepResult<{ granted: { readonly grant: Grant } }> {
  const { claims } = facts.authorization;
  const patient = facts.session.launchResourceIds.some(({ resourceType }) => resourceType.toLowerCase() === 'patient');
  if (facts.grantableScopes.some((scope) => scope.startsWith('patient/')) && !patient) {
    // No match and an ambiguous match look alike to the asking organisation.
    return reject('invalid_grant', 'The authorization token is not valid', 'codap-record', { status: 400 });
  }
  return move('granted', {
    grant: {
      id: ports.newHandle(),
      clientId: facts.clientId,
      grantType: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      requestedScopes: facts.requestedScopes,
      approvedScopes: facts.grantableScopes,
      audience: ports.tenant.fhirServers[0]?.url ?? ports.tenant.issuer,
      session: facts.session,
      // The issuer is part of the subject, so that two organisations' users never meet.
      subject: `${facts.issuer}#${String(claims['sub'])}`,
      launchParameters: {},
      requestParameters: {},
      accessTokenClaims: {},
      idTokenClaims: {},
      requestingPractitioner: claims['requesting_practitioner'] ?? null,
      reasonForRequest: String(claims['reason_for_request']),
      refresh: 'none',
    },
  });
}
