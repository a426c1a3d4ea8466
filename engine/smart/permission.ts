/**
 * Where SMART scopes (rights of an app) meet permissions (rights of a user, or of a client acting for itself). Either only
 * narrows the other; what holds is the intersection.
 *
 * | permission                                   | letters | on                                                      |
 * |----------------------------------------------|---------|---------------------------------------------------------|
 * | ROLE_FHIR_CLIENT_SUPERUSER                   | c r u d s | everything                                            |
 * | ROLE_FHIR_CLIENT_SUPERUSER_RO                | r s     | everything                                              |
 * | FHIR_ALL_READ, _WRITE, _DELETE               | r s, c u, d | everything                                          |
 * | FHIR_READ_, _WRITE_, _DELETE_ALL_OF_TYPE     | r s, c u, d | a type: `Observation`                               |
 * | FHIR_READ_, _WRITE_, _DELETE_INSTANCE        | r s, u, d | one resource: `Patient/123`                           |
 * | FHIR_READ_, …_ALL_IN_COMPARTMENT             | r s, c u, d | a compartment: `Patient/123`                        |
 * | FHIR_READ_, …_TYPE_IN_COMPARTMENT            | r s, c u, d | a type in a compartment: `Observation:Patient/123`  |
 *
 * Arguments may list several, separated by commas. Delete is never part of write. Permissions are coarser than scopes:
 * they tell neither `r` from `s` nor `c` from `u` and know no search constraints. A permission that a scope supports in
 * part therefore stays, and the resource server enforces the letters and constraints of the `scope` claim beside it.
 */
import type { Authority } from '../tenant/tenant.ts';
import { formatScope, intersectScopes, parseScope, type PermissionLetter, type ResourceScope } from './scope.ts';

type Verb = 'READ' | 'WRITE' | 'DELETE';
type Extent = 'all' | 'type' | 'instance' | 'compartment' | 'type-in-compartment';

interface DataPermission {
  readonly verb: Verb;
  readonly extent: Extent;
  readonly targets: readonly string[];
}

const LETTERS: Readonly<Record<Verb, readonly PermissionLetter[]>> = {
  READ: ['r', 's'],
  WRITE: ['c', 'u'],
  DELETE: ['d'],
};
const VERBS: readonly Verb[] = ['READ', 'WRITE', 'DELETE'];

const EXTENTS: Readonly<Record<string, Extent>> = {
  ALL_OF_TYPE: 'type',
  INSTANCE: 'instance',
  ALL_IN_COMPARTMENT: 'compartment',
  TYPE_IN_COMPARTMENT: 'type-in-compartment',
};

const TARGETS: Readonly<Record<Exclude<Extent, 'all'>, RegExp>> = {
  type: /^[A-Z][A-Za-z]*$/,
  instance: /^[A-Z][A-Za-z]*\/[A-Za-z0-9.-]{1,64}$/,
  compartment: /^[A-Z][A-Za-z]*\/[A-Za-z0-9.-]{1,64}$/,
  'type-in-compartment': /^[A-Z][A-Za-z]*:[A-Z][A-Za-z]*\/[A-Za-z0-9.-]{1,64}$/,
};

/** Permissions that open or close the endpoint without granting data; a token keeps them whatever its scopes are. */
const NEUTRAL =
  /^(ROLE_FHIR_CLIENT|ROLE_ANONYMOUS|ACCESS_FHIR_ENDPOINT|FHIR_CAPABILITIES|FHIR_TRANSACTION|FHIR_BATCH|FHIR_ACCESS_PARTITION_(NAME|ALL)|BLOCK_.+)$/;

/** Operations that read across types: they need read and search on all types. */
const READ_OPERATION =
  /^FHIR_(GRAPHQL|GET_RESOURCE_COUNTS|READ_SEARCH_PARAMETERS|OP_(ENCOUNTER_EVERYTHING|PATIENT_EVERYTHING|PATIENT_SUMMARY|PATIENT_MATCH|MEMBER_MATCH|BINARY_ACCESS_READ|INITIATE_BULK_DATA_EXPORT(_GROUP|_PATIENT|_SYSTEM)?))$/;

/** Permissions that only add to another one, and the letter that other one needs. */
const MODIFIERS: Readonly<Record<string, PermissionLetter>> = { FHIR_PATCH: 'u', FHIR_DELETE_CASCADE_ALLOWED: 'd' };

/** The scope by which a first-party app asks for all of the user's permissions. */
const ALL_AUTHORITIES_SCOPE = 'cdr_all_user_authorities';

function dataPermission(authority: Authority): DataPermission | undefined {
  const all = /^FHIR_ALL_(READ|WRITE|DELETE)$/.exec(authority.permission);
  if (all) return { verb: all[1] as Verb, extent: 'all', targets: [] };
  const match = /^FHIR_(READ|WRITE|DELETE)_([A-Z_]+)$/.exec(authority.permission);
  const extent = match && Object.hasOwn(EXTENTS, match[2] ?? '') ? EXTENTS[match[2] ?? ''] : undefined;
  if (!match || extent === undefined || extent === 'all') return undefined;
  const targets = (authority.argument ?? '').split(',').map((target) => target.trim());
  // A target that cannot be read grants nothing.
  return { verb: match[1] as Verb, extent, targets: targets.filter((target) => TARGETS[extent].test(target)) };
}

function typeOf(target: string): string {
  return target.split(/[:/]/)[0] ?? '';
}

function resourceScopes(scopes: readonly string[]): ResourceScope[] {
  return scopes.map(parseScope).filter((scope): scope is ResourceScope => scope.kind === 'resource');
}

/** The widest resource scopes that one permission could stand behind. */
function scopesBehind(authority: Authority): string[] {
  const each = (type: string, letters: readonly PermissionLetter[]) =>
    (['patient', 'user', 'system'] as const).map((context) =>
      formatScope({ kind: 'resource', context, resourceType: type, permissions: letters, query: [], notation: 'v2' }),
    );
  if (authority.permission === 'ROLE_FHIR_CLIENT_SUPERUSER') return each('*', ['c', 'r', 'u', 'd', 's']);
  if (authority.permission === 'ROLE_FHIR_CLIENT_SUPERUSER_RO') return each('*', ['r', 's']);
  const permission = dataPermission(authority);
  if (!permission) return [];
  const letters = LETTERS[permission.verb];
  if (permission.extent === 'all') return each('*', letters);
  if (permission.extent === 'type') return permission.targets.flatMap((target) => each(target, letters));
  if (permission.extent === 'instance') {
    // Writing one resource that exists is an update; it cannot be created.
    return permission.targets.flatMap((target) => each(typeOf(target), permission.verb === 'WRITE' ? ['u'] : letters));
  }
  // A compartment is less than what user/ and system/ scopes promise; only patient/ scopes are about compartments.
  const types = permission.targets.map((target) => (permission.extent === 'compartment' ? '*' : typeOf(target)));
  return types.flatMap((type) => each(type, letters)).filter((scope) => scope.startsWith('patient/'));
}

/**
 * The scopes that the permissions could stand behind, for showing what a client can really do (console, simulator,
 * warnings). It does not change a token: there, the scopes stay as the client's definition grants them, a token without
 * permissions is issued all the same and its holder is refused at the FHIR server. See `effectivePermissions`.
 * @param scopes Scopes of any kind; only resource scopes are narrowed, in their own notation. Malformed ones go.
 */
export function restrictScopesByAuthorities(scopes: readonly string[], authorities: readonly Authority[]): string[] {
  const allowed = authorities.flatMap(scopesBehind);
  return scopes.flatMap((scope) => {
    const { kind } = parseScope(scope);
    if (kind === 'malformed') return [];
    return kind === 'resource' ? intersectScopes([scope], allowed) : [scope];
  });
}

function supports(scopes: readonly ResourceScope[], letters: readonly PermissionLetter[], type: string): boolean {
  return scopes.some(
    (scope) =>
      (scope.resourceType === '*' || scope.resourceType === type) &&
      scope.permissions.some((letter) => letters.includes(letter)),
  );
}

function narrow(authority: Authority, scopes: readonly ResourceScope[]): Authority[] {
  const permission = dataPermission(authority);
  if (!permission) return [];
  const { verb, extent, targets } = permission;
  const letters = LETTERS[verb];
  const listed = [...new Set(scopes.map((scope) => scope.resourceType))].filter((type) =>
    supports(scopes, letters, type),
  );
  if (extent === 'all') {
    if (listed.includes('*')) return [authority];
    return listed.map((type) => ({ permission: `FHIR_${verb}_ALL_OF_TYPE`, argument: type }));
  }
  if (extent === 'compartment') {
    if (listed.includes('*')) return targets.length > 0 ? [authority] : [];
    return targets.flatMap((target) =>
      listed.map((type) => ({ permission: `FHIR_${verb}_TYPE_IN_COMPARTMENT`, argument: `${type}:${target}` })),
    );
  }
  const kept = targets.filter((target) => supports(scopes, letters, typeOf(target)));
  return kept.length === 0 ? [] : [{ permission: authority.permission, argument: kept.join(',') }];
}

/** A superuser stays one only by a wildcard for a user or a system; else the role is taken apart and narrowed. */
function narrowSuperuser(authority: Authority, verbs: readonly Verb[], scopes: readonly ResourceScope[]): Authority[] {
  const whole = verbs
    .flatMap((verb) => LETTERS[verb])
    .every((letter) =>
      scopes.some(
        (scope) =>
          scope.context !== 'patient' &&
          scope.resourceType === '*' &&
          scope.query.length === 0 &&
          scope.permissions.includes(letter),
      ),
    );
  if (whole) return [authority];
  const parts = verbs.flatMap((verb) => narrow({ permission: `FHIR_ALL_${verb}` }, scopes));
  return parts.length === 0 ? [] : [{ permission: 'ROLE_FHIR_CLIENT' }, ...parts];
}

function narrowAny(authority: Authority, scopes: readonly ResourceScope[]): Authority[] {
  const { permission } = authority;
  if (NEUTRAL.test(permission)) return [authority];
  if (permission === 'ROLE_FHIR_CLIENT_SUPERUSER') return narrowSuperuser(authority, VERBS, scopes);
  if (permission === 'ROLE_FHIR_CLIENT_SUPERUSER_RO') return narrowSuperuser(authority, ['READ'], scopes);
  if (READ_OPERATION.test(permission)) {
    return supports(scopes, ['r'], '*') && supports(scopes, ['s'], '*') ? [authority] : [];
  }
  const letter = Object.hasOwn(MODIFIERS, permission) ? MODIFIERS[permission] : undefined;
  if (letter !== undefined) return scopes.some((scope) => scope.permissions.includes(letter)) ? [authority] : [];
  return narrow(authority, scopes);
}

/**
 * The permissions a token carries: those of the user (or, without one, of the client) that an approved scope supports, as
 * Smile CDR's `enforce_approved_scopes_to_restrict_permissions` does. A superuser with `patient/*.read` keeps
 * `FHIR_ALL_READ`; with `user/Observation.read`, `FHIR_READ_ALL_OF_TYPE` of `Observation`. Permissions that no scope speaks
 * of (administration, unknown ones) are dropped unless `cdr_all_user_authorities` was approved, which keeps everything.
 */
export function effectivePermissions(scopes: readonly string[], authorities: readonly Authority[]): Authority[] {
  if (scopes.includes(ALL_AUTHORITIES_SCOPE)) return [...authorities];
  const approved = resourceScopes(scopes);
  const narrowed = authorities.flatMap((authority) => narrowAny(authority, approved));
  return [
    ...new Map(
      narrowed.map((authority) => [`${authority.permission} ${authority.argument ?? ''}`, authority]),
    ).values(),
  ];
}
