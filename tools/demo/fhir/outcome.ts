/** Errors of the FHIR server: values that say what went wrong, with the status and headers that go with them. */
import type { FastifyReply } from 'fastify';

export const FHIR_JSON = 'application/fhir+json; charset=utf-8';

export interface FhirProblem {
  readonly status: 400 | 401 | 403 | 404 | 405 | 500;
  /** A code of FHIR R4's issue-type value set. */
  readonly issue: string;
  readonly message: string;
  /** The challenge of RFC 6750, section 3; for 401 and 403. */
  readonly challenge?: string;
}

export function problem(status: FhirProblem['status'], issue: string, message: string): FhirProblem {
  return { status, issue, message };
}

/** The token is missing or not acceptable: 401. Without a token no error code is told (RFC 6750, section 3.1). */
export function unauthenticated(message: string, error?: 'invalid_token'): FhirProblem {
  const detail = error ? `, error="${error}", error_description="${message}"` : '';
  return { status: 401, issue: 'login', message, challenge: `Bearer realm="Sallyport demo FHIR server"${detail}` };
}

/** The token is good but does not allow this: 403 with `insufficient_scope` (RFC 6750, section 3.1). */
export function insufficientScope(message: string): FhirProblem {
  const challenge = `Bearer realm="Sallyport demo FHIR server", error="insufficient_scope", error_description="${message}"`;
  return { status: 403, issue: 'forbidden', message, challenge };
}

/** Sends a problem as an OperationOutcome. */
export function sendProblem(reply: FastifyReply, found: FhirProblem): FastifyReply {
  if (found.challenge) void reply.header('www-authenticate', found.challenge);
  return reply
    .code(found.status)
    .type(FHIR_JSON)
    .send({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: found.issue, diagnostics: found.message }],
    });
}
