/** Decides what an access token's scopes let its bearer see (SMART App Launch 2.2, scopes for FHIR resources). */
import { parseScope } from '../../../engine/smart/scope.ts';
import type { ResourceScope } from '../../../engine/smart/scope.ts';
import type { AccessToken } from './token.ts';
import { insufficientScope } from './outcome.ts';
import type { FhirProblem } from './outcome.ts';
import { matchesToken, patientOf } from './resource.ts';
import type { Resource } from './resource.ts';

export type Permission = 'r' | 's';

/** One way in: everything of one patient, or of all, that also meets the constraints. */
interface Restriction {
  readonly patient?: string;
  readonly constraints: ResourceScope['query'];
}

export interface Access {
  /** The patients the token is confined to, or undefined when one scope is not confined. */
  readonly patients?: readonly string[];
  visible(resource: Resource): boolean;
}

/** Scope queries are kept as written; a value with a broken escape has no meaning. */
function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

/** Constraints this server does not know match nothing, so that an unknown one never widens access. */
function meets(resource: Resource, constraints: ResourceScope['query']): boolean {
  return constraints.every(([name, written]) => {
    const value = decoded(written);
    if (value === undefined) return false;
    if (name === 'category') return matchesToken(resource.category ?? [], value);
    if (name === 'code') return matchesToken(resource.code ? [resource.code] : [], value);
    return false;
  });
}

function restrictionOf(grant: ResourceScope, token: AccessToken): Restriction | undefined {
  if (grant.context === 'system') return { constraints: grant.query };
  // A patient who holds a user/ scope still sees nothing but the own record: a scope never exceeds the user's rights.
  const confinedTo = grant.context === 'patient' ? token.patient : token.userPatient;
  if (grant.context === 'patient' && confinedTo === undefined) return undefined;
  return { ...(confinedTo === undefined ? {} : { patient: confinedTo }), constraints: grant.query };
}

/**
 * What the token lets its bearer do with a type of resource.
 * @param permission `r` for reading one resource, `s` for searching
 * @returns a filter over resources, or the 403 to answer with
 */
export function accessTo(token: AccessToken, resourceType: string, permission: Permission): Access | FhirProblem {
  const grants = token.scopes
    .map(parseScope)
    .filter((scope) => scope.kind === 'resource')
    .filter((grant) => grant.resourceType === '*' || grant.resourceType === resourceType)
    .filter((grant) => grant.permissions.includes(permission));
  const verb = permission === 'r' ? 'reading' : 'searching';
  if (grants.length === 0) return insufficientScope(`No granted scope allows ${verb} ${resourceType}.`);
  const restrictions = grants
    .map((grant) => restrictionOf(grant, token))
    .filter((restriction) => restriction !== undefined);
  if (restrictions.length === 0) return insufficientScope('The token has patient scopes but names no patient.');
  const patients = restrictions.map((restriction) => restriction.patient).filter((patient) => patient !== undefined);
  return {
    ...(patients.length === restrictions.length ? { patients } : {}),
    visible(resource) {
      const owner = patientOf(resource);
      return restrictions.some(
        ({ patient, constraints }) =>
          (patient === undefined || owner === undefined || owner === patient) && meets(resource, constraints),
      );
    },
  };
}

export function isAccess(value: Access | FhirProblem): value is Access {
  return 'visible' in value;
}
