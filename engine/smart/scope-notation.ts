/** SMART scopes as values: SMART App Launch 2.2, "Scopes and Launch Context", in its v1 and v2 notations. */

export type PermissionLetter = 'c' | 'r' | 'u' | 'd' | 's';
export type ScopeContext = 'patient' | 'user' | 'system';

export interface ResourceScope {
  readonly kind: 'resource';
  readonly context: ScopeContext;
  /** A FHIR resource type, or `*` for all of them, present and future. */
  readonly resourceType: string;
  /** In the order c r u d s, each once, never empty. */
  readonly permissions: readonly PermissionLetter[];
  /** Search parameters, all of which a resource must meet. Empty: no constraint. Kept as written, not decoded. */
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly notation: 'v1' | 'v2';
}

export interface LaunchScope {
  readonly kind: 'launch';
  /** Lower case as in `launch/patient`; absent for `launch` alone. */
  readonly resourceType?: string;
  readonly role?: string;
}

export interface PlainScope {
  readonly kind: 'plain';
  readonly text: string;
}

export type Scope = ResourceScope | LaunchScope | PlainScope;

export interface MalformedScope {
  readonly kind: 'malformed';
  readonly text: string;
  readonly error: string;
}

/** All letters in the order SMART prescribes. */
export const PERMISSION_LETTERS: readonly PermissionLetter[] = ['c', 'r', 'u', 'd', 's'];

const V1_PERMISSIONS: Readonly<Record<string, readonly PermissionLetter[]>> = {
  read: ['r', 's'],
  write: ['c', 'u', 'd'],
  '*': PERMISSION_LETTERS,
};

// RFC 6749 section 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ).
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const RESOURCE = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]{0,63})\.([a-z]+|\*)(?:\?(.*))?$/;
const LAUNCH = /^launch(?:\/([A-Za-z]{1,64})(?:\?role=([^&?]+))?)?$/;
const QUERY_NAME = /^[A-Za-z_][A-Za-z0-9_.:-]*$/;

function malformed(text: string, error: string): MalformedScope {
  return { kind: 'malformed', text, error };
}

function parseQuery(text: string): [string, string][] | undefined {
  const pairs: [string, string][] = [];
  for (const part of text.split('&')) {
    const cut = part.indexOf('=');
    const name = part.slice(0, Math.max(cut, 0));
    const value = part.slice(cut + 1);
    if (cut < 1 || value === '' || !QUERY_NAME.test(name)) return undefined;
    pairs.push([name, value]);
  }
  return pairs;
}

function parseResource(text: string): ResourceScope | MalformedScope {
  const match = RESOURCE.exec(text);
  if (!match) return malformed(text, 'A resource scope reads context/Type.permissions, e.g. patient/Observation.rs');
  const [, context, resourceType, letters, queryText] = match as unknown as [
    string,
    ScopeContext,
    string,
    string,
    string?,
  ];
  const older = Object.hasOwn(V1_PERMISSIONS, letters) ? V1_PERMISSIONS[letters] : undefined;
  // Out of order or unknown letters are refused, never guessed at: `.read` must not become r and d.
  if (!older && !/^c?r?u?d?s?$/.test(letters))
    return malformed(text, 'Permissions are letters of cruds in that order, or read, write or *');
  if (older && queryText !== undefined) return malformed(text, 'Only permissions written as letters take a query');
  const query = queryText === undefined ? [] : parseQuery(queryText);
  if (!query) return malformed(text, 'The query reads ?name=value, joined by &');
  const permissions = older ?? PERMISSION_LETTERS.filter((letter) => letters.includes(letter));
  return { kind: 'resource', context, resourceType, permissions, query, notation: older ? 'v1' : 'v2' };
}

/**
 * Reads one scope.
 * @returns The scope, or a value of kind `malformed` with a sentence in `error`; it never throws.
 */
export function parseScope(text: string): Scope | MalformedScope {
  if (!SCOPE_TOKEN.test(text))
    return malformed(text, 'A scope is printable ASCII without spaces, double quotes and backslashes');
  if (/^(patient|user|system)\//.test(text)) return parseResource(text);
  if (text !== 'launch' && !text.startsWith('launch/')) return { kind: 'plain', text };
  const match = LAUNCH.exec(text);
  if (!match) return malformed(text, 'A launch scope reads launch or launch/type, e.g. launch/patient');
  return {
    kind: 'launch',
    ...(match[1] === undefined ? {} : { resourceType: match[1] }),
    ...(match[2] === undefined ? {} : { role: match[2] }),
  };
}

/** Reads a space-separated list (RFC 6749 section 3.3); extra spaces are forgiven. */
export function parseScopeList(text: string): (Scope | MalformedScope)[] {
  return text
    .split(' ')
    .filter((token) => token !== '')
    .map(parseScope);
}

function formatPermissions(scope: ResourceScope): string {
  const letters = scope.permissions.join('');
  if (scope.notation === 'v1' && scope.query.length === 0) {
    if (letters === 'rs') return 'read';
    if (letters === 'cud') return 'write';
    if (letters === 'cruds') return '*';
  }
  return letters;
}

/** Writes a scope. One in v1 notation whose permissions v1 cannot say (e.g. `r` alone) comes out in v2. */
export function formatScope(scope: Scope): string {
  if (scope.kind === 'plain') return scope.text;
  if (scope.kind === 'launch') {
    const type = scope.resourceType === undefined ? '' : `/${scope.resourceType}`;
    return `launch${type}${scope.role === undefined ? '' : `?role=${scope.role}`}`;
  }
  const query = scope.query.map(([name, value]) => `${name}=${value}`).join('&');
  return `${scope.context}/${scope.resourceType}.${formatPermissions(scope)}${query === '' ? '' : `?${query}`}`;
}
