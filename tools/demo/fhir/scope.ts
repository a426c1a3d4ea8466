/** Decides what an access token's scopes let its bearer see (SMART App Launch 2.2, scopes for FHIR resources). */
import type { AccessToken } from './token.ts';
import { insufficientScope } from './outcome.ts';
import type { FhirProblem } from './outcome.ts';
import { matchesToken, patientOf } from './resource.ts';
import type { Resource } from './resource.ts';

export type Permission = 'r' | 's';

interface Grant {
  readonly context: 'patient' | 'user' | 'system';
  readonly resourceType: string;
  readonly permissions: string;
  readonly constraints: readonly (readonly [string, string])[];
}

/** One way in: everything of one patient, or of all, that also meets the constraints. */
interface Restriction {
  readonly patient?: string;
  readonly constraints: Grant['constraints'];
}

export interface Access {
  /** The patients the token is confined to, or undefined when one scope is not confined. */
  readonly patients?: readonly string[];
  visible(resource: Resource): boolean;
}

const SCOPE = /^(patient|user|system)\/([A-Z][A-Za-z]*|\*)\.([a-z]+|\*)(?:\?(.+))?$/;
/** v2 letters must come in this order; anything else is not a scope, and never guessed at. */
const LETTERS = /^(?=.)c?r?u?d?s?$/;
const VERSION_1: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' };

/** Parses one scope; undefined for what is not a scope on FHIR resources. */
export function parseGrant(scope: string): Grant | undefined {
  const [, context, resourceType, verbs, query] = SCOPE.exec(scope) ?? [];
  if (!context || !resourceType || !verbs) return undefined;
  const version1 = Object.hasOwn(VERSION_1, verbs) ? VERSION_1[verbs] : undefined;
  const permissions = version1 ?? (LETTERS.test(verbs) ? verbs : undefined);
  if (!permissions || (version1 && query)) return undefined;
  const constraints = query ? [...new URLSearchParams(query.replaceAll('+', '%2B'))] : [];
  if (query && constraints.length === 0) return undefined;
  return { context: context as Grant['context'], resourceType, permissions, constraints };
}

/** Constraints this server does not know match nothing, so that an unknown one never widens access. */
function meets(resource: Resource, constraints: Grant['constraints']): boolean {
  return constraints.every(([name, value]) => {
    if (name === 'category') return matchesToken(resource.category ?? [], value);
    if (name === 'code') return matchesToken(resource.code ? [resource.code] : [], value);
    return false;
  });
}

function restrictionOf(grant: Grant, token: AccessToken): Restriction | undefined {
  if (grant.context === 'system') return { constraints: grant.constraints };
  // A patient who holds a user/ scope still sees nothing but the own record: a scope never exceeds the user's rights.
  const confinedTo = grant.context === 'patient' ? token.patient : token.userPatient;
  if (grant.context === 'patient' && confinedTo === undefined) return undefined;
  return { ...(confinedTo === undefined ? {} : { patient: confinedTo }), constraints: grant.constraints };
}

/**
 * What the token lets its bearer do with a type of resource.
 * @param permission `r` for reading one resource, `s` for searching
 * @returns a filter over resources, or the 403 to answer with
 */
export function accessTo(token: AccessToken, resourceType: string, permission: Permission): Access | FhirProblem {
  const grants = token.scopes
    .map(parseGrant)
    .filter((grant) => grant !== undefined)
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
